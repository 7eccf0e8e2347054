"""Watch a model compute: what went into each layer, what came out, and what gradient came back.

A layer is a module that owns a matrix of weights. Its output z passes through activations, normalizations and
the like, its steps, until the next layer receives it as h:

    x ──▶ layer ──▶ z ──▶ steps ──▶ h, the next layer's x           forward
    ∂L/∂x ◀── Wᵀ ◀── ∂L/∂z ◀── slopes ◀── ∂L/∂h                     backward

The steps are found in the recorded graph, by four files. For `next_layer(2 * relu(batch_norm(layer(x))))`:

    layer ─▶ batch_norm ─▶ relu ─▶ multiply ─▶ next_layer     nodes of the graph
             └────────── the way on ──────────┘               ways.py: what z passes through before it is
             └ stretch ─┘└stretch┘└ stretch ──┘                        received, from one node to the next
             └── step ──┘└─────── step ───────┘               steps.py: elementwise stretches in a row are one
                         u ─▶ 2 max(u, 0)                     replay.py: a stretch, run on other numbers

Where the way forks, or leads into a residual sum, h is the last value that is this layer's alone.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from .. import ops
from ..engine.graph import Node, variable
from ..engine.hooks import RemovableHandle
from ..nn.module import Module
from ..nn.normalization import _Normalization
from ..tensor import Tensor
from ..tensor.grad_mode import is_grad_enabled
from .replay import is_affine
from .steps import Arrays, Step, steps_along
from .ways import Made, Ways, made_of, reached


@dataclass
class Call:
    """One call of a layer. The backward pass adds the gradients of x (through this layer alone), z and h."""

    layer: str
    module: Module
    matrices: Sequence[Tensor]  # its own weights, without biases
    x: Tensor
    z: Tensor
    h: Tensor
    steps: list[Step] | None = None  # None: the way forks right behind z
    received: int = 0  # by how many layers, or the caller; 0 for a summand and the like
    product: bool = False  # is z no more than a product of x with the weights, and a bias?
    number: int = 1  # which call of this layer
    gradients: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.layer if self.number == 1 else f"{self.layer} #{self.number}"

    @property
    def fan_in(self) -> int | None:
        """How many inputs a unit adds up, each times a weight; None if that is not what it does."""
        W, (n, m) = self.matrices[0].array, (self.x.shape[-1], self.z.shape[-1])
        if not self.product or len(self.matrices) > 1 or (W.ndim == 2 and W.shape not in ((m, n), (n, m))):
            return None
        return n if W.ndim == 2 else W[0].size

    @property
    def activation(self) -> Step | None:
        """The first nonlinear function of single numbers that z meets."""
        return next((step for step in self.steps or () if step.elementwise and not step.affine), None)


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
            and not isinstance(module, _Normalization)  # whose γ may have the shape of an image
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
        self._forget()

    def _forget(self) -> None:
        self._given: list[Node | None] = []  # the inputs of the model
        self._views: list[Node | None] = []  # what each layer was given for an input
        self._behind: dict[Node | None, Tensor] = {}  # the input itself
        self._received: Counter[Node] = Counter()  # by layers and the caller
        self._made: Made = {}
        self._arrays: Arrays = {}

    def __enter__(self) -> Trace:
        keep = self._handles.append
        keep(self.model.register_forward_pre_hook(self._timed(self._begin), with_kwargs=True))
        for module in self.model.modules():
            if module in self.layers:
                keep(module.register_forward_pre_hook(self._timed(self._enter_layer), with_kwargs=True))
                keep(module.register_forward_hook(self._timed(self._leave_layer), with_kwargs=True))
            elif not any(True for _ in module.children()):
                keep(module.register_forward_hook(self._timed(self._leave_step), with_kwargs=True))
        keep(self.model.register_forward_hook(self._timed(self._end), with_kwargs=True))
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

    def _begin(self, module: Module, inputs: tuple, named: dict) -> None:
        self.calls = []
        self._forget()
        self._given = [t.node for t in tensors_in((inputs, named))]

    def _enter_layer(self, module: Module, inputs: tuple, named: dict) -> tuple[tuple, dict] | None:
        """Give the layer a view of its input: the gradient there is what comes through this layer alone."""
        x = first_tensor((inputs, named))
        if x is None or x.node is None or not any(value is x for value in (*inputs, *named.values())):
            return None
        view = ops.reshape(x, shape=x.array.shape)
        self._behind[view.node] = variable(x.array, x.node)
        replaced = {name: view if value is x else value for name, value in named.items()}
        return tuple(view if value is x else value for value in inputs), replaced

    def _leave_layer(self, module: Module, inputs: tuple, named: dict, output: Any) -> None:
        view, z = first_tensor((inputs, named)), first_tensor(output)
        if view is None or z is None or z.node is None:
            return
        x = self._behind.get(view.node, view)
        x, z = (
            variable(x.array, x.node),
            variable(z.array, z.node),
        )  # a write in place would change the others
        layer, matrices = self.layers[module]
        number = 1 + sum(call.module is module for call in self.calls)
        self.calls.append(Call(layer, module, matrices, x, z, h=z, number=number))
        self._views.append(view.node if view.node in self._behind else None)
        self._receive((inputs, named))

    def _receive(self, values: Any) -> None:
        """A layer, or the caller, receives these."""
        for t in tensors_in(values):
            t = self._behind.get(t.node, t)
            if t.node is not None:
                self._received[t.node] += 1
                self._arrays[t.node] = t.array

    def _leave_step(self, module: Module, inputs: tuple, named: dict, output: Any) -> None:
        x = first_tensor((inputs, named))
        if x is not None and x.node and isinstance(output, Tensor) and output.node not in (None, x.node):
            self._made[output.node] = module, x.node
            self._arrays[output.node] = output.array

    def _end(self, module: Module, inputs: tuple, named: dict, output: Any) -> None:
        """Follow each layer's output to what is received."""
        self._receive(output)
        returned = [call.z.node for call in self.calls]
        starts = {node for node in (*returned, *self._views, *self._given) if node}
        ends = set(self._received)
        ways, outside = Ways(starts, ends, self._made), starts | ends
        beside = set(ways.nodes)  # a view among them: a way leads on from there that does not pass z
        z: Any
        for call, view in zip(self.calls, self._views):
            z = call.z.node
            steps, call.h = steps_along(ways.on_from(z), call.z, self._arrays)
            h: Any = call.h.node
            call.received = max(self._received[h], h in ways.ends)
            call.steps = steps if steps or call.received else None
            call.product = _is_product(z, view, outside)
            _keep_gradient(call, "z", z)
            _keep_gradient(call, "h", h)
            if view not in beside:
                _keep_gradient(call, "x", view)
        self._forget()


