"""Dropout, as a function and as a module."""

from __future__ import annotations

import numpy as np

from .. import ops
from ..tensor import Tensor
from ..tensor.random import numpy_generator
from .module import Module


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """y = x · m / (1 − p), where each element of m is 0 with probability p, else 1 (Srivastava et al. 2014).

    Dividing by 1 − p keeps the mean, E y = x, so that in evaluation y = x; it does not keep the size:
    E y² = x²/(1 − p). The gradient passes the same mask, g · m / (1 − p).
    """
    _check(p)
    if not training or p == 0:
        return input
    m = numpy_generator(None).random(input.array.shape, dtype=np.float32) >= p
    return ops.select(input, m) / (1 - p if p < 1 else 1)  # m selects: 0 · ∞ is NaN


def _check(p: float) -> None:
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


class Dropout(Module):
    """In training, set elements to 0 with probability p and divide the others by 1 − p; else do nothing."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        _check(p)
        self.p, self.inplace = p, inplace

    def forward(self, input: Tensor) -> Tensor:
        return dropout(input, self.p, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"
