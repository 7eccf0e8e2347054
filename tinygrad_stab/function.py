"""A step of your own, with a derivative of your own: `torch.autograd.Function`.

    class Cube(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):  # from ∂L/∂y of each output to ∂L/∂x of each input
            (x,) = ctx.saved_tensors
            return g * 3 * x**2

    y = Cube.apply(x)

To the graph this is one step, whatever forward does. backward computes with tensors, so its result can be
differentiated again, provided that what it reads has been saved and is an input or an output. How a value in
between was made, nobody has recorded; a second derivative that would need one is refused. (PyTorch takes it
for a constant, and that second derivative is wrong.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .engine.graph import Variable, node_of, variable
from .engine.hooks import copied
from .engine.manners import manners
from .engine.primitive import ANY, Parts, Primitive, outputs_of
from .engine.switches import no_grad, switches


class Function:
    """Base class: define the static methods `forward(ctx, …)`, `backward(ctx, …)`, and call `apply(…)`."""

    _primitive: Primitive

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Any:
        """Compute a tensor, or a tuple of them, from tensors and whatever else."""
        raise NotImplementedError("a Function needs a staticmethod `forward(ctx, …)`")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Return the gradient of every argument of forward; None for what has none."""
        raise NotImplementedError("a Function needs a staticmethod `backward(ctx, …)`")

    def __init_subclass__(cls) -> None:
        def forward(*inputs: Any, ctx: Any, saved: Any) -> Any:
            raise NotImplementedError("`apply` computes, as a Function works on tensors")

        def rule(g: Any, y: Any, ctx: Any, saved: Any) -> list:
            return _gradients(cls, ctx, g, y)

        cls._primitive = Primitive(forward, {}, rule, ANY)
        cls._primitive.name = cls.__name__

    @classmethod
    def apply(cls, *inputs: Any) -> Any:
        """Compute forward, as one step of the graph."""
        ctx = Context(inputs)
        with no_grad():
            y = cls.forward(ctx, *inputs)
        outputs = y if isinstance(y, tuple) else (y,)
        for out in outputs:
            if not isinstance(out, Variable):
                raise TypeError(f"{cls.__name__}.forward must return tensors, not {type(out).__name__}")
        if not (switches.recording and any(ctx.needs_input_grad)):
            return y
        ctx.saved = [None if x is None else _Saved(x, inputs, outputs) for x in ctx.saved]
        several = isinstance(y, tuple)
        arrays = tuple(out.array for out in outputs) if several else y.array
        saved = [x.array for x in ctx.saved if x]  # listed so that writes are noticed
        parents, options = [node_of(x) for x in inputs], {"ctx": ctx, "saved": saved}
        kept = cls._primitive.keep([], arrays, options)
        return outputs_of(
            manners.node(cls._primitive, parents, kept, options, Parts if several else arrays), arrays
        )


class Context:
    """`ctx`: what forward leaves for backward, by `save_for_backward` or in attributes of any name."""

    saved_tensors: tuple[Any, ...]  # there while backward runs

    def __init__(self, inputs: Sequence[Any]) -> None:
        self.needs_input_grad = tuple(node_of(x) is not None for x in inputs)
        self.shapes = [x.array.shape if isinstance(x, Variable) else None for x in inputs]
        self.saved: Sequence[Any] = ()

    def save_for_backward(self, *tensors: Any) -> None:
        """Save tensors, or None, which backward finds in `ctx.saved_tensors`."""
        self.saved = tensors


class _Saved:
    """A saved tensor: its array, and where it came from.

    An output is not kept itself, only its number: it holds its node, which holds ctx, which holds this.
    """

    def __init__(self, x: Any, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        self.array, self.node = x.array, x.node
        self.number = next((k for k, out in enumerate(outputs) if out is x), None)
        self.is_input = any(x is given for given in inputs)

    def tensor(self, outputs: Sequence[Any]) -> Any:
        if self.number is not None:
            return outputs[self.number]
        if switches.recording and not self.is_input and self.array.dtype.kind == "f":
            raise RuntimeError(
                f"save_for_backward: a tensor of shape {self.array.shape} is neither an input nor an output "
                "of forward, so its derivative, which create_graph=True needs, is unknown: save the inputs "
                "and compute it again in backward, or return it as a further output"
            )
        return variable(self.array, self.node)


def _gradients(function: type[Function], ctx: Context, g: Any, y: Any) -> list:
    """Call backward, once for all inputs."""
    parts, values = (g, y) if isinstance(y, tuple) else ((g,), (y,))
    outputs = [value if isinstance(value, Variable) else variable(value) for value in values]
    ctx.saved_tensors = tuple(x and x.tensor(outputs) for x in ctx.saved)
    try:
        returned = function.backward(ctx, *map(_arrived, parts, outputs))
    finally:
        del ctx.saved_tensors  # an output among them holds ctx
    grads = list(returned) if isinstance(returned, tuple) else [returned]
    expected = len(ctx.shapes)
    if len(grads) < expected or any(grad is not None for grad in grads[expected:]):
        raise RuntimeError(
            f"function {function.__name__}Backward returned an incorrect number of gradients (expected "
            f"{expected}, got {len(grads)}): one for each argument of forward, None where there is none"
        )
    return [_checked(function, k, *pair) for k, pair in enumerate(zip(grads, ctx.shapes))]


def _arrived(part: Any, out: Variable) -> Variable:
    """The gradient of an output, as a tensor that backward may change; zeros where none has arrived."""
    return variable(np.zeros_like(out.array)) if part is None else copied(part)


def _checked(function: type[Function], k: int, grad: Any, shape: Any) -> Any:
    if grad is None or shape is None:
        return None
    name = function.__name__
    if not isinstance(grad, Variable):
        raise TypeError(f"{name}.backward must return tensors or None, not {type(grad).__name__}")
    found = grad.array.shape
    aligned = zip(found[len(found) - len(shape) :], shape)
    if len(found) < len(shape) or any(m != n and n != 1 for m, n in aligned):
        raise RuntimeError(
            f"Function {name}Backward returned an invalid gradient at index {k} - got {list(found)} but "
            f"expected shape compatible with {list(shape)}"
        )
    return copied(grad) if switches.recording else grad.array.copy()  # backward may return one array twice
