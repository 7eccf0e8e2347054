"""What each step behind a layer does to the size of the signal, and to that of the gradient on its way back.

A signal h is known by averages over units and samples: E h², what two samples share, E h h′, what two
neighbouring places of an image share, and the mean. A step makes other averages of them, and multiplies
E‖gradient‖² by a factor:

    φ(z)         E φ(z)², z ~ N(0, q)                      × E φ′(z)²        Schoenholz et al. 2017, eq. 5
    dropout      E h²/(1 − p)                              × 1/(1 − p)       ibid., sec. 5: each mask has E m² = 1/(1 − p)
    mean of K    (E h² + (K − 1) E h h″)/K                 × 1/K             g/K comes back at K places
    largest of K E φ(M)², M the largest of K z             × E φ′(M)²        g comes back where the largest was
    normalized   γ² (E h² − s)/(v + ε) + β²                × γ²/(v + ε)      v = E h² − s

where s is what a normalization takes away before it divides: for BatchNorm what the samples share, E h h′, in a
large batch (Yang et al. 2019); for LayerNorm and GroupNorm the squared mean over the units (Ba et al. 2016); for
RMSNorm nothing (Zhang & Sennrich 2019, eq. 4). Each sample's own m units have a variance that differs from v
by chance, and the rule removes the directions that a normalization does not pass on: for Gaussian z this
multiplies E‖gradient‖² by (m − 2)/(m − 3), for RMSNorm by (m − 1)/(m − 2), as E 1/χ²_k = 1/(k − 2).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..nn import AvgPool2d, Dropout, GroupNorm, LayerNorm, MaxPool2d, RMSNorm
from ..nn.normalization import _BatchNorm
from .gaussian import mean, mean_of_largest, mean_product, mean_square, mean_square_slope, values
from .norms import mean_square_of
from .steps import Step


class Signal(NamedTuple):
    """E h²; E h h′ of two samples and E h h″ of two neighbouring places, NaN where not asked for; the mean."""

    square: float
    overlap: float = 0.0
    near: float = 0.0
    mean: float = 0.0  # over the units, which is 0 for a Gaussian z
    gaussian: bool = True  # is it a sum of many, to which an activation may be applied?


class Wanted(NamedTuple):
    """What has to be known of a net's signals: the overlap for BatchNorm, the neighbours for pooling."""

    overlap: bool
    near: bool


class NoAnswer(ValueError):
    """The theory does not cover this."""


Effect = tuple[Signal, float]


def after_steps(steps: list[Step], signal: Signal, wanted: Wanted) -> Effect:
    """The signal behind all the steps, and their factor on ‖gradient‖²."""
    factor, waiting = 1.0, list(steps)
    while waiting:
        step = waiting.pop(0)
        pair = (step, waiting[0]) if waiting else (step,)
        pool = next((other for other in pair if isinstance(other.apply, MaxPool2d)), None)
        if pool is not None and (len(pair) == 1 or pair[0].elementwise != pair[1].elementwise):
            φ = next((other.apply for other in pair if other.elementwise), "linear")
            del waiting[: len(pair) - 1]
            signal, gain = _largest(pool.apply, φ, signal)
        else:
            signal, gain = _effect(step)(step, signal, wanted)
        factor *= gain
    return signal, factor


def _effect(step: Step) -> Callable[[Step, Signal, Wanted], Effect]:
    if step.elementwise:
        return _activated
    for kind, effect in EFFECTS.items():
        if isinstance(step.apply, kind):
            return effect
    raise NoAnswer(f"the theory has no answer for {step.name}")


def _activated(step: Step, z: Signal, wanted: Wanted) -> Effect:
    φ, q = step.apply, z.square
    if not z.gaussian:
        raise NoAnswer(f"{step.name} is applied to what is not Gaussian")

    def product(shared: float) -> float:
        return mean_product(φ, q, min(max(shared / q, -1.0), 1.0) if q else 0.0)

    overlap = product(z.overlap) if wanted.overlap else math.nan
    near = product(z.near) if wanted.near else math.nan
    return Signal(mean_square(φ, q), overlap, near, mean(φ, q), gaussian=False), mean_square_slope(φ, q)


def _dropped(step: Step, h: Signal, wanted: Wanted) -> Effect:
    p = step.apply.p if step.apply.training else 0.0
    if p == 1:
        raise NoAnswer("nothing is left of the signal")
    return h._replace(square=h.square / (1 - p), gaussian=h.gaussian and p == 0), 1 / (1 - p)


# --- pooling -----------------------------------------------------------------------------------------------


def _averaged(step: Step, h: Signal, wanted: Wanted) -> Effect:
    K = _window(step.apply)
    square = (h.square + (K - 1) * h.near) / K
    return h._replace(square=square, near=_near_windows(h, square, h.mean)), 1 / K


