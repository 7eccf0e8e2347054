"""What can be read off a rule itself: which of its values it uses, and what its options are called."""

from __future__ import annotations

import dis
import functools
import inspect
from collections.abc import Callable


def positions_read(rule: Callable) -> set[int]:
    """Which of its arguments (g, y, *inputs), counted from 0, the body of a rule mentions."""
    names = set(rule.__code__.co_cellvars)
    for step in dis.get_instructions(rule):
        if "LOAD_FAST" in step.opname:  # newer Pythons load two names in one step
            names.update(step.argval if isinstance(step.argval, tuple) else [step.argval])
    return {k for k, name in enumerate(inspect.signature(rule).parameters) if name in names}


def option_names(rule: Callable, inputs: int) -> list[str]:
    """The names of a rule's arguments after (g, y, *inputs)."""
    return list(inspect.signature(rule).parameters)[2 + inputs :]


class OneForAll:
    """The rules of a primitive with any number of inputs: one rule, which is told `which` input is meant."""

    def __init__(self, rule: Callable) -> None:
        self.rule = rule

    def __getitem__(self, k: int) -> Callable:
        return functools.partial(self.rule, which=k)
