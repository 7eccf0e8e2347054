"""Switches that a thread throws for itself: is the graph recorded, is it searched for what is not finite?

Each thread has its own. Otherwise one that computes without recording would take the gradient away from
another that trains a model at the same time, without an error.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import threading
from typing import Any


class _Switches(threading.local):
    recording = True
    detecting = False  # see `manners.check_forward`


switches = _Switches()


class Switch(contextlib.ContextDecorator):
    """`with no_grad():` around some lines, `@no_grad()` or `@no_grad` above a function."""

    name: str
    value: bool

    def __new__(cls, function: Any = None, **options: Any) -> Any:
        return cls()(function) if callable(function) else super().__new__(cls)  # @no_grad without brackets

    def __init__(self) -> None:
        self._before: dict[int, list[bool]] = {}  # of each thread a stack: blocks of one object may be nested

    def _recreate_cm(self) -> Switch:
        """A block of its own for each call of a decorated function, which other threads may call as well."""
        block = object.__new__(type(self))
        block.name, block.value, block._before = self.name, self.value, {}
        return block

    def __call__(self, function: Any) -> Any:
        return (
            _generator(self, function)
            if inspect.isgeneratorfunction(function)
            else super().__call__(function)
        )

    def __enter__(self) -> None:
        self._before.setdefault(threading.get_ident(), []).append(getattr(switches, self.name))
        setattr(switches, self.name, self.value)

    def __exit__(self, *exception: Any) -> None:
        setattr(switches, self.name, self._before[threading.get_ident()].pop())


def _generator(switch: Switch, function: Any) -> Any:
    """A generator function whose switch is thrown only while it computes, not while its caller does."""

    @functools.wraps(function)
    def generator(*args: Any, **kwargs: Any) -> Any:
        values = function(*args, **kwargs)
        resume, sent = values.send, None  # what the caller does next: send a value, or throw an exception
        try:
            while True:
                with switch._recreate_cm():
                    value = resume(sent)
                try:
                    resume, sent = values.send, (yield value)
                except BaseException as error:  # GeneratorExit too: `values` ends with its wrapper
                    resume, sent = values.throw, error
        except StopIteration as end:
            return end.value

    return generator


class no_grad(Switch):
    """Compute without recording."""

    name, value = "recording", False


class enable_grad(Switch):
    """Record again inside a `no_grad` block."""

    name, value = "recording", True
