"""Standardizing: BatchNorm does it down the columns of a batch, LayerNorm along its rows. It is one formula,
on other axes, and one rule.
"""

import numpy as np

from ..engine import sums
from ..engine.primitive import primitive
from ..engine.sums import axes_of, sum_kept
from .reduction import count, sum_product


def _moments(x, axis, eps):
    """x − μ, the mean μ, the variance v and σ = √(v + ε) along axis; E x² − μ² would cancel."""
    mu = sum_kept(x, axis)
    n = x.size // max(mu.size, 1) or 1  # elements of which a mean is taken
    mu = mu / n
    deviation = x - mu
    v = sums.sum_product(deviation, deviation, axis) / n
    sigma = np.sqrt(v + eps)
    if v.dtype != np.float64 and np.add.reduce(v, None) == np.inf:  # squares leave float32 long before x does
        return _moments(x.astype(np.float64), axis, eps)
    if not (np.abs(mu) <= 100 * sigma).all():  # there the rounding of μ would show, and equal x must give 0
        rounding = sum_kept(deviation, axis) / n
        deviation -= rounding
        v -= rounding * rounding
        sigma = np.sqrt(v + eps)
    return deviation, mu, v, sigma


def _standardize(x, gamma, beta, axis, eps):
    """y = γ x̂ + β with x̂ = (x − μ)/σ and σ = √(v + ε), for mean μ and (biased) variance v along axis.

    γ and β are numbers, or broadcast to x. Returns y, μ, v, and the deviation x − μ, which the rule reads.
    """
    deviation, mu, v, sigma = _moments(x, axis, eps)
    if _alike_along(axis, x.ndim, np.shape(gamma)):
        y = deviation * (gamma / sigma)
    else:
        y = deviation * (1 / sigma)
        y *= gamma
    y += beta
    return y.astype(x.dtype, copy=False), mu, v, deviation


def _alike_along(axis, ndim, *shapes):
    """Are parameters of these shapes the same all along axis, as BatchNorm's are?"""
    axes = axes_of(ndim, axis)
    return all(shape[a] == 1 for s in shapes for shape in [(1,) * (ndim - len(s)) + s] for a in axes)


def _standardize_rule(g, y, gamma, beta_shape, axis, eps):
    """Push ∂L/∂y back to x, for n elements along axis.

    The last step, y = γ x̂ + β, sends G = g γ to x̂, and

        ∂L/∂γ = Σ g x̂
        ∂L/∂β = Σ g

    An xᵢ moves the mean by ∂μ/∂xᵢ = 1/n and the variance by ∂v/∂xᵢ = 2 (xᵢ − μ)/n = 2 σ x̂ᵢ / n, hence σ
    by x̂ᵢ / n. In x̂ⱼ = (xⱼ − μ)/σ it acts directly, through μ and through σ:

        ∂x̂ⱼ/∂xᵢ = (δᵢⱼ − 1/n − x̂ᵢ x̂ⱼ / n) / σ

    Multiplied by Gⱼ and summed over j:

        ∂L/∂x = (G − mean(G) − x̂ · mean(G x̂)) / σ

    So what comes back has no component along 1 (shifting x changes nothing) nor, up to ε, along x̂ (scaling x
    changes nothing): two directions of the gradient are removed, and the rest is divided by σ.

    BatchNorm's γ and β are the same all along axis: γ comes out of both means. What is left in them is Σ g
    and Σ g x̂ again: the part of the gradient that β and γ learn from is just the part that x does not get to
    see.
    """
    g_y, g_mu, g_v, g_deviation = g  # the last comes from second derivatives only
    _, _, v, deviation = y
    n, sigma = count(deviation.shape, axis) or 1, np.sqrt(v + eps)
    g_y = np.zeros_like(deviation) if g_y is None else g_y
    alike = _alike_along(axis, deviation.ndim, np.shape(gamma), beta_shape)
    G = g_y if alike else g_y * gamma
    sum_G, sum_Gx = sum_kept(G, axis), sum_product(G, deviation, axis) / sigma  # as x̂ = deviation / σ
    gx = rest(G, sum_G / n, deviation, sum_Gx / (n * sigma), (gamma if alike else 1) / sigma)
    gx = _with_moments(gx, g_mu, g_v, g_deviation, deviation, axis, n)
    return (gx, sum_Gx, sum_G) if alike else (gx, g_y * (deviation / sigma), g_y)


def _with_moments(gx, g_mu, g_v, g_deviation, deviation, axis, n):
    """∂L/∂x by way of y, and what comes back by mean, variance and deviation, where anything does."""
    if g_mu is not None:
        gx = gx + g_mu / n
    if g_v is not None:
        gx = gx + g_v * (2 / n) * deviation
    return gx if g_deviation is None else gx + g_deviation - sum_kept(g_deviation, axis) / n


def _rest(g, a, x, b, scale):
    """What is left of g without a and without b x, scaled: (g − a − b x) · scale, in one piece of memory."""
    p = x * b
    p += a
    np.subtract(g, p, out=p)
    p *= scale
    return p


def _batch_norm(x, gamma, beta, axis, eps):
    """`standardize` over the batch: to have a name of its own in a graph is all that it is for."""
    return _standardize(x, gamma, beta, axis, eps)


# fmt: off
standardize = primitive(_standardize, joint=_standardize_rule, inputs="x gamma beta")
batch_norm  = primitive(_batch_norm,  joint=_standardize_rule, inputs="x gamma beta")
rest        = primitive(_rest,
    g     = lambda h, scale: h * scale,
    a     = lambda h, scale: -h * scale,
    x     = lambda h, b, scale: -h * b * scale,
    b     = lambda h, x, scale: -h * x * scale,
    scale = lambda h, g, a, x, b: h * (g - a - x * b))
# fmt: on


def standardize_composed(x, gamma, beta, axis, eps):
    """`standardize` in a textbook's words; only y."""
    mu = np.mean(x, axis=axis, keepdims=True)
    v = np.mean((x - mu) ** 2, axis=axis, keepdims=True)
    return gamma * (x - mu) / np.sqrt(v + eps) + beta


def _root_mean_square(x, axis, eps):
    """r = √(mean x² + ε); in float64 where squares would leave the floats, long before x does."""
    square = sum_product(x, x, axis)
    if isinstance(x, np.ndarray) and square.dtype != np.float64 and np.max(square, initial=0) == np.inf:
        return _root_mean_square(x.astype(np.float64), axis, eps)
    return np.sqrt(square / (count(x.shape, axis) or 1) + eps)


def _rms_normalize(x, axis, eps):
    """y = x / r with r = √(mean x² + ε) along axis."""
    return (x / _root_mean_square(x, axis, eps)).astype(x.dtype, copy=False)


def _rms_normalize_rule(g, y, x, axis, eps):
    """Push ∂L/∂y back to x, for n elements along axis.

    An xᵢ moves mean x² by 2 xᵢ/n, hence r by ∂r/∂xᵢ = xᵢ/(n r) = yᵢ/n. In yⱼ = xⱼ/r it acts directly and
    through r:

        ∂yⱼ/∂xᵢ = (δᵢⱼ − yᵢ yⱼ / n) / r

    Multiplied by gⱼ and summed over j:

        ∂L/∂x = (g − y · mean(g y)) / r

    What comes back has, up to ε, no component along y: scaling x changes nothing. Shifting x does; only
    `standardize` removes that direction too.
    """
    return (g - y * sum_product(g, y, axis) / (count(x.shape, axis) or 1)) / _root_mean_square(x, axis, eps)


rms_normalize = primitive(_rms_normalize, x=_rms_normalize_rule)
