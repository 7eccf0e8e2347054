"""A tensor that a module learns."""

from __future__ import annotations

from typing import Any

from ..engine.graph import Variable
from ..tensor import Tensor
from ..tensor.creation import as_tensor


class Parameter(Tensor):
    """A tensor that, as an attribute of a Module, is one of its `parameters()`; it requires a gradient."""

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True) -> None:
        Variable.__init__(self, as_tensor(data).array)
        self.requires_grad = requires_grad

    def __deepcopy__(self, memo: dict) -> Parameter:
        copy = memo[id(self)] = Parameter(self.array.copy(), self.requires_grad)
        return copy

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()
