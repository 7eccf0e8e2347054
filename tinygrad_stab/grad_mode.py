"""Switches that are thrown for a block or a function: is the graph recorded, are anomalies searched for?"""

from __future__ import annotations

import contextlib
import functools
import inspect
from typing import Any


class _Mode:
    recording = True
    detecting = False  # see anomaly.py


mode = _Mode()


def is_grad_enabled() -> bool:
    """Is the graph being recorded right now?"""
    return mode.recording


class Switch(contextlib.ContextDecorator):
    """`with no_grad():` around some lines, `@no_grad()` or `@no_grad` above a function."""

    name: str
    value: bool

    def __new__(cls, function: Any = None, **options: Any) -> Any:
        return cls()(function) if callable(function) else super().__new__(cls)  # @no_grad without brackets

    def __init__(self) -> None:
        self._before: list[bool] = []  # a stack: one object may decorate a function that calls itself

    def __call__(self, function: Any) -> Any:
        if not inspect.isgeneratorfunction(function):
            return super().__call__(function)

        @functools.wraps(function)
        def generator(*args: Any, **kwargs: Any) -> Any:  # the switch is thrown only while it computes
            values = function(*args, **kwargs)
            while True:
                with self:
                    try:
                        value = next(values)
                    except StopIteration as end:
                        return end.value
                yield value

        return generator

    def __enter__(self) -> None:
        self._before.append(getattr(mode, self.name))
        setattr(mode, self.name, self.value)

    def __exit__(self, *exception: Any) -> None:
        setattr(mode, self.name, self._before.pop())


class no_grad(Switch):
    """Compute without recording."""

    name, value = "recording", False


class enable_grad(Switch):
    """Record again inside a `no_grad` block."""

    name, value = "recording", True


class set_grad_enabled(Switch):
    """Record from here on, or do not; as the head of a `with`, until its block ends."""

    name = "recording"

    def __init__(self, mode: bool) -> None:
        super().__init__()
        self.value = mode
        super().__enter__()

    def __enter__(self) -> None:
        """Nothing is left to do: the switch was thrown when it was made."""

    __call__: Any = None  # as a decorator, no_grad and enable_grad say it
