"""The way on from a layer: where its output z goes before the next layer receives it, found in the graph.

It leads from one node to the next that all of the value passes through and that is made of nothing else, but
for constants and parameters. So it does not matter whether an activation is a module, a function, or a
formula in which z occurs twice, as in z · σ(z). The way ends where a layer or the caller receives the value,
or a matrix of weights is applied to it outside of any layer; sooner where it is handed on to several, or
where something else joins it, as in a residual sum.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from ..engine.graph import Node
from ..nn.module import Module
from ..ops import conv2d, linear, matmul

Made = dict[Node, tuple[Module, Node]]  # by which module a node was made, and from what


class Stretch(NamedTuple):
    """A piece of the way: where it starts, the nodes on it, oldest first, and the module that made them."""

    start: Node
    nodes: list[Node]
    module: Module | None = None

    @property
    def end(self) -> Node:
        return self.nodes[-1]


class Ways:
    """The graph between layers, from what they return and the model is given, to what is received."""

    def __init__(self, starts: set[Node], ends: set[Node], made: Made) -> None:
        self.made = made
        self.nodes = reached(ends, starts)
        self.moving = made_of(starts, self.nodes)  # the others are constants and parameters
        factors = {parent for node in self.nodes if _applies_weights(node) for parent in node.parents}
        self.ends = ends | (factors & self.moving)
        self.users: dict[Node, set[Node]] = defaultdict(set)
        for node in self.nodes:
            for parent in node.parents if node not in starts else ():
                if parent is not None:
                    self.users[parent].add(node)

    def on_from(self, z: Node) -> list[Stretch]:
        """The way on from z, with a stretch for each module that made a piece of it."""
        way: list[Stretch] = []
        node = z
        while node not in self.ends and (nodes := self._to_the_next(node)):
            way.append(Stretch(node, nodes))
            node = nodes[-1]
            module, start = self.made.get(node, (None, None))
            for k, stretch in enumerate(way):
                if stretch.start is start:
                    inside = [inner for piece in way[k:] for inner in piece.nodes]
                    way[k:] = [Stretch(stretch.start, inside, module)]
                    break
        return way

    def _to_the_next(self, node: Node) -> list[Node]:
        """The nodes up to the next that all passes through, that one last; none without such a one."""
        inside: list[Node] = []
        waiting = set(self.users[node])
        while waiting:
            new = min(waiting, key=lambda node: node.birth)  # whatever else is made of it is younger
            waiting.remove(new)
            if any(p in self.moving and p is not node and p not in inside for p in new.parents):
                return []
            inside.append(new)
            if not waiting and new.shape is not None:  # one with several outputs has none
                return inside
            if new in self.ends:
                return []
            waiting |= self.users[new]
        return []


def _applies_weights(node: Node) -> bool:
    is_matrix = [p is not None and not p.primitive and len(p.shape) > 1 for p in node.parents]
    return node.primitive in (linear, matmul, conv2d) and any(is_matrix)


def reached(ends: Iterable[Node], starts: set[Node]) -> list[Node]:
    """All nodes on the ways back from the ends, oldest first; the ways stop at the starts."""
    waiting, seen = list(ends), set(ends)
    while waiting:
        node = waiting.pop()
        if node not in starts:
            new = {parent for parent in node.parents if parent is not None} - seen
            seen |= new
            waiting += new
    return sorted(seen, key=lambda node: node.birth)


def made_of(sources: set[Node], nodes: Iterable[Node]) -> set[Node]:
    """The sources, and those of the nodes, given oldest first, that were made of them."""
    made = set(sources)
    for node in nodes:
        if not made.isdisjoint(node.parents):
            made.add(node)
    return made
