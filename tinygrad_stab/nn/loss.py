"""Losses, as functions and as modules. The fused ones have their formulas in `ops/loss.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..tensor import Tensor
from ..user_code import warn
from .module import Module


def mse_loss(input: Tensor, target: Any, reduction: str = "mean") -> Tensor:
    """(input − target)², averaged ('mean'), added up ('sum'), or as it is ('none')."""
    _warn_of_broadcasting(input.array.shape, np.shape(target))
    return ops.mse(input, target) if reduction == "mean" else _reduced((input - target) ** 2, reduction)


def _warn_of_broadcasting(input: tuple[int, ...], target: tuple[int, ...]) -> None:
    try:
        both = np.broadcast_shapes(input, target)
    except ValueError:
        return  # an error will follow, there is nothing to warn of
    if input == target:
        return
    warn(
        f"the target has shape {target} and the input {input}: broadcasting compares each with each, {both}, "
        "which is hardly meant. Give both the same shape, for instance with target.reshape(-1, 1)"
    )


def cross_entropy(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """−log softmax(input)[target], for scores (n, classes) and integer targets (n)."""
    scores, classes = input.array, target.array
    if scores.ndim != 2 or classes.shape != scores.shape[:1]:
        raise ValueError(
            f"cross_entropy: expected scores (n, classes) and targets (n), got {scores.shape} and "
            f"{classes.shape}: targets are class numbers, not one-hot rows; use y.argmax(1) to get them"
        )
    if classes.dtype.kind not in "iu":
        raise RuntimeError(
            f"cross_entropy: targets are class numbers, so integers, not {classes.dtype}: use y.long()"
        )
    if classes.size and not (classes.min() >= 0 and classes.max() < scores.shape[1]):
        raise IndexError(
            f"cross_entropy: target {classes.max() if classes.min() >= 0 else classes.min()} is out of "
            f"bounds for {scores.shape[1]} classes, which are numbered from 0"
        )
    if reduction == "mean":
        return ops.cross_entropy(input, target=classes)
    return _reduced(-ops.log_softmax(input, axis=1).gather(1, classes[:, None]).squeeze(1), reduction)


def binary_cross_entropy_with_logits(input: Tensor, target: Any, reduction: str = "mean") -> Tensor:
    """−t log σ(x) − (1 − t) log(1 − σ(x)), computed without σ so that it cannot overflow."""
    if np.shape(target) != input.array.shape:
        raise ValueError(
            f"binary_cross_entropy_with_logits: the target's shape {np.shape(target)} must be the input's, "
            f"{input.array.shape}: use target.reshape(-1, 1), or input.squeeze(1)"
        )
    return _reduced(ops.bce_with_logits(input, target), reduction)


def _reduced(losses: Tensor, reduction: str) -> Tensor:
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction!r} is not a valid value for reduction: use 'mean', 'sum' or 'none'")
    return losses.mean() if reduction == "mean" else losses.sum() if reduction == "sum" else losses


class _Loss(Module):
    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"{reduction!r} is not a valid value for reduction: use 'mean', 'sum' or 'none'")
        self.reduction = reduction


class MSELoss(_Loss):
    """mean (input − target)². Its gradient is proportional to the error."""

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return mse_loss(input, target, self.reduction)


class CrossEntropyLoss(_Loss):
    """−log softmax(input)[target], for scores (n, classes) and integer targets (n): softmax included."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return cross_entropy(input, target, self.reduction)


class BCEWithLogitsLoss(_Loss):
    """−t log σ(x) − (1 − t) log(1 − σ(x)), for scores x and targets t in [0, 1] of the same shape."""

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return binary_cross_entropy_with_logits(input, target, self.reduction)
