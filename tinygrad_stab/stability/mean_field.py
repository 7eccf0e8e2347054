"""Mean-field theory of a given model: the size of the signal through its layers, and of the gradient back.

Two averages over units and samples describe the signal: E h², and E h h′ for two different samples. A layer
with weight variance σ_w² = fan_in · E W² and bias variance σ_b² = E b² turns them into

    q = σ_w² E h² + σ_b²,      κ = σ_w² E h h′ + σ_b²,      z, z′ ~ N(0, q) with correlation κ/q

LayerNorm divides z by √q. BatchNorm takes away what the samples share and divides by √(q − κ), in a large
batch. An activation makes E h² = E φ(z)² and E h h′ = E φ(z) φ(z′). On the way back the norm of the gradient
is multiplied by σ_w for the weights, √E φ′(z)² for the slopes, and 1/√q or 1/√(q − κ) for a normalization.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..engine.graph import Node
from ..nn import LayerNorm, Linear
from ..nn.module import Module
from ..nn.normalization import _BatchNorm
from ..tensor import Tensor
from .gaussian import mean, mean_product, mean_square, mean_square_slope
from .norms import mean_square_of
from .replay import MOVES
from .report import Report, column
from .steps import Step
from .trace import Call, Trace, in_a_row
from .unchanged import unchanged


class Signal(NamedTuple):
    """E h² and E h h′, and the mean over the units, which is 0 for a Gaussian z."""

    square: float
    overlap: float
    mean: float = 0.0


@dataclass
class LayerGain:
    """What a layer and all that follows it up to the next do; None where theory has no answer."""

    layer: str = column("layer")
    weight_var: float | None = column("σ_w²", ".4g")
    q: float | None = column("q", ".4g")
    forward: float | None = column("forward gain", ".4g")
    weights: float | None = column("weights", ".4g")
    slope: float | None = column("× slope", ".4g")
    backward: float | None = column("= backward gain", ".4g")


@dataclass(repr=False)
class Prediction(Report):
    """The gains of all layers; and their product, the gradient at the input relative to the output."""

    total: float | None


def predict(model: Module, q0: float = 1.0) -> Prediction:
    """Predict every layer's gains from the actual variance of its weights, for inputs with E x² = q0.

    forward is √(E h²/E x²), from the layer's input x to the next one's, h; backward is ‖∂L/∂x‖/‖∂L/∂h‖, the
    weights' part times that of the slopes, which includes a normalization. Recurrent layers, residual sums
    and pooling are not covered, nor is what follows them. Raises ValueError if the model does not begin with
    a Linear layer that takes (n, in_features).
    """
    if not 0 < q0 < math.inf:
        raise ValueError(f"q0 is the mean square of the inputs, a positive number: got {q0}")
    with unchanged(model), Trace(model) as trace:
        model.train()
        _run_on_noise(model)
        calls = trace.calls
        gains = predicted_gains(calls, lambda call: Signal(q0, 0.0) if _is_input(call.x.node) else None)
    backward = [gain.backward for gain in gains]
    is_chain = all(in_a_row(calls)) and calls[-1].received == 1 and None not in backward
    total = math.prod(backward) if is_chain else None  # type: ignore[arg-type]
    notes = [] if total is None else [f"‖∂L/∂x‖ at the input is {total:.3g} of the gradient at the output."]
    return Prediction(f"Mean-field theory of {type(model).__name__}", gains, total, notes=notes)


def _is_input(node: Node | None) -> bool:
    """Is it the model's input, whatever its shape, and nothing computed from it?"""
    while node is not None and node.primitive in MOVES:
        node = node.parents[0]
    return node is not None and node.primitive is None


def _run_on_noise(model: Module) -> None:
    first = next((module for module in model.modules() if isinstance(module, Linear)), None)
    remedy = "use probe(model, x), which shows the prediction beside the measurement"
    if first is None:
        raise ValueError(
            f"predict knows no input for {type(model).__name__}, which has no Linear layer: {remedy}"
        )
    noise = np.random.default_rng(0).standard_normal((16, first.in_features)).astype(first.weight.dtype)
    try:
        model(Tensor(noise).requires_grad_())
    except (RuntimeError, ValueError, IndexError) as error:
        raise ValueError(
            f"{type(model).__name__} does not take an input of shape {noise.shape}: {remedy} ({error})"
        ) from error


