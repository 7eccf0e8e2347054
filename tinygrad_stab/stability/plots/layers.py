"""One value for each layer of a net, from its input to its output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..alarms import StepRecord
from ..dead_units import Census
from ..history import Recorded
from ..probe import Probe
from .style import Axes, canvas, current, layer_ticks, legend, line, predicted


def plot_gradient_flow(
    probes: Probe | Mapping[str, Probe], ax: Axes | None = None, weights: bool = True
) -> Axes:
    """Plot ‖∂L/∂h‖ by layer, with mean-field theory's prediction dashed, for one probe or several by name.

    For a single probe ‖∂L/∂W‖ is drawn as well: in a ReLU net it can be flat while ‖∂L/∂h‖ vanishes. The
    theory starts from the gradient at the output, and follows it down as far as it has an answer.
    """
    by_name = dict(probes) if isinstance(probes, Mapping) else {"‖∂L/∂h‖": probes}
    with canvas(ax) as ax:
        for name, probe in by_name.items():
            line(ax, range(len(probe)), [row.backward for row in probe], name)
        for k, probe in enumerate(by_name.values()):
            expected = _expected(probe)
            predicted(
                ax, range(len(probe) - len(expected), len(probe)), expected, "theory" if k == 0 else "_theory"
            )
        if weights and not isinstance(probes, Mapping):
            line(ax, range(len(probes)), [row.weight_grad for row in probes], "‖∂L/∂W‖")
        layer_ticks(ax, [row.layer for row in max(by_name.values(), key=len)])
        ax.set_ylabel("norm of the gradient")
        legend(ax)
    return ax


def _expected(probe: Probe) -> list[float]:
    """From the gradient at the output, times the predicted gains, down to where there is none."""
    *_, top = probe
    expected = [top.backward] if top.backward else []
    for row, follows in list(zip(probe[1:], probe.in_a_row))[::-1] if expected else []:
        if row.predicted is None or not follows:
            break
        expected.insert(0, expected[0] * row.predicted)
    return expected


def plot_saturation(source: Probe | Recorded[StepRecord], ax: Axes | None = None) -> Axes:
    """Plot the share of saturated outputs by layer; from a monitor, over the steps of a training run."""
    with canvas(ax) as ax:
        if not isinstance(source, Probe):
            _over_time(ax, source)
        else:
            shares = [_percent(row.saturated) for row in source]
            ax.bar(range(len(shares)), shares, color=current().colours[1], edgecolor=current().ink)
            for k in np.flatnonzero(np.isnan(shares)):  # no activation, as at the output
                ax.text(k, 1, "–", ha="center", va="bottom")
            ax.set_xlim(-0.6, len(shares) - 0.4)
            layer_ticks(ax, [row.layer for row in source])
        ax.set_ylim(0, 100)
        ax.set_ylabel("saturated outputs in %")
    return ax


def _over_time(ax: Axes, monitor: Recorded[StepRecord]) -> None:
    records = list(monitor.records)
    steps, every = [record.step for record in records], max(1, len(records) // 12)
    for row in records[-1].layers if records else []:
        seen = [record.of(row.layer) for record in records]
        shares = [_percent(of_layer[0].saturated if of_layer else None) for of_layer in seen]
        if not np.all(np.isnan(shares)):
            ax.plot(steps, shares, label=row.layer, markevery=every)
    ax.set_xlabel("step")
    legend(ax, title="layer")


def _percent(share: float | None) -> float:
    return float("nan") if share is None else 100 * share


STATES = {
    "dead": ("xxx", 1),
    "nearly_dead": ("///", 4),
    "sparse": ("...", 5),
    "healthy": ("", 0),
}  # hatch, colour


def plot_dead_units(census: Census, ax: Axes | None = None) -> Axes:
    """Plot how many units of each layer are dead, nearly dead, sparse and healthy, as parts of a bar."""
    rows: list[Any] = census.printed_rows()
    with canvas(ax) as ax:
        chosen = current()
        below = np.zeros(len(rows))
        for state, (hatch, colour) in STATES.items():
            share = np.array([100 * getattr(row, state) / row.units for row in rows])
            ax.bar(
                range(len(rows)), share, bottom=below, label=state.replace("_", " "), hatch=hatch,
                color=chosen.colours[colour], edgecolor=chosen.ink, linewidth=chosen.line / 3,
            )  # fmt: skip
            below += share
        zeros = [100 * row.zeros for row in rows]
        ax.plot(
            range(len(rows)), zeros, "D", color=chosen.paper, markeredgecolor=chosen.ink, label="zero outputs"
        )
        layer_ticks(ax, [row.layer for row in rows])
        ax.set_ylabel("units in %")
        ax.set_ylim(0, 100)
        ax.grid(visible=False, axis="x")
        legend(ax)
    return ax
