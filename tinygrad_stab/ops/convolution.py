"""Convolution: one weight matrix, applied to a small window at every place of an image.

Written out, with stride s and padding p, and x counted as 0 outside of the image,

    y[n, o, i, j] = b[o] + Σ_{c, u, v} W[o, c, u, v] · x[n, c, s i + u − p, s j + v − p]

Its derivatives need no new idea. Multiply y (b apart) by g and add up all of it:

    T(x, W, g) = Σ g[n, o, i, j] · W[o, c, u, v] · x[n, c, s i + u − p, s j + v − p]

T is linear in each of its three arguments, so its derivative by one of them is a sum over the other two:

    conv2d(x, W)         = ∂T/∂g        what the layer computes
    conv2d_input(W, g)   = ∂T/∂x        the gradient of its input
    conv2d_weight(x, g)  = ∂T/∂W        the gradient of its weight

To differentiate the second, multiply it by h and add up: Σ h · conv2d_input(W, g) = T(h, W, g) is the same T,
with h in the place of x. So the derivatives of each of the three are the two others, and so to any order.

To compute them, let C(x) hold the windows as columns, (c·kh·kw) × places. Then y = W C(x), a matrix product,
∂T/∂W = Σₙ g C(x)ᵀ and ∂T/∂x = Cᵀ(Wᵀ g), where Cᵀ adds each window to where it was taken from.
"""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..graph import Primitive, primitive


def windows(x, kernel, stride):
    """A view of every window: (n, c, h, w) → (n, c, places down, places across, kh, kw)."""
    return sliding_window_view(x, kernel, axis=(2, 3))[:, :, :: stride[0], :: stride[1]]


def padded(x, padding, value=0):
    """x with rows and columns of one value around it."""
    n, c, h, w = x.shape
    p, q = padding
    if p == q == 0:
        return x
    out = np.full((n, c, h + 2 * p, w + 2 * q), value, x.dtype)
    out[:, :, p : p + h, q : q + w] = x
    return out


def _columns(x, kernel, stride, padding):
    """C: every window as a column, (n, c, h, w) → (n, c·kh·kw, places)."""
    views = np.moveaxis(windows(padded(x, padding), kernel, stride), (4, 5), (2, 3))
    n, c, kh, kw, *places = views.shape
    return views.reshape(n, c * kh * kw, math.prod(places))


def _add_columns(columns, size, places, kernel, stride, padding):
    """Cᵀ: add every column to the window that it was taken from, (n, c·kh·kw, places) → (n, c, *size)."""
    (h, w), (down, across), (s, t), (p, q) = size, places, stride, padding
    n, c = len(columns), columns.shape[1] // math.prod(kernel)
    columns = columns.reshape(n, c, *kernel, down, across)
    x = np.zeros((n, c, h + 2 * p, w + 2 * q), columns.dtype)
    for u, v in np.ndindex(*kernel):
        x[:, :, u : u + s * down : s, v : v + t * across : t] += columns[:, :, u, v]
    return x[:, :, p : p + h, q : q + w]


def _flat(x, start):
    return x.reshape(*x.shape[:start], math.prod(x.shape[start:]))


def _conv2d(x, W, b, stride, padding):
    """y = W C(x) + b, for x (n, c, h, w), W (o, c, kh, kw), b (o) → (n, o, places down, places across)."""
    kernel = W.shape[2:]
    places = [(m + 2 * p - k) // s + 1 for m, p, k, s in zip(x.shape[2:], padding, kernel, stride)]
    y = _flat(W, 1) @ _columns(x, kernel, stride, padding)
    if b is not None:
        y += b[:, None]
    return y.reshape(len(x), len(W), *places)


def _conv2d_input(W, g, size, stride, padding):
    """∂T/∂x = Cᵀ(Wᵀ g), for W (o, c, kh, kw), g (n, o, places) → (n, c, *size)."""
    columns = _flat(W, 1).T @ _flat(g, 2)
    return _add_columns(columns, size, g.shape[2:], W.shape[2:], stride, padding)


def _conv2d_weight(x, g, kernel, stride, padding):
    """∂T/∂W = Σₙ g C(x)ᵀ, for x (n, c, h, w), g (n, o, places) → (o, c, *kernel)."""
    products = _flat(g, 2) @ np.swapaxes(_columns(x, kernel, stride, padding), 1, 2)
    return np.sum(products, axis=0).reshape(g.shape[1], x.shape[1], *kernel)


# fmt: off
conv2d: Primitive = primitive(_conv2d,
    lambda g, y, x, W, b, stride, padding: conv2d_input(W, g, x.shape[2:], stride, padding),
    lambda g, y, x, W, b, stride, padding: conv2d_weight(x, g, W.shape[2:], stride, padding),
    lambda g, y, x, W, b, stride, padding: np.sum(g, axis=(0, 2, 3)))
conv2d_input: Primitive = primitive(_conv2d_input,
    lambda h, y, W, g, size, stride, padding: conv2d_weight(h, g, W.shape[2:], stride, padding),
    lambda h, y, W, g, size, stride, padding: conv2d(h, W, None, stride, padding))
conv2d_weight: Primitive = primitive(_conv2d_weight,
    lambda h, y, x, g, kernel, stride, padding: conv2d_input(h, g, x.shape[2:], stride, padding),
    lambda h, y, x, g, kernel, stride, padding: conv2d(x, h, None, stride, padding))
# fmt: on
