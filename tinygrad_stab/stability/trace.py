"""Watch a model compute: what went into each layer, what came out, and what gradient came back.

A layer is a module that owns a matrix of weights. Its output z passes through activations, normalizations and
the like, its steps, until the next layer receives it as h:

    x ──▶ layer ──▶ z ──▶ steps ──▶ h, the next layer's x           forward
    ∂L/∂x ◀── Wᵀ ◀── ∂L/∂z ◀── slopes ◀── ∂L/∂h                     backward

The steps are found in the recorded graph, on the way back from h to z. So an activation may be a module, one
that is used twice, or a function. Where the way forks, as in a residual sum, z itself is what is handed on.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ..grad_mode import is_grad_enabled
from ..graph import Node, Primitive
from ..nn.module import Module
from ..ops import activation, elementwise
from ..tensor import Tensor

ELEMENTWISE = {"hardtanh"} | {
    p.name for table in (activation, elementwise) for p in vars(table).values() if isinstance(p, Primitive)
}
MOVES = {"reshape", "transpose", "swapaxes", "squeeze", "expand_dims"}  # these change no value


class Step(NamedTuple):
    """Something that happens to z: a module, or a primitive with its options; its arrays, where known."""

    apply: Callable[[Any], Any]
    input: np.ndarray | None
    output: np.ndarray | None
    elementwise: bool


@dataclass
class Call:
    """One call of a layer. The backward pass adds the gradients of x (through this layer alone), z and h."""

    name: str
    module: Module
    matrices: Sequence[Tensor]  # its own weights, without biases
    x: Tensor
    z: Tensor
    h: Tensor
    steps: list[Step] | None = None  # None: no single way leads on from z
    gradients: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def activation(self) -> Step | None:
        """The first nonlinearity that z meets."""
        return next((step for step in self.steps or () if step.elementwise), None)


class Trace:
    """The calls of a model's layers in its latest forward pass: `with Trace(model) as trace: model(x)`.

    Hooks are set on entry and removed on exit. In between, nothing is recorded while `watching` is False.
    """

    def __init__(self, model: Module) -> None:
        self.model = model
        self.layers = {
            module: (name or type(module).__name__, matrices)
            for name, module in model.named_modules()
            if (matrices := [p for p in module.parameters(recurse=False) if p.ndim >= 2])
        }
        if not self.layers:
            raise ValueError(
                f"{type(model).__name__} has no parameters, or none that is a matrix of weights, so there is "
                "no layer to look at: are its layers in a plain Python list instead of an nn.ModuleList?"
            )
        self.watching = True
        self.seconds = 0.0  # spent in the hooks
        self.calls: list[Call] = []
        self._handles: list[Any] = []
        self._made: dict[Node, tuple[Module, Node | None]] = {}  # by which module, from what
        self._behind: dict[Node, Tensor] = {}  # the input of a layer behind the view that it was given
        self._arrays: dict[Node | None, np.ndarray] = {}

    def __enter__(self) -> Trace:
        keep = self._handles.append
        keep(self.model.register_forward_pre_hook(self._timed(self._begin)))
        for module in self.model.modules():
            if module in self.layers:
                keep(module.register_forward_pre_hook(self._timed(self._enter_layer)))
                keep(module.register_forward_hook(self._timed(self._leave_layer)))
            elif not any(True for _ in module.children()):
                keep(module.register_forward_hook(self._timed(self._leave_step)))
        keep(self.model.register_forward_hook(self._timed(self._end)))
        return self

    def __exit__(self, *exception: Any) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def _timed(self, hook: Callable) -> Callable:
        def timed(*args: Any) -> Any:
            start = time.perf_counter()
            result = hook(*args) if self.watching and is_grad_enabled() else None
            self.seconds += time.perf_counter() - start
            return result

        return timed

    # --- while the model computes --------------------------------------------------------------------------

    def _begin(self, module: Module, inputs: tuple) -> None:
        self.calls = []

    def _enter_layer(self, module: Module, inputs: tuple) -> tuple | None:
        """Give the layer a view of its input: the gradient there is what comes through this layer alone."""
        x = first_tensor(inputs)
        if x is None or x is not inputs[0] or x.node is None:
            return None
        view = x.view(*x.shape)
        if view.node is not None:
            self._behind[view.node] = x
        return (view, *inputs[1:])

    def _leave_layer(self, module: Module, inputs: tuple, output: Any) -> None:
        view, z = first_tensor(inputs), first_tensor(output)
        if view is None or z is None or z.node is None:
            return
        x = view if view.node is None else self._behind.get(view.node, view)
        earlier = sum(call.module is module for call in self.calls)
        name, matrices = self.layers[module]
        name += f" #{earlier + 1}" if earlier else ""
        self.calls.append(Call(name, module, matrices, x, z, h=z))
        self._arrays[z.node] = z.array
        _keep_gradient(self.calls[-1], "x", view)
        _keep_gradient(self.calls[-1], "z", z)

    def _leave_step(self, module: Module, inputs: tuple, output: Any) -> None:
        x = first_tensor(inputs)
        if x is not None and isinstance(output, Tensor) and output.node not in (None, x.node):
            self._made[output.node] = module, x.node
            self._arrays[x.node], self._arrays[output.node] = x.array, output.array

    def _end(self, module: Module, inputs: tuple, output: Any) -> None:
        """Walk back from what each layer received, and from the output, to the z that it was made of."""
        made_of = {call.z.node: call for call in self.calls}
        for h in [*(call.x for call in self.calls), first_tensor(output)]:
            if h is None or h.node is None:
                continue
            self._arrays[h.node] = h.array
            steps: list[Step] = []
            node: Node | None = h.node
            while node is not None and node not in made_of:
                node = self._step_back(node, steps)
            if node is not None and made_of[node].steps is None:
                made_of[node].h, made_of[node].steps = h, steps[::-1]
        for call in self.calls:
            _keep_gradient(call, "h", call.h)
        self._made, self._behind, self._arrays = {}, {}, {}

    def _step_back(self, node: Node, steps: list[Step]) -> Node | None:
        """Add the step that made a node, unless it only moved values; return the node it was made from."""
        if node in self._made:
            apply: Callable
            apply, before = self._made[node]
            pointwise = _is_elementwise(node, before)
            moves = np.may_share_memory(self._arrays[node], self._arrays[before])
        elif node.primitive is not None and len(node.parents) == 1:
            apply, before = partial(node.primitive, **node.options), node.parents[0]
            pointwise, moves = node.primitive.name in ELEMENTWISE, node.primitive.name in MOVES
        else:
            return None
        if not moves:
            steps.append(Step(apply, self._arrays.get(before), self._arrays.get(node), pointwise))
        return before


def first_tensor(values: Any) -> Tensor | None:
    """The first of the values that a layer takes or returns, if it is a tensor."""
    while isinstance(values, (tuple, list)) and values:
        values = values[0]
    return values if isinstance(values, Tensor) else None


def _keep_gradient(call: Call, of: str, tensor: Tensor) -> None:
    gradients = call.gradients  # a hook that knew the call would know the tensor that has the hook: a cycle
    if tensor.node is not None:
        tensor.register_hook(lambda g: gradients.__setitem__(of, g.array))


def _is_elementwise(y: Node, x: Node | None) -> bool:
    """Is y made of x element by element, and of nothing else but single numbers?"""
    waiting, seen = [y], {x}
    while waiting:
        node = waiting.pop()
        if node in seen or (node.primitive is None and math.prod(node.shape) == 1):  # type: ignore[arg-type]
            continue
        seen.add(node)
        if node.primitive is None or node.primitive.name not in ELEMENTWISE:
            return False
        if node.primitive.name != "where" and any(
            parent is None and isinstance(value, np.ndarray) and value.size > 1
            for value, parent in zip(node.inputs, node.parents)
        ):
            return False  # a mask, as in dropout
        waiting += [parent for parent in node.parents if parent is not None]
    return True
