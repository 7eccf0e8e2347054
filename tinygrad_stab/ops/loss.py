"""Losses that would lose digits if composed of small steps, or that are used too often to be."""

import numpy as np

from ..graph import primitive
from .activation import sigmoid
from .reduction import _logsumexp, softmax


def _mse(a, b):
    """mean (a − b)²"""
    difference = np.ravel(a - b)
    return difference @ difference / difference.size


def _cross_entropy(x, target):
    """mean over the batch of −log softmax(x)[target], for scores x (n, classes) and integer targets (n)."""
    return np.mean(_logsumexp(x, -1) - x[np.arange(len(x)), target])


def _cross_entropy_rule(g, y, x, target):
    """∂L/∂x = (softmax(x) − onehot(target)) / n: how much too likely each class is; 0 only when right."""
    onehot = (np.arange(x.shape[-1]) == target[:, None]).astype(x.dtype)
    return (softmax(x) - onehot) * (g / len(x))


def _bce_with_logits(x, t):
    """−t log σ(x) − (1 − t) log(1 − σ(x)) = max(x, 0) − x t + log(1 + e^−|x|), element by element."""
    return np.maximum(x, 0) - x * t + np.log1p(np.exp(-np.abs(x)))


def _mse_slope(a, b):
    """∂/∂a mean (a − b)² = 2 (a − b) / n"""
    difference = a - b
    return difference * (2 / np.size(difference))


# fmt: off
#               ∂L/∂(first input)                            ∂L/∂(second input)
mse = primitive(_mse,
                lambda g, y, a, b: g * _mse_slope(a, b),     lambda g, y, a, b: g * _mse_slope(b, a))
bce_with_logits = primitive(_bce_with_logits,
                lambda g, y, x, t: g * (sigmoid(x) - t),     lambda g, y, x, t: -g * x)
cross_entropy = primitive(_cross_entropy,
                _cross_entropy_rule)
# fmt: on
