"""A value that remembers how it was made.

A `Primitive` is a function on arrays and, for each of its inputs, the rule of its derivative. What it returns
is a `Variable`: an array, and the `Node` that says how it was made, with the primitive, the nodes of its
inputs, and the values that the rules have asked for by name. Nodes are numbered at birth, and inputs are born
before outputs; `chain_rule.py` needs no other order. The primitives stand in `ops/`.

Nothing here points forward, from a value to what is computed from it. So there are no reference cycles, and
the graph is gone the moment the last variable computed from it is dropped.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from .manners import manners
from .memory import clock, latest, written_since
from .numpy_words import ANSWERS, AnswersNumpy
from .switches import switches

TABLE: dict[str, Primitive] = {}  # every primitive by name, so that a test can check them all
ANY = "any number of them"  # inputs of a primitive
Rule = Callable[..., Any]


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

    def read(self, places: list[int], record: bool) -> list:
        """What a rule reads: arrays; or, to record what it makes of them, the variables that they were."""
        if self.kept is None:
            raise RuntimeError(
                f"Trying to backward through the graph a second time: {self.primitive.name} has freed its "
                "values. Compute the loss anew before each backward(), or pass retain_graph=True to all but "
                "the last"
            )
        values = [self.kept[k] for k in places]
        if latest.write > self.birth:
            self._check_unwritten(values)
        return list(map(self._as_variable, places, values)) if record else values

    def _as_variable(self, place: int, value: Any) -> Any:
        if place == 0:
            return outputs_of(self, value)
        if isinstance(value, np.ndarray) and place <= len(self.parents) and self.parents[place - 1]:
            return variable(value, self.parents[place - 1])
        return value

    def _check_unwritten(self, values: list) -> None:
        """Refuse a value that was written in place after it was kept."""
        for x in _arrays_in(values):
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
        """The output, if it was kept; of one of several, if they were."""
        if self.primitive is pick:
            (whole,) = self.parents
            return whole.y and whole.y[self.options["k"]]
        return self.kept[0] if self.kept else None

    def free(self) -> None:
        """Let go of the values. The parents stay known, so that a second pass is noticed on every way."""
        self.kept = None

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


class Primitive:
    """A function on arrays and, under the name of each input, the rule from g = ∂L/∂y to its gradient.

        multiply = primitive(np.multiply, a=lambda g, b: g * b, b=lambda g, a: g * a)

    After g, whatever its name, a rule names what it reads: an input `x`; the output `y`; of an input only its
    shape, `x_shape`; options of the function. What no rule names is not kept. A rule returns its gradient
    before broadcasting is undone, or None for 0.

    Where the gradients of all inputs come out of one computation, a `joint` rule returns them in a sequence,
    for the `inputs` that are named in one string, or for ANY number of them, of which it may read the
    `shapes`. A function that returns a tuple has several outputs; then g holds a gradient for each of them,
    None where none has arrived, and `y` is the tuple.
    """

    def __init__(
        self, forward: Callable, rules: dict[str, Rule | None], joint: Rule | None = None, inputs: str = ""
    ) -> None:
        self.forward, self.name = forward, forward.__name__.strip("_")
        self.joint, self.any = joint, inputs == ANY
        self.inputs = [] if self.any else inputs.split() or list(rules)
        self.arity = ANY if self.any else len(self.inputs)
        self.rules = [joint] if joint else [rule or _no_gradient for rule in rules.values()]
        parameters = (
            [] if isinstance(forward, np.ufunc) else list(inspect.signature(forward).parameters.values())
        )
        n = len(self.inputs) or sum(p.kind is p.VAR_POSITIONAL for p in parameters)  # *xs
        self.options = {p.name: None if p.default is p.empty else p.default for p in parameters[n:]}
        self._may_be_left_out = sum(p.default is not p.empty for p in parameters[:n])
        self._place_names()

    def _place_names(self) -> None:
        """Where in `keep`'s list each rule finds what it reads."""
        named = [list(inspect.signature(rule).parameters)[1:] for rule in self.rules]
        read = {name for names in named for name in names}
        shapes = ["shapes"] if self.any else [f"{name}_shape" for name in self.inputs]
        self._shapes = [k for k, name in enumerate(shapes) if name in read]
        self._options = {name: default for name, default in self.options.items() if name in read}
        places = ["y", *self.inputs, *(shapes[k] for k in self._shapes), *self._options]
        if unknown := read - set(places):
            raise TypeError(
                f"primitive {self.name}: a rule reads {', '.join(sorted(unknown))}, neither an input "
                f"({', '.join(self.inputs)}), nor y, nor {', '.join(shapes)}, nor an option "
                f"({', '.join(self.options)})"
            )
        self._unread = [k for k, name in enumerate(["y", *self.inputs]) if name not in read]
        self.reads = [[places.index(name) for name in names] for names in named]

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        if options or len(inputs) != self.arity:
            inputs, options = self._arranged(inputs, options)
        arrays: list[Any] = []
        parents: list[Node | None] = []
        for x in inputs:
            if isinstance(x, Variable):
                arrays.append(x.array)
                parents.append(x.node)
            else:
                arrays.append(x if type(x) in _OPERANDS else manners.operand(x, inputs))
                parents.append(None)
        y = self._compute(arrays, options)
        if not (switches.recording and any(parents)):
            return self._unrecorded(inputs, y)
        several = type(y) is tuple
        node = manners.node(self, parents, self.keep(arrays, y, options), options, Parts if several else y)
        if switches.detecting:
            node.origin = manners.check_forward(self.name, arrays, y)
        return outputs_of(node, y) if several else variable(y, node)

    def _arranged(self, inputs: tuple, options: dict) -> tuple[tuple, dict]:
        """Inputs and options apart: np.sum(t, 0) gives an option by position."""
        if not self.any:
            n = len(self.inputs)
            left_out = (None,) * (n - len(inputs))  # as the bias of `linear` may be
            if len(left_out) > self._may_be_left_out:
                raise TypeError(f"{self.name} takes the inputs {', '.join(self.inputs)}, not {len(inputs)}")
            inputs, options = inputs[:n] + left_out, {**dict(zip(self.options, inputs[n:])), **options}
        if not options.keys() <= self.options.keys():
            raise TypeError(f"{self.name} takes the options {list(self.options)}, not {sorted(options)}")
        return inputs, options

    def _compute(self, arrays: list, options: dict) -> Any:
        try:
            y = self.forward(*arrays, **options)
        except (ValueError, IndexError) as error:
            raise manners.misfit(self.name, arrays, error) from None
        if type(y) is not tuple and y.dtype is not _FLOAT32:
            y = manners.output(y, self.forward, arrays, options)
        return y

    def _unrecorded(self, inputs: tuple, y: Any) -> Any:
        if not any(isinstance(x, Variable) for x in inputs):
            return y  # arrays in, arrays out: a rule may be written with primitives too
        if switches.detecting:
            manners.check_forward(self.name, [array_of(x) for x in inputs], y)
        return tuple(map(variable, y)) if type(y) is tuple else variable(y)

    def keep(self, arrays: list, y: Any, options: dict) -> list:
        """What the rules read: y, the inputs, shapes, options; None in the place of what none reads."""
        kept = [y] if self.any else [y, *arrays]
        for k in self._unread:
            kept[k] = None
        if self._shapes:
            shapes = [getattr(x, "shape", ()) for x in arrays]
            kept += [shapes] if self.any else [shapes[k] for k in self._shapes]
        if self._options:
            kept += [options.get(name, default) for name, default in self._options.items()]
        return kept


