"""One backward pass, taken apart: what each rule made of the gradient that came to it.

The gradient of every op is the engine's own, by `grad`. Then each rule is called once more by itself: what
it returns is what it contributes, before contributions are added up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..autograd import no_grad
from ..engine.chain_rule import Gradients, undo_broadcasting, vjp
from ..engine.graph import Node
from ..engine.primitive import Parts, pick
from ..nn.hooks import gate
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

    It is the engine's own backward pass, looked at on the way. Neither the graph nor anybody's `.grad`
    changes, and hooks are not called. `names` are those of leaves.
    """
    with no_grad():  # a Function's backward is written with tensors
        found = _gradients(loss)
        reached = [node for node in found if node.primitive not in (None, pick)]
        number = {node: k for k, node in enumerate(reached)}
        return [
            (node, [_link(node, k, found[node], number, names) for k in inputs_of(node)]) for node in reached
        ]


def _gradients(loss: Tensor) -> dict[Node, Any]:
    """∂L/∂y of every node, newest first; of one with several outputs, their gradients together."""
    gradients, found = Gradients(), {}
    gradients.add(loss.node, np.ones_like(loss.array))  # type: ignore[arg-type]
    for node, g in gradients.youngest_first():
        found[node] = g
        for k in inputs_of(node):
            gx = _through(node, k, g)
            if gx is not None:
                gradients.add(node.parents[k], gx)  # type: ignore[arg-type]
    return found


def inputs_of(node: Node) -> list[int]:
    """Which inputs need a gradient."""
    return [k for k, parent in enumerate(node.parents) if parent is not None]


def _link(node: Node, k: int, g: Any, number: dict[Node, int], names: dict[Any, str]) -> Link:
    parent = node.parents[k]
    source = parent.parents[0] if parent.primitive is pick else parent  # of which it is one output
    gx = _through(node, k, g)
    if gx is not None and parent.shape is not None:
        gx = undo_broadcasting(gx, parent.shape)
    norm_in, norm_out = _norm(g), _norm(gx)
    shape = tuple(parent.shape) if parent.shape is not None else "several"
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
    """What the rule of input k makes of g; a gate, whose rule calls hooks, lets it pass."""
    return list(g)[k] if node.primitive is gate else vjp(node, g)(k)


def _norm(g: Any) -> float:
    return norm(*(g if isinstance(g, Parts) else [g])) or 0.0


def _shape(node: Node) -> str:
    return str(tuple(node.shape)) if node.shape is not None else "several"
