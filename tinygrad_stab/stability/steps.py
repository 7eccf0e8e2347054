"""What happens to a value on the way from one layer to the next, step by step.

A step is elementwise if what becomes of an element depends on no other; then it is a function of numbers, φ,
and an activation, unless it is affine, a x + b. Elementwise steps in a row are one, as φ₂(φ₁(x)) is a φ too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.graph import Node, variable
from ..engine.primitive import pick
from ..engine.switches import no_grad
from ..nn.module import Module
from ..tensor import Tensor
from .gaussian import values
from .replay import NOTHING, Replay
from .unchanged import unchanged
from .ways import Stretch

Arrays = dict[Node, np.ndarray]  # what is known of the values at some nodes


@dataclass
class Step:
    """The work of a module, or of ops on their own, with its arrays where they are known."""

    apply: Callable[[Any], Any]
    name: str
    elementwise: bool
    affine: bool
    input: np.ndarray | None
    output: np.ndarray | None


def steps_along(way: list[Stretch], z: Tensor, known: Arrays) -> tuple[list[Step], Tensor]:
    """The steps of a way from z, as far as it is known what comes out; and what does.

    What changes no value, but only its shape, is no step.
    """
    steps: list[Step] = []
    array: np.ndarray | None = z.array
    end, n = z, 0
    for stretch in _joined(way):
        replay = Replay(stretch)
        before, array = array, _output(stretch, replay, array, known)
        if not replay.only_moves:
            steps.append(_step(stretch.module, replay, before, array))
        if array is not None:
            end, n = variable(array, stretch.end), len(steps)
    return steps[:n], end


def _joined(way: list[Stretch]) -> list[Stretch]:
    """One stretch for elementwise ones in a row."""
    joined: list[Stretch] = []
    for stretch in way:
        if joined and all(Replay(s).elementwise for s in (joined[-1], stretch)):
            stretch = Stretch(joined[-1].start, joined.pop().nodes + stretch.nodes)
        joined.append(stretch)
    return joined


def _output(stretch: Stretch, replay: Replay, array: np.ndarray | None, known: Arrays) -> np.ndarray | None:
    """What came out: somebody has received it, or a rule needs it, or it is computed again."""
    if stretch.end in known:
        return known[stretch.end]
    if isinstance(y := _kept_output(stretch.end), np.ndarray):
        return y
    if array is None or not replay.complete:
        return None
    with no_grad():
        return replay(Tensor(array)).array


def _kept_output(node: Node) -> Any:
    """The output, if it was kept; one of several is kept with the others."""
    if node.primitive is not pick:
        return node.y
    (whole,) = node.parents
    return whole.y and whole.y[node.options["k"]]


def _step(module: Module | None, replay: Replay, before: np.ndarray | None, after: np.ndarray | None) -> Step:
    elementwise = replay.elementwise
    if module is None:
        return Step(_op_of(replay), replay.name, bool(elementwise), replay.affine, before, after)
    if elementwise is None:
        elementwise = _works_alone(module, before, after)
    return Step(module, type(module).__name__, elementwise, replay.affine, before, after)


def _op_of(replay: Replay) -> Callable[[Any], Any]:
    """The op itself if there is no other, and no constant: its averages are kept, a replay's are not."""
    lines = [line for line in replay.lines if line[0] not in NOTHING]
    if len(lines) == 1 and len(lines[0][1]) == 1 and not lines[0][2]:
        return lines[0][0]
    return replay


def _works_alone(module: Module, before: np.ndarray | None, after: np.ndarray | None) -> bool:
    """Do a few elements, taken out, become what they became among all others?"""
    if before is None or after is None:
        return False
    some = np.linspace(before.size - 1, 0, 8).astype(int)
    with unchanged(module):
        try:
            return np.allclose(values(module, before.flat[some]), after.flat[some], 1e-3, equal_nan=True)
        except (ValueError, RuntimeError, IndexError, TypeError):
            return False
