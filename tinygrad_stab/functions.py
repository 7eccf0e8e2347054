"""PyTorch's functions on tensors, `torch.mean(x, dim=0)`: where there is a method, it is the method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import ops
from .graph import array_of
from .tensor import Tensor

# fmt: off
add, sub, mul, div = ops.add, ops.subtract, ops.multiply, ops.divide
exp, log, log1p, log10, sqrt, square = ops.exp, ops.log, ops.log1p, ops.log10, ops.sqrt, ops.square
sin, cos, tanh, sigmoid, relu, erf = ops.sin, ops.cos, ops.tanh, ops.sigmoid, ops.relu, ops.erf
abs, neg, pow = ops.absolute, ops.negative, ops.power
matmul, mm, maximum, minimum, where = ops.matmul, ops.matmul, ops.maximum, ops.minimum, ops.where

sum, mean, var, std, norm = Tensor.sum, Tensor.mean, Tensor.var, Tensor.std, Tensor.norm
max, min, amax, amin = Tensor.max, Tensor.min, Tensor.amax, Tensor.amin
argmax, argmin, logsumexp = Tensor.argmax, Tensor.argmin, Tensor.logsumexp
any, all, cumsum, median, quantile = Tensor.any, Tensor.all, Tensor.cumsum, Tensor.median, Tensor.quantile
softmax, log_softmax, clamp, sign = Tensor.softmax, Tensor.log_softmax, Tensor.clamp, Tensor.sign
isnan, isinf, isfinite = Tensor.isnan, Tensor.isinf, Tensor.isfinite
reshape, flatten, transpose, permute = Tensor.reshape, Tensor.flatten, Tensor.transpose, Tensor.permute
squeeze, unsqueeze, gather = Tensor.squeeze, Tensor.unsqueeze, Tensor.gather
# fmt: on


def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Put tensors one after the other along an existing dim."""
    return ops.concatenate(*tensors, axis=dim)


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Put tensors one after the other along a new dim."""
    return ops.stack(*tensors, axis=dim)


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
