"""The Tensor: PyTorch's names for the primitives of `ops/`, and the switches that decide what is
differentiated.

Methods take PyTorch's `dim` and `keepdim`, and NumPy's `axis` and `keepdims` as well. They hold no
mathematics: each one translates its arguments and calls a primitive."""

from __future__ import annotations

import math
import warnings
import weakref
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from . import ops
from .autograd import backward
from .graph import Node, Primitive, TensorBase
from .hooks import RemovableHandle
from .inplace import InPlace
from .ops import elementwise, reduction
from .ops.shape import index
from .printing import grad_fn_name, tensor_repr


class Size(tuple):
    """A shape that prints as PyTorch's does."""

    def numel(self) -> int:
        """The number of elements of a tensor of this shape."""
        return math.prod(self)

    def __repr__(self) -> str:
        return f"Size([{', '.join(map(str, self))}])"


class Extreme(NamedTuple):
    """What `max(dim)` and `min(dim)` return."""

    values: Tensor
    indices: Tensor


class Tensor(InPlace):
    """An array that remembers how it was made, so that gradients can be carried back through it."""

    __slots__ = ()

    # --- the array ------------------------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        return Size(self.array.shape)

    @property
    def ndim(self) -> int:
        return self.array.ndim

    @property
    def dtype(self) -> np.dtype:
        return self.array.dtype

    def size(self, dim: int | None = None) -> Any:
        return self.shape if dim is None else self.array.shape[dim]

    def dim(self) -> int:
        return self.array.ndim

    def numel(self) -> int:
        return self.array.size

    @property
    def data(self) -> Tensor:
        """The same memory without the graph. Assigning to it puts other values in this tensor's place."""
        return Tensor(self.array)

    @data.setter
    def data(self, value: Any) -> None:
        self.array = value.array if isinstance(value, TensorBase) else np.asarray(value, self.array.dtype)
        if self.node is not None:
            self.node.shape, self.node.dtype = self.array.shape, self.array.dtype

    def numpy(self) -> np.ndarray:
        """The array itself, sharing its memory."""
        if self.requires_grad:
            raise RuntimeError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
            )
        return self.array

    def item(self) -> Any:
        """The only element, as a Python number."""
        if self.array.size != 1:
            raise RuntimeError(
                f"a Tensor with {self.array.size} elements cannot be converted to Scalar: its shape is "
                f"{self.array.shape}, reduce it first, with .sum() or .mean(), or pick an element"
            )
        return self.array.item()

    def tolist(self) -> Any:
        return self.array.tolist()

    # --- the graph ------------------------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if wanted == self.requires_grad:
            return
        if not self.is_leaf:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables; to cut the graph use .detach()"
            )
        if wanted and self.array.dtype.kind != "f":
            raise RuntimeError(
                "only Tensors of floating point dtype can require gradients, this one is "
                f"{self.array.dtype}: write its values as 1., 2., … or call .float() first"
            )
        self.node = Node(None, (), (), None, {}, self.array) if wanted else None
        if self.node is not None:
            self.node.leaf = weakref.ref(self)  # weak: a tensor that nobody holds needs no gradient

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        """Was it given, rather than computed from tensors that require a gradient?"""
        return self.node is None or self.node.primitive is None

    @property
    def grad_fn(self) -> Node | None:
        """How it was computed; None for a leaf."""
        return None if self.is_leaf else self.node

    @property
    def grad(self) -> Any:
        """The gradient that `backward()` has collected here."""
        if self._grad is None and self.grad_fn is not None and not self.retains_grad:
            warnings.warn(
                "the .grad of a tensor that is not a leaf is not kept (this one is the result of "
                f"{self.grad_fn.primitive.name}): call .retain_grad() on it before backward(), or use "
                "autograd.grad(loss, tensor)",
                stacklevel=2,
            )
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None and value.array.shape != self.array.shape:
            raise RuntimeError(
                f"assigned grad has shape {value.array.shape}, but the tensor {self.array.shape}"
            )
        self._grad = value

    def backward(
        self,
        gradient: Any = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Add ∂self/∂x to `x.grad` for every leaf x that self depends on, or only for the `inputs`."""
        backward([self], None if gradient is None else [gradient], retain_graph, create_graph, inputs)

    def detach(self) -> Tensor:
        """The same memory, cut off from the graph."""
        return Tensor(self.array)

    def clone(self) -> Tensor:
        """A copy, through which the gradient passes."""
        return ops.astype(self, dtype=self.array.dtype)

    def register_hook(self, hook: Callable) -> RemovableHandle:
        """Call `hook(grad)` once this tensor's gradient is complete; what it returns replaces it."""
        if self.node is None:
            raise RuntimeError(
                "cannot register a hook on a tensor that doesn't require gradient: call .requires_grad_()"
            )
        if self.node.hooks is None:
            self.node.hooks = []
        self.node.hooks.append(hook)
        return RemovableHandle(self.node.hooks, hook)

    def retain_grad(self) -> None:
        """Keep `.grad` although this tensor is not a leaf."""
        if not self.is_leaf and not self.retains_grad:
            self.register_hook(_RetainGrad(self))

    @property
    def retains_grad(self) -> bool:
        return self.node is not None and any(isinstance(hook, _RetainGrad) for hook in self.node.hooks or ())

    def __deepcopy__(self, memo: dict) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError(
                "only leaf tensors can be deep-copied: this one was computed; use .detach().clone()"
            )
        copy = memo[id(self)] = type(self).__new__(type(self))
        TensorBase.__init__(copy, self.array.copy())
        copy.requires_grad = self.requires_grad
        copy._grad = None if self._grad is None else Tensor(self._grad.array.copy())
        return copy

    # --- operators ------------------------------------------------------------------------------------------

    # fmt: off
    def __add__(self, other: Any) -> Tensor:       return ops.add(self, other)
    def __radd__(self, other: Any) -> Tensor:      return ops.add(other, self)
    def __sub__(self, other: Any) -> Tensor:       return ops.subtract(self, other)
    def __rsub__(self, other: Any) -> Tensor:      return ops.subtract(other, self)
    def __mul__(self, other: Any) -> Tensor:       return ops.multiply(self, other)
    def __rmul__(self, other: Any) -> Tensor:      return ops.multiply(other, self)
    def __truediv__(self, other: Any) -> Tensor:   return ops.divide(self, other)
    def __rtruediv__(self, other: Any) -> Tensor:  return ops.divide(other, self)
    def __pow__(self, other: Any) -> Tensor:       return ops.power(self, other)
    def __rpow__(self, other: Any) -> Tensor:      return ops.power(other, self)
    def __matmul__(self, other: Any) -> Tensor:    return ops.matmul(self, other)
    def __rmatmul__(self, other: Any) -> Tensor:   return ops.matmul(other, self)
    def __neg__(self) -> Tensor:                   return ops.negative(self)
    def __abs__(self) -> Tensor:                   return ops.absolute(self)

    def __eq__(self, other: Any) -> Tensor:        return elementwise.equal(self, other)  # type: ignore[override]
    def __ne__(self, other: Any) -> Tensor:        return elementwise.not_equal(self, other)  # type: ignore[override]
    def __lt__(self, other: Any) -> Tensor:        return elementwise.less(self, other)
    def __le__(self, other: Any) -> Tensor:        return elementwise.less_equal(self, other)
    def __gt__(self, other: Any) -> Tensor:        return elementwise.greater(self, other)
    def __ge__(self, other: Any) -> Tensor:        return elementwise.greater_equal(self, other)
    def __and__(self, other: Any) -> Tensor:       return elementwise.bitwise_and(self, other)
    def __or__(self, other: Any) -> Tensor:        return elementwise.bitwise_or(self, other)
    def __invert__(self) -> Tensor:                return elementwise.invert(self)
    __hash__ = object.__hash__  # == compares elements, so identity is all that is left to hash

    def __bool__(self) -> bool:                    return bool(self.item())
    def __float__(self) -> float:                  return float(self.item())
    def __int__(self) -> int:                      return int(self.item())
    def __index__(self) -> int:                    return self.array.__index__()
    # fmt: on

    def __getitem__(self, key: Any) -> Tensor:
        return ops.getitem(self, key=index(key))

    def __len__(self) -> int:
        if self.array.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return len(self.array)

    def __iter__(self) -> Iterator[Tensor]:
        if self.array.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return (self[k] for k in range(len(self.array)))

    def __contains__(self, value: Any) -> bool:
        return bool(np.any(self.array == (value.array if isinstance(value, TensorBase) else value)))

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.array.ndim == 0 else object.__format__(self, spec)

    def __repr__(self) -> str:
        made_by = None if self.is_leaf else grad_fn_name(self.node.primitive.name)  # type: ignore[union-attr]
        return tensor_repr(self.array, requires_grad=self.requires_grad, grad_fn=made_by)

    # --- element by element ---------------------------------------------------------------------------------

    # fmt: off
    def abs(self) -> Tensor:                       return ops.absolute(self)
    def exp(self) -> Tensor:                       return ops.exp(self)
    def log(self) -> Tensor:                       return ops.log(self)
    def log1p(self) -> Tensor:                     return ops.log1p(self)
    def log10(self) -> Tensor:                     return ops.log10(self)
    def sqrt(self) -> Tensor:                      return ops.sqrt(self)
    def square(self) -> Tensor:                    return ops.square(self)
    def sin(self) -> Tensor:                       return ops.sin(self)
    def cos(self) -> Tensor:                       return ops.cos(self)
    def tanh(self) -> Tensor:                      return ops.tanh(self)
    def sigmoid(self) -> Tensor:                   return ops.sigmoid(self)
    def relu(self) -> Tensor:                      return ops.relu(self)
    def sign(self) -> Tensor:                      return elementwise.sign(self)
    def isnan(self) -> Tensor:                     return elementwise.isnan(self)
    def isinf(self) -> Tensor:                     return elementwise.isinf(self)
    def isfinite(self) -> Tensor:                  return elementwise.isfinite(self)
    def pow(self, exponent: Any) -> Tensor:        return ops.power(self, exponent)
    def matmul(self, other: Any) -> Tensor:        return ops.matmul(self, other)
    def dot(self, other: Any) -> Tensor:           return ops.matmul(self, other)
    def maximum(self, other: Any) -> Tensor:       return ops.maximum(self, other)
    def minimum(self, other: Any) -> Tensor:       return ops.minimum(self, other)
    # fmt: on

    def clamp(self, min: Any = None, max: Any = None) -> Tensor:
        return ops.clip(self, low=min, high=max)

    clip = clamp

    # --- reductions -----------------------------------------------------------------------------------------

    def sum(
        self, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False
    ) -> Tensor:
        return ops.sum(self, axis=_axes(dim, axis), keepdims=keepdim or keepdims)

    def mean(
        self, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False
    ) -> Tensor:
        return ops.mean(self, axis=_axes(dim, axis), keepdims=keepdim or keepdims)

    def var(
        self,
        dim: Any = None,
        unbiased: bool = True,
        keepdim: bool = False,
        *,
        correction: int | None = None,
        axis: Any = None,
        keepdims: bool = False,
    ) -> Tensor:
        """Σ (x − μ)² / (n − correction), with correction 1 unless told otherwise; np.var(t) has 0."""
        ddof = int(unbiased) if correction is None else correction
        return ops.var(self, axis=_axes(dim, axis), ddof=ddof, keepdims=keepdim or keepdims)

    def std(
        self,
        dim: Any = None,
        unbiased: bool = True,
        keepdim: bool = False,
        *,
        correction: int | None = None,
        axis: Any = None,
        keepdims: bool = False,
    ) -> Tensor:
        """√var, with the same correction."""
        ddof = int(unbiased) if correction is None else correction
        return ops.std(self, axis=_axes(dim, axis), ddof=ddof, keepdims=keepdim or keepdims)

    def amax(self, dim: Any = None, keepdim: bool = False) -> Tensor:
        return ops.max(self, axis=_axes(dim), keepdims=keepdim)

    def amin(self, dim: Any = None, keepdim: bool = False) -> Tensor:
        return ops.min(self, axis=_axes(dim), keepdims=keepdim)

    def max(self, dim: Any = None, keepdim: bool = False) -> Any:
        """The largest element, along a dim with its index; with another tensor, the larger of each pair."""
        return self._extreme(ops.max, ops.maximum, reduction.argmax, dim, keepdim)

    def min(self, dim: Any = None, keepdim: bool = False) -> Any:
        """The smallest element, along a dim with its index; with another tensor, the smaller of each pair."""
        return self._extreme(ops.min, ops.minimum, reduction.argmin, dim, keepdim)

    def _extreme(self, reduce: Callable, pairwise: Callable, where: Callable, dim: Any, keepdim: bool) -> Any:
        if dim is None:
            return reduce(self)
        if isinstance(dim, TensorBase):
            return pairwise(self, dim)
        indices = where(self, axis=dim, keepdims=True)
        values = self.gather(
            dim, indices
        )  # not amax: only the element whose index is named gets the gradient
        return Extreme(values, indices) if keepdim else Extreme(values.squeeze(dim), indices.squeeze(dim))

    def gather(self, dim: int, index: Any) -> Tensor:
        """out[i, j, …] = self[i, …, index[i, j, …], …]: along dim, the elements that index names."""
        where = index.array if isinstance(index, TensorBase) else index
        key: list = list(np.ogrid[tuple(slice(n) for n in where.shape)])
        key[dim] = where
        return ops.getitem(self, key=tuple(key))

    def argmax(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        return reduction.argmax(self, axis=dim, keepdims=keepdim)

    def argmin(self, dim: int | None = None, keepdim: bool = False) -> Tensor:
        return reduction.argmin(self, axis=dim, keepdims=keepdim)

    def any(self, dim: Any = None) -> Tensor:
        return reduction.any(self, axis=_axes(dim))

    def all(self, dim: Any = None) -> Tensor:
        return reduction.all(self, axis=_axes(dim))

    def norm(self, p: Any = 2, dim: Any = None, keepdim: bool = False) -> Tensor:
        """(Σ |x|ᵖ)^(1/p); p may be inf."""
        axis = _axes(dim)
        if p in (2, "fro"):
            return ops.norm(self, axis=axis, keepdims=keepdim)
        if p == math.inf:
            return ops.max(ops.absolute(self), axis=axis, keepdims=keepdim)
        return ops.sum(ops.absolute(self) ** p, axis=axis, keepdims=keepdim) ** (1 / p)

    def logsumexp(self, dim: Any, keepdim: bool = False) -> Tensor:
        return ops.logsumexp(self, axis=_axes(dim), keepdims=keepdim)

    def softmax(self, dim: int) -> Tensor:
        return ops.softmax(self, axis=dim)

    def log_softmax(self, dim: int) -> Tensor:
        return ops.log_softmax(self, axis=dim)

    def cumsum(self, dim: int) -> Tensor:
        return ops.cumsum(self, axis=dim)

    # --- shapes ---------------------------------------------------------------------------------------------

    def reshape(self, *shape: Any) -> Tensor:
        return ops.reshape(self, shape=_sizes(shape))

    view = reshape

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Tensor:
        """Merge the dims from start_dim to end_dim into one."""
        shape = self.array.shape or (1,)
        end = end_dim % len(shape) + 1
        return self.reshape(*shape[:start_dim], math.prod(shape[start_dim:end]), *shape[end:])

    def transpose(self, dim0: int, dim1: int) -> Tensor:
        return ops.swapaxes(self, axis1=dim0, axis2=dim1)

    swapaxes = transpose

    def permute(self, *dims: Any) -> Tensor:
        return ops.transpose(self, axes=_sizes(dims))

    @property
    def T(self) -> Tensor:
        return ops.transpose(self)

    def t(self) -> Tensor:
        return ops.transpose(self)

    def squeeze(self, dim: int | None = None) -> Tensor:
        if dim is not None and self.array.shape[dim] != 1:
            return self
        return ops.squeeze(self, axis=dim)

    def unsqueeze(self, dim: int) -> Tensor:
        return ops.expand_dims(self, axis=dim)

    def expand(self, *sizes: Any) -> Tensor:
        """Repeat along dims of size 1 without copying; −1 keeps a size."""
        sizes = _sizes(sizes)
        old = (1,) * (len(sizes) - self.ndim) + self.array.shape
        return ops.broadcast_to(self, shape=tuple(m if n == -1 else n for n, m in zip(sizes, old)))

    # --- dtypes ---------------------------------------------------------------------------------------------

    def astype(self, dtype: Any) -> Tensor:
        return self if self.array.dtype == dtype else ops.astype(self, dtype=np.dtype(dtype))

    def to(self, *args: Any, dtype: Any = None, device: Any = "cpu") -> Tensor:
        """Convert to a dtype; the only device is the CPU."""
        for arg in args:
            dtype, device = (
                (dtype, arg) if str(arg).split(":")[0] in ("cpu", "cuda", "mps") else (arg, device)
            )
        if str(device) != "cpu":
            raise RuntimeError(
                f"there is no device {device!r} here: this library computes with NumPy, on the CPU"
            )
        return (
            self
            if dtype is None
            else self.astype(dtype.array.dtype if isinstance(dtype, TensorBase) else dtype)
        )

    def float(self) -> Tensor:
        return self.astype(np.float32)

    def double(self) -> Tensor:
        return self.astype(np.float64)

    def long(self) -> Tensor:
        return self.astype(np.int64)

    def int(self) -> Tensor:
        return self.astype(np.int32)

    def bool(self) -> Tensor:
        return self.astype(np.bool_)

    def cpu(self) -> Tensor:
        return self


Primitive.result = Tensor


class _RetainGrad:
    """A hook that keeps the gradient of a tensor which is not a leaf; it holds the tensor weakly."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = weakref.ref(tensor)

    def __call__(self, g: Tensor) -> None:
        tensor = self.tensor()
        if tensor is not None:
            tensor._grad = g if tensor._grad is None else tensor._grad + g


def _axes(dim: Any, axis: Any = None) -> Any:
    dim = axis if dim is None else dim
    return tuple(dim) if isinstance(dim, list) else dim


def _sizes(sizes: tuple) -> tuple[int, ...]:
    return tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else sizes
