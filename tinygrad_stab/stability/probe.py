"""One forward and one backward pass, layer by layer: how large the signal, how large the gradient, and why.

The gradient of a hidden layer's output, ‖∂L/∂h‖, is what vanishes or explodes. The gradient of its weights
need not show it: in a ReLU net without biases, ⟨W, ∂L/∂W⟩ is the same for all layers (Euler's theorem, as the
net is linear in the scale of each W), so ‖∂L/∂W‖ can be flat while ‖∂L/∂h‖ falls by orders of magnitude.
Hence both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..autograd import grad
from ..nn import functional as F
from ..nn.module import Module
from ..tensor import Tensor
from ..tensor.creation import as_tensor
from .gaussian import values
from .mean_field import Signal, predicted_gains
from .norms import norm
from .report import Report, column
from .steps import Step
from .trace import Call, Trace, first_tensor, in_a_row
from .unchanged import unchanged


@dataclass
class LayerRecord:
    """One layer, with what follows it up to the next; None where something cannot be said."""

    layer: str = column("layer")
    mean: float = column("mean h", ".3g")
    std: float = column("std h", ".3g")
    zero: float = column("zero", ".0%")
    saturated: float | None = column("saturated", ".0%")
    backward: float | None = column("‖∂L/∂h‖", ".2e")
    weight: float = column("‖W‖", ".3g")
    weight_grad: float | None = column("‖∂L/∂W‖", ".2e")
    weights_gain: float | None = column("weights", ".3g")
    slope_gain: float | None = column("× slope", ".3g")
    gain: float | None = column("= gain", ".3g")
    predicted: float | None = column("predicted", ".3g")


@dataclass(repr=False)
class Probe(Report):
    """What there is to say of every layer, and the loss."""

    loss: float
    in_a_row: list[bool]  # of each layer but the first: does it alone receive the h above it?


def probe(model: Module, x: Any, y: Any = None, loss_fn: Callable[..., Any] | None = None) -> Probe:
    """Run one forward and one backward pass and report on every layer, leaving the model as it was.

    h is what the next layer receives, in the last row the model's output; before a residual sum or a fork it
    is the last value that is the layer's alone. The gain of a layer is what it multiplies the norm of the
    gradient by, ‖∂L/∂x‖/‖∂L/∂h‖ from its output h to its input x: that of its weights, ‖Wᵀδ‖/‖δ‖ with
    δ = ∂L/∂z, times that of the slopes and normalizations, ‖δ‖/‖∂L/∂h‖; `predicted` is mean-field theory's √χ
    for the same weights. Saturated is what lies within 3 % of a horizontal asymptote of the activation,
    measured from φ(0): |tanh| > 0.97. ‖W‖ and ‖∂L/∂W‖ are those of all calls of a layer together.

    What one number cannot say is "–": weights × slopes of a recurrent layer, which is both; any gain where
    the gradient comes to x by further ways, as by the cell state; gains where z itself forks.

    The loss is loss_fn(model(x), y), or loss_fn(model(x)) without y. Without loss_fn it is the cross-entropy
    for integer targets and the mean squared error for others; without y too, the output times a random
    direction. Raises ValueError if the loss is not a scalar. Values that are not finite are reported in the
    notes.
    """
    with unchanged(model), Trace(model) as trace:
        x = leaf(x)
        loss = loss_of(model(x), y, loss_fn)
        parameters = [p for p in model.parameters() if p.requires_grad]
        found = grad(loss, [*parameters, x] if x.requires_grad else parameters, allow_unused=True)
        gradients = {p: g for p, g in zip(parameters, found) if g is not None}
        predicted = predicted_gains(trace.calls, measured_signal)
        rows = [measure(call, gradients, gain.backward) for call, gain in zip(trace.calls, predicted)]
    value = loss.item()
    title = f"{type(model).__name__} with loss {value:.4g}"
    return Probe(title, rows, value, in_a_row(trace.calls), notes=_not_finite(x.array, rows, value))


def measure(call: Call, gradients: Mapping[Any, Tensor], predicted: float | None = None) -> LayerRecord:
    """What is to be said of one call of a layer, given the gradients of the parameters."""
    h = call.h.array if call.h.array.itemsize > 2 else call.h.array.astype(np.float32)
    mean = float(h.mean())
    of_weights = [gradients[p].array for p in call.matrices if p in gradients]
    to_x, to_z, to_h = (norm(call.gradients.get(of)) for of in ("x", "z", "h"))
    return LayerRecord(
        layer=call.name,
        mean=mean,
        std=(norm(h - mean) or 0.0) / math.sqrt(h.size),
        zero=(h.size - np.count_nonzero(h)) / h.size,
        saturated=saturated_share(call.activation),
        backward=to_h,
        weight=norm(*(p.array for p in call.matrices)) or 0.0,
        weight_grad=norm(*of_weights),
        weights_gain=_ratio(to_x, to_z) if call.product else None,
        slope_gain=_ratio(to_z, to_h) if call.product and call.steps is not None else None,
        gain=_ratio(to_x, to_h) if call.steps is not None else None,
        predicted=predicted,
    )


FAR = np.array([-2e3, -1e3, 0.0, 1e3, 2e3])  # where an activation that has an asymptote is on it


def saturated_share(activation: Step | None) -> float | None:
    """The share of outputs within 3 % of an asymptote, as seen from φ(0); None if unknown."""
    if activation is None or activation.output is None:
        return None
    low, left, middle, right, high = values(activation.apply, FAR).tolist()
    levels = {level for level, further in ((left, low), (right, high)) if level == further}
    h = activation.output
    near = [np.abs(h - level) < 0.03 * abs(level - middle) for level in levels]
    return np.count_nonzero(np.any(near, axis=0)) / h.size if near else 0.0


def leaf(x: Any) -> Tensor:
    """The input as a tensor of its own, from which the gradient at the bottom can be asked."""
    x = Tensor(as_tensor(x).array)
    if not x.numel():
        raise ValueError(f"x has no samples, its shape is {tuple(x.shape)}: there is nothing to look at")
    return x.requires_grad_() if x.dtype.kind == "f" else x


def loss_of(output: Any, y: Any, loss_fn: Callable[..., Any] | None) -> Tensor:
    """The loss of an output: by loss_fn, or else cross-entropy for integer targets and squares for others."""
    if loss_fn is not None:
        loss = loss_fn(output) if y is None else loss_fn(output, y)
    elif y is not None:
        y = as_tensor(y)
        if not isinstance(output, Tensor):
            raise ValueError(
                f"the model returns a {type(output).__name__}: say what its loss is, as in "
                "loss_fn=lambda output, y: F.cross_entropy(output[0], y)"
            )
        loss = F.cross_entropy(output, y) if y.dtype.kind in "iu" else F.mse_loss(output, y)
    else:
        output = first_tensor(output)
        if output is None:
            raise ValueError("the model returns no tensor that a gradient could come back from")
        direction = np.random.default_rng(0).standard_normal(output.shape)
        loss = (output * direction.astype(output.dtype)).sum()
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        raise ValueError(
            f"the loss must be a tensor with one element, got {type(loss).__name__} of shape "
            f"{np.shape(loss)}: reduce it with .mean() or .sum()"
        )
    return loss


def _ratio(above: float | None, below: float | None) -> float | None:
    return None if above is None or not below else above / below


def measured_signal(call: Call) -> Signal:
    """E x² and, of two samples, E x x′: the square of the mean of n samples is (E x² + (n − 1) E x x′)/n."""
    x = call.x.array.reshape(len(call.x.array), -1).astype(float)
    n, square = len(x), float(np.mean(x * x))
    shared = float(np.mean(np.square(x.mean(axis=0))))
    return Signal(square, (n * shared - square) / (n - 1) if n > 1 else square)


def _not_finite(x: np.ndarray, rows: list[LayerRecord], loss: float) -> list[str]:
    """Where the first values that are not finite stand, forward and backward."""
    notes = []
    if (bad := np.argwhere(~np.isfinite(x))).size:
        notes.append(
            f"Not finite: {len(bad)} values of the input, the first at index {tuple(map(int, bad[0]))}."
        )
    if forward := [row.layer for row in rows if not math.isfinite(row.mean)]:
        notes.append(f"Not finite: the output of layer {forward[0]}, and {len(forward) - 1} layers after it.")
    if not math.isfinite(loss):
        notes.append(f"Not finite: the loss is {loss}.")
    if backward := [row.layer for row in rows if not math.isfinite(row.backward or 0.0)]:
        notes.append(f"Not finite: the gradient, from layer {backward[-1]} down.")
    return notes
