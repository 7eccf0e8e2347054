"""PyTorch's functions on tensors, `torch.mean(x, dim=0)`: where there is a method, it is the method."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import ops
from ..engine.graph import array_of
from .tensor import Tensor

# fmt: off
add, sub, mul, div = ops.add, ops.subtract, ops.multiply, ops.divide
exp, log, log1p, log10, sqrt, square = ops.exp, ops.log, ops.log1p, ops.log10, ops.sqrt, ops.square
sin, cos, tanh, sigmoid, relu, erf = ops.sin, ops.cos, ops.tanh, ops.sigmoid, ops.relu, ops.erf
abs, neg, pow = ops.absolute, ops.negative, ops.power
matmul, maximum, minimum, where = ops.matmul, ops.maximum, ops.minimum, ops.where


def _function(method: Callable) -> Callable:
    """A method as a function, whose first argument may be given by its name, `input`."""

    @functools.wraps(method)
    def function(input: Any, *arguments: Any, **options: Any) -> Any:
        return method(input, *arguments, **options)

    return function


_T: Any = Tensor
sum, mean, var, std, norm = map(_function, (_T.sum, _T.mean, _T.var, _T.std, _T.norm))
max, min, amax, amin = map(_function, (_T.max, _T.min, _T.amax, _T.amin))
argmax, argmin, logsumexp, sign = map(_function, (_T.argmax, _T.argmin, _T.logsumexp, _T.sign))
any, all, cumsum = map(_function, (_T.any, _T.all, _T.cumsum))
median, quantile, clamp, clip = map(_function, (_T.median, _T.quantile, _T.clamp, _T.clip))
softmax, log_softmax, gather = map(_function, (_T.softmax, _T.log_softmax, _T.gather))
isnan, isinf, isfinite = map(_function, (_T.isnan, _T.isinf, _T.isfinite))
eq, ne, lt, le, gt, ge = map(_function, (_T.eq, _T.ne, _T.lt, _T.le, _T.gt, _T.ge))
floor, ceil, round, mm, dot = map(_function, (_T.floor, _T.ceil, _T.round, _T.mm, _T.dot))
masked_fill, split, chunk = map(_function, (_T.masked_fill, _T.split, _T.chunk))
reshape, flatten, transpose = map(_function, (_T.reshape, _T.flatten, _T.transpose))
permute, squeeze, unsqueeze = map(_function, (_T.permute, _T.squeeze, _T.unsqueeze))

# fmt: on


def cat(tensors: Sequence[Tensor], dim: int = 0, *, axis: int | None = None) -> Tensor:
    """Put tensors one after the other along an existing dim; `torch.tensor([])` is passed over."""
    _check_parts("cat", tensors)
    parts = [t for t in tensors if array_of(t).shape != (0,)]
    return ops.concatenate(*(parts or tensors), axis=dim if axis is None else axis)


def stack(tensors: Sequence[Tensor], dim: int = 0, *, axis: int | None = None) -> Tensor:
    """Put tensors of one shape one after the other along a new dim."""
    _check_parts("stack", tensors)
    return ops.stack(*tensors, axis=dim if axis is None else axis)


def _check_parts(name: str, tensors: Any) -> None:
    if not isinstance(tensors, (list, tuple)):
        kind = type(tensors).__name__
        raise TypeError(f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not {kind}")
    if not tensors:
        raise ValueError(f"{name}: expected a non-empty list of tensors")
    for k, t in enumerate(tensors):
        if not isinstance(t, Tensor):
            raise TypeError(
                f"{name}: expected Tensor as element {k} in argument 0, but got {type(t).__name__}: leave it "
                "out, or make one with torch.tensor(…)"
            )


def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices along a dim."""
    return ops.unbind(input, axis=dim)


def is_tensor(obj: Any) -> bool:
    """Is it a tensor?"""
    return isinstance(obj, Tensor)


def equal(input: Tensor, other: Tensor) -> bool:
    """Do the tensors have the same shape and the same elements?"""
    return np.array_equal(array_of(input), array_of(other))


def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:
    """Is |input − other| ≤ atol + rtol |other| everywhere?"""
    return np.allclose(array_of(input), array_of(other), rtol, atol, equal_nan)
