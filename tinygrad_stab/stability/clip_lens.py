"""What clipping did in a run: how often it fired, how much it took, and whether it turned the gradient."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..nn.utils import clip_grad_norm_, get_total_norm
from ..tensor import Tensor
from .history import History
from .report import Report, column


@dataclass
class ClipRecord:
    """The gradient of all parameters together, before and after clipping, and the angle between the two."""

    step: int = column("step")
    before: float = column("‖g‖ before", ".3e")
    after: float = column("‖g‖ after", ".3e")
    angle: float = column("angle in °", ".3g")


@dataclass
class Percentile:
    """A norm before clipping that this share of the steps stayed below."""

    share: float = column("share of steps", ".0%")
    norm: float = column("‖g‖ below", ".3e")


@dataclass(repr=False)
class ClipReport(Report):
    """The recorded steps, printed as percentiles of the norm before clipping; and what to make of them."""

    clipped: float  # share of the steps
    verdict: str
    suggested_max_norm: float

    def printed_rows(self) -> list[Percentile]:
        norms = _finite([record.before for record in self.rows])
        shares = (0.1, 0.5, 0.9, 0.99, 1.0)
        return [Percentile(q, float(np.quantile(norms, q))) for q in shares] if norms else []


class ClipLens:
    """Clip gradients as `clip_grad_norm_` does, and keep a record of it.

        lens = ClipLens(model.parameters(), max_norm=1.0)
        for …:
            loss.backward()
            lens.clip()                     # returns the norm before, as clip_grad_norm_ does
            optimizer.step()
        print(lens.report())

    `clip` may be another function of (parameters, limit): clip_grad_value_ turns the gradient, as `angle`
    shows; scaling all of it by one factor does not. At most `max_records` records are kept.
    """

    def __init__(self, parameters: Tensor | Iterable[Tensor], max_norm: float, *, max_records: int = 10_000,
                 clip: Callable[[Any, float], Any] = clip_grad_norm_) -> None:  # fmt: skip
        self.parameters = [parameters] if isinstance(parameters, Tensor) else list(parameters)
        if not self.parameters:
            raise ValueError("ClipLens was given no parameters: a generator can be used only once")
        if not max_norm >= 0:
            raise ValueError(f"max_norm must not be negative, got {max_norm}")
        self.max_norm, self._clip = max_norm, clip
        self.records: History[ClipRecord] = History(max_records)
        self.steps = self.fired = 0
        self.largest = self.largest_angle = 0.0

    def clip(self) -> Tensor:
        """Clip the gradients as they are now, and return their total norm before."""
        before = [p._grad.array.copy() for p in self.parameters if p._grad is not None]
        norm = get_total_norm(map(Tensor, before))
        self._clip(self.parameters, self.max_norm)
        after = [p._grad.array for p in self.parameters if p._grad is not None]
        record = ClipRecord(
            self.steps, norm.item(), get_total_norm(map(Tensor, after)).item(), _angle(before, after)
        )
        self.records.add(record)
        self.fired += record.after < record.before
        self.largest = max([self.largest, *_finite([record.before])])
        self.largest_angle = max(self.largest_angle, record.angle)
        self.steps += 1
        return norm

    def report(self) -> ClipReport:
        """The share of steps clipped, whether that is a sensible share, and a limit for the largest tenth.

        The share and what is largest are those of all steps; percentiles and the suggestion rest on the steps
        recorded.
        """
        records = list(self.records)
        norms = _finite([record.before for record in records])
        if not norms:
            return ClipReport("Nothing clipped yet", records, 0.0, "no step with a finite gradient", math.nan)
        clipped = self.fired / self.steps
        suggested = float(np.quantile(norms, 0.9))
        verdict = _verdict(clipped, self.max_norm, self.largest)
        angle = f"Largest angle between the gradient before and after: {self.largest_angle:.3g}°"
        notes = [verdict, angle]
        if self._clip is clip_grad_norm_:
            share = _percent(float(np.mean(np.array(norms) > suggested)))
            notes.append(f"max_norm={suggested:.3g} would clip {share} of these steps.")
        if len(norms) < len(records):
            notes.append(
                f"Not finite, and left as they were: the gradients of {len(records) - len(norms)} steps."
            )
        title = f"Clipping at {self.max_norm:g} over {self.steps} steps"
        return ClipReport(title, records, clipped, verdict, suggested, notes=notes)


def _verdict(clipped: float, max_norm: float, largest: float) -> str:
    if clipped == 0:
        return f"never fired: the largest norm was {largest:.3g}, and max_norm is {max_norm:g}"
    if clipped >= 0.9:
        always = "always" if clipped == 1 else "nearly always"
        return f"fires {always}, in {_percent(clipped)} of the steps: max_norm sets the length of a step"
    return f"fires in {_percent(clipped)} of the steps"


def _percent(share: float) -> str:
    return f"{100 * share:.3g}%"  # of a thousand steps, one is not 0 %


def _finite(norms: list[float]) -> list[float]:
    return [norm for norm in norms if math.isfinite(norm)]


def _angle(before: list[np.ndarray], after: list[np.ndarray]) -> float:
    """The angle in degrees, exact where it is small, too; 0 where a vector has no direction."""
    a, b = (
        np.concatenate([g.ravel().astype(float) for g in gs]) if gs else np.zeros(1) for gs in (before, after)
    )
    if not (np.all(np.isfinite(a)) and np.any(a) and np.any(b)):
        return 0.0
    a, b = (v / np.max(np.abs(v)) for v in (a, b))
    a, b = (v / np.linalg.norm(v) for v in (a, b))
    return math.degrees(2 * math.atan2(float(np.linalg.norm(a - b)), float(np.linalg.norm(a + b))))
