"""Standardizing: BatchNorm does it down the columns of a batch, LayerNorm along its rows."""

import numpy as np

from ..graph import Primitive, primitive
from ..sums import mean_kept, mean_product
from .reduction import count, sum_product


def _standardize(x, axis, eps):
    """y = (x − μ) / σ with σ = √(v + ε), for mean μ and (biased) variance v along axis. Returns y, μ, v."""
    mu = mean_kept(x, axis)
    deviation = x - mu
    v = mean_product(deviation, deviation, axis)  # E x² − μ² would cancel for a large mean
    deviation *= 1 / np.sqrt(v + eps)
    return deviation.astype(x.dtype, copy=False), mu, v


def _standardize_rule(g, y, x, axis, eps):
    """Push ∂L/∂y, ∂L/∂μ and ∂L/∂v back to x, for n elements along axis.

    An xᵢ moves the mean by ∂μ/∂xᵢ = 1/n and the variance by ∂v/∂xᵢ = 2 (xᵢ − μ)/n = 2 σ yᵢ / n, hence σ
    by yᵢ / n. In yⱼ = (xⱼ − μ)/σ it acts directly, through μ and through σ:

        ∂yⱼ/∂xᵢ = (δᵢⱼ − 1/n − yᵢ yⱼ / n) / σ

    Multiplied by gⱼ and summed over j:

        ∂L/∂x = (g − mean(g) − y · mean(g y)) / σ  +  ∂L/∂μ / n  +  ∂L/∂v · 2 σ y / n

    So what comes back has no component along 1 (shifting x changes nothing) nor, up to ε, along y (scaling x
    changes nothing): two directions of the gradient are removed, and the rest is divided by σ.
    """
    g_y, g_mu, g_v = g
    y, _, v = y
    sigma = np.sqrt(v + eps)
    gx = np.zeros_like(y) if g_y is None else standardize_input(g_y, y, sigma, axis=axis)
    if g_mu is not None:
        gx = gx + g_mu / (count(x.shape, axis) or 1)
    if g_v is not None:
        gx = gx + g_v * (2 / (count(x.shape, axis) or 1)) * sigma * y
    return gx


def _standardize_input(g, y, sigma, axis):
    """p = (g − mean(g) − y · mean(g y)) / σ along axis, in one piece of memory."""
    p = y * mean_product(g, y, axis)
    p += mean_kept(g, axis)
    np.subtract(g, p, out=p)
    p *= 1 / sigma
    return p


def _standardize_input_y(h, p, g, y, sigma, axis):
    """The last term depends on y twice: ∂L/∂y = −(h · mean(g y) + g · mean(h y)) / σ, for h = ∂L/∂p."""
    n = count(y.shape, axis) or 1
    return -(h * sum_product(g, y, axis) + g * sum_product(h, y, axis)) / (n * sigma)


# fmt: off
standardize = primitive(_standardize, _standardize_rule)
# By g it is linear, and its own transpose; the rule by σ is −Σ h p / σ.
standardize_input: Primitive = primitive(_standardize_input,
    lambda h, p, g, y, sigma, axis: standardize_input(h, y, sigma, axis=axis),
    _standardize_input_y,
    lambda h, p, g, y, sigma, axis: -sum_product(h, p, axis) / sigma)
# fmt: on


def _root_mean_square(x, axis, eps):
    return np.sqrt(sum_product(x, x, axis) / (count(x.shape, axis) or 1) + eps)


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


rms_normalize = primitive(_rms_normalize, _rms_normalize_rule)


def _scale_shift(x, gamma, beta):
    """y = γ x + β, for γ and β of a shape that broadcasts to x's."""
    y = x * gamma
    return np.add(y, beta, out=y if y.dtype == beta.dtype else None)


def _scale_shift_gamma(g, y, x, gamma, beta):
    """∂L/∂γ = Σ g x over the axes along which γ is repeated."""
    new = x.ndim - gamma.ndim
    repeated = tuple(k for k in range(x.ndim) if k < new or gamma.shape[k - new] == 1)
    return np.reshape(sum_product(g, x, repeated), gamma.shape)


scale_shift = primitive(
    _scale_shift, lambda g, y, x, gamma, beta: g * gamma, _scale_shift_gamma, lambda g, y, x, gamma, beta: g
)
