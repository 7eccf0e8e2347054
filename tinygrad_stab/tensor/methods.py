"""The methods that compute: PyTorch's names for the primitives of `ops/`.

They take PyTorch's `dim` and `keepdim`, and NumPy's `axis` and `keepdims` as well; `_along` translates. They
hold no mathematics: each calls a primitive.
"""

from __future__ import annotations

import itertools
import math
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import ops
from ..engine.graph import Variable, array_of, variable
from ..ops import elementwise, reduction
from .devices import KINDS, only_the_cpu
from .devices import device as Place
from .dtypes import numbers
from .messages import cannot_expand, misfit

if TYPE_CHECKING:
    from .tensor import Tensor


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


class Median(Extreme):
    """The middle elements along a dim, and where they are."""

    __slots__ = ()


class TopK(Extreme):
    """The k largest elements along a dim, and where they are."""

    __slots__ = ()


class Methods(Variable):
    """The methods that make a new tensor; `Tensor` inherits them."""

    __slots__ = ()

    # --- element by element ---------------------------------------------------------------------------------

    # fmt: off
    def abs(self) -> Tensor:        "|x|."; return ops.absolute(self)
    def neg(self) -> Tensor:        "−x."; return ops.negative(self)
    def exp(self) -> Tensor:        "eˣ."; return ops.exp(self)
    def log(self) -> Tensor:        "The natural logarithm, ln x."; return ops.log(self)
    def log1p(self) -> Tensor:      "ln(1 + x), exact for small x."; return ops.log1p(self)
    def log10(self) -> Tensor:      "The logarithm to the base 10."; return ops.log10(self)
    def sqrt(self) -> Tensor:       "√x."; return ops.sqrt(self)
    def rsqrt(self) -> Tensor:      "1/√x."; return 1 / ops.sqrt(self)
    def reciprocal(self) -> Tensor: "1/x."; return ops.divide(1.0, self)
    def square(self) -> Tensor:     "x²."; return ops.square(self)
    def sin(self) -> Tensor:        "sin x, of radians."; return ops.sin(self)
    def cos(self) -> Tensor:        "cos x, of radians."; return ops.cos(self)
    def sinh(self) -> Tensor:       "(eˣ − e⁻ˣ)/2."; return ops.sinh(self)
    def cosh(self) -> Tensor:       "(eˣ + e⁻ˣ)/2."; return ops.cosh(self)
    def tanh(self) -> Tensor:       "(eˣ − e⁻ˣ)/(eˣ + e⁻ˣ), between ±1."; return ops.tanh(self)
    def sigmoid(self) -> Tensor:    "σ(x) = 1/(1 + e⁻ˣ), between 0 and 1."; return ops.sigmoid(self)
    def relu(self) -> Tensor:       "max(x, 0)."; return ops.relu(self)
    def erf(self) -> Tensor:        "2/√π ∫₀ˣ e^(−t²) dt."; return ops.erf(self)
    def sign(self) -> Tensor:       "−1, 0 or 1; of slope 0."; return elementwise.sign(self)
    def floor(self) -> Tensor:      "The largest integer ≤ x; of slope 0."; return elementwise.floor(self)
    def ceil(self) -> Tensor:       "The smallest integer ≥ x; of slope 0."; return elementwise.ceil(self)
    def isnan(self) -> Tensor:      "Where it is not a number."; return elementwise.isnan(self)
    def isinf(self) -> Tensor:      "Where it is ±∞."; return elementwise.isinf(self)
    def isfinite(self) -> Tensor:   "Where it is neither ±∞ nor NaN."; return elementwise.isfinite(self)
    def round(self, decimals: int = 0) -> Tensor:
        "To the nearest, halves to even; of slope 0."; return elementwise.round_(self, decimals=decimals)

    def add(self, other: Any, *, alpha: float = 1) -> Tensor:
        "self + alpha · other."
        return ops.add(self, other if alpha == 1 else ops.multiply(other, alpha))
    def sub(self, other: Any, *, alpha: float = 1) -> Tensor:
        "self − alpha · other."
        return ops.subtract(self, other if alpha == 1 else ops.multiply(other, alpha))
    def mul(self, other: Any) -> Tensor:      "self · other."; return ops.multiply(self, other)
    def div(self, other: Any) -> Tensor:      "self / other."; return ops.divide(self, other)
    def pow(self, exponent: Any) -> Tensor:   "self ** exponent."; return ops.power(self, exponent)
    def maximum(self, other: Any) -> Tensor:  "The larger of each pair."; return ops.maximum(self, other)
    def minimum(self, other: Any) -> Tensor:  "The smaller of each pair."; return ops.minimum(self, other)

    def eq(self, other: Any) -> Tensor:  "Where self = other."; return elementwise.equal(self, other)
    def ne(self, other: Any) -> Tensor:  "Where self ≠ other."; return elementwise.not_equal(self, other)
    def lt(self, other: Any) -> Tensor:  "Where self < other."; return elementwise.less(self, other)
    def le(self, other: Any) -> Tensor:  "Where self ≤ other."; return elementwise.less_equal(self, other)
    def gt(self, other: Any) -> Tensor:  "Where self > other."; return elementwise.greater(self, other)
    def ge(self, other: Any) -> Tensor:  "Where self ≥ other."; return elementwise.greater_equal(self, other)
    def logical_and(self, other: Any) -> Tensor:
        "Where neither is 0."; return variable(np.logical_and(array_of(self), array_of(other)))
    def logical_or(self, other: Any) -> Tensor:
        "Where not both are 0."; return variable(np.logical_or(array_of(self), array_of(other)))
    def logical_not(self) -> Tensor:
        "Where it is 0."; return variable(np.logical_not(array_of(self)))

    # --- products of matrices -------------------------------------------------------------------------------

    def matmul(self, other: Any) -> Tensor:
        "self @ other: of vectors, matrices and stacks of matrices."; return ops.matmul(self, other)
    def mm(self, mat2: Any) -> Tensor:
        "The product of two matrices."; return ops.matmul(*_of_dims("mm", [2], self, mat2))
    def bmm(self, mat2: Any) -> Tensor:
        "The products of two stacks of matrices."; return ops.matmul(*_of_dims("bmm", [3], self, mat2))
    def mv(self, vec: Any) -> Tensor:
        "A matrix times a vector."
        return ops.matmul(_of_dims("mv", [2], self)[0], _of_dims("mv", [1], vec)[0])
    def dot(self, tensor: Any) -> Tensor:
        "Σ x y of two vectors."; return ops.matmul(*_of_dims("dot", [1], self, tensor))
    # fmt: on

    def masked_fill(self, mask: Any, value: Any) -> Tensor:
        """This tensor with `value` where the mask is True."""
        return ops.where(mask, value, self).astype(self.array.dtype)

    def clamp(self, min: Any = None, max: Any = None) -> Tensor:
        """Limit every element to [min, max], numbers or tensors; inside, bounds included, the slope is 1."""
        if min is None and max is None:
            raise RuntimeError("clamp: At least one of 'min' or 'max' must not be None")
        if not (isinstance(min, Variable) or isinstance(max, Variable)):
            return ops.clip(self, low=min, high=max)
        raised: Any = self if min is None else ops.where((self < min) | np.isnan(min), min, self)
        return raised if max is None else ops.where((raised > max) | np.isnan(max), max, raised)

    def clamp_min(self, min: Any) -> Tensor:
        """Raise what is below min."""
        return self.clamp(min=min)

    def clamp_max(self, max: Any) -> Tensor:
        """Lower what is above max."""
        return self.clamp(max=max)

    clip = clamp

    # --- along a dim, or all ------------------------------------------------------------------------------

    def _along(
        self, dim: Any = None, keepdim: bool = False, *more: Any, axis: Any = None, keepdims: bool = False,
        **unknown: Any,
    ) -> dict[str, Any]:  # fmt: skip
        """These arguments in NumPy's names. A number has no axis, but may be summed along dim 0, or −1."""
        if more or unknown:
            raise _unexpected([*map(repr, more), *unknown])
        axis, keepdims = axis if dim is None else dim, keepdim or keepdims
        if not isinstance(keepdims, bool):
            raise TypeError(f"keepdim must be bool, not {keepdims!r}; several dims are written dim=(0, 1)")
        axis = tuple(axis) if isinstance(axis, list) else axis
        if axis == () or (self.array.ndim == 0 and axis in (0, -1, (0,), (-1,))):
            axis = None
        return {"axis": axis, "keepdims": keepdims}

    def _axis(self, op: str, dim: Any = None, *more: Any, axis: Any = None, **unknown: Any) -> Any:
        """The axis, where there has to be one."""
        if more or unknown:
            raise _unexpected([*map(repr, more), *unknown])
        if dim is None and axis is None:
            raise TypeError(f"{op}() missing required argument 'dim', along which it goes")
        return self._along(dim, axis=axis)["axis"]

    def _floats(self, op: str) -> Any:
        if self.array.dtype.kind != "f":
            raise NotImplementedError(f"{op} is not for {self.array.dtype}: give it x.float()")
        return self

    # fmt: off
    def sum(self, *dim: Any, **kw: Any) -> Tensor:
        "Σ x."; return ops.sum(self, **self._along(*dim, **kw))
    def mean(self, *dim: Any, **kw: Any) -> Tensor:
        "Σ x / n."; return ops.mean(self._floats("mean"), **self._along(*dim, **kw))
    def amax(self, *dim: Any, **kw: Any) -> Tensor:
        "The largest; equals share the gradient."; return ops.max(self, **self._along(*dim, **kw))
    def amin(self, *dim: Any, **kw: Any) -> Tensor:
        "The smallest; equals share the gradient."; return ops.min(self, **self._along(*dim, **kw))
    def argmax(self, *dim: Any, **kw: Any) -> Tensor:
        "The index of the largest."; return reduction.argmax(self, **self._along(*dim, **kw))
    def argmin(self, *dim: Any, **kw: Any) -> Tensor:
        "The index of the smallest."; return reduction.argmin(self, **self._along(*dim, **kw))
    def any(self, *dim: Any, **kw: Any) -> Tensor:
        "Is any of them not 0?"; return reduction.any_(self, **self._along(*dim, **kw))
    def all(self, *dim: Any, **kw: Any) -> Tensor:
        "Is none of them 0?"; return reduction.all_(self, **self._along(*dim, **kw))
    def logsumexp(self, *dim: Any, **kw: Any) -> Tensor:
        "log Σ eˣ."; return ops.logsumexp(self._floats("logsumexp"), **self._along(*dim, **kw))
    def softmax(self, *dim: Any, **kw: Any) -> Tensor:
        "eˣ / Σ eˣ."; return ops.softmax(self._floats("softmax"), axis=self._axis("softmax", *dim, **kw))
    def log_softmax(self, *dim: Any, **kw: Any) -> Tensor:
        "x − log Σ eˣ."
        return ops.log_softmax(self._floats("log_softmax"), axis=self._axis("log_softmax", *dim, **kw))
    def cumsum(self, *dim: Any, **kw: Any) -> Tensor:
        "x₀, x₀ + x₁, x₀ + x₁ + x₂, …"
        y = ops.cumsum(self, axis=self._axis("cumsum", *dim, **kw))
        return y if self.array.ndim else y.reshape(())
    # fmt: on

    def var(self, *dim: Any, **kw: Any) -> Tensor:
        """Σ (x − μ)² / (n − correction), with correction=1 unless told otherwise; np.var(t) has 0."""
        return self._moment("var", ops.var, *dim, **kw)

    def std(self, *dim: Any, **kw: Any) -> Tensor:
        """√var, with the same correction."""
        return self._moment("std", ops.std, *dim, **kw)

    def _moment(
        self, op: str, reduce: Any, dim: Any = None, unbiased: bool = True, keepdim: bool = False, **kw: Any
    ) -> Any:
        dim, unbiased = (None, dim) if isinstance(dim, bool) else (dim, unbiased)
        ddof = kw.pop("correction", unbiased)
        return reduce(self._floats(op), ddof=+ddof, **self._along(dim, keepdim, **kw))

    def norm(self, p: Any = "fro", dim: Any = None, keepdim: bool = False, **kw: Any) -> Tensor:
        """(Σ |x|ᵖ)^(1/p); p may be inf."""
        x, along = self._floats("norm"), self._along(dim, keepdim, **kw)
        if p == math.inf:
            return ops.max(ops.absolute(x), **along)
        if isinstance(p, str) and p != "fro":
            raise RuntimeError(
                f"norm: there is no {p!r} here, p is a positive number, math.inf or 'fro'; 'nuc' is the sum "
                "of torch.linalg.svdvals(x)"
            )
        return ops.norm(x, p=2 if p == "fro" else p, **along)

    def max(self, *dim: Any, **kw: Any) -> Any:
        """The largest element, along a dim with its index; with another tensor, the larger of each pair."""
        return self._extreme((Max, ops.max, ops.maximum, reduction.argmax), *dim, **kw)

    def min(self, *dim: Any, **kw: Any) -> Any:
        """The smallest element, along a dim with its index; with another tensor, the smaller of each pair."""
        return self._extreme((Min, ops.min, ops.minimum, reduction.argmin), *dim, **kw)

    def _extreme(self, ways: tuple, dim: Any = None, *keepdim: Any, other: Any = None, **kw: Any) -> Any:
        kind, reduce, pairwise, where = ways
        other = dim if isinstance(dim, Variable) else other
        if other is not None:
            return pairwise(self, other)
        along = self._along(dim, *keepdim, **kw)
        if along["axis"] is None:
            whole = dim is None and kw.get("axis") is None
            return reduce(self) if whole else kind(reduce(self), variable(np.zeros((), int)))
        # Not amax: among equals, the one whose index is returned gets all the gradient.
        indices = where(self, **along)
        return kind(self._picked(indices.array, **along), indices)

    def _picked(self, indices: np.ndarray, axis: int, keepdims: bool) -> Any:
        """The elements with these indices along axis, one in each lane."""
        key: list = list(np.ogrid[tuple(map(slice, indices.shape))])
        k = axis % self.array.ndim
        key[k : k + keepdims] = [indices]
        return ops.getitem(self, key=tuple(key))

    def gather(self, dim: Any = None, index: Any = (), **kw: Any) -> Tensor:
        """out[i, j, …] = self[i, …, index[i, j, …], …]: along dim, the elements that index names."""
        dim = self._axis("gather", dim, **kw)
        where = index.array if isinstance(index, Variable) else np.array(index)
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

    def median(self, *dim: Any, **kw: Any) -> Any:
        """The middle element; of an even number, the lower of the two in the middle; NaN if there is one.

        Along a dim, with its index.
        """
        x, along = self._lanes("median", *dim, **kw)
        indices = x._ranked((x.array.shape[along["axis"]] - 1) // 2, **along)
        values = x._picked(indices, **along)
        return Median(values, variable(indices)) if dim or kw else values

    def topk(self, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> TopK:
        """The k largest elements along a dim, or smallest, in order, and where they are."""
        n = self.array.shape[self._axis("topk", dim)] if self.array.ndim else 1
        if not 0 <= k <= n:
            raise RuntimeError(f"topk: selected index k out of range: k={k} of {n} elements along dim {dim}")
        x: Any = self if self.array.ndim else self.reshape(1)
        order = np.argsort(-x.array if largest else x.array, dim, kind="stable")
        indices = variable(np.take(order, range(k), dim))
        return TopK(x.gather(dim, indices), indices)

    def quantile(self, q: float, *dim: Any, **kw: Any) -> Any:
        """The value below which a share q of the elements lies, interpolated; NaN if there is one."""
        if np.ndim(q) or not 0 <= q <= 1:
            raise ValueError(f"quantile: q must be one number between 0 and 1, got {q}")
        x, along = self._floats("quantile")._lanes("quantile", *dim, **kw)
        place = float(q) * (x.array.shape[along["axis"]] - 1)
        low = math.floor(place)
        below, share = x._picked(x._ranked(low, **along), **along), place - low
        if not share:  # 0 · ∞ is NaN
            return below
        return (1 - share) * below + share * x._picked(x._ranked(low + 1, **along), **along)

    def _lanes(self, op: str, *dim: Any, **kw: Any) -> tuple[Any, dict]:
        """What is ranked, and along which axis: without one, all elements in one row."""
        along = self._along(*dim, **kw)
        x = self if along["axis"] is not None else self.reshape(-1)
        if along["axis"] is None:
            along = {"axis": 0, "keepdims": False}
        if not isinstance(along["axis"], int):
            raise TypeError(f"{op}() goes along one dim, or over all elements, not dim={along['axis']}")
        if x.array.size == 0:
            raise RuntimeError(f"{op}() of no elements, in shape {self.array.shape}")
        return x, along

    def _ranked(self, k: int, axis: int, keepdims: bool) -> np.ndarray:
        """The index of the k-th smallest along axis, or of the first NaN."""
        order = np.argsort(self.array, axis=axis, kind="stable")  # NaNs come last
        numbers = np.sum(~np.isnan(self.array), axis=axis, keepdims=True)
        place = np.where(numbers < self.array.shape[axis], numbers, k)
        indices = np.take_along_axis(order, place, axis)
        return indices if keepdims else np.squeeze(indices, axis)

    # --- shapes ---------------------------------------------------------------------------------------------

    def reshape(self, *sizes: Any, shape: Any = ()) -> Tensor:
        """The same elements, row by row, in another shape; one size may be −1, for what is left."""
        return ops.reshape(self, shape=given_sizes(sizes, shape))

    def view(self, *sizes: Any, size: Any = ()) -> Tensor:
        """`reshape`; memory is shared where NumPy can."""
        try:
            return ops.reshape(self, shape=given_sizes(sizes, size))
        except RuntimeError as error:
            raise RuntimeError(str(error).replace("reshape", "view", 1)) from None

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Tensor:
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
    def transpose(self, dim0: int, dim1: int) -> Tensor:
        "Two dims exchanged."; return ops.swapaxes(self, axis1=dim0, axis2=dim1)
    def permute(self, *order: Any, dims: Any = ()) -> Tensor:
        "The dims in another order."; return ops.transpose(self, axes=given_sizes(order, dims))
    def view_as(self, other: Any) -> Tensor:
        "In the shape of another tensor."; return self.reshape(other.array.shape)
    def expand_as(self, other: Any) -> Tensor:
        "Repeated to the shape of another tensor."; return self.expand(other.array.shape)
    def t(self) -> Tensor:
        "A matrix transposed."; return ops.transpose(*_of_dims("t", [0, 1, 2], self))
    def unsqueeze(self, dim: Any = None, *, axis: Any = None) -> Tensor:
        "With a new dim of size 1."; return ops.expand_dims(self, axis=axis if dim is None else dim)
    def unbind(self, dim: int = 0) -> tuple[Tensor, ...]:
        "The slices along a dim."; return ops.unbind(self, axis=dim)
    # fmt: on

    @property
    def T(self) -> Tensor:
        """With all dims in reverse order."""
        return ops.transpose(self)

    swapaxes = transpose

    def squeeze(self, *dim: Any, **kw: Any) -> Tensor:
        """Without the dims of size 1, or without those given, if their size is 1."""
        x: Any = self
        axis = self._along(*dim, **kw)["axis"]
        if axis is not None:
            axes = axis if isinstance(axis, tuple) else (axis,)
            n = max(x.array.ndim, 1)
            if wrong := [k for k in axes if not -n <= k < n]:
                raise misfit("squeeze", [x.array], np.exceptions.AxisError(wrong[0], n))
            axis = tuple(k for k in axes if x.array.shape[k] == 1)
        return x if axis == () else ops.squeeze(x, axis=axis)

    def expand(self, *sizes: Any, size: Any = ()) -> Tensor:
        """Repeat along dims of size 1 without copying; −1 keeps a size."""
        wanted = given_sizes(sizes, size)
        old = (1,) * (len(wanted) - self.array.ndim) + self.array.shape
        if len(wanted) < len(old) or any(m not in (1, n) and n != -1 for n, m in zip(wanted, old)):
            raise cannot_expand("expand", self.array.shape, wanted)
        return ops.broadcast_to(self, shape=tuple(m if n == -1 else n for n, m in zip(wanted, old)))

    def diag(self, diagonal: int = 0) -> Tensor:
        """The diagonal of a matrix, or a matrix with this vector on it; diagonal=1 is the one above."""
        (x,), k = _of_dims("diag", [1, 2], self), diagonal
        if x.array.ndim == 2:
            n = len(np.diagonal(x.array, k))
            return ops.getitem(x, key=(np.arange(n) + max(-k, 0), np.arange(n) + max(k, 0)))
        n = len(x.array)
        rows, size = np.arange(n) + max(-k, 0), n + abs(k)
        return ops.scatter(x, key=(rows, rows + k), shape=(size, size))

    def split(self, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
        """Stretches along a dim, of one size but for the last, or of the sizes in a list."""
        n = self.array.shape[dim]
        if isinstance(split_size, int) and split_size > 0:
            split_size = [min(split_size, n - k) for k in range(0, max(n, 1), split_size)]
        if isinstance(split_size, int) or min(split_size, default=0) < 0 or sum(split_size) != n:
            raise RuntimeError(f"split: sizes in dim {dim} must be positive, and add up to {n}: {split_size}")
        ends = itertools.accumulate(split_size, initial=0)
        before = (slice(None),) * (dim % self.array.ndim)
        return tuple(ops.getitem(self, key=(*before, slice(*ab))) for ab in itertools.pairwise(ends))

    def chunk(self, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
        """So many stretches along a dim, of one size but for the last."""
        if chunks < 1:
            raise RuntimeError(f"chunk: there must be at least one, not {chunks}")
        return self.split(max(-(-self.array.shape[dim] // chunks), 1), dim)

    def new_zeros(self, *sizes: Any, size: Any = (), dtype: Any = None, **options: Any) -> Tensor:
        """0 everywhere, in a shape and this tensor's dtype."""
        return self._new(0, given_sizes(sizes, size), dtype, **options)

    def new_ones(self, *sizes: Any, size: Any = (), dtype: Any = None, **options: Any) -> Tensor:
        """1 everywhere, in a shape and this tensor's dtype."""
        return self._new(1, given_sizes(sizes, size), dtype, **options)

    def _new(
        self, value: int, shape: Any, dtype: Any, requires_grad: bool = False, device: Any = None
    ) -> Tensor:
        only_the_cpu(device)
        return variable(np.full(shape, value, dtype or self.array.dtype)).requires_grad_(requires_grad)

    # --- dtypes ---------------------------------------------------------------------------------------------

    def astype(self, dtype: Any) -> Tensor:
        """Convert; through a conversion to integers or bools no gradient passes."""
        x: Any = self
        if x.array.dtype == dtype:
            return x
        if np.dtype(dtype).kind != "f" or self.array.dtype.kind != "f":
            return variable(numbers(self.array.astype(dtype)))
        return ops.astype(self, dtype=np.dtype(dtype))

    def to(
        self,
        *args: Any,
        dtype: Any = None,
        device: Any = None,
        non_blocking: bool = False,
        copy: bool = False,
    ) -> Tensor:
        """Convert to a dtype, or that of another tensor; the only device is the CPU."""
        for arg in args:
            if isinstance(arg, Place) or (isinstance(arg, str) and arg.partition(":")[0] in KINDS):
                device = arg
            elif not isinstance(arg, bool) and arg is not None:  # else non_blocking, copy
                dtype = arg.array.dtype if isinstance(arg, Variable) else arg
        only_the_cpu(device)
        moved: Any = self if dtype is None else self.astype(dtype)
        return ops.copy(self) if copy and moved is self else moved

    def type(self, dtype: Any = None) -> Any:
        """Convert to a dtype, or what torch.FloatTensor stands for; without one, PyTorch's name of it."""
        if dtype is None:
            names = {"f4": "Float", "f8": "Double", "f2": "Half", "i8": "Long", "i4": "Int", "b1": "Bool"}
            return f"torch.{names.get(self.array.dtype.str[1:], 'Byte')}Tensor"
        return self.astype(getattr(dtype, "dtype", dtype))

    def type_as(self, other: Any) -> Tensor:
        """Convert to the dtype of another tensor."""
        return self.astype(other.array.dtype)

    # fmt: off
    def float(self) -> Tensor:   "As float32.";  return self.astype(np.float32)
    def double(self) -> Tensor:  "As float64.";  return self.astype(np.float64)
    def half(self) -> Tensor:    "As float16.";  return self.astype(np.float16)
    def long(self) -> Tensor:    "As int64.";    return self.astype(np.int64)
    def int(self) -> Tensor:     "As int32.";    return self.astype(np.int32)
    def bool(self) -> Tensor:    "As bool.";     return self.astype(np.bool_)
    def cpu(self) -> Tensor:     "Itself."; itself: Any = self; return itself
    def cuda(self) -> Tensor:    "Refused: there is only the CPU."; return self.to("cuda")
    # fmt: on

    def contiguous(self) -> Tensor:
        """This tensor, if it lies in memory row by row, or a copy that does."""
        x: Any = self
        if x.array.flags.c_contiguous:
            return x
        return ops.replace(np.empty(self.array.shape, self.array.dtype), self, key=...)


def _unexpected(arguments: list[str]) -> TypeError:
    """The error of arguments that the method, which the user has called, does not know."""
    frame: Any = sys._getframe(2)
    while frame.f_code.co_name.startswith("_"):
        frame = frame.f_back
    return TypeError(
        f"{frame.f_code.co_name}() got an unexpected argument {', '.join(arguments)}: say along which "
        "dim, dim=0 or dim=(0, 1), and where it makes sense keepdim=True"
    )


def _of_dims(op: str, allowed: list[int], *tensors: Any) -> tuple:
    shapes = [np.shape(x) for x in tensors]
    if not {len(shape) for shape in shapes} <= set(allowed):
        found = " and ".join(map(str, shapes))
        raise RuntimeError(
            f"{op} expects {allowed[-1]}D tensors, not shapes {found}: x @ y and x.transpose(-2, -1) take any"
        )
    return tensors


def given_sizes(given: tuple, named: Any = ()) -> tuple[int, ...]:
    """A shape, given as f(2, 3), as f((2, 3)) or by its name."""
    sizes = given or (named,)
    return tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else sizes
