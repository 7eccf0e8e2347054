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
from ..tensor import Tensor
from ..tensor.dtypes import get_default_dtype
from ..tensor.user_code import warn


def clip_grad_norm_(
    parameters: Any, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """Scale all gradients by one factor so that their total norm is at most max_norm (Pascanu et al. 2013).

    Returns the norm before. Idempotent, and without effect below max_norm. A norm that is NaN or infinite
    cannot be scaled away: the gradients are then left as they are, with a warning that names the first
    parameter concerned, or with error_if_nonfinite an error.
    """
    parameters = _with_gradients("clip_grad_norm_", parameters, max_norm=max_norm)
    total = get_total_norm([p._grad for p in parameters], norm_type)
    if math.isfinite(total.item()):
        clip_grads_with_norm_(parameters, max_norm, total)
    elif error_if_nonfinite:
        raise RuntimeError(_nonfinite(parameters, total.item()))
    else:
        warn(_nonfinite(parameters, total.item()), RuntimeWarning)
    return total


def clip_grads_with_norm_(parameters: Any, max_norm: float, total_norm: Tensor) -> None:
    """Scale all gradients by max_norm / total_norm where that is less than 1.

    PyTorch divides by total_norm + 10⁻⁶. That shortens a gradient of norm 1 by a millionth, and one of 10⁻⁷
    to an eleventh of max_norm.
    """
    norm = total_norm.item()
    if norm > max_norm:
        for p in _with_gradients("clip_grads_with_norm_", parameters):
            wide = p._grad.array.astype(np.float64)  # the factor, or the norm, may be out of float32's range
            wide /= norm
            wide *= max_norm
            p._grad = Tensor(wide.astype(p._grad.array.dtype))


def clip_grad_value_(parameters: Any, clip_value: float) -> None:
    """Limit every element of every gradient to [−clip_value, clip_value], which changes its direction."""
    limit = float(clip_value)
    for p in _with_gradients("clip_grad_value_", parameters, clip_value=limit):
        p._grad = Tensor(np.clip(p._grad.array, -limit, limit))


def get_total_norm(
    tensors: Iterable[Tensor], norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """The norm of all tensors laid end to end, taken in float64, returned in their dtype if it fits."""
    arrays = [t.array for t in ([tensors] if isinstance(tensors, Tensor) else tensors)]
    p = float(norm_type)
    if not p > 0:
        raise ValueError(f"get_total_norm: norm_type must be positive, got {norm_type}")
    squares = sum(map(_sum_of_squares, arrays)) if p == 2 else 0.0
    if 1e-200 < squares < 1e200:
        total = math.sqrt(squares)
    else:  # relative to the largest element, so that no power leaves the range of floats
        total = largest = float(np.max([np.max(np.abs(a), initial=0) for a in arrays], initial=0))
        if p != math.inf and 0 < largest < math.inf:
            total *= sum(float(np.sum((np.abs(a) / np.float64(largest)) ** p)) for a in arrays) ** (1 / p)
    if error_if_nonfinite and not math.isfinite(total):
        raise RuntimeError(f"get_total_norm: the total norm is {total}")
    dtype = np.result_type(*arrays) if arrays else get_default_dtype()
    return Tensor(np.array(total, dtype if total <= float(np.finfo(dtype).max) else np.float64))


@np.errstate(over="ignore")
def _sum_of_squares(x: np.ndarray) -> float:
    wide = x.astype(np.float64, copy=False).ravel()
    return float(np.dot(wide, wide))


def _with_gradients(function: str, parameters: Any, **limit: float) -> list[Tensor]:
    """Those that have a gradient, each once."""
    for name, value in limit.items():
        if not value >= 0:
            raise ValueError(
                f"{function}: {name} must not be negative, got {value}: it would turn gradients around"
            )
    parameters = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    if not parameters:
        warn(f"{function} was given no parameters: a generator such as .parameters() can be used only once")
    return list(dict.fromkeys(p for p in parameters if p._grad is not None))


def _nonfinite(parameters: list[Tensor], norm: float) -> str:
    cause = "all elements are finite, but their norm is not"
    for k, p in enumerate(parameters):
        if not np.all(np.isfinite(p._grad.array)):
            shape = p.array.shape
            cause = f"parameter {k} of those with a gradient, of shape {shape}, holds a NaN or an infinity"
            break
    return (
        f"the total norm of the gradients is non-finite, {norm}: {cause}, and scaling would spread it. The "
        "gradients were not changed: skip this step, and find the origin with autograd.detect_anomaly()"
    )


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All parameters laid end to end in one vector; the gradient passes through."""
    return ops.concatenate(*(p.reshape(-1) for p in parameters))


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Give every parameter its stretch of the vector."""
    parameters = list(parameters)
    sizes = [p.numel() for p in parameters]
    if vec.numel() != sum(sizes):
        raise ValueError(
            f"vector_to_parameters: the parameters have {sum(sizes)} elements, the vector {vec.numel()}"
        )
    for p, part in zip(parameters, np.split(vec.array, np.cumsum(sizes)[:-1])):
        p.data = part.reshape(p.array.shape).copy()
