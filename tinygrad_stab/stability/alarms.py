"""When a training step looks wrong. The limits are ratios, as a norm by itself says nothing.

The gradient of a healthy net may have almost any norm, depending on its width and on whether the loss is a
mean or a sum. What a layer has relative to another, or a step relative to those before, depends on neither.

Adam's first steps are long, LSTMs have gradients that jump, and a net that has learned its data has next to
no gradient left: none of these is a reason to warn. So a single step must be very wrong to be named, what is
merely unusual must last, and what is small is wrong only as long as nothing was learned.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter, deque
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
    adds_up: bool = False  # does .grad hold what earlier steps have left there?
    kept: float | None = None  # the share of the gradient's norm that is left of it after clipping

    def of(self, layer: str) -> tuple[LayerRecord, float | None] | None:
        """What was seen of a layer, and its update; None if it was not called in this step."""
        of_layers = zip(self.layers, self.updates)
        return next(((row, update) for row, update in of_layers if row.layer == layer), None)

    @property
    def change(self) -> float:
        """‖ΔW‖/‖W‖ of all layers together."""
        pairs = [(row.weight, u) for row, u in zip(self.layers, self.updates) if u is not None]
        size = math.sqrt(sum(w * w for w, _ in pairs))
        return math.sqrt(sum((w * u) ** 2 for w, u in pairs)) / size if size else 0.0


@dataclass(frozen=True)
class Limits:
    """Beyond which ratios to warn."""

    decay: float = 1e-4  # ‖∂L/∂h‖ of the first layer, relative to the largest: it vanishes
    growth: float = 1e4  # the largest ‖∂L/∂h‖, relative to that of the model's output: it explodes
    spike: float = (
        10.0  # the total norm relative to its median, while the loss rises; three times that without a loss
    )
    fast: float = (
        0.1  # ‖ΔW‖/‖W‖: twice that in ten steps running, or five times that of one layer in one step
    )
    slow: float = (
        1e-6  # ‖ΔW‖/‖W‖ of every layer: nothing moves; ten times that for twenty steps, if nothing is learned
    )
    silent: float = 0.98  # the share of a layer's outputs that are 0, five steps in a row
    clipped: float = 2e-3  # what clipping leaves of the gradient, five steps in a row
    stay: int = 100  # steps in which the loss does not fall by 1 %, nor by two standard errors


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
        self._losses: list[tuple[int, float]] = []  # the first five, and those of the latest 2 · stay steps
        self._in_a_row: Counter[str] = Counter()  # for how many records something has been so
        self._from_zero: Counter[str] = Counter()  # records since a layer's weights were all 0

    def look_at(self, record: StepRecord) -> None:
        """Warn of what is wrong with this record."""
        if record.loss is not None and math.isfinite(record.loss):
            self._losses.append((record.step, record.loss))
            del self._losses[5 : max(5, len(self._losses) - 2 * self.limits.stay)]
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
            if not self._has_learned(1e-3):
                yield "zero", "the gradient is exactly zero: no weight can change"
            return
        yield from self._of_the_loop(record)
        yield from self._along_the_depth(record)
        yield from self._units(record)
        yield from self._norm(record, total)
        yield from self._updates(record)
        yield from self._loss(record)

    def _lasts(self, kind: str, is_so: bool, records: int) -> bool:
        """Has it been so for so many records in a row?"""
        self._in_a_row[kind] = self._in_a_row[kind] + 1 if is_so else 0
        return self._in_a_row[kind] >= records

    def _has_learned(self, share: float) -> bool:
        """Is no more than this share left of the loss at the start?"""
        return bool(self._losses) and self._losses[-1][1] <= share * self._at_the_start()

    def _at_the_start(self) -> float:
        return statistics.median(loss for _, loss in self._losses[:5])

    # --- what one can see at once ---------------------------------------------------------------------------

    def _of_the_loop(self, record: StepRecord) -> Iterator[tuple[str, str]]:
        if self._lasts("adds up", record.adds_up, 2):
            yield "adds up", "gradients add up from step to step: optimizer.zero_grad() is missing"
        kept = record.kept
        if self._lasts("clipped", kept is not None and kept < self.limits.clipped, 5):
            yield (
                "clipped",
                f"clipping leaves {kept:.1e} of the gradient, step after step: its bound is far too low",
            )

    def _along_the_depth(self, record: StepRecord) -> Iterator[tuple[str, str]]:
        often = {
            row.layer.split(" #")[0] for row in record.layers if row.layer.endswith(" #4")
        }  # steps in time
        norms = {
            row.layer: row.backward
            for row in record.layers
            if row.backward is not None and row.layer.split(" #")[0] not in often
        }
        if len(norms) < 2 or self._has_learned(1e-2):
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

    def _units(self, record: StepRecord) -> Iterator[tuple[str, str]]:
        silent = [row for row in record.layers[:-1] if row.zero > self.limits.silent]
        if self._lasts("dead", bool(silent) and not self._has_learned(0.5), 5):
            yield (
                "dead",
                f"{silent[0].zero:.1%} of the outputs of layer {silent[0].layer} are 0, step after step",
            )

    def _norm(self, record: StepRecord, total: float) -> Iterator[tuple[str, str]]:
        usual = statistics.median(self._norms) if len(self._norms) >= 5 else math.inf
        limit = self.limits.spike * (3 if record.loss is None else 1)
        if total > limit * usual and (record.loss is None or self._has_risen(record.loss)):
            yield "spike", f"the total norm is {total:.2e}, {total / usual:.0f} times its median so far"
        if self.above is not None and total > self.above:
            yield "above", f"the total norm is {total:.2e}, above {self.above:g}"
        if self.below is not None and total < self.below:
            yield "below", f"the total norm is {total:.2e}, below {self.below:g}"

    def _has_risen(self, loss: float) -> bool:
        """Is it above those before, and no longer a small part of what it was at the start?"""
        before = [value for _, value in self._losses[-11:-1]]
        return bool(before) and loss > 1.5 * statistics.median(before) and loss > 0.5 * self._at_the_start()

    def _updates(self, record: StepRecord) -> Iterator[tuple[str, str]]:
        updates = {row.layer: u for row, u in zip(record.layers, record.updates) if u is not None}
        for row, u in zip(record.layers, record.updates):
            if u is None:
                self._from_zero[row.layer] = 1
            elif row.layer in self._from_zero:
                self._from_zero[row.layer] += 1
        if not updates:
            return
        change = max(updates.values())
        settled = {name: u for name, u in updates.items() if not 0 < self._from_zero[name] < 20}
        fastest = max(settled, key=settled.__getitem__, default="")
        lasts = self._lasts("fast", record.change > 2 * self.limits.fast and bool(settled), 10)
        if settled and settled[fastest] > 5 * self.limits.fast:
            yield (
                "fast",
                f"one step changed layer {fastest} by {settled[fastest]:.0%}: lower the learning rate",
            )
        elif lasts:
            yield "fast", f"every step changes the weights by {record.change:.0%}: lower the learning rate"
        elif change == 0 and not self._has_learned(1e-2):
            yield (
                "still",
                (
                    "no weight has moved: call monitor.step() after optimizer.step(), and see whether the "
                    "optimizer "
                    "holds the parameters of this very model"
                ),
            )
        elif 0 < change < self.limits.slow and not self._has_learned(0.5):
            yield "slow", f"no layer changed by more than {change:.1e} of its size: raise the learning rate"
        elif self._lasts("slow", 0 < change < 10 * self.limits.slow and not self._has_learned(0.98), 20):
            yield "slow", f"no layer changed by more than {change:.1e} of its size, for twenty steps"
        yield from self._at_rest(record, change)

    def _at_rest(self, record: StepRecord, change: float) -> Iterator[tuple[str, str]]:
        largest = max((row.weight_grad or 0.0 for row in record.layers), default=0.0)
        still = [
            row.layer
            for row, u in zip(record.layers, record.updates)
            if u == 0 and (row.weight_grad or 0.0) > 1e-3 * largest and " #" not in row.layer
        ]
        if self._lasts("at rest", bool(still) and change > 10 * self.limits.slow, 3):
            names = ", ".join(still[:3]) + (" and others" if len(still) > 3 else "")
            yield "at rest", f"layer {names} has a gradient and does not move: is it in the optimizer?"

    # --- what takes a while ---------------------------------------------------------------------------------

    def _loss(self, record: StepRecord) -> Iterator[tuple[str, str]]:
        if record.loss is None or len(self._losses) < 6:
            return
        start = max(loss for _, loss in self._losses[:5])
        if self._lasts("diverging", record.loss > 5 * start > 0, 3):
            yield (
                "diverging",
                f"the loss is {record.loss:.3g}, at the start it was {start:.3g}: lower the learning rate",
            )
        window = [loss for step, loss in self._losses if step > record.step - self.limits.stay]
        if record.step < self._losses[0][0] + self.limits.stay or len(window) < 20:
            return
        third = len(window) // 3
        early, late = window[:third], window[-third:]
        error = math.sqrt((statistics.variance(early) + statistics.variance(late)) / third)
        fallen = statistics.fmean(early) - statistics.fmean(late)
        at_start = self._at_the_start()
        if (
            fallen < max(0.01 * abs(statistics.fmean(early)), 2 * error)
            and statistics.fmean(late) > 0.9 * at_start > 0
        ):
            yield "stays", (
                f"the loss stays where it is, {statistics.fmean(late):.4g} after {at_start:.4g} at the "
                f"start: "
                "run diagnose on a batch"
            )  # fmt: skip
