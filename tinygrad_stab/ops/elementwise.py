"""Functions applied element by element.  g = ∂L/∂y,  y = the output,  x or a, b = the inputs.

Broadcasting is undone by the engine: a rule answers as if all shapes were equal.
"""

import math

import numpy as np

from ..graph import constant, primitive
from ..numpy_protocol import ANSWERS


# fmt: off
def _power(a, b):                   return a**b  # not np.power, which has no shortcut for squares
def _clip(x, low=None, high=None):  return x if low is None and high is None else np.clip(x, low, high)
def _astype(x, dtype):              return x.astype(dtype)
def _won(mine, other, chosen):      return (mine == chosen) / (1.0 + (mine == other))

#                     forward         ∂L/∂a                            ∂L/∂b
add       = primitive(np.add,         lambda g, y, a, b: g,            lambda g, y, a, b: g)
subtract  = primitive(np.subtract,    lambda g, y, a, b: g,            lambda g, y, a, b: -g)
multiply  = primitive(np.multiply,    lambda g, y, a, b: g * b,        lambda g, y, a, b: g * a)
divide    = primitive(np.divide,      lambda g, y, a, b: g / b,        lambda g, y, a, b: -g * y / b)

negative  = primitive(np.negative,    lambda g, y, x: -g)
exp       = primitive(np.exp,         lambda g, y, x: g * y)
log       = primitive(np.log,         lambda g, y, x: g / x)
log1p     = primitive(np.log1p,       lambda g, y, x: g / (1 + x))
log10     = primitive(np.log10,       lambda g, y, x: g / (x * math.log(10)))
sqrt      = primitive(np.sqrt,        lambda g, y, x: g / (2 * y))
square    = primitive(np.square,      lambda g, y, x: g * 2 * x)
sin       = primitive(np.sin,         lambda g, y, x: g * np.cos(x))
cos       = primitive(np.cos,         lambda g, y, x: -g * np.sin(x))
absolute  = primitive(np.absolute,    lambda g, y, x: g * np.sign(x))

# Where a == b, maximum and minimum have a kink; each side gets half, so that max(x, x) has the slope of x.
maximum   = primitive(np.maximum,  lambda g, y, a, b: g * _won(a, b, y), lambda g, y, a, b: g * _won(b, a, y))
minimum   = primitive(np.minimum,  lambda g, y, a, b: g * _won(a, b, y), lambda g, y, a, b: g * _won(b, a, y))
# fmt: on


def _power_base(g, y, a, b):
    """∂(aᵇ)/∂a = b aᵇ⁻¹, which is 0 for b = 0 even at a = 0, where aᵇ⁻¹ is infinite."""
    if isinstance(b, (int, float)):
        return g * (b * a ** (b - 1)) if b else np.zeros_like(g)
    return g * b * a ** np.where(b == 0, 1, b - 1)


def _power_exponent(g, y, a, b):
    """∂(aᵇ)/∂b = aᵇ ln a; at a = 0 and b ≥ 0 taken as 0, its limit for b > 0."""
    return g * y * np.log(np.where(a == 0, 1, a))


power = primitive(_power, _power_base, _power_exponent, numpy=np.power)


# Where clip has changed nothing, the slope is 1: both bounds belong to the inside.
clip = primitive(_clip, lambda g, y, x, low=None, high=None: g * (x == y))
ANSWERS[np.clip] = lambda x, a_min=None, a_max=None, **names: clip(
    x, low=names.get("min", a_min), high=names.get("max", a_max)
)

# fmt: off
where = primitive(np.where, lambda g, y, condition, a, b: np.zeros_like(g),
                            lambda g, y, condition, a, b: np.where(condition, g, 0),
                            lambda g, y, condition, a, b: np.where(condition, 0, g))
# fmt: on


def _erf(x):
    """erf x = 2/√π ∫₀ˣ e^(−t²) dt, from the standard library, one element at a time: NumPy has none."""
    return np.vectorize(math.erf, otypes=[np.float64])(x).astype(x.dtype)


erf = primitive(_erf, lambda g, y, x: g * (2 / math.sqrt(math.pi)) * np.exp(-x * x))


# The engine gives every gradient the dtype of its input, so there is nothing left to do.
astype = primitive(_astype, lambda g, y, x, dtype: g)
copy = primitive(np.copy, lambda g, y, x: g)

equal, not_equal = constant(np.equal), constant(np.not_equal)
less, less_equal = constant(np.less), constant(np.less_equal)
greater, greater_equal = constant(np.greater), constant(np.greater_equal)
bitwise_and, bitwise_or, invert = constant(np.bitwise_and), constant(np.bitwise_or), constant(np.invert)
sign, floor, ceil, round = constant(np.sign), constant(np.floor), constant(np.ceil), constant(np.round)
isnan, isinf, isfinite = constant(np.isnan), constant(np.isinf), constant(np.isfinite)
zeros_like, ones_like = constant(np.zeros_like), constant(np.ones_like)
