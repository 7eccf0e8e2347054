"""Tensors out of nothing: from values, filled with a constant, evenly spaced, or random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import dtypes
from .random import Generator, numpy_generator, uniform
from .tensor import Tensor


def tensor(data: Any, dtype: Any = None, requires_grad: bool = False, device: Any = "cpu") -> Tensor:
    """Make a tensor of numbers, nested lists or an array; the values are copied.

    Python floats become the default dtype, float32; NumPy arrays keep theirs, as in PyTorch.
    """
    return _tensor(np.array(_values(data, dtype)), requires_grad, device)


def as_tensor(data: Any, dtype: Any = None, device: Any = "cpu") -> Tensor:
    """Make a tensor that shares the memory of an array where it can; a tensor is returned as it is."""
    if isinstance(data, Tensor):
        return data if dtype is None else data.astype(dtype)
    return _tensor(np.asarray(_values(data, dtype)), device=device)


def from_numpy(array: np.ndarray) -> Tensor:
    """Make a tensor that shares the memory of an array."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(array).__name__}); for lists use torch.tensor(data)")
    return Tensor(array)


def _values(data: Any, dtype: Any) -> np.ndarray:
    if isinstance(data, Tensor):
        data = data.array
    try:
        array = np.asarray(data)
    except ValueError:
        raise ValueError("cannot make a tensor of rows of different lengths") from None
    if array.dtype.kind not in "fiub":
        raise TypeError(f"cannot make a tensor of {array.dtype}: its elements must be numbers or bools")
    if dtype is None:
        python_floats = array.dtype.kind == "f" and not _has_dtype(data)
        dtype = dtypes.get_default_dtype() if python_floats else array.dtype
    return array.astype(dtype, copy=False)


def _has_dtype(data: Any) -> bool:
    """Do the values bring a dtype of their own, as NumPy's do, however deeply they are nested?"""
    while isinstance(data, (list, tuple)) and len(data) > 0:
        data = data[0]
    return isinstance(data, (np.ndarray, np.generic, Tensor))


def _tensor(array: np.ndarray, requires_grad: bool = False, device: Any = "cpu") -> Tensor:
    if str(device) != "cpu":
        raise RuntimeError(
            f"there is no device {device!r} here: this library computes with NumPy, on the CPU"
        )
    made = Tensor(array)
    if requires_grad:
        made.requires_grad = True
    return made


def _float(dtype: Any) -> np.dtype:
    return dtypes.get_default_dtype() if dtype is None else np.dtype(dtype)


def _shape(size: tuple) -> tuple[int, ...]:
    return tuple(size[0]) if len(size) == 1 and isinstance(size[0], Sequence) else size


def zeros(*size: Any, dtype: Any = None, requires_grad: bool = False, device: Any = "cpu") -> Tensor:
    """Zeros of a shape: `zeros(2, 3)` or `zeros((2, 3))`."""
    return _tensor(np.zeros(_shape(size), _float(dtype)), requires_grad, device)


def ones(*size: Any, dtype: Any = None, requires_grad: bool = False, device: Any = "cpu") -> Tensor:
    """Ones of a shape."""
    return _tensor(np.ones(_shape(size), _float(dtype)), requires_grad, device)


def empty(*size: Any, dtype: Any = None, requires_grad: bool = False, device: Any = "cpu") -> Tensor:
    """Memory of a shape, with whatever values it happens to hold."""
    return _tensor(np.empty(_shape(size), _float(dtype)), requires_grad, device)


def full(
    size: Sequence[int],
    fill_value: Any,
    *,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = "cpu",
) -> Tensor:
    """One value, in a shape."""
    value = np.asarray(fill_value)
    dtype = _float(dtype) if dtype is not None or value.dtype.kind == "f" else value.dtype
    return _tensor(np.full(tuple(size), value, dtype), requires_grad, device)


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = "cpu") -> Tensor:
    """The identity matrix, n × m."""
    return _tensor(np.eye(n, m, dtype=_float(dtype)), device=device)


def arange(
    start: Any,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = "cpu",
) -> Tensor:
    """start, start + step, … below end; `arange(n)` counts from 0."""
    start, end = (0, start) if end is None else (start, end)
    array = np.arange(start, end, step)
    return _tensor(
        array.astype(_float(dtype) if dtype is not None or array.dtype.kind == "f" else int), requires_grad
    )


