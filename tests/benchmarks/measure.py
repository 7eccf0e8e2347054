"""Time several ways of doing one thing in turn, so that a slow moment of the machine meets all alike."""

from __future__ import annotations

import importlib
import importlib.util
import statistics
import time
from collections.abc import Callable
from typing import Any

import tinygrad_stab

Step = Callable[[], object]


def of_libraries(make: Callable[[Any], Step]) -> dict[str, Step]:
    """The same step made with this library and, where it is installed, with PyTorch, whose names we share."""
    steps = {"ours": make(tinygrad_stab)}
    if importlib.util.find_spec("torch"):
        steps["PyTorch"] = make(importlib.import_module("torch"))
    return steps


def interleaved(steps: dict[str, Step], seconds: float = 1.0, rounds: int = 15) -> dict[str, float]:
    """Median time of one step, in seconds, for each contestant; every round times all of them in turn."""
    repeats = {}
    for name, step in steps.items():
        step()  # the first call pays for what only the first call does
        start = time.perf_counter()
        step()
        once = time.perf_counter() - start
        repeats[name] = max(1, int(seconds / rounds / max(once, 1e-9)))
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            start = time.perf_counter()
            for _ in range(repeats[name]):
                step()
            times[name].append((time.perf_counter() - start) / repeats[name])
    return {name: statistics.median(values) for name, values in times.items()}
