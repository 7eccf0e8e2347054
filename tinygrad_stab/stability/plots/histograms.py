"""How signal and gradient are distributed in each layer: one ridge a layer, the input at the bottom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...autograd import grad
from ...nn.module import Module
from ..probe import leaf, loss_of
from ..trace import Call, Trace
from ..unchanged import unchanged
from .style import Axes, canvas, current


def plot_activation_histograms(model: Module, x: Any, ax: Axes | None = None) -> Axes:
    """Plot how the outputs h of each layer are distributed, as in Glorot & Bengio 2010, fig. 6."""
    with unchanged(model), Trace(model) as trace:
        model(leaf(x))
    values = [(call.name, call.h.array.ravel().astype(float)) for call in trace.calls]
    with canvas(ax, _height(values)) as ax:
        _ridges(ax, values)
        ax.set_xlabel("h")
    return ax


def plot_gradient_histograms(
    model: Module, x: Any, y: Any = None, loss_fn: Callable | None = None, ax: Axes | None = None
) -> Axes:
    """Plot how the size of ∂L/∂h is distributed in each layer, as in Glorot & Bengio 2010, fig. 7.

    The axis is logarithmic, as layers may differ by orders of magnitude; the share of exact zeros, which have
    no place on it, is written beside. The loss is that of `probe`.
    """
    values = [
        (call.name, np.abs(call.gradients["h"]).ravel().astype(float))
        for call in _backward(model, x, y, loss_fn)
        if "h" in call.gradients
    ]
    with canvas(ax, _height(values)) as ax:
        _ridges(ax, [(name, np.log10(g[g > 0])) for name, g in values])
        for k, (_, g) in enumerate(values):
            if zeros := np.mean(g == 0):
                ax.annotate(
                    f"{zeros:.0%} zero", (1.01, k + 0.2), xycoords=("axes fraction", "data"), fontsize="small"
                )
        ax.set_xlabel("|∂L/∂h|")
        ax.locator_params(axis="x", integer=True)
        ax.xaxis.set_major_formatter(lambda value, _: f"$10^{{{value:g}}}$")
    return ax


def _backward(model: Module, x: Any, y: Any, loss_fn: Callable | None) -> list[Call]:
    with unchanged(model), Trace(model) as trace:
        loss = loss_of(model(leaf(x)), y, loss_fn)
        grad(loss, [p for p in model.parameters() if p.requires_grad], allow_unused=True)
    return trace.calls


def _height(values: list) -> float:
    return max(0.7, len(values) / 8)


def _ridges(ax: Axes, values: list[tuple[str, np.ndarray]]) -> None:
    """Histograms on one axis, each scaled to its own highest bar and standing on the line of its layer."""
    chosen = current()
    finite = [v[np.isfinite(v)] for _, v in values]
    everything = np.concatenate([*finite, np.zeros(0)])
    low, high = np.quantile(everything, [0.001, 0.999]) if everything.size else (-1.0, 1.0)
    edges = np.linspace(low, high if high > low else low + 1, 61)
    for k, ((_, all_of), v) in enumerate(zip(values, finite)):
        counts, _ = np.histogram(np.clip(v, low, high), edges)
        ridge = k + 0.9 * counts / max(counts.max(), 1)
        colour = chosen.colours[k % 2]
        ax.stairs(ridge, edges, baseline=k, fill=True, color=colour, alpha=0.65, zorder=20 - k / 100)
        ax.stairs(
            ridge, edges, baseline=None, color=chosen.ink, linewidth=chosen.line / 3, zorder=20 - k / 100
        )
        if missing := all_of.size - v.size:
            ax.annotate(
                f"{missing} not finite", (0.5, k + 0.3), xycoords=("axes fraction", "data"), ha="center"
            )
    ax.set_yticks(range(len(values)), [name for name, _ in values])
    ax.set_ylim(0, len(values) + 0.1)
    ax.set_ylabel("layer")
