"""Where the first NaN or infinity came from: `with autograd.detect_anomaly():` around both passes.

NaN spreads: by the time a loss is NaN, so are all weights. Inside the block every primitive looks at what it
has just computed, forward and backward, and the first value that is not finite stops the program there, with
the line of your program that computed it, the values that went in, and the usual cure. It costs time, so it
is for searching only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.primitive import Parts
from ..engine.switches import Switch
from .user_code import users_line

REMEDIES = {
    "log": "log x has no finite value at 0, and none at all below: clamp its argument, x.clamp(min=1e-12)",
    "divide": "a divisor is 0, or so small that the quotient overflows: add a small number to it",
    "sqrt": "√x is undefined below 0 and has an infinite slope at 0: take (x + 1e-12).sqrt()",
    "exp": "eˣ overflows beyond 88 in float32, 709 in float64: subtract the maximum, as logsumexp does",
    "power": "a negative base with a broken exponent, 0 to a negative power, or an overflow: clamp the base",
    "matmul": "a sum of products has overflowed: the signal explodes, see stability.probe(); start with "
    "smaller weights, normalize, or take smaller steps",
}
REMEDIES["linear"] = REMEDIES["matmul"]
BEFORE = "it came in from outside: from the data, or from a weight that an earlier step threw out of range"
GENERAL = "follow the values: print the inputs before this line, and see whether they grow from step to step"


class detect_anomaly(Switch):
    """Raise at the first value that is not finite, forward or backward; with check_nan=False do nothing."""

    name = "detecting"

    def __init__(self, check_nan: bool = True) -> None:
        super().__init__()
        self.value = check_nan


class set_detect_anomaly(detect_anomaly):
    """Switch anomaly detection on or off from here on; or, in a `with`, until the end of the block."""

    def __init__(self, mode: bool) -> None:
        super().__init__(bool(mode))
        super().__enter__()

    def __enter__(self) -> None:
        """It has been switched already."""


def check_forward(name: str, arrays: Sequence[Any], y: Any) -> str:
    """Raise if one of the outputs of a primitive is not finite; else return the user's line."""
    line = users_line()
    for out in y if isinstance(y, tuple) else (y,):
        named = {f"input {k}": x for k, x in enumerate(arrays)}
        came_in = any(isinstance(x, np.ndarray) and not _finite(x).all() for x in arrays)
        _check(name, "", named, np.asarray(out), line, BEFORE if came_in else REMEDIES.get(name, GENERAL))
    return line


def check_backward(node: Any, k: int, gx: Any) -> None:
    """Raise if a gradient is not finite; the line that is named is that of the forward pass."""
    op, line = node.primitive.name, getattr(node, "origin", "a line before the block")
    for g in gx if isinstance(gx, Parts) else (gx,):
        if g is not None:
            named = {f"input {j}": x for j, x in enumerate(node.inputs)} | {"output": node.y}
            what = f"in the gradient of its input {k} "
            _check(op, what, named, np.asarray(g), line, REMEDIES.get(op, GENERAL))


def _finite(x: np.ndarray) -> np.ndarray:
    return np.isfinite(x) if x.dtype.kind == "f" else np.ones(x.shape, bool)


def _check(op: str, what: str, named: dict[str, Any], values: np.ndarray, line: str, remedy: str) -> None:
    bad = ~_finite(values)
    if not bad.any():
        return
    at = tuple(map(int, np.argwhere(bad)[0]))
    known = {name: np.asarray(x) for name, x in named.items() if isinstance(x, (np.ndarray, float, int))}
    raise RuntimeError(
        f"detect_anomaly: {op} produced {int(bad.sum())} of {values.size} values not finite {what}"
        f"(first: {values[at]}{f' at {at}' if at else ''}).\n"
        f"  in {line}\n"
        f"  with {', '.join(_described(name, x, values.shape, at) for name, x in known.items())}\n"
        f"  {remedy}"
    )


def _described(name: str, x: np.ndarray, shape: tuple[int, ...], at: tuple[int, ...]) -> str:
    """An input by its value where an elementwise function went wrong, otherwise by its range."""
    try:
        return f"{name} {x.shape} = {float(np.broadcast_to(x, shape)[at]):.6g} there"
    except ValueError:
        extent = f" from {np.nanmin(x):.4g} to {np.nanmax(x):.4g}" if x.size else ""
        return f"{name} {x.shape}{extent}"
