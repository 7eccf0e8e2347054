"""What can be read off a rule itself: which of its values it uses, and what its options are called.

A backward pass need not keep what no rule looks at. `lambda g, y, x: g * (y > 0)` shows that relu needs its
output but not its input; `lambda g, y, x, shape: np.reshape(g, x.shape)`, that of x only the shape is needed.
"""

from __future__ import annotations

import dis
from collections.abc import Callable
from typing import Any

NOTHING, SHAPE, VALUE = range(3)
_HAS_STARRED = 0x04  # in a code object's flags: there is an argument *xs


def needs(rule: Callable) -> list[int]:
    """For each argument (g, y, *inputs, …): does the rule read its VALUE, only its SHAPE, or NOTHING?"""
    found = dict.fromkeys(arguments(rule), NOTHING)
    steps = list(dis.get_instructions(rule))
    for step, after in zip(steps, [*steps[1:], None]):
        if "LOAD_FAST" in step.opname:
            *others, last = step.argval if isinstance(step.argval, tuple) else (step.argval,)
            for name in others:  # newer Pythons load two names in one step
                found[name] = VALUE
            shape_only = (
                after is not None and after.opname == "LOAD_ATTR" and after.argval in ("shape", "ndim")
            )
            found[last] = max(found.get(last, NOTHING), SHAPE if shape_only else VALUE)
    found.update(dict.fromkeys(rule.__code__.co_cellvars, VALUE))
    return [found[name] for name in arguments(rule)]


def arguments(rule: Callable) -> list[str]:
    """The names of a rule's arguments, `*xs` before those that are given by name only."""
    code = rule.__code__
    plain, by_name = code.co_argcount, code.co_argcount + code.co_kwonlyargcount
    names = code.co_varnames
    starred = [names[by_name]] if code.co_flags & _HAS_STARRED else []
    return [*names[:plain], *starred, *names[plain:by_name]]


def option_names(rule: Callable, inputs: int) -> list[str]:
    """The names of a rule's arguments after (g, y, *inputs)."""
    return arguments(rule)[2 + inputs :]


class ShapeOf:
    """What is kept of a value of which only the shape is needed."""

    __slots__ = ("shape", "ndim")

    def __init__(self, x: Any) -> None:
        self.shape, self.ndim = x.shape, x.ndim
