"""Records as they come, printed as tables."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import groupby

from tests.benchmarks.catalogue import Record
from tests.benchmarks.contestants import PEERS
from tests.benchmarks.curves import growth

WIDTH = 38  # of the names of workloads
ABOVE = {
    "kernel": "An expression chosen in the sources; the other, and how many times as long it takes",
    "look": "To look at a net, in forward and backward passes",
    "import": "Time to import",
    "memory": "Peak memory",
}


def show(records: Iterator[Record]) -> list[Record]:
    """Print the records of one child, the machine's first, each when it comes; return them."""
    shown = [next(records)]
    print(f"\n{heading(shown[0])}", flush=True)
    peers = ["NumPy", *(name for name in PEERS if name not in shown[0]["missing"])]
    for _, group in groupby(records, key=_table_of):
        start = len(shown)
        for record in group:
            if len(shown) == start:
                print(head(record, peers))
            print(row(record, peers), flush=True)
            shown.append(record)
        if shown[-1]["section"] == "curve":
            print(growths(shown[start:]))
    return shown


def _table_of(record: Record) -> tuple:
    """Which table it belongs to: one for each section, but one for each curve."""
    return record["section"], record["name"] if record["section"] == "curve" else None


def heading(machine: Record) -> str:
    """What was run on, how busy it was, and who is not here."""
    on = ", ".join(f"{what} {value}" for what, value in machine["on"].items())
    missing = f"; not installed: {', '.join(machine['missing'])}" if machine["missing"] else ""
    on = textwrap.fill(on, 110, subsequent_indent="  ")
    return f"{on}\nBLAS threads {machine['threads']}, load average at the start {machine['load']}{missing}"


def head(record: Record, peers: list[str]) -> str:
    """The line above the first record of a section; of a curve, above its first size."""
    if record["section"] == "step":
        relative = "".join(f"{'to ' + name:>16}" for name in peers)
        return f"\n{'One step, float32':{WIDTH}}{'ours':>10}{relative}"
    if record["section"] == "curve":
        names = "".join(f"{name:>14}" for name in record["median"])
        return f"\n{record['name']}; µs a {record['unit']}\n{record['unit'] + 's':>12}{names}"
    return f"\n{ABOVE[record['section']]}"


def row(record: Record, peers: list[str]) -> str:
    """One record."""
    if record["section"] == "step":
        return _step(record, peers)
    others = {"curve": _curve, "kernel": _kernel, "look": _look, "import": _import, "memory": _memory}
    return others[record["section"]](record)


def growths(points: list[Record]) -> str:
    """The line below a curve."""
    sizes = [point["size"] for point in points]
    slopes = [growth(sizes, [point["median"][name] for point in points]) for name in points[0]["median"]]
    return f"{'log-log':>12}" + "".join(f"{slope:14.2f}" for slope in slopes) + "   slope of the upper half"


def curves_in(records: list[Record]) -> dict[str, list[Record]]:
    """The points of every curve."""
    points = [record for record in records if record["section"] == "curve"]
    return {name: list(group) for name, group in groupby(points, key=lambda point: point["name"])}


def spread(ratio: list[float]) -> str:
    """A median, and half of the distance between the quartiles."""
    low, middle, high = ratio
    return f"{middle:.2f} ± {(high - low) / 2:.2f}"


def _step(record: Record, peers: list[str]) -> str:
    cells = (spread(record["ratio"][name]) if name in record["ratio"] else "–" for name in peers)
    relative = "".join(f"{cell:>16}" for cell in cells)
    return f"{record['name']:{WIDTH}}{_time(record['median']['ours']):>10}{relative}"


def _curve(record: Record) -> str:
    size = record["size"]
    return f"{size:12,}" + "".join(f"{s / size * 1e6:14.2f}" for s in record["median"].values())


def _kernel(record: Record) -> str:
    (chosen, seconds), (other, others) = record["median"].items()
    inverse = sorted(1 / ratio for ratio in record["ratio"][other])
    return (
        f"{record['name']}\n    {chosen:28}{_time(seconds):>10}    {other:28}{_time(others):>10}"
        f"    × {spread(inverse)}"
    )


def _look(record: Record) -> str:
    (look, seconds), (plain, others) = record["median"].items()
    ratio = spread(record["ratio"][plain])
    return f"{record['name']}\n    {look} {_time(seconds)}, {plain} {_time(others)}, ratio {ratio}"


def _import(record: Record) -> str:
    ours, numpy, nothing = (record["median"][name] for name in ("ours", "NumPy", "nothing"))
    return f"Python {_time(nothing)}, + NumPy {_time(numpy - nothing)}, + this library {_time(ours - numpy)}"


def _memory(record: Record) -> str:
    ours, numpy = (record["median"][name] / 1e6 for name in ("ours", "NumPy"))
    return f"{record['name']}: ours {ours:.1f} MB, by hand {numpy:.1f} MB, ratio {ours / numpy:.2f}"


def _time(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if abs(seconds) >= 1e-4 else f"{seconds * 1e6:.3g} µs"
