"""The graph: what it keeps, when it is freed, and which dtype flows back."""

import functools
import gc
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_stab as torch
from tinygrad_stab import ops
from tinygrad_stab.autograd import grad
from tinygrad_stab.engine.primitive import ANY, Primitive


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
    state, _, _ = ops.lstm_step(z, torch.ones(8, 2, dtype=x.dtype), h, h, None)
    y, _, _, _ = ops.standardize(state, 1.0, 0.0, axis=0, eps=1e-5)
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

REPEATED = Primitive(lambda x: x * np.ones((4, 2, 3)), {"x": lambda g: g})
GATHERED = Primitive(lambda x: x.sum(), {"x": lambda g: g})


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 1), (1, 3), (1, 1, 1), (), (4, 1, 3)])
def test_a_value_used_n_times_collects_n_gradients(shape: tuple[int, ...]) -> None:
    x = torch.zeros(shape, dtype=torch.float64, requires_grad=True)
    (g,) = grad(REPEATED(x), x, np.ones((4, 2, 3)))
    assert g.shape == shape
    np.testing.assert_array_equal(g.array, 24 / x.numel())


@pytest.mark.parametrize("shape", [(2, 3), (1,), (2, 0)])
def test_a_rule_that_returns_less_than_its_input_is_refused(shape: tuple[int, ...]) -> None:
    x = torch.zeros(shape, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"gradient of shape \(\) for an input of shape \(\d, ?\d?\)"):
        GATHERED(x).backward()


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


SCALE = 3.0


def forward_of_two(a: Any, b: Any, axis: Any = None, scale: float = SCALE) -> Any:
    return scale * a * b


class Rule:
    """A rule need not be a function."""

    def __call__(self, g: Any, b: Any) -> Any:
        return SCALE * g * b


def twice(rule: Any) -> Any:
    @functools.wraps(rule)
    def wrapped(*values: Any) -> Any:
        return 2 * rule(*values)

    return wrapped


READS = {
    "nothing but g": (lambda g: g, []),
    "whatever g is called": (lambda h, b: h * b, ["b"]),
    "y": (lambda g, y: g * y, ["y"]),
    "an input and a global": (lambda g, b: SCALE * g * b, ["b"]),
    "a shape": (lambda g, a_shape: np.reshape(g, a_shape), ["a_shape"]),
    "a shape and the value": (lambda g, b_shape, b: np.reshape(g, b_shape) * b, ["b", "b_shape"]),
    "an option": (lambda g, scale, b: scale * g * b, ["b", "scale"]),
    "in another order": (lambda g, scale, y, b, a: g, ["a", "b", "scale", "y"]),
    "with a default": (lambda g, b, scale=1.0: scale * g * b, ["b", "scale"]),
    "a partial": (functools.partial(lambda factor, g, b: factor * g * b, SCALE), ["b"]),
    "a callable object": (Rule(), ["b"]),
    "a decorated function": (twice(lambda g, b: g * b), ["b"]),
}


@pytest.mark.parametrize("name", READS)
def test_a_rule_names_what_it_reads(name: str) -> None:
    rule, expected = READS[name]
    made = Primitive(forward_of_two, {"a": rule, "b": None})
    a, b = torch.full((2, 2), 2.0, requires_grad=True), torch.full((2, 2), 5.0)
    y = made(a, b)
    values = {"y": y.array, "a": a.array, "b": b.array, "a_shape": (2, 2), "b_shape": (2, 2), "scale": SCALE}
    read = made.reads[0](y.node.values())
    assert {id(x) for x in read if isinstance(x, np.ndarray)} == {
        id(values[name]) for name in expected if name in "yab"
    }
    assert len(read) == len(expected)
    kept = [x for x in y.node.kept if isinstance(x, np.ndarray)]
    assert len(kept) == sum(name in "yab" for name in expected)  # and nothing else is kept
    assert y.sum().backward() is None
    assert a.grad.shape == (2, 2)


def test_partials_and_objects_compute_the_gradient() -> None:
    for name in ("an input and a global", "an option", "a partial", "a callable object"):
        a = torch.full((2, 2), 2.0, requires_grad=True)
        Primitive(forward_of_two, {"a": READS[name][0], "b": None})(
            a, torch.full((2, 2), 5.0)
        ).sum().backward()
        assert a.grad.tolist() == [[15.0] * 2] * 2, name


@pytest.mark.parametrize("unknown", ["x", "c_shape", "axes", "shapes"])
def test_a_name_that_stands_for_nothing_is_refused_when_the_primitive_is_made(unknown: str) -> None:
    rule = eval(f"lambda g, a, {unknown}: g")
    with pytest.raises(
        TypeError, match=rf"forward_of_two: a rule reads {unknown}, neither .*\(a, b\).*\(axis, scale\)"
    ):
        Primitive(forward_of_two, {"a": rule, "b": None})


def test_an_input_without_a_rule_has_no_gradient() -> None:
    condition, x = torch.tensor([1.0, 0.0], requires_grad=True), torch.ones(2, requires_grad=True)
    ops.where(condition, x, 0.0).sum().backward()
    assert condition.grad is None
    assert x.grad.tolist() == [1, 0]


def test_a_joint_rule_of_any_number_of_inputs_reads_their_shapes() -> None:
    def added(*xs: Any, scale: float = 2.0) -> Any:
        return scale * sum(x.sum() for x in xs)

    total = Primitive(
        added, {}, lambda g, shapes, scale: [np.full(shape, scale) * g for shape in shapes], ANY
    )
    xs = [torch.ones(n, requires_grad=True) for n in (1, 2, 3)]
    total(*xs, scale=5.0).backward()
    assert [x.grad.tolist() for x in xs] == [[5.0], [5.0] * 2, [5.0] * 3]


def test_options_are_the_functions_own() -> None:
    assert list(ops.sum.options) == ["axis", "keepdims"]
    assert list(ops.add.options) == []
    with pytest.raises(TypeError, match=r"sum takes the options \['axis', 'keepdims'\], not \['dim'\]"):
        ops.sum(torch.ones(2), dim=0)


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
