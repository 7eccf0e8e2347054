"""The Tensor: an array that remembers how it was made, what decides about its gradient, and its operators.

What it computes beyond operators stands in `methods.py`, what changes it in place in `inplace.py`.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .. import ops
from ..engine.backward import collecting
from ..engine.graph import Node, Variable, array_of, leaf_node, node_of, variable
from ..engine.hooks import RETAIN, RemovableHandle
from ..engine.manners import manners
from ..engine.switches import switches
from ..ops import elementwise
from ..ops.shape import index
from .autograd import backward
from .devices import CPU, device
from .dtypes import get_default_dtype, numbers
from .inplace import InPlace
from .left_out import INSTEAD, names_left_out
from .methods import Methods
from .printing import described, tensor_repr
from .user_code import warn


class Size(tuple):
    """A shape that prints as PyTorch's does."""

    def numel(self) -> int:
        """The number of elements of a tensor of this shape."""
        return math.prod(self)

    def __getitem__(self, key: Any) -> Any:
        return Size(super().__getitem__(key)) if isinstance(key, slice) else super().__getitem__(key)

    def __repr__(self) -> str:
        return f"Size([{', '.join(map(str, self))}])"


_SCALARS = "only one element tensors can be converted to Python scalars"
_AMBIGUOUS = "Boolean value of Tensor with more than one value is ambiguous"


