"""A value that remembers how it was made.

A `Variable` is an array and a `Node`, which says how it was made: the primitive, the nodes of its inputs, and
the values that the rules of their derivatives have asked for. Nodes are numbered at birth, and inputs are
born before outputs; `chain_rule.py` needs no other order.

Nothing here points forward, from a value to what is computed from it. So there are no reference cycles, and
the graph is gone the moment the last variable computed from it is dropped.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from .manners import manners
from .memory import clock, written_since
from .numpy_words import AnswersNumpy


class Variable(AnswersNumpy):
    """An array that remembers how it was made."""

    __slots__ = ("array", "node", "_grad", "__weakref__")
    array: np.ndarray
    node: Node | None  # None where no gradient is required
    _grad: Any  # of a leaf: what `backward` has collected

    def __init__(self, array: Any, node: Node | None = None) -> None:
        self.array, self.node, self._grad = np.asarray(array), node, None


def leaf(array: Any) -> Variable:
    """A variable at the end of the chain rule, such as a weight: `backward` collects its gradient."""
    x = variable(np.asarray(array))
    x.node = leaf_node(x)
    return x


def variable(array: Any, node: Node | None = None) -> Any:
    """A variable of the class that `manners` names, whose constructor may be a user's, and is not called."""
    new: Any = object.__new__(manners.variable)
    new.array = array if type(array) is np.ndarray else np.asarray(array)  # NumPy makes scalars too
    new.node, new._grad = node, None
    return new


def array_of(x: Any) -> Any:
    """The array of a variable; anything else as it is."""
    return x.array if isinstance(x, Variable) else x


def node_of(x: Any) -> Node | None:
    """The node of a variable; None of anything else."""
    return x.node if isinstance(x, Variable) else None


class Node:
    """How a variable was made. A leaf's node has no primitive: there a gradient is collected."""

    __slots__ = (
        "primitive", "parents", "kept", "options", "shape", "dtype", "birth", "hooks",
        "leaf", "afterwards", "origin",
    )  # fmt: skip
    parents: Sequence[Any]  # the inputs' nodes; None of one that requires no gradient
    kept: list | None  # what the rules read, see `Primitive.keep`; None once it is freed
    shape: Any  # of the variable; None for a primitive with several outputs
    leaf: Any  # of a leaf: a weak reference to its variable
    afterwards: dict[float, Callable]  # of a leaf: called when its gradient has been added to
    origin: str  # while anomalies are searched for: the user's line

    def __init__(
        self, primitive: Any, parents: Sequence, kept: list | None, options: dict, like: Any
    ) -> None:
        self.primitive, self.parents, self.kept, self.options = primitive, parents, kept, options
        self.shape, self.dtype = like.shape, like.dtype
        self.birth = next(clock)
        self.hooks: dict[float, Callable] | None = None  # they are shown the gradient, and may replace it

    def values(self) -> list:
        """What was kept, for the rules to read."""
        if self.kept is None:
            raise RuntimeError(
                f"Trying to backward through the graph a second time: {self.primitive.name} has freed its "
                "values. Compute the loss anew before each backward(), or pass retain_graph=True to all but "
                "the last"
            )
        return self.kept

    def check_unwritten(self, k: int) -> None:
        """Refuse a value that the rule of input k reads, and that was written in place after it was kept."""
        read = self.primitive.reads[0 if self.primitive.joint else k]
        for x in _arrays_in(read(self.values())):
            if written_since(x, self.birth):
                raise RuntimeError(
                    f"a value of shape {x.shape} needed for the gradient of {self.primitive.name} has been "
                    "modified by an inplace operation: call backward() before changing it, or change a copy "
                    "made by .clone()"
                )

    @property
    def inputs(self) -> list:
        """The inputs that were kept, None in the place of the others."""
        return self.kept[1 : 1 + len(self.primitive.inputs)] if self.kept else []

    @property
    def y(self) -> Any:
        """The output, if it was kept."""
        return self.kept[0] if self.kept else None

    def __repr__(self) -> str:
        return f"<{self.primitive.name if self.primitive else 'leaf'}>"


def leaf_node(x: Variable) -> Any:
    """The node of a leaf. It holds its variable weakly: one that nobody else holds needs no gradient."""
    node = manners.node(None, (), None, {}, x.array)
    node.leaf, node.afterwards = weakref.ref(x), {}
    return node


def _arrays_in(values: Iterable[Any]) -> Iterator[np.ndarray]:
    for x in values:
        if isinstance(x, np.ndarray):
            yield x
        elif isinstance(x, (tuple, list)):
            yield from _arrays_in(x)


manners.variable, manners.node = Variable, Node
