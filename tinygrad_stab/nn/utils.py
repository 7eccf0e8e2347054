"""Clipping: a limit on the size of a step. It keeps an exploding gradient from throwing the weights away; it
neither stops the gradient from exploding nor brings back one that has vanished.

    by norm     g ← g · min(1, c / ‖g‖), with ‖g‖ over all parameters together: shorter, in the same direction
    by value    gᵢ ← min(max(gᵢ, −c), c), element by element: turns the gradient towards a corner

Gradients are replaced, never scaled in place: an array may be shared with another tensor, which would be
scaled twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from .. import ops
from ..dtypes import get_default_dtype
from ..tensor import Tensor
from ..user_code import warn


def clip_grad_norm_(
    parameters: Any, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """Scale all gradients by one factor so that their total norm is at most max_norm (Pascanu et al. 2013).

    Returns the norm before. Idempotent, and without effect below max_norm. A norm that is NaN or infinite
    cannot be scaled away: the gradients are then left as they are, with a warning that names the first
    parameter concerned, or with error_if_nonfinite an error."""
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
    norm = total_norm.item()
    if norm > max_norm:
        for p in _with_gradients(parameters, "clip_grads_with_norm_"):
            wide = p._grad.array.astype(np.float64)  # the factor, or the norm, may be out of float32's range
            p._grad = Tensor((wide / norm * max_norm).astype(p._grad.array.dtype))


def clip_grad_value_(parameters: Any, clip_value: float) -> None:
    """Limit every element of every gradient to [−clip_value, clip_value], which changes its direction."""
    if not clip_value >= 0:
        raise ValueError(f"clip_grad_value_: clip_value must not be negative, got {clip_value}")
    limit = float(clip_value)
    for p in _with_gradients(parameters, "clip_grad_value_"):
        p._grad = Tensor(np.clip(p._grad.array, -limit, limit))


def get_total_norm(
    tensors: Iterable[Tensor], norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """The norm of all tensors laid end to end, computed in float64, and in their dtype if it fits there."""
    arrays = [t.array for t in ([tensors] if isinstance(tensors, Tensor) else tensors)]
    p = float(norm_type)
    if not p > 0:
        raise ValueError(f"get_total_norm: norm_type must be positive, got {norm_type}")
    largest = float(np.max([np.max(np.abs(a), initial=0) for a in arrays], initial=0))
    total = largest
    if p != math.inf and 0 < largest < math.inf:
        # Relative to the largest element, so that no power leaves the range of floats.
        total *= sum(float(np.sum((np.abs(a) / np.float64(largest)) ** p)) for a in arrays) ** (1 / p)
    if error_if_nonfinite and not math.isfinite(total):
        raise RuntimeError(f"get_total_norm: the total norm is {total}")
    dtype = np.result_type(*arrays) if arrays else get_default_dtype()
    return Tensor(np.array(total, dtype if total <= float(np.finfo(dtype).max) else np.float64))


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All parameters laid end to end in one vector; the gradient passes through."""
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
    """Those that have a gradient, each once."""
    parameters = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    if not parameters:
        warn(f"{name} was given no parameters: a generator such as model.parameters() can be used only once")
    return list(dict.fromkeys(p for p in parameters if p._grad is not None))


def _report_nonfinite(parameters: list[Tensor], norm: float, error: bool) -> None:
    places = [k for k, p in enumerate(parameters) if not np.all(np.isfinite(p._grad.array))]
    if places:
        shape = parameters[places[0]].array.shape
        cause = (
            f"parameter {places[0]} of those with a gradient, of shape {shape}, holds a NaN or an infinity"
        )
    else:
        cause = "all elements are finite, but their norm is not"
    message = (
        f"the total norm of the gradients is {norm}: {cause}, and scaling would spread it. The gradients "
        "were not changed: skip this step, and find the origin with autograd.detect_anomaly()"
    )
    if error:
        raise RuntimeError(message)
    warn(message, RuntimeWarning)
