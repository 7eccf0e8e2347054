"""The graph: what it keeps, when it is freed, and which dtype flows back."""

import gc
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

import tinygrad_stab as torch
from tinygrad_stab import ops
from tinygrad_stab.autograd import grad
from tinygrad_stab.graph import Primitive
from tinygrad_stab.rules import NOTHING, SHAPE, VALUE, needs, option_names


@pytest.fixture
def no_garbage_collector() -> Iterator[None]:
    """What is freed here is freed by reference counts alone."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def forward(x: torch.Tensor) -> tuple[torch.Tensor, list[weakref.ref]]:
    """A loss with a bit of everything in its graph, and weak references to what is in there."""
    h = (x * 2).tanh()
    h.retain_grad()
    h.register_hook(lambda g: g * 1)
    z = ops.concatenate(h, h, h, h, axis=1)
    state, _, _ = ops.lstm_step(z, torch.ones(8, 2, dtype=x.dtype), h, h)
    y, _, _ = ops.standardize(state, axis=0, eps=1e-5)
    loss = (y**3).sum()
    hidden = [h, z, state, y]
    return loss, [weakref.ref(t) for t in hidden] + [weakref.ref(t.array) for t in hidden]


@pytest.mark.usefixtures("no_garbage_collector")
@pytest.mark.parametrize("create_graph", [False, True])
def test_dropping_the_loss_frees_the_graph_at_once(create_graph: bool) -> None:
    x = torch.randn(5, 2, dtype=torch.float64, requires_grad=True)
    loss, inside = forward(x)
    node = weakref.ref(loss.array)
    g = grad(loss, x, create_graph=create_graph)
    if create_graph:
        assert any(ref() is not None for ref in inside)
    del loss, g
    assert [ref() for ref in inside] == [None] * len(inside)
    assert node() is None


@pytest.mark.usefixtures("no_garbage_collector")
def test_backward_frees_the_values_while_the_loss_is_held() -> None:
    x = torch.randn(5, 2, dtype=torch.float64, requires_grad=True)
    loss, inside = forward(x)
    loss.backward()
    assert [ref() for ref in inside] == [None] * len(inside)


@pytest.mark.usefixtures("no_garbage_collector")
def test_a_leaf_is_freed_with_its_gradient() -> None:
    x = torch.ones(2, requires_grad=True)
    x.sum().backward()
    memory = [weakref.ref(x), weakref.ref(x.array), weakref.ref(x.grad.array)]
    del x
    assert [ref() for ref in memory] == [None] * 3


def test_a_leaf_that_nobody_holds_needs_no_gradient() -> None:
    x = torch.ones(2, requires_grad=True)
    (x * torch.tensor(3.0, requires_grad=True)).sum().backward()
    assert x.grad.tolist() == [3, 3]


def test_nothing_is_recorded_for_constants() -> None:
    assert (torch.ones(3) * 2).grad_fn is None
    assert (torch.ones(3) * 2).is_leaf


# --- broadcasting is undone once, for all rules -------------------------------------------------------------

SPREAD = Primitive(lambda x: x * np.ones((4, 2, 3)), [lambda g, y, x: g])
GATHERED = Primitive(lambda x: x.sum(), [lambda g, y, x: g])


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 1), (1, 3), (1, 1, 1), (), (4, 1, 3)])
def test_a_value_used_n_times_collects_n_gradients(shape: tuple[int, ...]) -> None:
    x = torch.zeros(shape, dtype=torch.float64, requires_grad=True)
    (g,) = grad(SPREAD(x), x, np.ones((4, 2, 3)))
    assert g.shape == shape
    np.testing.assert_array_equal(g.array, 24 / x.numel())


def test_values_summed_into_one_share_its_gradient() -> None:
    x = torch.zeros(2, 3, requires_grad=True)
    (g,) = grad(GATHERED(x), x, np.array(5.0))
    assert g.tolist() == [[5.0] * 3] * 2


# --- what is kept -------------------------------------------------------------------------------------------

KEPT = {
    "add": (lambda x, w: x + w, []),
    "subtract": (lambda x, w: x - w, []),
    "negative": (lambda x, w: -x, []),
    "stack": (lambda x, w: ops.stack(x, w), []),
    "relu": (lambda x, w: x.relu(), ["y"]),
    "tanh": (lambda x, w: x.tanh(), ["y"]),
    "exp": (lambda x, w: x.exp(), ["y"]),
    "log": (lambda x, w: x.log(), ["x"]),
    "multiply": (lambda x, w: x * w, ["w", "x"]),
    "divide": (lambda x, w: x / w, ["w", "y"]),
    "matmul": (lambda x, w: x @ w, ["w", "x"]),
    "linear": (lambda x, w: ops.linear(x, w, torch.ones(2)), ["w", "x"]),  # not the bias
}


@pytest.mark.parametrize("name", KEPT)
def test_only_what_a_rule_reads_is_kept(name: str) -> None:
    compute, expected = KEPT[name]
    x, w = (torch.rand(2, 2, requires_grad=True) for _ in "xw")
    y = compute(x, w)
    names = {id(x.array): "x", id(w.array): "w", id(y.array): "y"}
    kept = [names[id(value)] for value in (*y.node.inputs, y.node.y) if id(value) in names]
    assert sorted(kept) == expected


def rule_with_a_function_inside(g, y, a, b, axis=None):
    def weight():
        return b

    return g * weight()


def rule_with_a_comprehension(g, y, a, b):
    return sum(g * b for _ in range(a.ndim))


SCALE = 3.0

NEEDS = {
    "nothing but g": (lambda g, y, x: g, [VALUE, NOTHING, NOTHING]),
    "y": (lambda g, y, x: g * y, [VALUE, VALUE, NOTHING]),
    "x and a global": (lambda g, y, x: SCALE * g * x, [VALUE, NOTHING, VALUE]),
    "a shape": (lambda g, y, x: np.reshape(g, x.shape), [VALUE, NOTHING, SHAPE]),
    "a number of dims": (lambda g, y, x: g * x.ndim, [VALUE, NOTHING, SHAPE]),
    "a shape and the value": (lambda g, y, x: np.reshape(g, x.shape) * x, [VALUE, NOTHING, VALUE]),
    "two at once": (lambda g, y, a, b: g * (a + b), [VALUE, NOTHING, VALUE, VALUE]),
    "one value beside one shape": (lambda g, y, a, b: a + b.shape, [NOTHING, NOTHING, VALUE, SHAPE]),
    "another attribute": (lambda g, y, x: g * x.size, [VALUE, NOTHING, VALUE]),
    "any number of inputs": (lambda g, y, *xs: g * xs[0], [VALUE, NOTHING, VALUE]),
    "an option": (lambda g, y, x, axis=None: np.sum(g, axis), [VALUE, NOTHING, NOTHING, VALUE]),
    "inside a function inside": (rule_with_a_function_inside, [VALUE, NOTHING, NOTHING, VALUE, NOTHING]),
    "inside a comprehension": (rule_with_a_comprehension, [VALUE, NOTHING, SHAPE, VALUE]),
}


@pytest.mark.parametrize("name", NEEDS)
def test_what_a_rule_needs_is_read_off_the_rule(name: str) -> None:
    rule, expected = NEEDS[name]
    assert needs(rule) == expected


def test_what_the_options_of_a_rule_are_called() -> None:
    assert option_names(lambda g, y, x, axis=None, keepdims=False: g, 1) == ["axis", "keepdims"]
    assert option_names(rule_with_a_function_inside, 2) == ["axis"]


# --- dtypes -------------------------------------------------------------------------------------------------


def test_every_gradient_has_the_dtype_of_its_input() -> None:
    narrow = torch.ones(2, requires_grad=True)
    wide = torch.ones(2, dtype=torch.float64, requires_grad=True)
    half = torch.ones(2, dtype=torch.float16, requires_grad=True)
    y = (narrow * wide * half).sum()
    assert y.dtype == torch.float64
    y.backward()
    assert [x.grad.dtype for x in (narrow, wide, half)] == [torch.float32, torch.float64, torch.float16]


def test_python_and_numpy_numbers_do_not_widen() -> None:
    x = torch.ones(2, requires_grad=True)
    for number in (2, 2.0, np.sqrt(2.0), np.float64(3), np.int64(3)):
        for y in (x * number, number * x, x + number, number / x, x**number, x - number):
            assert y.dtype == torch.float32
            (g,) = grad(y.sum(), x)
            assert g.dtype == torch.float32
