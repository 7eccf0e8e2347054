"""Functions that make one number out of many, along `axis` (None: along all), and softmax, which belongs to
them.

Most rules here first give the reduced axes back to g and y (`spread`), so that both fit the input again.
"""

import math

import numpy as np

from ..graph import constant, primitive


def spread(reduced, x, axis, keepdims):
    """Put the axes of x that a reduction removed back into its result, with length 1."""
    if keepdims or (axis is None and x.ndim == 0):
        return reduced
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return np.reshape(
        reduced, tuple(1 if k in {a % x.ndim for a in axes} else n for k, n in enumerate(x.shape))
    )


def count(x, axis):
    """How many elements of x a reduction along axis makes one of."""
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return math.prod(x.shape[a] for a in axes)


def _sum_rule(g, y, x, axis=None, keepdims=False):
    """∂(Σ x)/∂xᵢ = 1."""
    return np.broadcast_to(spread(g, x, axis, keepdims), x.shape)


def _mean_rule(g, y, x, axis=None, keepdims=False):
    """∂(1/n Σ x)/∂xᵢ = 1/n."""
    return np.broadcast_to(spread(g, x, axis, keepdims) / count(x, axis), x.shape)


def _var_rule(g, y, x, axis=None, ddof=0, keepdims=False):
    """v = Σ (x − μ)² / (n − ddof);  ∂v/∂xᵢ = 2 (xᵢ − μ) / (n − ddof): the path by μ adds Σ (x − μ) = 0."""
    deviation = x - np.mean(x, axis=axis, keepdims=True)
    return spread(g, x, axis, keepdims) * deviation * (2 / (count(x, axis) - ddof))


def _std_rule(g, y, x, axis=None, ddof=0, keepdims=False):
    """s = √v;  ∂s/∂xᵢ = (xᵢ − μ) / ((n − ddof) s), and 0, not 0/0, for a constant x."""
    deviation = x - np.mean(x, axis=axis, keepdims=True)
    s = spread(y, x, axis, keepdims)
    return spread(g, x, axis, keepdims) * deviation / ((count(x, axis) - ddof) * np.where(s == 0, 1, s))


def _extreme_rule(g, y, x, axis=None, keepdims=False):
    """The gradient goes to the largest (smallest) element; equals share it evenly."""
    chosen = x == spread(y, x, axis, keepdims)
    return spread(g, x, axis, keepdims) * chosen / np.sum(chosen, axis=axis, keepdims=True)


def _norm(x, axis=None, keepdims=False):
    """‖x‖ = √Σx², computed as m ‖x/m‖ with m = max |x|: x² leaves the range of floats long before x does."""
    m = np.max(np.abs(x), axis=axis, keepdims=True, initial=0)
    m = np.where((m == 0) | ~np.isfinite(m), 1, m).astype(x.dtype)
    y = m * np.sqrt(np.sum(np.square(x / m), axis=axis, keepdims=True))
    return y if keepdims else np.squeeze(y, axis=axis)


def _norm_rule(g, y, x, axis=None, keepdims=False):
    """∂‖x‖/∂x = x / ‖x‖, and 0 for x = 0, where the norm has a kink."""
    y = spread(y, x, axis, keepdims)
    return spread(g, x, axis, keepdims) * (x / np.where(y == 0, 1, y))


def _logsumexp(x, axis=-1, keepdims=False):
    """log Σ eˣ = m + log Σ eˣ⁻ᵐ with m = max x, so that no exponent is positive."""
    m = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    m = np.where(np.isfinite(m), m, 0).astype(x.dtype)
    y = m + np.log(np.sum(np.exp(x - m), axis=axis, keepdims=True))
    return y if keepdims else np.squeeze(y, axis=axis)


def _logsumexp_rule(g, y, x, axis=-1, keepdims=False):
    """∂/∂xᵢ log Σ eˣ = eˣⁱ / Σ eˣ, the softmax."""
    return spread(g, x, axis, keepdims) * np.exp(x - spread(y, x, axis, keepdims))


def _softmax(x, axis=-1):
    """yᵢ = eˣⁱ / Σ eˣ"""
    e = np.exp(x - np.max(x, axis=axis, keepdims=True, initial=-np.inf))
    return e / np.sum(e, axis=axis, keepdims=True)


def _softmax_rule(g, y, x, axis=-1):
    """∂yⱼ/∂xᵢ = yⱼ (δᵢⱼ − yᵢ), so ∂L/∂x = y (g − Σ g y): what pushes all of y up together is lost."""
    return y * (g - np.sum(g * y, axis=axis, keepdims=True))


def _log_softmax(x, axis=-1):
    """yᵢ = xᵢ − log Σ eˣ"""
    return x - _logsumexp(x, axis, keepdims=True)


def _log_softmax_rule(g, y, x, axis=-1):
    """∂yⱼ/∂xᵢ = δᵢⱼ − eʸⁱ"""
    return g - np.exp(y) * np.sum(g, axis=axis, keepdims=True)


def _cumsum_rule(g, y, x, axis=None):
    """yⱼ = Σ_{i ≤ j} xᵢ, so ∂L/∂xᵢ = Σ_{j ≥ i} gⱼ: the same sum, run from the other end."""
    return np.reshape(np.flip(np.cumsum(np.flip(g, axis), axis=axis), axis), x.shape)


# fmt: off
sum         = primitive(np.sum,       _sum_rule)
mean        = primitive(np.mean,      _mean_rule)
var         = primitive(np.var,       _var_rule)
std         = primitive(np.std,       _std_rule)
max         = primitive(np.max,       _extreme_rule)
min         = primitive(np.min,       _extreme_rule)
norm        = primitive(_norm,        _norm_rule)
logsumexp   = primitive(_logsumexp,   _logsumexp_rule)
softmax     = primitive(_softmax,     _softmax_rule)
log_softmax = primitive(_log_softmax, _log_softmax_rule)
cumsum      = primitive(np.cumsum,    _cumsum_rule)
# fmt: on

argmax, argmin = constant(np.argmax), constant(np.argmin)
all, any = constant(np.all), constant(np.any)
median, quantile = constant(np.median), constant(np.quantile)
