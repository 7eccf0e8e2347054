"""Tensors out of nothing: from values, filled with a constant, evenly spaced, or random.

Most take `requires_grad` and, for PyTorch's sake, `device`: the CPU. Without a `dtype` floats get the default
one, and a `…_like` that of the other tensor. A shape is written `zeros(2, 3)`, `zeros((2, 3))` or
`zeros(size=(2, 3))`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import dtypes
from .devices import only_the_cpu
from .methods import given_sizes
from .random import Generator, numpy_generator, uniform
from .tensor import Tensor


def _tensor(array: np.ndarray, requires_grad: bool = False, device: Any = None) -> Tensor:
    only_the_cpu(device)
    made = Tensor(dtypes.numbers(array))
    made.requires_grad = requires_grad
    return made


def _shape(given: tuple, options: dict[str, Any]) -> tuple[int, ...]:
    return given_sizes(given, options.pop("size", ()))


def _float(dtype: Any) -> np.dtype:
    return dtypes.get_default_dtype() if dtype is None else np.dtype(dtype)


# --- from values --------------------------------------------------------------------------------------------


def tensor(data: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Copy numbers, nested lists or an array; floats get the default dtype, arrays keep theirs."""
    return _tensor(np.array(_values(data, dtype)), requires_grad, device)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """Share the memory of an array where it can be shared; a tensor is returned as it is."""
    if isinstance(data, Tensor):
        only_the_cpu(device)
        return data if dtype is None else data.astype(dtype)
    return _tensor(np.asarray(_values(data, dtype)), device=device)


def from_numpy(array: np.ndarray) -> Tensor:
    """Share the memory of an array."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(array).__name__}); for lists use torch.tensor(data)")
    return Tensor(dtypes.numbers(array))


def _values(data: Any, dtype: Any) -> np.ndarray:
    if isinstance(data, Tensor):
        data = data.array
    try:
        array = np.asarray(data)
    except ValueError:
        raise ValueError("cannot make a tensor of rows of different lengths") from None
    dtypes.numbers(array)
    if dtype is None and array.dtype.kind == "f" and not _has_dtype(data):
        dtype = dtypes.get_default_dtype()
    return array if dtype is None else array.astype(dtype, copy=False)


def _has_dtype(data: Any) -> bool:
    """Do the values bring a dtype of their own, as NumPy's do, however deeply they are nested?"""
    while isinstance(data, (list, tuple)) and len(data) > 0:
        data = data[0]
    return isinstance(data, (np.ndarray, np.generic, Tensor))


# --- filled with a constant ---------------------------------------------------------------------------------


def zeros(*size: Any, dtype: Any = None, **options: Any) -> Tensor:
    """0 everywhere, in a shape."""
    return _tensor(np.zeros(_shape(size, options), _float(dtype)), **options)


def ones(*size: Any, dtype: Any = None, **options: Any) -> Tensor:
    """1 everywhere, in a shape."""
    return _tensor(np.ones(_shape(size, options), _float(dtype)), **options)


def empty(*size: Any, dtype: Any = None, **options: Any) -> Tensor:
    """Whatever the memory holds, in a shape."""
    return _tensor(np.empty(_shape(size, options), _float(dtype)), **options)


def zeros_like(input: Tensor, *, dtype: Any = None, **options: Any) -> Tensor:
    """0 everywhere, in the shape and dtype of another tensor."""
    return _tensor(np.zeros_like(input.array, dtype=dtype), **options)


def ones_like(input: Tensor, *, dtype: Any = None, **options: Any) -> Tensor:
    """1 everywhere, in the shape and dtype of another tensor."""
    return _tensor(np.ones_like(input.array, dtype=dtype), **options)


def empty_like(input: Tensor, *, dtype: Any = None, **options: Any) -> Tensor:
    """Whatever the memory holds, in the shape and dtype of another tensor."""
    return _tensor(np.empty_like(input.array, dtype=dtype), **options)


