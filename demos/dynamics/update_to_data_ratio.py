"""‖ΔW‖/‖W‖ means the same for SGD and Adam; their learning rates differ by a factor of 40.

How long a step is depends on the units. With a loss that is summed instead of averaged over n samples the
gradient is n times as long, so no limit on ‖gradient‖ tells an explosion. The same learning rate means
something else to each optimizer:

    SGD     ΔW = −lr g                  small where the gradient is small
    Adam    ΔW ≈ −lr sign(g)            lr for every weight, however small the gradient

The update-to-data ratio ‖ΔW‖/‖W‖ has no units: the share by which a step changes the weights. Runs with the
same ratio learn about equally fast. Ten to the minus three is the usual advice, and a safe one; this short
run of a small net does best with a ratio several times as large.
"""

from dataclasses import dataclass

import numpy as np

import tinygrad_stab as torch
from demos.digits import load_digits
from demos.experiment import Between, Claim, Config, Result, Within, above, below
from demos.notebook import present
from demos.style import Figure, band, legend, panels, prediction
from demos.training import minibatches
from tinygrad_stab import nn
from tinygrad_stab.stability import GradientMonitor

SOURCE = "Karpathy 2022, makemore part 4 (a ratio near 10⁻³); Kingma & Ba 2015, sec. 2.1 (Adam's step)"

USUAL = 1e-3  # the ratio that is usually advised


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    depth: int = 4
    width: int = 64
    lr_sgd: tuple[float, ...] = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
    lr_adam: tuple[float, ...] = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03)
    steps: int = 200
    data: str = "digits"


FAST = dict(seeds=(0,), lr_sgd=(0.001, 0.003, 0.01, 0.3), lr_adam=(0.0001, 0.0003, 0.001, 0.003))


def network(pixels: int, setup: Setup) -> nn.Sequential:
    layers = []
    for n in [pixels] + [setup.width] * (setup.depth - 2):
        layers += [nn.Linear(n, setup.width), nn.ReLU()]
        nn.init.kaiming_normal_(layers[-2].weight, nonlinearity="relu")
        nn.init.zeros_(layers[-2].bias)
    return nn.Sequential(*layers, nn.Linear(setup.width, 10))


# %% The experiment
def train_one(seed: int, optimizer: str, lr: float, setup: Setup) -> tuple[float, float]:
    """The loss in the end, NaN if it diverges; and ‖ΔW‖/‖W‖ of the hidden layers, in the median."""
    torch.manual_seed(seed)
    data, losses = load_digits(seed, setup.data), []
    model = network(data.pixels, setup)
    descent = getattr(torch.optim, optimizer)(model.parameters(), lr=lr)
    with GradientMonitor(model, every=10, on_warning=None) as monitor:
        for x, y in minibatches(data, 32, setup.steps):
            descent.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            losses.append(loss.item() if loss.item() < 1e6 else np.nan)
            if np.isnan(losses[-1]):
                break
            loss.backward()
            descent.step()
            monitor.step(loss)
    return np.mean(losses[-20:]), np.median([record.updates[:-1] for record in monitor.records])


def norms(seed: int, setup: Setup) -> list[float]:
    """‖gradient‖ at the start for all training images, with the loss averaged, and with it summed."""
    torch.manual_seed(seed)
    data = load_digits(seed, setup.data)
    model, found = network(data.pixels, setup), []
    for reduction in ("mean", "sum"):
        model.zero_grad()
        nn.functional.cross_entropy(model(data.x_train), data.y_train, reduction=reduction).backward()
        found.append(nn.utils.get_total_norm([p.grad for p in model.parameters()]).item())
    return found


def where(losses: np.ndarray, x: np.ndarray, goal: float = 1.0) -> float:
    """The x at which the loss first falls to the goal, interpolated; NaN if it does not."""
    k = int(np.argmax(losses < goal))
    return np.exp(np.interp(-goal, -losses[k - 1 : k + 1], np.log(x[k - 1 : k + 1]))) if k else np.nan


def run(setup: Setup) -> Result:
    rates = {"SGD": np.array(setup.lr_sgd), "Adam": np.array(setup.lr_adam)}
    runs = {  # by optimizer: (seeds, rates, (loss, ratio))
        name: np.array([[train_one(seed, name, lr, setup) for lr in lrs] for seed in setup.seeds])
        for name, lrs in rates.items()
    }
    lr = {name: np.array([where(r[:, 0], rates[name]) for r in runs[name]]) for name in runs}
    ratio = {name: np.array([where(*r.T) for r in runs[name]]) for name in runs}
    mean, total = np.transpose([norms(seed, setup) for seed in setup.seeds])
    n = len(load_digits(0, setup.data).y_train)
    units, adam = "the gradient is linear in the loss", "Adam's step is lr per weight, SGD's lr · g"
    both, usual = "what a step changes, whatever made it", "Karpathy's 10⁻³, a rule for long runs"
    gap, apart = "between the two optimizers", "far from what the rule of thumb expects"
    # fmt: off
    claims = [
        Claim("lr for loss 1: SGD over Adam", lr["SGD"] / lr["Adam"], "> 1", above(10), adam, apart),
        Claim("‖ΔW‖/‖W‖ for loss 1: SGD over Adam", ratio["SGD"] / ratio["Adam"], 1, Between(0.5, 1.7), both,
              "far from the factor between the learning rates"),
        *(Claim(f"{name}: ‖ΔW‖/‖W‖ of the best run", [r[np.nanargmin(r[:, 0]), 1] for r in runs[name]],
                f"{USUAL:g}", Between(2 * USUAL, 100 * USUAL), usual, "neither nothing nor all of W")
          for name in runs),
        *(Claim(f"{name}, lr 0.001: loss", runs[name][:, list(rates[name]).index(0.001), 0], outcome, limit,
                adam, gap)
          for name, outcome, limit in (("SGD", "stays up", above(1.5)), ("Adam", "learns", below(0.6)))
          if 0.001 in rates[name]),
        Claim("untrained: ‖gradient‖ of the summed loss", total, "> 100", above(500), units,
              "far above the 100 that is said to mean an explosion"),
        Claim("untrained: ‖gradient‖, summed over averaged", total / mean, n, Within(1e-8), units,
              "an identity"),
    ]
    # fmt: on
    return Result(claims, (rates, runs))


# %% The figure
def draw(setup: Setup, data: tuple) -> Figure:
    rates, runs = data
    figure, (by_lr, by_ratio) = panels(2, sharey=True)
    for name in runs:
        losses = runs[name][:, :, 0]
        band(by_lr, rates[name], losses)
        band(by_ratio, np.median(runs[name][:, :, 1], axis=0), losses, label=name)
    prediction(by_ratio, [USUAL] * 2, [0, 2.4], label="usual advice")
    by_lr.set(title="by learning rate", xlabel="learning rate", xscale="log", ylabel="loss in the end")
    by_ratio.set(title="by what a step changes", xlabel="‖ΔW‖/‖W‖", xscale="log", ylim=(0, 2.4))
    legend(figure, by_ratio)
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
