"""Single expressions that the sources choose for speed, beside the one that a reader would expect there.

Both forms of each compute the same numbers; `tests/test_benchmarks.py` asserts it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


class Kernel(NamedTuple):
    where: str  # it is chosen
    forms: dict[str, Callable[[], np.ndarray]]  # the chosen one, then the other


def kernels() -> Iterator[Kernel]:
    for shape in ((100, 50), (500, 50), (4096, 256)):
        yield from masks_and_sums(*shape)
    for n, d in ((1, 1), (1, 50), (500, 50)):
        yield product(n, d)
    yield long_update()
    yield unfolded()
    yield weight_gradient()


def masks_and_sums(n: int, d: int) -> Iterator[Kernel]:
    x, g = np.random.default_rng(0).standard_normal((2, n, d)).astype(np.float32)
    ones = np.ones(n, np.float32)
    yield Kernel(
        f"ops/activation.py, relu′, ({n}, {d})",
        {"g * (x > 0)": lambda: g * (x > 0), "np.where(x > 0, g, 0)": lambda: np.where(x > 0, g, 0)},
    )
    yield Kernel(
        f"sums.py, a sum of rows, ({n}, {d})",
        {"np.dot(ones, g)": lambda: np.dot(ones, g), "np.sum(g, axis=0)": lambda: np.sum(g, axis=0)},
    )
    for axis, to in ((0, "b"), (1, "a")):
        yield Kernel(
            f"sums.py, a sum of products, ({n}, {d}), axis {axis}",
            {
                f"np.einsum('ab,ab->{to}', g, x)": lambda to=to: np.einsum(f"ab,ab->{to}", g, x),
                f"np.sum(g * x, axis={axis})": lambda axis=axis: np.sum(g * x, axis=axis),
            },
        )


def product(n: int, d: int) -> Kernel:
    """With one element, all the time is what it takes to begin."""
    rng = np.random.default_rng(0)
    x, W = (rng.standard_normal(shape).astype(np.float32) for shape in ((n, d), (d, d)))
    return Kernel(
        f"ops/linalg.py, a product of ({n}, {d}) and ({d}, {d})",
        {"np.dot(x, W)": lambda: np.dot(x, W), "x @ W": lambda: x @ W},
    )


def long_update(size: int = 784 * 512, stretch: int = 1 << 15) -> Kernel:
    """Adam's rule on one large weight: what is computed on the way fits into the cache, or does not."""
    g, m, v = np.random.default_rng(0).random((3, size)).astype(np.float32)

    def rule(part: slice) -> np.ndarray:
        return (
            1e-3
            * (0.9 * m[part] + 0.1 * g[part])
            / (np.sqrt(0.999 * v[part] + 0.001 * g[part] * g[part]) + 1e-8)
        )

    def in_stretches() -> np.ndarray:
        out = np.empty_like(g)
        for k in range(0, size, stretch):
            out[k : k + stretch] = rule(slice(k, k + stretch))
        return out

    return Kernel(
        "optim/optimizer.py, Adam on 784 x 512",
        {"in stretches": in_stretches, "all at once": lambda: rule(slice(None))},
    )


def unfolded(n: int = 32, channels: int = 16, side: int = 28) -> Kernel:
    """A 3 x 3 convolution as a product with all windows: of a few images at a time, or of the whole batch."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, channels, side, side)).astype(np.float32)
    W = rng.standard_normal((channels, channels * 9)).astype(np.float32)

    windows = np.moveaxis(sliding_window_view(x, (3, 3), axis=(2, 3)), (4, 5), (2, 3))

    def convolved(few: int) -> np.ndarray:
        memory = np.empty((few, *windows.shape[1:]), x.dtype)
        columns = memory.reshape(few, channels * 9, -1)
        y = np.empty((n, channels, columns.shape[2]), x.dtype)
        for k in range(0, n, few):
            memory[...] = windows[k : k + few]
            np.matmul(W, columns, out=y[k : k + few])
        return y

    return Kernel(
        f"ops/convolution.py, windows of ({n}, {channels}, {side}, {side})",
        {"two images at a time": lambda: convolved(2), "all at once": lambda: convolved(n)},
    )


def weight_gradient(n: int = 32, out: int = 16, rows: int = 144, places: int = 784) -> Kernel:
    """Of a convolution's weight: columns C times g, or g times C. What is skinny is better on the right."""
    rng = np.random.default_rng(0)
    g, C = (rng.standard_normal((n, m, places)).astype(np.float32) for m in (out, rows))
    return Kernel(
        f"ops/convolution.py, ∂L/∂W of {n} images, g ({out}, {places}), C ({rows}, {places})",
        {
            "(C @ gᵀ)ᵀ": lambda: (C @ g.swapaxes(1, 2)).sum(0).T,
            "g @ Cᵀ": lambda: (g @ C.swapaxes(1, 2)).sum(0),
        },
    )
