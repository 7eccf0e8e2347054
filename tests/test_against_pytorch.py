"""The same weights, inputs and upstream gradients in this library and in PyTorch, in float64.

Compared are values, the gradients of all inputs and parameters to second order, buffers, names, reprs, over
shapes and options that hypothesis draws. Without PyTorch these tests are skipped, those of
`test_recorded_from_pytorch.py` not. Optimizers and whole trainings are compared in `optim/`.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from both_libraries import array, flat, needs_pytorch, pytorch
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_stab

pytestmark = needs_pytorch

small = st.integers(1, 4)
seeds = st.integers(0, 2**32 - 1)


class Case(NamedTuple):
    """A layer, its arguments, the shapes of its inputs, how to call it, and integer targets if it has any."""

    kind: str
    arguments: tuple = ()
    options: dict[str, Any] = {}  # noqa: RUF012 (never written to)
    shapes: Sequence[tuple[int, ...]] = ()
    call: Callable[..., Any] = lambda layer, *inputs: layer(*inputs)
    targets: np.ndarray | None = None


# --- what is drawn ------------------------------------------------------------------------------------------


def options(**choices: Sequence[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({name: st.sampled_from(values) for name, values in choices.items()})


shapes = hnp.array_shapes(min_dims=1, max_dims=3, max_side=4)


@st.composite
def linear(draw: st.DrawFn) -> Case:
    n, m, batch = draw(small), draw(small), draw(hnp.array_shapes(min_dims=0, max_dims=3, max_side=4))
    return Case("Linear", (n, m), draw(options(bias=[True, False])), [(*batch, n)])


@st.composite
def activation(draw: st.DrawFn) -> Case:
    kind, arguments = draw(st.sampled_from([
        ("Sigmoid", ()), ("Tanh", ()), ("ReLU", ()), ("LeakyReLU", (0.2,)), ("PReLU", ()), ("ELU", (0.7,)),
        ("SELU", ()), ("SiLU", ()), ("GELU", ("none",)), ("GELU", ("tanh",)), ("Softplus", (2.0,)),
        ("Softmax", (-1,)), ("Softmax", (0,)), ("LogSoftmax", (-1,)), ("Identity", ()),
    ]))  # fmt: skip
    return Case(kind, arguments, shapes=[draw(shapes)])


@st.composite
def prelu_by_channel(draw: st.DrawFn) -> Case:
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=4, max_side=4))
    return Case("PReLU", (shape[1],), shapes=[shape])


@st.composite
def batch_norm(draw: st.DrawFn) -> Case:
    features, length = draw(small), draw(st.sampled_from([(), (1,), (3,)]))
    chosen = options(
        momentum=[0.1, 0.7, None], affine=[True, False], track_running_stats=[True, False], eps=[1e-5, 0.1]
    )
    return Case("BatchNorm1d", (features,), draw(chosen), [(draw(st.integers(2, 5)), features, *length)])


@st.composite
def layer_norm(draw: st.DrawFn) -> Case:
    trailing = draw(
        hnp.array_shapes(min_dims=1, max_dims=3, max_side=4).filter(lambda shape: math.prod(shape) > 1)
    )
    leading = draw(hnp.array_shapes(min_dims=0, max_dims=2, max_side=3))
    chosen = options(elementwise_affine=[True, False], bias=[True, False], eps=[1e-5, 0.1])
    return Case("LayerNorm", (trailing,), draw(chosen), [(*leading, *trailing)])


@st.composite
def cell(draw: st.DrawFn) -> Case:
    kind, n, features, d = (
        draw(st.sampled_from(["RNNCell", "LSTMCell"])),
        draw(small),
        draw(small),
        draw(small),
    )
    chosen = draw(options(bias=[True, False]))
    if kind == "RNNCell":
        chosen |= draw(options(nonlinearity=["tanh", "relu"]))
    states = [(n, d)] * draw(st.sampled_from([0, 1])) * (2 if kind == "LSTMCell" else 1)
    return Case(kind, (features, d), chosen, [(n, features), *states], call_recurrent)


@st.composite
def sequence(draw: st.DrawFn) -> Case:
    kind, layers = draw(st.sampled_from(["RNN", "LSTM"])), draw(st.integers(1, 3))
    n, time, features, d = draw(small), draw(small), draw(small), draw(small)
    chosen = draw(options(bias=[True, False], batch_first=[True, False]))
    if kind == "RNN":
        chosen |= draw(options(nonlinearity=["tanh", "relu"]))
    states = [(layers, n, d)] * draw(st.sampled_from([0, 1])) * (2 if kind == "LSTM" else 1)
    order = (n, time, features) if chosen["batch_first"] else (time, n, features)
    return Case(kind, (features, d, layers), chosen, [order, *states], call_recurrent)


def call_recurrent(layer: Any, x: Any, *states: Any) -> Any:
    return layer(x, states if len(states) == 2 else states[0] if states else None)


@st.composite
def loss(draw: st.DrawFn) -> Case:
    chosen = draw(options(reduction=["mean", "sum", "none"]))
    if draw(st.booleans()):
        n, classes = draw(small), draw(small)
        targets = draw(hnp.arrays(np.int64, n, elements=st.integers(0, classes - 1)))
        return Case("CrossEntropyLoss", (), chosen, [(n, classes)], targets=targets)
    return Case(draw(st.sampled_from(["MSELoss", "BCEWithLogitsLoss"])), (), chosen, [draw(shapes)] * 2)


LAYERS = {
    f.__name__: f
    for f in (linear, activation, prelu_by_channel, batch_norm, layer_norm, cell, sequence, loss)
}


# --- layers -------------------------------------------------------------------------------------------------


def twins(case: Case, rng: np.random.Generator) -> tuple[Any, Any]:
    """The same layer in both libraries, with the same random parameters; names and reprs must agree."""
    ours, theirs = (
        getattr(library.nn, case.kind)(*case.arguments, **case.options).double()
        for library in (tinygrad_stab, pytorch)
    )
    for p in ours.parameters():
        p.data = rng.standard_normal(p.array.shape)
    theirs.load_state_dict({name: pytorch.tensor(t.array) for name, t in ours.state_dict().items()})
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert repr(ours) == repr(theirs)
    return ours, theirs


def derivatives(
    library: Any, case: Case, layer: Any, inputs: list[np.ndarray], seed: int
) -> list[np.ndarray]:
    """Outputs, first and second derivatives, contracted with the same random numbers in both libraries."""
    rng = np.random.default_rng(seed)
    xs = [library.tensor(x, requires_grad=True) for x in inputs]
    arguments = xs if case.targets is None else [*xs, library.tensor(case.targets)]
    ys = flat(case.call(layer, *arguments))
    wanted = [*xs, *layer.parameters()]

    def contracted(tensors: list[Any]) -> Any:
        return sum((t * library.tensor(rng.standard_normal(tuple(t.shape)))).sum() for t in tensors)

    first = gradients(library, contracted(ys), wanted)
    second = gradients(library, contracted(first), wanted)
    return [array(t) for t in (*ys, *first, *second)]


def gradients(library: Any, y: Any, xs: list[Any]) -> list[Any]:
    """∂y/∂x for each x, zeros where y does not depend on it."""
    found = [None] * len(xs)
    if y.requires_grad:
        found = library.autograd.grad(y, xs, create_graph=True, allow_unused=True)
    return [x * 0 if g is None else g for g, x in zip(found, xs)]


def near(actual: np.ndarray, expected: np.ndarray) -> None:
    assert actual.shape == expected.shape
    np.testing.assert_allclose(
        actual, expected, rtol=1e-9, atol=1e-11 * (1 + np.abs(expected).max(initial=0))
    )


@pytest.mark.parametrize("layer", LAYERS)
@given(data=st.data(), seed=seeds)
@settings(max_examples=40)
def test_values_and_derivatives_to_second_order(layer: str, data: st.DataObject, seed: int) -> None:
    case, rng = data.draw(LAYERS[layer]()), np.random.default_rng(seed)
    ours, theirs = twins(case, rng)
    inputs = [rng.standard_normal(shape) for shape in case.shapes]
    for mode in (True, False):
        ours.train(mode)
        theirs.train(mode)
        pairs = zip(
            derivatives(tinygrad_stab, case, ours, inputs, seed),
            derivatives(pytorch, case, theirs, inputs, seed),
            strict=True,
        )
        for actual, expected in pairs:
            near(actual, expected)
    for mine, their in zip(ours.buffers(), theirs.buffers(), strict=True):
        near(array(mine), array(their))