def predicted_gains(calls: list[Call], start: Callable[[Call], Signal | None]) -> list[LayerGain]:
    """The gains of traced layers; `start` gives the signal where it is not known from the layer before."""
    needs_overlap = any(_is_batchnorm(step) for call in calls for step in call.steps or ())
    gains: list[LayerGain] = []
    h: Node | None = None
    signal: Signal | None = None
    for call in calls:
        if signal is None or call.x.node is not h:
            signal = start(call)
        gain, signal = _layer(call, signal, needs_overlap)
        gains.append(gain)
        h = call.h.node
    return gains


def _layer(call: Call, signal: Signal | None, needs_overlap: bool) -> tuple[LayerGain, Signal | None]:
    weight, bias = (getattr(call.module, name, None) for name in ("weight", "bias"))
    if weight is None or call.fan_in is None:  # recurrent, or of one's own
        return LayerGain(call.name, *[None] * 6), None
    weight_var = mean_square_of(weight.array) * call.fan_in
    bias_var = 0.0 if bias is None else mean_square_of(bias.array)
    gain = LayerGain(call.name, weight_var, None, None, math.sqrt(weight_var), None, None)
    if signal is None or call.steps is None or not math.isfinite(weight_var + bias_var + signal.square):
        return gain, None
    z = Signal(weight_var * signal.square + bias_var, weight_var * signal.overlap + bias_var)
    gain.q = z.square
    try:
        h, slope = _through(call.steps, z, needs_overlap)
    except ValueError:  # an average overflows
        h = None
    if h is not None:
        gain.forward = math.sqrt(h.square / signal.square) if signal.square else None
        gain.slope, gain.backward = slope, slope * math.sqrt(weight_var)
    return gain, h


def _through(steps: list[Step], z: Signal, needs_overlap: bool) -> tuple[Signal | None, float]:
    """The signal after an activation and normalizations in either order; their factor on the gradient."""
    slope, is_gaussian = 1.0, True
    for step in steps:
        if step.elementwise and is_gaussian:
            slope *= math.sqrt(mean_square_slope(step.apply, z.square))
            z, is_gaussian = _activated(step, z, needs_overlap), False
        elif isinstance(step.apply, LayerNorm):
            variance = z.square - z.mean**2
            z, gain = _normalized(step.apply, variance, (z.overlap - z.mean**2) / (variance + step.apply.eps))
            slope *= gain
        elif _is_batchnorm(step):
            z, gain = _normalized(step.apply, z.square - z.overlap, 0.0)
            slope *= gain
        else:
            return None, 1.0
    return z, slope


def _activated(step: Step, z: Signal, needs_overlap: bool) -> Signal:
    overlap = math.nan
    if needs_overlap:
        c = z.overlap / z.square if z.square else 0.0
        overlap = mean_product(step.apply, z.square, min(max(c, -1.0), 1.0))
    return Signal(mean_square(step.apply, z.square), overlap, mean(step.apply, z.square))


def _normalized(norm: Any, variance: float, correlation: float) -> tuple[Signal, float]:
    """What γ (z − μ)/√(v + ε) + β makes of a signal with this variance, and its factor rms γ/√(v + ε)."""
    gamma2 = 1.0 if norm.weight is None else mean_square_of(norm.weight.array)
    beta2 = 0.0 if norm.bias is None else mean_square_of(norm.bias.array)
    kept = gamma2 * variance / (variance + norm.eps)
    return Signal(kept + beta2, kept * correlation + beta2), math.sqrt(gamma2 / (variance + norm.eps))


def _is_batchnorm(step: Step) -> bool:
    return isinstance(step.apply, _BatchNorm) and step.apply.training
