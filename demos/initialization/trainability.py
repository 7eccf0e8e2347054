"""How deep a net can be trained is decided at its start: by the distance to the edge.

A tanh net multiplies E ‖δ‖² by χ at every layer, and two nearly equal inputs drift together or apart by the
same χ (see `order_and_chaos`). So signal and gradient reach

    ξ = 1/|ln χ| layers          infinitely many at the edge χ = 1, few in order and in chaos

Schoenholz et al. found nets to be trainable if they have no more than about 6 ξ layers, the dashed line. Here
too, for the same digits and steps, and with gradients clipped, so that chaos cannot simply diverge: at the
edge fifty layers begin to learn, with weights 0.6 or 1.9 times as large thirty do not.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

import tinygrad_stab as torch
from demos.digits import BLIND_ACCURACY, load_digits
from demos.experiment import Claim, Config, Result, above, below
from demos.notebook import present
from demos.style import Figure, heatmap, panels
from demos.training import accuracy, train
from tinygrad_stab import nn
from tinygrad_stab.stability import theory

SOURCE = "Schoenholz et al. 2017, Fig. 5"


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    weight_std: tuple[float, ...] = (0.8, 1.0, 1.33, 1.8, 2.5)  # σ_w
    depth: tuple[int, ...] = (10, 30, 50)
    bias_var: float = 0.05  # σ_b²
    width: int = 64
    lr: float = 0.1
    steps: int = 50
    data: str = "digits"


FAST = dict(seeds=(0,), weight_std=(0.8, 1.33, 2.5), depth=(30,))
FULL = dict(
    seeds=(0, 1, 2), steps=150, depth=(10, 20, 30, 45, 60),
    weight_std=(0.8, 0.9, 1.0, 1.15, 1.33, 1.5, 1.8, 2.1, 2.5),
)  # fmt: skip


# %% The experiment
def train_one(seed: int, σ_w: float, depth: int, setup: Setup) -> float:
    """The accuracy on the training set in the end."""
    torch.manual_seed(seed)
    data, layers = load_digits(seed, setup.data), []
    for n_in, n_out in pairwise([data.pixels, *[setup.width] * (depth - 1), 10]):
        linear = nn.Linear(n_in, n_out)
        nn.init.normal_(linear.weight, std=σ_w / n_in**0.5)
        nn.init.normal_(linear.bias, std=setup.bias_var**0.5)
        layers += [linear, nn.Tanh()]
    model = nn.Sequential(*layers[:-1])
    train(model, data, lr=setup.lr, clip=1.0, steps=setup.steps)
    return accuracy(model, data.x_train, data.y_train)


def run(setup: Setup) -> Result:
    runs = {
        (L, σ_w): np.array([train_one(seed, σ_w, L, setup) for seed in setup.seeds])
        for L in setup.depth
        for σ_w in setup.weight_std
    }
    edge = theory.critical_weight_var("tanh", setup.bias_var) ** 0.5
    near = min(setup.weight_std, key=lambda σ_w: abs(σ_w - edge))
    small, large = min(setup.weight_std), max(setup.weight_std)
    L = sorted(setup.depth)[len(setup.depth) // 2]
    by = "Schoenholz et al. 2017: trainable where the depth is a few ξ at most"
    gap = "between the edge and both sides, over all seeds"
    # fmt: off
    claims = [
        Claim(f"{L} layers, σ_w = {near:g}: accuracy", runs[L, near], "learns", above(0.4), by, gap),
        Claim(f"{L} layers, σ_w = {small:g}: accuracy", runs[L, small], BLIND_ACCURACY, below(0.25), by, gap),
        Claim(f"{L} layers, σ_w = {large:g}: accuracy", runs[L, large], BLIND_ACCURACY, below(0.25), by, gap),
    ]
    # fmt: on
    return Result(claims, runs)


# %% The figure
def draw(setup: Setup, runs: dict) -> Figure:
    figure, (ax,) = panels(1)
    σs, depths = setup.weight_std, setup.depth
    percent = np.array([[100 * np.median(runs[L, σ_w]) for σ_w in σs] for L in depths])
    words = [[f"{value:.0f}" for value in row] for row in percent]
    heatmap(ax, percent, words, low=0, high=100, raised=0.36, origin="lower")
    line = np.linspace(min(σs), max(σs), 100)
    reach = [6 * theory.depth_scale("tanh", σ_w**2, setup.bias_var) for σ_w in line]
    rows = np.interp(reach, [*depths, 2 * max(depths)], range(len(depths) + 1))
    columns = np.interp(line, σs, range(len(σs)))
    ax.plot(columns, rows, color="white", marker="")
    ax.plot(columns, rows, color="black", linestyle="--", marker="")
    ax.set_xticks(range(len(σs)), [f"{σ_w:g}" for σ_w in σs])
    ax.set_yticks(range(len(depths)), [str(L) for L in depths])
    ax.set(title="training accuracy, %; dashed: 6 ξ layers", xlabel="$σ_w$", ylabel="layers")
    ax.set_ylim(-0.5, len(depths) - 0.5)
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
