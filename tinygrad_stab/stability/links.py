"""One backward pass, taken apart: what each rule made of the gradient that came to it.

The gradient of every op is the engine's own, by `grad`. Then each rule is called once more by itself: what
it returns is what it contributes, before contributions are added up.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..autograd import grad, no_grad, undo_broadcasting
from ..graph import PICK, Node, Parts
from ..tensor import Tensor
from .formulas import argument_names, formula
from .norms import norm
from .report import column


@dataclass
class Link:
    """The gradient's way across one op, to one of its inputs."""

    step: int = column("step")
    op: str = column("op")
    rule: str = column("rule")
    shapes: str = column("shapes")
    norm_in: float = column("‖∂L/∂y‖", ".3e")
    norm_out: float = column("‖∂L/∂input‖", ".3e")
    gain: float | None = column("gain", ".3g")
    goes_to: str = column("goes to")


def backward_links(loss: Tensor, names: dict[Any, str]) -> list[tuple[Node, list[Link]]]:
    """Every op that a gradient reaches, newest first, with a link to each input that needs one.

    Neither the graph nor anybody's `.grad` changes, and hooks are not called. `names` are those of leaves.
    """
    nodes = _ancestors(loss.node)  # type: ignore[arg-type]
    with _hooks_off(nodes):
        gradients = _gradients(loss, nodes)
    reached = [node for node in nodes if node.primitive is not PICK and node in gradients]
    number = {node: k for k, node in enumerate(reached)}
    with no_grad():  # a Function's backward is written with tensors
        return [
            (node, [_link(node, k, gradients[node], number, names) for k in inputs_of(node)])
            for node in reached
        ]


def inputs_of(node: Node) -> list[int]:
    """Which inputs need a gradient."""
    return [k for k, parent in enumerate(node.parents) if parent is not None]


def _ancestors(end: Node) -> list[Node]:
    """All nodes with a primitive, in the order of the backward pass: newest first."""
    waiting, seen = [end], {end}
    while waiting:
        node = waiting.pop()
        if node.primitive is not None and node.inputs is None:
            node.as_arrays()  # raises: freed
        fresh = {parent for parent in node.parents if parent is not None} - seen
        seen |= fresh
        waiting += fresh
    return sorted((node for node in seen if node.primitive), key=lambda node: -node.birth)


@contextmanager
def _hooks_off(nodes: list[Node]) -> Iterator[None]:
    everyone = {*nodes, *(parent for node in nodes for parent in node.parents if parent is not None)}
    hooks = {node: node.hooks for node in everyone}
    for node in everyone:
        node.hooks = None
    try:
        yield
    finally:
        for node, kept in hooks.items():
            node.hooks = kept


def _gradients(loss: Tensor, nodes: list[Node]) -> dict[Node, Any]:
    """∂L/∂y of every op; for one with several outputs, their gradients together, as its rule wants them."""
    single = [node for node in nodes if hasattr(node, "shape")]
    stand_ins = [Tensor(np.broadcast_to(np.zeros((), node.dtype), node.shape), node) for node in single]
    found = grad(loss, stand_ins, retain_graph=True, allow_unused=True)
    gradients: dict[Node, Any] = {node: g.array for node, g in zip(single, found) if g is not None}
    for node in single:
        if node.primitive is PICK and node in gradients:
            parts = gradients.setdefault(node.parents[0], Parts([None] * node.options["n"]))
            parts[node.options["k"]] = gradients[node]
    return gradients


def _link(node: Node, k: int, g: Any, number: dict[Node, int], names: dict[Any, str]) -> Link:
    parent = node.parents[k]
    source = parent.parents[0] if parent.primitive is PICK else parent  # of which it is one output
    norm_in, norm_out = (_norm(value) for value in (g, _through(node, k, g)))
    shape = tuple(parent.shape) if hasattr(parent, "shape") else "several"
    argument = argument_names(node.primitive, len(node.parents))[k]
    return Link(
        step=number[node],
        op=node.primitive.name,
        rule=formula(node.primitive, k, argument),
        shapes=f"{_shape(node)} → {shape}",
        norm_in=norm_in,
        norm_out=norm_out,
        gain=norm_out / norm_in if norm_in else None,
        goes_to=f"step {number[source]}" if source in number else names.get(parent, f"leaf {shape}"),
    )


def _through(node: Node, k: int, g: Any) -> Any:
    """What the rule of input k makes of g, its broadcasting undone."""
    y, inputs = node.as_arrays()
    primitive = node.primitive
    if primitive.together is not None:
        gx = primitive.together(g, y, *inputs, **node.options)[k]
    else:
        gx = primitive.rules[k](g, y, *inputs, **node.options)
    return None if gx is None else undo_broadcasting(gx, node.parents[k].shape)


def _norm(g: Any) -> float:
    return norm(*(g if isinstance(g, (list, tuple)) else [g])) or 0.0


def _shape(node: Node) -> str:
    return str(tuple(node.shape)) if hasattr(node, "shape") else "several"
