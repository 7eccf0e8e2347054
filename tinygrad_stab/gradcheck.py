"""Is a gradient right? Compare it with finite differences, and say in words what was found.

    central difference   (f(x + h) − f(x − h)) / 2h  =  f′(x) + h² f‴(x)/6 + …,  plus rounding, about ε |f|/h

The first error shrinks with h, the second grows, so there is a best step: h ≈ ∛ε, which is 6e-6 in float64
and leaves an error of about 1e-10. In float32 the best that can be had is about 1e-4 (at h ≈ 5e-3): too
coarse to tell a wrong derivative from a right one, which is why float32 inputs are refused.

`gradcheck` looks at every element of the Jacobian; `directional_check` at one random direction, to second
order, which takes a handful of evaluations however many elements there are.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .autograd import grad
from .grad_mode import enable_grad, no_grad
from .random import Generator, numpy_generator
from .tensor import Tensor


class GradcheckError(RuntimeError):
    """A gradient and its finite difference disagree; the message names the worst element."""


@dataclass(frozen=True)
class Mismatch:
    """One element ∂output[i]/∂input[j] at which the two values disagree."""

    output: int
    input: int
    at: tuple[int, ...]
    analytic: float
    numeric: float
    left: float  # one-sided slopes: where they differ, the step crossed a kink
    right: float
    step: float

    @property
    def crosses_kink(self) -> bool:
        """Do left and right slope differ by more than curvature allows, the gradient being one of them?"""
        gap = abs(self.right - self.left)
        nearest = min(abs(self.analytic - self.left), abs(self.analytic - self.right))
        return gap > 1e-3 * max(abs(self.left), abs(self.right)) and nearest < 1e-2 * gap

    def __str__(self) -> str:
        text = (
            f"the gradient of output {self.output} with respect to input {self.input} at {self.at} is "
            f"{self.analytic:.6g}, but finite differences say {self.numeric:.6g}"
        )
        if self.crosses_kink:
            return (
                f"{text}. The slope is {self.left:.4g} on the left and {self.right:.4g} on the right: the "
                f"step of {self.step:.0e} crossed a kink (relu, abs, max …), and the gradient may well be "
                "right. Move the input away from the kink, or take a smaller eps"
            )
        if self.analytic == 0:
            return (
                f"{text}. An exact 0 often means that the graph was cut: detach(), no_grad(), a missing path"
            )
        ratio = self.numeric / self.analytic
        if abs(ratio + 1) < 1e-2:
            return f"{text}: the sign is wrong"
        return f"{text}: {ratio:.4g} times as much"


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:
    """Compare every element of the Jacobian of `func` with central differences.

    Returns True if all agree within atol + rtol · |numeric|. Otherwise raises GradcheckError with the worst
    element, or returns False if raise_exception is False. The inputs that require a gradient must be float64.
    """
    inputs = _checked(inputs)
    worst: Mismatch | None = None
    worst_excess = 0.0
    for k, x in enumerate(inputs):
        if not x.requires_grad:
            continue
        for o, (analytic, right, left) in enumerate(_jacobians(func, inputs, x, eps)):
            numeric = (right + left) / 2
            excess = np.abs(analytic - numeric) - (atol + rtol * np.abs(numeric))
            excess = np.where(np.isnan(excess), np.inf, excess)
            if excess.size and excess.max() > worst_excess:
                worst_excess = float(excess.max())
                row, at = np.unravel_index(int(excess.argmax()), excess.shape)
                values = [float(m[row, at]) for m in (analytic, numeric, left, right)] + [eps]
                worst = Mismatch(o, k, tuple(map(int, np.unravel_index(int(at), x.array.shape))), *values)
    if worst is None:
        return True
    if raise_exception:
        raise GradcheckError(f"gradcheck failed: {worst}")
    return False


def _jacobians(func: Callable, inputs: list[Tensor], x: Tensor, eps: float) -> list[tuple[np.ndarray, ...]]:
    """For every output: the Jacobian by x, and the difference quotients to the right and to the left."""
    with enable_grad():
        outputs = _as_tuple(func(*inputs))
    analytic = []
    for y in outputs:
        rows = np.zeros((y.array.size, x.array.size))
        for i in range(y.array.size if y.requires_grad else 0):
            start = np.zeros(y.array.size)
            start[i] = 1
            (g,) = grad(y, x, start.reshape(y.array.shape), retain_graph=True, allow_unused=True)
            rows[i] = 0 if g is None else g.array.ravel()
        analytic.append(rows)
    right, left = ([np.zeros_like(rows) for rows in analytic] for _ in range(2))
    with no_grad():
        here = [y.array.copy().ravel() for y in outputs]
        for j in np.ndindex(x.array.shape):
            column = int(np.ravel_multi_index(j, x.array.shape)) if j else 0
            for sign, quotients in ((1, right), (-1, left)):
                there = _as_tuple(func(*[_moved(z, j, sign * eps) if z is x else z for z in inputs]))
                for o, y in enumerate(there):
                    quotients[o][:, column] = sign * (y.array.ravel() - here[o]) / eps
    return list(zip(analytic, right, left))


def _moved(x: Tensor, at: tuple[int, ...], by: float) -> Tensor:
    array = x.array.copy()
    array[at] += by
    return Tensor(array)


def directional_check(
    func: Callable[..., Any],
    inputs: Any,
    *,
    order: int = 2,
    eps: float = 1e-5,
    atol: float = 1e-6,
    rtol: float = 1e-6,
    generator: Generator | None = None,
) -> bool:
    """Compare slopes along a random direction u, with a random upstream gradient v:

        order 1    d/dh ⟨v, f(x + h u)⟩        against  ⟨∇⟨v, f⟩, u⟩
        order 2    d/dh ∇⟨v, f(x + h u)⟩       against  ∇⟨∇⟨v, f⟩, u⟩, in every element

    The second is the check that a rule whose first derivative is right can still fail: a rule that reads a
    value which it saved as a constant. Raises GradcheckError; takes 2 evaluations of f, and of its gradient,
    whatever the size.
    """
    line = _Line(func, _checked(inputs), numpy_generator(generator))
    with enable_grad():
        gradients, xs = line.gradients(0.0, create_graph=order == 2)
        slope = line.along_u(gradients)
        numeric = (line.value(eps)[0].item() - line.value(-eps)[0].item()) / (2 * eps)
        size = sum(float(np.abs(g.array * u).sum()) for g, u in zip(gradients, line.us))
        _compare("the slope along a random direction", slope.array, np.array(numeric), size, atol, rtol)
        if order == 2:
            hessian_u = grad(slope, xs, allow_unused=True) if slope.requires_grad else [None] * len(xs)
            for k, h, plus, minus in zip(
                line.places, hessian_u, line.gradients(eps)[0], line.gradients(-eps)[0]
            ):
                difference = (plus.array - minus.array) / (2 * eps)
                analytic = np.zeros_like(difference) if h is None else h.array
                size = float(np.abs(difference).max(initial=0))
                what = f"the second derivative by input {k}"
                _compare(what, analytic, difference, size, 10 * atol, 10 * rtol)
    return True


class _Line:
    """The number ⟨v, f(x + h u)⟩ as a function of h, and its gradient by x, for random u and v."""

    def __init__(self, func: Callable, inputs: list[Tensor], rng: np.random.Generator) -> None:
        self.func, self.inputs = func, inputs
        self.places = [k for k, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
        self.us = [rng.standard_normal(inputs[k].array.shape) for k in self.places]
        self.vs = [rng.standard_normal(y.array.shape) for y in _as_tuple(func(*inputs))]

    def value(self, h: float) -> tuple[Tensor, list[Tensor]]:
        """⟨v, f(x + h u)⟩, and the x + h u that it was computed from."""
        moved = list(self.inputs)
        for k, u in zip(self.places, self.us):
            moved[k] = Tensor(self.inputs[k].array + h * u).requires_grad_()
        terms = [(y * v).sum() for y, v in zip(_as_tuple(self.func(*moved)), self.vs)]
        return functools.reduce(Tensor.__add__, terms), [moved[k] for k in self.places]

    def gradients(self, h: float, create_graph: bool = False) -> tuple[list[Tensor], list[Tensor]]:
        """∇⟨v, f⟩ at x + h u, 0 for an x that f does not use."""
        total, xs = self.value(h)
        if not total.requires_grad:
            return [x.detach() * 0 for x in xs], xs
        found = grad(total, xs, create_graph=create_graph, allow_unused=True)
        return [x * 0 if g is None else g for g, x in zip(found, xs)], xs

    def along_u(self, gradients: list[Tensor]) -> Tensor:
        """⟨∇, u⟩"""
        return functools.reduce(Tensor.__add__, [(g * u).sum() for g, u in zip(gradients, self.us)])


def _compare(
    what: str, analytic: np.ndarray, numeric: np.ndarray, size: float, atol: float, rtol: float
) -> None:
    error = np.abs(analytic - numeric)
    error = np.where(np.isnan(error), np.inf, error)
    if error.size and not error.max() <= atol + rtol * (1 + size):
        at = np.unravel_index(int(error.argmax()), error.shape)
        raise GradcheckError(
            f"directional_check failed: {what}{f' at {tuple(map(int, at))}' if at else ''} is "
            f"{analytic[at]:.8g}, but finite differences say {numeric[at]:.8g}"
        )


def _checked(inputs: Any) -> list[Tensor]:
    inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    wanted: Sequence[Tensor] = [x for x in inputs if isinstance(x, Tensor) and x.requires_grad]
    if not wanted:
        raise ValueError(
            "gradcheck needs at least one input that requires a gradient: call x.requires_grad_()"
        )
    for x in wanted:
        if x.array.dtype != np.float64:
            raise ValueError(
                f"gradcheck needs float64 inputs, not {x.array.dtype}: in float32 the rounding error of a "
                "difference quotient, about 1e-4 at the best step, hides the errors that it should find; "
                "call .double() on model and inputs"
            )
    return inputs


def _as_tuple(outputs: Any) -> tuple[Tensor, ...]:
    return (outputs,) if isinstance(outputs, Tensor) else tuple(outputs)
