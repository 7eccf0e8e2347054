"""One forward and one backward pass, and all that the detectors read off it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...autograd import grad
from ...creation import as_tensor
from ...graph import Node
from ...nn.module import Module
from ...nn.normalization import _BatchNorm
from ...tensor import Tensor
from ..mean_field import predicted_gains
from ..probe import LayerRecord, leaf, loss_of, measure, measured_signal
from ..trace import Call, Step, Trace, first_tensor


@dataclass
class Examination:
    """A model in training mode, on one batch: what its layers did, what came out, what came back."""

    model: Module
    x: Tensor
    y: Any
    loss_fn: Callable[..., Any] | None
    optimizer: Any
    calls: list[Call]
    rows: list[LayerRecord]
    output: Tensor
    plain: bool  # is the output what the loss takes, rather than a part of it?
    loss: float
    gradients: Mapping[Any, Tensor]
    branch_ends: list[str]  # layers whose output is added to something else, as in a residual block

    @property
    def hidden(self) -> list[tuple[Call, LayerRecord]]:
        """The calls of all layers but the last, with what was measured there."""
        return list(zip(self.calls, self.rows))[:-1]

    @property
    def activation(self) -> Step | None:
        """The activation that most hidden layers have."""
        steps = [call.activation for call, _ in self.hidden if call.activation is not None]
        names = [name_of(step.apply) for step in steps]
        return max(steps, key=lambda step: names.count(name_of(step.apply)), default=None)

    @property
    def has_classes(self) -> bool:
        """Is the output a row of scores for every sample, and the target the index of one of them?"""
        y, shape = self.y, self.output.shape
        if not self.plain or y is None or y.dtype.kind not in "iu" or len(shape) != 2:
            return False
        return y.shape == shape[:1] and bool(np.all((y.array >= 0) & (y.array < shape[1])))

    def loss_of(self, output: Tensor) -> float:
        """What the loss would be for another output."""
        return loss_of(output, self.y, self.loss_fn).item()


def examine(model: Module, x: Any, y: Any, loss_fn: Callable[..., Any] | None, optimizer: Any) -> Examination:
    """Run the model once, forward and backward; to be called inside `unchanged(model)`."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    if not parameters and any(True for _ in model.parameters()):
        raise ValueError(
            f"no parameter of {type(model).__name__} requires a gradient: nothing can be trained"
        )
    model.train()
    x, y = leaf(x), None if y is None else as_tensor(y)
    with Trace(model) as trace:
        result = model(x)
        loss = loss_of(result, y, loss_fn)
        ends = {call.z.node: call.name for call in trace.calls}
        branch_ends = [ends[node] for node in _summands(loss.node) if node in ends]
        found = grad(loss, [x, *parameters] if x.requires_grad else parameters, allow_unused=True)
    gradients = {p: g for p, g in zip(parameters, found[-len(parameters) :]) if g is not None}
    predicted = predicted_gains(trace.calls, measured_signal)
    rows = [measure(call, gradients, gain.backward) for call, gain in zip(trace.calls, predicted)]
    output = first_tensor(result)
    if output is None:
        raise ValueError(f"{type(model).__name__} returns no tensor that could be judged")
    return Examination(
        model=model,
        x=x,
        y=y,
        loss_fn=loss_fn,
        optimizer=optimizer,
        calls=trace.calls,
        rows=rows,
        output=output.detach(),
        plain=output is result,
        loss=loss.item(),
        gradients=gradients,
        branch_ends=sorted(branch_ends, key=list(ends.values()).index),
    )


def _summands(end: Node | None) -> Iterator[Node]:
    """The nodes that are added to another node of the same shape, anywhere in the graph."""
    waiting, seen = [end], set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        parents = [parent for parent in node.parents if parent is not None]
        if node.primitive is not None and node.primitive.name == "add" and len(parents) == 2:
            a, b = parents
            if a.shape == b.shape:
                yield from parents
        waiting += parents


def name_of(apply: Any) -> str:
    """What an activation is called: the class of a module, or the name of a primitive."""
    return type(apply).__name__ if isinstance(apply, Module) else getattr(apply, "func", apply).name


def is_normalized(call: Call) -> bool:
    """Does a normalization stand between the layer and its activation?"""
    return any("Norm" in type(step.apply).__name__ for step in (call.steps or ())[:1])


def is_batchnorm(step: Step) -> bool:
    """Is it a BatchNorm of any number of dims?"""
    return isinstance(step.apply, _BatchNorm)


def geometric_mean(factors: Sequence[float | None]) -> float:
    """Of what is known and not 0; 1 if nothing is."""
    logs = [math.log(factor) for factor in factors if factor]
    return math.exp(float(np.mean(logs))) if logs else 1.0


def weight_var(call: Call) -> float:
    """σ_w² = fan_in · E W²."""
    W = call.matrices[0].array
    return float(np.mean(np.square(W, dtype=float))) * W[0].size
