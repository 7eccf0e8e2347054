"""A deep and narrow ReLU net is most likely dead before its first step.

A layer of n units silences an input if all of its n pre-activations are negative. With symmetric weights and
no biases that has probability 2⁻ⁿ, whatever arrives. That at least one of L layers does it has

    P = 1 − (1 − 2⁻ⁿ)^L          n = 2, L = 10: 94 %;   n = 8, L = 50: 18 %;   n = 64, L = 50: 3·10⁻¹⁸

The whole net is dead if this happens for every input. On the line that is two inputs, for f is homogeneous:
f(x) = |x| f(±1). In a dead net the weights above the silent layer receive nothing but zeros, and those below
it no gradient. So nothing will ever move, whatever the optimizer and its step. What helps is width.
"""

from dataclasses import dataclass
from math import ceil

import numpy as np

import tinygrad_stab as torch
from demos.experiment import Claim, Config, Result, Within, above, over_seeds
from demos.notebook import present
from demos.style import Figure, band, legend, panels, prediction

SOURCE = "Lu et al. 2020, “Dying ReLU and initialization”: the bound, and the net of width 2 and depth 10"


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    width: tuple[int, ...] = (2, 3, 4, 5, 8)
    depth: int = 20
    nets: int = 4000


FAST = dict(seeds=(0,))


# %% The experiment
def measure(width: int, setup: Setup) -> tuple[np.ndarray, np.ndarray, int]:
    """The share of nets dead for x = 1, and for x = ±1, by depth; the nets that are dead and yet have a
    gradient, or the reverse."""
    h, weights, silent = torch.tensor([[1.0, -1.0]]), [], []  # the inputs are columns
    for _ in range(setup.depth):
        n_in = h.shape[-2]
        weights.append((torch.randn(setup.nets, width, n_in) * (2 / n_in) ** 0.5).requires_grad_())
        h = (weights[-1] @ h).relu()
        silent.append((h == 0).numpy().all(axis=1))
    one, every = np.array(silent)[:, :, 0], np.array(silent).all(axis=2)
    gradients = torch.autograd.grad(h.sum(), weights)
    still = np.all([(g == 0).numpy().all(axis=(1, 2)) for g in gradients], axis=0)
    return one.mean(axis=1), every.mean(axis=1), int((still != every[-1]).sum())


def predicted(width: int, depth: int | np.ndarray) -> float | np.ndarray:
    """The probability that one of so many layers silences an input."""
    return 1 - (1 - 2.0**-width) ** depth


def run(setup: Setup) -> Result:
    runs = {width: over_seeds(setup, measure, width) for width in setup.width}
    narrow, few = min(setup.width), min(10, setup.depth)
    claims = []
    for width in setup.width:
        P = predicted(width, setup.depth)
        deviation = ((1 - P) / (P * setup.nets)) ** 0.5  # of the share of dead nets, relative to P
        claims.append(Claim(
            f"dead for one input, n = {width}", [one[-1] for one, _, _ in runs[width]], P,
            Within(ceil(4000 * deviation) / 1000), "P = 1 − (1 − 2⁻ⁿ)^L",
            "four standard deviations of the share of so many nets",
        ))  # fmt: skip
    # fmt: off
    claims += [
        Claim(f"dead for every input, n = {narrow}, L = {few}",
              [every[few - 1] for _, every, _ in runs[narrow]], "> 0.9", above(0.88),
              "Lu et al. 2020: more than 90 % of their nets", "six standard deviations below the mean"),
        Claim("dead, but with a gradient; or the reverse",
              [wrong for width in setup.width for *_, wrong in runs[width]], 0, Within(1e-10),
              "the chain rule; number of nets", "an identity"),
    ]
    # fmt: on
    return Result(claims, runs)


# %% The figure
def draw(setup: Setup, runs: dict) -> Figure:
    figure, axes = panels(2, sharey=True)
    depths = np.arange(1, setup.depth + 1)
    for k, (ax, title) in enumerate(zip(axes, ("dead for one input", "dead for every input: x = ±1"))):
        for width in setup.width:
            band(ax, depths, [100 * run[k] for run in runs[width]], label=f"n = {width}", markevery=4)
            prediction(ax, depths, 100 * predicted(width, depths))
        ax.set(title=title, xlabel="layers L", ylim=(0, 104))
        ax.xaxis.get_major_locator().set_params(integer=True)
    axes[0].lines[-1].set_label(r"$1 - (1 - 2^{-n})^L$: theory, to the right a bound")
    axes[0].set_ylabel("dead nets, %")
    legend(figure, axes[0])
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
