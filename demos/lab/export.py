"""One file to take home: the page over a recorded grid, without a network.

Every state of a screen's grid is run and its answer kept under its address; all of it is compressed and
written into the page as base64, which the browser unpacks. Numbers keep `wire.DIGITS` significant digits.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np

from demos.lab import page_files
from demos.lab.screens import SCREENS
from demos.lab.state import Screen, State
from demos.lab.wire import DIGITS, packed, unpacked

LIMIT = 500_000  # bytes


def grid(screen: Screen) -> Iterator[State]:
    """Every state of the product of the recorded values."""
    recorded = screen.recorded or {}
    for values in product(*recorded.values()):
        yield {knob.name: knob.default for knob in screen.knobs} | dict(zip(recorded, values))


def whole_answer(screen: Screen, state: State) -> dict[str, Any]:
    """All parts of an answer together."""
    answer: dict[str, Any] = {"lines": screen.lines(state)}
    with np.errstate(all="ignore"):
        for part in screen.answer(state, lambda: None):
            answer |= part
    return answer


def export(said: Callable[[str], None] = lambda text: None, screens: Any = None) -> str:
    """The file. `said` is told how far it is."""
    runs: dict[str, Any] = {}
    for screen in SCREENS.values() if screens is None else screens:
        states = list(grid(screen)) if screen.recorded else []
        for k, state in enumerate(states):
            said(f"\r{screen.title}: {k + 1} of {len(states)} runs ")
            runs[f"{screen.name}?{screen.address(state)}"] = whole_answer(screen, state)
    scripts = "\n".join(f"<script>{page_files.read(name)}</script>" for name in page_files.SCRIPTS)
    page = page_files.html(recorded=True).replace("{{style}}", f"<style>{page_files.css()}</style>")
    data = f'<script type="application/octet-stream" id="recorded">{compressed(runs)}</script>\n'
    return page.replace("{{scripts}}", data + scripts)


def compressed(runs: Any) -> str:
    """Rounded, packed, deflated, and written in letters."""
    return base64.b64encode(zlib.compress(packed(runs, DIGITS).encode(), 9)).decode()


def decoded(html: str) -> dict[str, Any]:
    """The recorded answers of an exported file, by screen and address."""
    found = re.search(r'id="recorded">([^<]*)<', html)
    if found is None:
        raise ValueError("this is no exported lab: it has no recorded runs")
    return unpacked(zlib.decompress(base64.b64decode(found[1])).decode())
