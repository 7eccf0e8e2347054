"""Clipping: a limit on the size of a step. It keeps an exploding gradient from throwing the weights away; it
neither stops the gradient from exploding nor brings back one that has vanished.

    by norm     g ← g · min(1, c / ‖g‖), with ‖g‖ over all parameters together: shorter, in the same direction
    by value    gᵢ ← min(max(gᵢ, −c), c), element by element: turns the gradient towards a corner

Gradients are replaced, never scaled in place: an array may be shared with another tensor, which would be
scaled twice.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..tensor import Tensor


def clip_grad_norm_(
    parameters: Any, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """Scale all gradients by one factor so that their total norm is at most max_norm; return the norm before
    (Pascanu 2013).

    Idempotent, and without effect below max_norm. A norm that is NaN or infinite cannot be scaled away: the
    gradients are then left as they are, with a warning that names the first parameter concerned, or with
    error_if_nonfinite an error.
    """
    parameters = _with_gradients(parameters, "clip_grad_norm_")
    if not max_norm >= 0:
        raise ValueError(
            f"clip_grad_norm_: max_norm must not be negative, got {max_norm}: it would turn the gradients "
            "around"
        )
    gradients = [p._grad for p in parameters]
    total = get_total_norm(gradients, norm_type)
    norm = total.item()
    if not math.isfinite(norm):
        _report_nonfinite(parameters, norm, error_if_nonfinite)
        return total
    if norm > max_norm:
        clip_grads_with_norm_(parameters, max_norm, total)
    return total


def clip_grads_with_norm_(parameters: Any, max_norm: float, total_norm: Tensor) -> None:
    """Scale all gradients by max_norm / total_norm where that is less than 1."""
    for p in _with_gradients(parameters, "clip_grads_with_norm_"):
        if total_norm.item() > max_norm:
            # divided first: in float32, max_norm / total_norm may be too small a number to be held to full
            # precision
            p._grad = Tensor((p._grad.array / total_norm.item() * max_norm).astype(p._grad.array.dtype))


def clip_grad_value_(parameters: Any, clip_value: float) -> None:
    """Limit every element of every gradient to [−clip_value, clip_value], which changes its direction."""
    if not clip_value >= 0:
        raise ValueError(f"clip_grad_value_: clip_value must not be negative, got {clip_value}")
    for p in _with_gradients(parameters, "clip_grad_value_"):
        p._grad = Tensor(np.clip(p._grad.array, -clip_value, clip_value))


def get_total_norm(tensors: Iterable[Tensor], norm_type: float = 2.0) -> Tensor:
    """The norm of all tensors laid end to end, in float64, where the squares of float32 do not overflow."""
    arrays = [t.array for t in ([tensors] if isinstance(tensors, Tensor) else tensors)]
    largest = max((float(np.max(np.abs(a), initial=0)) for a in arrays), default=0.0)
    if norm_type == math.inf or largest == 0 or not math.isfinite(largest):
        total = largest
    else:  # relative to the largest element, so that no power leaves the range of floats
        powers = sum(float(np.sum((np.abs(a) / np.float64(largest)) ** norm_type)) for a in arrays)
        total = largest * powers ** (1 / norm_type)
    return Tensor(np.array(total, dtype=np.float64))


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All parameters laid end to end in one vector; the gradient passes through."""
    from .. import ops

    return ops.concatenate(*(p.reshape(-1) for p in parameters))


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Give every parameter its stretch of the vector."""
    parameters = list(parameters)
    needed = sum(p.numel() for p in parameters)
    if vec.numel() != needed:
        raise ValueError(
            f"vector_to_parameters: the parameters have {needed} elements, the vector {vec.numel()}"
        )
    start = 0
    for p in parameters:
        p.data = vec.array[start : start + p.numel()].reshape(p.array.shape).copy()
        start += p.numel()


def _with_gradients(parameters: Any, name: str) -> list[Tensor]:
    parameters = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    if not parameters:
        warnings.warn(
            f"{name} was given no parameters: a generator such as model.parameters() can be used only once",
            stacklevel=3,
        )
    return [p for p in parameters if p._grad is not None]


def _report_nonfinite(parameters: list[Tensor], norm: float, error: bool) -> None:
    place = next(k for k, p in enumerate(parameters) if not np.all(np.isfinite(p._grad.array)))
    message = (
        f"the total norm of the gradients is {norm}: parameter {place} of those with a gradient, of shape "
        f"{parameters[place].array.shape}, holds a NaN or an infinity, and scaling would spread it. The "
        "gradients were not changed: skip this step, and find the origin with autograd.detect_anomaly()"
    )
    if error:
        raise RuntimeError(message)
    warnings.warn(message, RuntimeWarning, stacklevel=3)
