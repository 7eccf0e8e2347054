"""Function: a step with a derivative of one's own, as PyTorch's code writes it."""

import gc
import math
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_stab
from tinygrad_stab import directional_check
from tinygrad_stab.autograd import grad
from tinygrad_stab.function import Function


@pytest.fixture(params=["tinygrad_stab", "torch"])
def both(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    """This library and its Function and, where it is installed, PyTorch and its: one test for both."""
    if request.param == "tinygrad_stab":
        return tinygrad_stab, Function
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    return torch, torch.autograd.Function


def leaf(lib: Any, *values: float) -> Any:
    return lib.tensor(values, dtype=lib.float64, requires_grad=True)


def cube(base: type) -> Any:
    class Cube(base):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return g * 3 * x**2

    return Cube


def scaled_exp(base: type) -> Any:
    """y = e^(k x) with a number k, and its output saved."""

    class ScaledExp(base):
        @staticmethod
        def forward(ctx: Any, x: Any, k: float) -> Any:
            y = (x * k).exp()
            ctx.k = k
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (y,) = ctx.saved_tensors
            return g * ctx.k * y, None

    return ScaledExp


def addition(base: type, gradients: Callable[[Any], tuple]) -> Any:
    """a + b, with these gradients of a and b."""

    class Addition(base):
        @staticmethod
        def forward(ctx: Any, a: Any, b: Any) -> Any:
            return a + b

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return gradients(g)

    return Addition


def product_and_sum(base: type, log: list) -> Any:
    """Two inputs, two outputs; what backward was given and asked for is logged."""

    class ProductAndSum(base):
        @staticmethod
        def forward(ctx: Any, a: Any, b: Any) -> Any:
            ctx.save_for_backward(a, None, b)
            return a * b, a + b

        @staticmethod
        def backward(ctx: Any, g_product: Any, g_sum: Any) -> Any:
            a, nothing, b = ctx.saved_tensors
            assert nothing is None
            log.append((g_product.tolist(), g_sum.tolist(), ctx.needs_input_grad))
            return g_product * b + g_sum, g_product * a + g_sum

    return ProductAndSum


def test_value_and_gradient(both: Any) -> None:
    lib, base = both
    x = leaf(lib, 1.0, -2.0)
    y = cube(base).apply(x)
    assert y.tolist() == [1, -8]
    assert y.requires_grad
    y.backward(lib.tensor([1.0, 10.0], dtype=lib.float64))
    assert x.grad.tolist() == [3, 120]


def test_the_second_derivative_through_a_saved_input_and_a_saved_output(both: Any) -> None:
    lib, base = both
    for function, args, second in [
        (cube(base), (), lambda x: 6 * x),
        (scaled_exp(base), (2.0,), lambda x: 4 * np.exp(2 * x)),
    ]:
        x = leaf(lib, 1.0, -2.0)
        (g,) = lib.autograd.grad(function.apply(x, *args).sum(), x, create_graph=True)
        (gg,) = lib.autograd.grad(g.sum(), x)
        np.testing.assert_allclose(gg.tolist(), second(np.array([1.0, -2.0])))


def test_several_inputs_and_outputs(both: Any) -> None:
    lib, base = both
    log: list = []
    function = product_and_sum(base, log)
    a, b = leaf(lib, 2.0), leaf(lib, 3.0)
    product, total = function.apply(a, b)
    (product + 10 * total).sum().backward()
    assert [a.grad.tolist(), b.grad.tolist()] == [[13], [12]]
    # one call for both inputs; zeros for an output that is not used; None goes to an input without gradient
    product, total = function.apply(a, b.detach())
    total.sum().backward()
    assert log == [([1], [10], (True, True)), ([0], [1], (True, False))]
    assert a.grad.tolist() == [14]


def test_a_gradient_of_none_stops_there(both: Any) -> None:
    lib, base = both
    function = addition(base, lambda g: (g, None))
    a, b = leaf(lib, 1.0), leaf(lib, 1.0)
    function.apply(a, b).sum().backward()
    assert a.grad.tolist() == [1]
    assert b.grad is None


def test_the_straight_through_estimator(both: Any) -> None:
    """A step whose true derivative is 0 everywhere, given the one of the identity within ±1."""
    lib, base = both

    class Sign(base):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x.sign()

        @staticmethod
        def backward(ctx: Any, grad_output: Any) -> Any:
            (x,) = ctx.saved_tensors
            grad_input = grad_output.clone()
            grad_input[x.abs() > 1] = 0
            return grad_input

    x = leaf(lib, -3.0, -0.5, 0.2)
    y = Sign.apply(x)
    (y * y * lib.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert y.tolist() == [-1, -1, 1]
    assert x.grad.tolist() == [0, -4, 6]


def test_what_backward_does_to_its_argument_is_nobody_elses_business() -> None:
    class Spoiler(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x + 0

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            g.mul_(100)
            return g

    x = leaf(tinygrad_stab, 1.0)
    g = tinygrad_stab.ones(1, dtype=np.float64)
    (x * 1 + Spoiler.apply(x)).backward(g)  # both terms are given one array, the younger one first
    assert x.grad.tolist() == [101]
    assert g.tolist() == [1]


def test_two_inputs_given_one_array_as_gradient_do_not_share_it() -> None:
    function = addition(Function, lambda g: (g, g))
    for create_graph in (False, True):
        a, b = leaf(tinygrad_stab, 1.0), leaf(tinygrad_stab, 1.0)
        function.apply(a, b).backward(create_graph=create_graph)
        with tinygrad_stab.no_grad():
            a.grad.mul_(5)
        assert [a.grad.item(), b.grad.item()] == [5, 1]


def test_anomalies_are_found_in_it() -> None:
    class Root(Function):
        @staticmethod
        def forward(ctx: Any, a: Any, b: Any) -> Any:
            y = a.sqrt()
            ctx.save_for_backward(y, b)
            return y * b

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            y, b = ctx.saved_tensors
            return g * b / (2 * y), (g * y).sum()

    def total(*a: float) -> Any:
        return Root.apply(leaf(tinygrad_stab, *a), tinygrad_stab.tensor(2.0, requires_grad=True)).sum()

    with tinygrad_stab.autograd.detect_anomaly():
        total(1.0, 4.0).backward()
        y = total(1.0, 0.0)
        with np.errstate(divide="ignore"), pytest.raises(RuntimeError, match="divide"):
            y.backward()


def test_the_gradient_is_summed_over_what_was_broadcast(both: Any) -> None:
    lib, base = both
    function = addition(base, lambda g: (g, g))
    a, b = leaf(lib, 1.0, 2.0), leaf(lib, 5.0)
    function.apply(a, b).sum().backward()
    assert [a.grad.tolist(), b.grad.tolist()] == [[1, 1], [2]]


def test_without_recording_or_gradients_to_compute_it_is_just_forward(both: Any) -> None:
    lib, base = both
    x = leaf(lib, 2.0)
    with lib.no_grad():
        assert not cube(base).apply(x).requires_grad
    assert not cube(base).apply(x.detach()).requires_grad


def test_errors_are_those_of_pytorch(both: Any) -> None:
    lib, base = both

    def returning(result: Any) -> Any:
        return addition(base, result).apply(leaf(lib, 1.0, 2.0), leaf(lib, 3.0, 4.0)).sum()

    with pytest.raises(RuntimeError, match=r"incorrect number of gradients \(expected 2, got 1\)"):
        returning(lambda g: g).backward()
    with pytest.raises(RuntimeError, match=r"incorrect number of gradients \(expected 2, got 3\)"):
        returning(lambda g: (g, g, g)).backward()
    returning(lambda g: (g, g, None)).backward()
    with pytest.raises(
        RuntimeError,
        match=r"invalid gradient at index 1 - got \[3\] but expected shape compatible with \[2\]",
    ):
        returning(lambda g: (g, lib.ones(3))).backward()
    with pytest.raises(RuntimeError, match=r"invalid gradient at index 0 - got \[\]"):
        returning(lambda g: (g.sum(), g)).backward()
    with pytest.raises((TypeError, RuntimeError), match=r"None.*float"):
        returning(lambda g: (g, 1.0)).backward()
    y = cube(base).apply(leaf(lib, 1.0)).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        y.backward()


def test_a_saved_value_that_was_changed_is_noticed(both: Any) -> None:
    lib, base = both
    x = leaf(lib, 1.0, 2.0)
    z = x * 1
    y = cube(base).apply(z).sum()
    with lib.no_grad():
        z.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_a_value_in_between_has_no_second_derivative_and_that_is_said() -> None:
    class Between(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            slope = 3 * x**2
            ctx.save_for_backward(slope, x > 0)
            return x**3

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            slope, _ = ctx.saved_tensors
            return g * slope

    x = leaf(tinygrad_stab, 2.0)
    (g,) = grad(Between.apply(x), x)
    assert g.tolist() == [12]
    with pytest.raises(
        RuntimeError, match=r"shape \(1,\) is neither an input nor an output.*return it as a further"
    ):
        grad(Between.apply(x), x, create_graph=True)


def test_second_order_against_finite_differences() -> None:
    x, b = leaf(tinygrad_stab, 0.3, -1.2, 0.7), leaf(tinygrad_stab, 1.1, 0.4, -0.8)
    assert directional_check(lambda x: cube(Function).apply(x.sin()) * x, [x])
    assert directional_check(lambda x: scaled_exp(Function).apply(x, -0.7), [x])
    assert directional_check(product_and_sum(Function, []).apply, [x, b])


@pytest.mark.parametrize("create_graph", [False, True])
def test_the_graph_is_gone_with_the_last_tensor(create_graph: bool) -> None:
    """By reference counts alone, whichever of inputs and outputs was saved."""
    gc.disable()
    try:
        for apply in (cube(Function).apply, lambda x: scaled_exp(Function).apply(x, 2.0)):
            x = leaf(tinygrad_stab, 1.0)
            h = x * 2
            y = apply(h)
            values = [weakref.ref(h.array), weakref.ref(y.array)]
            grads = grad(y.sum(), x, create_graph=create_graph)
            del x, h, y, grads
            assert [value() for value in values] == [None, None]
    finally:
        gc.enable()


def test_it_is_one_step_of_the_graph_under_its_own_name() -> None:
    y = cube(Function).apply(leaf(tinygrad_stab, 2.0))
    assert y.grad_fn.primitive.name == "Cube"
    log: list = []
    x = leaf(tinygrad_stab, 2.0)
    x.register_hook(lambda g: log.append(g.item()))
    cube(Function).apply(x).backward()
    assert log == [12]


def test_a_deep_chain_needs_no_recursion() -> None:
    class Next(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 1.0001

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 1.0001

    x = leaf(tinygrad_stab, 1.0)
    y = x
    for _ in range(5000):
        y = Next.apply(y)
    y.backward()
    assert x.grad.item() == pytest.approx(math.exp(5000 * math.log(1.0001)))


def test_what_is_missing_or_no_tensor_is_said() -> None:
    class Nothing(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return 3.0

    with pytest.raises(TypeError, match=r"Nothing.forward must return tensors, not float"):
        Nothing.apply(leaf(tinygrad_stab, 1.0))
    with pytest.raises(NotImplementedError, match="needs a staticmethod `forward"):
        type("Empty", (Function,), {}).apply(1)
    no_backward = type("NoBackward", (Function,), {"forward": staticmethod(lambda ctx, x: x * 2)})
    with pytest.raises(NotImplementedError, match="needs a staticmethod `backward"):
        no_backward.apply(leaf(tinygrad_stab, 1.0)).backward()
