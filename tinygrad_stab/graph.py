"""The forward half of the engine: a value that remembers how it was made.

A `Primitive` is a forward function together with one derivative rule per input. What comes out of it is a
tensor with a `Node`: the primitive, the nodes of its inputs, and the values that the rules will read. Nodes
are numbered at birth, and inputs are born before outputs; the backward half, `autograd.py`, needs no other
order. The rules stand in `ops/`.

Nothing here points forward, from a value to what is computed from it. So there are no reference cycles, and
the graph is gone the moment the last tensor computed from it is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .anomaly import check_forward, users_line
from .grad_mode import mode
from .memory import clock, written_since
from .numpy_protocol import ANSWERS, AnswersNumpy
from .rules import OneForAll, option_names, positions_read

TABLE: dict[str, Primitive] = {}  # every primitive by name, so that a test can check them all


class Primitive:
    """A forward function on arrays and, for each input, the rule that turns g = ∂L/∂y into ∂L/∂(that input).

    A rule is called as `rule(g, y, *inputs, **options)` and returns the gradient up to broadcasting, which
    the engine undoes. A value that no rule mentions is not kept. A variadic primitive has one rule, which is
    told `which` input is meant. A forward that returns a tuple has several outputs; then g is a tuple too,
    with None where nothing arrived.
    """

    # The class of the outputs. tensor.py puts Tensor here, the class with the operators.
    result: type[TensorBase]

    def __init__(self, forward: Callable, rules: Sequence[Callable], variadic: bool = False) -> None:
        self.forward, self.name, self.variadic = forward, forward.__name__.strip("_"), variadic
        self.rules = OneForAll(rules[0]) if variadic else rules
        self.arity = 1_000 if variadic else len(rules)
        self.option_names = option_names(rules[0], len(rules))
        self.reads = [positions_read(rule) for rule in rules]
        read = set().union(*self.reads)
        self.keeps_y = 1 in read
        self.drops = [] if variadic else [k for k in range(len(rules)) if 2 + k not in read]

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        if len(inputs) > self.arity:  # np.sum(t, 0): an option given by position
            options.update(zip(self.option_names, inputs[self.arity :]))
            inputs = inputs[: self.arity]
        arrays: list[Any] = []
        parents: list[Node | None] = []
        for x in inputs:
            if isinstance(x, TensorBase):
                arrays.append(x.array)
                parents.append(x.node)
            else:
                arrays.append(x if type(x) in _OPERANDS else _operand(x))
                parents.append(None)
        try:
            y = self.forward(*arrays, **options)
        except (ValueError, IndexError) as error:
            raise _misfit(self.name, arrays, error) from None
        if mode.detecting:
            check_forward(self.name, arrays, y)
        if not (mode.recording and any(parents)):
            return self._unrecorded(inputs, y)
        for k in self.drops:
            if k < len(arrays):
                arrays[k] = None
        return outputs_of(Node(self, parents, arrays, y if self.keeps_y else None, options, y), y)

    def _unrecorded(self, inputs: tuple, y: Any) -> Any:
        if not any(isinstance(x, TensorBase) for x in inputs):
            return y  # arrays in, arrays out: a rule may be written with primitives too
        return tuple(map(self.result, y)) if type(y) is tuple else self.result(y)


def primitive(
    forward: Callable, *rules: Callable, numpy: Callable | None = None, variadic: bool = False
) -> Primitive:
    """Enter a primitive into the table; `numpy` is the NumPy function it answers for, if not `forward`."""
    made = Primitive(forward, rules, variadic)
    TABLE[made.name] = made
    if numpy or not forward.__name__.startswith("_"):
        ANSWERS[numpy or forward] = made
    return made


def constant(function: Callable, numpy: Callable | None = None) -> Callable:
    """Define a function whose derivative is 0 where it exists, a comparison or a sign: never recorded."""

    def apply(*inputs: Any, **options: Any) -> Any:
        y = function(*map(array_of, inputs), **options)
        return Primitive.result(y) if any(isinstance(x, TensorBase) for x in inputs) else y

    ANSWERS[numpy or function] = apply
    return apply


def array_of(x: Any) -> Any:
    """The array of a tensor; anything else as it is."""
    return x.array if isinstance(x, TensorBase) else x


_OPERANDS = {np.ndarray, int, float, bool, type(None)}


def _operand(x: Any) -> Any:
    # A Python number takes the dtype of the array it meets; np.sqrt(2.) is float64 and would impose that.
    return x.item() if isinstance(x, np.generic) else np.asarray(x)


def _misfit(name: str, arrays: list, error: Exception) -> Exception:
    shapes = " and ".join(str(np.shape(x)) for x in arrays)
    kind = IndexError if isinstance(error, IndexError) else RuntimeError
    return kind(f"{name} does not fit input of shape {shapes}: {error}")


class Node:
    """How a tensor was made. A leaf's node has no primitive: it marks where a gradient is collected."""

    __slots__ = (
        "primitive", "parents", "inputs", "y", "options", "shape", "dtype",
        "birth", "hooks", "leaf", "origin",
    )  # fmt: skip
    shape: Any  # of the tensor; unset for a primitive with several outputs
    dtype: Any
    leaf: Any  # of a leaf: a weak reference to its tensor
    origin: str  # where anomalies are being searched: the user's line

    def __init__(self, primitive: Any, parents: Any, inputs: Any, y: Any, options: Any, like: Any) -> None:
        self.primitive, self.parents, self.options = primitive, parents, options
        self.inputs, self.y = inputs, y  # what the rules read; None where they do not
        self.birth = next(clock)
        self.hooks: list[Callable] | None = None
        if type(like) is not tuple:
            self.shape, self.dtype = like.shape, like.dtype
        if mode.detecting:
            self.origin = users_line()

    def as_arrays(self) -> tuple[Any, Any]:
        """The kept values (y, inputs)."""
        if self.inputs is None:
            raise RuntimeError(
                f"Trying to backward through the graph a second time: {self.primitive.name} has freed its "
                "values. Compute the loss anew before each backward(), or pass retain_graph=True to all but "
                "the last"
            )
        return self.y, self.inputs

    def as_tensors(self) -> tuple[Any, Any]:
        """The kept values as the tensors they were, so that what a rule makes of them is recorded."""
        self.as_arrays()
        result, pairs = self.primitive.result, zip(self.inputs, self.parents)
        y = None if self.y is None else outputs_of(self, self.y)
        return y, [x if x is None or parent is None else result(x, parent) for x, parent in pairs]

    def check_unwritten(self, k: int) -> None:
        """Refuse rule k a value that was written in place after it was kept."""
        values = (None, self.y, *self.inputs)  # g is made in the backward pass itself
        reads = range(len(values)) if self.primitive.variadic else self.primitive.reads[k]
        for x in (values[place] for place in reads if place < len(values)):
            if isinstance(x, np.ndarray) and written_since(x, self.birth):
                raise RuntimeError(
                    f"a value of shape {x.shape} needed for the gradient of {self.primitive.name} has been "
                    "modified by an inplace operation: call backward() before changing it, or change a copy "
                    "made by .clone()"
                )

    def free(self) -> None:
        """Let go of the values and of the nodes before."""
        self.inputs = self.y = None
        self.parents = ()


