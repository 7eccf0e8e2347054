"""A skip alone does not let a hundred layers learn; with a branch that starts small, it does.

Fifty residual blocks x + s · W₂ relu(W₁ x), from He's start. `residual_growth.py` says what each variant does
to the gradient before training; here is what comes of it.

    plain           no skip: the gradient keeps its size on average, but all images come out alike
    s = 1           signal and gradient grow by 2^(L/2), and the images come out alike as well
    s = 1/√L        growth of at most √e, however deep
    branch 0        W₂ = 0: the net starts as the identity
    BatchNorm       first in the branch: beside a growing x it counts less and less
"""

from dataclasses import dataclass

import numpy as np

import tinygrad_stab as torch
from demos.digits import BLIND_LOSS, load_digits
from demos.experiment import Claim, Config, Result, above, below
from demos.notebook import present
from demos.style import Figure, band, legend, panels, prediction
from demos.training import accuracy, smooth, train
from tinygrad_stab import nn
from tinygrad_stab.stability import theory

SOURCE = "He et al. 2016 (skips); Zhang et al. 2019 (zero start); De & Smith 2020 (BatchNorm's part)"
KINDS = ("plain", "s = 1", "s = 1/√L", "branch 0", "BatchNorm")


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    seeds: tuple[int, ...] = (0, 1)
    blocks: int = 50  # of two layers
    width: int = 48
    lr: float = 0.05
    clip: float = 2.0
    steps: int = 45
    data: str = "digits"


FAST = dict(seeds=(0,), steps=30)
FULL = dict(steps=100)


class Block(nn.Module):
    """x + s · W₂ relu(W₁ x)."""

    def __init__(self, kind: str, setup: Setup) -> None:
        super().__init__()
        n = setup.width
        self.skip = kind != "plain"
        self.s = setup.blocks**-0.5 if kind == "s = 1/√L" else 1.0
        self.norm = nn.BatchNorm1d(n) if kind == "BatchNorm" else nn.Identity()
        self.first, self.second = nn.Linear(n, n), nn.Linear(n, n)
        nn.init.kaiming_normal_(self.first.weight, nonlinearity="relu")
        nn.init.kaiming_normal_(self.second.weight, nonlinearity="linear")
        if kind == "branch 0":
            nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.first.bias)
        nn.init.zeros_(self.second.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.second(self.first(self.norm(x)).relu())
        return x + self.s * y if self.skip else y


# %% The experiment
def learn(seed: int, kind: str, setup: Setup) -> tuple[np.ndarray, float, float]:
    """The averaged loss at every step, the accuracy in the end, and how alike images were before training."""
    torch.manual_seed(seed)
    data = load_digits(seed, setup.data)
    blocks = nn.Sequential(*(Block(kind, setup) for _ in range(setup.blocks)))
    model = nn.Sequential(nn.Linear(data.pixels, setup.width), blocks, nn.Linear(setup.width, 10))
    alike = mean_cosine(model[:2](data.x_train[:64]))
    losses = train(model, data, lr=setup.lr, clip=setup.clip, steps=setup.steps)
    return smooth(losses, 10), accuracy(model, data.x_test, data.y_test), alike


def mean_cosine(h: torch.Tensor) -> float:
    """The mean over all pairs of rows."""
    rows = h.detach().numpy()
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    n = len(rows)
    return ((rows @ rows.T).sum() - n) / (n * n - n)


def run(setup: Setup) -> Result:
    runs = {kind: [learn(seed, kind, setup) for seed in setup.seeds] for kind in KINDS}
    read, alike = ({kind: [run[k] for run in runs[kind]] for kind in KINDS} for k in (1, 2))
    c = 0.5
    for _ in range(setup.blocks):
        c = theory.correlation_map("relu", c, weight_var=2.0)
    poole = "the correlation map of ReLU, which brings any two inputs together"
    doubled = "1 + 1 = 2 a block, forward and backward"
    small = "the identity, and little beside it: neither lost, nor alike, nor grown"
    gap = "between the three that learn and the two that do not"
    # fmt: off
    claims = [
        Claim("plain: cosine of images, untrained", alike["plain"], c, above(0.9), poole, gap),
        Claim("plain: accuracy", read["plain"], "does not", below(0.4), poole, gap),
        Claim("s = 1: first loss", [losses[0] for losses, *_ in runs["s = 1"]], "explodes", above(1e3),
              doubled, gap),
        Claim("s = 1: accuracy", read["s = 1"], "does not", below(0.4), doubled, gap),
        *(Claim(f"{kind}: cosine of images, untrained", alike[kind], "apart", below(0.85), small, gap)
          for kind in KINDS[2:]),
        *(Claim(f"{kind}: accuracy", read[kind], "learns", above(0.5), small, gap) for kind in KINDS[2:]),
    ]
    # fmt: on
    return Result(claims, runs)


# %% The figure
def draw(setup: Setup, runs: dict) -> Figure:
    figure, (left, right) = panels(2, width_ratios=[1.6, 1])
    for k, kind in enumerate(KINDS):
        band(left, np.arange(setup.steps), [losses for losses, *_ in runs[kind]], label=kind, markevery=10)
        read = [100 * accuracy for _, accuracy, _ in runs[kind]]
        right.plot([k] * len(read), read, color=f"C{k}", marker="os^Dv"[k], linestyle="")
    prediction(left, [0, setup.steps], [BLIND_LOSS] * 2, label="blind guess")
    least = min(losses.min() for losses, *_ in runs["s = 1"])
    left.text(setup.steps, 13, f"s = 1: above $10^{int(np.log10(least))}$, off the scale", ha="right")
    left.set(title="training loss", xlabel="step", yscale="log", ylim=(0.3, 20))
    left.set_yticks([0.3, 1, 3, 10], ["0.3", "1", "3", "10"])
    left.minorticks_off()
    right.set(title="test accuracy, %", xlabel="block", ylim=(0, 100), xlim=(-0.5, 4.5))
    right.set_xticks(range(len(KINDS)), KINDS, rotation=30, ha="right")
    prediction(right, [-0.5, 4.5], [10, 10])
    legend(figure, left)
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
