"""Time several ways of doing one thing in turn, so that a slow moment of the machine meets all alike.

In each round every contestant runs for about as long, each round begins with another of them, and ratios are
taken round by round: a load that comes and goes changes the times of a round together. Reported are medians
and quartiles, which a few disturbed rounds do not move.
"""

from __future__ import annotations

import gc
import statistics
import time
from typing import NamedTuple

from tests.benchmarks.contestants import Step


class Timing(NamedTuple):
    """Median seconds a step, and quartiles of the ratio of the first contestant's time to each other's."""

    seconds: dict[str, float]
    ratios: dict[str, list[float]]


def interleaved(steps: dict[str, Step], seconds: float, rounds: int) -> Timing:
    """Time each step for about so many seconds in all, spread over so many rounds."""
    gc.collect()
    gc.freeze()  # else full collections look through all that was imported, at whoever's turn it is
    repeats = {name: _repeats(step, seconds / rounds) for name, step in steps.items()}
    names, times = list(steps), {name: [] for name in steps}
    for k in range(rounds):
        turn = k % len(names)
        for name in names[turn:] + names[:turn]:
            times[name].append(_time(steps[name], repeats[name]))
    gc.unfreeze()
    return summary(times)


def summary(times: dict[str, list[float]]) -> Timing:
    """Medians and quartiles of the times of all rounds."""
    first, *others = times
    ratios = {name: [a / b for a, b in zip(times[first], times[name])] for name in others}
    return Timing(
        {name: statistics.median(values) for name, values in times.items()},
        {name: quartiles(values) for name, values in ratios.items()},
    )


def quartiles(values: list[float]) -> list[float]:
    """What a quarter, a half and three quarters of the values are below."""
    return statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else 3 * values


def _time(step: Step, repeats: int) -> float:
    step()  # fills the caches and wakes the threads again after the others' turns
    start = time.perf_counter()
    for _ in range(repeats):
        step()
    return (time.perf_counter() - start) / repeats


def _repeats(step: Step, seconds: float) -> int:
    return max(1, int(seconds / max(_time(step, 1), 1e-9)))
