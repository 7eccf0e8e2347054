"""When a training step looks wrong. The limits are ratios, as a norm by itself says nothing.

The gradient of a healthy net may have almost any norm, depending on its width and on whether the loss is a
mean or a sum. What a layer has relative to another, or a step relative to those before, depends on neither.
"""

from __future__ import annotations

import math
import statistics
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .probe import LayerRecord


@dataclass
class StepRecord:
    """One training step. `updates` holds ‖ΔW‖/‖W‖ of each of the layers."""

    step: int
    loss: float | None
    total_norm: float | None  # None without any gradient
    layers: list[LayerRecord]
    updates: list[float | None]

    def of(self, layer: str) -> tuple[LayerRecord, float | None] | None:
        """What was seen of a layer, and its update; None if it was not called in this step."""
        of_layers = zip(self.layers, self.updates)
        return next(((row, update) for row, update in of_layers if row.layer == layer), None)


@dataclass(frozen=True)
class Limits:
    """Beyond which ratios to warn."""

    decay: float = 1e-4  # ‖∂L/∂h‖ of the first layer, relative to the largest: it vanishes
    growth: float = 1e4  # the largest ‖∂L/∂h‖, relative to that of the model's output: it explodes
    spike: float = 10.0  # the total norm, relative to the median of the last fifty
    fast: float = 0.1  # ‖ΔW‖/‖W‖ of a layer: the step overwrites what was learned
    slow: float = 1e-6  # ‖ΔW‖/‖W‖ of every layer: nothing moves


@dataclass
class Alarm:
    """A kind of warning: when it was first given, in which words, and in how many records it was true."""

    step: int
    message: str
    times: int = 1


class Alarms:
    """Looks at one record after the other, and warns once of each kind of thing that is wrong."""

    def __init__(self, limits: Limits, above: float | None, below: float | None,
                 on_warning: Callable[[str], None] | None) -> None:  # fmt: skip
        self.limits, self.above, self.below = limits, above, below
        self.on_warning = on_warning
        self.raised: dict[str, Alarm] = {}
        self._norms: deque[float] = deque(maxlen=50)

    def look_at(self, record: StepRecord) -> None:
        """Warn of what is wrong with this record."""
        for kind, message in self._findings(record):
            if kind in self.raised:
                self.raised[kind].times += 1
                continue
            self.raised[kind] = Alarm(record.step, message)
            if self.on_warning is not None:
                self.on_warning(f"step {record.step}: {message}")
        if record.total_norm is not None and math.isfinite(record.total_norm):
            self._norms.append(record.total_norm)

    def _findings(self, record: StepRecord) -> Iterator[tuple[str, str]]:
        total = record.total_norm
        if total is None:
            yield "no gradient", "no parameter has a gradient: has zero_grad() come before monitor.step()?"
            return
        if not math.isfinite(total + (record.loss or 0.0)):
            yield "not finite", f"the loss is {record.loss}, the total norm of the gradient {total}"
            return
        if total == 0:
            yield "zero", "the gradient is exactly zero: no weight can change"
            return
        yield from self._along_the_depth(record)
        yield from self._from_step_to_step(record, total)

    def _along_the_depth(self, record: StepRecord) -> Iterator[tuple[str, str]]:
        norms = {layer.layer: layer.backward for layer in record.layers if layer.backward is not None}
        if len(norms) < 2:
            return
        first, *_, last = norms
        largest = max(norms, key=norms.__getitem__)
        high = norms[largest]
        if norms[first] < self.limits.decay * high:
            low = norms[first]
            yield "vanishing", f"‖∂L/∂h‖ falls from {high:.1e} at layer {largest} to {low:.1e} at {first}"
        if high > self.limits.growth * norms[last]:
            low = norms[last]
            yield "exploding", f"‖∂L/∂h‖ grows from {low:.1e} at layer {last} to {high:.1e} at {largest}"

    def _from_step_to_step(self, record: StepRecord, total: float) -> Iterator[tuple[str, str]]:
        usual = statistics.median(self._norms) if len(self._norms) >= 5 else math.inf
        if total > self.limits.spike * usual:
            yield "spike", f"the total norm is {total:.2e}, {total / usual:.0f} times its median so far"
        if self.above is not None and total > self.above:
            yield "above", f"the total norm is {total:.2e}, above {self.above:g}"
        if self.below is not None and total < self.below:
            yield "below", f"the total norm is {total:.2e}, below {self.below:g}"
        updates = {layer.layer: u for layer, u in zip(record.layers, record.updates) if u is not None}
        if not updates:
            return
        fastest = max(updates, key=updates.__getitem__)
        change = updates[fastest]
        if change > self.limits.fast:
            yield "fast", f"one step changed layer {fastest} by {change:.0%}: lower the learning rate"
        elif change == 0:
            yield "still", "no weight has moved: call monitor.step() after optimizer.step()"
        elif change < self.limits.slow:
            yield "slow", f"no layer changed by more than {change:.1e} of its size"
