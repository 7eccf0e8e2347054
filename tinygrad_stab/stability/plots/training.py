"""One training run, step by step."""

from __future__ import annotations

import numpy as np

from ..alarms import StepRecord
from ..clip_lens import ClipLens
from ..history import Recorded
from .style import Axes, canvas, current, legend, line, reference


def plot_update_to_data(monitor: Recorded[StepRecord], ax: Axes | None = None) -> Axes:
    """Plot ‖ΔW‖/‖W‖ of every layer over the steps, with 10⁻³, a common rule of thumb, for reference."""
    records = list(monitor.records)
    with canvas(ax) as ax:
        for layer in records[-1].layers if records else []:
            seen = [record.of(layer.layer) for record in records]
            updates = [of_layer[1] if of_layer else None for of_layer in seen]
            every = max(1, len(records) // 12)
            line(ax, [record.step for record in records], updates, layer.layer, markevery=every)
        reference(ax, 1e-3, "10⁻³")
        ax.set_xlabel("step")
        ax.set_ylabel("update : data")
        legend(ax, title="layer")
    return ax


def plot_clip_history(lens: ClipLens, ax: Axes | None = None) -> Axes:
    """Plot the norm of the gradient over the steps, before and after clipping, and the limit."""
    records = list(lens.records)
    steps = np.array([record.step for record in records])
    clipped = np.array([record.after < record.before for record in records], bool)
    with canvas(ax) as ax:
        chosen = current()
        before = [record.before for record in records]
        line(ax, steps, before, "before", marker="", linestyle="-")
        if clipped.any():
            ax.plot(steps[clipped], np.array(before)[clipped], "o", color=chosen.colours[1], label="clipped")
        line(
            ax,
            steps,
            [record.after for record in records],
            "after",
            color=chosen.colours[2],
            marker="",
            linestyle="-",
        )
        reference(ax, lens.max_norm, f"max_norm = {lens.max_norm:g}")
        ax.set_xlabel("step")
        ax.set_ylabel("‖g‖")
        legend(ax)
    return ax
