"""The forward half of the engine: a value that remembers how it was made.

A `Primitive` is a forward function together with one derivative rule per input. What comes out of it is a
tensor with a `Node`: the primitive, the nodes of its inputs, and the values that the rules will read. Nodes
are numbered at birth, and inputs are born before outputs; the backward half, `autograd.py`, needs no other
order. The rules stand in `ops/`.

Nothing here points forward, from a value to what is computed from it. So there are no reference cycles, and
the graph is gone the moment the last tensor computed from it is dropped.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from .anomaly import check_forward
from .dtypes import get_default_dtype
from .grad_mode import mode
from .memory import clock, written_since
from .misfit import misfit
from .numpy_protocol import ANSWERS, AnswersNumpy
from .printing import grad_fn_name
from .rules import NOTHING, SHAPE, VALUE, ShapeOf, needs, option_names
from .user_code import users_line

ANY = math.inf  # number of inputs
TABLE: dict[str, Primitive] = {}  # every primitive by name, so that a test can check them all


class Primitive:
    """A forward function on arrays and, for each input, the rule that turns g = ∂L/∂y into ∂L/∂(that input).

    A rule is called as `rule(g, y, *inputs, **options)` and returns the gradient up to broadcasting, which
    the engine undoes. A value that no rule mentions is not kept. A forward that returns a tuple has several
    outputs; then g is a tuple too, with None where nothing arrived. Where the gradients of all inputs come
    out of one computation, a single rule may return them in a sequence. `together` says for how many inputs;
    ANY, for however many are given, of which the rule then sees only the shapes.
    """

    # The class of the outputs. tensor.py puts Tensor here, the class with the operators.
    result: type[TensorBase]

    def __init__(self, forward: Callable, rules: Sequence[Callable], together: float = 0) -> None:
        self.forward, self.name, self.rules = forward, forward.__name__.strip("_"), rules
        self.together = rules[0] if together else None
        self.arity = together or len(rules)
        self.option_names = option_names(rules[0], 1 if together == ANY else int(self.arity))
        self.options = frozenset(self.option_names)

    @functools.cached_property
    def needs(self) -> list[list[int]]:
        """By rule, what it reads of (g, y, *inputs)."""
        return [needs(rule) for rule in self.rules]

    @functools.cached_property
    def keeps_y(self) -> bool:
        return any(need[1] != NOTHING for need in self.needs)

    @functools.cached_property
    def keep(self) -> Callable[[list], list]:
        """From the inputs to what is kept of each: all of it, its shape, or nothing."""
        if self.arity == ANY:
            return lambda arrays: [ShapeOf(x) for x in arrays]
        most = [max(of_all) for of_all in zip(*(need[2 : 2 + int(self.arity)] for need in self.needs))]
        if set(most) <= {VALUE}:
            return lambda arrays: arrays
        if set(most) <= {NOTHING}:
            return lambda arrays: [None] * len(arrays)
        return lambda arrays: [x if need == VALUE else _shape_of(x, need) for x, need in zip(arrays, most)]

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        if len(inputs) > self.arity:  # np.sum(t, 0): an option given by position
            options.update(zip(self.option_names, inputs[int(self.arity) :]))
            inputs = inputs[: int(self.arity)]
        if options and not options.keys() <= self.options:
            raise TypeError(f"{self.name} takes the options {self.option_names}, not {sorted(options)}")
        arrays: list[Any] = []
        parents: list[Node | None] = []
        for x in inputs:
            if isinstance(x, TensorBase):
                arrays.append(x.array)
                parents.append(x.node)
            else:
                arrays.append(x if type(x) in _OPERANDS else _operand(x, inputs))
                parents.append(None)
        try:
            y = self.forward(*arrays, **options)
        except (ValueError, IndexError) as error:
            raise misfit(self.name, arrays, error) from None
        if mode.detecting:
            check_forward(self.name, arrays, y)
        if type(y) is not tuple and y.dtype is not _FLOAT32:
            y = _as_in_pytorch(y, arrays)
        if not (mode.recording and any(parents)):
            return self._unrecorded(inputs, y)
        node = Node(self, parents, self.keep(arrays), y if self.keeps_y else None, options, y)
        if mode.detecting:
            node.origin = users_line()
        return self.result(y, node) if type(y) is not tuple else outputs_of(node, y)

    def _unrecorded(self, inputs: tuple, y: Any) -> Any:
        if not any(isinstance(x, TensorBase) for x in inputs):
            return y  # arrays in, arrays out: a rule may be written with primitives too
        return tuple(map(self.result, y)) if type(y) is tuple else self.result(y)


def primitive(
    forward: Callable, *rules: Callable, numpy: Callable | None = None, together: float = 0
) -> Primitive:
    """Enter a primitive into the table; `numpy` is the NumPy function it answers for, if not `forward`."""
    made = Primitive(forward, rules, together)
    TABLE[made.name] = made
    if numpy or not forward.__name__.startswith("_"):
        ANSWERS[numpy or forward] = made
    return made


def constant(function: Callable, numpy: Callable | None = None) -> Callable:
    """Define a function whose derivative is 0 where it exists, a comparison or a sign: never recorded."""

    def apply(*inputs: Any, **options: Any) -> Any:
        arrays = [array_of(x) for x in inputs]
        try:
            y = function(*arrays, **options)
        except (ValueError, IndexError) as error:
            raise misfit(function.__name__, arrays, error) from None
        return Primitive.result(y) if any(isinstance(x, TensorBase) for x in inputs) else y

    ANSWERS[numpy or function] = apply
    return apply


def array_of(x: Any) -> Any:
    """The array of a tensor; anything else as it is."""
    return x.array if isinstance(x, TensorBase) else x


def node_of(x: Any) -> Node | None:
    """The node of a tensor; None of anything else."""
    return x.node if isinstance(x, TensorBase) else None


_OPERANDS = {np.ndarray, int, float, bool, type(None)}


def _operand(x: Any, inputs: Sequence[Any]) -> Any:
    # A Python number takes the dtype of the tensor it meets; np.sqrt(2.) is a float64 and would impose that.
    if isinstance(x, np.generic):
        return x.item() if any(isinstance(other, TensorBase) for other in inputs) else x
    if isinstance(x, (tuple, list)) and any(isinstance(part, TensorBase) for part in x):
        raise TypeError(
            f"a {type(x).__name__} is not a tensor: put tensors together with torch.stack or torch.cat, and "
            "take apart what a layer returns, as in `output, (h, c) = lstm(x)`"
        )
    return np.asarray(x)


_FLOAT32 = np.dtype(np.float32)


def _as_in_pytorch(y: Any, arrays: Sequence[Any]) -> Any:
    # NumPy makes floats of integers by their size; in PyTorch integers and bools have no say in that.
    dtypes = [x.dtype for x in arrays if isinstance(x, np.ndarray)]
    floats = [dtype for dtype in dtypes if dtype.kind == "f"]
    if y.dtype.kind != "f" or len(floats) == len(dtypes) or y.dtype in floats:
        return y
    return y.astype(np.result_type(*floats) if floats else get_default_dtype())


def _shape_of(x: Any, need: int) -> ShapeOf | None:
    return ShapeOf(x) if need == SHAPE and isinstance(x, np.ndarray) else None


class Node:
    """How a tensor was made. A leaf's node has no primitive: it marks where a gradient is collected."""

    __slots__ = (
        "primitive", "parents", "inputs", "y", "options", "shape", "dtype",
        "birth", "hooks", "leaf", "afterwards", "origin",
    )  # fmt: skip
    shape: Any  # of the tensor; unset for a primitive with several outputs
    dtype: Any
    leaf: Any  # of a leaf: a weak reference to its tensor
    afterwards: dict | None  # of a leaf: hooks for when its .grad has been added to
    origin: str  # where anomalies are being searched: the user's line

    def __init__(self, primitive: Any, parents: Any, inputs: Any, y: Any, options: Any, like: Any) -> None:
        self.primitive, self.parents, self.options = primitive, parents, options
        self.inputs, self.y = inputs, y  # what the rules read; None where they do not
        self.birth = next(clock)
        self.hooks: dict[float, Callable] | None = None
        if type(like) is not tuple:
            self.shape, self.dtype = like.shape, like.dtype

    def name(self) -> str:
        """What PyTorch calls this step in its backward pass."""
        if self.primitive is None:
            return "AccumulateGrad"
        maker = self.parents[0] if self.primitive is PICK else self
        return grad_fn_name(maker.primitive.name)

    @property
    def next_functions(self) -> tuple:
        """The steps that the gradient goes on to, in PyTorch's form."""
        return tuple((parent, 0) for parent in self.parents)

    def __repr__(self) -> str:
        return f"<{self.name()}>"

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
        return y, [result(x, node) if node and isinstance(x, np.ndarray) else x for x, node in pairs]

    def check_unwritten(self, k: int) -> None:
        """Refuse rule k a value that was written in place after it was kept."""
        _, *needed = self.primitive.needs[0 if len(self.primitive.needs) == 1 else k]
        kept = (self.y, *(self.inputs or ()))
        for x in _arrays([x for x, need in zip(kept, needed) if need == VALUE] + [*self.options.values()]):
            if written_since(x, self.birth):
                raise RuntimeError(
                    f"a value of shape {x.shape} needed for the gradient of {self.primitive.name} has been "
                    "modified by an inplace operation: call backward() before changing it, or change a copy "
                    "made by .clone()"
                )

    def free(self) -> None:
        """Let go of the values. The parents stay known, so that a second pass is noticed on every way."""
        self.inputs = self.y = None


