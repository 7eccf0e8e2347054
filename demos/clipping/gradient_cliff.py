"""Clipping does not stop a gradient from exploding; it stops the step that would throw the weights away.

One recurrent unit, run for T steps, its end compared with a target (Pascanu et al. 2013, Fig. 6):

    x₀ = ½,   xₜ = w σ(xₜ₋₁) + b,   E = (σ(x_T) − 0.7)²

On the line b = ½ − w σ(½) the start is a fixed point, so every step multiplies the gradient by the same
k = w σ′(½):

    dE/db = 2 (σ(½) − 0.7) σ′(½) · (kᵀ − 1)/(k − 1)

For k > 1, which is w > 4.255, this is a wall in the loss. It grows as kᵀ, and to both sides of it the
loss is nearly flat: a plain step from the wall is thrown across the map, a clipped one creeps along it.
"""

from dataclasses import dataclass

import numpy as np

import tinygrad_stab as torch
from demos.experiment import Between, Claim, Config, Result, Within, above, below, over_seeds
from demos.notebook import present
from demos.style import Figure, legend, panels, prediction

SOURCE = "Pascanu, Mikolov & Bengio 2013: eq. 8, Fig. 6 and Alg. 1"

HALF = 1 / (1 + np.exp(-0.5))  # σ(½)
SLOPE = HALF * (1 - HALF)  # σ′(½)
WALLS = np.array([4.5, 5, 5.5, 6])  # w, where the steepness of the wall is compared with the formula
CELL = 2.5e-4  # in b, where the steepest point is looked for


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    time: int = 50
    lr: float = 0.05
    steps: int = 1000
    clip: float = 1.0
    starts: int = 200  # random, 4.5 < w < 6 and −2.6 < b < −1.8


FAST = dict(seeds=(0,))


def clips(setup: Setup) -> np.ndarray:
    return setup.clip * np.array([np.inf, 10, 1, 0.1])  # the first is: not clipped


# %% The experiment
def loss_and_gradient(points: np.ndarray, setup: Setup) -> tuple[np.ndarray, np.ndarray]:
    """E and ∇E = (dE/dw, dE/db) at many points (w, b) at once."""
    w, b = (torch.tensor(values).requires_grad_() for values in points)
    x = torch.full_like(w, 0.5)
    for _ in range(setup.time):
        x = w * torch.sigmoid(x) + b
    loss = (torch.sigmoid(x) - 0.7) ** 2
    gradient = torch.autograd.grad(loss.sum(), [w, b])
    return loss.detach().numpy(), np.stack([g.numpy() for g in gradient])


def descend(setup: Setup) -> tuple[np.ndarray, np.ndarray]:
    """Descend from random points with each clip; return the paths (step, w or b, clip, start) and ‖∇E‖."""
    start = np.array([[4.5], [-2.6]]) + np.array([[1.5], [0.8]]) * torch.rand(2, setup.starts).numpy()
    path, norms = [np.repeat(start[:, None], 4, axis=1)], []
    for _ in range(setup.steps):
        _, g = loss_and_gradient(path[-1], setup)
        norms.append(np.hypot(*g))
        path.append(path[-1] - setup.lr * g / np.maximum(1, norms[-1] / clips(setup)[:, None]))
    return np.array(path), np.array(norms)


def longest_steps(path: np.ndarray) -> np.ndarray:
    """The longest step of any start, for every clip."""
    return np.hypot(*np.diff(path, axis=0).swapaxes(0, 1)).max(axis=(0, 2))


def slope_of_wall(w: np.ndarray, setup: Setup) -> np.ndarray:
    k = w * SLOPE
    return 2 * (HALF - 0.7) * SLOPE * (k**setup.time - 1) / (k - 1)


def steepest(w: float, setup: Setup) -> int:
    """How many cells the steepest point near the wall is away from it."""
    cells = np.arange(-1200, 1201)
    _, g = loss_and_gradient(np.stack([np.full(2401, w), 0.5 - w * HALF + CELL * cells]), setup)
    return abs(cells[np.hypot(*g).argmax()])


