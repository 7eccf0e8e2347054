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

To compute them, let the rows of C(x) be the windows, places × (kh·kw·c). Then y = C(x) Wᵀ, a matrix product,
and ∂T/∂W = gᵀ C(x). In memory the channels of a pixel lie side by side, so that a row of a window is copied
in one piece. As for ∂T/∂x, the pixel r = s i + u − p meets g[i] through W[u]. So put g at every s-th place,
with zeros between, G[s i] = g[i]; then, and likewise across,

    ∂T/∂x[n, c, r] = Σ_{o, u} W[o, c, u] · G[n, o, r + p − u]

which is a convolution again, of G, with the kernel turned round.
"""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..engine.primitive import Primitive, primitive
from ..engine.sums import rows, total, wide

IN_CACHE = 2**18  # so many numbers of C(x) are made at once: 1 MB in float32


def padded(x, padding, value=0):
    """x (n, h, w, c) with rows and columns of one value around it."""
    (n, h, w, c), (p, q) = x.shape, padding
    if p == q == 0:
        return x
    out = np.full((n, h + 2 * p, w + 2 * q, c), value, x.dtype)
    out[:, p : p + h, q : q + w] = x
    return out


def windows(x, kernel, stride, padding, value=0):
    """A view of every window: (n, c, h, w) → (n, places down, places across, kh, kw, c)."""
    pixels = padded(np.moveaxis(x, 1, 3), padding, value)
    views = sliding_window_view(pixels, kernel, axis=(1, 2))[:, :: stride[0], :: stride[1]]
    return np.moveaxis(views, 3, 5)


def _rows_of_windows(x, kernel, stride, padding):
    """C, (n, c, h, w) → (places, kh·kw·c), of a few images at a time: yields which, and their windows.

    All at once they would be kh·kw times as large as x, and would not stay in the processor's cache. All get
    the same memory, so be done with one before you ask for the next.
    """
    views = windows(x, kernel, stride, padding)
    few = max(IN_CACHE // max(math.prod(views.shape[1:]), 1), 1)
    memory = np.empty((few, *views.shape[1:]), x.dtype)
    for start in range(0, len(x), few):
        some = slice(start, start + few)
        of_some = memory[: len(x[some])]
        of_some[...] = views[some]
        yield some, of_some.reshape(math.prod(of_some.shape[:3]), math.prod(of_some.shape[3:]))


def _conv2d(x, W, b, stride, padding):
    """y = C(x) Wᵀ + b, for x (n, c, h, w), W (o, c, kh, kw), b (o) → (n, o, places down, places across)."""
    kernel = W.shape[2:]
    places = [(m + 2 * p - k) // s + 1 for m, p, k, s in zip(x.shape[2:], padding, kernel, stride)]
    y = np.empty((len(x), *places, len(W)), np.result_type(x, W))
    by_window = np.transpose(W, (2, 3, 1, 0)).reshape(math.prod(W.shape[1:]), len(W))
    for some, C in _rows_of_windows(x, kernel, stride, padding):
        np.matmul(C, by_window, out=rows(y[some]))
    if b is not None:
        y += b
    return np.moveaxis(y, 3, 1)


def _conv2d_input(W, g, size, stride, padding):
    """∂T/∂x: G convolved with W turned round, for W (o, c, kh, kw), g (n, o, places) → (n, c, *size)."""
    (h, w), (kh, kw), (s, t), (p, q), (n, o, down, across) = size, W.shape[2:], stride, padding, g.shape
    G = np.zeros((n, h + 2 * p + kh - 1, w + 2 * q + kw - 1, o), g.dtype)
    G[:, kh - 1 : kh - 1 + s * down : s, kw - 1 : kw - 1 + t * across : t] = np.moveaxis(g, 1, 3)
    turned = np.swapaxes(W[:, :, ::-1, ::-1], 0, 1)
    inside = np.moveaxis(G[:, p : p + h + kh - 1, q : q + w + kw - 1], 3, 1)
    return _conv2d(inside, turned, None, (1, 1), (0, 0))


def _conv2d_weight(x, g, kernel, stride, padding):
    """∂T/∂W = gᵀ C(x), for x (n, c, h, w), g (n, o, places) → (o, c, *kernel)."""
    o, c = g.shape[1], x.shape[1]
    last = np.ascontiguousarray(np.moveaxis(g, 1, 3))
    gW = np.zeros((o, math.prod(kernel) * c), wide(np.result_type(x, g)))
    for some, C in _rows_of_windows(x, kernel, stride, padding):
        gW += np.dot(rows(last[some]).T, C)
    return np.moveaxis(gW.reshape(o, *kernel, c), 3, 1)


# What comes back to the second and the third is h; their g is an input, like W and x.
# fmt: off
conv2d: Primitive = primitive(_conv2d,
    x=lambda g, x_shape, W, stride, padding: conv2d_input(W, g, x_shape[2:], stride, padding),
    W=lambda g, x, W_shape, stride, padding: conv2d_weight(x, g, W_shape[2:], stride, padding),
    b=lambda g: total(g, (0, 2, 3)))
conv2d_input: Primitive = primitive(_conv2d_input,
    W=lambda h, W_shape, g, stride, padding: conv2d_weight(h, g, W_shape[2:], stride, padding),
    g=lambda h, W, stride, padding: conv2d(h, W, None, stride, padding))
conv2d_weight: Primitive = primitive(_conv2d_weight,
    x=lambda h, x_shape, g, stride, padding: conv2d_input(h, g, x_shape[2:], stride, padding),
    g=lambda h, x, stride, padding: conv2d(x, h, None, stride, padding))
# fmt: on
