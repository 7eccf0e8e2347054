"""Pooling: one number for every window of an image. Neither kind needs a rule of its own."""

import math

import numpy as np

from ..engine.graph import array_of
from .convolution import conv2d, windows
from .shape import getitem, reshape


def avg_pool2d(x, kernel, stride, padding):
    """The mean of every window, 0 in the margin: a convolution of each channel, with 1/(kh·kw) everywhere."""
    n, c, h, w = x.shape
    W = np.full((1, 1, *kernel), 1 / math.prod(kernel), x.dtype)
    y = conv2d(reshape(x, shape=(n * c, 1, h, w)), W, None, stride, padding)
    return reshape(y, shape=(n, c, *y.shape[2:]))


def max_pool2d(x, kernel, stride, padding):
    """The largest element of every window: it is taken, not changed, and so gets the whole gradient.

    Where several are largest it is the first, row by row, as in PyTorch.
    """
    h, w = x.shape[2:]
    lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    views = np.moveaxis(windows(array_of(x), kernel, stride, padding, lowest), 5, 1)
    n, c, down, across = views.shape[:4]
    first = views.reshape(n, c, down, across, math.prod(kernel)).argmax(-1)
    row = stride[0] * np.arange(down)[:, None] + first // kernel[1] - padding[0]
    column = stride[1] * np.arange(across) + first % kernel[1] - padding[1]
    row, column = np.clip(row, 0, h - 1), np.clip(column, 0, w - 1)  # of −∞ alone: not the margin
    place = (np.arange(n * c).reshape(n, c, 1, 1) * h + row) * w + column
    return getitem(reshape(x, shape=(-1,)), key=place)
