"""How pictures look: one set of colours and markers, on paper, projected, or projected in the dark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

Axes = Any  # matplotlib's; it is imported only when something is drawn

MARKERS = "os^Dvp"
DASHES = ["-", "-", "-", (0, (6, 1)), (0, (4, 1, 1, 1)), (0, (2, 1))]


@dataclass(frozen=True)
class Style:
    """Colours by Okabe and Ito, lightened on black; sizes in points and inches."""

    ink: str
    muted: str
    paper: str
    colours: tuple[str, ...]
    size: tuple[float, float]
    font: float
    line: float
    marker: float


_ON_WHITE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_ON_BLACK = ("#56b4e9", "#ff8f3f", "#2ecc9b", "#e8a2cb", "#f0e442", "#9db8ff")

# fmt: off
STYLES = {
    "paper":  Style("#111111", "#666666", "#ffffff", _ON_WHITE, (5.4, 3.4), 9.0, 1.5, 4.0),
    "slides": Style("#111111", "#666666", "#ffffff", _ON_WHITE, (12.0, 7.0), 20.0, 3.2, 9.0),
    "dark":   Style("#f2f2f2", "#a8a8a8", "#15171c", _ON_BLACK, (12.0, 7.0), 20.0, 3.2, 9.0),
}
# fmt: on

_chosen = ["paper"]


def set_style(name: str) -> None:
    """Draw everything from here on in this style: paper, slides or dark."""
    _chosen[-1] = _known(name)


@contextmanager
def style(name: str) -> Iterator[Style]:
    """Draw in this style until the end of the block."""
    _chosen.append(_known(name))
    try:
        yield current()
    finally:
        _chosen.pop()


def current() -> Style:
    """The style that is in force."""
    return STYLES[_chosen[-1]]


def _known(name: str) -> str:
    if name not in STYLES:
        raise ValueError(f"unknown style {name!r}: choose one of {', '.join(STYLES)}")
    return name


@contextmanager
def canvas(ax: Axes | None, height: float = 1.0) -> Iterator[Axes]:
    """The given axes, or those of a new figure, `height` times as high as usual; drawn on in this style."""
    import matplotlib.pyplot as plt

    chosen = current()
    with plt.rc_context(_settings(chosen)):
        if ax is None:
            width, high = chosen.size
            _, ax = plt.subplots(figsize=(width, high * height), layout="constrained")
        yield ax


def _settings(s: Style) -> Any:
    from cycler import cycler

    n = len(s.colours)
    return {
        "figure.facecolor": s.paper, "axes.facecolor": s.paper, "text.color": s.ink,
        "axes.labelcolor": s.ink, "axes.titlecolor": s.ink, "axes.edgecolor": s.muted,
        "xtick.color": s.muted, "ytick.color": s.muted, "xtick.labelcolor": s.ink, "ytick.labelcolor": s.ink,
        "font.size": s.font, "axes.titlesize": "medium", "axes.labelsize": "medium",
        "xtick.labelsize": "small", "ytick.labelsize": "small", "legend.fontsize": "small",
        "axes.titlelocation": "left", "axes.spines.top": False, "axes.spines.right": False,
        "axes.grid": True, "axes.axisbelow": True, "grid.color": s.muted, "grid.alpha": 0.25,
        "grid.linewidth": s.line / 4, "legend.frameon": False, "hatch.linewidth": s.line / 2,
        "lines.linewidth": s.line, "lines.markersize": s.marker,
        "axes.prop_cycle": cycler(color=s.colours, marker=list(MARKERS[:n]), linestyle=DASHES[:n]),
    }  # fmt: skip


def line(ax: Axes, x: Any, values: Sequence[float | None], label: str | None = None, **options: Any) -> None:
    """Draw a measured line on a logarithmic axis; mark at the edges what has no place on it.

    Where a value is None, which is to say unknown, the line is interrupted.
    """
    from matplotlib.ticker import LogFormatter

    x, y = np.asarray(x, float), np.array([np.nan if v is None else v for v in values], float)
    unknown = np.array([v is None for v in values], bool)
    ax.set_yscale("log")
    ax.yaxis.set_minor_formatter(LogFormatter(labelOnlyBase=False))  # within one decade: plain numbers
    known = np.isfinite(y) & (y > 0)
    (drawn,) = ax.plot(x, np.where(known, y, np.nan), label=label, **options)
    chosen = current()
    for bad, marker, height, name in [
        (~np.isfinite(y) & ~unknown, "X", 0.97, "not finite"),
        (y == 0, "v", 0.03, "exactly 0"),
    ]:
        if bad.any():
            ax.plot(
                x[bad], np.full(bad.sum(), height), transform=ax.get_xaxis_transform(), linestyle="none",
                marker=marker, color=drawn.get_color(), markeredgecolor=chosen.ink, label=name, clip_on=False,
                markersize=1.6 * chosen.marker, zorder=6,
            )  # fmt: skip


def predicted(ax: Axes, x: Any, y: Any, label: str = "theory") -> None:
    """Draw what theory says: dashed, over what was measured."""
    chosen = current()
    ax.plot(
        x,
        y,
        color=chosen.ink,
        linestyle=(0, (3, 2)),
        linewidth=0.7 * chosen.line,
        marker="",
        zorder=5,
        label=label,
    )


def reference(ax: Axes, y: float, text: str) -> None:
    """Draw a horizontal line with its meaning written on it."""
    chosen = current()
    ax.axhline(y, color=chosen.muted, linewidth=0.7 * chosen.line, linestyle=(0, (1, 1)), marker="")
    ax.annotate(
        text, (1, y), xycoords=("axes fraction", "data"), ha="right", va="bottom", color=chosen.muted,
        fontsize="small", xytext=(0, 1), textcoords="offset points",
    )  # fmt: skip


def legend(ax: Axes, **options: Any) -> None:
    """Name the lines, each name once, beside the picture."""
    named = dict(zip(*reversed(ax.get_legend_handles_labels())))
    if named:
        place = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0), "borderaxespad": 0} | options
        ax.legend(named.values(), named.keys(), **place)


def layer_ticks(ax: Axes, names: Sequence[str]) -> None:
    """Write the names of the layers below the axis: all if they are few, else every so many."""
    step = -(-len(names) // 16)
    ticks = range(0, len(names), step)
    long = max(len(name) for name in names) > 4
    ax.set_xticks(
        list(ticks), [names[k] for k in ticks], rotation=35 if long else 0, ha="right" if long else "center"
    )
    ax.set_xlabel("layer")
