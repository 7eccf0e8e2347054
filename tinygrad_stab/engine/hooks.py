"""Hooks, functions to be called when something happens, in a dict by number; a handle removes one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .graph import Variable, variable

_numbers = itertools.count()
RETAIN = math.inf  # the number of the hook that keeps a .grad; it is the last of all


class RemovableHandle:
    """Adds a hook to a dict, and removes it again by `remove()` or at the end of a `with` block."""

    def __init__(self, hooks: dict, hook: Any, prepend: bool = False) -> None:
        self._hooks, self._number = hooks, next(_numbers)
        others = {**hooks} if prepend else {}
        for number in others:
            del hooks[number]
        hooks[self._number] = hook
        hooks.update(others)

    def remove(self) -> None:
        """Remove the hook; a second call does nothing."""
        self._hooks.pop(self._number, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.remove()


def after_hooks(hooks: dict[float, Callable], g: Any) -> Any:
    """Show a gradient to hooks, as a variable of their own; what a hook returns, or writes there, counts."""
    for _, hook in sorted(hooks.items()):
        shown = copied(g)
        returned = hook(shown)
        g = replaced(g, shown if returned is None else returned)
    return g


def replaced(g: Any, new: Any) -> Any:
    """What a hook has returned, if it fits where g was; an array where g is one."""
    if not isinstance(new, Variable):
        raise TypeError(f"a hook must return a tensor or None, not {type(new).__name__}")
    if g is not None and (new.array.shape, new.array.dtype) != (g.shape, g.dtype):
        raise RuntimeError(
            f"a hook has returned {new.array.dtype} of shape {new.array.shape} for a gradient that is "
            f"{g.dtype} of shape {tuple(g.shape)}: they must be alike"
        )
    return copied(new) if isinstance(g, Variable) else new.array.copy()  # the hook may have kept it


def copied(g: Any) -> Any:
    """A variable with the values of g in memory of its own, and its node if it has one."""
    return variable(g.array.copy(), g.node) if isinstance(g, Variable) else variable(np.array(g))