def in_a_row(calls: list[Call]) -> list[bool]:
    """Of each call but the first: does it receive what the one before hands on, and nobody else?"""
    return [b.x.node is a.h.node and a.received == 1 for a, b in pairwise(calls)]


def tensors_in(values: Any) -> Iterator[Tensor]:
    """All tensors in what a layer takes or returns, in order."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, (tuple, list, Mapping)):
        for value in values.values() if isinstance(values, Mapping) else values:
            yield from tensors_in(value)


def first_tensor(values: Any) -> Tensor | None:
    """The first of the tensors that a layer takes or returns, if there is one."""
    return next(tensors_in(values), None)


def _keep_gradient(call: Call, of: str, node: Node | None) -> None:
    gradients = call.gradients  # a hook that knew the call would know the tensor that has the hook: a cycle
    if node is not None:
        node.hooks = {} if node.hooks is None else node.hooks
        RemovableHandle(node.hooks, lambda g: gradients.__setitem__(of, g.array))


def _is_product(z: Node, x: Node | None, outside: set[Node]) -> bool:
    """Is z a linear function of x, but for a constant? Of an x that has no node, only the ops can tell."""
    inside = [*reached({parent for parent in z.parents if parent}, outside), z]
    moving = made_of({x}, inside) if x else {node for node in inside if node.primitive} - outside | {z}
    return all(is_affine(node.primitive, [p in moving for p in node.parents]) for node in moving - {x})
