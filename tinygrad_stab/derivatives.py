"""Derivatives of whole functions: `torch.autograd.functional`.

A backward pass multiplies a vector v with the Jacobian J = ∂y/∂x from the left. All else is made of that:

    vjp         vᵀJ            one pass
    jacobian    J              a pass for each element of y: row i is eᵢᵀJ
    jvp         J v            two passes: uᵀJ is linear in u, and the derivative of ⟨uᵀJ, v⟩ by u is J v
    hvp         H v            two passes: of y, a single number, then of ⟨∂y/∂x, v⟩; no matrix is made
    hessian     H = ∂²y/∂x²    the Jacobian of the gradient

`func` takes tensors and returns a tensor or a tuple; `inputs` is a tensor or a tuple; results come in the
same form. With create_graph=True they can be differentiated in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .engine.switches import enable_grad
from .ops import stack
from .tensor import Tensor
from .tensor.autograd import grad
from .tensor.creation import ones_like, zeros_like


def vjp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False) -> tuple[Any, Any]:
    """Return func(inputs) and vᵀJ. v is in the form of the output; None, if that is one number, means 1."""
    with enable_grad():
        xs = _prepared(inputs, create_graph)
        y = func(*xs)
        vs = _vectors(v, as_tuple(y), "the output")
        products = _products(vs, as_tuple(y), xs, create_graph)
    return _in_form(y, as_tuple(y), create_graph), _in_form(inputs, products, create_graph)


def jvp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False) -> tuple[Any, Any]:
    """Return func(inputs) and J v. v is in the form of the inputs; None, if that is one number, means 1."""
    with enable_grad():
        xs = _prepared(inputs, create_graph)
        vs = _vectors(v, xs, "the input")
        y = func(*xs)
        us = tuple(zeros_like(part, requires_grad=True) for part in as_tuple(y))
        rows = _products(us, as_tuple(y), xs, create_graph=True)
        products = _products(vs, rows, us, create_graph)
    return _in_form(y, as_tuple(y), create_graph), _in_form(y, products, create_graph)


def hvp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False) -> tuple[Any, Any]:
    """Return func(inputs), a single number, and H v, for v in the form of the inputs."""
    with enable_grad():
        xs = _prepared(inputs, create_graph)
        vs = _vectors(v, xs, "the input")
        y = func(*xs)
        products = _products(vs, _gradient(y, xs), xs, create_graph)  # vᵀH, which is H v: H is symmetric
    return _in_form(y, (y,), create_graph), _in_form(inputs, products, create_graph)


def jacobian(func: Callable, inputs: Any, create_graph: bool = False) -> Any:
    """Return J, its shape the output's followed by the input's; of tuples, J[output][input]."""
    with enable_grad():
        xs = _prepared(inputs, create_graph)
        y = func(*xs)
        blocks = [_in_form(inputs, jacobian_of(part, xs, create_graph), create_graph) for part in as_tuple(y)]
    return tuple(blocks) if isinstance(y, tuple) else blocks[0]


def jacobian_of(y: Tensor, xs: Sequence[Tensor], create_graph: bool = False) -> list[Tensor]:
    """∂y/∂x for each x that y was computed from."""
    rows = []
    for i in range(y.numel()):
        e = np.zeros(y.numel(), y.dtype)
        e[i] = 1
        rows.append(_products((Tensor(e.reshape(y.array.shape)),), (y,), xs, create_graph))
    if not rows:
        return [Tensor(np.zeros(y.array.shape + x.array.shape, x.dtype)) for x in xs]
    return [stack(*column).reshape(y.array.shape + x.array.shape) for column, x in zip(zip(*rows), xs)]


def hessian(func: Callable, inputs: Any, create_graph: bool = False) -> Any:
    """Return H of a function to a single number, its shape twice the input's; of tuples, H[input][input]."""

    def gradient(*xs: Tensor) -> Any:
        return _in_form(inputs, _gradient(func(*xs), xs), create_graph=True)

    return jacobian(gradient, inputs, create_graph)


def _products(vs: Sequence, ys: Sequence, xs: Sequence, create_graph: bool) -> tuple[Tensor, ...]:
    """Σ vᵀ ∂y/∂x over all y, for each x; zeros where no y depends on it."""
    depending = [(y, v) for y, v in zip(ys, vs) if y.requires_grad]
    if not depending:
        return tuple(map(zeros_like, xs))
    outputs, weights = zip(*depending)
    found = grad(outputs, xs, weights, retain_graph=True, create_graph=create_graph, allow_unused=True)
    return tuple(zeros_like(x) if g is None else g for g, x in zip(found, xs))


def _gradient(y: Any, xs: Sequence[Tensor]) -> tuple[Tensor, ...]:
    if not isinstance(y, Tensor) or y.numel() != 1:
        raise RuntimeError(
            "a Hessian is that of a function which returns a single Tensor with a single element"
        )
    return _products((ones_like(y),), (y,), xs, create_graph=True)


def _prepared(inputs: Any, create_graph: bool) -> tuple[Tensor, ...]:
    """The inputs as tensors that gradients can be asked for; with create_graph, still in their graph."""
    return tuple(
        x.clone() if create_graph and x.requires_grad else x.detach().requires_grad_()
        for x in as_tuple(inputs)
    )


def _vectors(v: Any, like: Sequence[Tensor], what: str) -> tuple[Tensor, ...]:
    shapes = [tuple(x.shape) for x in like]
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(f"v can only be None if {what} is a single Tensor with a single element")
        return (ones_like(like[0]),)
    found = [tuple(x.shape) for x in as_tuple(v)]
    if found != shapes:
        raise RuntimeError(f"v must be in the form of {what}, of shape {shapes}, but is of shape {found}")
    return as_tuple(v)


def as_tuple(x: Any) -> tuple:
    """One tensor, or several."""
    return (x,) if isinstance(x, Tensor) else tuple(x)


def _in_form(like: Any, values: Sequence[Tensor], create_graph: bool) -> Any:
    values = tuple(values if create_graph else (value.detach() for value in values))
    return values if isinstance(like, tuple) else values[0]