def run(setup: Setup) -> Result:
    _, (_, slopes) = loss_and_gradient(np.stack([WALLS, 0.5 - WALLS * HALF]), setup)
    descents = over_seeds(setup, descend)
    arrived = np.array([(loss_and_gradient(path[-1], setup)[0] < 0.01).mean(axis=1) for path, _ in descents])
    steps = np.array([longest_steps(path) for path, _ in descents])
    explodes = [norms[:, 2].max() for _, norms in descents]
    clip, longest = f"clip {setup.clip:g}", setup.lr * setup.clip
    thrown = "Pascanu et al. 2013, Fig. 6: the wall throws a plain step far away, a clipped one not"
    gap = "between the runs with and without clipping"
    # fmt: off
    claims = [
        *(Claim(f"dE/db on the wall, w = {w:g}", [slope], slope_of_wall(w, setup), Within(1e-8),
                "the closed form of dE/db", "an identity; rounding is multiplied by kᵀ as well")
          for w, slope in zip(WALLS, slopes)),
        Claim("steepest point, w ≥ 5: cells away from the wall", [steepest(w, setup) for w in WALLS[1:]], 0,
              below(1), "the formula of the wall, b = ½ − w σ(½)", f"a cell is {CELL} in b"),
        Claim("share that arrives, not clipped", arrived[:, 0], "few", below(0.4), thrown, gap),
        Claim(f"share that arrives, {clip}", arrived[:, 2], "most", above(0.9), thrown, gap),
        Claim("longest step, not clipped", steps[:, 0], "far", above(10), thrown, gap),
        Claim(f"longest step, {clip}", steps[:, 2], longest, Between(high=longest * (1 + 1e-9), proven=True),
              "lr · clip", "a bound, but for rounding"),
        Claim(f"longest ‖∇E‖, {clip}", explodes, "explodes", above(100),
              "the wall, which is still there", "well above the clipped norm"),
    ]
    # fmt: on
    return Result(claims, (slopes, descents[0][0], arrived))


# %% The figure
def draw(setup: Setup, data: tuple) -> Figure:
    slopes, path, arrived = data
    figure, (left, middle, right) = panels(3, width_ratios=[1.5, 1, 1])
    grid = np.stack(np.meshgrid(np.linspace(4.2, 6.2, 161), np.linspace(-3.3, -1.6, 161)))
    loss, _ = loss_and_gradient(grid, setup)
    left.contourf(*grid, loss, levels=12, cmap="Greys", alpha=0.5)
    left.text(6.1, -2.4, "low loss", ha="right")
    left.text(4.35, -3.1, "high loss")
    ends, _ = loss_and_gradient(path[-1], setup)
    saved = np.flatnonzero((ends[0] > 0.01) & (ends[2] < 0.01))  # the starts for which clipping matters
    for clip, look, name in ((2, "C1s-", f"clipped at {setup.clip:g}"), (0, "C0o-", "not clipped")):
        for k, start in enumerate(saved[:3]):
            left.plot(*path[:, :, clip, start].T, look, markevery=[0], label="" if k else name)
    w = np.linspace(4.3, 6.1, 100)
    prediction(left, w, 0.5 - w * HALF, label="the wall: theory")
    left.set(title=f"3 of {len(saved)} that only a clip saves", xlabel="w", ylabel="b")
    left.axis((4.2, 6.2, -3.3, -1.6))
    middle.plot(WALLS, -slopes, "o", color="C2")
    prediction(middle, w, -slope_of_wall(w, setup))
    middle.set(title="|dE/db| on the wall", yscale="log", xlabel="w")
    names = ["none", *(f"{clip:g}" for clip in clips(setup)[1:])]
    right.bar(names, 100 * np.median(arrived, axis=0), color=["C0", "C1", "C1", "C1"])
    right.set(title="starts that arrive, %", xlabel="clipped at")
    legend(figure, left)
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
