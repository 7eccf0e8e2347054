"""A function that can be differentiated, and the table of them all.

    multiply = primitive(np.multiply, a=lambda g, b: g * b, b=lambda g, a: g * a)

The functions themselves, with their rules, stand in `ops/`.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .graph import Node, Variable, array_of, variable
from .manners import manners
from .numpy_words import ANSWERS
from .switches import switches

TABLE: dict[str, Primitive] = {}  # every primitive by name, so that a test can check them all
ANY = "any number of them"  # inputs of a primitive
Rule = Callable[..., Any]


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
        self._may_be_left_out, self.options = _defaults(forward, len(self.inputs))
        self._place_names()

    def _place_names(self) -> None:
        """Turn the names that each rule reads into places in `keep`'s list."""
        named = [list(inspect.signature(rule).parameters)[1:] for rule in self.rules]
        read = set().union(*named)
        places = self._places(read)
        if unknown := read - set(places):
            raise TypeError(
                f"primitive {self.name}: a rule reads {', '.join(sorted(unknown))}, neither an input "
                f"({', '.join(self.inputs)}), nor y, nor a shape such as x_shape, nor an option "
                f"({', '.join(self.options)})"
            )
        self._unread = [k for k, name in enumerate(["y", *self.inputs]) if name not in read]
        self.reads = [_reader([places.index(name) for name in names]) for names in named]

    def _places(self, read: set[str]) -> list[str]:
        """The names of what `keep` returns."""
        shapes = ["shapes"] if self.any else [f"{name}_shape" for name in self.inputs]
        self._shapes = [k for k, name in enumerate(shapes) if name in read]
        self._options = {name: default for name, default in self.options.items() if name in read}
        self._reads_more = bool(self._shapes or self._options)
        return ["y", *self.inputs, *(shapes[k] for k in self._shapes), *self._options]

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
                arrays.append(_operand(x, inputs))
                parents.append(None)
        try:
            y = self.forward(*arrays, **options)
        except (ValueError, IndexError) as error:
            raise manners.misfit(self.name, arrays, error) from None
        if type(y) is not tuple and y.dtype is not _FLOAT32:
            y = manners.output(y, self.forward, arrays, options)
        if any(parents) and switches.recording:
            return self._recorded(parents, arrays, options, y)
        return self._unrecorded(inputs, arrays, y)

    def _recorded(self, parents: list, arrays: list, options: dict, y: Any) -> Any:
        like = y if type(y) is not tuple else Parts
        node = manners.node(self, parents, self.keep(arrays, y, options), options, like)
        if switches.detecting:
            node.origin = manners.check_forward(self.name, arrays, y)
        return variable(y, node) if type(y) is not tuple else outputs_of(node, y)

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

    def _unrecorded(self, inputs: tuple, arrays: list, y: Any) -> Any:
        if not any(isinstance(x, Variable) for x in inputs):
            return y  # arrays in, arrays out: a rule may be written with primitives too
        if switches.detecting:
            manners.check_forward(self.name, arrays, y)
        return tuple(map(variable, y)) if type(y) is tuple else variable(y)

    def keep(self, arrays: list, y: Any, options: dict) -> list:
        """What the rules read: y, the inputs, shapes, options; None in the place of what none reads."""
        kept = [y, *arrays] if not self.any else [y]
        for k in self._unread:
            kept[k] = None
        if self._reads_more:
            shapes = [getattr(x, "shape", ()) for x in arrays] if self._shapes else []
            kept += [shapes] if self.any and shapes else [shapes[k] for k in self._shapes]
            kept += [options.get(name, default) for name, default in self._options.items()]
        return kept


_OPERANDS = {np.ndarray, int, float, bool, type(None)}


def _operand(x: Any, inputs: tuple) -> Any:
    return x if type(x) in _OPERANDS else manners.operand(x, inputs)


_FLOAT32 = np.dtype(np.float32)


def _defaults(forward: Callable, inputs: int) -> tuple[int, dict[str, Any]]:
    """How many of its inputs have defaults; and its options, with theirs. Those of a ufunc stay NumPy's."""
    if isinstance(forward, np.ufunc):
        return 0, {}
    parameters = list(inspect.signature(forward).parameters.values())
    n = inputs or 1  # *xs
    options = {p.name: None if p.default is p.empty else p.default for p in parameters[n:]}
    return sum(p.default is not p.empty for p in parameters[:n]), options


def _reader(places: list[int]) -> Callable[[list], tuple]:
    """From a list to the values at these places."""
    if len(places) > 1:
        return operator.itemgetter(*places)
    return (lambda kept: (kept[places[0]],)) if places else (lambda kept: ())


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


def as_variables(node: Node) -> list:
    """What a node has kept, as the variables that it was: so that what a rule makes of it is recorded."""
    y, *others = node.values()
    n = len(node.primitive.inputs)
    inputs = [
        variable(x, parent) if parent and isinstance(x, np.ndarray) else x
        for x, parent in zip(others[:n], node.parents)
    ]
    return [None if y is None else outputs_of(node, y), *inputs, *others[n:]]
