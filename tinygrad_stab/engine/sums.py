"""Sums in NumPy's quickest words, of arrays or variables. A sum over rows is a product with 1, and BLAS is
fast at products.

Where a sum would lose digits it is taken in parts. NumPy adds up rows one after the other: of a million
float32 numbers near 1 the last are added to a number in which steps below 0.06 do not show. And in float16 a
sum of ones would stop at 2048, where the next number is 2050: there, sums are taken in float32.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

BLOCK = 2**12  # so many rows may be added up one after the other
PART = 2**8  # where there are more, so many are
_longest: dict[Any, np.ndarray] = {}


def _ones(n: int, dtype: Any) -> np.ndarray:
    """n ones, lent: everyone who asks gets the beginning of the same array."""
    ones = _longest.get(dtype)
    if ones is None or len(ones) < n:
        ones = _longest[dtype] = np.ones(2 * n, wide(dtype))
        ones.flags.writeable = False
    return ones[:n]


def wide(dtype: Any) -> Any:
    """The dtype to add up in."""
    return np.float32 if dtype == np.float16 else dtype


def rows(x: Any) -> Any:
    """x as a matrix: all axes but the last as one."""
    return x if x.ndim == 2 else np.reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


def total(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Σ x along axis: None for all of it, a number, or a tuple of them."""
    first = _first_axes(x.ndim, axis)
    if first and x.dtype.kind == "f":
        summed = _sum_of_first(x, first)
        return np.reshape(summed, (1,) * first + summed.shape) if keepdims else summed
    if isinstance(x, np.ndarray) and x.dtype.kind == "f":
        x, axes = x.astype(wide(x.dtype), copy=False), axes_of(x.ndim, axis)
        if x.size > BLOCK and math.prod(x.shape[k] for k in axes) > BLOCK:
            return _in_parts(x, axes, keepdims)
    return np.sum(x, axis=axis, keepdims=keepdims)


@functools.lru_cache
def _first_axes(ndim: int, axis: Any) -> int:
    """How many axes these are, if they are the first ones and some are left; else 0."""
    axes = axes_of(ndim, axis)
    return len(axes) if axes == set(range(len(axes))) and len(axes) < ndim else 0


def _sum_of_first(x: Any, first: int) -> Any:
    if x.ndim == 2:  # of the gradient of a bias, by far the most frequent
        return sum_of_rows(x)
    kept = x.shape[first:]
    return np.reshape(sum_of_rows(np.reshape(x, (math.prod(x.shape[:first]), math.prod(kept)))), kept)


def _in_parts(x: np.ndarray, axes: frozenset[int], keepdims: bool) -> Any:
    """Σ x along axes, where NumPy might add up many numbers one by one.

    It adds in pairs, and loses no digits, only along the last axis of what lies in memory row by row.
    """
    shape = tuple(1 if k in axes else n for k, n in enumerate(x.shape))
    if len(axes) == x.ndim:
        y = np.sum(np.ravel(x, order="K"))
    elif x.ndim - 1 in axes and x.strides[-1] == x.itemsize:
        last = next(k for k in reversed(range(x.ndim)) if k not in axes) + 1
        y = np.sum(x, axis=tuple(range(last, x.ndim)), keepdims=True)
        y = total(y, tuple(sorted(axes - set(range(last, x.ndim))))) if min(axes) < last else y
    else:
        first = np.moveaxis(x, sorted(axes), range(len(axes)))
        y = sum_of_rows(np.reshape(first, (math.prod(first.shape[: len(axes)]), -1)))
    return np.reshape(y, shape if keepdims else tuple(n for k, n in enumerate(x.shape) if k not in axes))


def dot(a: Any, b: Any) -> Any:
    """Σ a b for vectors; BLAS, which is quick, does not add in pairs."""
    return a @ b if a.size <= 2**16 else np.sum(a * b)


def sum_of_rows(x: Any) -> Any:
    """Σₙ xₙ for the rows xₙ of a (…, d) array, as 1ᵀ X: several times as fast as np.sum(x, axis=0)."""
    x = rows(x)
    if len(x) <= BLOCK:
        return np.dot(_ones(len(x), x.dtype), x)
    return _sum_of_parts(x)


def _sum_of_parts(x: Any) -> Any:
    """The sum of sums of a few rows each."""
    parts = len(x) // PART
    if not parts:
        return np.dot(_ones(len(x), x.dtype), x)
    of_parts = _ones(PART, x.dtype) @ np.reshape(x[: parts * PART], (parts, PART, x.shape[1]))
    return _sum_of_parts(of_parts) + _sum_of_parts(x[parts * PART :])


def sum_kept(x: Any, axis: Any) -> Any:
    """Σ x along axis, which stays with length 1."""
    if x.ndim == 2 and axis in (0, (0,)):
        return sum_of_rows(x)[None, :]
    if x.ndim == 2 and axis in (1, -1, (1,), (-1,)) and x.shape[1] <= BLOCK:
        return np.dot(x, _ones(x.shape[1], x.dtype))[:, None]
    return total(x, axis, keepdims=True)


def sum_product(a: Any, b: Any, axis: Any) -> Any:
    """Σ a b, for arrays of one shape, along axis, which stays with length 1; the product is never stored."""
    if a.dtype == np.float16:
        a = a.astype(np.float32)
    subscripts, with_length_1 = _subscripts(a.ndim, axis)
    if a.ndim == 2 and axis in (0, (0,)) and len(a) > BLOCK:  # einsum adds one by one
        parts = [np.einsum(subscripts, a[k : k + BLOCK], b[k : k + BLOCK]) for k in range(0, len(a), BLOCK)]
        return sum_of_rows(np.stack(parts))[None, :]
    return np.einsum(subscripts, a, b)[with_length_1]


@functools.lru_cache
def _subscripts(ndim: int, axis: Any) -> tuple[str, tuple]:
    """What einsum is told, such as "ab,ab->a", and the index that puts the summed axes back."""
    letters, summed = "abcdefghijklmnop"[:ndim], axes_of(ndim, axis)
    rest = "".join(letters[k] for k in range(ndim) if k not in summed)
    return f"{letters},{letters}->{rest}", tuple(None if k in summed else slice(None) for k in range(ndim))


@functools.lru_cache
def axes_of(ndim: int, axis: Any) -> frozenset[int]:
    """The axes that `axis` means: None is all of them, negative ones count from the end."""
    return frozenset(range(ndim) if axis is None else normalize_axis_tuple(axis, ndim))
