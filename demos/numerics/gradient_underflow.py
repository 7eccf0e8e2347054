"""A vanishing gradient ends as an exact zero, in a layer that can be foretold.

Floating-point numbers do not go on for ever: below half of the smallest of them, everything is 0.

    float16    6.0e-8            float32    1.4e-45            float64    4.9e-324

Per layer of a sigmoid net the gradient δ = ∂L/∂z is multiplied by √χ = σ_w √(E φ′(z)²), so it is gone after

    ln(smallest / δ at the top) / ln √χ  layers

and from there on down no optimizer can bring it back: Adam too divides 0 by 0 + ε. Loss scaling, as it is
used with float16, multiplies the loss by 2¹⁵ and divides the gradients again when they are in float32. It
moves the end by 15 ln 2 / ln(1/√χ) layers, and no more: it lengthens the way, the slope stays.
"""

from dataclasses import dataclass

import numpy as np

import tinygrad_stab as torch
from demos.experiment import Claim, Config, Result, Within, over_seeds
from demos.notebook import present
from demos.style import Figure, legend, panels, prediction
from tinygrad_stab.stability import theory

SOURCE = "Schoenholz et al. 2017 (χ); Micikevicius et al. 2018 (loss scaling)"

SMALLEST = {dtype: np.finfo(dtype).smallest_subnormal for dtype in ("float16", "float32", "float64")}


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    weight_var: tuple[float, ...] = (1.0, 1 / 3)  # σ_w², Xavier's and PyTorch's default
    width: int = 64
    batch: int = 32
    top: float = 0.01  # δ at the output
    loss_scale: float = 2.0**15


FAST = dict(seeds=(0,))


def cells(setup: Setup) -> list[tuple[str, float, float]]:
    """What is measured: dtype, σ_w² and the factor on the loss."""
    plain = [(dtype, weight_var, 1.0) for dtype in SMALLEST for weight_var in setup.weight_var]
    return [*plain, ("float16", setup.weight_var[0], setup.loss_scale)]


# %% The experiment
def largest(dtype: str, weight_var: float, scale: float, setup: Setup) -> np.ndarray:
    """The largest |δ| of every layer, last to first, in a net a little deeper than δ should reach."""
    h, zs = torch.randn(setup.batch, setup.width, dtype=dtype), []
    for _ in range(int(1.1 * reach(dtype, weight_var, scale, setup)) + 5):
        W = torch.randn(setup.width, setup.width) * (weight_var / setup.width) ** 0.5
        zs.append(h @ W.to(h.dtype).requires_grad_())
        h = torch.sigmoid(zs[-1])
    top = scale * setup.top * torch.randn(setup.batch, setup.width)
    δs = torch.autograd.grad(h, zs, top.to(h.dtype))
    return np.array([np.abs(δ.numpy()).max() for δ in δs[::-1]], dtype=float)


def log_start(scale: float, setup: Setup) -> float:
    """The logarithm of the largest of all δ at the top: of N normal numbers it is about √(2 ln N)."""
    return np.log(scale * setup.top * (2 * np.log(setup.batch * setup.width)) ** 0.5)


def log_factor(weight_var: float) -> float:
    """ln √χ"""
    return np.log(theory.chi("sigmoid", weight_var)) / 2


def reach(dtype: str, weight_var: float, scale: float, setup: Setup) -> int:
    """The number of layers in which the largest δ is at least half of the smallest number."""
    log_end = np.log(SMALLEST[dtype]) - np.log(2)
    return int((log_end - log_start(scale, setup)) / log_factor(weight_var))


def run(setup: Setup) -> Result:
    runs = {cell: over_seeds(setup, largest, *cell) for cell in cells(setup)}
    layers = {cell: np.array([np.count_nonzero(δ) for δ in runs[cell]]) for cell in runs}
    by = "ln(half of the smallest number / largest δ at the top) / ln √χ"
    why = "one layer, or four standard deviations of the product of so many matrices"
    claims = []
    for dtype, weight_var, scale in list(runs)[:-1]:
        predicted = reach(dtype, weight_var, scale, setup)
        what = f"{dtype}, σ_w² = {weight_var:.2g}: layers with a δ"
        tolerance = Within(0.15 if dtype == "float16" else 0.03)
        claims.append(Claim(what, layers[dtype, weight_var, scale], predicted, tolerance, by, why))
    *_, (dtype, weight_var, scale) = runs
    gained = layers[dtype, weight_var, scale] - layers[dtype, weight_var, 1.0]
    predicted = -np.log(scale) / log_factor(weight_var)
    claims.append(Claim(f"{dtype}, loss × {scale:g}: layers gained", gained, predicted, Within(0.15),
                        "ln(factor) / ln(1/√χ)", "one layer"))  # fmt: skip
    return Result(claims, runs)


# %% The figure
def draw(setup: Setup, runs: dict) -> Figure:
    figure, axes = panels(len(SMALLEST))
    for ax, dtype in zip(axes, SMALLEST):
        for cell in (cell for cell in runs if cell[0] == dtype):
            _, weight_var, scale = cell
            left = np.array([δ for δ in runs[cell][0] if δ])  # the first seed; a logarithm knows no zero
            back, name = np.arange(1, len(left) + 1), f"σ_w² = {weight_var:.2g}"
            name += f", loss × {scale:g}" if scale > 1 else ""
            ax.plot(back, np.log10(left), label=name, markevery=max(1, len(left) // 5))
            path = log_start(scale, setup) + log_factor(weight_var) * back
            prediction(ax, back, path / np.log(10))
        ax.axhline(np.log10(SMALLEST[dtype]), color="gray", linestyle=":", label="smallest number")
        ax.set(title=dtype, xlabel="layers back", xlim=(0, None))
    axes[0].lines[-2].set_label("theory: √χ a layer")
    axes[0].set_ylabel("log₁₀ of the largest |δ|")
    legend(figure, axes[0])
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
