"""Operations that change a tensor in place: PyTorch's names that end in an underscore, `+=`, and `t[key] =
value`.

Where nothing is recorded they write into the memory, note the write, and a backward pass that needed the old
values refuses to run. Where the graph is being recorded, a tensor that was computed is instead pointed at a
new array and a new node, as if it had been assigned to: gradients stay right, and other names for the old
memory keep the old values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import ops
from ..engine.graph import Variable, array_of, variable
from ..engine.hooks import RETAIN
from ..engine.memory import note_write
from ..engine.primitive import pick
from ..engine.switches import switches
from ..ops.shape import index, shares_memory
from .messages import unequal
from .random import Generator, numpy_generator, uniform

if TYPE_CHECKING:
    from .tensor import Tensor


class InPlace(Variable):
    """The methods that change a tensor; `Tensor` inherits them."""

    __slots__ = ()

    def _become(self, value: Any) -> Any:
        """Take these values, in a new place if the graph is being recorded, else in the old one."""
        dtype = array_of(value).dtype
        if dtype != self.array.dtype and not np.can_cast(dtype, self.array.dtype, "same_kind"):
            raise RuntimeError(
                f"result type {dtype} can't be cast to the desired output type {self.array.dtype}: "
                "write t = t * 0.5, say, which makes a new tensor"
            )
        if self._records(value):
            new = value if isinstance(value, Variable) else variable(value)
            if new.array.shape != self.array.shape:
                raise RuntimeError(
                    f"a tensor of shape {self.array.shape} cannot take values of shape {new.array.shape}"
                )
            own = dtype == self.array.dtype and new.array.base is None  # no view of another's memory
            return self._point_at(new if own else ops.astype(new, dtype=self.array.dtype))
        try:
            np.copyto(self.array, array_of(value), casting="same_kind")
        except ValueError:
            own, shape = list(self.array.shape), list(np.shape(array_of(value)))
            raise RuntimeError(
                f"output with shape {own} doesn't match the broadcast shape {shape}: what is changed "
                "in place keeps its shape; t = t + x, say, makes a new one"
            ) from None
        note_write(self.array)
        return self

    def _records(self, value: Any) -> bool:
        """Is this change to be recorded? Raise where it cannot be: in a leaf and in a view."""
        node = self.node
        if not switches.recording or (node is None and getattr(value, "node", None) is None):
            return False
        if node is not None and node.primitive is None:
            raise RuntimeError(
                "a leaf Variable that requires grad is being used in an in-place operation: "
                "to update it, write `with torch.no_grad():` around the line, or change `.data`"
            )
        made = node.parents[0] if node is not None and node.primitive is pick else node
        if shares_memory(made) if made is not None else self.array.base is not None:
            raise RuntimeError(
                f"{_IN_A_LEAF if _of_a_leaf(made) else ''}an in-place operation on a view is not recorded, "
                "because the tensor it is a view of would not notice: write `with torch.no_grad():` around "
                "the line, assign to the original, `x[i] = x[i] + v` in the place of `x[i] += v`, or use the "
                "out-of-place form"
            )
        return True

    def _point_at(self, new: Variable) -> Any:
        hooks = self.node.hooks if self.node else None
        retain = hooks.pop(RETAIN, None) if hooks else None
        self.array, self.node = new.array, new.node
        if retain and self.node:
            self.node.hooks = {RETAIN: retain}
        return self

    def __setitem__(self, key: Any, value: Any) -> None:
        key, *rest = index(key)
        value = self._without_ones(key, rest, value)
        if self._records(value):
            if rest:
                value = ops.replace(ops.getitem(self, key=key), value, key=rest[0])
            self._point_at(ops.replace(self, value, key=key))
            return
        place, key = (self.array[key], *rest) if rest else (self.array, key)
        try:
            place[key] = array_of(value)
        except ValueError as error:
            raise RuntimeError(f"t[key] = value for t of shape {self.array.shape}: {error}") from None
        note_write(self.array)

    def _without_ones(self, key: Any, rest: list, value: Any) -> Any:
        """The value for a place of fewer dims, such as a loss of shape (1,) for one element."""
        extra = np.ndim(value)
        if isinstance(value, (Variable, np.ndarray)) and extra and np.shape(value)[0] == 1:
            place = self.array[key]
            extra -= np.ndim(place[rest[0]] if rest else place)
            while extra > 0 and np.shape(value)[0] == 1:
                value, extra = value[0], extra - 1
        return value

    # fmt: off
    def mul_(self, other: Any) -> Tensor:     "self · other."; return self._become(ops.multiply(self, other))
    def div_(self, other: Any) -> Tensor:     "self / other."; return self._become(ops.divide(self, other))
    def pow_(self, exponent: Any) -> Tensor:
        "self ** exponent."; return self._become(ops.power(self, exponent))
    def neg_(self) -> Tensor:                 "−x."; return self._become(ops.negative(self))
    def fill_(self, value: float) -> Tensor:
        "One value everywhere."
        return self._become(np.full_like(self.array, value))
    def zero_(self) -> Tensor:                "0 everywhere."; return self.fill_(0)
    # fmt: on

    def detach_(self) -> Tensor:
        """Cut this tensor itself off from the graph."""
        itself: Any = self
        if itself.node is not None and itself.node.primitive is None:
            return itself.requires_grad_(False)
        itself.node = None
        return itself

    def add_(self, other: Any, *, alpha: float = 1) -> Tensor:
        """self + alpha · other."""
        return self._become(ops.add(self, other if alpha == 1 else other * alpha))

    def sub_(self, other: Any, *, alpha: float = 1) -> Tensor:
        """self − alpha · other."""
        return self._become(ops.subtract(self, other if alpha == 1 else other * alpha))

    def clamp_(self, min: Any = None, max: Any = None) -> Tensor:
        """Limited to [min, max]."""
        return self._become(self.clamp(min, max))  # type: ignore[attr-defined]

    def copy_(self, source: Any) -> Tensor:
        """Take the values of `source`, broadcast to this tensor's shape."""
        try:
            return self._become(ops.broadcast_to(source, shape=self.array.shape))
        except RuntimeError as error:
            if "broadcast_to" not in str(error):
                raise
        own, other = self.array.shape, np.shape(array_of(source))
        raise RuntimeError(
            f"copy_: a tensor of shape {own} cannot take values of shape {other}: {unequal(own, other)}"
        )

    def normal_(self, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Tensor:
        """Draw every element from N(mean, std²)."""
        self._floats("normal_")  # type: ignore[attr-defined]
        if std < 0:
            raise RuntimeError(f"normal_ expects std >= 0.0, but found std {std}")
        return self._become(
            numpy_generator(generator).normal(mean, std, self.array.shape).astype(self.array.dtype)
        )

    def uniform_(self, low: float = 0.0, high: float = 1.0, *, generator: Generator | None = None) -> Tensor:
        """Draw every element uniformly from [low, high)."""
        self._floats("uniform_")  # type: ignore[attr-defined]
        return self._become(uniform(generator, self.array.shape, low, high, self.array.dtype))

    __iadd__, __isub__, __imul__, __itruediv__ = add_, sub_, mul_, div_


_IN_A_LEAF = "a view of a leaf Variable that requires grad is being used in an in-place operation: "


def _of_a_leaf(node: Any) -> bool:
    """Is this the node of a view, or of a view of a view, of a leaf?"""
    while node is not None and node.primitive is not None and (node.primitive is pick or shares_memory(node)):
        node = node.parents[0]
    return node is not None and node.primitive is None
