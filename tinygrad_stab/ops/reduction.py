"""Functions that make one number out of many, along `axis` (None: along all), and softmax, which belongs to
them.

Most rules here first give the reduced axes back to g and y (`expanded`), so that both fit the input again.
"""

import math

import numpy as np

from ..engine import sums
from ..engine.numpy_words import ANSWERS
from ..engine.primitive import constant, primitive
from ..engine.sums import axes_of
from .elementwise import absolute, select


def expanded(reduced, shape, axis, keepdims):
    """Put the axes that a reduction of this shape removed back into its result, with length 1."""
    if keepdims or not shape:
        return reduced
    axes = axes_of(len(shape), axis)
    return np.reshape(reduced, tuple(1 if k in axes else n for k, n in enumerate(shape)))


def count(shape, axis):
    """How many elements a reduction of this shape along axis makes one of."""
    return math.prod(shape[a] for a in axes_of(len(shape), axis))


def _sum(x, axis=None, keepdims=False):
    """y = Σ x along axis."""
    if x.dtype.kind in "ub":  # of which NumPy makes uint64
        return np.sum(x, axis, np.int64, keepdims=keepdims)
    y = sums.total(x, axis, keepdims)
    return y.astype(x.dtype) if x.dtype == np.float16 else y


def _sum_rule(g, x_shape, axis, keepdims):
    """∂L/∂x = g, the same for every xᵢ, as ∂(Σ x)/∂xᵢ = 1."""
    return np.broadcast_to(expanded(g, x_shape, axis, keepdims), x_shape)


def _mean(x, axis=None, keepdims=False):
    """y = 1/n Σ x along axis."""
    n = count(x.shape, axis)
    if x.dtype.kind != "f" or n == 0:
        return np.mean(x, axis=axis, keepdims=keepdims)
    return (sums.total(x, axis, keepdims) / n).astype(x.dtype, copy=False)


def _mean_rule(g, x_shape, axis, keepdims):
    """∂L/∂x = g / n, the same for every xᵢ, as ∂(1/n Σ x)/∂xᵢ = 1/n."""
    n = count(x_shape, axis) or 1  # where n is 0, nobody receives anything
    return np.broadcast_to(expanded(g, x_shape, axis, keepdims) / n, x_shape)


def _var(x, axis=None, ddof=0, keepdims=False):
    """v = Σ (x − μ)² / (n − ddof)."""
    n = count(x.shape, axis)
    if x.dtype.kind != "f" or n <= ddof:
        return np.var(x, axis, ddof=ddof, keepdims=keepdims)
    deviation = x - _mean(x.astype(sums.wide(x.dtype), copy=False), axis, keepdims=True)
    return (sums.total(deviation * deviation, axis, keepdims) / (n - ddof)).astype(x.dtype)


def _std(x, axis=None, ddof=0, keepdims=False):
    """s = √v, as m √(v of x/m) with m = max |x| where squares would leave the floats, long before x does."""
    with np.errstate(over="ignore"):
        s = np.sqrt(_var(x.astype(sums.wide(x.dtype), copy=False), axis, ddof, keepdims))
    if np.any(np.isinf(s)) and np.all(np.isfinite(x)):
        m = np.max(np.abs(x))
        s = m * np.sqrt(_var(x / m, axis, ddof, keepdims))
    return s.astype(x.dtype) if x.dtype.kind == "f" else s


def _var_rule(g, x, axis, ddof, keepdims):
    """∂L/∂x = g · 2 (x − μ) / (n − ddof): the path by μ adds Σ (x − μ) = 0."""
    deviation = x - np.mean(x, axis=axis, keepdims=True)
    n = count(x.shape, axis)
    return expanded(g, x.shape, axis, keepdims) * deviation * (2 / (n - ddof) if n != ddof else math.nan)


def _std_rule(g, y, x, axis, ddof, keepdims):
    """∂L/∂x = g (x − μ) / ((n − ddof) s), and 0, not 0/0, for a constant x."""
    deviation = x - np.mean(x, axis=axis, keepdims=True)
    s = expanded(y, x.shape, axis, keepdims)
    n = count(x.shape, axis)
    moving = select(expanded(g, x.shape, axis, keepdims), s != 0)
    return moving * (deviation / np.where(s == 0, 1, s)) / (n - ddof)


def _max(x, axis=None, keepdims=False):
    return np.max(x, axis=axis, keepdims=keepdims)


def _min(x, axis=None, keepdims=False):
    return np.min(x, axis=axis, keepdims=keepdims)


def _extreme_rule(g, y, x, axis, keepdims):
    """∂L/∂x = g where x = y, else 0; equals share it evenly."""
    chosen = (x == expanded(y, x.shape, axis, keepdims)) | np.isnan(
        x
    )  # a NaN is the largest, and unequal to itself
    share = expanded(g, x.shape, axis, keepdims) / np.sum(chosen, axis=axis, keepdims=True)
    return select(np.broadcast_to(share, x.shape), chosen)


def _norm(x, p=2, axis=None, keepdims=False):
    """‖x‖ = (Σ|x|ᵖ)^(1/p), as m ‖x/m‖ with m = max |x|: powers leave the floats long before x does."""
    if not 0 < p < math.inf:
        raise RuntimeError(f"norm: p must be positive and finite, not {p}")
    m = np.max(np.abs(x), axis=axis, keepdims=True, initial=0)
    m = np.where((m == 0) | ~np.isfinite(m), 1, m).astype(x.dtype)
    y = m * np.sum(np.abs(x / m) ** p, axis=axis, keepdims=True) ** (1 / p)
    return y if keepdims else np.squeeze(y, axis=axis)


