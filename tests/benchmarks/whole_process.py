"""What a timer inside the process cannot see: the time to import, and the memory of a very deep net."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc

import numpy as np

from tests.benchmarks import net
from tests.benchmarks.contestants import Step
from tests.benchmarks.measure import Timing, interleaved


def import_time(rounds: int = 9) -> Timing:
    """A fresh Python that imports this library, or NumPy alone, or nothing."""
    cached = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}

    def step(code: str) -> Step:
        return lambda: subprocess.run([sys.executable, "-c", code], check=True, env=cached)

    codes = {"ours": "import tinygrad_stab", "NumPy": "import numpy", "nothing": ""}
    return interleaved({name: step(code) for name, code in codes.items()}, seconds=0, rounds=rounds)


def peak_memory(depth: int = 1000, batch: int = 100) -> dict[str, int]:
    """The most bytes that a step of a deep tanh net holds at once, beyond weights and data."""
    steps = net.workload("tanh", batch, depth).steps(np.float32, only=("ours", "NumPy"))
    return {name: peak_bytes(step) for name, step in steps.items()}


def peak_bytes(step: Step) -> int:
    step()
    tracemalloc.start()
    try:
        step()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