class TensorBase(AnswersNumpy):
    """An array that remembers how it was made. `tensor.Tensor` adds what a user calls."""

    __slots__ = ("array", "node", "_grad", "__weakref__")

    def __init__(self, array: Any, node: Node | None = None) -> None:
        self.array: np.ndarray = array if type(array) is np.ndarray else np.asarray(array)
        self.node = node  # None where no gradient is required
        self._grad: Any = None


# --- primitives with several outputs ------------------------------------------------------------------------


def outputs_of(node: Node, y: Any) -> Any:
    """Wrap what a primitive returned. Each of several outputs gets a node of its own, which picks it out."""
    result = node.primitive.result
    if type(y) is not tuple:
        return result(y, node)
    return tuple(
        result(part, Node(_pick, [node], (None,), None, {"k": k, "n": len(y)}, part))
        for k, part in enumerate(y)
    )


class Parts(tuple):
    """The gradients of several outputs of one primitive; None where none has arrived."""

    def __add__(self, other: Any) -> Parts:
        return Parts(b if a is None else a if b is None else a + b for a, b in zip(self, other))


def _output(whole: Any, k: int, n: int) -> Any:
    return whole[k]


_pick = Primitive(_output, [lambda g, y, whole, k, n: Parts(g if j == k else None for j in range(n))])
