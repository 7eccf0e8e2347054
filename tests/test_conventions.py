"""What the gradient is where there is none, at kinks and ties: PyTorch's conventions, by name."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_stab as torch

# Each runs with this library as T and, where it is installed, with PyTorch itself.
KINKS: dict[str, tuple[Callable, Any, Any]] = {
    "relu′(0) = 0": (lambda T, x: T.nn.functional.relu(x), 0.0, 0),
    "leaky_relu′(0) = slope": (lambda T, x: T.nn.functional.leaky_relu(x, 0.2), 0.0, 0.2),
    "prelu′(0) = a": (lambda T, x: T.nn.functional.prelu(x, 0 * x + 0.2), [0.0], [0.2]),
    "elu′(0) = α": (lambda T, x: T.nn.functional.elu(x, 0.5), 0.0, 0.5),
    "abs′(0) = 0": (lambda T, x: T.abs(x), 0.0, 0),
    "norm′(0) = 0": (lambda T, x: x.norm(), [0.0, 0.0], [0, 0]),
    "clamp has slope 1 at its bounds": (lambda T, x: x.clamp(-1, 2), [-1.5, -1.0, 2.0, 2.5], [0, 1, 1, 0]),
    "hardtanh has slope 0 there": (lambda T, x: T.nn.functional.hardtanh(x), [-1.0, 0.0, 1.0], [0, 1, 0]),
    "max() shares a tie": (lambda T, x: x.max(), [1.0, 3.0, 3.0], [0, 0.5, 0.5]),
    "min() shares a tie": (lambda T, x: x.min(), [1.0, 1.0, 1.0, 2.0], [1 / 3, 1 / 3, 1 / 3, 0]),
    "amax(dim) shares a tie": (lambda T, x: x.amax(1), [[2.0, 2.0], [1.0, 3.0]], [[0.5, 0.5], [0, 1]]),
    "amin(dim) shares a tie": (lambda T, x: x.amin(0), [[2.0, 2.0], [2.0, 3.0]], [[0.5, 1], [0.5, 0]]),
    "max(dim) gives to the index it returns": (lambda T, x: x.max(1).values, [[3.0, 3.0, 1.0]], [[1, 0, 0]]),
    "min(dim) gives to the index it returns": (lambda T, x: x.min(1).values, [[3.0, 1.0, 1.0]], [[0, 1, 0]]),
    "maximum halves a tie": (lambda T, x: T.maximum(x, x.detach()), [1.0, 2.0], [0.5, 0.5]),
    "minimum halves a tie": (lambda T, x: T.minimum(x, T.ones_like(x)), [1.0, 2.0], [0.5, 0]),
    "maximum of x and x has the slope of x": (lambda T, x: T.maximum(x, x), [1.0, 2.0], [1, 1]),
}  # fmt: skip


def slope_at_kink(T: Any, name: str) -> Any:
    f, values, _ = KINKS[name]
    x = T.tensor(values, dtype=T.float64, requires_grad=True)
    (g,) = T.autograd.grad(f(T, x).sum(), x)
    return g.tolist()


@pytest.mark.parametrize("name", KINKS)
def test_convention(name: str) -> None:
    np.testing.assert_allclose(slope_at_kink(torch, name), KINKS[name][2], rtol=1e-15)


@pytest.mark.parametrize("name", KINKS)
def test_convention_is_pytorchs(name: str) -> None:
    theirs = pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")
    np.testing.assert_allclose(slope_at_kink(theirs, name), KINKS[name][2], rtol=1e-15)
