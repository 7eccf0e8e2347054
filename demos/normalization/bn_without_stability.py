"""BatchNorm does not work by keeping distributions still: shaken at every step, it still trains.

The older story is that BatchNorm helps because each layer sees inputs whose distribution no longer shifts.
Santurkar et al. put it to the test: behind every BatchNorm, shift and stretch each unit at random, anew at
every step. The distributions are now less stable than in the plain net. By the older story this net should
train worse than the plain one. It trains nearly as well as the one with BatchNorm alone.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

import tinygrad_stab as torch
from demos.digits import BLIND_LOSS, load_digits
from demos.experiment import Claim, Config, Result, above, below
from demos.notebook import present
from demos.style import Figure, band, decades, legend, panels, prediction
from demos.training import smooth, train
from tinygrad_stab import nn

SOURCE = "Santurkar et al. 2018, Fig. 2; the older story: Ioffe & Szegedy 2015, sec. 2"


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    depth: int = 3
    width: int = 100
    lr: float = 0.3
    steps: int = 200
    shift: float = 1.0  # how far the noise moves a unit, and
    stretch: float = 0.5  # how far it stretches it, as a power of e
    data: str = "digits"


FAST = dict(seeds=(0,))
NETS = ("plain", "BatchNorm", "BatchNorm, shaken")


class Shaken(nn.Module):
    """a · x + b, with a = e^U(−stretch, stretch) and b = U(−shift, shift) for every unit, anew every time."""

    def __init__(self, shift: float, stretch: float) -> None:
        super().__init__()
        self.shift, self.stretch = shift, stretch

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        u, v = 2 * torch.rand(2, x.shape[1]) - 1
        return torch.exp(self.stretch * u) * x + self.shift * v


class Watched(nn.Sigmoid):
    """A sigmoid that remembers the mean of what entered each unit, at every step."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.means = [*getattr(self, "means", []), x.mean(0).detach().numpy()]
        return super().forward(x)


def network(kind: str, pixels: int, setup: Setup) -> nn.Sequential:
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise([pixels, *[setup.width] * setup.depth]):
        layers.append(nn.Linear(n_in, n_out))
        nn.init.normal_(layers[-1].weight, std=0.1)
        if kind != "plain":
            layers.append(nn.BatchNorm1d(n_out))
        if kind == "BatchNorm, shaken":
            layers.append(Shaken(setup.shift, setup.stretch))
        layers.append(Watched())
    return nn.Sequential(*layers, nn.Linear(setup.width, 10))


# %% The experiment
def learn(seed: int, kind: str, setup: Setup) -> tuple[np.ndarray, np.ndarray]:
    """At every step the averaged loss, and how far the mean input of a unit has moved since the last step."""
    torch.manual_seed(seed)
    data = load_digits(seed, setup.data)
    model = network(kind, data.pixels, setup)
    losses = train(model, data, lr=setup.lr, steps=setup.steps)
    moved = [np.abs(np.diff(m.means, axis=0)).mean(axis=1) for m in model if isinstance(m, Watched)]
    return smooth(losses, 20), np.mean(moved, axis=0)


def run(setup: Setup) -> Result:
    runs = {kind: [learn(seed, kind, setup) for seed in setup.seeds] for kind in NETS}
    loss = {kind: np.array([losses[-1] for losses, _ in runs[kind]]) for kind in NETS}
    shift = {kind: np.array([moved.mean() for _, moved in runs[kind]]) for kind in NETS}
    plain, normed, shaken = NETS
    fig2 = (
        "Santurkar et al. 2018, Fig. 2: with noise it trains as BatchNorm does, and faster than the plain net"
    )
    gap = "between the worst run with BatchNorm, shaken or not, and the best without"
    # fmt: off
    claims = [
        Claim("shift a step: shaken over plain", shift[shaken] / shift[plain], "> 1", above(5), fig2, gap),
        Claim("shift a step: BatchNorm over plain", shift[normed] / shift[plain], "< 1", below(0.1),
              "BatchNorm takes the mean of the batch away", gap),
        Claim("plain: loss", loss[plain], BLIND_LOSS, above(1.5), fig2, gap),
        Claim("BatchNorm: loss", loss[normed], "learns", below(0.5), fig2, gap),
        Claim("BatchNorm, shaken: loss", loss[shaken], "learns", below(0.5), fig2, gap),
    ]
    # fmt: on
    return Result(claims, runs)


# %% The figure
def draw(setup: Setup, runs: dict) -> Figure:
    figure, (left, right) = panels(2)
    for kind in NETS:
        band(left, np.arange(1, setup.steps), [moved for _, moved in runs[kind]], label=kind, markevery=40)
        band(right, np.arange(setup.steps), [losses for losses, _ in runs[kind]], label=kind, markevery=40)
    prediction(right, [0, setup.steps], [BLIND_LOSS] * 2)
    left.set(title="shift of a unit's mean input, per step", yscale="log", ylim=(1e-5, 3))
    decades(left, 1)
    right.set(title="training loss", ylim=(0, 3))
    for ax in (left, right):
        ax.set_xlabel("step")
    right.lines[-1].set_label("blind guess, ln 10")
    legend(figure, right)
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
