"""Clipping by norm shortens the gradient; clipping by value, or each tensor by itself, turns it as well.

    by norm       g ← g · min(1, c/‖g‖)           one factor for all of it: the direction stays
    by value      gᵢ ← min(max(gᵢ, −c), c)        every element by itself: towards a corner of the cube
    by tensor     by norm, but for each W and b apart: their proportions are lost

A short step in a direction turned by an angle α lowers the loss cos α times as much as one along −g. For
clipping by value, cos α falls with c, until all n elements are cut and only their signs are left:

    cos(sign g, g) = ‖g‖₁ / (√n ‖g‖₂)             1 if all elements are of a size, less if few are large

Is turning bad, then? Adam's first step goes along sign g too. And further along the line, where the steepest
direction has come to the bend of the loss, a turned one may lead lower. It is a choice, not only a limit.
"""

from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

import tinygrad_stab as torch
from demos.digits import load_digits
from demos.experiment import Claim, Config, Result, Within, below
from demos.notebook import present
from demos.style import Axes, Figure, band, legend, panels, prediction
from tinygrad_stab import nn

SOURCE = "Pascanu, Mikolov & Bengio 2013, Alg. 1 (by norm); Goodfellow et al. 2016, sec. 10.11.1 (by value)"


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    depth: int = 7
    width: int = 64
    batch: int = 100
    cut: tuple[float, ...] = (0.1, 1.0, 10.0, 50.0)  # by value: so many % of the elements, and all
    data: str = "digits"


FAST = dict(seeds=(0,))
by_value = "by value, {:g} % cut".format
SIGNS = "‖g‖₁/(√n ‖g‖)"
LENGTHS = np.array([0, 1e-4, *np.linspace(0.05, 1.2, 24)])  # of a step from the start


# %% The experiment
def measure(seed: int, setup: Setup) -> tuple[float, dict[str, float], dict[str, list[float]]]:
    """‖g‖; by way of clipping, the cosine of g and what is left of it, and the losses along that."""
    torch.manual_seed(seed)
    data = load_digits(seed, setup.data)
    x, y = data.x_train[: setup.batch], data.y_train[: setup.batch]
    model, loss_of = network(data.pixels, setup), nn.CrossEntropyLoss()
    parameters = list(model.parameters())
    loss_of(model(x), y).backward()
    start, gradients = nn.utils.parameters_to_vector(parameters).detach(), [p.grad for p in parameters]
    g = nn.utils.parameters_to_vector(gradients).numpy()
    size = np.linalg.norm(g)
    cosines, losses = {SIGNS: np.abs(g).sum() / (np.count_nonzero(g) ** 0.5 * size)}, {}
    for way, clip in ways(g, setup).items():
        for p, gradient in zip(parameters, gradients):
            p.grad = gradient  # clipping will replace it, not change it
        clip(parameters)
        left = nn.utils.parameters_to_vector([p.grad for p in parameters]).numpy()
        direction = left / np.linalg.norm(left)
        cosines[way], losses[way] = direction @ g / size, []
        for length in LENGTHS:
            nn.utils.vector_to_parameters(start - length * direction, parameters)
            losses[way].append(loss_of(model(x), y).item())
    return size, cosines, losses


def network(pixels: int, setup: Setup) -> nn.Sequential:
    """Linear layers with ReLUs between them, from He's start."""
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise([pixels, *[setup.width] * (setup.depth - 1), 10]):
        layers += [nn.Linear(n_in, n_out), nn.ReLU()]
        nn.init.kaiming_normal_(layers[-2].weight, nonlinearity="relu")
    return nn.Sequential(*layers[:-1])


def ways(g: np.ndarray, setup: Setup) -> dict:
    """Functions of the parameters by name: one of each kind, and by value several."""
    limits = {by_value(p): np.quantile(np.abs(g[g != 0]), 1 - p / 100) for p in (*setup.cut, 100)}
    return {
        "by norm": partial(nn.utils.clip_grad_norm_, max_norm=np.linalg.norm(g) / 2),
        "by tensor": lambda parameters: [nn.utils.clip_grad_norm_(p, 1e-3) for p in parameters],
        **{name: partial(nn.utils.clip_grad_value_, clip_value=limit) for name, limit in limits.items()},
    }


