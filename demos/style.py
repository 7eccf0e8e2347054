"""How figures look: one set of colours and markers, in three styles, `paper`, `slides` and `dark`.

The colours are those of Okabe and Ito, which colour-blind readers can tell apart; every line has a marker
of its own as well. What was measured is solid with markers; what was predicted is dashed, on top of it, in
the colour of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import fill, wrap
from typing import Any

import numpy as np

Figure = Axes = Any  # matplotlib's; it is imported only when something is drawn
PREDICTED = "predicted"  # the mark of what a slide shows before the measurement

# fmt: off
_ON_WHITE = dict(ink="#111111", muted="#666666", paper="#ffffff",
                 colours=["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"])
_ON_BLACK = dict(ink="#f2f2f2", muted="#a8a8a8", paper="#15171c",
                 colours=["#56b4e9", "#ff8f3f", "#2ecc9b", "#e8a2cb", "#f0e442", "#9db8ff"])
_PRINTED = dict(size=(7.2, 3.1), font=8.5, line=1.5, marker=4, dpi=200, title=82)
_PROJECTED = dict(size=(13.33, 7.5), font=19, line=3.2, marker=9, dpi=120, title=62)
# fmt: on

STYLES: dict[str, dict[str, Any]] = {
    "paper": _ON_WHITE | _PRINTED,
    "slides": _ON_WHITE | _PROJECTED,
    "dark": _ON_BLACK | _PROJECTED,
}


@contextmanager
def style(name: str) -> Iterator[dict[str, Any]]:
    """Draw in this style until the end of the block."""
    import matplotlib.pyplot as plt

    with plt.rc_context(_settings(**STYLES[name])):
        yield STYLES[name]


def _settings(
    ink: str, muted: str, paper: str, colours: list[str], size: tuple, font: float, line: float,
    marker: float, dpi: int, title: int,
) -> dict[str, Any]:  # fmt: skip
    from cycler import cycler

    return {
        "figure.figsize": size, "figure.constrained_layout.use": True, "savefig.dpi": dpi,
        "figure.facecolor": paper, "axes.facecolor": paper, "savefig.facecolor": paper,
        "text.color": ink, "axes.labelcolor": ink, "axes.titlecolor": ink, "axes.edgecolor": muted,
        "xtick.color": muted, "ytick.color": muted, "xtick.labelcolor": ink, "ytick.labelcolor": ink,
        "font.size": font, "axes.titlesize": "medium", "axes.labelsize": "medium",
        "xtick.labelsize": "small", "ytick.labelsize": "small", "legend.fontsize": "small",
        "axes.titlelocation": "left", "axes.spines.top": False, "axes.spines.right": False,
        "axes.grid": True, "axes.axisbelow": True, "grid.color": muted, "grid.alpha": 0.25,
        "grid.linewidth": line / 4, "legend.frameon": False,
        "lines.linewidth": line, "lines.markersize": marker,
        "axes.prop_cycle": cycler(color=colours) + cycler(marker=list("os^Dvp")),
    }  # fmt: skip


def panels(n: int, **options: Any) -> tuple[Figure, list[Axes]]:
    """A figure with n panels side by side; returns it and the list of its axes."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, n, squeeze=False, **options)
    return figure, list(axes[0])


def prediction(ax: Axes, x: Any, y: Any, **options: Any) -> None:
    """Draw what was predicted: dashed, over what was measured."""
    import matplotlib.pyplot as plt

    ink, width = plt.rcParams["text.color"], plt.rcParams["lines.linewidth"] / 2
    options = dict(linestyle="--", linewidth=width, marker="", zorder=5, gid=PREDICTED) | options
    ax.plot(x, y, color=ink, **options)


def band(ax: Axes, x: Any, runs: Any, **options: Any) -> None:
    """Draw the median of several runs as a line, and behind it the range that they cover."""
    runs = np.asarray(runs)
    (line,) = ax.plot(x, np.median(runs, axis=0), **options)
    if len(runs) > 1:
        ax.fill_between(x, runs.min(0), runs.max(0), color=line.get_color(), alpha=0.25, linewidth=0)


def decades(ax: Axes, step: int) -> None:
    """Mark every so many powers of ten on a logarithmic y axis."""
    from matplotlib.ticker import LogLocator, NullLocator

    ax.yaxis.set_major_locator(LogLocator(base=10.0**step, numticks=50))
    ax.yaxis.set_minor_locator(NullLocator())


def heatmap(
    ax: Axes, values: np.ndarray, words: Any, low: float, high: float, cmap: str = "cividis",
    raised: float = 0, **options: Any,
) -> None:  # fmt: skip
    """Colour the cells of a table, and put its words into them; where a value is NaN the cell is hatched."""
    image = ax.imshow(values, vmin=low, vmax=high, cmap=cmap, aspect="auto", **options)
    for (row, column), value in np.ndenumerate(values):
        if np.isnan(value):
            ax.bar(column, 1, 1, bottom=row - 0.5, color="none", edgecolor="grey", hatch="//", linewidth=0)
            continue
        ink = "k" if image.to_rgba(value)[:3] @ np.array([0.3, 0.6, 0.1]) > 0.45 else "w"
        ax.text(column, row + raised, words[row][column], color=ink, ha="center", va="center")
    ax.tick_params(length=0, grid_alpha=0)


def legend(figure: Figure, ax: Axes) -> None:
    """Name the lines of one panel, in a row above all panels."""
    lines, names = ax.get_legend_handles_labels()
    figure.legend(
        lines, [_indexed(name) for name in names], ncols=6, loc="upper left", borderaxespad=0,
        columnspacing=1.2, handlelength=1.8, handletextpad=0.5,
    )  # fmt: skip


def _indexed(text: str) -> str:
    """σ_w², σ_w and b_f as matplotlib sets them."""
    return re.sub(r"(?<!\w)(\w)_(\w)(²?)", lambda x: f"${x[1]}_{x[2]}{'^2' if x[3] else ''}$", text)


def finish(figure: Figure, title: str, caption: str, chosen: dict[str, Any]) -> None:
    """Put the lesson, then the legend, above the panels, and the set-up below them."""
    title = balanced(title.rstrip("."), chosen["title"])
    caption = _indexed(fill(caption, 2 * chosen["title"]))
    line = chosen["font"] / 72 / figure.get_figheight()  # one line of text, as a share of the height
    figure.text(0.012, 1 - 0.3 * line, title, va="top", fontweight="bold", fontsize="large")
    figure.text(0.012, 0.3 * line, caption, va="bottom", fontsize="x-small", color=chosen["muted"])
    head, foot = (1.55 * title.count("\n") + 2) * line, (0.9 * caption.count("\n") + 1.4) * line
    for legend in figure.legends:
        legend.set_bbox_to_anchor((0.006, 0, 1, 1 - head), figure.transFigure)
        head += 1.8 * line
    figure.get_layout_engine().set(rect=(0.004, foot, 0.986, 1 - head - foot))


def balanced(text: str, width: int) -> str:
    """Break a text into as few lines of at most this width as it needs, and these about equally long."""
    lines = wrap(text, width)
    while lines and len(shorter := wrap(text, width - 1)) == len(lines):
        lines, width = shorter, width - 1
    return "\n".join(lines)


def show(otherwise: str) -> None:
    """Open the figures that were drawn; where there is no display, print this instead."""
    import matplotlib.pyplot as plt

    if plt.get_backend().lower() == "agg":
        print(otherwise)
    else:
        plt.show()
