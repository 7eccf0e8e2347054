"""What the probe sees, recorded while a model trains, with the size of the steps that its weights take."""

from __future__ import annotations

import os
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..nn.module import Module
from ..tensor import Tensor
from .alarms import Alarms, Limits, StepRecord
from .history import History
from .plots import plot_update_to_data
from .probe import LayerRecord, measure, norm
from .report import Report, column, write_csv
from .trace import Trace


class GradientWarning(UserWarning):
    """Something about the gradients of a model in training looks wrong."""


def _warn(message: str) -> None:
    warnings.warn(message, GradientWarning, stacklevel=4)


@dataclass
class LayerOverTime:
    """A layer over a run: the gradient at its output first, in the median, and last; all else at the end."""

    layer: str = column("layer")
    std: float = column("std h", ".3g")
    zero: float = column("zero", ".0%")
    saturated: float | None = column("saturated", ".0%")
    backward_first: float | None = column("‖∂L/∂h‖ first", ".2e")
    backward_median: float | None = column("median", ".2e")
    backward_last: float | None = column("last", ".2e")
    weight_grad: float | None = column("‖∂L/∂W‖", ".2e")
    gain: float | None = column("gain", ".3g")
    update: float | None = column("update:data", ".1e")


class GradientMonitor:
    """Record a model's layers every so many training steps, and warn of what looks wrong as it happens.

        with GradientMonitor(model, every=10) as monitor:
            for x, y in loader:
                optimizer.zero_grad()
                loss = loss_fn(model(x), y)
                loss.backward()
                optimizer.step()
                monitor.step(loss)              # last: it compares the weights with those before the step
        print(monitor.report())

    At most `max_records` records are kept, spread evenly over the run. Each kind of warning is given once, to
    `on_warning`: a GradientWarning by default, `print` or None if you like. All limits are ratios (`Limits`),
    but for `warn_above` and `warn_below`, limits on the total norm that are off by default.
    """

    def __init__(
        self,
        model: Module,
        every: int = 1,
        max_records: int = 1000,
        *,
        limits: Limits | None = None,
        warn_above: float | None = None,
        warn_below: float | None = None,
        on_warning: Callable[[str], None] | None = _warn,
    ) -> None:
        if every < 1:
            raise ValueError(f"every is a number of steps, 1 or more: got {every}")
        self.model, self.every = model, every
        self.records: History[StepRecord] = History(max_records)
        self.alarms = Alarms(limits or Limits(), warn_above, warn_below, on_warning)
        self.steps = 0
        self._trace = Trace(model)
        self._parameters = list(model.parameters())
        self._before: dict[Tensor, np.ndarray] = {}  # the weights before the step
        self._gradient = _OneGradient(self._parameters)
        self._seconds = self._began = self._latest = 0.0

    def __enter__(self) -> GradientMonitor:
        self._snapshot_hook = self.model.register_forward_pre_hook(self._snapshot)
        self._trace.__enter__()
        self._gradient.watch()
        self._began = self._latest = time.perf_counter()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._trace.__exit__()
        self._gradient.release()
        self._snapshot_hook.remove()
        self._trace.calls, self._before = [], {}

    @property
    def overhead(self) -> float:
        """The share of the time up to the latest step spent here; what hooks cost elsewhere is not seen."""
        spent = self._seconds + self._trace.seconds
        return spent / (self._latest - self._began) if self.steps else 0.0

    def step(self, loss: Any = None) -> None:
        """Record what the latest forward and backward pass did; to be called last in every training step.

        Raises RuntimeError if the model has computed nothing since the last call.
        """
        start = time.perf_counter()
        if self._trace.watching:
            if not (self._trace.calls and self._before):
                raise RuntimeError(
                    "monitor.step(): the model has computed nothing with gradients since the last step: call "
                    "it once per training step, inside `with monitor:`, after model(x) and loss.backward()"
                )
            with np.errstate(all="ignore"):
                self._gradient.compare()
                record = self._record(None if loss is None else float(loss))
            self.records.add(record)
            self.alarms.look_at(record)
        self._gradient.next_step()
        self.steps += 1
        self._trace.calls, self._before = [], {}
        self._trace.watching = self.steps % self.every == 0
        self._latest = time.perf_counter()
        self._seconds += self._latest - start

    def _snapshot(self, module: Module, inputs: tuple) -> None:
        if self._trace.watching and not self._before:
            start = time.perf_counter()
            self._before = {
                p: p.array.copy() for _, matrices in self._trace.layers.values() for p in matrices
            }
            self._seconds += time.perf_counter() - start

    def _record(self, loss: float | None) -> StepRecord:
        gradients = {p: p._grad for p in self._parameters if p._grad is not None}
        calls = self._trace.calls
        return StepRecord(
            step=self.steps,
            loss=loss,
            total_norm=norm(*(g.array for g in gradients.values())),
            layers=[measure(call, gradients) for call in calls],
            updates=[self._update(call.matrices) for call in calls],
            adds_up=self._gradient.adds_up,
            kept=self._gradient.kept,
        )

    def _update(self, matrices: Sequence[Tensor]) -> float | None:
        """‖ΔW‖/‖W‖, with W before the step."""
        size = norm(*(self._before[p] for p in matrices))
        change = norm(*(p.array - self._before[p] for p in matrices))
        return change / size if size and change is not None else None

    # --- what was recorded ---------------------------------------------------------------------------------

    def report(self) -> Report:
        """Every layer over the run, the warnings, and what the monitor cost."""
        records = list(self.records)
        if not records:
            return Report("Nothing recorded", [])
        rows = [self._over_time(layer, records) for layer in records[-1].layers]
        notes = [
            f"{alarm.message} (step {alarm.step}, {alarm.times} of the steps looked at)"
            for alarm in self.alarms.raised.values()
        ]
        notes.append(
            f"{len(records)} records of {self.steps} steps; the monitor took at least {self.overhead:.0%} of "
            "the time."
        )
        return Report(f"{type(self.model).__name__} over {self.steps} steps", rows, notes=notes)

    @staticmethod
    def _over_time(last: LayerRecord, records: list[StepRecord]) -> LayerOverTime:
        seen = [found for record in records if (found := record.of(last.layer))]
        norms = [row.backward for row, _ in seen if row.backward is not None]
        updates = [update for _, update in seen if update is not None]
        return LayerOverTime(
            last.layer, last.std, last.zero, last.saturated,
            norms[0] if norms else None, statistics.median(norms) if norms else None, last.backward,
            last.weight_grad, last.gain, statistics.median(updates) if updates else None,
        )  # fmt: skip

    def to_rows(self) -> list[dict[str, Any]]:
        """One dict per record and layer."""
        return [
            {"step": r.step, "loss": r.loss, "total_norm": r.total_norm, **asdict(layer), "update": update}
            for r in self.records
            for layer, update in zip(r.layers, r.updates)
        ]

    def to_csv(self, path: str | os.PathLike) -> None:
        """Write `to_rows()` to a file."""
        write_csv(self.to_rows(), path)

    def plot(self, ax: Any = None) -> Any:
        """Draw the updates relative to the weights over time; see `plots` for other pictures."""
        return plot_update_to_data(self, ax=ax)


