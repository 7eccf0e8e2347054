"""Where a steep loss also bends sharply, clipping beats every fixed learning rate.

The usual analysis of gradient descent takes the curvature to be bounded by a constant L, and steps by 1/L.
Zhang et al. found that in recurrent nets it grows with the slope instead, and ask for no more than

    |f″| ≤ L₀ + L₁ |f′|

So it is for f(x) = x⁴/4, with slope x³, curvature 3 x², L₀ = 4 and L₁ = 1. A learning rate that never changes
must suit the sharpest bend on the way, which is at the start, and is too small for all the rest:

    lr = 1/f″(x₀) = 1/(3 x₀²)       about 1/(2 lr ε^(2/3)) = 3 x₀²/(2 ε^(2/3)) steps until |f′| < ε
    lr > 2/x₀²                      diverges, so that no fixed lr is more than six times as fast

A clipped step has the length c while lr |f′| > c, which is down to x_c = (c/lr)^(1/3):

    x ← x − min(lr, c/|f′|) f′      (x₀ − x_c)/c + (ε^(−2/3) − x_c⁻²)/(2 lr) steps

Only the first part depends on the start, and as a line, not as a parabola. So clipping is ahead by any factor
that you care to name, if only the start is far enough away.
"""

from dataclasses import dataclass

import numpy as np

import tinygrad_stab as torch
from demos.experiment import Between, Claim, Config, Result, Within
from demos.notebook import present
from demos.style import Figure, legend, panels, prediction
from tinygrad_stab import nn

SOURCE = "Zhang, He, Sra & Jadbabaie 2020: (L₀, L₁)-smoothness, Thms. 3 and 4"


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    seeds: tuple[int, ...] = (0,)  # nothing here is random
    start: tuple[float, ...] = (3.0, 6.0, 12.0)  # x₀
    lr: float = 0.3  # of the clipped descent
    clip: float = 1.0  # c, the longest step
    tolerance: float = 1e-3  # ε


FAST = dict(start=(3.0, 12.0))
FULL = dict(start=(3.0, 6.0, 12.0, 24.0))
L0, L1 = 4, 1  # 3 x² − x³ is largest at x = 2
FIXED = {"lr = 1/(3 x₀²)": 1 / 3, "lr = 1.98/x₀²": 1.98}  # lr x₀²


# %% The experiment
def descend(start: float, lr: float, clip: float, setup: Setup, most: int = 200_000) -> np.ndarray:
    """All x on the way to a slope below the tolerance; no step is longer than clip."""
    x, path = nn.Parameter(torch.tensor([start])), [start]
    sgd = torch.optim.SGD([x], lr=lr)
    for _ in range(most):
        sgd.zero_grad()
        (x**4 / 4).sum().backward()
        if abs(x.grad.item()) < setup.tolerance:
            break
        nn.utils.clip_grad_norm_([x], clip / lr)
        sgd.step()
        path.append(x.item())
    return np.array(path)


def bends(path: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """|f′| and |f″| at every x of the path."""
    x = torch.tensor(path).requires_grad_()
    (slope,) = torch.autograd.grad((x**4 / 4).sum(), [x], create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), [x])
    return slope.abs().detach().numpy(), curvature.abs().numpy()


def fixed_law(start: np.ndarray, factor: float, setup: Setup) -> np.ndarray:
    """How many steps it takes with lr = factor/x₀²."""
    return start**2 / (2 * factor) * setup.tolerance ** (-2 / 3)


def clipped_law(start: np.ndarray, setup: Setup) -> np.ndarray:
    corner = (setup.clip / setup.lr) ** (1 / 3)
    return (start - corner) / setup.clip + (setup.tolerance ** (-2 / 3) - corner**-2) / (2 * setup.lr)


def run(setup: Setup) -> Result:
    paths = {
        name: {x: descend(x, factor / x**2, np.inf, setup) for x in setup.start}
        for name, factor in FIXED.items()
    }
    paths["clipped"] = {x: descend(x, setup.lr, setup.clip, setup) for x in setup.start}
    far = max(setup.start)
    slope, curvature = bends(paths["clipped"][far])
    thrown = descend(far, 2.02 / far**2, np.inf, setup, most=5)
    fixed, clipped = "1/(2 lr ε^(2/3))", "(x₀ − x_c)/c + (ε^(−2/3) − x_c⁻²)/(2 lr)"
    steps = {(name, x): [len(path) - 1] for name in paths for x, path in paths[name].items()}
    # fmt: off
    claims = [
        Claim("largest |f″| / (L₀ + L₁ |f′|) on the way", [max(curvature / (L0 + L1 * slope))], "≤ 1",
              Between(high=1 + 1e-12, proven=True), "3 x² ≤ 4 + |x|³", "a bound, but for rounding"),
        *(Claim(f"x₀ = {x:g}, {name}: steps", steps[name, x], fixed_law(x, factor, setup), Within(0.02),
                fixed, "ẋ = −x³ in the place of steps")
          for name, factor in FIXED.items() for x in setup.start),
        *(Claim(f"x₀ = {x:g}, clipped: steps", steps["clipped", x], clipped_law(x, setup), Within(0.03),
                clipped, "the same; a step more or less at x_c") for x in setup.start),
        Claim("lr = 2.02/x₀²: |x| after five steps over x₀", [abs(thrown[-1]) / far], "> 1",
              Between(low=1, proven=True), "|1 − lr x²| > 1 from |x| = x₀ on", "it grows at every step"),
    ]
    # fmt: on
    return Result(claims, (paths, slope, curvature))


# %% The figure
def draw(setup: Setup, data: tuple) -> Figure:
    paths, slope, curvature = data
    figure, (left, middle, right) = panels(3)
    far, x = max(setup.start), np.geomspace(min(setup.start), max(setup.start), 50)
    left.plot(slope, curvature, "C2^-", markevery=0.1)
    prediction(left, slope, L0 + L1 * slope)
    left.text(slope[-1], 1.8 * L0, "L₀ + L₁ |f′|")
    left.set(title="curvature |f″|", xlabel="slope |f′|", xscale="log", yscale="log")
    for name, way in paths.items():
        middle.plot(np.arange(1, len(way[far]) + 1), np.abs(way[far]) ** 3, markevery=0.1)
        right.plot(setup.start, [len(path) - 1 for path in way.values()], linestyle="", label=name)
        law = fixed_law(x, FIXED[name], setup) if name in FIXED else clipped_law(x, setup)
        prediction(right, x, law)
    middle.set(title=f"slope |f′|, from x₀ = {far:g}", xlabel="step", xscale="log", yscale="log")
    right.set(title="steps to |f′| < ε", xlabel="start x₀", xscale="log", yscale="log")
    right.set_xticks(setup.start, [f"{start:g}" for start in setup.start])
    right.minorticks_off()
    right.lines[-1].set_label("theory")
    legend(figure, right)
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