def full_like(input: Tensor, fill_value: Any, *, dtype: Any = None, **options: Any) -> Tensor:
    """One value, in the shape and dtype of another tensor."""
    return _tensor(np.full_like(input.array, fill_value, dtype=dtype), **options)


def full(size: Sequence[int], fill_value: Any, *, dtype: Any = None, **options: Any) -> Tensor:
    """One value, in a shape."""
    value = np.asarray(fill_value)
    dtype = _float(dtype) if dtype is not None or value.dtype.kind == "f" else value.dtype
    return _tensor(np.full(tuple(size), value, dtype), **options)


def eye(n: int, m: int | None = None, *, dtype: Any = None, **options: Any) -> Tensor:
    """The identity matrix, n × m."""
    return _tensor(np.eye(n, m, dtype=_float(dtype)), **options)


# --- evenly spaced ------------------------------------------------------------------------------------------


def arange(start: Any, end: Any = None, step: Any = 1, *, dtype: Any = None, **options: Any) -> Tensor:
    """start, start + step, … below end; `arange(n)` counts from 0."""
    start, end, step = map(_number, (0, start, step) if end is None else (start, end, step))
    if step == 0:
        raise RuntimeError("arange: step must be nonzero")
    n = (end - start) / step
    if not math.isfinite(n):
        raise RuntimeError(f"arange: unsupported range: {start} -> {end} in steps of {step}")
    if n < 0:
        raise RuntimeError(
            f"arange: upper bound and lower bound inconsistent with step sign: {start} -> {end} in steps of "
            f"{step} goes the other way"
        )
    whole = all(isinstance(x, int) for x in (start, end, step))
    array = np.arange(start, end, step) if whole else _spaced(start, step, math.ceil(n))
    return _tensor(array.astype(int if whole and dtype is None else _float(dtype)), **options)


def _spaced(start: float, step: float, n: int) -> np.ndarray:
    """start + k · step, as if k · step were exact: in two parts, of which the first has digits to spare."""
    k, high = np.arange(n, dtype=np.float64), float(np.float32(step))
    return start + k * high + k * (step - high)


def _number(x: Any) -> Any:
    """A Python number, also of a tensor or a NumPy number."""
    return x if isinstance(x, (int, float)) else x.item()


def linspace(start: float, end: float, steps: int, *, dtype: Any = None, **options: Any) -> Tensor:
    """Evenly spaced from start to end, both included."""
    return _tensor(np.linspace(start, end, steps, dtype=_float(dtype)), **options)


def logspace(
    start: float, end: float, steps: int, base: float = 10.0, *, dtype: Any = None, **options: Any
) -> Tensor:
    """baseˢᵗᵃʳᵗ to baseᵉⁿᵈ, evenly spaced on a logarithmic scale."""
    return _tensor(np.logspace(start, end, steps, base=base, dtype=_float(dtype)), **options)


# --- random -------------------------------------------------------------------------------------------------


def rand(*size: Any, generator: Generator | None = None, dtype: Any = None, **options: Any) -> Tensor:
    """Uniform on [0, 1)."""
    return _tensor(uniform(generator, _shape(size, options), 0, 1, _drawn("rand", dtype)), **options)


def randn(*size: Any, generator: Generator | None = None, dtype: Any = None, **options: Any) -> Tensor:
    """Standard normal."""
    drawn = numpy_generator(generator).standard_normal(_shape(size, options))
    return _tensor(drawn.astype(_drawn("randn", dtype)), **options)


def _drawn(name: str, dtype: Any) -> np.dtype:
    dtype = _float(dtype)
    if dtype.kind != "f":
        raise NotImplementedError(f"{name} draws floats, not {dtype}: for integers use torch.randint")
    return dtype


def rand_like(input: Tensor, **options: Any) -> Tensor:
    """Uniform on [0, 1), in another tensor's shape."""
    return rand(*input.array.shape, **{"dtype": input.array.dtype, **options})


