"""Standardizing: BatchNorm does it down the columns of a batch, LayerNorm along its rows."""

import numpy as np

from ..graph import primitive
from ..sums import sum_kept
from .reduction import count, sum_product


def _standardize(x, axis, eps):
    """y = (x − μ) / σ with σ = √(v + ε), for mean μ and (biased) variance v along axis. Returns y, μ, v."""
    deviation, mu, v = _moments(x, axis)
    y, sigma = deviation, np.sqrt(v + eps)
    if np.any(np.abs(mu) > 100 * sigma):  # there the rounding of μ would show; equal x must come out as 0
        y -= sum_kept(y, axis) / (count(x.shape, axis) or 1)
    y *= 1 / sigma
    return y.astype(x.dtype, copy=False), mu, v


def _moments(x, axis):
    """x − μ, the mean μ and the variance v along axis; E x² − μ² would cancel for a large mean."""
    n = count(x.shape, axis) or 1
    mu = sum_kept(x, axis) / n
    deviation = x - mu
    return deviation, mu, sum_product(deviation, deviation, axis) / n


def _standardize_rule(g, y, x, axis, eps):
    """Push ∂L/∂y, ∂L/∂μ and ∂L/∂v back to x, for n elements along axis.

    An xᵢ moves the mean by ∂μ/∂xᵢ = 1/n and the variance by ∂v/∂xᵢ = 2 (xᵢ − μ)/n = 2 σ yᵢ / n, hence σ
    by yᵢ / n. In yⱼ = (xⱼ − μ)/σ it acts directly, through μ and through σ:

        ∂yⱼ/∂xᵢ = (δᵢⱼ − 1/n − yᵢ yⱼ / n) / σ

    Multiplied by gⱼ and summed over j:

        ∂L/∂x = (g − mean(g) − y · mean(g y)) / σ  +  ∂L/∂μ / n  +  ∂L/∂v · 2 σ y / n

    So what comes back by way of y has no component along 1 (shifting x changes nothing) nor, up to ε, along y
    (scaling x changes nothing): two directions of the gradient are removed, and the rest is divided by σ.
    """
    g_y, g_mu, g_v = g
    y, _, v = y
    n, sigma = count(x.shape, axis) or 1, np.sqrt(v + eps)
    g_y = np.zeros_like(y) if g_y is None else g_y
    gx = rest(g_y, sum_kept(g_y, axis) / n, y, sum_product(g_y, y, axis) / n, 1 / sigma)
    return _with_moments(gx, g_mu, g_v, y, sigma, n)


def _with_moments(gx, g_mu, g_v, y, sigma, n):
    """∂L/∂x by way of y, and what comes back by mean and variance, where anything does."""
    gx = gx if g_mu is None else gx + g_mu / n
    return gx if g_v is None else gx + g_v * (2 / n) * sigma * y


def _rest(g, a, y, b, scale):
    """What is left of g without a and without b y, scaled: (g − a − b y) · scale, in one piece of memory."""
    p = y * b
    p += a
    np.subtract(g, p, out=p)
    p *= scale
    return p


def _batch_norm(x, gamma, beta, axis, eps):
    """y = γ (x − μ)/σ + β, for γ and β that are the same all along axis. Returns y, μ, v."""
    deviation, mu, v = _moments(x, axis)
    y = deviation
    y *= gamma / np.sqrt(v + eps)  # in its memory
    y += beta
    return y.astype(x.dtype, copy=False), mu, v


def _batch_norm_rule(g, y, x, gamma, beta, axis, eps):
    """`standardize` with γ and β, as one. With x̂ = (x − μ)/σ, the last step y = γ x̂ + β gives

        ∂L/∂β = Σ g        ∂L/∂γ = Σ g x̂

    and sends γ g to x̂. As γ is the same all along axis, it comes out of both means in the rule above, and
    what is left in them is these two sums again:

        ∂L/∂x = γ/σ · (g − 1/n ∂L/∂β − x̂ · 1/n ∂L/∂γ)

    So the part of the gradient that β and γ learn from is just the part that x does not get to see.
    """
    g_y, g_mu, g_v = g
    deviation, _, v = _moments(x, axis)
    n, sigma = count(x.shape, axis) or 1, np.sqrt(v + eps)
    g_y = np.zeros_like(deviation) if g_y is None else g_y
    g_beta, g_gamma = sum_kept(g_y, axis), sum_product(g_y, deviation, axis) / sigma
    # x̂ is deviation / σ, and so the last term is deviation · ∂L/∂γ / (n σ)
    gx = rest(g_y, g_beta / n, deviation, g_gamma / (n * sigma), gamma / sigma)
    return _with_moments(gx, g_mu, g_v, deviation, 1, n), g_gamma, g_beta


# fmt: off
standardize = primitive(_standardize, _standardize_rule)
batch_norm  = primitive(_batch_norm, _batch_norm_rule, together=3)
rest        = primitive(_rest,
    lambda h, p, g, a, y, b, scale: h * scale,              # ∂L/∂g
    lambda h, p, g, a, y, b, scale: -h * scale,             # ∂L/∂a
    lambda h, p, g, a, y, b, scale: -h * b * scale,         # ∂L/∂y
    lambda h, p, g, a, y, b, scale: -h * y * scale,         # ∂L/∂b
    lambda h, p, g, a, y, b, scale: h * (g - a - y * b))    # ∂L/∂scale
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
