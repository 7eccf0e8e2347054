"""What can be turned, and what a screen is.

A state is a dict of knob values. Its address, `depth=30&phi=tanh`, is how it travels in a link and in a
request. A value is read, checked and refused here, so that no screen ever sees one that it does not know.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

State = dict[str, Any]
Part = dict[str, Any]  # of an answer: what is known so far, in the order in which it is computed


class Refused(ValueError):
    """A setting that cannot be run: the message stands beside its knob."""

    def __init__(self, knob: str, message: str) -> None:
        super().__init__(message)
        self.knob = knob


class Cancelled(Exception):
    """A newer setting has made this run superfluous."""


@dataclass(frozen=True)
class Choice:
    """A knob with names for its positions."""

    name: str
    label: str
    default: str
    values: tuple[str, ...]

    def read(self, text: str) -> str:
        if text not in self.values:
            raise Refused(self.name, f"{self.label} is one of {', '.join(self.values)}: not {text[:40]!r}")
        return text


@dataclass(frozen=True)
class Number:
    """A knob for a number between the first and the last of `values`, which are where its slider stops.

    Any other number in between can be typed. `marks` are values with a name, such as He's σ_w = √2.
    """

    name: str
    label: str
    default: float
    values: tuple[float, ...]
    marks: tuple[tuple[str, float], ...] = ()

    def read(self, text: str) -> float:
        whole = isinstance(self.default, int)
        low, high = min(self.values), max(self.values)
        try:
            value = int(text) if whole else float(text)
        except ValueError:
            value = math.nan
        if len(text) > 30 or not low <= value <= high:
            kind = "whole number" if whole else "number"
            raise Refused(self.name, f"{self.label} is a {kind} from {low:g} to {high:g}: not {text[:40]!r}")
        return value


Knob = Choice | Number


def no_limit(state: State) -> None:
    """Every combination of values can be run."""


@dataclass(frozen=True)
class Screen:
    """One screen: its knobs, the lines of Python that a state is, and the parts of the answer to it.

    `answer(state, go_on)` calls go_on() where it can be stopped, which then raises `Cancelled`. `check`
    raises `Refused` for values that are impossible together. `recorded` are the values of the export, whose
    grid is their product; a knob that is not named there has its default.
    """

    name: str
    title: str
    knobs: tuple[Knob, ...]
    lines: Callable[[State], str]
    answer: Callable[[State, Callable[[], None]], Iterator[Part]]
    check: Callable[[State], None] = no_limit
    recorded: Mapping[str, tuple] | None = None

    def read(self, address: str) -> State:
        """The state at an address; knobs that it does not name are at their defaults. Raises Refused."""
        given = dict(parse_qsl(address, keep_blank_values=True))
        known = [knob.name for knob in self.knobs]
        for name in given:
            if name not in known:
                raise Refused(known[0], f"there is no knob {name[:40]!r} here: there are {', '.join(known)}")
        state = {k.name: k.read(given[k.name]) if k.name in given else k.default for k in self.knobs}
        self.check(state)
        return state

    def address(self, state: State) -> str:
        """All knobs, in their order: the same state has the same address."""
        return urlencode({knob.name: shown(state[knob.name]) for knob in self.knobs})


def shown(value: Any) -> str:
    """A value as it stands in an address: 1.0 is 1, as JavaScript writes it."""
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def run(lines: str) -> dict[str, Any]:
    """Run lines that a screen has written, and return their variables."""
    variables: dict[str, Any] = {"print": lambda *values: None}
    exec(compile(lines, "the lines on the page", "exec"), variables)
    return variables
