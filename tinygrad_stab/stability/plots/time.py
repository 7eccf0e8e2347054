"""The gradient of a recurrent layer, back through time."""

from __future__ import annotations

from collections.abc import Mapping

from ..time_map import TimeMap
from .style import Axes, canvas, legend, line


def plot_time_map(maps: TimeMap | Mapping[str, TimeMap], ax: Axes | None = None) -> Axes:
    """Plot ‖∂L/∂h_t‖ over t, one line a layer, for one map or several by name; read it from right to left."""
    by_name = dict(maps) if isinstance(maps, Mapping) else {"": maps}
    with canvas(ax) as ax:
        for name, time_map in by_name.items():
            layers = sorted({row.layer for row in time_map})
            for layer in layers:
                rows = [row for row in time_map if row.layer == layer]
                label = " ".join(
                    filter(None, [name, f"layer {layer}" if len(layers) > 1 or not name else ""])
                )
                every = max(1, len(rows) // 12)
                line(ax, [row.t for row in rows], [row.h for row in rows], label, markevery=every)
        ax.set_xlabel("t")
        ax.set_ylabel("‖∂L/∂h_t‖".replace("h_t", "$h_t$"))
        legend(ax)
    return ax
