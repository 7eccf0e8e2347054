"""Sums in NumPy's quickest words. A sum over rows is a product with 1, and BLAS is fast at products."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np


@functools.lru_cache
def ones(n: int, dtype: np.dtype) -> np.ndarray:
    """n ones, lent to everyone who asks."""
    array = np.ones(n, dtype)
    array.flags.writeable = False
    return array


def sum_of_rows(x: Any) -> Any:
    """Σₙ xₙ for the rows xₙ of a matrix, as 1ᵀ X: several times as fast as np.sum(x, axis=0)."""
    return np.dot(ones(len(x), x.dtype), x)


def mean_kept(x: np.ndarray, axis: Any) -> np.ndarray:
    """The mean along axis, which stays with length 1; of nothing, 0."""
    if x.ndim == 2 and axis in (0, (0,)):
        total = sum_of_rows(x)[None, :]
    elif x.ndim == 2 and axis in (1, -1, (1,), (-1,)):
        total = np.dot(x, ones(x.shape[1], x.dtype))[:, None]
    else:
        total = np.sum(x, axis=axis, keepdims=True)
    return total / max(x.size // max(total.size, 1), 1)


def mean_product(a: np.ndarray, b: np.ndarray, axis: Any) -> np.ndarray:
    """The mean of a b, for arrays of one shape, along axis, which stays with length 1; of nothing, 0."""
    total = sum_product(a, b, axis)
    return total / max(a.size // max(total.size, 1), 1)


def sum_product(a: np.ndarray, b: np.ndarray, axis: Any) -> np.ndarray:
    """Σ a b, for arrays of one shape, along axis, which stays with length 1; the product is never stored.

    Terms are added one after the other: over millions of float32 elements np.sum would keep more digits.
    """
    subscripts, with_length_1 = _subscripts(a.ndim, axis)
    return np.einsum(subscripts, a, b)[with_length_1]


@functools.lru_cache
def _subscripts(ndim: int, axis: Any) -> tuple[str, tuple]:
    """What einsum is told, such as "ab,ab->a", and the index that puts the summed axes back."""
    letters, summed = "abcdefghijklmnop"[:ndim], axes_of(ndim, axis)
    rest = "".join(letters[k] for k in range(ndim) if k not in summed)
    return f"{letters},{letters}->{rest}", tuple(None if k in summed else slice(None) for k in range(ndim))


def axes_of(ndim: int, axis: Any) -> set[int]:
    """The axes that `axis` means: None is all of them, negative ones count from the end."""
    axes = range(ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return {a % ndim for a in axes}
