"""Adam hides a vanishing gradient: it divides the size out, as long as |g| is above its ε.

From Xavier's start the gradient δ = ∂L/∂z of a ReLU net falls by √½ per layer. After twenty layers gradient
descent stands still. Adam's first step is

    Δw = −lr · g/(|g| + ε)          about ± lr for all |g| ≫ ε,  but −lr · g/ε for |g| ≪ ε

so that a weight with |g| = 10⁻⁵ moves as fast as one with |g| = 1. The loss falls, and nothing in its curve
says that the start was wrong. But the right start, He's, is well ahead of it. And the net must not vanish
further: with σ_w² = 1/3 most |g| are below ε = 10⁻⁸, and Adam stands still too. A smaller ε gets it going.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

import tinygrad_stab as torch
from demos.digits import BLIND_LOSS, Digits, load_digits
from demos.experiment import Claim, Config, Result, Within, above, below
from demos.notebook import present
from demos.style import Figure, band, legend, panels, prediction
from demos.training import plain_net, smooth, train
from tinygrad_stab import nn

SOURCE = "Kingma & Ba 2015, alg. 1"

ε, SMALL = 1e-8, 1e-15  # Adam's default, and a smaller one
NETS = {  # σ_w², and Adam's ε; None: gradient descent
    "Xavier, SGD": (1, None),
    "Xavier": (1, ε),
    "He": (2, ε),
    "σ_w² = 1/3": (1 / 3, ε),
    "σ_w² = 1/3, ε = 10⁻¹⁵": (1 / 3, SMALL),
}


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    depth: int = 20
    width: int = 48
    lr: float = 1e-3  # Adam's
    sgd_lr: float = 0.05
    steps: int = 200
    data: str = "digits"


FAST = dict(seeds=(0,))


# %% The experiment
def first_step(g: np.ndarray, optimizer: type) -> np.ndarray:
    """How far weights with these gradients move in the first step, relative to the learning rate."""
    w = torch.zeros(len(g), requires_grad=True)
    w.grad = torch.tensor(g)
    optimizer([w], lr=1.0).step()
    return -w.detach().numpy()


@dataclass
class Trained:
    size: float  # the median |∂L/∂w| before training
    kept: float  # ‖∂L/∂z‖, first over last layer, before training
    losses: np.ndarray  # at every step, averaged over the last 20


def train_one(seed: int, weight_var: float, eps: float | None, setup: Setup) -> Trained:
    torch.manual_seed(seed)
    data = load_digits(seed, setup.data)
    sizes = [data.pixels, *[setup.width] * (setup.depth - 1), 10]
    model = plain_net(sizes, nn.ReLU(), lambda W: nn.init.normal_(W, std=(weight_var / W.shape[1]) ** 0.5))
    size, kept = gradients(model, data)
    adam = dict(lr=setup.lr, optimizer=partial(torch.optim.Adam, eps=eps))
    how = dict(lr=setup.sgd_lr, clip=2.0) if eps is None else adam
    return Trained(size, kept, smooth(train(model, data, steps=setup.steps, **how), 20))


def gradients(model: nn.Sequential, data: Digits) -> tuple[float, float]:
    """The median |∂L/∂w|, and ‖∂L/∂z‖ of the first layer over that of the last, for a hundred images."""
    h, zs = data.x_train[:100], []
    for layer in model:
        h = layer(h)
        if isinstance(layer, nn.Linear):
            zs.append(h)
    weights = [layer.weight for layer in model if isinstance(layer, nn.Linear)]
    loss = nn.functional.cross_entropy(h, data.y_train[:100])
    first, last, *Gs = torch.autograd.grad(loss, [zs[0], zs[-1], *weights])
    sizes = np.concatenate([np.abs(G.numpy()).ravel() for G in Gs])
    return float(np.median(sizes)), (first.norm() / last.norm()).item()


def run(setup: Setup) -> Result:
    runs = {name: [train_one(seed, *net, setup) for seed in setup.seeds] for name, net in NETS.items()}
    loss = {name: np.array([trained.losses[-1] for trained in runs[name]]) for name in NETS}
    sizes = np.array([1e-2, 1e-6, 1e-8, 1e-10])
    steps = zip(sizes, first_step(sizes, torch.optim.Adam), sizes / (sizes + ε))
    first, fall = "Kingma & Ba 2015, alg. 1, at t = 1", "‖δ‖ falls by √(σ_w²/2) per layer"
    hides, gap = "Adam hides what is above its ε", "between the nets that learn and those that do not"
    # fmt: off
    claims = [
        *(Claim(f"first step over lr, |g| = {size:g}", [found], right, Within(1e-10), first, "an identity")
          for size, found, right in steps),
        *(Claim(f"{name}: ‖δ‖, first over last layer", [trained.kept for trained in runs[name]],
                (NETS[name][0] / 2) ** ((setup.depth - 1) / 2), limit, fall, "between the two starts")
          for name, limit in (("Xavier", below(0.02)), ("He", above(0.2)))),
        *(Claim(f"{name}: median |∂L/∂w|", [trained.size for trained in runs[name]], predicted, limit, hides,
                "ε = 1e-8 lies far from both")
          for name, predicted, limit in (("Xavier", "> ε", above(ε)), ("σ_w² = 1/3", "< ε", below(ε)))),
        *(Claim(f"{name}: loss", loss[name], BLIND_LOSS if limit.low > 0 else "learns", limit, hides, gap)
          for name, limit in (("Xavier, SGD", above(1.6)), ("Xavier", below(1.6)),
                              ("σ_w² = 1/3", above(2.18)), ("σ_w² = 1/3, ε = 10⁻¹⁵", below(2.18)))),
        Claim("loss from He's start over Xavier's, Adam", loss["He"] / loss["Xavier"], "< 1", below(0.9),
              "what is hidden still costs", "seed by seed"),
    ]
    # fmt: on
    return Result(claims, runs)


# %% The figure
def draw(setup: Setup, runs: dict) -> Figure:
    figure, (left, right) = panels(2)
    g = np.geomspace(1e-13, 1, 200)
    for law in (g, g / (g + ε), g / (g + SMALL)):
        prediction(left, g, law)
    for k, (name, (_, eps)) in enumerate(NETS.items()):
        optimizer = torch.optim.SGD if eps is None else partial(torch.optim.Adam, eps=eps)
        median = np.array([np.median([trained.size for trained in runs[name]])])
        left.plot(median, first_step(median, optimizer), linestyle="")
        losses = [trained.losses for trained in runs[name]]
        band(right, np.arange(setup.steps), losses, label=name, markevery=(10 * k, 50))
    left.set(title="first step/lr, at the median |g|", xlabel="|g| = |∂L/∂w|", xscale="log", yscale="log")
    prediction(right, [0, setup.steps], [BLIND_LOSS] * 2, label="theory (right: blind guess)")
    right.set(title="training loss", xlabel="step", ylim=(0, 2.6))
    legend(figure, right)
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
