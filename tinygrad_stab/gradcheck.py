"""Is a gradient right? Compare it with finite differences, and say in words what was found.

    central difference   (f(x + h) − f(x − h)) / 2h  =  f′(x) + h² f‴(x)/6 + …,  plus rounding, about ε |f|/h

The first error shrinks with h, the second grows, so there is a best step: h ≈ ∛ε, which is 6e-6 in float64
and leaves an error of about 1e-10. In float32 it is about 1e-4 at best, at h ≈ 5e-3, and far more at the
usual 1e-6: too coarse for small mistakes, which is why float32 inputs are refused.

`gradcheck` looks at every element of the Jacobian; `directional_check` at one random direction, to second
order, which takes a handful of evaluations however many elements there are.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .derivatives import as_tuple, hvp, jacobian_of, vjp
from .engine.switches import enable_grad, no_grad
from .tensor import Tensor
from .tensor.random import Generator, numpy_generator


class GradcheckError(RuntimeError):
    """A gradient and its finite difference disagree; the message names the worst element."""


def _verdict(what: str, analytic: float, left: float, right: float, step: float) -> str:
    """Both values and, where they tell it, the cause; left and right are one-sided slopes."""
    numeric, gap = (left + right) / 2, abs(right - left)
    text = f"the gradient of {what} is {analytic:.6g}, but finite differences say {numeric:.6g}"
    nearest = min(abs(analytic - left), abs(analytic - right))
    if gap > 1e-3 * max(abs(left), abs(right)) and nearest < 1e-2 * gap:  # more than curvature allows
        return (
            f"{text}. The slope is {left:.4g} on the left and {right:.4g} on the right: the step of "
            f"{step:.0e} crossed a kink (relu, abs, max …), and the gradient may well be right. Move the "
            "input away from the kink, or take a smaller eps"
        )
    if analytic == 0:
        return f"{text}. A 0 often means that the graph was cut: detach(), no_grad(), a missing path"
    ratio = numeric / analytic
    return text + (": the sign is wrong" if abs(ratio + 1) < 1e-2 else f": {ratio:.4g} times as much")


def gradcheck(
    func: Callable[..., Any], inputs: Any, *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:  # fmt: skip
    """Compare every element of the Jacobian of `func` with central differences.

    Returns True if all agree within atol + rtol · |numeric|. Otherwise raises GradcheckError with the worst
    element, or returns False if raise_exception is False. The inputs that require a gradient must be float64.
    """
    inputs, places = _checked(inputs)
    worst, verdict = 0.0, ""
    for k in places:
        for o, (analytic, right, left) in enumerate(_slopes(func, inputs, inputs[k], eps)):
            numeric = (right + left) / 2  # = (f(x + h) − f(x − h)) / 2h
            excess = np.asarray(np.abs(analytic - numeric) - (atol + rtol * np.abs(numeric)))
            excess[np.isnan(excess)] = np.inf
            if excess.max(initial=0) > worst:
                worst = excess.max()
                at = tuple(map(int, np.unravel_index(excess.argmax(), excess.shape)))
                what = f"output {o} with respect to input {k} at {at[len(at) - inputs[k].ndim :]}"
                verdict = _verdict(what, analytic.item(at), left.item(at), right.item(at), eps)
    if verdict and raise_exception:
        raise GradcheckError(f"gradcheck failed: {verdict}")
    return not verdict


def _slopes(func: Callable, inputs: list, x: Tensor, eps: float) -> list[tuple[np.ndarray, ...]]:
    """For every output: its Jacobian by x, and the difference quotients to the right and to the left."""
    with enable_grad():
        outputs = as_tuple(func(*inputs))
        analytic = [jacobian_of(y, (x,))[0].array for y in outputs]
    with no_grad():
        right, left = (_quotients(func, inputs, x, outputs, h) for h in (eps, -eps))
    return list(zip(analytic, right, left))


def _quotients(func: Callable, inputs: list, x: Tensor, outputs: tuple, h: float) -> list[np.ndarray]:
    """(f(x + h eⱼ) − f(x)) / h for every element j of x, in the shape of f(x) followed by that of x."""
    columns: list[list] = [[] for _ in outputs]
    for j in np.ndindex(x.array.shape):
        moved = Tensor(x.array.copy())
        moved.array[j] += h
        there = as_tuple(func(*[moved if z is x else z for z in inputs]))
        for column, y, before in zip(columns, there, outputs):
            column.append((y.array - before.array).ravel() / h)
    return [
        np.reshape(column, (x.array.size, y.array.size)).T.reshape(y.array.shape + x.array.shape)
        for column, y in zip(columns, outputs)
    ]


def directional_check(
    func: Callable[..., Any], inputs: Any, *, order: int = 2, eps: float = 1e-5, atol: float = 1e-6,
    rtol: float = 1e-6, generator: Generator | None = None,
) -> bool:  # fmt: skip
    """Compare slopes along a random direction u, with a random upstream gradient v:

        order 1    d/dh ⟨v, f(x + h u)⟩        against  ⟨∇⟨v, f⟩, u⟩
        order 2    d/dh ∇⟨v, f(x + h u)⟩       against  ∇⟨∇⟨v, f⟩, u⟩, in every element

    The second is the check that a rule whose first derivative is right can still fail: a rule that reads a
    value which it saved as a constant. Raises GradcheckError; takes a handful of evaluations,
    whatever the size.
    """
    inputs, places = _checked(inputs)
    rng = numpy_generator(generator)
    us = [rng.standard_normal(inputs[k].array.shape) for k in places]
    vs = [rng.standard_normal(y.array.shape) for y in as_tuple(func(*inputs))]

    def total(*xs: Tensor) -> Tensor:  # ⟨v, f(x)⟩
        given = {**dict(enumerate(inputs)), **dict(zip(places, xs))}
        terms = [(y * v).sum() for y, v in zip(as_tuple(func(*given.values())), vs)]
        return functools.reduce(Tensor.__add__, terms)

    def moved(h: float) -> tuple[Tensor, ...]:  # x + h u
        return tuple(Tensor(inputs[k].array + h * u) for k, u in zip(places, us))

    here, left, right = (vjp(total, moved(h)) for h in (0, -eps, eps))
    slopes = [g.array * u for g, u in zip(here[1], us)]
    numeric = (right[0].array - left[0].array) / (2 * eps)
    size = sum(float(np.abs(slope).sum()) for slope in slopes)
    along = np.array(sum(float(slope.sum()) for slope in slopes))
    _compare("the slope along a random direction", along, numeric, atol + rtol * (1 + size))
    if order == 2:
        curvatures = hvp(total, moved(0), tuple(map(Tensor, us)))[1]
        for k, curvature, plus, minus in zip(places, curvatures, right[1], left[1]):
            numeric = (plus.array - minus.array) / (2 * eps)
            allowed = 10 * (atol + rtol * (1 + float(np.abs(numeric).max(initial=0))))
            _compare(f"the second derivative by input {k}", curvature.array, numeric, allowed)
    return True


def _compare(what: str, analytic: np.ndarray, numeric: np.ndarray, allowed: float) -> None:
    error = np.abs(analytic - numeric)
    error = np.where(np.isnan(error), np.inf, error)
    if not error.max(initial=0) <= allowed:  # which may be NaN
        at = tuple(map(int, np.unravel_index(error.argmax(), error.shape)))
        raise GradcheckError(
            f"directional_check failed: {what}{f' at {at}' if at else ''} is {analytic[at]:.8g}, but finite "
            f"differences say {numeric[at]:.8g}"
        )


def _checked(inputs: Any) -> tuple[list, list[int]]:
    """The inputs, and the numbers of those by which to differentiate."""
    inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    places = [k for k, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
    if not places:
        raise ValueError("gradcheck needs an input that requires a gradient: call x.requires_grad_()")
    for k in places:
        if inputs[k].dtype != np.float64:
            raise ValueError(
                f"gradcheck needs float64 inputs, not {inputs[k].dtype}: in float32 the rounding error of a "
                "difference quotient, about 1e-4 at the best step, hides the errors that it should find; "
                "call .double() on model and inputs"
            )
    return inputs, places
