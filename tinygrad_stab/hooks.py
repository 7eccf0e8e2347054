"""Hooks, functions to be called when something happens, in a dict by number; a handle removes one."""

from __future__ import annotations

import itertools
import math
from typing import Any

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
