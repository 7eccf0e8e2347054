"""Losses, as functions and as modules. Every gradient in a net starts from one of these slopes, ∂L/∂x:

    mse_loss                           2 (x − t) / n          grows with the error, so outliers weigh most
    l1_loss                            ± 1 / n                the same, however near to the target
    smooth_l1_loss                     clip(x − t, ±β) / βn   in proportion near the target, else as l1
    cross_entropy                      (softmax x − e_t) / n  how much too likely each class is; e_t one-hot
    binary_cross_entropy_with_logits   (σ(x) − t) / n         the same for two classes

`reduction` says whether the losses are averaged ('mean'; n counts samples for cross_entropy, elements for the
others), added up ('sum') or returned ('none').
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..engine.graph import array_of
from ..tensor import Size, Tensor
from ..tensor.user_code import warn
from .stateless import Stateless


def _reduced(losses: Tensor, reduction: str) -> Tensor:
    return {"mean": losses.mean, "sum": losses.sum, "none": lambda: losses}[_checked(reduction)]()


def _checked(reduction: str) -> str:
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction!r} is not a valid value for reduction: use 'mean', 'sum' or 'none'")
    return reduction


# --- a distance ---------------------------------------------------------------------------------------------


def mse_loss(input: Tensor, target: Any, reduction: str = "mean") -> Tensor:
    """(input − target)²."""
    _check_distance("mse_loss", input, target)
    return ops.mse(input, target) if reduction == "mean" else _reduced((input - target) ** 2, reduction)


def l1_loss(input: Tensor, target: Any, reduction: str = "mean") -> Tensor:
    """|input − target|."""
    _check_distance("l1_loss", input, target)
    return _reduced((input - target).abs(), reduction)


def smooth_l1_loss(input: Tensor, target: Any, reduction: str = "mean", beta: float = 1.0) -> Tensor:
    """d²/2β for |d| < β, else |d| − β/2, where d = input − target (Girshick 2015, eq. 3).

    With d clipped to c = min(max(d, −β), β) both are c (d − c/2)/β.
    """
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta, got {beta}")
    if beta == 0:
        return l1_loss(input, target, reduction)
    _check_distance("smooth_l1_loss", input, target)
    d = input - target
    c = d.clamp(-beta, beta)
    return _reduced(c * (d - c / 2) / beta, reduction)


def huber_loss(input: Tensor, target: Any, reduction: str = "mean", delta: float = 1.0) -> Tensor:
    """d²/2 for |d| < δ, else δ (|d| − δ/2) (Huber 1964): smooth_l1_loss with beta = δ, times δ."""
    if delta <= 0:
        raise RuntimeError(f"huber_loss does not support non-positive values for delta, got {delta}")
    return delta * smooth_l1_loss(input, target, reduction, delta)


def _check_distance(name: str, input: Tensor, target: Any) -> None:
    """Refuse integers on both sides, of which a mean is none; warn of broadcasting."""
    if getattr(target, "dtype", input.array.dtype).kind != "f":
        input._floats(name)
    shape, expected = np.shape(array_of(target)), input.array.shape
    if shape == expected:
        return
    try:
        both = np.broadcast_shapes(expected, shape)
    except ValueError:
        return  # an error will follow, there is nothing to warn of
    warn(
        f"Using a target size (torch.{Size(shape)}) that is different to the input size "
        f"(torch.{Size(expected)}): broadcasting compares each with each, {both}, which is hardly meant. "
        "Give both the same shape, for instance with target.reshape(-1, 1)"
    )


# --- −log of the probability given to the right class -------------------------------------------------------


def nll_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, *, ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """−w[t] · log p[t], for log-probabilities (n, classes), integer targets t (n), a weight for each class.

    'mean' divides by the sum of the weights w[t]. Samples whose target is `ignore_index` do not count. One
    sample may be (classes) with a target (), and one with many places (n, classes, …) with targets (n, …).
    """
    classes = _classes("nll_loss", input, target, ignore_index)
    return _likelihood(
        _classes_last(input._floats("nll_loss")), classes, weight, ignore_index, reduction, 0.0
    )


def cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, *, ignore_index: int = -100,
    reduction: str = "mean", label_smoothing: float = 0.0,
) -> Tensor:  # fmt: skip
    """−w[t] · log softmax(input)[t], for scores (n, classes); the rest is as in `nll_loss`.

    With label_smoothing ε the right class counts 1 − ε and all classes together ε (Szegedy et al. 2016,
    sec. 7): the scores then have a best value, and need not grow for ever. Targets may be probabilities q, in
    the shape of the scores: −Σ_c w[c] q[c] log softmax(input)[c], whose 'mean' divides by the samples.
    """
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    scores = _classes_last(input._floats("cross_entropy"))
    if target.array.dtype.kind == "f" and target.array.shape == input.array.shape:
        log_p, q = ops.log_softmax(scores, axis=-1), _classes_last(target)
        return _expectation(log_p, q, weight, reduction, label_smoothing)
    classes = _classes("cross_entropy", input, target, ignore_index)
    plain = weight is None and label_smoothing == 0 and reduction == "mean" and input.array.ndim == 2
    if plain and ignore_index not in classes:
        return ops.cross_entropy(input, target=classes)
    log_p = ops.log_softmax(scores, axis=-1)
    return _likelihood(log_p, classes, weight, ignore_index, reduction, label_smoothing)


def _classes_last(scores: Tensor) -> Tensor:
    """(n, classes, …) → (n, …, classes), of which a mask over the targets (n, …) picks rows."""
    dims = scores.array.ndim
    return scores if dims <= 2 else scores.permute(0, *range(2, dims), 1)


def _likelihood(
    log_p: Tensor, classes: np.ndarray, weight: Any, ignored: int, reduction: str, smoothing: float
) -> Tensor:
    """−(1 − ε) w[tₙ] log p[n, tₙ] − ε/C Σ_c w[c] log p[n, c] for every sample n that is not ignored."""
    count, counted = log_p.array.shape[-1], classes != ignored
    w = _weights(weight, count, log_p)
    log_p, t = log_p[counted], classes[counted]
    losses = -w[t] * log_p.gather(1, t[:, None]).squeeze(1)
    if smoothing:
        losses = (1 - smoothing) * losses - smoothing / count * (w * log_p).sum(1)
    if reduction == "mean":
        return losses.sum() / w[t].sum()
    return _reduced(ops.scatter(losses, key=counted, shape=classes.shape), reduction)


def _expectation(log_p: Tensor, q: Tensor, weight: Any, reduction: str, smoothing: float) -> Tensor:
    """−Σ_c w[c] ((1 − ε) q[n, c] + ε/C) log p[n, c] for every sample n."""
    count = q.array.shape[-1]
    q = (1 - smoothing) * q + smoothing / count
    return _reduced(-(_weights(weight, count, log_p) * q * log_p).sum(-1), reduction)


def _weights(weight: Any, count: int, like: Tensor) -> np.ndarray:
    """The weight of each class; 1 if none is given."""
    w = (np.ones(count) if weight is None else array_of(weight)).astype(like.array.dtype)
    if w.shape != (count,):
        raise RuntimeError(f"weight tensor should be defined for all {count} classes, not of shape {w.shape}")
    return w


def _classes(name: str, scores: Tensor, target: Tensor, ignored: int) -> np.ndarray:
    """The targets as an array of class numbers, which fit the scores."""
    classes = target.array
    *expected, count = _classes_last(scores).array.shape or (0,)
    if classes.shape != tuple(expected):
        raise ValueError(
            f"{name}: expected scores (n, classes) and targets (n), got {scores.array.shape} and "
            f"{classes.shape}: targets are class numbers, not one-hot rows; use y.argmax(1) to get them, or "
            "y.float() to give cross_entropy a probability of each class"
        )
    if classes.dtype.kind not in "iu":
        kind = classes.dtype
        raise RuntimeError(f"{name}: targets are class numbers, so integers, not {kind}: use y.long()")
    wrong = classes[((classes < 0) | (classes >= count)) & (classes != ignored)]
    if wrong.size:
        raise IndexError(f"{name}: Target {wrong[0]} is out of bounds for {count} classes, counted from 0")
    return classes


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Class numbers (n) → rows (n, classes), zeros with a one at the class; −1: up to the largest number."""
    classes = tensor.array
    if classes.dtype.kind not in "iu":
        raise RuntimeError(
            f"one_hot is only applicable to index tensor, this one is {classes.dtype}: use y.long()"
        )
    count = int(classes.max(initial=-1)) + 1 if num_classes == -1 else num_classes
    if classes.size and not (classes.min() >= 0 and classes.max() < count):
        raise RuntimeError(
            f"one_hot: class values from {classes.min()} to {classes.max()} do not fit {count} classes"
        )
    return Tensor((classes[..., None] == np.arange(count)).astype(np.int64))


