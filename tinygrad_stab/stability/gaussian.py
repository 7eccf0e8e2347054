"""Averages of an activation over random pre-activations, and a root finder: the numerics of the theory.

With many inputs a pre-activation z = Σ w h is Gaussian (central limit theorem), so what a layer does on
average is an integral over the normal density p:

    E f(z) = ∫ f(√q u) p(u) du        z ~ N(0, q),  u ~ N(0, 1)

Here it is a sum over a grid, `average(f(gaussian(q)))`. The activation may be any function of tensors: its
slope φ′ is taken by this library's own backward pass.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..autograd import enable_grad, grad, no_grad
from ..engine.graph import Variable
from ..nn.module import Module
from ..tensor import Tensor

Activation = str | Callable[[Any], Any]

NAMED: dict[str, Callable] = {
    "linear": lambda x: x,
    "sigmoid": ops.sigmoid,
    "tanh": ops.tanh,
    "relu": ops.relu,
    "leaky_relu": ops.leaky_relu,
    "elu": ops.elu,
    "selu": ops.selu,
    "gelu": ops.gelu,
    "silu": ops.silu,
    "softplus": ops.softplus,
}


def function_of(activation: Activation) -> Callable[[Any], Any]:
    """The function behind a name; any other callable, a module too, is one already."""
    if isinstance(activation, str) and activation in NAMED:
        return NAMED[activation]
    if isinstance(activation, Module):
        return activation.forward  # without its hooks, which belong to the model
    if callable(activation) and not isinstance(activation, type):
        return activation
    raise ValueError(
        f"unknown activation {activation!r}: pass one of {', '.join(NAMED)}, or any function of a tensor, "
        "such as nn.LeakyReLU(0.2) or lambda z: z * torch.sigmoid(z)"
    )


def values(activation: Activation, z: np.ndarray) -> np.ndarray:
    """φ(z), element by element."""
    with no_grad():
        return _applied(activation, Tensor(z)).array


def slopes(activation: Activation, z: np.ndarray) -> np.ndarray:
    """φ′(z), element by element: one backward pass through φ, started with a 1 for every element."""
    with enable_grad():
        x = Tensor(z).requires_grad_()
        y = _applied(activation, x)
        found = None if y.node is None else grad(y, x, np.ones_like(y.array), allow_unused=True)[0]
    return np.zeros_like(z) if found is None else found.array  # a step function has no slope


def _applied(activation: Activation, x: Tensor) -> Any:
    y = function_of(activation)(x)
    if not isinstance(y, Variable) or y.array.shape != x.array.shape:
        raise ValueError(
            f"the activation {activation!r} must turn a tensor into one of the same shape, element by "
            f"element; it turned shape {x.array.shape} into {type(y).__name__} {np.shape(y)}"
        )
    return y


# --- averages ----------------------------------------------------------------------------------------------

CELLS = 48_000
# The middles of equal cells on [−12, 12], beyond which p < 1e-31. For a smooth integrand the error is below
# rounding. As 0 lies between two points, the kink of a ReLU costs nothing: E relu′² is ½ to the last digit.
U = (np.arange(CELLS) + 0.5) * (24 / CELLS) - 12
P = np.exp(-U * U / 2) * (24 / CELLS / math.sqrt(2 * math.pi))
TINY = 1e-30  # stands for q → 0 from above: around 0 a ReLU has two slopes, at 0 itself only one


def gaussian(q: float) -> np.ndarray:
    """The grid for z ~ N(0, q)."""
    if not 0 <= q < math.inf:
        raise ValueError(f"the variance q of pre-activations must be a finite number ≥ 0, got {q}")
    return math.sqrt(max(q, TINY)) * U


def average(f: np.ndarray) -> float:
    """E f(z), from the values of f on `gaussian(q)`."""
    mean = float(P @ f)
    if not math.isfinite(mean):
        raise ValueError(
            f"the average over the activation is {mean}: does it, or its slope, overflow or have a pole?"
        )
    return mean


# Two variables with correlation c are two projections of one random point of a plane, on axes at an angle of
# arccos c. Its radius is random, its angle uniform. In polar coordinates the kink of a ReLU is a ray.
_ANGLES = (np.arange(3200) + 0.5) * (2 * math.pi / 3200)


def gaussian_pair(q: float, c: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points (z₁, z₂) ~ N(0, q) with correlation c, and their probabilities; r/√q has density r e^(−r²/2)."""
    r, weight = _legendre(12.0)
    return _pair(math.sqrt(max(q, TINY)) * r, c, weight * r * np.exp(-r * r / 2))


def standardized_pair(batch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two samples (y₁, y₂) of a standardized batch of size B, and their probabilities.

    Such a column y has Σ y = 0 and Σ y² = B: a point of a sphere in d = B − 1 dimensions, taken to be uniform
    on it. Its elements have variance 1 and correlation −1/d. Seen in the plane of two of them, a uniform
    point of the unit sphere has the radius sin α, where α has density (d − 2) sin α cos^(d−3) α.
    """
    d = batch - 1
    α, weight = _legendre(math.pi / 2)
    density = (d - 2) * np.sin(α) * np.cos(α) ** (d - 3)
    return _pair(math.sqrt(d) * np.sin(α), -1 / d, weight * density)


@functools.cache
def _legendre(end: float) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights of Gauss's rule for a smooth integrand on [0, end]."""
    x, weight = np.polynomial.legendre.leggauss(96)
    return (x + 1) * (end / 2), weight * (end / 2)


def _pair(radius: np.ndarray, c: float, p: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    radius = radius[:, None]
    y1, y2 = radius * np.cos(_ANGLES), radius * np.cos(_ANGLES - math.acos(c))
    return y1, y2, p[:, None] / len(_ANGLES)


# --- roots -------------------------------------------------------------------------------------------------


def crossing(f: Callable[[float], float], upwards: float, reach: float) -> float | None:
    """The zero of f first met on the way from 0, in steps of |upwards|; None if there is none within `reach`.

    The way leads to the right if f(0) has the sign of `upwards`, else to the left.
    """
    start, here = f(0.0), 0.0
    if abs(start) < 1e-12:
        return 0.0
    step = math.copysign(upwards, start * upwards)
    while abs(here) < reach:
        if f(here + step) * start <= 0:
            return _root(f, here, here + step)
        here += step
    return None


def _root(f: Callable[[float], float], a: float, b: float) -> float:
    """A zero between a and b, where f has opposite signs: false position, with the Illinois rule."""
    fa, fb = f(a), f(b)
    for _ in range(100):
        if fb == 0 or abs(b - a) <= 1e-13 * abs(b):
            break
        c = b - fb * (b - a) / (fb - fa)
        fc = f(c)
        if (fc < 0) != (fb < 0):
            a, fa = b, fb
        else:
            fa /= 2
        b, fb = c, fc
    return b
