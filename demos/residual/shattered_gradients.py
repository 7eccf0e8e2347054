"""BatchNorm turns a deep net's gradient into white noise; a skip keeps it together.

How alike are the gradients of one output at two different inputs? They come down through the same weights,
but at each ReLU only where their own input fired. Two inputs whose correlation there is c fire together so
often that the overlap of the gradients, relative to their size, is multiplied by

    J′(c) = 1 − arccos(c)/π                J′(0) = ½,  J′(1) = 1

Through L layers, from inputs that are not related at all,

    plain                Π J′(c_l)             c_l goes to 1: inputs become alike, and the overlap is kept
    BatchNorm            2⁻ᴸ                   it takes off what inputs have in common: c = 0 in every layer
    BatchNorm, skip      Π (1 + t/2)/(1 + t)   t = 1/(1 + (1 − 1/π) l): only the branch is cut; about L^−0.73

Along a line of inputs it can be seen: a gradient of white noise says nothing about the next point. (Means and
deviations are held fixed when a gradient is taken; through them, inputs act on each other as well.)
"""

from dataclasses import dataclass

import numpy as np

import tinygrad_stab as torch
from demos.experiment import Claim, Config, Result, Within, above, below, over_seeds
from demos.notebook import present
from demos.style import Figure, band, legend, panels, prediction
from tinygrad_stab import nn
from tinygrad_stab.stability import theory

SOURCE = "Balduzzi et al. 2017, Figs. 1 and 2, Thms. 1 and 3 (with c = 0 in every layer)"


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    depth: int = 24  # of the nets whose gradient is drawn along a line
    width: int = 256
    points: int = 256  # on the line from −2 to 2
    samples: int = 128  # unrelated inputs
    directions: int = 8  # of a gradient at the top, averaged over


FAST = dict(seeds=(0,))
DEPTHS = {"plain": (1, 2, 5, 10), "BatchNorm": (1, 2, 4, 8), "BatchNorm, skip": (1, 2, 5, 10, 20, 50)}


def normalize(h: torch.Tensor) -> torch.Tensor:
    """BatchNorm, with mean and deviation held fixed when a gradient is taken."""
    fixed = h.detach()
    return (h - fixed.mean(0)) / fixed.std(0)


def stack(kind: str, h: torch.Tensor, depth: int) -> torch.Tensor:
    """Layers h → W relu(h) from He's start; with BatchNorm before the ReLU; and with the skip, h added."""
    for _ in range(depth):
        layer = nn.Linear(h.shape[1], h.shape[1], bias=False)
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        branch = layer((h if kind == "plain" else normalize(h)).relu())
        h = h + branch if kind == "BatchNorm, skip" else branch
    return h


# %% The experiment
def cosine(kind: str, depth: int, setup: Setup) -> float:
    """The mean cosine of the gradients at two unrelated inputs."""
    x = torch.randn(setup.samples, setup.width).requires_grad_()
    y, found = stack(kind, x, depth), []
    for _ in range(setup.directions):
        top = torch.randn(1, setup.width).expand(setup.samples, -1)
        g = torch.autograd.grad(y, [x], top, retain_graph=True)[0].numpy()
        g = g / np.linalg.norm(g, axis=1, keepdims=True)
        found.append(((g @ g.T).sum() - len(g)) / (len(g) ** 2 - len(g)))
    return float(np.mean(found))


def law(kind: str, depth: int, setup: Setup) -> float:
    c = 0.0 if kind == "plain" else -1 / (setup.samples - 1)  # a standardized batch sums up to 0
    overlap = 1.0
    for layer in range(depth):
        alike = 1 - np.arccos(c) / np.pi
        t = 1 / (1 + (1 - 1 / np.pi) * layer)
        overlap *= (1 + t * alike) / (1 + t) if kind == "BatchNorm, skip" else alike
        c = theory.correlation_map("relu", c, weight_var=2.0) if kind == "plain" else c
    return overlap


def along_a_line(kind: str, depth: int, setup: Setup) -> np.ndarray:
    """The gradient of one output at every point of a line, less its mean, of deviation 1."""
    x = torch.linspace(-2, 2, setup.points).reshape(-1, 1).requires_grad_()
    first, last = nn.Linear(1, setup.width), torch.randn(setup.width)
    nn.init.normal_(first.weight)
    nn.init.normal_(first.bias)
    output = (stack(kind, first(x), depth) * last).sum()
    g = torch.autograd.grad(output, [x])[0].numpy()[:, 0]
    return (g - g.mean()) / g.std()


def autocorrelation(g: np.ndarray, lags: int = 16) -> np.ndarray:
    """The correlation of g with itself, shifted by 0, 1, … points."""
    return np.array([np.sum(g[: len(g) - k] * g[k:]) for k in range(lags)]) / len(g)


def run(setup: Setup) -> Result:
    cosines = {kind: np.array([over_seeds(setup, cosine, kind, L) for L in DEPTHS[kind]]) for kind in DEPTHS}
    lines = {kind: over_seeds(setup, along_a_line, kind, setup.depth) for kind in DEPTHS}
    formulas = "Π J′(c_l)", "J′(c)ᴸ, c = −1/(samples − 1)", "Π (1 + t J′(c))/(1 + t), with the same c"
    white = "Balduzzi et al. 2017, Fig. 1: white noise with BatchNorm, but not with a skip as well"
    limits = {"plain": above(0.4), "BatchNorm": below(0.3), "BatchNorm, skip": above(0.5)}
    # fmt: off
    claims = [
        *(Claim(f"unrelated, {kind}, {DEPTHS[kind][-1]} layers: log₁₀ cosine", np.log10(cosines[kind][-1]),
                np.log10(law(kind, DEPTHS[kind][-1], setup)), Within(near), formula,
                "four standard deviations of one net")
          for kind, formula, near in zip(DEPTHS, formulas, (0.25, 0.1, 0.1))),
        *(Claim(f"neighbours, {kind}, {setup.depth} layers: correlation",
                [autocorrelation(g)[1] for g in lines[kind]], "noise" if kind == "BatchNorm" else "alike",
                limits[kind], white, "between BatchNorm and the others") for kind in DEPTHS),
    ]
    # fmt: on
    return Result(claims, (cosines, lines))


# %% The figure
def draw(setup: Setup, data: tuple) -> Figure:
    cosines, lines = data
    figure, (left, middle, right) = panels(3)
    for k, kind in enumerate(DEPTHS):
        left.plot(np.linspace(-2, 2, setup.points), lines[kind][0] - 7 * k, marker="", linewidth=1)
        band(middle, np.arange(16), [autocorrelation(g) for g in lines[kind]], markevery=3)
        band(right, DEPTHS[kind], cosines[kind].T, label=kind)
        prediction(right, DEPTHS[kind], [law(kind, L, setup) for L in DEPTHS[kind]])
    left.set(title=f"on a line, {setup.depth} layers: gradient", yticks=[], xlabel="x")
    middle.set(title="its autocorrelation", xlabel="lag, in points")
    right.set(title="unrelated inputs: cosine", xlabel="layers", xscale="log", yscale="log")
    right.set_xticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
    right.minorticks_off()
    right.lines[-1].set_label("theory")
    legend(figure, right)
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
