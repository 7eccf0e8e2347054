"""The verdict on a net, and what its fix means on the knobs of the Flow screen: so it can be a button."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from demos.lab.state import Part, State

TURNS: list[tuple[str, Callable[[re.Match], dict]]] = [  # what a line of code means on these knobs
    (r"nn\.ELU\(\) if isinstance", lambda m: {"phi": "elu"}),
    (r"nn\.Tanh\(\) if isinstance", lambda m: {"phi": "tanh"}),
    (r"not isinstance\(m, nn\.BatchNorm1d\)", lambda m: {"norm": "none"}),
    (r"nn\.LayerNorm\(m\.num_features\)", lambda m: {"norm": "layer"}),
    (r"init\.kaiming_normal_\(W\)", lambda m: {"draw": "normal", "sigma": 2**0.5}),
    (r"init\.orthogonal_\(W\)", lambda m: {"draw": "orthogonal", "sigma": 1.0}),
    (r"init\.orthogonal_\(W, gain=([\d.]+)\)", lambda m: {"draw": "orthogonal", "sigma": float(m[1])}),
    (r"zeros_\(model\.get_submodule", lambda m: {"skip": "branch 0"}),
    (r"add a skip connection|divide every branch", lambda m: {"skip": "1/√L"}),
]  # fmt: skip


def turns(fix: str, state: State) -> dict[str, Any]:
    """Which knobs to turn, and how far, to do what a fix says; empty if it is no matter of these knobs."""
    found: dict[str, Any] = {}
    for pattern, turn in TURNS:
        if match := re.search(pattern, fix):
            found |= turn(match)
    return {name: value for name, value in found.items() if state[name] != value}


def numbered(text: str, layers: list[str]) -> str:
    """A sentence about layers by the names of their modules, with the numbers that they have on the page."""

    def number(match: re.Match) -> str:
        return f"{match[1]} {layers.index(match[2]) + 1}" if match[2] in layers else match[0]

    return re.sub(r"\b(layer|at) ([\w.]+)", number, text)


def verdict(diagnosis: Any, measured: Part, state: State) -> Part:
    """The finding at the root of the trouble, told with its cause, its fix and the knobs that are the fix."""
    otherwise, layers = measured["sentence"], measured["layers"]
    if diagnosis.healthy:
        return {"verdict": "healthy", "sentence": f"Healthy. {otherwise}", "fix": "", "turns": {}}
    root = diagnosis[0]
    name = "" if root.pathology == "non-finite" else f"{root.pathology[0].upper()}{root.pathology[1:]}. "
    return {
        "verdict": root.pathology,
        "sentence": name + otherwise,
        "evidence": numbered(root.evidence, layers),
        "cause": root.cause,
        "fix": root.fix,
        "turns": turns(root.fix, state),
    }