def binary_cross_entropy(
    input: Tensor, target: Any, weight: Tensor | None = None, *, reduction: str = "mean"
) -> Tensor:
    """−t log x − (1 − t) log(1 − x), for probabilities x in [0, 1] and targets t of the same shape.

    binary_cross_entropy_with_logits takes the scores before a sigmoid, and keeps its gradient where that has
    rounded to 1.
    """
    _check_shape(input, target)
    x = input._floats("binary_cross_entropy").array
    if x.size and not (x.min() >= 0 and x.max() <= 1):
        raise RuntimeError(
            f"all elements of input should be between 0 and 1, but they range from {x.min():.4g} to "
            f"{x.max():.4g}: put a sigmoid before, or take binary_cross_entropy_with_logits"
        )
    losses = ops.binary_cross_entropy(input, target)
    return _reduced(losses if weight is None else losses * weight, reduction)


def binary_cross_entropy_with_logits(
    input: Tensor, target: Any, weight: Any = None, *, reduction: str = "mean", pos_weight: Any = None
) -> Tensor:
    """−t log σ(x) − (1 − t) log(1 − σ(x)), computed without σ so that it cannot overflow.

    `weight` multiplies each loss; `pos_weight` p only its first term, for classes that are rare. With it the
    loss is that of a target t′ = p t / s, times s = p t + 1 − t.
    """
    _check_shape(input, target)
    input._floats("binary_cross_entropy_with_logits")
    if pos_weight is None:
        losses = ops.bce_with_logits(input, target)
    else:
        s = pos_weight * target + 1 - target
        losses = s * ops.bce_with_logits(input, pos_weight * target / s)
    return _reduced(losses if weight is None else losses * weight, reduction)


