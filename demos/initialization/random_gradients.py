"""Even from He's start the gradient of a deep, narrow ReLU net is a matter of luck.

He's start keeps the mean of ‖g‖², where g is the gradient at a layer. In a single net ‖g‖² is a product of
random factors, one for each layer: with k active units of n, k ~ Bin(n, ½), the factor is

    2/n · χ²_k          mean 1, variance 5/n, mean of its logarithm about −5/(2n)

So ln ‖g‖² makes a random walk, and after L layers it is about N(−5/2 L/n, 5 L/n): what counts is depth over
width. For L = n two nets in three lie within a factor e^(√5/2) = 3.1 of the median of ‖g‖, for L = 4n within
e^√5 = 9.4, and the median itself is down to e⁻⁵. No other variance of the weights helps; width does.
"""

from dataclasses import dataclass
from math import ceil, comb, log, pi

import numpy as np

import tinygrad_stab as torch
from demos.experiment import Claim, Config, Result, Within, over_seeds
from demos.notebook import present
from demos.style import Figure, legend, panels, prediction

SOURCE = "Hanin 2018, “Which neural net architectures give rise to exploding and vanishing gradients?”"


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    width: tuple[int, ...] = (8, 16, 32)
    depth: int = 32
    nets: int = 400


FAST = dict(seeds=(0,))


# %% The experiment
def log_gradients(width: int, setup: Setup) -> np.ndarray:
    """ln ‖g‖² so many layers back from a random gradient, relative to it; a column for each net not dead."""
    h, hs = torch.randn(setup.nets, width, 1, requires_grad=True), []
    for _ in range(setup.depth):
        hs.append(h)
        h = (torch.randn(setup.nets, width, width) * (2 / width) ** 0.5 @ h).relu()
    gradients = torch.autograd.grad(h, [h, *reversed(hs)], torch.randn_like(h))
    squares = np.array([(g * g).sum((1, 2)).numpy() for g in gradients])
    alive = squares[:, squares[-1] > 0]
    return np.log(alive / alive[0])


def log_factor(width: int) -> tuple[float, float]:
    """The mean and the variance of ln(2/n · χ²_k), k ~ Bin(n, ½) and k > 0.

    ln χ²_k has mean ln 2 + ψ(k/2) and variance ψ′(k/2); ψ(x + 1) = ψ(x) + 1/x and ψ′(x + 1) = ψ′(x) − 1/x²
    lead down to their values at ½ and 1.
    """
    ψ = [-np.euler_gamma - 2 * log(2), -np.euler_gamma]  # at ½, 1, …
    dψ = [pi**2 / 2, pi**2 / 6]
    for k in range(1, width - 1):
        ψ.append(ψ[-2] + 2 / k)
        dψ.append(dψ[-2] - 4 / k**2)
    p = np.array([comb(width, k) / (2**width - 1) for k in range(1, width + 1)])
    mean = p @ ψ
    return float(mean + log(4 / width)), float(p @ dψ + p @ np.square(ψ - mean))


def run(setup: Setup) -> Result:
    walks = {width: over_seeds(setup, log_gradients, width) for width in setup.width}
    law, chance = "2/n · χ²_k, k ~ Bin(n, ½), k > 0: one factor a layer", "four standard deviations"
    steps, claims = setup.nets * setup.depth, []
    for width, runs in walks.items():
        mean, variance = log_factor(width)
        # fmt: off
        claims += [
            Claim(f"ln ‖g‖² per layer, n = {width}: mean", [walk[-1].mean() / setup.depth for walk in runs],
                  mean, share(4 * (variance / steps) ** 0.5 / -mean), law, chance),
            Claim(f"ln ‖g‖² per layer, n = {width}: variance", [np.diff(walk, axis=0).var() for walk in runs],
                  variance, share(12 / steps**0.5), law, chance),
            Claim(f"ln ‖g‖² at the bottom, n = {width}: deviation", [walk[-1].std() for walk in runs],
                  (setup.depth * variance) ** 0.5, share(4 / (2 * setup.nets) ** 0.5), law, chance),
        ]
        # fmt: on
    return Result(claims, walks)


def share(x: float) -> Within:
    """So large a tolerance, in whole per cents."""
    return Within(ceil(100 * x) / 100)


# %% The figure
def draw(setup: Setup, walks: dict) -> Figure:
    figure, (paths, chances, spreads) = panels(3)
    back, ends = np.arange(setup.depth + 1), (min(walks), max(walks))
    for k, (width, runs) in enumerate(walks.items()):
        nets = np.concatenate(runs, axis=1)
        if width in ends:
            paths.plot(back, np.exp(nets[:, :12] / 2), color=f"C{k}", marker="", alpha=0.7, linewidth=1)
        if width <= setup.depth:
            density, edges = np.histogram(nets[width], bins=27, range=(-12, 6), density=True)
            chances.stairs(density, edges, color=f"C{k}")
        spreads.plot(back / width, nets.var(axis=1), markevery=4, label=f"n = {width}")
        prediction(spreads, back / width, back * log_factor(width)[1])
    paths.set(title="‖g‖ in a dozen nets each", xlabel="layers back from the loss", yscale="log")
    u = np.linspace(-12, 6)
    prediction(chances, u, np.exp(-((u + 2.5) ** 2) / 10) / (10 * pi) ** 0.5)
    chances.set(title="all nets, L = n: density", xlabel="ln ‖g‖²")
    spreads.lines[-1].set_label("theory")
    spreads.set(title="variance of ln ‖g‖²", xlabel="L/n")
    legend(figure, spreads)
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
