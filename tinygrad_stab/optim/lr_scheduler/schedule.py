"""What all schedules share: from a factor f(t) to the rates of an optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...user_code import warn
from ..optimizer import Optimizer

NOT_SAVED = {"optimizer", "lr_lambdas", "schedulers"}


class LRScheduler:
    """Base class. A subclass says which share of the rate is used at time t: `factor(t)`.

    From one step to the next, with a floor that is 0 unless the schedule has another,

        lr ← floor + (lr − floor) · f(t)/f(t − 1)

    so two schedules on one optimizer multiply, and a rate that was changed by hand stays changed. Where
    f(t − 1) = 0 nothing is left to multiply, and lr rises again by (initial_lr − floor) · f(t).
    """

    floor = 0.0

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        """`last_epoch` is −1 for a new training; else the last t of one whose rates the optimizer has."""
        self.optimizer: Any = checked(optimizer)
        for k, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{k}] when resuming with "
                    f"last_epoch={last_epoch}: load the optimizer's state_dict first, or leave last_epoch out"
                )
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch + 1
        self._set(self.get_lr() if last_epoch == -1 else [group["lr"] for group in optimizer.param_groups])

    def factor(self, t: int) -> float:
        """The share of the rate that is used at time t."""
        raise NotImplementedError(
            f"{type(self).__name__} has no factor method: define `def factor(self, t):`"
        )

    def get_lr(self) -> list[float]:
        """The rate of every group at t = last_epoch, from the one before; to read rates use `get_last_lr`."""
        t = self.last_epoch
        now, before = self.factor(t), self.factor(t - 1) if t > 0 else 1.0
        rates = [group["lr"] for group in self.optimizer.param_groups]
        if before == 0:
            return [lr + (base - self.floor) * now for lr, base in zip(rates, self.base_lrs)]
        return [self.floor + (lr - self.floor) * (now / before) for lr in rates]

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

    def _set(self, rates: Sequence[float]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        self._last_lr = list(rates)

    def state_dict(self) -> dict[str, Any]:
        """Where the schedule stands, in numbers: functions and the optimizer are not part of it."""
        return {name: value for name, value in vars(self).items() if name not in NOT_SAVED}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from where `state_dict` was taken. The rates themselves are in the optimizer's state."""
        vars(self).update(state_dict)


def checked(optimizer: Any) -> Optimizer:
    """Refuse what is not an optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
    return optimizer
