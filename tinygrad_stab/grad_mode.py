"""Whether the graph is being recorded: `no_grad` and `enable_grad`, context managers and decorators."""

from __future__ import annotations

import contextlib
import functools
from typing import Any


class _Mode:
    recording = True
    detecting = False  # see anomaly.py


mode = _Mode()


def is_grad_enabled() -> bool:
    """Is the graph being recorded right now?"""
    return mode.recording


_IS_GENERATOR = 0x20  # in the flags of a code object


class _Switch(contextlib.ContextDecorator):
    recording: bool

    def __new__(cls, function: Any = None) -> Any:
        return super().__new__(cls) if function is None else cls()(function)  # @no_grad without brackets

    def __init__(self) -> None:
        self._before: list[bool] = []  # a stack: one object may decorate a function that calls itself

    def __call__(self, function: Any) -> Any:
        code = getattr(function, "__code__", None)
        if code is None or not code.co_flags & _IS_GENERATOR:
            return super().__call__(function)

        @functools.wraps(function)
        def generator(*args: Any, **kwargs: Any) -> Any:  # the switch is thrown only while it computes
            values = function(*args, **kwargs)
            while True:
                with type(self)():
                    try:
                        value = next(values)
                    except StopIteration as end:
                        return end.value
                yield value

        return generator

    def __enter__(self) -> None:
        self._before.append(mode.recording)
        mode.recording = self.recording

    def __exit__(self, *exception: Any) -> None:
        mode.recording = self._before.pop()


class no_grad(_Switch):
    """Compute without recording: `with no_grad():` around some lines, or `@no_grad()` above a function."""

    recording = False


class enable_grad(_Switch):
    """Record again inside a `no_grad` block."""

    recording = True
