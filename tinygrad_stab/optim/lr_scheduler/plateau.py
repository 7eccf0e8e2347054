"""A schedule that looks at a metric instead of the time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..optimizer import Optimizer
from .schedule import LRScheduler, checked


class ReduceLROnPlateau(LRScheduler):
    """lr ← max(factor · lr, min_lr) once the metric has not improved for more than `patience` steps in a row.

    It has improved if it beats the best so far by more than `threshold`, a share of that best ("rel") or a
    difference ("abs"). After a reduction `cooldown` steps are not counted; one by at most eps is not made.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        if factor >= 1:
            raise ValueError(f"Factor should be < 1.0, got {factor}")
        if mode not in ("min", "max") or threshold_mode not in ("rel", "abs"):
            raise ValueError(
                f"mode {mode} or threshold mode {threshold_mode} is unknown: use min or max, rel or abs"
            )
        groups = checked(optimizer).param_groups
        self.min_lrs = list(min_lr) if isinstance(min_lr, Sequence) else [min_lr] * len(groups)
        if len(self.min_lrs) != len(groups):
            raise ValueError(f"expected {len(groups)} min_lrs, got {len(self.min_lrs)}")
        self.optimizer, self.mode, self.reduction, self.patience = optimizer, mode, factor, patience
        self.threshold, self.threshold_mode = threshold, threshold_mode
        self.cooldown, self.eps = cooldown, eps
        self.best = math.inf if mode == "min" else -math.inf
        self.last_epoch = self.num_bad_epochs = self.cooldown_counter = 0
        self._set([group["lr"] for group in groups])

    def step(self, metrics: Any) -> None:  # type: ignore[override]
        """Look at the metric, a number or a tensor with one element, and reduce the rate if it is time."""
        metric = float(metrics)
        self.last_epoch += 1
        self.num_bad_epochs += 1
        if self._is_better(metric):
            self.best, self.num_bad_epochs = metric, 0
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        rates = [group["lr"] for group in self.optimizer.param_groups]
        if self.num_bad_epochs > self.patience:
            rates = [self._reduced(rate, least) for rate, least in zip(rates, self.min_lrs, strict=True)]
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._set(rates)

    def _is_better(self, metric: float) -> bool:
        margin = self.threshold if self.mode == "max" else -self.threshold
        mark = self.best * (1 + margin) if self.threshold_mode == "rel" else self.best + margin
        return metric > mark if self.mode == "max" else metric < mark

    def _reduced(self, rate: float, least: float) -> float:
        reduced = max(rate * self.reduction, least)
        return reduced if rate - reduced > self.eps else rate
