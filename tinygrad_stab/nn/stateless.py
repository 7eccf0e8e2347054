"""Layers that learn nothing: each is a function, with its further arguments remembered."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ..tensor import Tensor
from .module import Module


class Stateless(Module):
    """Base class: `class ELU(Stateless, function=elu)` makes ELU(alpha=1.0) of elu(input, alpha=1.0).

    All arguments but the data, `input` and `target`, are given when the layer is made, as its attributes.
    """

    function: Callable
    _passed_on: list[str]
    __signature__: inspect.Signature

    def __init_subclass__(cls, function: Callable | None = None) -> None:
        if function is not None:
            arguments = inspect.signature(function).parameters.values()
            cls.__signature__ = inspect.Signature([a for a in arguments if a.name not in ("input", "target")])
            cls.function = staticmethod(function)
            cls._passed_on = [name for name in cls.__signature__.parameters if name != "inplace"]
            if not cls._passed_on:
                cls.forward = staticmethod(function)  # type: ignore[assignment]

    def __init__(self, *values: Any, **named: Any) -> None:
        super().__init__()
        try:
            given = self.__signature__.bind(*values, **named)
        except TypeError as error:
            raise TypeError(f"{type(self).__name__}{self.__signature__}: {error}") from None
        given.apply_defaults()
        for name, value in given.arguments.items():
            setattr(self, name, value)
        self.check()

    def check(self) -> None:
        """Refuse arguments that do not fit."""

    def forward(self, *data: Any, **named: Any) -> Any:
        own = vars(self)
        return self.function(*data, **named, **{name: own[name] for name in self._passed_on})

    def extra_repr(self) -> str:
        own = [(name, vars(self)[name]) for name in self.__signature__.parameters]
        return ", ".join(f"{name}={value!r}" for name, value in own if name != "inplace" or value)


def flatten(input: Tensor, start_dim: int = 1, end_dim: int = -1) -> Tensor:
    """Merge the dims from start_dim to end_dim: (n, c, h, w) → (n, c·h·w), all but the batch."""
    return input.flatten(start_dim, end_dim)


class Flatten(Stateless, function=flatten):
    """From images to rows of features."""