def _norm_rule(g, y, x, p, axis, keepdims):
    """∂L/∂x = g sign(u) |u|ᵖ⁻¹ with u = x / ‖x‖, which is u for p = 2, and 0 at the kink x = 0."""
    y = expanded(y, x.shape, axis, keepdims)
    u = x / np.where(y == 0, 1, y)
    return expanded(g, x.shape, axis, keepdims) * (u if p == 2 else _signed_power(u, p - 1))


def _signed_power(u, q):
    """sign(u) |u|^q, and 0 at u = 0 for any q."""
    return np.sign(u) * np.abs(np.where(u == 0, 1, u)) ** q


def finite_max(x, axis):
    """m = max x along axis, kept with length 1; 0 where that is infinite. No exponent x − m is positive."""
    m = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    return np.where(np.isfinite(m), m, 0).astype(x.dtype)


def _logsumexp(x, axis=-1, keepdims=False):
    """log Σ eˣ = m + log Σ eˣ⁻ᵐ with m = max x."""
    m = finite_max(x, axis)
    y = m + np.log(np.sum(np.exp(x - m), axis=axis, keepdims=True))
    return y if keepdims else np.squeeze(y, axis=axis)


def _logsumexp_rule(g, y, x, axis, keepdims):
    """∂L/∂x = g eˣ⁻ʸ, g times the softmax: ∂/∂xᵢ log Σ eˣ = eˣⁱ / Σ eˣ."""
    return expanded(g, x.shape, axis, keepdims) * np.exp(x - expanded(y, x.shape, axis, keepdims))


def _softmax(x, axis=-1):
    """yᵢ = eˣⁱ / Σ eˣ = eˣⁱ⁻ᵐ / Σ eˣ⁻ᵐ with m = max x."""
    e = np.exp(x - np.max(x, axis=axis, keepdims=True, initial=-np.inf))
    return e / np.sum(e, axis=axis, keepdims=True)


def _softmax_rule(g, y, axis):
    """∂L/∂x = y (g − Σ g y), as ∂yⱼ/∂xᵢ = yⱼ (δᵢⱼ − yᵢ): what pushes all of y up together is lost."""
    return y * (g - np.sum(g * y, axis=axis, keepdims=True))


def _log_softmax(x, axis=-1):
    """yᵢ = xᵢ − log Σ eˣ = zᵢ − log Σ eᶻ with z = x − max x: a large x would cost the log its digits."""
    z = x - finite_max(x, axis)
    return z - np.log(np.sum(np.exp(z), axis=axis, keepdims=True))


def _log_softmax_rule(g, y, axis):
    """∂L/∂x = g − eʸ Σ g, as ∂yⱼ/∂xᵢ = δᵢⱼ − eʸⁱ."""
    return g - np.exp(y) * np.sum(g, axis=axis, keepdims=True)


def _cumsum(x, axis=None):
    return np.cumsum(x, axis, np.int64 if x.dtype.kind in "ub" else None)


def _cumsum_rule(g, x_shape, axis):
    """∂L/∂x = Σ_{j ≥ i} gⱼ, the same sum run from the other end: yⱼ = Σ_{i ≤ j} xᵢ."""
    return np.reshape(np.flip(np.cumsum(np.flip(g, axis), axis=axis), axis), x_shape)


# fmt: off
#                       forward        ∂L/∂x
sum_        = primitive(_sum,          x=_sum_rule,      numpy=np.sum)
mean        = primitive(_mean,         x=_mean_rule,     numpy=np.mean)
var         = primitive(_var,          x=_var_rule,      numpy=np.var)
std         = primitive(_std,          x=_std_rule,      numpy=np.std)
max_        = primitive(_max,          x=_extreme_rule,  numpy=np.max)
min_        = primitive(_min,          x=_extreme_rule,  numpy=np.min)
norm        = primitive(_norm,         x=_norm_rule)
logsumexp   = primitive(_logsumexp,    x=_logsumexp_rule)
softmax     = primitive(_softmax,      x=_softmax_rule)
log_softmax = primitive(_log_softmax,  x=_log_softmax_rule)
cumsum      = primitive(_cumsum,       x=_cumsum_rule,   numpy=np.cumsum)
sum_product = primitive(sums.sum_product, a=lambda g, b: g * b, b=lambda g, a: g * a)
# fmt: on


def _numpy_norm(x, ord=None, axis=None, keepdims=False):
    """np.linalg.norm, where it is that of a vector: of all elements, or along one axis."""
    of_matrix = ord is not None and (isinstance(axis, tuple) or (axis is None and x.ndim != 1))
    if (of_matrix and ord != "fro") or (ord not in (None, "fro") and not ord > 0):
        raise TypeError(
            f"np.linalg.norm(t, {ord!r}) has no derivative rule here; vector norms with p > 0 have"
        )
    if ord == math.inf:
        return max_(absolute(x), axis=axis, keepdims=keepdims)
    return norm(x, p=2 if ord in (None, "fro") else ord, axis=axis, keepdims=keepdims)


ANSWERS[np.linalg.norm] = _numpy_norm

argmax, argmin = constant(np.argmax), constant(np.argmin)
all_, any_ = constant(np.all), constant(np.any)
