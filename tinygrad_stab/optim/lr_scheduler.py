"""How the learning rate moves while a net is trained.

A schedule gives every time t = 0, 1, 2, … a factor f(t), the share of the optimizer's rate that is used then:

    LambdaLR             f(t) = what you write
    LinearLR             f(t) = a + (b − a) min(t, T)/T    from a to b in T steps: a warm-up
    StepLR               f(t) = γ^⌊t/s⌋                    a factor γ every s steps
    ExponentialLR        f(t) = γᵗ
    CosineAnnealingLR    f(t) = (1 + cos(π t/T)) / 2       from the rate down to η_min in T steps and up again
    SequentialLR         one schedule after the other, each from its own t = 0
    ReduceLROnPlateau    has no f(t): it waits until a metric has stopped improving

Each `scheduler.step()` adds one to t. It belongs after `optimizer.step()`, or the rate of t = 0 goes unused.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

from ..tensor.left_out import names_left_out
from ..tensor.user_code import warn
from .optimizer import Optimizer

Factor = Callable[[int], float]


class LRScheduler:
    """Base class. A subclass says which share of the rate is used at time t: `share(t)` is its f(t).

    From one step to the next, with a floor that is 0 unless the schedule has another,

        lr ← floor + (lr − floor) · f(t)/f(t − 1)

    so two schedules on one optimizer multiply, and a rate that was changed by hand stays changed. Where
    f(t − 1) = 0 nothing is left to multiply, and lr rises again by (initial_lr − floor) · f(t).
    """

    floor = 0.0
    not_saved = ("optimizer", "lr_lambdas", "schedulers")

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        """`last_epoch` is −1 for a new training; else the last t of one whose rates the optimizer has."""
        groups = self._follow(optimizer).param_groups
        for k, group in enumerate(groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{k}] when resuming with "
                    f"last_epoch={last_epoch}: load the optimizer's state_dict first, or leave last_epoch out"
                )
        self.base_lrs: list[float] = [group["initial_lr"] for group in groups]
        self.last_epoch = last_epoch + 1
        self._set(self.get_lr() if last_epoch == -1 else self._resumed())

    def _resumed(self) -> list[float]:
        """The rates with which a training goes on: those that the optimizer has."""
        return self._rates()

    def _follow(self, optimizer: Any) -> Optimizer:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer
        return optimizer

    def share(self, t: int) -> float:
        """f(t), the share of the rate that is used at time t."""
        raise NotImplementedError(f"{type(self).__name__} has no share method: define `def share(self, t):`")

    def get_lr(self) -> list[float]:
        """The rate of every group at t = last_epoch, from the one before; to read rates use `get_last_lr`."""
        t = self.last_epoch
        now, before = self.share(t), self.share(t - 1) if t > 0 else 1.0
        if before == 0:
            return [lr + (base - self.floor) * now for lr, base in zip(self._rates(), self.base_lrs)]
        return [self.floor + (lr - self.floor) * (now / before) for lr in self._rates()]

    def step(self) -> None:
        """Go on to the next rate."""
        if self.last_epoch == 0 and not self.optimizer.stepped:
            warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`: the first rate of the "
                "schedule is skipped. Call optimizer.step() first, then scheduler.step()"
            )
        self.last_epoch += 1
        self._set(self.get_lr())

    def restart(self) -> None:
        """Begin again at t = 0, from the rates that the optimizer was made with."""
        self.last_epoch = 0
        self._set(self.base_lrs)
        self._set(self.get_lr())

    def get_last_lr(self) -> list[float]:
        """The rate of every group, as this schedule last set it."""
        return self._last_lr

    def _rates(self) -> list[float]:
        return [group["lr"] for group in self.optimizer.param_groups]

    def _set(self, rates: Sequence[float]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        self._last_lr = list(rates)

    def _for_each_group(self, name: str, value: Any) -> list:
        """A list with one entry for each group, or the one value for all."""
        groups = len(self.optimizer.param_groups)
        values = list(value) if isinstance(value, Sequence) else [value] * groups
        if len(values) != groups:
            raise ValueError(f"expected {groups} {name}, got {len(values)}: one for each group of parameters")
        return values

    def state_dict(self) -> dict[str, Any]:
        """Where the schedule stands, in numbers: functions and the optimizer are not part of it."""
        return {name: value for name, value in vars(self).items() if name not in self.not_saved}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from where `state_dict` was taken. The rates themselves are in the optimizer's state."""
        vars(self).update(state_dict)


class LambdaLR(LRScheduler):
    """lr = initial_lr · λ(t), with one function λ for all groups, or a list of one for each.

    A warm-up over n steps is `lambda t: min(1, (t + 1) / n)`: with t / n the very first rate would be 0.
    """

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Factor | Sequence[Factor], last_epoch: int = -1
    ) -> None:
        self._follow(optimizer)
        self.lr_lambdas = self._for_each_group("lr_lambdas", lr_lambda)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return [base * f(self.last_epoch) for base, f in zip(self.base_lrs, self.lr_lambdas)]

    _resumed = get_lr  # which does not ask what the optimizer has


