"""Sums in NumPy's quickest words. A sum over rows is a product with 1, and BLAS is fast at products.

In float16 a sum of ones would stop at 2048, where the next number is 2050: there, sums are taken in float32.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

_longest: dict[Any, np.ndarray] = {}


def _ones(n: int, dtype: Any) -> np.ndarray:
    """n ones, lent: everyone who asks gets the beginning of the same array."""
    dtype = wide(dtype)
    ones = _longest.get(dtype)
    if ones is None or len(ones) < n:
        ones = _longest[dtype] = np.ones(2 * n, dtype)
        ones.flags.writeable = False
    return ones[:n]


def wide(dtype: Any) -> Any:
    """The dtype to add up in."""
    return np.float32 if dtype == np.float16 else dtype


def total(x: Any, axis: Any, keepdims: bool = False) -> Any:
    """Σ x along axis, of an array or a tensor."""
    if isinstance(x, np.ndarray) and x.dtype == np.float16:
        x = x.astype(np.float32)
    return np.sum(x, axis=axis, keepdims=keepdims)


def sum_of_rows(x: Any) -> Any:
    """Σₙ xₙ for the rows xₙ of a matrix, as 1ᵀ X: several times as fast as np.sum(x, axis=0)."""
    return np.dot(_ones(len(x), x.dtype), x)


def sum_kept(x: Any, axis: Any) -> Any:
    """Σ x along axis, which stays with length 1; of an array or a tensor."""
    if x.ndim == 2 and axis in (0, (0,)):
        return sum_of_rows(x)[None, :]
    if x.ndim == 2 and axis in (1, -1, (1,), (-1,)):
        return np.dot(x, _ones(x.shape[1], x.dtype))[:, None]
    return total(x, axis, keepdims=True)


def sum_product(a: np.ndarray, b: np.ndarray, axis: Any) -> np.ndarray:
    """Σ a b, for arrays of one shape, along axis, which stays with length 1; the product is never stored.

    Terms are added one after the other: along the last axis, over millions of float32 elements, np.sum would
    keep more digits.
    """
    subscripts, with_length_1 = _subscripts(a.ndim, axis)
    if a.dtype == np.float16:
        a = a.astype(np.float32)
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
