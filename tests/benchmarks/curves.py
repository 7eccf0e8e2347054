"""How the cost of a step grows: with depth, with the batch, with time steps. It should be in proportion.

With the batch it is so from where a layer's arithmetic costs more than the calls that start it.

A graph that is walked once gives a straight line; one that is searched again and again does not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from tests.benchmarks import lstm, net
from tests.benchmarks.contestants import Step


@dataclass(frozen=True)
class Curve:
    name: str
    unit: str  # of which there are so many
    sizes: tuple[int, ...]
    steps: Callable[[int], dict[str, Step]]


def curves() -> Iterator[Curve]:
    yield Curve(
        f"depth, layers of {net.WIDTH} tanh, batch 10",
        "layer",
        (10, 30, 100, 300, 1_000, 3_000, 10_000),
        lambda depth: beside_numpy(net.workload("tanh", batch=10, depth=depth)),
    )
    yield Curve(
        f"batch, {net.DEPTH} x {net.WIDTH} tanh",
        "sample",
        (1, 4, 16, 64, 256, 1_024, 4_096),
        lambda batch: beside_numpy(net.workload("tanh", batch)),
    )
    yield Curve(
        "time steps, LSTM(10, 32), batch 16", "time step", (10, 30, 100, 300, 1_000, 2_000), through_time
    )


def beside_numpy(workload) -> dict[str, Step]:
    return workload.steps(np.float32, only=("ours", "NumPy"))


def through_time(steps: int) -> dict[str, Step]:
    whole, cells = (beside_numpy(make(steps, 16, 10, 32)) for make in (lstm.sequence, lstm.cell_loop))
    return {**whole, **{f"{name}, cells": step for name, step in cells.items()}}


def growth(sizes: list[int], seconds: list[float]) -> float:
    """The slope in a log-log picture over the upper half of the sizes: 1 is growth in proportion."""
    half = len(sizes) // 2
    return math.log(seconds[-1] / seconds[half]) / math.log(sizes[-1] / sizes[half])
