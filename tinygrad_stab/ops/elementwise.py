"""Functions applied element by element.  g = ∂L/∂y,  y = the output,  x or a, b = the inputs.

Broadcasting is undone by the engine: a rule answers as if all shapes were equal.
"""

import math

import numpy as np

from ..engine.numpy_words import ANSWERS
from ..engine.primitive import Primitive, constant, primitive


# fmt: off
def _power(a, b):                   return a**b  # not np.power, which has no shortcut for squares
def _clip(x, low=None, high=None):  return x if low is None and high is None else np.clip(x, low, high)
def _astype(x, dtype):              return x.astype(dtype)
def _copy(x):                       return np.array(x)
def _where(condition, a, b):        return np.where(condition, a, b)


_BITS = {size: np.dtype(f"i{size}") for size in (2, 4, 8)}  # whole numbers of the same size


def _select(g, mask):
    """g where the mask is True, else 0; also where g is ∞, which times 0 is NaN: bits are multiplied."""
    return (g.view(_BITS[g.dtype.itemsize]) * mask).view(g.dtype)


#                     forward         ∂L/∂a                            ∂L/∂b
add       = primitive(np.add,         a=lambda g: g,                   b=lambda g: g)
subtract  = primitive(np.subtract,    a=lambda g: g,                   b=lambda g: -g)
multiply  = primitive(np.multiply,    a=lambda g, b: g * b,            b=lambda g, a: g * a)
divide    = primitive(np.divide,      a=lambda g, b: g / b,            b=lambda g, y, b: -g * y / b)

negative  = primitive(np.negative,    x=lambda g: -g)
exp       = primitive(np.exp,         x=lambda g, y: g * y)
log       = primitive(np.log,         x=lambda g, x: g / x)
log1p     = primitive(np.log1p,       x=lambda g, x: g / (1 + x))
log10     = primitive(np.log10,       x=lambda g, x: g / (x * math.log(10)))
sqrt      = primitive(np.sqrt,        x=lambda g, y: g / (2 * y))
square    = primitive(np.square,      x=lambda g, x: g * 2 * x)
sin       = primitive(np.sin,         x=lambda g, x: g * np.cos(x))
cos       = primitive(np.cos,         x=lambda g, x: -g * np.sin(x))
sinh      = primitive(np.sinh,        x=lambda g, x: g * np.cosh(x))
cosh      = primitive(np.cosh,        x=lambda g, x: g * np.sinh(x))
absolute  = primitive(np.absolute,    x=lambda g, x: g * np.sign(x))

# A mask selects, it does not multiply: 0 · ∞ is NaN, and an explosion would show at the wrong op.
select: Primitive = primitive(_select,        g=lambda h, mask: select(h, mask),   mask=None)
where     = primitive(_where,         condition=None,  numpy=np.where,
                                      a=lambda g, condition: np.where(condition, g, 0),
                                      b=lambda g, condition: np.where(condition, 0, g))

# Where a == b, maximum and minimum have a kink; each side gets half, so that max(x, x) has the slope of x.
# Beside a NaN neither is less than the other, and both get all of g, as in PyTorch.
maximum   = primitive(np.maximum,     a=lambda g, a, b: select(g, ~(a < b)) / (1.0 + (a == b)),
                                      b=lambda g, a, b: select(g, ~(b < a)) / (1.0 + (a == b)))
minimum   = primitive(np.minimum,     a=lambda g, a, b: select(g, ~(a > b)) / (1.0 + (a == b)),
                                      b=lambda g, a, b: select(g, ~(b > a)) / (1.0 + (a == b)))
# fmt: on


def _power_base(g, a, b):
    """∂L/∂a = g b aᵇ⁻¹, which is 0 for b = 0 even at a = 0, where aᵇ⁻¹ is infinite."""
    if isinstance(b, (int, float)):
        return g * (b * a ** (b - 1)) if b else np.zeros_like(g)
    return g * b * a ** np.where(b == 0, 1, b - 1)


def _power_exponent(g, y, a):
    """∂L/∂b = g aᵇ ln a; at a = 0 and b ≥ 0 taken as 0, its limit for b > 0."""
    return g * y * np.log(np.where(a == 0, 1, a))


power = primitive(_power, a=_power_base, b=_power_exponent, numpy=np.power)

# Where clip has changed nothing, the slope is 1: both bounds belong to the inside.
clip = primitive(_clip, x=lambda g, y, x: select(g, x == y))
ANSWERS[np.clip] = lambda x, a_min=None, a_max=None, **names: clip(
    x, low=names.get("min", a_min), high=names.get("max", a_max)
)


def _erf(x):
    """erf x = 2/√π ∫₀ˣ e^(−t²) dt, from the standard library, one element at a time: NumPy has none."""
    return np.vectorize(math.erf, otypes=[np.float64])(x).astype(
        x.dtype if x.dtype.kind == "f" else np.float64
    )


erf = primitive(_erf, x=lambda g, x: g * (2 / math.sqrt(math.pi)) * np.exp(-x * x))

# The engine gives every gradient the dtype of its input, so there is nothing left to do.
astype = primitive(_astype, x=lambda g: g, numpy=np.ndarray.astype)
copy = primitive(_copy, x=lambda g: g, numpy=np.copy)

equal, not_equal = constant(np.equal), constant(np.not_equal)
less, less_equal = constant(np.less), constant(np.less_equal)
greater, greater_equal = constant(np.greater), constant(np.greater_equal)
bitwise_and, bitwise_or, invert = constant(np.bitwise_and), constant(np.bitwise_or), constant(np.invert)
sign, floor, ceil, round_ = constant(np.sign), constant(np.floor), constant(np.ceil), constant(np.round)
isnan, isinf, isfinite = constant(np.isnan), constant(np.isinf), constant(np.isfinite)
zeros_like, ones_like = constant(np.zeros_like), constant(np.ones_like)
