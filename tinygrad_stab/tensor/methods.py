"""The methods that compute: PyTorch's names for the primitives of `ops/`.

They take PyTorch's `dim` and `keepdim`, and NumPy's `axis` and `keepdims` as well; `_along` translates. They
hold no mathematics: each calls a primitive.
"""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import numpy as np

from .. import ops
from ..engine.graph import Variable, variable
from ..ops import elementwise, reduction
from .devices import KINDS, only_the_cpu
from .devices import device as Place


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


class Methods(Variable):
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
    def floor(self) -> Any:                     return elementwise.floor(self)
    def ceil(self) -> Any:                      return elementwise.ceil(self)
    def round(self, decimals: int = 0) -> Any:  return elementwise.round_(self, decimals=decimals)
    def isnan(self) -> Any:                     return elementwise.isnan(self)
    def isinf(self) -> Any:                     return elementwise.isinf(self)
    def isfinite(self) -> Any:                  return elementwise.isfinite(self)
    def pow(self, exponent: Any) -> Any:        return ops.power(self, exponent)
    def add(self, other: Any) -> Any:           return ops.add(self, other)
    def sub(self, other: Any) -> Any:           return ops.subtract(self, other)
    def mul(self, other: Any) -> Any:           return ops.multiply(self, other)
    def div(self, other: Any) -> Any:           return ops.divide(self, other)
    def matmul(self, other: Any) -> Any:        return ops.matmul(self, other)
    def mm(self, other: Any) -> Any:            return ops.matmul(*_of_dims("mm", [2], self, other))
    def dot(self, other: Any) -> Any:           return ops.matmul(*_of_dims("dot", [1], self, other))
    def maximum(self, other: Any) -> Any:       return ops.maximum(self, other)
    def minimum(self, other: Any) -> Any:       return ops.minimum(self, other)
    eq, ne, lt = elementwise.equal, elementwise.not_equal, elementwise.less
    le, gt, ge = elementwise.less_equal, elementwise.greater, elementwise.greater_equal
    # fmt: on

    def masked_fill(self, mask: Any, value: Any) -> Any:
        """This tensor with `value` where the mask is True."""
        return ops.where(mask, value, self).astype(self.array.dtype)

    def clamp(self, min: Any = None, max: Any = None) -> Any:
        """Limit every element to [min, max], numbers or tensors; inside, bounds included, the slope is 1."""
        if min is None and max is None:
            raise RuntimeError("clamp: At least one of 'min' or 'max' must not be None")
        if not (isinstance(min, Variable) or isinstance(max, Variable)):
            return ops.clip(self, low=min, high=max)
        raised = self if min is None else ops.where(self < min, min, self)
        return raised if max is None else ops.where(raised > max, max, raised)

    clip = clamp

    # --- along a dim, or all ------------------------------------------------------------------------------

    def _along(
        self, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False
    ) -> dict[str, Any]:
        """These arguments in NumPy's names. A number has no axis, but may be summed along dim 0, or −1."""
        axis, keepdims = axis if dim is None else dim, keepdim or keepdims
        if not isinstance(keepdims, bool):
            raise TypeError(f"keepdim must be bool, not {keepdims!r}; several dims are written dim=(0, 1)")
        axis = tuple(axis) if isinstance(axis, list) else axis
        if axis == () or (self.array.ndim == 0 and axis in (0, -1, (0,), (-1,))):
            axis = None
        return {"axis": axis, "keepdims": keepdims}

    def _axis(self, op: str, dim: Any = None, *, axis: Any = None) -> Any:
        """The axis, where there has to be one."""
        if dim is None and axis is None:
            raise TypeError(f"{op}() missing required argument 'dim', along which it goes")
        return self._along(dim, axis=axis)["axis"]

    def _floats(self, op: str) -> Any:
        if self.array.dtype.kind != "f":
            raise NotImplementedError(f"{op} is not for {self.array.dtype}: write x.float().{op}(…)")
        return self

    # fmt: off
    def sum(self, *dim: Any, **kw: Any) -> Any:     return ops.sum(self, **self._along(*dim, **kw))
    def amax(self, *dim: Any, **kw: Any) -> Any:    return ops.max(self, **self._along(*dim, **kw))
    def amin(self, *dim: Any, **kw: Any) -> Any:    return ops.min(self, **self._along(*dim, **kw))
    def argmax(self, *dim: Any, **kw: Any) -> Any:  return reduction.argmax(self, **self._along(*dim, **kw))
    def argmin(self, *dim: Any, **kw: Any) -> Any:  return reduction.argmin(self, **self._along(*dim, **kw))
    def any(self, *dim: Any, **kw: Any) -> Any:     return reduction.any_(self, **self._along(*dim, **kw))
    def all(self, *dim: Any, **kw: Any) -> Any:     return reduction.all_(self, **self._along(*dim, **kw))
    def mean(self, *dim: Any, **kw: Any) -> Any:
        return ops.mean(self._floats("mean"), **self._along(*dim, **kw))
    def logsumexp(self, *dim: Any, **kw: Any) -> Any:
        return ops.logsumexp(self._floats("logsumexp"), **self._along(*dim, **kw))
    def softmax(self, *dim: Any, **kw: Any) -> Any:
        return ops.softmax(self._floats("softmax"), axis=self._axis("softmax", *dim, **kw))
    def log_softmax(self, *dim: Any, **kw: Any) -> Any:
        return ops.log_softmax(self._floats("log_softmax"), axis=self._axis("log_softmax", *dim, **kw))
    def cumsum(self, *dim: Any, **kw: Any) -> Any:
        y = ops.cumsum(self, axis=self._axis("cumsum", *dim, **kw))
        return y if self.array.ndim else y.reshape(())
    # fmt: on

    def var(self, *dim: Any, **kw: Any) -> Any:
        """Σ (x − μ)² / (n − correction), with correction=1 unless told otherwise; np.var(t) has 0."""
        return self._moment("var", ops.var, *dim, **kw)

    def std(self, *dim: Any, **kw: Any) -> Any:
        """√var, with the same correction."""
        return self._moment("std", ops.std, *dim, **kw)

    def _moment(
        self, op: str, reduce: Any, dim: Any = None, unbiased: bool = True, keepdim: bool = False, **kw: Any
    ) -> Any:
        dim, unbiased = (None, dim) if isinstance(dim, bool) else (dim, unbiased)
        ddof = int(kw.pop("correction", unbiased))
        return reduce(self._floats(op), ddof=ddof, **self._along(dim, keepdim, **kw))

    def norm(self, p: Any = "fro", dim: Any = None, keepdim: bool = False, **kw: Any) -> Any:
        """(Σ |x|ᵖ)^(1/p); p may be inf."""
        x, along = self._floats("norm"), self._along(dim, keepdim, **kw)
        if p == math.inf:
            return ops.max(ops.absolute(x), **along)
        return ops.norm(x, p=2 if p == "fro" else p, **along)

    def max(self, *dim: Any, **kw: Any) -> Any:
        """The largest element, along a dim with its index; with another tensor, the larger of each pair."""
        return self._extreme((Max, ops.max, ops.maximum, reduction.argmax), *dim, **kw)

    def min(self, *dim: Any, **kw: Any) -> Any:
        """The smallest element, along a dim with its index; with another tensor, the smaller of each pair."""
        return self._extreme((Min, ops.min, ops.minimum, reduction.argmin), *dim, **kw)

    def _extreme(self, ways: tuple, dim: Any = None, *keepdim: Any, **kw: Any) -> Any:
        kind, reduce, pairwise, where = ways
        if isinstance(dim, Variable):
            return pairwise(self, dim)
        x = self if self.array.ndim else self.reshape(1)
        along = x._along(dim, *keepdim, **kw)
        if along["axis"] is None:
            return reduce(self)
        indices = where(x, **along)
        # Not amax: among equals, the one whose index is returned gets all the gradient.
        key: list = list(np.ogrid[tuple(map(slice, indices.array.shape))])
        k = along["axis"] % x.array.ndim
        key[k : k + along["keepdims"]] = [indices.array]
        return kind(ops.getitem(x, key=tuple(key)), indices)

    def gather(self, dim: Any = None, index: Any = (), **kw: Any) -> Any:
        """out[i, j, …] = self[i, …, index[i, j, …], …]: along dim, the elements that index names."""
        dim = self._axis("gather", dim, **kw)
        where = index.array if isinstance(index, Variable) else np.asarray(index)
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
    def view_as(self, other: Any) -> Any:               return self.reshape(other.array.shape)
    def expand_as(self, other: Any) -> Any:             return self.expand(other.array.shape)
    T = property(ops.transpose)
    def t(self) -> Any:                                 return ops.transpose(*_of_dims("t", [0, 1, 2], self))
    def unsqueeze(self, dim: Any = None, *, axis: Any = None) -> Any:
        return ops.expand_dims(self, axis=axis if dim is None else dim)
    # fmt: on

    swapaxes = transpose

    def squeeze(self, *dim: Any, **kw: Any) -> Any:
        axis = self._along(*dim, **kw)["axis"]
        if axis is not None:
            axes = axis if isinstance(axis, tuple) else (axis,)
            axis = tuple(k for k in axes if self.array.shape[k] == 1)
        return self if axis == () else ops.squeeze(self, axis=axis)

    def expand(self, *shape: Any) -> Any:
        """Repeat along dims of size 1 without copying; −1 keeps a size."""
        wanted = sizes(shape)
        old = (1,) * (len(wanted) - self.array.ndim) + self.array.shape
        return ops.broadcast_to(self, shape=tuple(m if n == -1 else n for n, m in zip(wanted, old)))

    def split(self, split_size: Any, dim: int = 0) -> tuple:
        """Stretches along a dim, of one size but for the last, or of the sizes in a list."""
        n = self.array.shape[dim]
        if isinstance(split_size, int) and split_size > 0:
            split_size = [min(split_size, n - k) for k in range(0, max(n, 1), split_size)]
        if isinstance(split_size, int) or min(split_size, default=0) < 0 or sum(split_size) != n:
            raise RuntimeError(f"split: sizes in dim {dim} must be positive, and add up to {n}: {split_size}")
        ends = itertools.accumulate(split_size, initial=0)
        before = (slice(None),) * (dim % self.array.ndim)
        return tuple(ops.getitem(self, key=(*before, slice(*ab))) for ab in itertools.pairwise(ends))

    def chunk(self, chunks: int, dim: int = 0) -> tuple:
        """So many stretches along a dim, of one size but for the last."""
        if chunks < 1:
            raise RuntimeError(f"chunk: there must be at least one, not {chunks}")
        return self.split(max(-(-self.array.shape[dim] // chunks), 1), dim)

    # --- dtypes ---------------------------------------------------------------------------------------------

    def astype(self, dtype: Any) -> Any:
        """Convert; through a conversion to integers or bools no gradient passes."""
        if self.array.dtype == dtype:
            return self
        if np.dtype(dtype).kind != "f" or self.array.dtype.kind != "f":
            return variable(self.array.astype(dtype))
        return ops.astype(self, dtype=np.dtype(dtype))

    def to(
        self,
        *args: Any,
        dtype: Any = None,
        device: Any = None,
        non_blocking: bool = False,
        copy: bool = False,
    ) -> Any:
        """Convert to a dtype, or that of another tensor; the only device is the CPU."""
        for arg in args:
            if isinstance(arg, Place) or (isinstance(arg, str) and arg.partition(":")[0] in KINDS):
                device = arg
            elif not isinstance(arg, bool) and arg is not None:  # else non_blocking, copy
                dtype = arg.array.dtype if isinstance(arg, Variable) else arg
        only_the_cpu(device)
        moved = self if dtype is None else self.astype(dtype)
        return ops.copy(self) if copy and moved is self else moved

    # fmt: off
    def float(self) -> Any:         return self.astype(np.float32)
    def double(self) -> Any:        return self.astype(np.float64)
    def half(self) -> Any:          return self.astype(np.float16)
    def long(self) -> Any:          return self.astype(np.int64)
    def int(self) -> Any:           return self.astype(np.int32)
    def bool(self) -> Any:          return self.astype(np.bool_)
    def cpu(self) -> Any:           return self
    # fmt: on

    def contiguous(self) -> Any:
        """This tensor, if it lies in memory row by row, or a copy that does."""
        if self.array.flags.c_contiguous:
            return self
        return ops.replace(np.empty(self.array.shape, self.array.dtype), self, key=...)


def _of_dims(op: str, allowed: list[int], *tensors: Any) -> tuple:
    shapes = [np.shape(x) for x in tensors]
    if not {len(shape) for shape in shapes} <= set(allowed):
        found = " and ".join(map(str, shapes))
        raise RuntimeError(
            f"{op} expects {allowed[-1]}D tensors, not shapes {found}: x @ y and x.transpose(-2, -1) take any"
        )
    return tensors


def sizes(given: tuple) -> tuple[int, ...]:
    """A shape, given as f(2, 3) or as f((2, 3))."""
    return tuple(given[0]) if len(given) == 1 and isinstance(given[0], (tuple, list)) else given