def run(setup: Setup) -> Result:
    found = [measure(seed, setup) for seed in setup.seeds]
    cosines = {way: [c[way] for _, c, _ in found] for way in found[0][1]}
    rates = [[(loss[w][0] - loss[w][1]) / (size * c[w]) for w in loss] for size, c, loss in found]
    thresholds = {"by tensor": 0.9, by_value(1): 0.995, by_value(50): 0.8}
    turned, gap = "every element, or tensor, is cut by itself", "above all that was measured"
    # fmt: off
    claims = [
        Claim("by norm: cos(clipped, g)", cosines["by norm"], 1.0, Within(1e-10),
              "one factor for all of it", "an identity"),
        *(Claim(f"{way}: cos(clipped, g)", cosines[way], "< 1", below(limit), turned, gap)
          for way, limit in thresholds.items() if way in cosines),
        Claim(f"all cut by value: cosine over {SIGNS}", np.divide(cosines[by_value(100)], cosines[SIGNS]),
              1.0, Within(1e-8), "only the signs are left", "an identity"),
        Claim("step h = 1e-4: fall of the loss over ‖g‖ cos α, worst",
              [max(rate, key=lambda x: abs(x - LENGTHS[1])) for rate in rates], LENGTHS[1], Within(0.02),
              "L(θ − h d) ≈ L(θ) − h ‖g‖ cos α", "the bend of the loss over the step"),
    ]
    # fmt: on
    return Result(claims, (cosines, found[0][2]))


# %% The figure
def draw(setup: Setup, data: tuple) -> Figure:
    cosines, losses = data
    figure, (left, middle, right) = panels(3)
    draw_plane(left, c=0.5, g=np.array([1.4, 0.7]))
    percent = (*setup.cut, 100)
    for way, line in (("by norm", "C0o-"), ("by tensor", "C1s-"), (by_value(max(setup.cut)), "C2^-")):
        right.plot(LENGTHS, losses[way], line, label=way.replace("value,", "value; right:"), markevery=5)
    for way, line in (("by norm", "C0o-"), ("by tensor", "C1s-")):
        middle.plot(percent, [np.median(cosines[way])] * len(percent), line)
    band(middle, percent, np.transpose([cosines[by_value(p)] for p in percent]), color="C2", marker="^")
    prediction(middle, percent, [np.median(cosines[SIGNS])] * len(percent))
    middle.text(percent[0], np.median(cosines[SIGNS]) - 0.06, SIGNS)
    middle.set(title="cos α", xscale="log", xlabel="elements cut by value, %", ylim=(0.4, 1.04))
    right.set(title="loss along each, one net", xlabel="length of the step")
    legend(figure, right)
    return figure


def draw_plane(ax: Axes, c: float, g: np.ndarray) -> None:
    """A gradient of two weights, and what a limit c leaves of it: the circle by norm, the square by value."""
    angle = np.linspace(0, 2 * np.pi, 200)
    ax.plot(c * np.cos(angle), c * np.sin(angle), "C0:", marker="")
    ax.plot([-c, c, c, -c, -c], [-c, -c, c, c, -c], "C2:", marker="")
    for colour, end in (("C5", g), ("C0", c * g / np.linalg.norm(g)), ("C2", g.clip(-c, c))):
        ax.quiver(0, 0, *end, color=colour, angles="xy", scale_units="xy", scale=1, width=0.02)
    ax.text(*g, " g")
    ax.axis("off")
    ax.set(title="two weights, limit c", aspect="equal", anchor="N", xlim=(-0.7, 1.7), ylim=(-0.7, 1.1))


# %% Here and now
if __name__ == "__main__":
    present(Setup())
