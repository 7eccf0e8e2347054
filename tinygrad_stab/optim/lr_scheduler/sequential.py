"""One schedule after the other: a warm-up, then a decay."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from ..optimizer import Optimizer
from .plateau import ReduceLROnPlateau
from .schedule import LRScheduler, checked


class SequentialLR(LRScheduler):
    """Follow schedulers[0] until t = milestones[0], then schedulers[1], …, each from its own t = 0."""

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int]
    ) -> None:
        if not schedulers:
            raise ValueError("SequentialLR expects at least one scheduler, but got no scheduler")
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "SequentialLR expects number of schedulers provided to be one more than the number of "
                f"milestone points, but got {len(schedulers)} schedulers and {len(milestones)} milestones"
            )
        for k, scheduler in enumerate(schedulers):
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(
                    f"SequentialLR: the ReduceLROnPlateau at index {k} needs a metric at every step"
                )
            if scheduler.optimizer is not optimizer:
                raise ValueError(f"SequentialLR: the scheduler at index {k} belongs to another optimizer")
        self.optimizer, self.schedulers, self.milestones = checked(optimizer), schedulers, milestones
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
        return {
            **super().state_dict(),
            "schedulers": [scheduler.state_dict() for scheduler in self.schedulers],
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        state = dict(state_dict)
        for scheduler, own in zip(self.schedulers, state.pop("schedulers"), strict=True):
            scheduler.load_state_dict(own)
        super().load_state_dict(state)
