"""The curves as a picture: seconds a step against size, both logarithmic, so that proportion is slope 1."""

from __future__ import annotations

from pathlib import Path

from demos.style import panels, prediction, style
from tests.benchmarks.catalogue import Record
from tests.benchmarks.table import curves_in


def plot(records: list[Record], path: Path) -> None:
    """Draw every curve that was measured into one figure."""
    import matplotlib.pyplot as plt

    curves = curves_in(records)
    with style("paper"):
        figure, axes = panels(len(curves))
        for ax, (name, points) in zip(axes, curves.items()):
            panel(ax, name, points)
        axes[0].set_ylabel("one step, milliseconds")
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)
    plt.close(figure)


def panel(ax, name: str, points: list[Record]) -> None:
    """One curve of each contestant, and a line of slope 1 along the upper half of the first."""
    sizes = [point["size"] for point in points]
    for who in points[0]["median"]:
        ax.loglog(sizes, [point["median"][who] * 1e3 for point in points], label=who)
    upper = sizes[len(sizes) // 2 :]
    last = points[-1]["median"]["ours"] * 1e3
    prediction(ax, upper, [last * size / upper[-1] for size in upper], label="slope 1")
    subject, _, setup = name.partition(", ")
    ax.set(title=f"{subject}\n{setup}", xlabel=f"{points[0]['unit']}s")
    ax.legend()