def _arrays(values: Iterable[Any]) -> Iterator[np.ndarray]:
    for x in values:
        if isinstance(x, np.ndarray):
            yield x
        elif isinstance(x, (tuple, list)):
            yield from _arrays(x)


class TensorBase(AnswersNumpy):
    """An array that remembers how it was made. `tensor.Tensor` adds what a user calls."""

    __slots__ = ("array", "node", "_grad", "__weakref__")

    def __init__(self, array: Any = (), node: Any = None, *sizes: int) -> None:
        if type(array) is not np.ndarray:  # primitives make NumPy's scalars too, users anything
            if isinstance(array, np.generic):
                array = array.__array__()
            else:
                array, node = _given(array, node, *sizes), None
        self.array: np.ndarray = array
        self.node: Node | None = node  # None where no gradient is required
        self._grad: Any = None


def _given(*data: Any) -> np.ndarray:
    """What PyTorch's constructor makes of Tensor(2, 3), a shape, and of Tensor([1, 2]), always floats."""
    first = data[0]
    if isinstance(first, int) or (isinstance(first, tuple) and type(first) is not tuple):  # a Size
        return np.empty([n for n in np.hstack(data) if n is not None], get_default_dtype())
    return np.array(first, get_default_dtype())


# --- primitives with several outputs ------------------------------------------------------------------------


def outputs_of(node: Node, y: Any) -> Any:
    """Wrap what a primitive returned. Each of several outputs gets a node of its own, which picks it out."""
    result = node.primitive.result
    if type(y) is not tuple:
        return result(y, node)
    return tuple(
        result(part, Node(PICK, [node], (), None, {"k": k, "n": len(y)}, part)) for k, part in enumerate(y)
    )


class Parts(list):
    """The gradients of all outputs of one primitive; None where none has arrived."""


def _pick(whole: Any, k: int, n: int) -> Any:
    return whole[k]


# Neither its forward nor its rule is ever called: the sweep itself puts g in its place among the Parts.
PICK = Primitive(_pick, [lambda g, y, whole, k, n: None])
