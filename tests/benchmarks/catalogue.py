"""All that can be measured, by section and name; measuring yields records, of plain numbers and strings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from tests.benchmarks import classifier, layers, lstm, net, normalization, whole_process
from tests.benchmarks.contestants import Workload
from tests.benchmarks.curves import Curve, curves
from tests.benchmarks.kernels import Kernel, kernels
from tests.benchmarks.looking import Look, looks
from tests.benchmarks.measure import interleaved

# "median": by contestant, seconds or bytes; "ratio": of the first to each other, quartiles; a curve's "size".
Record = dict[str, Any]


class Entry(NamedTuple):
    section: str
    name: str
    measure: Callable[[float, int], Iterator[Record]]  # from seconds for each contestant, and rounds


def catalogue() -> Iterator[Entry]:
    for family in (net, classifier, lstm, normalization, layers):
        for workload in family.workloads():
            yield Entry("step", workload.name, partial(_step, workload))
    for curve in curves():
        yield Entry("curve", curve.name, partial(_curve, curve))
    for kernel in kernels():
        yield Entry("kernel", kernel.where, partial(_kernel, kernel))
    for look in looks():
        yield Entry("look", look.name, partial(_look, look))
    yield Entry("import", "a fresh Python", _import)
    yield Entry("memory", "the most that a step of 1 000 layers holds", _memory)


def chosen(words: list[str], sections: list[str]) -> list[Entry]:
    """The entries in these sections whose section or name contains one of the words; no words mean all."""
    return [
        entry
        for entry in catalogue()
        if entry.section in sections
        and (not words or any(word.lower() in f"{entry.section} {entry.name}".lower() for word in words))
    ]


def _step(workload: Workload, seconds: float, rounds: int) -> Iterator[Record]:
    timing = interleaved(workload.steps(), seconds, rounds)
    yield {"median": timing.seconds, "ratio": timing.ratios}


def _curve(curve: Curve, seconds: float, rounds: int) -> Iterator[Record]:
    for size in curve.sizes:
        timing = interleaved(curve.steps(size), seconds / 2, min(rounds, 5))
        yield {"median": timing.seconds, "ratio": timing.ratios, "size": size, "unit": curve.unit}


def _kernel(kernel: Kernel, seconds: float, rounds: int) -> Iterator[Record]:
    timing = interleaved(kernel.forms, seconds / 2, rounds)
    yield {"median": timing.seconds, "ratio": timing.ratios}


def _look(look: Look, seconds: float, rounds: int) -> Iterator[Record]:
    timing = interleaved(look.ways, seconds / 2, rounds)
    yield {"median": timing.seconds, "ratio": timing.ratios}


def _import(seconds: float, rounds: int) -> Iterator[Record]:
    timing = whole_process.import_time(rounds)
    yield {"median": timing.seconds, "ratio": timing.ratios}


def _memory(seconds: float, rounds: int) -> Iterator[Record]:
    peaks = whole_process.peak_memory()
    yield {"median": peaks, "ratio": {"NumPy": [peaks["ours"] / peaks["NumPy"]] * 3}}
