"""Every fused rule against a twin of small steps: values, first and second derivatives are the same.

The twins are the definitions, as a textbook writes them: right wherever nothing overflows.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_stab as torch
from tinygrad_stab import ops
from tinygrad_stab.autograd import grad
from tinygrad_stab.ops.linalg import linear_composed
from tinygrad_stab.ops.normalization import standardize_composed
from tinygrad_stab.ops.recurrent import lstm_cell_composed

N, D = 4, 3
TARGET = np.array([2, 0, 2, 1])


def mean(x: Any, axis: int | None = None) -> Any:
    n = x.array.size if axis is None else x.array.shape[axis]
    return x.sum(axis=axis, keepdims=axis is not None) / n


def variance(x: Any, axis: int) -> Any:
    return mean((x - mean(x, axis)) ** 2, axis)


def standardize(x: Any, axis: int) -> Any:
    mu, v = mean(x, axis), variance(x, axis)
    return (x - mu) / (v + 0.1).sqrt(), mu, v


def softmax(x: Any) -> Any:
    return x.exp() / x.exp().sum(dim=1, keepdim=True)


def lstm_sequence(zx: Any, W: Any, h: Any, c: Any) -> Any:
    steps = []
    for z in zx:
        c, o, gates = lstm_step(z, W, h, c, 0)
        h = o * c.tanh()
        steps.append((h, c, gates, c.tanh()))
    return tuple(ops.stack(*values) for values in zip(*steps))


def cross_entropy(x: Any) -> Any:
    return -mean(softmax(x).log()[np.arange(N), TARGET])


def sigmoid(x: Any) -> Any:
    return 1 / (1 + (-x).exp())


def bce_with_logits(x: Any, t: Any) -> Any:
    p = sigmoid(x)
    return -t * p.log() - (1 - t) * (1 - p).log()


def lstm_step(zx: Any, W: Any, h: Any, c: Any, b: Any) -> Any:
    z = zx + h @ W.T + b
    i, f, a, o = (z[:, k * D : (k + 1) * D] for k in range(4))
    i, f, a, o = sigmoid(i), sigmoid(f), a.tanh(), sigmoid(o)
    return f * c + i * a, o, ops.concatenate(i, f, a, o, axis=1)


def lstm_cell(zx: Any, W: Any, h: Any, c: Any, b: Any) -> Any:
    c, o, _ = ops.lstm_step(zx, W, h, c, b)
    return ops.lstm_hidden(o, c), c


X = (N, D)
TWINS: dict[str, tuple[Callable, Callable, list]] = {
    # name: fused, composed, shapes of the inputs
    "linear": (ops.linear, linear_composed, [X, (5, D), (5,)]),
    "standardize columns": (
        lambda x: ops.standardize(x, 1.0, 0.0, axis=0, eps=0.1)[:3],
        lambda x: standardize(x, 0),
        [X],
    ),
    "standardize rows": (
        lambda x: ops.standardize(x, 1.0, 0.0, axis=1, eps=0.1)[:3],
        lambda x: standardize(x, 1),
        [X],
    ),
    **{
        f"standardize with γ {gamma}, β {beta}": (
            lambda x, gamma, beta: ops.standardize(x, gamma, beta, axis=0, eps=0.1)[0],
            lambda x, gamma, beta: standardize_composed(x, gamma, beta, 0, 0.1),
            [X, gamma, beta],
        )
        for gamma, beta in [((1, D), (D,)), ((N, 1), (N, 1)), ((N, D), (1, 1))]
    },
    "var": (lambda x: x.var(0), lambda x: variance(x, 0)[0] * N / (N - 1), [X]),
    "std": (lambda x: np.std(x, axis=1), lambda x: variance(x, 1)[:, 0].sqrt(), [X]),
    "norm": (lambda x: x.norm(dim=1), lambda x: (x * x).sum(dim=1).sqrt(), [X]),
    "norm of all": (lambda x: x.norm(), lambda x: (x * x).sum().sqrt(), [X]),
    "softmax": (lambda x: x.softmax(1), softmax, [X]),
    "log_softmax": (lambda x: x.log_softmax(1), lambda x: softmax(x).log(), [X]),
    "logsumexp": (lambda x: x.logsumexp(1), lambda x: x.exp().sum(dim=1).log(), [X]),
    "mse": (ops.mse, lambda a, b: mean((a - b) ** 2), [X, X]),
    "mse, broadcast": (ops.mse, lambda a, b: mean((a - b) ** 2), [X, (D,)]),
    "cross_entropy": (lambda x: ops.cross_entropy(x, target=TARGET), cross_entropy, [X]),
    "bce_with_logits": (ops.bce_with_logits, bce_with_logits, [X, X]),
    "lstm_step": (ops.lstm_step, lstm_step, [(N, 4 * D), (4 * D, D), X, X, (4 * D,)]),
    "lstm cell": (lstm_cell, lstm_cell_composed, [(N, 4 * D), (4 * D, D), X, X, (4 * D,)]),
    "lstm_sequence": (ops.lstm_sequence, lstm_sequence, [(3, N, 4 * D), (4 * D, D), X, X]),
    "sigmoid": (ops.sigmoid, sigmoid, [X]),
    "silu": (ops.silu, lambda x: x * sigmoid(x), [X]),
    "softplus": (ops.softplus, lambda x: (1 + x.exp()).log(), [X]),
    "gelu": (ops.gelu, lambda x: x * (1 + ops.erf(x / 2**0.5)) / 2, [X]),
}


def three_orders(f: Callable, xs: list, u: list, v: list) -> list[np.ndarray]:
    """The outputs, the gradient of ⟨v, f⟩, and the gradient of its slope along u."""
    xs = [torch.tensor(x, requires_grad=True) for x in xs]
    ys = f(*xs)
    ys = ys if isinstance(ys, tuple) else (ys,)
    gs = grad(ys, xs, [torch.tensor(g) for g in v], create_graph=True)
    slope = sum((g * d).sum() for g, d in zip(gs, u))
    hs = grad(slope, xs, allow_unused=True)
    hs = [torch.zeros_like(x) if h is None else h for h, x in zip(hs, xs)]
    return [t.detach().numpy() for t in (*ys, *gs, *hs)]


@pytest.mark.parametrize("name", TWINS)
@settings(max_examples=5)
@given(seed=st.integers(0, 2**32 - 1))
def test_fused_equals_composed_to_second_order(name: str, seed: int) -> None:
    fused, composed, shapes = TWINS[name]
    rng = np.random.default_rng(seed)
    xs, u = ([rng.standard_normal(shape) for shape in shapes] for _ in range(2))
    outputs = composed(*map(torch.tensor, xs))
    v = [rng.standard_normal(y.shape) for y in (outputs if isinstance(outputs, tuple) else (outputs,))]
    for one, other in zip(three_orders(fused, xs, u, v), three_orders(composed, xs, u, v)):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-10)