def _check_shape(input: Tensor, target: Any) -> None:
    if np.shape(target) != input.array.shape:
        raise ValueError(
            f"Using a target size (torch.{Size(np.shape(target))}) that is different to the input size "
            f"(torch.{input.shape}): Target size must be the same as input size, use "
            "target.reshape(-1, 1), or input.squeeze(1)"
        )


# --- as modules ---------------------------------------------------------------------------------------------


class _Loss(Stateless):
    def check(self) -> None:
        _checked(self.reduction)
        for name in ("weight", "pos_weight"):
            if name in vars(self):
                self.register_buffer(name, vars(self).pop(name))

    def extra_repr(self) -> str:
        return ""


# fmt: off
class MSELoss(_Loss, function=mse_loss):                 """The mean squared error."""
class L1Loss(_Loss, function=l1_loss):                   """The mean absolute error."""
class SmoothL1Loss(_Loss, function=smooth_l1_loss):      """Squares below beta, absolute values above."""
class HuberLoss(_Loss, function=huber_loss):             """Squares below delta, lines above."""
class NLLLoss(_Loss, function=nll_loss):                 """−log p[t], for the output of a LogSoftmax."""
class CrossEntropyLoss(_Loss, function=cross_entropy):   """−log softmax(input)[t]: softmax included."""
class BCELoss(_Loss, function=binary_cross_entropy):     """For probabilities; BCEWithLogitsLoss is safer."""
class BCEWithLogitsLoss(_Loss, function=binary_cross_entropy_with_logits): """For scores before a sigmoid."""
# fmt: on
