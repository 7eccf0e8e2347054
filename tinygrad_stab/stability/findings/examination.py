"""One forward and one backward pass, and all that the detectors read off it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...autograd import grad
from ...engine.graph import Node
from ...nn.module import Module
from ...nn.normalization import _BatchNorm
from ...tensor import Tensor
from ...tensor.creation import as_tensor
from ..mean_field import predicted_gains
from ..probe import LayerRecord, leaf, loss_of, measure, measured_signal
from ..steps import Step
from ..trace import Call, Trace, first_tensor, tensors_in


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
    hidden: list[tuple[Call, LayerRecord]]  # the calls of all but output layers, with what was measured
    output: Tensor
    plain: bool  # is the output what the loss takes, rather than a part of it?
    loss: float
    gradients: Mapping[Any, Tensor]
    branch_ends: list[Call]  # layers whose h is added to something else, as in a residual block

    @property
    def activation(self) -> Step | None:
        """The activation that most hidden layers have."""
        steps = [call.activation for call, _ in self.hidden if call.activation is not None]
        names = [step.name for step in steps]
        return max(steps, key=lambda step: names.count(step.name), default=None)

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
        summands = set(_summands(loss.node))
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
        hidden=_hidden(trace.calls, rows, result),
        output=output.detach(),
        plain=output is result,
        loss=loss.item(),
        gradients=gradients,
        branch_ends=[call for call in trace.calls if call.h.node in summands],
    )


def _hidden(calls: list[Call], rows: list[LayerRecord], result: Any) -> list[tuple[Call, LayerRecord]]:
    outputs = {t.node for t in tensors_in(result)}
    only_output = [call.received == 1 and call.h.node in outputs for call in calls[:-1]]
    return [pair for *pair, is_output in zip(calls, rows, only_output) if not is_output]  # type: ignore[misc]


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


def is_normalized(call: Call) -> bool:
    """Does a normalization stand between the layer and its activation?"""
    return any("norm" in step.name.lower() or "standardize" in step.name for step in (call.steps or ())[:1])


def is_batchnorm(step: Step) -> bool:
    """Is it a BatchNorm, of any number of dims, or F.batch_norm?"""
    return isinstance(step.apply, _BatchNorm) or "batch_norm" in step.name


def bias_of(call: Call) -> Tensor | None:
    """The bias of a layer that has one by that name."""
    bias = getattr(call.module, "bias", None)
    return bias if isinstance(bias, Tensor) else None  # a recurrent layer says True


def geometric_mean(factors: Sequence[float | None]) -> float:
    """Of what is known; 1 if nothing is."""
    known = [factor for factor in factors if factor is not None]
    if 0 in known:
        return 0.0
    return math.exp(float(np.mean(np.log(known)))) if known else 1.0


def weight_var(*calls: Call) -> float | None:
    """σ_w² = fan_in · E W² of a layer, or the geometric mean of several; None if one is no product."""
    if not calls or any(call.fan_in is None for call in calls):
        return None
    squares = [float(np.mean(np.square(call.matrices[0].array, dtype=float))) for call in calls]
    return geometric_mean([square * (call.fan_in or 0) for square, call in zip(squares, calls)])


def shown(number: float | None) -> str:
    """As it stands in a sentence."""
    return "–" if number is None else f"{number:.3g}"
