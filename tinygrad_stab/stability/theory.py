"""What mean-field theory knows about a net before it runs.

Take a wide layer, z = W h + b and then φ(z), with independent weights of mean 0: Var W = σ_w²/fan_in and
Var b = σ_b². Then z is Gaussian, and all there is to know of it is its variance q = E z². One layer on and
one layer back,

    forward     q′ = σ_w² E φ(z)² + σ_b²,          z ~ N(0, q)                  `length_map`
    backward    E‖∂L/∂h‖² = χ E‖∂L/∂φ(z)‖²,        χ = σ_w² E φ′(z)²            `chi`

The first line is the variance of a sum of fan_in terms. For the second, δ = ∂L/∂z = φ′(z) ∂L/∂φ(z) and
∂L/∂h = Wᵀ δ, of which each of the fan_in components has variance Var W ‖δ‖². So L layers multiply the norm of
a gradient by χ^(L/2): it vanishes for χ < 1, explodes for χ > 1, and only χ = 1 bears depth. Glorot & Bengio
2010 (eqs. 5–12) have this for linear layers, He et al. 2015 (eqs. 10, 14) for ReLU, Poole et al. 2016 and
Schoenholz et al. 2017 for any φ. It takes W to be independent of δ, true to leading order in the width.

An activation is a name or any function of a tensor. `weight_var` is σ_w²: PyTorch's default Linear has 1/3,
Xavier's start 1 (a square layer), He's 2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .gaussian import Activation, mean, mean_product, mean_square, mean_square_slope, slopes, values
from .mean_field import predict
from .quadrature import standardized_pair_average
from .roots import crossing, root

__all__ = [
    "batchnorm_gradient_rate", "chi", "correlation_map", "critical_points", "critical_weight_var",
    "depth_scale", "fixed_point", "layernorm_gradient_rate", "length_map", "predict",
]  # fmt: skip


def chi(activation: Activation, weight_var: float, bias_var: float = 0.0, q: float | None = None) -> float:
    """Return χ = σ_w² E φ′(z)² for z ~ N(0, q): the factor on ‖gradient‖² per layer; on the norm it is √χ.

    Without q, at the fixed point of the length map, where a deep net soon is, or at q = 1 if there is none.

        linear    χ = σ_w²            leaky ReLU with slope a    χ = σ_w² (1 + a²)/2    He et al. 2015, eq. 15
        ReLU      χ = σ_w²/2          tanh, sigmoid, …           by quadrature
    """
    q = _finite_fixed_point(activation, weight_var, bias_var) if q is None else q
    _check_variances(weight_var, bias_var)
    return weight_var * mean_square_slope(activation, q)


def length_map(activation: Activation, q: float, weight_var: float, bias_var: float = 0.0) -> float:
    """Return q′ = σ_w² E φ(z)² + σ_b², z ~ N(0, q): the variance one layer on (Poole et al. 2016, eq. 3)."""
    _check_variances(weight_var, bias_var)
    return weight_var * mean_square(activation, q) + bias_var


def fixed_point(activation: Activation, weight_var: float, bias_var: float = 0.0) -> float:
    """Return q* = length_map(q*), the one met first on the way from q = 1; ∞ if q grows without bound.

    Where every q is a fixed point, as for ReLU with σ_w² = 2, it is 1. It is found as a change of sign, not
    by iterating the map, which for tanh at σ_w² = 1 comes nearer only as q ≈ 1/(2 l).
    """

    def growth(log_q: float) -> float:
        return _log(length_map(activation, math.exp(log_q), weight_var, bias_var)) - log_q

    found = crossing(growth, math.log(4), reach=28)
    if found is None:
        return math.inf if growth(0.0) > 0 else 0.0
    return math.exp(found)


def correlation_map(
    activation: Activation, c: float, weight_var: float, bias_var: float = 0.0, q: float | None = None
) -> float:
    """Return the correlation of two samples' pre-activations one layer on, if it is c here.

        c′ = (σ_w² E φ(z₁) φ(z₂) + σ_b²) / q′      z₁, z₂ ~ N(0, q) with correlation c    Poole et al., eq. 5

    Without q, at the fixed point (at 1 if there is none). Its slope at c = 1 is χ: where χ > 1 neighbours are
    driven apart, where χ < 1 all inputs become one. ReLU at σ_w² = 2: c′ = (√(1 − c²) + (π − arccos c) c)/π.
    """
    if not -1 <= c <= 1:
        raise ValueError(f"a correlation lies between −1 and 1, got {c}")
    q = _finite_fixed_point(activation, weight_var, bias_var) if q is None else q
    _check_variances(weight_var, bias_var)
    variance = weight_var * mean_square(activation, q) + bias_var
    if variance == 0:
        raise ValueError(
            f"with weight_var={weight_var:g} and bias_var={bias_var:g} all pre-activations one layer on "
            "are 0: they have no correlation"
        )
    return (weight_var * mean_product(activation, q, c) + bias_var) / variance


def depth_scale(activation: Activation, weight_var: float, bias_var: float = 0.0) -> float:
    """Return ξ = 1/|ln χ|, the number of layers in which ‖gradient‖² changes by a factor e; ∞ where χ = 1."""
    log_chi = _log(chi(activation, weight_var, bias_var))
    return 1 / abs(log_chi) if abs(log_chi) > 1e-12 else math.inf


class CriticalPoint(NamedTuple):
    """A fixed point with χ = 1, and whether a signal that starts at q = 1 comes to it."""

    weight_var: float
    q: float
    reached: bool


def critical_weight_var(activation: Activation, bias_var: float = 0.0) -> float:
    """Return the σ_w² at which χ = 1 at the fixed point: the edge between vanishing and exploding gradients.

    The fixed point meant is the one that a signal of q = 1 comes to, as in `fixed_point`; if that is so for
    several σ_w², the smallest, which is the end of the phase in which gradients vanish. Tanh and ELU have 1,
    ReLU 2, GELU with σ_b² = 1 has 1.977. Raises ValueError where there is none. GELU without biases, with
    slope ½ at 0 and 1 far away, is such a case: its signal either dies or grows without bound.
    """
    points = critical_points(activation, bias_var)
    for point in points:
        if point.reached:
            return point.weight_var
    others = "; ".join(f"σ_w² = {weight_var:.5g} at q = {q:.4g}" for weight_var, q, _ in points)
    raise ValueError(
        f"{activation!r} with bias variance {bias_var:g} has no critical weight variance: there is none for "
        "which χ = 1 at a fixed point of the length map that a signal of q = 1 comes to"
        + (f"; it would have to start elsewhere for {others}" if others else "")
    )


def critical_points(activation: Activation, bias_var: float = 0.0) -> list[CriticalPoint]:
    """Return every σ_w² and q with χ = 1 at the fixed point q, in the order of σ_w².

    No search for fixed points is needed: q is one for exactly one σ_w², and there χ is a function of q alone,

        σ_w² = (q − σ_b²) / E φ(z)²,        χ = (q − σ_b²) E φ′(z)² / E φ(z)²,        z ~ N(0, q)

    So the changes of sign of ln χ are looked for along q = σ_b² + e^s, −28 ≤ s ≤ 14. Without biases the limit
    q → 0 is one of them if φ(0) = 0 and φ′(0) ≠ 0, as for tanh. Where χ = 1 for all q, as for ReLU, q = 1 is
    named.
    """
    _check_variances(0.0, bias_var)

    def log_chi(s: float) -> float:
        q = bias_var + math.exp(s)
        slope = mean_square_slope(activation, q)
        return s + _log(slope) - _log(mean_square(activation, q)) if slope else -1e3

    def point(q: float) -> CriticalPoint:
        weight_var = 1 / mean_square_slope(activation, q)
        fixed = fixed_point(activation, weight_var, bias_var)
        reached = fixed < math.inf and math.isclose(chi(activation, weight_var, q=fixed), 1, rel_tol=1e-4)
        return CriticalPoint(weight_var, q, reached)

    s, y = _followed(log_chi, -28, 14)
    is_flat = [abs(value) < 1e-9 for value in y]
    if all(is_flat):
        return [point(1.0)]
    changes = [k for k in range(len(s) - 1) if y[k] * y[k + 1] < 0 and not (is_flat[k] or is_flat[k + 1])]
    qs = [bias_var + math.exp(root(log_chi, s[k], s[k + 1])) for k in changes]
    return sorted(point(q) for q in ([0.0] if is_flat[0] else []) + qs)


def _followed(f: Callable[[float], float], low: float, high: float) -> tuple[list[float], list[float]]:
    """Points from low to high, four for each unit, and f there; from 0 outwards as far as it has values."""
    known = {0.0: f(0.0)}
    for end in (low, high):
        for k in range(1, round(4 * abs(end)) + 1):
            s = math.copysign(k / 4, end)
            try:
                known[s] = f(s)
            except ValueError:  # it oscillates too fast, or overflows
                break
    return sorted(known), [known[s] for s in sorted(known)]


# --- normalization: σ_w² cancels, and with it every initializer -------------------------------------------


def layernorm_gradient_rate(activation: Activation) -> float:
    """Return the factor on ‖gradient‖² per layer h → W h → LayerNorm → φ:  E φ′(u)² / E φ(u)²,  u ~ N(0, 1).

    W multiplies by σ_w² and the slopes by E φ′². LayerNorm divides by the variance of W h over the units,
    σ_w² E φ², in which the mean of φ is contained. ReLU 1, tanh 1.178, sigmoid 0.153.
    """
    return _over(mean_square(activation, 1.0), mean_square_slope(activation, 1.0), activation)


def batchnorm_gradient_rate(activation: Activation, batch: int | None = None) -> float:
    """Return the factor on ‖gradient‖² per layer h → W h → BatchNorm → φ:  E φ′(u)² / Var φ(u),  u ~ N(0, 1).

    This is for a large batch. BatchNorm divides by the variance over the batch, which lacks the mean that
    LayerNorm keeps. For ReLU the rate is π/(π − 1) = 1.467 (Yang et al. 2019, Thm 8): the net explodes,
    whatever σ_w² is.

    For a batch of B samples, let a column y of the standardized batch be uniform on its sphere
    (`standardized_pair`), and g, which arrives from above, Gaussian with covariance 1 − 11ᵀ/B. BatchNorm's
    rule (`ops/normalization.py`) removes the components of φ′(y) g along 1 and along y and divides by σ,
    where E 1/σ² is B/(B − 3) times the inverse of E σ²:

        rate = B/((B − 3) λ) · (a − (a − b)/B − (e − f)/B)         λ = E φ(y₁)² − E φ(y₁) φ(y₂)
        a = E φ′(y₁)²,   b = E φ′(y₁) φ′(y₂),   e = E y₁² φ′(y₁)²,   f = E y₁ y₂ φ′(y₁) φ′(y₂)

    For linear layers it is (B − 2)/(B − 3), as in Yang et al.; below B = 4 it is infinite, a ValueError.
    """
    if batch is None:
        variance = mean_square(activation, 1.0) - mean(activation, 1.0) ** 2
        return _over(variance, mean_square_slope(activation, 1.0), activation)
    if batch < 4:
        raise ValueError(
            f"BatchNorm's mean squared gradient is infinite for a batch of {batch}: use 4 or more"
        )

    def phi(y: np.ndarray) -> np.ndarray:
        return values(activation, y)

    def slope(y: np.ndarray) -> np.ndarray:
        return slopes(activation, y)

    # y₁ and y₂ are alike, so E x₁² − E x₁ x₂ = E (x₁ − x₂)²/2
    lam = standardized_pair_average(lambda y1, y2: (phi(y1) - phi(y2)) ** 2 / 2, batch)
    a = standardized_pair_average(lambda y1, y2: (slope(y1) ** 2 + slope(y2) ** 2) / 2, batch)
    a_b = standardized_pair_average(lambda y1, y2: (slope(y1) - slope(y2)) ** 2 / 2, batch)
    e_f = standardized_pair_average(lambda y1, y2: (y1 * slope(y1) - y2 * slope(y2)) ** 2 / 2, batch)
    return batch / (batch - 3) * _over(lam, a - a_b / batch - e_f / batch, activation)


def _over(variance: float, slope: float, activation: Activation) -> float:
    """slope/variance, of an activation that is not constant."""
    if variance <= 1e-13 * mean_square(activation, 1.0):
        raise ValueError(
            f"the activation {activation!r} is constant: no normalization can divide by its variance"
        )
    return slope / variance


def _finite_fixed_point(activation: Activation, weight_var: float, bias_var: float) -> float:
    q = fixed_point(activation, weight_var, bias_var)
    return q if math.isfinite(q) else 1.0


def _log(x: float) -> float:
    return math.log(max(x, 1e-300))


def _check_variances(weight_var: float, bias_var: float) -> None:
    if not (0 <= weight_var < math.inf and 0 <= bias_var < math.inf):
        raise ValueError(
            f"variances must be finite and not negative: weight_var={weight_var}, bias_var={bias_var}"
        )
