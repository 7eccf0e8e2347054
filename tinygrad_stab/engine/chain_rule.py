"""The chain rule, on one screen.

Let y = f(x) be one step on the way to a scalar L. The chain rule carries the gradient across it, backwards:

    ∂L/∂x = (∂y/∂x)ᵀ · ∂L/∂y          a vector-Jacobian product: the rule of f, applied to g = ∂L/∂y

Where x was used several times, its gradient is the sum of what comes back from each use. That is all of it;
three things make it a backward pass.

1. Order. `sweep` goes on from the youngest node that has a gradient. Everything computed from that node is
   younger still and has had its turn, so its gradient is complete: newest first is a topological order. No
   recursion, no depth limit.
2. Shape. A rule answers as if nothing had been broadcast; `undo_broadcasting` is done once, for all rules.
3. Second derivatives. Rules are written in NumPy's words. A plain sweep hands them arrays and runs at NumPy's
   speed. With `record` it hands them variables: the same line records itself, and the gradient can be
   differentiated again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Set
from heapq import heappop, heappush
from typing import Any

import numpy as np

from .graph import Node
from .hooks import after_hooks
from .manners import manners
from .memory import latest
from .primitive import as_variables
from .sums import total
from .switches import switches


class Gradients(dict):
    """∂L/∂y by node: what comes back from several uses of y is added up, and the youngest leaves first."""

    def __init__(self) -> None:
        self.queue: list[tuple[int, Node]] = []
        self.sums: set[Node] = set()  # whose gradient is an array made here, which nobody else has

    def add(self, node: Node, g: Any) -> None:
        """Add what a rule has returned, in the shape and the dtype of what it is the gradient of."""
        if g.shape != node.shape:
            g = undo_broadcasting(g, node.shape)
        if g.dtype is not node.dtype:
            g = g.astype(node.dtype)
        before = self.get(node)
        if before is None:
            self[node] = g
            if node.primitive is not None:
                heappush(self.queue, (-node.birth, node))
        elif node in self.sums:
            before += g
        else:  # not +=: what a rule has returned may be the gradient of two inputs
            self[node] = g = before + g
            if type(g) is np.ndarray:
                self.sums.add(node)

    def youngest_first(self) -> Iterator[tuple[Node, Any]]:
        """Each node with its gradient, complete by then; at the end the leaves, where it stays."""
        while self.queue:
            node = heappop(self.queue)[1]
            yield node, self.pop(node)
        while self:
            yield self.popitem()


def sweep(
    gradients: Gradients, targets: Set[Node] | None, wanted: Set[Node] | None, retain: bool, record: bool
) -> dict[Node, Any]:
    """Carry gradients back to the targets, by way of the nodes that are wanted; with None to every leaf."""
    found = {}
    for node, g in gradients.youngest_first():
        if node.hooks:
            g = after_hooks(node.hooks, g)
        if node.primitive is None if targets is None else node in targets:
            found[node] = g
        if node.parents and (wanted is None or not wanted.isdisjoint(node.parents)):
            carry_back(node, g, gradients, wanted, record)
            if not retain:
                node.kept = None  # the parents stay known, so that a second pass is noticed on every way
    return found


def carry_back(node: Node, g: Any, gradients: Gradients, wanted: Set[Node] | None, record: bool) -> None:
    """The chain rule: from ∂L/∂y of one step to ∂L/∂x of each of its inputs."""
    gradient_of = vjp(node, g, record)
    for k, x in enumerate(node.parents):
        if x is None or (wanted is not None and x not in wanted):
            continue
        if latest.write > node.birth:
            node.check_unwritten(k)
        gx = gradient_of(k)
        if switches.detecting:
            manners.check_backward(node, k, gx)
        if gx is not None:
            gradients.add(x, gx)


def vjp(node: Node, g: Any, record: bool = False) -> Callable[[int], Any]:
    """The vector-Jacobian products of one step: from the number of an input to what its rule makes of g."""
    f, values = node.primitive, as_variables(node) if record else node.values()
    if f.joint is None:
        return lambda k: f.rules[k](g, *f.reads[k](values))
    return f.joint(g, *f.reads[0](values)).__getitem__


def undo_broadcasting(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum g over the axes along which an input of this shape was repeated."""
    new = g.ndim - len(shape)
    if new > 0:
        g = total(g, tuple(range(new)))
        if g.shape == shape:
            return g
    repeated = tuple(axis for axis, n in enumerate(shape[: g.ndim]) if n == 1 and g.shape[axis] != 1)
    g = total(g, repeated, keepdims=True) if repeated else g
    if g.shape != shape:
        raise RuntimeError(f"a rule has returned a gradient of shape {g.shape} for an input of shape {shape}")
    return g


def leading_to(targets: Set[Node], starts: Iterable[Node]) -> Set[Node]:
    """The nodes on a way from the starts back to a target: only they need a gradient."""
    reached, stack = set(starts), list(starts)
    while stack:
        new = {x for x in stack.pop().parents if x is not None} - reached
        reached |= new
        stack += new
    wanted = set(targets)
    for node in sorted(reached, key=lambda node: node.birth):
        if not wanted.isdisjoint(node.parents):
            wanted.add(node)
    return wanted