class LinearLR(LRScheduler):
    """f(t) goes straight from start_factor to end_factor in total_iters steps and stays there: a warm-up."""

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1.0 / 3, end_factor: float = 1.0,
        total_iters: int = 5, last_epoch: int = -1,
    ) -> None:  # fmt: skip
        if not 0 < start_factor <= 1:
            raise ValueError(f"start_factor must be greater than 0 and at most 1, got {start_factor}")
        if not 0 <= end_factor <= 1:
            raise ValueError(f"end_factor must be between 0 and 1, got {end_factor}")
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def share(self, t: int) -> float:
        way = min(t, self.total_iters) / max(self.total_iters, 1)
        return self.start_factor + (self.end_factor - self.start_factor) * way


class StepLR(LRScheduler):
    """f(t) = γ^⌊t / step_size⌋."""

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def share(self, t: int) -> float:
        return self.gamma ** (t // self.step_size)

    def _resumed(self) -> list[float]:
        return self.get_lr()  # as in PyTorch: it takes its next step at once


class ExponentialLR(LRScheduler):
    """f(t) = γᵗ."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def share(self, t: int) -> float:
        return self.gamma**t


class CosineAnnealingLR(LRScheduler):
    """f(t) = (1 + cos(π t / T_max)) / 2 above the floor η_min (Loshchilov & Hutter 2017, eq. 5)."""

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max, self.floor = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def share(self, t: int) -> float:
        return (1 + math.cos(math.pi * t / self.T_max)) / 2


class ReduceLROnPlateau(LRScheduler):
    """lr ← max(factor · lr, min_lr) once the metric has not improved for more than `patience` steps in a row.

    It has improved if it beats the best so far by more than `threshold`, a share of that best ("rel") or a
    difference ("abs"). After a reduction `cooldown` steps are not counted; one by at most eps is not made.
    """

    def __init__(
        self, optimizer: Optimizer, mode: str = "min", factor: float = 0.1, patience: int = 10,
        threshold: float = 1e-4, threshold_mode: str = "rel", cooldown: int = 0,
        min_lr: float | Sequence[float] = 0, eps: float = 1e-8,
    ) -> None:  # fmt: skip
        if factor >= 1:
            raise ValueError(f"Factor should be < 1.0, got {factor}")
        if mode not in ("min", "max") or threshold_mode not in ("rel", "abs"):
            raise ValueError(
                f"mode {mode} is not min or max, or threshold mode {threshold_mode} not rel or abs"
            )
        self._follow(optimizer)
        self.mode, self.factor, self.patience, self.cooldown = mode, factor, patience, cooldown
        self.threshold, self.threshold_mode, self.eps = threshold, threshold_mode, eps
        self.min_lrs = self._for_each_group("min_lrs", min_lr)
        self.best = math.inf if mode == "min" else -math.inf
        self.last_epoch = self.num_bad_epochs = self.cooldown_counter = 0
        self._set(self._rates())

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
        rates = self._rates()
        if self.num_bad_epochs > self.patience:
            rates = [self._reduced(rate, least) for rate, least in zip(rates, self.min_lrs, strict=True)]
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._set(rates)

    def _is_better(self, metric: float) -> bool:
        margin = self.threshold if self.mode == "max" else -self.threshold
        mark = self.best * (1 + margin) if self.threshold_mode == "rel" else self.best + margin
        return metric > mark if self.mode == "max" else metric < mark

    def _reduced(self, rate: float, least: float) -> float:
        reduced = max(rate * self.factor, least)
        return reduced if rate - reduced > self.eps else rate


class SequentialLR(LRScheduler):
    """Follow schedulers[0] until t = milestones[0], then schedulers[1], …, each from its own t = 0."""

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int]
    ) -> None:
        if not schedulers:
            raise ValueError("SequentialLR expects at least one scheduler, but got no scheduler")
        if len(milestones) != len(schedulers) - 1:
            found = f"{len(schedulers)} schedulers and {len(milestones)} milestones"
            raise ValueError(f"SequentialLR expects one more scheduler than milestones, but got {found}")
        for k, scheduler in enumerate(schedulers):
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(f"the ReduceLROnPlateau at index {k} needs a metric at every step")
            if scheduler.optimizer is not optimizer:
                raise ValueError(f"the scheduler at index {k} belongs to another optimizer")
        self._follow(optimizer)
        self.schedulers, self.milestones = schedulers, milestones
        self.restart()

    def restart(self) -> None:
        self.last_epoch = -1
        self.step()

    def step(self) -> None:
        self.last_epoch += 1
        k = bisect_right(self.milestones, self.last_epoch)
        scheduler = self.schedulers[k]
        if self.last_epoch == (self.milestones[k - 1] if k else 0):
            scheduler.restart()
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "schedulers": [one.state_dict() for one in self.schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        state = dict(state_dict)
        for scheduler, own in zip(self.schedulers, state.pop("schedulers"), strict=True):
            scheduler.load_state_dict(own)
        super().load_state_dict(state)


__getattr__ = names_left_out(
    __name__,
    {
        "MultiStepLR": "LambdaLR(optimizer, lambda t: gamma ** sum(t >= m for m in milestones)) is the same",
        "OneCycleLR": "SequentialLR of a LinearLR and a CosineAnnealingLR is the same",
    },
)
