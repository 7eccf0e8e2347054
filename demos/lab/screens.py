"""The screens, in the order of their tabs, and what the page must know of them to draw their knobs."""

from __future__ import annotations

from typing import Any

from demos.lab import chain, flow, through_time, train, ward
from demos.lab.state import Choice, Knob, Screen, shown

SCREENS: dict[str, Screen] = {
    screen.name: screen
    for screen in (flow.SCREEN, train.SCREEN, chain.SCREEN, through_time.SCREEN, ward.SCREEN)
}


def described(screen: Screen, recorded: bool = False) -> dict[str, Any]:
    """Name, title and knobs; of an export only the values that were recorded."""
    grid = screen.recorded if recorded else None
    return {
        "name": screen.name,
        "title": screen.title,
        "knobs": [_knob(knob, None if grid is None else grid.get(knob.name)) for knob in screen.knobs],
        "recorded": None if grid is None else sorted(grid),
    }


def _knob(knob: Knob, recorded: tuple | None) -> dict[str, Any]:
    kind = "choice" if isinstance(knob, Choice) else "number"
    marks = [] if isinstance(knob, Choice) or recorded else [[name, value] for name, value in knob.marks]
    values = [shown(value) for value in recorded or knob.values]
    return {
        "name": knob.name, "label": knob.label, "kind": kind, "default": shown(knob.default),
        "values": values, "marks": [[name, shown(value)] for name, value in marks],
    }  # fmt: skip