def linspace(
    start: float,
    end: float,
    steps: int,
    *,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = "cpu",
) -> Tensor:
    """Evenly spaced from start to end, both included."""
    return _tensor(np.linspace(start, end, steps, dtype=_float(dtype)), requires_grad, device)


def logspace(
    start: float, end: float, steps: int, base: float = 10.0, *, dtype: Any = None, device: Any = "cpu"
) -> Tensor:
    """baseˢᵗᵃʳᵗ to baseᵉⁿᵈ, evenly spaced on a logarithmic scale."""
    return _tensor(np.logspace(start, end, steps, base=base, dtype=_float(dtype)), device=device)


def empty_like(
    input: Tensor, *, dtype: Any = None, requires_grad: bool = False, device: Any = "cpu"
) -> Tensor:
    """Another tensor's shape and dtype, with whatever values the memory happens to hold."""
    return _tensor(np.empty_like(input.array, dtype=dtype), requires_grad, device)


def zeros_like(
    input: Tensor, *, dtype: Any = None, requires_grad: bool = False, device: Any = "cpu"
) -> Tensor:
    """Zeros in another tensor's shape and dtype."""
    return _tensor(np.zeros_like(input.array, dtype=dtype), requires_grad, device)


def ones_like(
    input: Tensor, *, dtype: Any = None, requires_grad: bool = False, device: Any = "cpu"
) -> Tensor:
    """Ones in another tensor's shape and dtype."""
    return _tensor(np.ones_like(input.array, dtype=dtype), requires_grad, device)


def full_like(
    input: Tensor, fill_value: Any, *, dtype: Any = None, requires_grad: bool = False, device: Any = "cpu"
) -> Tensor:
    """One value in another tensor's shape and dtype."""
    return _tensor(np.full_like(input.array, fill_value, dtype=dtype), requires_grad, device)


def rand(
    *size: Any,
    requires_grad: bool = False,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = "cpu",
) -> Tensor:
    """Uniform on [0, 1)."""
    return _tensor(uniform(generator, _shape(size), 0, 1, _float(dtype)), requires_grad, device)


def randn(
    *size: Any,
    requires_grad: bool = False,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = "cpu",
) -> Tensor:
    """Standard normal."""
    return _tensor(
        numpy_generator(generator).standard_normal(_shape(size)).astype(_float(dtype)), requires_grad
    )


def randn_like(
    input: Tensor, *, generator: Generator | None = None, requires_grad: bool = False, device: Any = "cpu"
) -> Tensor:
    """Standard normal in another tensor's shape and dtype."""
    return randn(
        *input.array.shape, generator=generator, dtype=input.array.dtype, requires_grad=requires_grad
    )


def rand_like(
    input: Tensor, *, generator: Generator | None = None, requires_grad: bool = False, device: Any = "cpu"
) -> Tensor:
    """Uniform on [0, 1) in another tensor's shape and dtype."""
    return rand(
        *input.array.shape,
        generator=generator,
        dtype=input.array.dtype,
        requires_grad=requires_grad,
        device=device,
    )


def normal(
    mean: Any, std: Any, size: Sequence[int] | None = None, *, generator: Generator | None = None
) -> Tensor:
    """Normal with a mean and standard deviation, numbers or tensors."""
    mean, std = (x.array if isinstance(x, Tensor) else x for x in (mean, std))
    return Tensor(
        np.asarray(numpy_generator(generator).normal(mean, std, size)).astype(dtypes.get_default_dtype())
    )


def randint(
    low: int,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = "cpu",
) -> Tensor:
    """Integers from low to high − 1; `randint(high, size)` starts from 0."""
    if size is None:
        low, high, size = 0, low, high
    integers = numpy_generator(generator).integers(low, high, tuple(size))
    return _tensor(integers if dtype is None else integers.astype(dtype), device=device)


def randperm(n: int, *, generator: Generator | None = None, device: Any = "cpu") -> Tensor:
    """The integers 0 … n − 1 in random order."""
    return _tensor(numpy_generator(generator).permutation(n), device=device)
