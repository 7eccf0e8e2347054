"""A skip connection keeps the gradient from vanishing, and lets it explode, unless the branch is scaled.

A block is x + s · branch(x). If branch and skip both keep the size of the gradient, they are uncorrelated at
the start, and the block multiplies E ‖gradient‖² by 1 + s². Over L blocks:

    s = 1           2ᴸ              "1 + 1 = 2": for the norm 10⁷ after 50 blocks, 10¹⁵ after 100
    s = 1/√L        (1 + 1/L)ᴸ      never more than e, however deep
    branch 0        1               the last matrix of the branch starts at 0
    BatchNorm       Π (1 + r c/(1 + c l)), l < L     about Lʳ: a power, no exponential

With BatchNorm first in the branch, Var x grows by c = 1 − 1/π a block, and the branch, which sees x divided
by its deviation, counts less and less. Here r is the rate at which a plain net with BatchNorm explodes, 1.47
for large batches (`bn_explodes.py`): there the base of an exponential, here the exponent of a power.
"""

from dataclasses import dataclass

import numpy as np

import tinygrad_stab as torch
from demos.experiment import Claim, Config, Result, Within, over_seeds
from demos.notebook import present
from demos.style import Figure, band, decades, legend, panels, prediction
from tinygrad_stab import nn
from tinygrad_stab.stability import theory

SOURCE = "He et al. 2016, eqs. 3–8; Yang & Schoenholz 2017; Zhang et al. 2019 (zero start); De & Smith 2020"


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    depth: tuple[int, ...] = (5, 10, 20, 50, 100)  # blocks
    width: int = 128
    batch: int = 64


FAST = dict(seeds=(0,))
KINDS = ("s = 1", "s = 1/√L", "branch 0", "BatchNorm")


def law(kind: str, L: int, batch: int) -> float:
    """What L blocks multiply ‖gradient‖ by."""
    if kind == "BatchNorm":
        r, c = theory.batchnorm_gradient_rate("relu", batch), 1 - 1 / np.pi
        return float(np.prod(1 + r * c / (1 + c * np.arange(L))) ** 0.5)
    s = {"s = 1": 1.0, "s = 1/√L": L**-0.5, "branch 0": 0.0}[kind]
    return (1 + s * s) ** (L / 2)


def branch(kind: str, x: torch.Tensor, blocks: int) -> torch.Tensor:
    """W₂ relu(W₁ x), scaled; or W relu(BatchNorm(x)). All weights keep the variance of what they see."""
    width = x.shape[1]
    first, second = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
    nn.init.kaiming_normal_(first.weight, nonlinearity="relu")
    nn.init.kaiming_normal_(second.weight, nonlinearity="linear")
    if kind == "BatchNorm":
        return first(nn.BatchNorm1d(width, affine=False)(x).relu())
    if kind == "branch 0":
        nn.init.zeros_(second.weight)
    return (blocks**-0.5 if kind == "s = 1/√L" else 1.0) * second(first(x).relu())


# %% The experiment
def growth(kind: str, blocks: int, setup: Setup) -> float:
    """‖gradient‖ at the bottom over that at the top."""
    bottom = x = torch.randn(setup.batch, setup.width).requires_grad_()
    for _ in range(blocks):
        x = x + branch(kind, x, blocks)
    g = torch.randn_like(x)
    return (torch.autograd.grad(x, [bottom], g)[0].norm() / g.norm()).item()


def run(setup: Setup) -> Result:
    grown = {kind: np.array([over_seeds(setup, growth, kind, L) for L in setup.depth]) for kind in KINDS}
    laws = {kind: np.array([law(kind, L, setup.batch) for L in setup.depth]) for kind in KINDS}
    powers, power = (np.polyfit(np.log(setup.depth), np.log(y["BatchNorm"]), 1)[0] for y in (grown, laws))
    sums, product = "1 + s² per block", "Π (1 + r c/(1 + c l)), with r of a plain net with BatchNorm"
    one_net = "four standard deviations of one net"
    found, law_at = ({kind: y[kind][-1] for kind in KINDS} for y in (grown, laws))
    at = f"{setup.depth[-1]} blocks: growth"
    # fmt: off
    claims = [
        Claim(f"s = 1, {at}, log₁₀", np.log10(found["s = 1"]), np.log10(law_at["s = 1"]), Within(0.05),
              sums, one_net),
        Claim(f"s = 1/√L, {at}", found["s = 1/√L"], law_at["s = 1/√L"], Within(0.07), sums, one_net),
        Claim(f"branch 0, {at}", found["branch 0"], 1.0, Within(1e-10), sums, "an identity"),
        Claim(f"BatchNorm, {at}", found["BatchNorm"], law_at["BatchNorm"], Within(0.16), product, one_net),
        Claim("BatchNorm, growth ~ Lᵖ: p", powers, power, Within(0.08), product, one_net),
    ]
    # fmt: on
    return Result(claims, grown)


# %% The figure
def draw(setup: Setup, grown: dict) -> Figure:
    figure, axes = panels(2)
    blocks = np.unique(np.geomspace(setup.depth[0], setup.depth[-1], 30).astype(int))
    for kind in KINDS:
        predicted = [law(kind, L, setup.batch) for L in blocks]
        for ax in axes:
            band(ax, setup.depth, grown[kind].T, label=kind)
            prediction(ax, blocks, predicted)
    axes[0].set(title="s = 1 grows exponentially", yscale="log", ylabel="‖gradient‖, bottom over top")
    decades(axes[0], 5)
    axes[1].set(title="enlarged: BatchNorm grows as a power", xscale="log", yscale="log", ylim=(0.7, 40))
    axes[1].set_xticks(setup.depth, map(str, setup.depth))
    axes[1].minorticks_off()
    for ax in axes:
        ax.set_xlabel("residual blocks L")
    axes[0].lines[-1].set_label("theory")
    legend(figure, axes[0])
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
