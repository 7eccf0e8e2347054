"""The methods that compute: PyTorch's names for the primitives of `ops/`.

They take PyTorch's `dim` and `keepdim`, and NumPy's `axis` and `keepdims` as well. They hold no mathematics:
each one translates its arguments and calls a primitive.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from . import ops
from .graph import Primitive, TensorBase
from .left_out import only_the_cpu
from .ops import elementwise, reduction


class Extreme(NamedTuple):
    """What `max(dim)` and `min(dim)` return; it prints as PyTorch's does."""

    values: Any
    indices: Any

    def __repr__(self) -> str:
        name = type(self).__name__.lower()
        return f"torch.return_types.{name}(\nvalues={self.values!r},\nindices={self.indices!r})"


class Max(Extreme):
    """The largest elements along a dim, and where they are."""

    __slots__ = ()


class Min(Extreme):
    """The smallest elements along a dim, and where they are."""

    __slots__ = ()


class Methods(TensorBase):
    """The methods that make a new tensor; `Tensor` inherits them."""

    __slots__ = ()

    # --- element by element ---------------------------------------------------------------------------------

    # fmt: off
    def abs(self) -> Any:                       return ops.absolute(self)
    def exp(self) -> Any:                       return ops.exp(self)
    def log(self) -> Any:                       return ops.log(self)
    def log1p(self) -> Any:                     return ops.log1p(self)
    def log10(self) -> Any:                     return ops.log10(self)
    def sqrt(self) -> Any:                      return ops.sqrt(self)
    def square(self) -> Any:                    return ops.square(self)
    def sin(self) -> Any:                       return ops.sin(self)
    def cos(self) -> Any:                       return ops.cos(self)
    def tanh(self) -> Any:                      return ops.tanh(self)
    def sigmoid(self) -> Any:                   return ops.sigmoid(self)
    def relu(self) -> Any:                      return ops.relu(self)
    def sign(self) -> Any:                      return elementwise.sign(self)
    def isnan(self) -> Any:                     return elementwise.isnan(self)
    def isinf(self) -> Any:                     return elementwise.isinf(self)
    def isfinite(self) -> Any:                  return elementwise.isfinite(self)
    def pow(self, exponent: Any) -> Any:        return ops.power(self, exponent)
    def add(self, other: Any) -> Any:           return ops.add(self, other)
    def sub(self, other: Any) -> Any:           return ops.subtract(self, other)
    def mul(self, other: Any) -> Any:           return ops.multiply(self, other)
    def div(self, other: Any) -> Any:           return ops.divide(self, other)
    def matmul(self, other: Any) -> Any:        return ops.matmul(self, other)
    def mm(self, other: Any) -> Any:            return ops.matmul(self, other)
    def dot(self, other: Any) -> Any:           return ops.matmul(self, other)
    def maximum(self, other: Any) -> Any:       return ops.maximum(self, other)
    def minimum(self, other: Any) -> Any:       return ops.minimum(self, other)
    # fmt: on

    def clamp(self, min: Any = None, max: Any = None) -> Any:
        """Limit every element to [min, max], numbers or tensors; inside, bounds included, the slope is 1."""
        if min is None and max is None:
            raise RuntimeError("clamp: At least one of 'min' or 'max' must not be None")
        if not (isinstance(min, TensorBase) or isinstance(max, TensorBase)):
            return ops.clip(self, low=min, high=max)
        raised = self if min is None else ops.where(self < min, min, self)
        return raised if max is None else ops.where(raised > max, max, raised)

    clip = clamp

    # --- reductions -----------------------------------------------------------------------------------------

    # fmt: off
    def sum(self, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False) -> Any:
        return ops.sum(self, axis=_axes(dim, axis), keepdims=keepdim or keepdims)

    def mean(
        self, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False
    ) -> Any:
        return ops.mean(self, axis=_axes(dim, axis), keepdims=keepdim or keepdims)

    def var(
        self, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: int | None = None,
        axis: Any = None, keepdims: bool = False,
    ) -> Any:
        """Σ (x − μ)² / (n − correction), with correction 1 unless told otherwise; np.var(t) has 0."""
        ddof = int(unbiased) if correction is None else correction
        return ops.var(self, axis=_axes(dim, axis), ddof=ddof, keepdims=keepdim or keepdims)

    def std(
        self, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: int | None = None,
        axis: Any = None, keepdims: bool = False,
    ) -> Any:
        """√var, with the same correction."""
        ddof = int(unbiased) if correction is None else correction
        return ops.std(self, axis=_axes(dim, axis), ddof=ddof, keepdims=keepdim or keepdims)

    def amax(self, dim: Any = None, keepdim: bool = False) -> Any:
        return ops.max(self, axis=_axes(dim), keepdims=keepdim)
    def amin(self, dim: Any = None, keepdim: bool = False) -> Any:
        return ops.min(self, axis=_axes(dim), keepdims=keepdim)
    def argmax(self, dim: int | None = None, keepdim: bool = False) -> Any:
        return reduction.argmax(self, axis=dim, keepdims=keepdim)
    def argmin(self, dim: int | None = None, keepdim: bool = False) -> Any:
        return reduction.argmin(self, axis=dim, keepdims=keepdim)
    def logsumexp(self, dim: Any, keepdim: bool = False) -> Any:
        return ops.logsumexp(self, axis=_axes(dim), keepdims=keepdim)
    def any(self, dim: Any = None) -> Any:       return reduction.any(self, axis=_axes(dim))
    def all(self, dim: Any = None) -> Any:       return reduction.all(self, axis=_axes(dim))
    def softmax(self, dim: int) -> Any:          return ops.softmax(self, axis=dim)
    def log_softmax(self, dim: int) -> Any:      return ops.log_softmax(self, axis=dim)
    def cumsum(self, dim: int) -> Any:           return ops.cumsum(self, axis=dim)
    # fmt: on

    def max(self, dim: Any = None, keepdim: bool = False) -> Any:
        """The largest element, along a dim with its index; with another tensor, the larger of each pair."""
        return self._extreme(Max, ops.max, ops.maximum, reduction.argmax, dim, keepdim)

    def min(self, dim: Any = None, keepdim: bool = False) -> Any:
        """The smallest element, along a dim with its index; with another tensor, the smaller of each pair."""
        return self._extreme(Min, ops.min, ops.minimum, reduction.argmin, dim, keepdim)

    def _extreme(
        self, kind: Any, reduce: Callable, pairwise: Callable, where: Callable, dim: Any, keepdim: bool
    ) -> Any:
        if dim is None:
            return reduce(self)
        if isinstance(dim, TensorBase):
            return pairwise(self, dim)
        indices = where(self, axis=dim, keepdims=True)
        # Not amax: among equals, the one whose index is returned gets all the gradient.
        values = self.gather(dim, indices)
        return kind(values, indices) if keepdim else kind(values.squeeze(dim), indices.squeeze(dim))

    def gather(self, dim: int, index: Any) -> Any:
        """out[i, j, …] = self[i, …, index[i, j, …], …]: along dim, the elements that index names."""
        where = index.array if isinstance(index, TensorBase) else np.asarray(index)
        if where.ndim != self.array.ndim:
            raise RuntimeError(
                "gather: Index tensor must have the same number of dimensions as input tensor, "
                f"{self.array.ndim}, not {where.ndim}: add one with index.unsqueeze(dim)"
            )
        n = self.array.shape[dim]
        if where.size and not (where.min() >= 0 and where.max() < n):
            wrong = where[(where < 0) | (where >= n)][0]
            raise RuntimeError(f"gather: index {wrong} is out of bounds for dimension {dim} with size {n}")
        key: list = list(np.ogrid[tuple(slice(n) for n in where.shape)])
        key[dim] = where
        return ops.getitem(self, key=tuple(key))

    def median(self) -> Any:
        """The middle element; of an even number, the lower of the two in the middle."""
        return self._sorted()[(self.array.size - 1) // 2]

    def quantile(self, q: float) -> Any:
        """The value below which a share q of the elements lies, interpolated linearly."""
        if not 0 <= q <= 1:
            raise ValueError(f"quantile: q must be between 0 and 1, got {q}")
        place = q * (self.array.size - 1)
        low = int(place)
        values = self._sorted()
        return values[low] + (place - low) * (values[min(low + 1, self.array.size - 1)] - values[low])

    def _sorted(self) -> Any:
        flat = self.reshape(-1)
        return ops.getitem(flat, key=np.argsort(flat.array))

    def norm(self, p: Any = "fro", dim: Any = None, keepdim: bool = False) -> Any:
        """(Σ |x|ᵖ)^(1/p); p may be inf."""
        axis = _axes(dim)
        if p == math.inf:
            return ops.max(ops.absolute(self), axis=axis, keepdims=keepdim)
        return ops.norm(self, p=2 if p == "fro" else p, axis=axis, keepdims=keepdim)

    # --- shapes ---------------------------------------------------------------------------------------------

    def reshape(self, *shape: Any) -> Any:
        return ops.reshape(self, shape=sizes(shape))

    view = reshape

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Any:
        """Merge the dims from start_dim to end_dim into one."""
        shape = self.array.shape or (1,)
        n = len(shape)
        for dim in (start_dim, end_dim):
            if not -n <= dim < n:
                raise IndexError(
                    f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})"
                )
        start, end = start_dim % n, end_dim % n + 1
        if start >= end:
            raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
        return self.reshape(*shape[:start], math.prod(shape[start:end]), *shape[end:])

    # fmt: off
    def transpose(self, dim0: int, dim1: int) -> Any:   return ops.swapaxes(self, axis1=dim0, axis2=dim1)
    def permute(self, *dims: Any) -> Any:               return ops.transpose(self, axes=sizes(dims))
    def unsqueeze(self, dim: int) -> Any:               return ops.expand_dims(self, axis=dim)
    def t(self) -> Any:                                 return ops.transpose(self)
    # fmt: on

    T = property(t)
    swapaxes = transpose

    def squeeze(self, dim: int | None = None) -> Any:
        if dim is not None and (self.array.ndim == 0 or self.array.shape[dim] != 1):
            return self
        return ops.squeeze(self, axis=dim)

    def expand(self, *shape: Any) -> Any:
        """Repeat along dims of size 1 without copying; −1 keeps a size."""
        wanted = sizes(shape)
        old = (1,) * (len(wanted) - self.array.ndim) + self.array.shape
        return ops.broadcast_to(self, shape=tuple(m if n == -1 else n for n, m in zip(wanted, old)))

    # --- dtypes ---------------------------------------------------------------------------------------------

    def astype(self, dtype: Any) -> Any:
        """Convert; through a conversion to integers or bools no gradient passes."""
        if self.array.dtype == dtype:
            return self
        if np.dtype(dtype).kind != "f" or self.array.dtype.kind != "f":
            return Primitive.result(self.array.astype(dtype))
        return ops.astype(self, dtype=np.dtype(dtype))

    def to(self, *args: Any, dtype: Any = None, device: Any = "cpu") -> Any:
        """Convert to a dtype, or that of another tensor; the only device is the CPU."""
        for arg in args:
            if str(arg).split(":")[0] in ("cpu", "cuda", "mps"):
                device = arg
            else:
                dtype = arg.array.dtype if isinstance(arg, TensorBase) else arg
        only_the_cpu(device)
        return self if dtype is None else self.astype(dtype)

    # fmt: off
    def float(self) -> Any:         return self.astype(np.float32)
    def double(self) -> Any:        return self.astype(np.float64)
    def half(self) -> Any:          return self.astype(np.float16)
    def long(self) -> Any:          return self.astype(np.int64)
    def int(self) -> Any:           return self.astype(np.int32)
    def bool(self) -> Any:          return self.astype(np.bool_)
    def cpu(self) -> Any:           return self
    def contiguous(self) -> Any:    return self
    # fmt: on


def _axes(dim: Any, axis: Any = None) -> Any:
    dim = axis if dim is None else dim
    return tuple(dim) if isinstance(dim, list) else dim


def sizes(given: tuple) -> tuple[int, ...]:
    """A shape, given as f(2, 3) or as f((2, 3))."""
    return tuple(given[0]) if len(given) == 1 and isinstance(given[0], (tuple, list)) else given
