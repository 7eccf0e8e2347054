"""Losses that measure a distance, as functions and as modules.

Of (x − t)² the slope is proportional to the error, and one outlier can outweigh a batch. Of |x − t| it is ±1,
however near to t; of the smooth one it shrinks near t, as with the square, and is limited far from it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..tensor import Tensor
from .loss import Loss, reduced, warn_of_broadcasting


def mse_loss(input: Tensor, target: Any, reduction: str = "mean") -> Tensor:
    """(input − target)², averaged ('mean'), added up ('sum'), or as it is ('none')."""
    warn_of_broadcasting(input.array.shape, np.shape(target))
    return ops.mse(input, target) if reduction == "mean" else reduced((input - target) ** 2, reduction)


def l1_loss(input: Tensor, target: Any, reduction: str = "mean") -> Tensor:
    """|input − target|, averaged ('mean'), added up ('sum'), or as it is ('none')."""
    return reduced(_difference(input, target).abs(), reduction)


def smooth_l1_loss(input: Tensor, target: Any, reduction: str = "mean", beta: float = 1.0) -> Tensor:
    """d²/2β for |d| < β, else |d| − β/2, where d = input − target (Girshick 2015, eq. 3).

    With d clipped to c = min(max(d, −β), β) both are c (d − c/2)/β; the slope is c/β, the clipped error.
    """
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta, got {beta}")
    if beta == 0:
        return l1_loss(input, target, reduction)
    d = _difference(input, target)
    c = d.clamp(-beta, beta)
    return reduced(c * (d - c / 2) / beta, reduction)


def _difference(input: Tensor, target: Any) -> Tensor:
    warn_of_broadcasting(input.array.shape, np.shape(target))
    return input - target


class MSELoss(Loss):
    """mean (input − target)². Its gradient is proportional to the error."""

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return mse_loss(input, target, self.reduction)


class L1Loss(Loss):
    """mean |input − target|. Its gradient has the same size for every error."""

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return l1_loss(input, target, self.reduction)


class SmoothL1Loss(Loss):
    """The square for errors below beta, the absolute value above: its gradient is the error, clipped."""

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return smooth_l1_loss(input, target, self.reduction, self.beta)