class _OneGradient:
    """What the backward passes of a step brought to one parameter, beside what lies in its .grad at the end.

    The parameter is the smallest there is. Where .grad is the sum of that and of what lay there before,
    nobody has set it to zero; where it is a small multiple of it, it was clipped.
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        trained = [p for p in parameters if p.requires_grad]
        self.parameter = min(
            trained, key=lambda p: p.array.size if p.array.size > 1 else 1 << 30, default=None
        )
        self.brought: np.ndarray | None = None
        self.left: np.ndarray | None = None
        self.adds_up = False
        self.kept: float | None = None
        self.handle: Any = None

    def watch(self) -> None:
        if self.parameter is not None:
            self.handle = self.parameter.register_hook(self._add)

    def release(self) -> None:
        if self.handle is not None:
            self.handle.remove()

    def _add(self, g: Tensor) -> None:
        new = g.array.astype(float)
        self.brought = new if self.brought is None else self.brought + new

    def compare(self) -> None:
        """Is .grad what was brought, a multiple of it, or that and what was left?"""
        self.adds_up, self.kept = False, None
        grad = None if self.parameter is None else self.parameter._grad
        if grad is None or self.brought is None:
            return
        now, brought = grad.array.astype(float), self.brought
        size = float(np.linalg.norm(brought))
        if self.left is not None and np.any(self.left):
            both = self.left + brought
            is_sum = np.linalg.norm(now - both) <= 1e-3 * np.linalg.norm(both)
            self.adds_up = bool(
                (is_sum and not _along(now, brought, 0.0)) or (_along(now, both) and not _along(now, brought))
            )
        if size and _along(now, brought):
            self.kept = float(np.linalg.norm(now)) / size

    def next_step(self) -> None:
        """What lies in .grad now is what the next step will find, unless it is set to zero."""
        grad = None if self.parameter is None else self.parameter._grad
        self.left = None if grad is None else grad.array.astype(float)
        self.brought = None


def _along(a: np.ndarray, b: np.ndarray, slack: float = 1e-4) -> bool:
    """Do both point the same way? Without slack, are they the same?"""
    if not slack:
        return bool(np.linalg.norm(a - b) <= 1e-2 * np.linalg.norm(b))
    sizes = float(np.linalg.norm(a) * np.linalg.norm(b))
    return bool(sizes and np.sum(a * b) > (1 - slack) * sizes)
