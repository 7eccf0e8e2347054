"""What a user asks of the chain rule: the gradient of some variables, or of all leaves, collected there."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .chain_rule import Gradients, leading_to, sweep
from .graph import Node, Variable, array_of, node_of, variable
from .hooks import RETAIN, copied
from .switches import enable_grad, switches


def grad(
    outputs: Sequence[Variable], inputs: Sequence[Variable], upstream: Sequence[Any] | None = None,
    retain: bool | None = None, record: bool = False,
) -> list[Any]:  # fmt: skip
    """Return ∂L/∂x for each x of the inputs, any variables of the graph; None where L does not depend on x.

    L is the sum of the outputs, each times its `upstream` gradient, which of a single number is 1 if not
    given. With `record` the gradients have a graph of their own, for second derivatives. With `retain`, which
    `record` implies unless told otherwise, the graph can be gone through again.
    """
    nodes = [x.node for x in inputs]
    if None in nodes:
        raise RuntimeError(
            "one of the inputs does not require grad: call x.requires_grad_() before computing with it"
        )
    found = _run(outputs, upstream, set(nodes), retain, record)
    return [copied(found[node]) if node in found else None for node in nodes]


def backward(
    outputs: Sequence[Variable], upstream: Sequence[Any] | None = None, retain: bool | None = None,
    record: bool = False, inputs: Sequence[Variable] | None = None,
) -> None:  # fmt: skip
    """Add ∂L/∂x to the gradient of every leaf x L depends on, or of the `inputs` only; L as in `grad`."""
    receivers = None if inputs is None else {x.node: x for x in inputs}
    found = _run(outputs, upstream, None if receivers is None else set(receivers), retain, record)
    received = list(_received(found, receivers))
    handed_out: set[int] = set()
    for x, _, g in received:
        with collecting:
            x._grad = _own(g, handed_out) if x._grad is None else _sum(x._grad, g, record)
    for x, node, _ in received:
        for hook in list(node.afterwards.values()) if node.primitive is None else ():
            hook(x)


collecting = threading.Lock()  # so that what two threads add to one gradient is both there


def _received(found: dict[Node, Any], receivers: dict[Any, Variable] | None) -> Iterator[tuple]:
    """Each variable that is to collect a gradient, with its node and the gradient."""
    for node, g in found.items():
        x = node.leaf() if receivers is None else receivers[node]
        if x is not None and RETAIN not in (node.hooks or ()):  # else nobody holds it, or a hook has kept it
            yield x, node, g


def _own(g: Any, handed_out: set[int]) -> Any:
    """What a leaf keeps must be nobody else's: a rule may have handed on what it got, or a view of it."""
    if type(g) is not np.ndarray or g.base is not None or id(g) in handed_out:
        return copied(g)
    handed_out.add(id(g))
    return variable(g)


def _sum(before: Variable, g: Any, record: bool) -> Any:
    """The gradient so far and the new one, recorded if it is to be, or if the first has a graph."""
    if not record and before.node is None:
        return variable(before.array + array_of(g))
    with enable_grad():
        return before + g


def _run(
    outputs: Sequence[Variable], upstream: Any, targets: set | None, retain: bool | None, record: bool
) -> dict[Node, Any]:
    start = _start(outputs, [None] * len(outputs) if upstream is None else upstream, record)
    wanted = None if targets is None else leading_to(targets, [node for node, _ in start])
    gradients = Gradients()
    for node, g in start:
        if wanted is None or node in wanted:
            gradients.add(node, g)
    before, switches.recording = switches.recording, record
    try:
        return sweep(gradients, targets, wanted, record if retain is None else retain, record)
    finally:
        switches.recording = before


def _start(outputs: Sequence[Variable], upstream: Sequence[Any], record: bool) -> list[tuple[Node, Any]]:
    """The node of every output y, and ∂L/∂y: 1 for a single number, else what is given."""
    start = []
    for y, g in zip(outputs, upstream, strict=True):
        if y.node is None:
            raise RuntimeError(
                "this tensor does not require grad and does not have a grad_fn: nothing it was computed "
                "from has requires_grad=True, or it was detached or computed under no_grad(), or it is the "
                "derivative of a function in straight pieces, which is constant"
            )
        if g is None and y.array.size != 1:
            raise RuntimeError(
                "grad can be implicitly created only for scalar outputs, and this one has shape "
                f"{y.array.shape}: reduce it first, with .sum() or .mean(), or pass the gradient to start "
                "from"
            )
        array = np.ones(y.array.shape, y.array.dtype) if g is None else np.array(array_of(g), y.array.dtype)
        if array.shape != y.array.shape:
            raise RuntimeError(
                f"the gradient to start from has shape {array.shape}, but the output {y.array.shape}"
            )
        start.append((y.node, variable(array, node_of(g)) if record else array))
    return start