class Tensor(Methods, InPlace):
    """An array that remembers how it was made, so that gradients can be carried back through it."""

    __slots__ = (
        "__dict__",
        "_frozen",
    )  # a user's own attributes, x.g = …, are in __dict__, made when there are any
    _frozen: Node  # of a leaf that required a gradient, and does not for now

    def __init__(self, *data: Any) -> None:
        """PyTorch's constructor: Tensor([1, 2]), always floats; Tensor(2, 3), a shape; an array as it is."""
        is_array = len(data) == 1 and isinstance(data[0], (np.ndarray, np.generic))
        super().__init__(numbers(data[0]) if is_array else _given(*data))

    # --- the array ------------------------------------------------------------------------------------------

    # fmt: off
    @property
    def shape(self) -> Size:                        "Its sizes."; return Size(self.array.shape)
    @property
    def dtype(self) -> np.dtype:                    "Of its elements."; return self.array.dtype
    @property
    def ndim(self) -> int:                          "The number of dims."; return self.array.ndim
    @property
    def device(self) -> device:                     "The CPU."; return CPU
    @property
    def is_cuda(self) -> bool:                      "Never."; return False
    def dim(self) -> int:                           "The number of dims."; return self.array.ndim
    def numel(self) -> int:                         "The number of elements."; return self.array.size
    def nelement(self) -> int:                      "The number of elements."; return self.array.size
    def size(self, dim: int | None = None) -> Any:
        "The shape, or one size of it."; return self.shape if dim is None else self.shape[dim]
    def tolist(self) -> Any:                        "As nested lists of numbers."; return self.array.tolist()
    # fmt: on

    @property
    def data(self) -> Tensor:
        """The same memory without the graph. Assigning to it puts other values in this tensor's place."""
        return variable(self.array)

    @data.setter
    def data(self, value: Any) -> None:
        self.array = value.array if isinstance(value, Tensor) else np.asarray(value, self.array.dtype)
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
        return self._only(
            RuntimeError, f"a Tensor with {self.array.size} elements cannot be converted to Scalar"
        )

    def _only(self, error: type[Exception], otherwise: str) -> Any:
        if self.array.size != 1:
            raise error(
                f"{otherwise}; this one has {self.array.size} elements, shape {self.array.shape}: "
                "reduce it first, with .sum(), .mean(), .any() or .all(), or pick an element"
            )
        return self.array.item()

    # --- the graph ------------------------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """Does it remember how it was made, so that gradients can be carried back?"""
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
        if wanted:  # again, perhaps: the node it had knows its hooks, and is known to graphs made before
            self.node = getattr(self, "_frozen", None) or leaf_node(self)
            self.node.leaf, self.node.shape, self.node.dtype = weakref.ref(self), self.array.shape, self.dtype
        else:
            self._frozen = node = self.node  # type: ignore[assignment]
            self.node, node.leaf = None, lambda: None  # type: ignore[union-attr]

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set `requires_grad`; return this tensor."""
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
            warn(
                "the .grad of a tensor that is not a leaf is not kept (this one is the result of "
                f"{self.grad_fn.primitive.name}): call .retain_grad() on it before backward(), or use "
                "autograd.grad(loss, tensor)"
            )
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None and not isinstance(value, Tensor):
            raise TypeError(f"assigned grad must be a Tensor or None, not {type(value).__name__}")
        if value is not None and value.array.shape != self.array.shape:
            raise RuntimeError(
                f"assigned grad has shape {value.array.shape}, but the tensor {self.array.shape}"
            )
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    def backward(
        self, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
        inputs: Any = None,
    ) -> None:  # fmt: skip
        """Add ∂self/∂x to `x.grad` for every leaf x that self depends on, or only for the `inputs`."""
        backward([self], None if gradient is None else [gradient], retain_graph, create_graph, inputs)

    def detach(self) -> Tensor:
        """The same memory, cut off from the graph."""
        return variable(self.array)

    def clone(self) -> Tensor:
        """A copy, through which the gradient passes."""
        return ops.copy(self)

    def register_hook(self, hook: Callable) -> RemovableHandle:
        """Call `hook(grad)` once this tensor's gradient is complete; what it returns replaces it."""
        if self.node is None:
            raise RuntimeError(
                "cannot register a hook on a tensor that doesn't require gradient: call .requires_grad_()"
            )
        if self.node.hooks is None:
            self.node.hooks = {}
        return RemovableHandle(self.node.hooks, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable) -> RemovableHandle:
        """Call `hook(self)` after backward() has added to this leaf's `.grad`."""
        if self.node is None or not self.is_leaf:
            raise RuntimeError("post accumulate grad hooks are for leaf tensors that require a gradient")
        if self.node.afterwards is None:
            self.node.afterwards = {}
        return RemovableHandle(self.node.afterwards, hook)

    def retain_grad(self) -> None:
        """Keep `.grad` although this tensor is not a leaf."""
        if self.node is None or self.is_leaf or self.retains_grad:
            return
        itself = weakref.ref(self)  # the graph must not hold its tensors

        def keep(g: Tensor) -> None:
            tensor = itself()
            if tensor is not None:
                with collecting:
                    tensor._grad = g if tensor._grad is None else tensor._grad + g

        self.node.hooks = self.node.hooks or {}
        self.node.hooks[RETAIN] = keep

    @property
    def retains_grad(self) -> bool:
        """Has `retain_grad()` been called?"""
        return self.node is not None and RETAIN in (self.node.hooks or ())

    def __copy__(self) -> Tensor:
        """The same memory; of a leaf, a leaf that collects a gradient of its own."""
        if not self.is_leaf:
            return variable(self.array, self.node)
        return rebuilt(type(self), self.array, self.requires_grad)

    def __reduce__(self) -> Any:  # for pickle, which cannot follow the weak reference of a leaf's node
        if not self.is_leaf:
            raise RuntimeError(
                "only leaf tensors can be pickled or deep-copied: this one was computed; use "
                ".detach().clone()"
            )
        return rebuilt, (type(self), self.array, self.requires_grad)

    def __deepcopy__(self, memo: dict) -> Tensor:
        _, (kind, array, requires_grad) = self.__reduce__()
        copy = memo[id(self)] = rebuilt(kind, array.copy(), requires_grad)
        copy._grad = None if self._grad is None else self._grad.detach().clone()
        return copy

    # --- operators ------------------------------------------------------------------------------------------

    # fmt: off
    def __add__(self, other: Any) -> Tensor:       return ops.add(self, other)
    def __radd__(self, other: Any) -> Tensor:      return ops.add(self, other)
    def __sub__(self, other: Any) -> Tensor:       return ops.subtract(self, other)
    def __rsub__(self, other: Any) -> Tensor:      return ops.subtract(other, self)
    def __mul__(self, other: Any) -> Tensor:       return ops.multiply(self, other)
    def __rmul__(self, other: Any) -> Tensor:      return ops.multiply(self, other)
    def __truediv__(self, other: Any) -> Tensor:   return ops.divide(self, other)
    def __rtruediv__(self, other: Any) -> Tensor:  return ops.divide(other, self)
    def __pow__(self, other: Any) -> Tensor:       return ops.power(self, other)
    def __rpow__(self, other: Any) -> Tensor:      return ops.power(other, self)
    def __matmul__(self, other: Any) -> Tensor:    return ops.matmul(self, other)
    def __rmatmul__(self, other: Any) -> Tensor:   return ops.matmul(other, self)
    def __neg__(self) -> Tensor:                   return ops.negative(self)
    def __pos__(self) -> Tensor:                   return self
    def __abs__(self) -> Tensor:                   return ops.absolute(self)

    def __mod__(self, other: Any) -> Tensor:       return _counted(np.remainder, self, other)
    def __floordiv__(self, other: Any) -> Tensor:  return _counted(np.floor_divide, self, other)
    def __xor__(self, other: Any) -> Tensor:       return _counted(np.bitwise_xor, self, other)
    def __rmod__(self, other: Any) -> Tensor:      return _counted(np.remainder, other, self)
    def __rfloordiv__(self, other: Any) -> Tensor: return _counted(np.floor_divide, other, self)
    def __rxor__(self, other: Any) -> Tensor:      return _counted(np.bitwise_xor, other, self)

    def __eq__(self, other: Any) -> Tensor:        return _compared(elementwise.equal, self, other)  # type: ignore[override]
    def __ne__(self, other: Any) -> Tensor:        return _compared(elementwise.not_equal, self, other)  # type: ignore[override]
    def __lt__(self, other: Any) -> Tensor:        return elementwise.less(self, other)
    def __le__(self, other: Any) -> Tensor:        return elementwise.less_equal(self, other)
    def __gt__(self, other: Any) -> Tensor:        return elementwise.greater(self, other)
    def __ge__(self, other: Any) -> Tensor:        return elementwise.greater_equal(self, other)
    def __and__(self, other: Any) -> Tensor:       return elementwise.bitwise_and(self, other)
    def __or__(self, other: Any) -> Tensor:        return elementwise.bitwise_or(self, other)
    def __rand__(self, other: Any) -> Tensor:      return elementwise.bitwise_and(other, self)
    def __ror__(self, other: Any) -> Tensor:       return elementwise.bitwise_or(other, self)
    def __invert__(self) -> Tensor:                return elementwise.invert(self)
    __hash__ = object.__hash__  # == compares elements, so identity is all that is left to hash

    def __bool__(self) -> bool:                    return bool(self._only(RuntimeError, _AMBIGUOUS))
    def __float__(self) -> float:                  return float(self._only(ValueError, _SCALARS))
    def __int__(self) -> int:                      return int(self._only(ValueError, _SCALARS))
    def __index__(self) -> int:                    return self.array.__index__()
    # fmt: on

    def __getitem__(self, key: Any) -> Tensor:
        taken = self
        for part in index(key):
            taken = ops.getitem(taken, key=part)
        return taken

    def __len__(self) -> int:
        if self.array.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return len(self.array)

    def __iter__(self) -> Iterator[Tensor]:
        if self.array.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(ops.unbind(self))

    def __contains__(self, value: Any) -> bool:
        return bool(np.any(self.array == (value.array if isinstance(value, Variable) else value)))

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.array.ndim == 0 else object.__format__(self, spec)

    def stats(self) -> str:
        """What the numbers are like, in one line: mean, std, extent, zeros, NaN and infinities."""
        return described(self.array)

    def _repr_html_(self) -> str:
        import html

        return f"<pre>{html.escape(repr(self))}\n{html.escape(self.stats())}</pre>"

    def __repr__(self) -> str:
        made_by = None if self.is_leaf else self.node.name()  # type: ignore[union-attr]
        return tensor_repr(self.array, requires_grad=self.requires_grad, grad_fn=made_by)