def _largest(pool: MaxPool2d, φ: Any, z: Signal) -> Effect:
    """Of a window's values, the largest z makes the largest φ(z), for a φ that does not fall.

    The K values are taken to have all the same correlation, that of neighbours. What two samples share is
    not known afterwards.
    """
    K, q = _window(pool), z.square
    if not z.gaussian or not _does_not_fall(φ, q):
        raise NoAnswer("the largest in a window is known for a Gaussian z, and a φ that does not fall")
    c = min(max(z.near / q, 0.0), 1.0) if q else 0.0
    largest, square, slope = mean_of_largest(φ, q, K, c)
    before = Signal(mean_square(φ, q), near=mean_product(φ, q, c), mean=mean(φ, q))
    near = _near_windows(before, square, largest)
    return Signal(square, math.nan, near, largest, gaussian=False), slope


def _near_windows(h: Signal, square: float, mean: float) -> float:
    """What neighbouring windows share, if they are as alike as the places in them were."""
    variance = h.square - h.mean**2
    alike = (h.near - h.mean**2) / variance if variance > 0 else 1.0
    return mean**2 + (square - mean**2) * alike


def _window(pool: Any) -> int:
    """How many places it has."""
    sides = pool.kernel_size
    return math.prod(sides) if isinstance(sides, (tuple, list)) else sides**2


def _does_not_fall(φ: Any, q: float) -> bool:
    """Does φ rise all the way, but for a dip of a tenth, as GELU's?"""
    y = values(φ, math.sqrt(q) * np.linspace(-4, 4, 161))
    return bool(np.max(np.maximum.accumulate(y) - y) <= 0.1 * np.ptp(y))


# --- normalization -----------------------------------------------------------------------------------------


def _batch_normalized(step: Step, h: Signal, wanted: Wanted) -> Effect:
    if not step.apply.training:
        raise NoAnswer("in evaluation BatchNorm's statistics may be anything")
    return _scaled(step.apply, h, h.overlap), _divided(step.apply, h, h.overlap)


def _layer_normalized(step: Step, h: Signal, wanted: Wanted) -> Effect:
    m = _units(step, math.prod(step.apply.normalized_shape))
    return _scaled(step.apply, h, h.mean**2), _divided(step.apply, h, h.mean**2) * (m - 2) / (m - 3)


def _group_normalized(step: Step, h: Signal, wanted: Wanted) -> Effect:
    if step.input is None:
        raise NoAnswer("the size of a group is not known")
    m = _units(step, step.input[0].size // step.apply.num_groups)
    return _scaled(step.apply, h, h.mean**2), _divided(step.apply, h, h.mean**2) * (m - 2) / (m - 3)


def _root_mean_square(step: Step, h: Signal, wanted: Wanted) -> Effect:
    m = _units(step, math.prod(step.apply.normalized_shape))
    return _scaled(step.apply, h, 0.0), _divided(step.apply, h, 0.0) * (m - 1) / (m - 2)


def _units(step: Step, m: int) -> int:
    if m <= 3:
        raise NoAnswer(f"{step.name} over {m} units: the mean squared gradient is infinite")
    return m


def _scaled(norm: Any, h: Signal, taken: float) -> Signal:
    """γ (h − μ)/√(v + ε) + β, where E μ² = taken; β, a number for each unit, counts as a variance."""
    γ2, β2 = _affine(norm)
    scale = γ2 / (h.square - taken + _eps(norm))
    mean = 0.0 if taken else h.mean * math.sqrt(scale)
    square, overlap, near = (scale * (of - taken) + β2 for of in h[:3])
    return Signal(square, overlap, near, mean, h.gaussian)


def _divided(norm: Any, h: Signal, taken: float) -> float:
    return _affine(norm)[0] / (h.square - taken + _eps(norm))


def _affine(norm: Any) -> tuple[float, float]:
    γ2 = 1.0 if norm.weight is None else mean_square_of(norm.weight.array)
    β2 = 0.0 if norm.bias is None else mean_square_of(norm.bias.array)
    return γ2, β2


def _eps(norm: Any) -> float:
    if norm.eps is not None:
        return norm.eps
    return float(np.finfo(np.float32 if norm.weight is None else norm.weight.array.dtype).eps)


EFFECTS: dict[type, Callable[[Step, Signal, Wanted], Effect]] = {
    _BatchNorm: _batch_normalized,
    LayerNorm: _layer_normalized,
    GroupNorm: _group_normalized,
    RMSNorm: _root_mean_square,
    Dropout: _dropped,
    AvgPool2d: _averaged,
}
