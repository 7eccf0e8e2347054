"""Two dimensions at once: which fix helps which pathology, and where a net stands in the plane σ_w², σ_b²."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..gaussian import Activation, mean_square, mean_square_slope
from .style import Axes, canvas, current, legend


def plot_fix_matrix(
    matrix: Any,
    pathologies: Sequence[str],
    fixes: Sequence[str],
    ax: Axes | None = None,
    label: str = "accuracy",
) -> Axes:
    """Plot a value between 0 and 1 for every pathology (row) and fix (column); NaN, for diverged, is hatched.

    Raises ValueError if the names do not fit the matrix.
    """
    shown = np.asarray(matrix, float)
    if shown.shape != (len(pathologies), len(fixes)):
        raise ValueError(
            f"a matrix of shape {shown.shape} does not go with {len(pathologies)} pathologies and "
            f"{len(fixes)} fixes"
        )
    with canvas(ax, max(0.8, len(pathologies) / 7)) as ax:
        image = ax.imshow(shown, vmin=0, vmax=1, cmap="cividis", aspect="auto")
        for (row, column), value in np.ndenumerate(shown):
            if np.isnan(value):
                _hatch(ax, column, row)
            text = "NaN" if np.isnan(value) else f"{value:.2f}".removeprefix("0")
            ink = current().ink if np.isnan(value) else "#000000" if value > 0.5 else "#ffffff"
            ax.text(column, row, text, ha="center", va="center", color=ink, fontsize="small")
        ax.set_xticks(range(len(fixes)), fixes, rotation=35, ha="right", rotation_mode="anchor")
        ax.set_yticks(range(len(pathologies)), pathologies)
        ax.grid(visible=False)
        ax.figure.colorbar(image, ax=ax, label=label)
    return ax


def _hatch(ax: Axes, column: int, row: int) -> None:
    from matplotlib.patches import Rectangle

    chosen = current()
    ax.add_patch(
        Rectangle(
            (column - 0.5, row - 0.5), 1, 1, facecolor=chosen.paper, edgecolor=chosen.muted, hatch="///", lw=0
        )
    )


def plot_phase_map(
    activation: Activation = "tanh",
    nets: Mapping[str, tuple[float, float]] | None = None,
    ax: Axes | None = None,
    weight_var: tuple[float, float] = (0.25, 4.0),
    bias_var: tuple[float, float] = (0.0, 1.0),
) -> Axes:
    """Plot √χ, the gain per layer on the gradient's norm, over σ_w² and σ_b²; `nets` are points (σ_w², σ_b²).

    Left of the line χ = 1 gradients vanish, right of it they explode (Poole et al. 2016, fig. 1). Where the
    signal grows without bound, so that there is no fixed point, the plane is hatched.
    """
    w, b, gain = phase_plane(activation, weight_var, bias_var)
    with canvas(ax) as ax:
        chosen = current()
        if np.isnan(gain).any():
            hatched = {"hatch": "///", "facecolor": chosen.paper, "edgecolor": chosen.muted, "linewidth": 0}
            ax.fill_between(weight_var, *bias_var, label="no fixed point", **hatched)
        extent = max(float(np.nanmax(np.abs(np.log2(gain)))), 0.1)
        image = ax.pcolormesh(
            w, b, np.log2(gain), cmap="PuOr_r", vmin=-extent, vmax=extent, shading="gouraud", rasterized=True
        )
        bar = ax.figure.colorbar(image, ax=ax, label="√χ, gain per layer")
        bar.ax.yaxis.set_major_formatter(lambda value, _: f"{2**value:.2g}")
        if np.nanmin(gain) < 1 < np.nanmax(gain):
            ax.contour(w, b, np.log2(gain), levels=[0.0], colors="#000000", linewidths=chosen.line)
        for name, point in (nets or {}).items():
            ax.plot(
                *point,
                linestyle="none",
                markeredgecolor="#000000",
                markersize=1.8 * chosen.marker,
                label=name,
            )
        ax.set_xlabel("$σ_w^2$")
        ax.set_ylabel("$σ_b^2$")
        ax.grid(visible=False)
        legend(ax, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    return ax


def phase_plane(
    activation: Activation, weight_var: tuple[float, float], bias_var: tuple[float, float], points: int = 81
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """√χ on a grid, NaN where there is no fixed point q*.

    Not by a search for q* at every point. A fixed point has q = σ_w² E φ² + σ_b², and for a chosen q that is
    a σ_b² for every σ_w²: so the averages are taken once for each q, and the rest is interpolation.
    """
    q = np.geomspace(1e-5, 1e3, 240)
    phi2 = np.array([mean_square(activation, v) for v in q])
    slope2 = np.array([mean_square_slope(activation, v) for v in q])
    w, b = np.linspace(*weight_var, points), np.linspace(*bias_var, points)
    gain = np.full((points, points), np.nan)
    for column, sigma2 in enumerate(w):
        needed = q - sigma2 * phi2  # the σ_b² for which q is a fixed point
        stable = (
            int(np.argmin(needed)) if needed.min() < 0 else 0
        )  # below it a fixed point is left, not reached
        gain[:, column] = np.sqrt(sigma2 * np.interp(b, needed[stable:], slope2[stable:], right=np.nan))
    return w, b, gain