_left_out = names_left_out("Tensor", INSTEAD)
for _name in INSTEAD:  # a `__getattr__` would slow down the attributes that there are
    setattr(Tensor, _name, property(lambda _, name=_name: _left_out(name)))  # type: ignore[misc]


def _misspelt(name: str) -> property:
    def ask(*_: Any) -> None:
        raise AttributeError(f"a Tensor has no attribute {name!r}. Did you mean: 'requires_grad'?")

    return property(ask, ask)


for _name in ("require_grad", "required_grad", "requires_grads", "requires_gradient", "requiresgrad"):
    setattr(Tensor, _name, _misspelt(_name))  # own attributes are allowed, and this one is meant to freeze


def _given(*data: Any) -> np.ndarray:
    """What PyTorch's constructor makes of numbers: a shape, or else the elements."""
    sizes = data[0] if len(data) == 1 and isinstance(data[0], Size) else data
    if sizes and all(isinstance(n, (int, np.integer)) for n in sizes):
        return np.empty(sizes, get_default_dtype())
    if len(data) > 1:
        raise TypeError(
            f"Tensor() takes sizes, as Tensor(2, 3), or the elements, not {len(data)} things of them"
        )
    return np.array(data[0] if data else (), get_default_dtype())


def _compared(function: Callable, a: Tensor, b: Any) -> Any:
    """NotImplemented for what holds no numbers, None or text or pytest.approx: Python goes on to ask that."""
    return function(a, b) if isinstance(b, _HOLD_NUMBERS) else NotImplemented


_HOLD_NUMBERS = (Variable, np.ndarray, np.generic, int, float, list, tuple)


def _counted(function: Callable, a: Any, b: Any) -> Tensor:
    """%, // and ^ are for counting: there is no rule for their gradients."""
    if switches.recording and (node_of(a) or node_of(b)):
        raise RuntimeError(f"{function.__name__} has no derivative rule here: write x.detach() for values")
    return Tensor(function(array_of(a), array_of(b)))


manners.variable = Tensor  # the other manners stand in manners.py


def rebuilt(cls: type[Tensor], array: np.ndarray, requires_grad: bool) -> Tensor:
    """A leaf, of Tensor or of a class derived from it."""
    tensor = cls.__new__(cls)
    Variable.__init__(tensor, array)
    tensor.requires_grad = requires_grad
    return tensor
