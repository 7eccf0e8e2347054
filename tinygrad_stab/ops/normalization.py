"""Standardizing: BatchNorm does it down the columns of a batch, LayerNorm along its rows."""

import numpy as np

from ..graph import primitive
from .reduction import count


def _standardize(x, axis, eps):
    """y = (x − μ) / σ with σ = √(v + ε), for mean μ and (biased) variance v along axis. Returns y, μ, v."""
    mu = np.mean(x, axis=axis, keepdims=True)
    deviation = x - mu
    v = np.mean(np.square(deviation), axis=axis, keepdims=True)  # E x² − μ² would cancel for a large mean
    return deviation / np.sqrt(v + eps), mu, v


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
    n = count(x.shape, axis)
    gx = 0 * x
    if g_y is not None:
        mean_g, mean_gy = (np.mean(term, axis=axis, keepdims=True) for term in (g_y, g_y * y))
        gx = (g_y - mean_g - y * mean_gy) / sigma
    if g_mu is not None:
        gx = gx + g_mu / n
    if g_v is not None:
        gx = gx + g_v * (2 / n) * sigma * y
    return gx


standardize = primitive(_standardize, _standardize_rule)
