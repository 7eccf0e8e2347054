"""Activations and their slopes: what a layer does to a gradient is its weights times these slopes.

A gradient dies wherever a slope is 0 in floating point. The numbers that matter, for float64 and (float32):

    tanh′ = 1 − y²         exactly 0 beyond |x| ≈ 19.0 (9 to 10), where y rounds to ±1; truth: 1e-16 (1e-8)
    sigmoid′ = y (1 − y)   exactly 0 above x ≈ 36.7 (16.6); below, it decays as eˣ down to −709 (−88)
    relu′                  exactly 0 for all x ≤ 0: nothing comes back, however near the unit is to firing
"""

import math

import numpy as np

from ..engine.primitive import primitive
from .elementwise import erf, select

# With these two, mean 0 and variance 1 are a fixed point from layer to layer: Klambauer et al. 2017, eq. 14.
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


@np.errstate(over="ignore")
def _sigmoid(x):
    """σ(x) = 1 / (1 + e⁻ˣ). Far to the left e⁻ˣ is ∞ in floating point, and σ(x) is 0: as it should be."""
    return 1 / (1 + np.exp(-1.0 * x))  # not −x, which bools do not have and unsigned integers have wrong


# fmt: off
def _relu(x):                          return np.maximum(x, 0)
def _leaky_relu(x, slope=0.01):        return np.maximum(x, 0) + slope * np.minimum(x, 0)
def _prelu(x, a):                      return np.maximum(x, 0) + a * np.minimum(x, 0)
def _elu(x, alpha=1.0):                return np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0))
def _selu(x):                          return SELU_SCALE * _elu(x, SELU_ALPHA)
def _silu(x):                          return x * _sigmoid(x)
def _gelu(x):                          return x * normal_cdf(x)
def normal_cdf(x):                     return (1 + erf(x / math.sqrt(2))) / 2
def normal_pdf(x):                     return np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
def _hardtanh(x, low=-1.0, high=1.0):  return np.clip(x, low, high)
# fmt: on


def _softplus(x, beta=1.0):
    """log(1 + e^βx) / β, with the exponent kept from growing."""
    return (np.maximum(beta * x, 0) + np.log1p(np.exp(-np.abs(beta * x)))) / beta


def elu_slope(x, alpha):
    """elu′ = 1 for x > 0, α eˣ below."""
    # not y + α, which is the same for x ≤ 0 but loses e^x to rounding below x ≈ −37 (float32: −17)
    return np.where(x > 0, 1, alpha * np.exp(np.minimum(x, 0)))


def silu_slope(x):
    """silu′ = σ (1 + x (1 − σ))."""
    s = sigmoid(x)
    return s * (1 + x * (1 - s))


# At the kink x = 0 the slope is that of the left side, as in PyTorch: relu′(0) = 0, leaky_relu′(0) = slope.
# The bounds of hardtanh lie outside, as in PyTorch; those of `clip`, inside.
# fmt: off
#                     forward       ∂L/∂x
tanh       = primitive(np.tanh,     x=lambda g, y: g * (1 - y * y))
sigmoid    = primitive(_sigmoid,    x=lambda g, y: g * (y * (1 - y)))
relu       = primitive(_relu,       x=lambda g, y: select(g, y > 0))
leaky_relu = primitive(_leaky_relu, x=lambda g, x, slope: select(g, x > 0) + slope * select(g, x <= 0))
elu        = primitive(_elu,        x=lambda g, x, alpha: g * elu_slope(x, alpha))
selu       = primitive(_selu,       x=lambda g, x: g * (SELU_SCALE * elu_slope(x, SELU_ALPHA)))
hardtanh   = primitive(_hardtanh,   x=lambda g, x, low, high: select(g, (x > low) & (x < high)))
softplus   = primitive(_softplus,   x=lambda g, x, beta: g * sigmoid(beta * x))
silu       = primitive(_silu,       x=lambda g, x: g * silu_slope(x))
gelu       = primitive(_gelu,       x=lambda g, x: g * (normal_cdf(x) + x * normal_pdf(x)))
prelu      = primitive(_prelu,      x=lambda g, x, a: select(g, x > 0) + a * select(g, x <= 0),
                                    a=lambda g, x: select(g * x, x < 0))
# fmt: on
