"""Losses that lose digits when composed of small steps, or are used so often that one step pays."""

import numpy as np

from ..engine import sums
from ..engine.primitive import primitive
from ..engine.sums import wide
from .activation import sigmoid
from .reduction import finite_max, softmax


def _mse(a, b):
    """mean (a − b)²"""
    difference = (a - b).ravel()
    terms = difference.astype(wide(difference.dtype), copy=False)
    return (sums.dot(terms, terms) / terms.size).astype(difference.dtype)


def _cross_entropy(x, target):
    """mean over the batch of −log softmax(x)[target], for scores x (n, classes) and integer targets (n)."""
    z = x - finite_max(x, -1)
    return np.mean(np.log(np.sum(np.exp(z), axis=-1)) - z[np.arange(len(x)), target])


def _cross_entropy_rule(g, x, target):
    """∂L/∂x = g (softmax(x) − onehot(target)) / n: how much too likely each class is; 0 only when right."""
    onehot = (np.arange(x.shape[-1]) == target[:, None]).astype(x.dtype)
    return (softmax(x) - onehot) * (g / len(x))


def _bce_with_logits(x, t):
    """−t log σ(x) − (1 − t) log(1 − σ(x)) = max(x, 0) − x t + log(1 + e^−|x|), element by element."""
    return np.maximum(x, 0) - x * t + np.log1p(np.exp(-np.abs(x)))


def _limited(logarithm, x):
    """The logarithm, but not below −100: one certain and wrong prediction would make the loss infinite."""
    with np.errstate(divide="ignore"):  # log 0 = −∞ is expected here
        return np.maximum(logarithm(x), -100)


def _binary_cross_entropy(x, t):
    """−t log x − (1 − t) log(1 − x), element by element, for probabilities x and targets t in [0, 1]."""
    return -t * _limited(np.log, x) - (1 - t) * _limited(np.log1p, -x)


def _binary_cross_entropy_x(g, x, t):
    """∂L/∂x = g (x − t) / (x (1 − x)), the sum of −t/x and (1 − t)/(1 − x), whose denominator is kept from 0.

    For x = σ(z) it meets σ′ = x (1 − x), and they cancel: ∂L/∂z = x − t. But in float32 x is exactly 1 from
    z ≈ 16.6 on, σ′ is 0, and what is left is 0 however wrong the prediction. `bce_with_logits` never divides.
    """
    return g * (x - t) / np.maximum(x * (1 - x), 1e-12)


def _binary_cross_entropy_t(g, x):
    """∂L/∂t = g (log(1 − x) − log x)."""
    return g * (_limited(np.log1p, -x) - _limited(np.log, x))


def mse_slope(a, b):
    """∂/∂a mean (a − b)² = 2 (a − b) / n"""
    difference = a - b
    return difference * (2 / max(np.size(difference), 1))


# fmt: off
#                            ∂L/∂(first input)                          ∂L/∂(second input)
mse = primitive(_mse,        a=lambda g, a, b: g * mse_slope(a, b),     b=lambda g, a, b: g * mse_slope(b, a))
bce_with_logits = primitive(_bce_with_logits,
                             x=lambda g, x, t: g * (sigmoid(x) - t),    t=lambda g, x: -g * x)
cross_entropy = primitive(_cross_entropy,
                             x=_cross_entropy_rule)
binary_cross_entropy = primitive(_binary_cross_entropy,
                             x=_binary_cross_entropy_x,                 t=_binary_cross_entropy_t)
# fmt: on