def randn_like(input: Tensor, **options: Any) -> Tensor:
    """Standard normal, in another tensor's shape."""
    return randn(*input.array.shape, **{"dtype": input.array.dtype, **options})


def normal(
    mean: Any = 0.0, std: Any = 1.0, size: Sequence[int] | None = None, *,
    generator: Generator | None = None, dtype: Any = None, **options: Any,
) -> Tensor:  # fmt: skip
    """Normal with a mean and standard deviation, numbers or tensors."""
    given = [x.dtype for x in (mean, std) if isinstance(x, Tensor)]
    dtype = _drawn("normal", given[0] if given and dtype is None else dtype)
    mean, std = (x.array if isinstance(x, Tensor) else x for x in (mean, std))
    if np.min(std, initial=0) < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {np.min(std)}")
    return _tensor(np.asarray(numpy_generator(generator).normal(mean, std, size), dtype), **options)


def randint(
    low: int = 0, high: Any = None, size: Any = None, *, generator: Generator | None = None,
    dtype: Any = None, **options: Any,
) -> Tensor:  # fmt: skip
    """Integers from low to high − 1; `randint(high, size)` starts from 0."""
    if size is None:
        low, high, size = 0, low, high
    integers = numpy_generator(generator).integers(low, high, tuple(size))
    return _tensor(integers if dtype is None else integers.astype(dtype), **options)


def randperm(n: int, *, generator: Generator | None = None, **options: Any) -> Tensor:
    """The integers 0 … n − 1 in random order."""
    return _tensor(numpy_generator(generator).permutation(n), **options)


def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Draw indices with probabilities in proportion to a vector, or to each row of a matrix."""
    weights = np.asarray(input.array, np.float64)
    if weights.ndim not in (1, 2) or not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise RuntimeError(
            "multinomial: probability tensor contains either `inf`, `nan` or element < 0, or is neither "
            f"(classes) nor (n, classes): shape {weights.shape}; scores become probabilities by "
            "x.softmax(dim=-1)"
        )
    enough = 1 if replacement else num_samples
    if (np.count_nonzero(weights, axis=-1) < enough).any():
        raise RuntimeError(
            "invalid multinomial distribution (sum of probabilities <= 0), or cannot sample n_sample > "
            f"prob_dist.size(-1) samples without replacement: {num_samples} asked for; write replacement=True"
        )
    rng = numpy_generator(generator)
    drawn = [_draw(p, num_samples, replacement, rng) for p in np.atleast_2d(weights)]
    return Tensor(np.array(drawn, np.int64).reshape(*weights.shape[:-1], num_samples))


def _draw(p: np.ndarray, n: int, replacement: bool, rng: np.random.Generator) -> np.ndarray:
    """With replacement: where n uniform numbers fall along Σ p; without: who arrives first at rate p."""
    if replacement:
        ends = np.cumsum(p)
        return np.searchsorted(ends, rng.random(n) * ends[-1], side="right")
    with np.errstate(divide="ignore"):
        return np.argsort(rng.standard_exponential(p.size) / p)[:n]


# --- under the names of dtypes ------------------------------------------------------------------------------


class TypedTensor:
    """`torch.LongTensor([1, 2])`, or with sizes; and `x.type(torch.LongTensor)`."""

    def __init__(self, dtype: np.dtype) -> None:
        self.dtype = dtype

    def __call__(self, *data: Any) -> Tensor:
        if data and all(isinstance(n, int) for n in data):
            return Tensor(np.empty(data, self.dtype))
        return tensor(data[0] if data else (), dtype=self.dtype)


FloatTensor, DoubleTensor = TypedTensor(dtypes.float32), TypedTensor(dtypes.float64)
LongTensor, IntTensor = TypedTensor(dtypes.int64), TypedTensor(dtypes.int32)
ByteTensor, BoolTensor = TypedTensor(dtypes.uint8), TypedTensor(dtypes.bool)
