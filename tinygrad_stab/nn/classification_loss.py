"""Losses that are −log of the probability given to the right class, as functions and as modules."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..graph import array_of
from ..tensor import Tensor
from .loss import Loss, reduced


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:
    """−w[t] · log p[t], for log-probabilities (n, classes), integer targets t (n), a weight for each class.

    'mean' divides by the sum of the weights w[t]. Samples whose target is `ignore_index` do not count.
    """
    classes = _checked("nll_loss", input, target, ignore_index)
    return _likelihood(input, classes, weight, ignore_index, reduction, 0.0)


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """−w[t] · log softmax(input)[t], for scores (n, classes), integer targets t (n), a weight for each class.

    With label_smoothing ε the right class counts 1 − ε and all classes together ε (Szegedy et al. 2016,
    sec. 7): the scores then have a best value, and need not grow for ever. The rest is as in `nll_loss`.
    """
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    classes = _checked("cross_entropy", input, target, ignore_index)
    if weight is None and label_smoothing == 0 and reduction == "mean" and ignore_index not in classes:
        return ops.cross_entropy(input, target=classes)
    log_p = ops.log_softmax(input, axis=1)
    return _likelihood(log_p, classes, weight, ignore_index, reduction, label_smoothing)


def _likelihood(
    log_p: Tensor, classes: np.ndarray, weight: Any, ignored: int, reduction: str, smoothing: float
) -> Tensor:
    """−(1 − ε) w[tₙ] log p[n, tₙ] − ε/C Σ_c w[c] log p[n, c] for every sample n that is not ignored."""
    count, counted = log_p.array.shape[1], classes != ignored
    w = (np.ones(count) if weight is None else array_of(weight)).astype(log_p.array.dtype)
    if w.shape != (count,):
        raise RuntimeError(
            f"weight tensor should be defined for all {count} classes, one for each, but has shape {w.shape}"
        )
    log_p, t = log_p[counted], classes[counted]
    losses = -w[t] * log_p.gather(1, t[:, None]).squeeze(1)
    if smoothing:
        losses = (1 - smoothing) * losses - smoothing / count * (w * log_p).sum(1)
    if reduction == "mean":
        return losses.sum() / w[t].sum()
    return reduced(ops.scatter(losses, key=counted, shape=classes.shape), reduction)


def _checked(name: str, scores: Tensor, target: Tensor, ignored: int) -> np.ndarray:
    """The targets as an array of class numbers, which fit the scores."""
    classes, shape = target.array, scores.array.shape
    if len(shape) != 2 or classes.shape != shape[:1]:
        raise ValueError(
            f"{name}: expected scores (n, classes) and targets (n), got {shape} and {classes.shape}: "
            "targets are class numbers, not one-hot rows; use y.argmax(1) to get them"
        )
    if classes.dtype.kind not in "iu":
        raise RuntimeError(
            f"{name}: targets are class numbers, so integers, not {classes.dtype}: use y.long()"
        )
    wrong = classes[((classes < 0) | (classes >= shape[1])) & (classes != ignored)]
    if wrong.size:
        raise IndexError(
            f"{name}: Target {wrong[0]} is out of bounds for {shape[1]} classes, which are numbered from 0"
        )
    return classes


def binary_cross_entropy(
    input: Tensor, target: Any, weight: Tensor | None = None, *, reduction: str = "mean"
) -> Tensor:
    """−t log x − (1 − t) log(1 − x), for probabilities x and targets t of the same shape.

    x must lie in [0, 1]: it is what sigmoid returns. binary_cross_entropy_with_logits computes the same from
    the scores before, and keeps its gradient where sigmoid has rounded to 1.
    """
    x = input.array
    if np.shape(target) != x.shape:
        raise ValueError(
            f"Using a target size ({np.shape(target)}) that is different to the input size ({x.shape}): use "
            "target.reshape(-1, 1), or input.squeeze(1)"
        )
    if x.size and not (x.min() >= 0 and x.max() <= 1):
        raise RuntimeError(
            f"all elements of input should be between 0 and 1, but they range from {x.min():.4g} to "
            f"{x.max():.4g}: put a sigmoid before, or take binary_cross_entropy_with_logits"
        )
    losses = ops.binary_cross_entropy(input, target)
    return reduced(losses if weight is None else losses * weight, reduction)


def binary_cross_entropy_with_logits(input: Tensor, target: Any, reduction: str = "mean") -> Tensor:
    """−t log σ(x) − (1 − t) log(1 − σ(x)), computed without σ so that it cannot overflow."""
    if np.shape(target) != input.array.shape:
        raise ValueError(
            f"binary_cross_entropy_with_logits: the target's shape {np.shape(target)} must be the input's, "
            f"{input.array.shape}: use target.reshape(-1, 1), or input.squeeze(1)"
        )
    return reduced(ops.bce_with_logits(input, target), reduction)


class _WeightedLoss(Loss):
    def __init__(self, weight: Tensor | None, reduction: str) -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)


class NLLLoss(_WeightedLoss):
    """−log p[t], for log-probabilities (n, classes), which LogSoftmax returns, and integer targets t (n)."""

    def __init__(
        self, weight: Tensor | None = None, *, ignore_index: int = -100, reduction: str = "mean"
    ) -> None:
        super().__init__(weight, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return nll_loss(input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class CrossEntropyLoss(_WeightedLoss):
    """−log softmax(input)[t], for scores (n, classes) and integer targets t (n): softmax included."""

    def __init__(
        self,
        weight: Tensor | None = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, reduction)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class BCELoss(_WeightedLoss):
    """−t log x − (1 − t) log(1 − x), for probabilities x; prefer BCEWithLogitsLoss, on the scores before."""

    def __init__(self, weight: Tensor | None = None, *, reduction: str = "mean") -> None:
        super().__init__(weight, reduction)

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(Loss):
    """−t log σ(x) − (1 − t) log(1 − σ(x)), for scores x and targets t in [0, 1] of the same shape."""

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return binary_cross_entropy_with_logits(input, target, self.reduction)
