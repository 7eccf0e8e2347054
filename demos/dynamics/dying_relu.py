"""A long step or a negative bias kills ReLU units, and a leak of 0.01 does not revive them.

A unit that is silent for every image has slope 0 for all of them: no gradient reaches its weights, and it
stays silent. A step too long throws units there. So does a bias b: from He's start an image x gives
z ~ N(b, σ²) with σ² = 2 ‖x‖²/n, negative with probability Φ(−b/σ).

A leaky ReLU has slope α there. But a layer then lets through α of the signal on the way up and α of the
gradient on the way down; two layers with α = 0.01 leave 10⁻⁴ of it: alive, and too slow to learn. With
α = 0.2, or ELU, it learns; LayerNorm and BatchNorm subtract the bias, whatever it is. Where the step is too
long, a leaky net diverges: only the slope 0 kept the ReLU net from that.
"""

from dataclasses import dataclass
from functools import partial
from math import erfc, sqrt

import numpy as np

import tinygrad_stab as torch
from demos.digits import BLIND_ACCURACY, load_digits
from demos.experiment import Claim, Config, Result, Within, above, below
from demos.notebook import present
from demos.style import Figure, band, legend, panels, prediction
from demos.training import accuracy, minibatches
from tinygrad_stab import nn
from tinygrad_stab.stability import dead_units

SOURCE = "Maas et al. 2013 (leaky ReLU); Lu et al. 2020 (dying ReLU)"

CURES = {  # the activation, and what stands before it
    "ReLU": (nn.ReLU, nn.Identity),
    "leaky 0.01": (nn.LeakyReLU, nn.Identity),
    "leaky 0.2": (partial(nn.LeakyReLU, 0.2), nn.Identity),
    "ELU": (nn.ELU, nn.Identity),
    "LayerNorm": (nn.ReLU, nn.LayerNorm),
    "BatchNorm": (nn.ReLU, nn.BatchNorm1d),
}
SWEPT = ("ReLU", "leaky 0.01")


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    width: int = 64
    lr: tuple[float, ...] = (0.1, 0.3, 1.0, 2.0, 3.0)  # of nets with the bias nearest to 0
    bias: tuple[float, ...] = (0.0, -1.0, -2.0, -3.0)  # of nets with the shortest step
    steps: int = 200
    data: str = "digits"


FAST = dict(seeds=(0,), lr=(0.1, 3.0), bias=(0.0, -3.0))


def hidden_layer(n: int, units: int, bias: float) -> nn.Linear:
    """He's start, but for the bias."""
    layer = nn.Linear(n, units)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.constant_(layer.bias, bias)
    return layer


# %% The experiment
def train_one(seed: int, cure: str, lr: float, bias: float, setup: Setup) -> tuple[float, float]:
    """The share of units that never fire, and the accuracy; NaN and 0 if the loss diverges."""
    torch.manual_seed(seed)
    data, (φ, norm), layers = load_digits(seed, setup.data), CURES[cure], []
    for n in (data.pixels, setup.width):
        layers += [hidden_layer(n, setup.width, bias), norm(setup.width), φ()]
    model = nn.Sequential(*layers, nn.Linear(setup.width, 10))
    descent = torch.optim.SGD(model.parameters(), lr=lr)
    for x, y in minibatches(data, 32, setup.steps):
        descent.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        if not loss.item() < 1e30:
            return np.nan, 0.0
        loss.backward()
        descent.step()
    dead = np.mean([unit.state == "dead" for unit in dead_units(model, data.x_train).rows])
    return dead, accuracy(model, data.x_test, data.y_test)


def silent(bias: float, setup: Setup) -> tuple[list[float], float]:
    """The share of zeros in a first layer with many units, for every seed; and what theory predicts."""
    x, found = load_digits(0, setup.data).x_train, []
    for seed in setup.seeds:
        torch.manual_seed(seed)
        found.append((hidden_layer(x.shape[1], 2000, bias)(x) <= 0).double().mean().item())
    σ = (2 * x.square().mean(1)).sqrt().tolist()
    return found, float(np.mean([erfc(bias / s / sqrt(2)) / 2 for s in σ]))  # Φ(−b/σ)