_OPERANDS = {np.ndarray, int, float, bool, type(None)}
_FLOAT32 = np.dtype(np.float32)


def _no_gradient(g: Any) -> None:
    """∂L/∂x = 0: for an input without a derivative, such as a condition."""


def primitive(
    forward: Callable, /, joint: Rule | None = None, inputs: str = "", numpy: Any = None, **rules: Rule | None
) -> Primitive:
    """Enter a primitive into the table; `numpy` is the NumPy function it answers for, if not `forward`."""
    made = Primitive(forward, rules, joint, inputs)
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
            raise manners.misfit(function.__name__, arrays, error) from None
        return variable(y) if any(isinstance(x, Variable) for x in inputs) else y

    ANSWERS[numpy or function] = apply
    return apply


# --- several outputs: each is picked out by a primitive of its own ------------------------------------------


class Parts(dict):
    """The gradients of several outputs, by number, as far as they have arrived; others come in by +."""

    shape = dtype = None  # as of the node

    def __init__(self, k: int, n: int, g: Any) -> None:
        super().__init__({k: g})
        self.n = n

    def __iter__(self) -> Iterator[Any]:
        """One for each output, None where nothing has arrived."""
        return map(self.get, range(self.n))

    def __add__(self, other: Parts) -> Parts:
        for k, g in other.items():
            self[k] = self[k] + g if k in self else g
        return self  # not a copy: of n outputs that would take n² steps, and nobody else holds these


def _pick(whole: Any, k: int, n: int) -> Any:
    return whole[k]


pick = Primitive(_pick, {"whole": lambda g, k, n: Parts(k, n, g)})


def outputs_of(node: Node, y: Any) -> Any:
    """Wrap what a primitive has returned; of several outputs, each gets a node of its own."""
    if type(y) is not tuple:
        return variable(y, node)
    n = len(y)
    picked = [
        manners.node(pick, [node], [None, None, k, n], {"k": k, "n": n}, part) for k, part in enumerate(y)
    ]
    return tuple(map(variable, y, picked))
