"""In LayerNorm the ε belongs under the root: added to the deviation, it lets a flat row explode.

Two ways to write it down. Both take the mean μ of a row off and divide by how far its n elements spread:

    by the book     y = (x − μ)/√(v + ε),  v = Σ (x − μ)²/n
    by hand         y = (x − μ)/(s + ε),   s = √(Σ (x − μ)²/(n − 1)), which is what `x.std()` gives

For an ordinary row they differ by √((n − 1)/n), which a learned γ makes up for. For a flat one, with elements
nearly the same, they do not even agree in size. Signal and gradient are divided by the denominator; where
there is no spread left, they are multiplied by

    by the book     1/√ε = 316             by hand     1/ε = 100 000             for ε = 10⁻⁵

So of a flat row, a blank patch or padding, the one makes next to nothing; the other takes its last digits for
a signal, and hands the layers before it a gradient 1/√ε times as large. Besides, √v has no slope at v = 0: it
depends on the library whether, by hand, a gradient comes back at all, or NaN.
"""

from dataclasses import dataclass

import numpy as np

import tinygrad_stab as torch
from demos.experiment import Claim, Config, Result, Within, over_seeds
from demos.notebook import present
from demos.style import Figure, band, decades, legend, panels, prediction
from tinygrad_stab import nn

SOURCE = "Ba, Kiros & Hinton 2016, eqs. 3 and 4; Ioffe & Szegedy 2015, Alg. 1 (ε under the root)"


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    width: tuple[int, ...] = (2, 4, 8, 64, 512)  # n, for ordinary rows
    flat_width: int = 64  # n, for flat ones
    eps: float = 1e-5


FAST = dict(seeds=(0,))
SPREADS = np.geomspace(1e-9, 1e2, 23)  # of a row: √v


def by_the_book(x: torch.Tensor, eps: float) -> torch.Tensor:
    return nn.LayerNorm(x.shape[-1], eps=eps, elementwise_affine=False)(x)


def by_hand(x: torch.Tensor, eps: float) -> torch.Tensor:
    return (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + eps)


WAYS = {"by the book": by_the_book, "by hand": by_hand}


# %% The experiment
def shrinks(n: int, setup: Setup) -> float:
    """By hand over by the book, for an ordinary row without ε."""
    x = torch.randn(n)
    return (by_hand(x, 0).norm() / by_the_book(x, 0).norm()).item()


def spread_and_gain(way: str, setup: Setup) -> np.ndarray:
    """For a row of every spread: the spread of the output, and the largest gain of a gradient through it."""
    u, found = by_the_book(torch.randn(setup.flat_width), 0), []
    for spread in SPREADS:
        x = spread * u
        jacobian = torch.autograd.functional.jacobian(lambda x: WAYS[way](x, setup.eps), x)
        y = WAYS[way](x, setup.eps)
        found.append([y.numpy().std(), np.linalg.norm(jacobian.numpy(), ord=2)])
    return np.transpose(found)


def gain_law(way: str, spread: np.ndarray, setup: Setup) -> np.ndarray:
    """The factor across the row: on a signal of this spread, and on a gradient."""
    if way == "by the book":
        return 1 / np.sqrt(spread**2 + setup.eps)
    n = setup.flat_width
    return 1 / (spread * np.sqrt(n / (n - 1)) + setup.eps)


def gradient_of_a_constant(way: str, setup: Setup) -> torch.Tensor:
    x = torch.full((setup.flat_width,), 3.0).requires_grad_()
    g = torch.cos(torch.arange(setup.flat_width))
    return torch.autograd.grad(WAYS[way](x, setup.eps), [x], g)[0]


def run(setup: Setup) -> Result:
    shrunk = {n: over_seeds(setup, shrinks, n) for n in setup.width}
    found = {way: np.array(over_seeds(setup, spread_and_gain, way)) for way in WAYS}
    laws = {way: gain_law(way, SPREADS, setup) for way in WAYS}
    book, hand = (gradient_of_a_constant(way, setup).norm().item() for way in WAYS)
    formulas = {"by the book": "1/√(v + ε)", "by hand": "1/(s + ε)"}
    identity = "an identity"
    # fmt: off
    claims = [
        *(Claim(f"{n} elements: by hand over by the book", shrunk[n], ((n - 1) / n) ** 0.5, Within(1e-10),
                "√((n − 1)/n)", identity) for n in setup.width),
        *(Claim(f"{way}: spread of the output over theory, worst",
                worst(found[way][:, 0], SPREADS * laws[way]), 1.0, Within(1e-8), f"√v {formulas[way]}",
                identity) for way in WAYS),
        *(Claim(f"{way}: largest gain over theory, worst",
                worst(found[way][:, 1], laws[way]), 1.0, Within(1e-8), formulas[way], identity)
          for way in WAYS),
        Claim("constant row: ‖gradient‖, by hand over by the book", [hand / book], setup.eps**-0.5,
              Within(1e-10), "1/√ε", identity),
    ]
    # fmt: on
    return Result(claims, (shrunk, found))


def worst(runs: np.ndarray, law: np.ndarray) -> list[float]:
    """Of measured over predicted, for every seed, the one that is farthest from 1."""
    return [ratio[np.abs(ratio - 1).argmax()] for ratio in runs / law]


# %% The figure
def draw(setup: Setup, data: tuple) -> Figure:
    shrunk, found = data
    figure, (left, middle, right) = panels(3)
    n = np.geomspace(min(setup.width), max(setup.width), 100)
    ratios = np.transpose([shrunk[n] for n in setup.width])
    band(left, setup.width, ratios, color="C1", marker="s", linestyle="")
    prediction(left, n, np.sqrt((n - 1) / n))
    left.set(title="by hand over by the book", xscale="log", xlabel="elements in a row")
    left.set_xticks(setup.width, map(str, setup.width))
    left.minorticks_off()
    for way in WAYS:
        law = gain_law(way, SPREADS, setup)
        for ax, runs, predicted in zip((middle, right), found[way].swapaxes(0, 1), (SPREADS * law, law)):
            band(ax, SPREADS, runs, label=way, markevery=3)
            prediction(ax, SPREADS, predicted)
    for ax, title in ((middle, "spread of the output"), (right, "largest gain of a gradient")):
        ax.set(title=title, xscale="log", yscale="log", xlabel="spread of the row, √v")
        decades(ax, 2)
    right.lines[-1].set_label("theory")
    legend(figure, right)
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
