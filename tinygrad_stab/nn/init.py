"""How weights start, and why there are just two famous answers.

Take one layer, z = W x with n = fan_in inputs and m = fan_out outputs, then h = φ(z). Let the weights be
independent with mean 0 and variance v. What does the layer do to the size of the signal, and to that of the
gradient δ = ∂L/∂z?

    forward     E z² = n v · E x²                                  a sum of n independent terms
    backward    E (∂L/∂x)² = m v · E δ²                            the same, through Wᵀ, which sums m terms

as if x and δ did not depend on W, nor δ on the slopes φ′, which is the usual assumption. Both keep their size
if n v = 1 and m v = 1, which needs n = m. **Xavier (Glorot & Bengio 2010, eq. 12)** settles half-way:

    v = 2 / (n + m)                                         for a φ that is the identity near 0, like tanh

ReLU keeps half of it: for symmetric z, E relu(z)² = E z² / 2, and relu′² is 1 half of the time, so both
directions lose a factor 2 at every layer. **He (He et al. 2015, eqs. 10 and 14)** puts the factor back, for
either direction:

    v = 2 / n   (mode "fan_in", forward)        v = 2 / m   (mode "fan_out", backward)

For another φ the factor 2 becomes gain²; for leaky ReLU with slope a it is 2 / (1 + a²), because E φ(z)² =
(1 + a²) E z² / 2.

A uniform distribution on ±b has variance b²/3, so b = √(3 v): the uniform and the normal form differ in
shape, not in size.

Every function here fills its tensor in place, unseen by the graph, and returns it. Weights are (fan_out,
fan_in, …), as Linear keeps them. If you compute x @ W instead of x @ W.T, the two fans change places.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.switches import no_grad
from ..tensor import Tensor
from ..tensor.random import Generator, numpy_generator, uniform

_GAINS = {"linear": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4, "elu": 1.2452}
_GAINS |= {f"conv{transposed}{n}d": 1.0 for transposed in ("", "_transpose") for n in (1, 2, 3)}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor on the standard deviation that makes up for what a nonlinearity takes away.

    linear, conv, sigmoid   1                 for sigmoid a convention, no cure: its slope is at most 1/4
    tanh                    5/3               keeps tanh layers from shrinking: E z² settles at 1.18
    relu                    √2                keeps E z²
    leaky_relu              √(2 / (1 + a²))   keeps E z²; param is the slope a, 0.01 if not given
    selu                    3/4               PyTorch's compromise; the self-normalizing value is 1
    elu                     1.2452            keeps E z² at 1: 1/√E elu(u)², u ~ N(0, 1); PyTorch has none
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"negative_slope {slope!r} not a valid number")
        return math.sqrt(2 / (1 + slope**2))
    if nonlinearity not in _GAINS:
        raise ValueError(
            f"Unsupported nonlinearity {nonlinearity}: choose leaky_relu, {', '.join(_GAINS)}, or pass your "
            "own gain to xavier_normal_(w, gain=…)"
        )
    return _GAINS[nonlinearity]


def empirical_gain(function: Callable[[Tensor], Tensor]) -> float:
    """1/√E φ(u)² for u ~ N(0, 1): the gain that keeps E z² = 1 through any nonlinearity φ, by its integral.

    It is √2 for ReLU, and 1.593, not 5/3, for tanh: the table above is a convention where this is a
    definition.
    """
    u = np.linspace(-12, 12, 48_001)
    density = np.exp(-u * u / 2) / math.sqrt(2 * math.pi) * (u[1] - u[0])
    with no_grad():
        values = function(Tensor(u)).array
    return float(1 / math.sqrt(np.sum(density * values**2)))


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """How many inputs feed one output, and how many outputs one input feeds, kernel area included."""
    shape = _shape(tensor)
    if len(shape) < 2:
        raise ValueError(
            "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions: this one has "
            f"shape {shape}. A bias has no fans; start it with zeros_"
        )
    area = math.prod(shape[2:])
    return shape[1] * area, shape[0] * area


def _shape(tensor: Tensor) -> tuple[int, ...]:
    if not isinstance(tensor, Tensor):
        raise ValueError(
            f"there is no tensor to initialize, but {tensor!r}: a layer made with bias=False has bias None, "
            "so test `if layer.bias is not None`"
        )
    return tensor.array.shape


def _fill(tensor: Tensor, values: np.ndarray) -> Tensor:
    with no_grad():
        return tensor.copy_(values.astype(tensor.array.dtype))


# --- by variance --------------------------------------------------------------------------------------------


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """N(0, gain² · 2/(fan_in + fan_out)): Glorot & Bengio 2010, for tanh and linear layers."""
    return normal_(tensor, 0.0, _xavier_std(tensor, gain), generator)


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Uniform with the same variance, on ± gain √(6/(fan_in + fan_out)): Glorot & Bengio 2010, eq. 16."""
    return _uniform(tensor, _xavier_std(tensor, gain), generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:  # fmt: skip
    """N(0, gain²/fan): He et al. 2015, for ReLU and, with its negative slope as `a`, for leaky ReLU."""
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:  # fmt: skip
    """Uniform with the same variance, on ± gain √(3/fan)."""
    return _uniform(tensor, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def _xavier_std(tensor: Tensor, gain: float) -> float:
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return gain * math.sqrt(2 / max(fan_in + fan_out, 1))


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    fan = _calculate_fan_in_and_fan_out(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(max(fan, 1))


def _uniform(tensor: Tensor, std: float, generator: Generator | None) -> Tensor:
    return uniform_(tensor, -math.sqrt(3) * std, math.sqrt(3) * std, generator)


# --- the others ---------------------------------------------------------------------------------------------


def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """N(mean, std²)."""
    return _fill(tensor, numpy_generator(generator).normal(mean, std, _shape(tensor)))


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Uniform on [a, b)."""
    return _fill(tensor, uniform(generator, _shape(tensor), a, b, tensor.array.dtype))


def constant_(tensor: Tensor, val: float) -> Tensor:
    """One value everywhere. As a weight it makes all units of a layer equal.

    If the next layer's weights are constant too, the gradients of these units are equal, and they stay so.
    """
    return _fill(tensor, np.full(_shape(tensor), val, dtype=float))


def zeros_(tensor: Tensor) -> Tensor:
    """0 everywhere, as a bias may start."""
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """1 everywhere, as the γ of a normalization starts."""
    return constant_(tensor, 1.0)


def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix, as far as the shape goes."""
    shape = _shape(tensor)
    if len(shape) != 2:
        raise ValueError(f"Only tensors with 2 dimensions are supported, this one has shape {shape}")
    return _fill(tensor, np.eye(*shape))


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """gain · Q with orthonormal rows or columns: all singular values equal gain, not only on average.

    Q comes from the QR decomposition of a normal matrix; dividing by the signs of R's diagonal makes it
    uniform (Saxe et al. 2014).
    """
    rows, *others = _shape(tensor) or (0,)
    if not others:
        raise ValueError("Only tensors with 2 or more dimensions are supported: zeros_ is for a bias")
    columns = math.prod(others)
    q, r = np.linalg.qr(numpy_generator(generator).standard_normal((max(rows, columns), min(rows, columns))))
    q = q * np.sign(np.diagonal(r))
    return _fill(tensor, gain * (q if rows >= columns else q.T).reshape(tensor.array.shape))


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:  # fmt: skip
    """N(mean, std²) restricted to [a, b]: x = mean + std Φ⁻¹(u), with u uniform between Φ at the bounds.

    This lowers the variance: cut at ±2 std, it is 0.774 std². After 50 layers that is a factor 2.7e-6.
    """
    if not a < b:
        raise ValueError(f"trunc_normal_: the bounds must satisfy a < b, got a={a}, b={b}")
    low, high = (min(max((bound - mean) / std, -37.0), 37.0) for bound in (a, b))
    side = -1 if low > 0 else 1  # Φ is precise in its left tail: a right one is drawn as its mirror image
    z = np.linspace(min(side * low, side * high), max(side * low, side * high), 20_001)
    cdf = np.array([math.erfc(-x / math.sqrt(2)) / 2 for x in z.tolist()])  # Φ; its inverse by interpolation
    u = numpy_generator(generator).uniform(cdf[0], cdf[-1], _shape(tensor))
    return _fill(tensor, np.clip(mean + side * std * np.interp(u, cdf, z), a, b))


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> Tensor:
    """N(0, std²) with a share `sparsity` of every column set to 0 (Martens 2010)."""
    rng = numpy_generator(generator)
    values: Any = rng.normal(0, std, _shape(tensor))
    for column in values.T:
        column[rng.permutation(len(column))[: math.ceil(sparsity * len(column))]] = 0
    return _fill(tensor, values)


def dirac_(tensor: Tensor) -> Tensor:
    """A convolution that changes nothing: channel k of the output is channel k of the input."""
    shape = _shape(tensor)
    if len(shape) not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    values = np.zeros(shape)
    for k in range(min(shape[0], shape[1])):
        values[k, k][tuple(n // 2 for n in shape[2:])] = 1
    return _fill(tensor, values)
