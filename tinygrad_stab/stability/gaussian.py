"""Averages of an activation over random pre-activations: all that the theory has to know of it.

With many inputs a pre-activation z = Σ w h is Gaussian (central limit theorem), so what a layer does on
average is an integral over the normal density:

    z ~ N(0, q)                              E φ(z)    E φ(z)²    E φ′(z)²
    z₁, z₂ ~ N(0, q) with correlation c      E φ(z₁) φ(z₂)

The activation may be any function of tensors that works element by element: its slope φ′ is taken by this
library's own backward pass. The averages of an activation that cannot change are computed once and kept.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..autograd import enable_grad, grad, no_grad
from ..engine.graph import Variable
from ..nn import activation as activations
from ..nn.module import Module
from ..tensor import Tensor
from .quadrature import TOLERANCE, NotConverged, gaussian_average, gaussian_pair_average

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


# --- what is computed once and kept ------------------------------------------------------------------------

_kept: dict[tuple, float] = {}  # the key: which average, of what activation, at which q
_MOST = 20_000  # that are kept


def _once(average: Callable[..., float]) -> Callable[..., float]:
    """Keep the averages of an activation that cannot change. Two threads may compute one twice: no harm."""

    @functools.wraps(average)
    def looked_up(activation: Activation, *at: float) -> float:
        name = _name_of(activation)
        if name is None:
            return average(activation, *at)
        key = (average.__name__, name, *at)
        found = _kept.get(key)
        if found is None:
            found = average(activation, *at)
            if len(_kept) >= _MOST:
                _kept.clear()
            _kept[key] = found
        return found

    return looked_up


def forget() -> None:
    """Forget all averages that were kept."""
    _kept.clear()


def _name_of(activation: Activation) -> Any:
    """What an activation is known by: its name, or a module's kind and numbers; None if it may change.

    A function of somebody's own may read anything, and a module with parameters is another after each step.
    """
    if isinstance(activation, (str, np.ufunc, type(ops.tanh))):
        return activation
    if getattr(activation, "__module__", None) != activations.__name__:
        return None
    if not isinstance(activation, Module):
        return activation
    numbers = tuple(value for name, value in vars(activation).items() if name[0] != "_")
    return (type(activation), *numbers) if all(type(x) in (bool, int, float, str) for x in numbers) else None


@_once
def _precision(activation: Activation) -> float:
    """The rounding of its values, which no average can be better than; refuses what mixes its elements."""
    some = np.array([-2.1, -0.7, 0.3, 1.9, 4.2])
    try:
        with np.errstate(all="ignore"):  # as in the averages, which refuse what is not finite
            y, alone = (values(activation, z) for z in (some, some[[3, 1]]))
    except (RuntimeError, IndexError, TypeError) as error:
        raise ValueError(f"the activation {activation!r} does not take a row of numbers: {error}") from error
    if not np.allclose(y[[3, 1]].astype(float), alone.astype(float), 1e-3, equal_nan=True):
        raise ValueError(
            f"the activation {activation!r} does not work element by element: what becomes of a number "
            "depends on those beside it, or on chance, and the theory is one of functions of a single number"
        )
    return float(np.finfo(y.dtype).eps) if y.dtype.kind == "f" else 0.0


# --- averages ----------------------------------------------------------------------------------------------


@_once
def mean(activation: Activation, q: float) -> float:
    """Return E φ(z), z ~ N(0, q)."""
    return _average(activation, q, lambda z: _values(activation, z))


@_once
def mean_square(activation: Activation, q: float) -> float:
    """Return E φ(z)²."""
    return _average(activation, q, lambda z: _values(activation, z) ** 2)


@_once
def mean_square_slope(activation: Activation, q: float) -> float:
    """Return E φ′(z)²."""
    return _average(activation, q, lambda z: slopes(activation, z).astype(float) ** 2)


@_once
def mean_product(activation: Activation, q: float, c: float) -> float:
    """Return E φ(z₁) φ(z₂), z₁, z₂ ~ N(0, q) with correlation c; of independent ones it is (E φ)²."""
    if c == 0:
        return mean(activation, q) ** 2
    if c == 1:
        return mean_square(activation, q)
    return _average(activation, q, lambda z1, z2: _values(activation, z1) * _values(activation, z2), c)


def _values(activation: Activation, z: np.ndarray) -> np.ndarray:
    return values(activation, z).astype(float)  # squares may be beyond the range of halves


def _average(activation: Activation, q: float, f: Callable, c: float | None = None) -> float:
    tolerance = max(TOLERANCE, _precision(activation))
    try:
        if c is None:
            return gaussian_average(f, q, tolerance)
        return gaussian_pair_average(f, q, c, tolerance)
    except NotConverged as error:
        raise ValueError(
            f"an average over the activation {activation!r} at q = {q:g} was not found: {error}"
        ) from None