def run(setup: Setup) -> Result:
    short, long, low, near = min(setup.lr), max(setup.lr), min(setup.bias), max(setup.bias)
    cells = {(cure, lr, near) for cure in SWEPT for lr in setup.lr}
    cells |= {(cure, short, bias) for cure in SWEPT for bias in setup.bias}
    cells |= {(cure, short, low) for cure in CURES}
    runs = {cell: np.array([train_one(s, *cell, setup) for s in setup.seeds]) for cell in cells}
    zeros = {bias: silent(bias, setup) for bias in setup.bias}
    gap = "between the nets that live and those that do not"
    shares, blind = {short: ("few", below(0.2)), long: ("most", above(0.6))}, (BLIND_ACCURACY, below(0.4))
    # fmt: off
    thrown, kept = "silent for all images: no gradient", "slope α: the net goes on; 0 if it diverges"
    slow, fast, centred = "α² = 10⁻⁴ for two layers", "α is large enough", "z − mean z: no bias is left"
    revived = {"ReLU": (*blind, thrown), "leaky 0.01": (*blind, slow),
               "leaky 0.2": ("learns", above(0.5), fast), "ELU": ("learns", above(0.5), fast),
               "LayerNorm": ("learns", above(0.7), centred), "BatchNorm": ("learns", above(0.7), centred)}
    claims = [
        *(Claim(f"b = {b:g}: share of zeros", *zeros[b], Within(0.06),
                "Φ(−b/σ), averaged over the images", "four standard deviations of one layer") for b in zeros),
        *(Claim(f"lr {lr:g}: share that never fires", runs["ReLU", lr, near][:, 0], *share, thrown, gap)
          for lr, share in shares.items()),
        *(Claim(f"lr {long:g}, {cure}: accuracy", runs[cure, long, near][:, 1], *blind, by, gap)
          for cure, by in zip(SWEPT, (thrown, kept))),
        *(Claim(f"b = {low:g}, {cure}: accuracy", runs[cure, short, low][:, 1], *outcome, gap)
          for cure, outcome in revived.items()),
    ]
    # fmt: on
    return Result(claims, (runs, zeros))


# %% The figure
def draw(setup: Setup, data: tuple) -> Figure:
    runs, zeros = data
    short, low, near = min(setup.lr), min(setup.bias), max(setup.bias)
    figure, (by_lr, by_bias, cures) = panels(3)
    lines = [("ReLU", 0, "units that never fire"), ("ReLU", 1, "accuracy")]
    for cure, k, label in [*lines, ("leaky 0.01", 1, "accuracy, leaky 0.01")]:
        at_lr = [100 * runs[cure, lr, near][:, k] for lr in setup.lr]
        at_bias = [100 * runs[cure, short, bias][:, k] for bias in setup.bias]
        for ax, knob, found in ((by_lr, setup.lr, at_lr), (by_bias, setup.bias, at_bias)):
            band(ax, knob, np.transpose(found), label=label, linestyle=":" if "leaky" in cure else "-")
    band(by_bias, list(zeros), 100 * np.transpose([found for found, _ in zeros.values()]), label="zeros")
    prediction(by_bias, list(zeros), [100 * p for _, p in zeros.values()], label="theory")
    by_lr.set(title="a step too long", xlabel="learning rate", xscale="log", ylabel="per cent")
    by_bias.set(title="a negative bias", xlabel="bias at the start")
    by_bias.invert_xaxis()
    cures.barh(list(CURES), [100 * np.median(runs[cure, short, low][:, 1]) for cure in CURES])
    cures.set(title=f"accuracy from bias {low:g}".replace("-", "−"), xlabel="per cent", xlim=(0, 100))
    cures.invert_yaxis()
    legend(figure, by_bias)
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
