"""One forward and one backward pass, and all that the detectors read off it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import random
from ...autograd import grad
from ...engine.graph import Node
from ...engine.switches import no_grad
from ...nn.module import Module
from ...nn.normalization import _BatchNorm, _Normalization
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
    eval_loss: float | None  # in evaluation mode, of a model that has then other statistics
    gradients: Mapping[Any, Tensor]
    branch_ends: list[Call]  # layers whose h is added to something else, as in a residual block
    strangers: list[Tensor]  # what the output was made of and needs a gradient, but is no parameter
    normalized: list[tuple[str, Any, tuple[int, ...]]]  # normalizations: name, module, shape of the input
    reads_x: bool  # does the first layer receive x itself, whatever its shape?
    ends_in_layer: bool  # is the output that of the last layer, with its activation?
    trial: Any = None  # ten steps of the optimizer, once they were taken

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

    @property
    def has_numbers(self) -> bool:
        """Is the target an array of numbers, one for every number of the output?"""
        y = self.y
        return (
            self.plain
            and y is not None
            and y.dtype.kind == "f"
            and y.array.size == self.output.array.size
            and bool(np.all(np.isfinite(y.array)))
        )

    @property
    def is_alike(self) -> bool:
        """Are all samples the same?"""
        x = self.x.array
        return bool(np.all(x == x[:1]))

    def loss_of(self, output: Any, y: Any = None) -> float:
        """What the loss would be of another output, or for other targets; NaN if the loss refuses it."""
        output = Tensor(np.asarray(output, self.output.dtype))
        try:
            with no_grad():
                return float(loss_of(output, self.y if y is None else y, self.loss_fn).item())
        except (RuntimeError, ValueError, IndexError, TypeError, ArithmeticError):
            return math.nan

    def answer(self, x: np.ndarray) -> np.ndarray:
        """The output for another input, in evaluation mode, with the same random numbers every time."""
        modes = [(module, module.training) for module in self.model.modules()]
        self.model.eval()
        random.manual_seed(0)
        try:
            with no_grad():
                output = first_tensor(self.model(Tensor(x)))
        finally:
            for module, mode in modes:
                module.training = mode
        return np.zeros(0) if output is None else output.array


def examine(model: Module, x: Any, y: Any, loss_fn: Callable[..., Any] | None, optimizer: Any) -> Examination:
    """Run the model once, forward and backward; to be called inside `unchanged(model)`."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    if not parameters and any(True for _ in model.parameters()):
        raise ValueError(
            f"no parameter of {type(model).__name__} requires a gradient: nothing can be trained"
        )
    x, y = leaf(x), None if y is None else as_tensor(y)
    eval_loss = _eval_loss(model, x, y, loss_fn)
    model.train()
    normalized: list[tuple[str, Any, tuple[int, ...]]] = []
    with Trace(model) as trace, _watched(model, normalized):
        result = model(x)
        loss = loss_of(result, y, loss_fn)
        output = first_tensor(result)
        if output is None:
            raise ValueError(f"{type(model).__name__} returns no tensor that could be judged")
        summands = set(_summands(loss.node))
        strangers = [t for t in _leaves(output.node) if t is not x and t not in set(model.parameters())]
        reads_x = bool(trace.calls) and _is_moved(trace.calls[0].x.node, x.node)
        found = grad(loss, [x, *parameters] if x.requires_grad else parameters, allow_unused=True)
    gradients = {p: g for p, g in zip(parameters, found[-len(parameters) :]) if g is not None}
    if not trace.calls:
        raise ValueError(
            f"no layer of {type(model).__name__} was called with gradients: is forward() under no_grad()?"
        )
    predicted = predicted_gains(trace.calls, measured_signal)
    rows = [measure(call, gradients, gain.backward) for call, gain in zip(trace.calls, predicted)]
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
        eval_loss=eval_loss,
        gradients=gradients,
        branch_ends=[call for call in trace.calls if call.h.node in summands],
        strangers=strangers,
        normalized=normalized,
        reads_x=reads_x,
        ends_in_layer=trace.calls[-1].h.node is output.node,
    )


def _eval_loss(model: Module, x: Tensor, y: Any, loss_fn: Callable[..., Any] | None) -> float | None:
    """The loss in evaluation mode, if running statistics were ever updated: before this pass does it
    again."""
    if not any(isinstance(m, _BatchNorm) and _updates(m) for m in model.modules()):
        return None
    model.eval()
    with no_grad():
        return loss_of(model(x), y, loss_fn).item()


def _updates(norm: Any) -> int:
    count = getattr(norm, "num_batches_tracked", None)
    return 0 if count is None else int(count)


class _watched:
    """While it lasts, note the shape of what every normalization receives."""

    def __init__(self, model: Module, noted: list[tuple[str, Any, tuple[int, ...]]]) -> None:
        self.handles = [
            module.register_forward_pre_hook(
                lambda m, inputs, name=name: (
                    noted.append((name, m, tuple(inputs[0].shape))) if inputs else None
                )
            )
            for name, module in model.named_modules()
            if isinstance(module, _Normalization)
        ]

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: Any) -> None:
        for handle in self.handles:
            handle.remove()


def _hidden(calls: list[Call], rows: list[LayerRecord], result: Any) -> list[tuple[Call, LayerRecord]]:
    outputs = {t.node for t in tensors_in(result)}
    only_output = [call.received == 1 and call.h.node in outputs for call in calls[:-1]]
    return [pair for *pair, is_output in zip(calls, rows, only_output) if not is_output]  # type: ignore[misc]


# --- the recorded graph: all that is asked of it here -------------------------------------------------------


_MOVES = {
    "reshape",
    "transpose",
    "swapaxes",
    "squeeze",
    "expand_dims",
    "getitem",
    "pick",
    "unbind",
    "moveaxis",
}


def _name(node: Node) -> str:
    return "" if node.primitive is None else node.primitive.name


def _nodes(end: Node | None) -> Iterator[Node]:
    """All nodes that led to this one."""
    waiting, seen = [end], set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        yield node
        waiting += node.parents


def _summands(end: Node | None) -> Iterator[Node]:
    """The nodes that are added to another node of the same shape, anywhere in the graph."""
    for node in _nodes(end):
        parents = [parent for parent in node.parents if parent is not None]
        if _name(node) == "add" and len(parents) == 2 and parents[0].shape == parents[1].shape:
            yield from parents


def _leaves(end: Node | None) -> Iterator[Tensor]:
    """The tensors that need a gradient and were not computed."""
    for node in _nodes(end):
        tensor = node.leaf() if node.primitive is None else None
        if tensor is not None:
            yield tensor


def _is_moved(node: Node | None, source: Node | None) -> bool:
    """Is the one made of the other by moves alone?"""
    while node is not None and node is not source and _name(node) in _MOVES and node.parents:
        node = node.parents[0]
    return node is source


# --- what several detectors ask -----------------------------------------------------------------------------


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


def root_mean_square(a: Any) -> float:
    """√E a²; 0 of nothing."""
    return float(np.sqrt(np.mean(np.square(a, dtype=float)))) if np.size(a) else 0.0


def weight_var(*calls: Call) -> float | None:
    """σ_w² = fan_in · E W² of a layer, or the geometric mean of several; None if one is no product."""
    if not calls or any(call.fan_in is None for call in calls):
        return None
    squares = [float(np.mean(np.square(call.matrices[0].array, dtype=float))) for call in calls]
    return geometric_mean([square * (call.fan_in or 0) for square, call in zip(squares, calls)])


def shown(number: float | None) -> str:
    """As it stands in a sentence."""
    return "–" if number is None else f"{number:.3g}"
