"""Hooks fire when, in the order, and with the values that PyTorch's do: each test runs on both libraries.

The net of most tests is x → 2x → tanh → 3·, at x = 1, so that dL/dx = 6 tanh′(2) = 0.4239.
"""

import math
from collections.abc import Callable
from typing import Any

import pytest

SLOPE = 1 - math.tanh(2) ** 2
KINDS = [
    "register_forward_pre_hook",
    "register_forward_hook",
    "register_full_backward_pre_hook",
    "register_full_backward_hook",
]


@pytest.fixture
def net(lib: Any) -> Any:
    model = lib.nn.Sequential(
        lib.nn.Linear(1, 1, bias=False), lib.nn.Tanh(), lib.nn.Linear(1, 1, bias=False)
    ).double()
    with lib.no_grad():
        model[0].weight.fill_(2.0)
        model[2].weight.fill_(3.0)
    return model


@pytest.fixture
def x(lib: Any) -> Any:
    return lib.tensor([[1.0]], dtype=lib.float64, requires_grad=True)


class Log(list):
    """What hooks were called with: tensors as numbers."""

    def hook(self, name: str, position: int = 1) -> Callable[..., None]:
        """A hook that notes its name and its arguments from a position on (0 is the module)."""
        return lambda *arguments: self.append((name, *map(number, arguments[position:])))


def number(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(number, value))
    return value.item() if hasattr(value, "item") else value


def near(log: Any) -> Any:
    """The log with its numbers compared to rounding."""
    if isinstance(log, (list, tuple)):
        return type(log)(map(near, log)) if not isinstance(log, Log) else [near(entry) for entry in log]
    return pytest.approx(log, rel=1e-12) if isinstance(log, float) else log


def scale(lib: Any) -> Any:
    """A module with a keyword argument."""

    class Scale(lib.nn.Module):
        def forward(self, x: Any, by: float) -> Any:
            return x * by

    return Scale()


# --- forward ------------------------------------------------------------------------------------------------


def test_forward_hooks_of_nested_modules(net: Any, x: Any) -> None:
    log = Log()
    for name, module in net.named_modules():
        module.register_forward_pre_hook(log.hook(f"before {name}"))
        module.register_forward_hook(log.hook(f"after {name}"))
    net(x)
    h, y = math.tanh(2), 3 * math.tanh(2)
    assert log == near([
        ("before ", (1.0,)),
        ("before 0", (1.0,)), ("after 0", (1.0,), 2.0),
        ("before 1", (2.0,)), ("after 1", (2.0,), h),
        ("before 2", (h,)), ("after 2", (h,), y),
        ("after ", (1.0,), y),
    ])  # fmt: skip


def test_what_a_forward_hook_returns_replaces_the_output(net: Any, x: Any) -> None:
    net[1].register_forward_hook(lambda module, inputs, output: output * 2)
    net[1].register_forward_hook(lambda module, inputs, output: None)
    net[1].register_forward_hook(lambda module, inputs, output: output + 1)
    y = net(x)
    assert y.item() == near(3 * (2 * math.tanh(2) + 1))
    y.backward()
    assert x.grad.item() == near(12 * SLOPE)


def test_what_a_pre_hook_returns_replaces_the_inputs(net: Any, x: Any) -> None:
    net[1].register_forward_pre_hook(lambda module, inputs: inputs[0] * 0.1)  # a value stands for (value,)
    net[1].register_forward_pre_hook(lambda module, inputs: (inputs[0] + 0.3,))
    assert net(x).item() == near(3 * math.tanh(0.5))


def test_keyword_arguments_are_not_shown(lib: Any, x: Any) -> None:
    log, module = Log(), scale(lib)
    module.register_forward_pre_hook(log.hook("before"))
    module.register_forward_hook(log.hook("after"))
    module(x, by=4.0)
    assert log == [("before", (1.0,)), ("after", (1.0,), 4.0)]


# --- backward -----------------------------------------------------------------------------------------------


def test_backward_hooks_of_nested_modules(net: Any, x: Any) -> None:
    log = Log()
    for name, module in net.named_modules():
        module.register_full_backward_pre_hook(log.hook(f"enters {name}"))
        module.register_full_backward_hook(log.hook(f"leaves {name}"))
    net(x).backward()
    assert log == near([
        ("enters ", (1.0,)),
        ("enters 2", (1.0,)), ("leaves 2", (3.0,), (1.0,)),
        ("enters 1", (3.0,)), ("leaves 1", (3 * SLOPE,), (3.0,)),
        ("enters 0", (3 * SLOPE,)), ("leaves 0", (6 * SLOPE,), (3 * SLOPE,)),
        ("leaves ", (6 * SLOPE,), (1.0,)),
    ])  # fmt: skip
    assert x.grad.item() == near(6 * SLOPE)


def test_what_backward_hooks_return_replaces_the_gradient(net: Any, x: Any) -> None:
    log = Log()
    net[1].register_full_backward_pre_hook(lambda module, grad_output: (grad_output[0] * 5,))
    net[1].register_full_backward_hook(log.hook("first"))
    net[1].register_full_backward_hook(lambda module, grad_input, grad_output: (grad_input[0] * 100,))
    net[1].register_full_backward_hook(log.hook("last"))
    net(x).backward()
    assert log == near([("first", (15 * SLOPE,), (15.0,)), ("last", (1500 * SLOPE,), (15.0,))])
    assert net[0].weight.grad.item() == near(1500 * SLOPE)
    assert net[2].weight.grad.item() == near(math.tanh(2))


def test_grad_output_is_that_of_forward_not_of_what_a_forward_hook_made_of_it(net: Any, x: Any) -> None:
    """PyTorch puts its gate behind the forward hooks: the output is what the module finally hands on."""
    log = Log()
    net[1].register_forward_hook(lambda module, inputs, output: output * 2)
    net[1].register_full_backward_hook(log.hook("tanh"))
    net(x).backward()
    assert log == near([("tanh", (6 * SLOPE,), (3.0,))])


def test_without_an_input_that_needs_a_gradient_the_hook_fires_at_the_output(net: Any, x: Any) -> None:
    log = Log()
    net[1].register_full_backward_hook(log.hook("tanh"))
    net[2].weight.requires_grad_(False)
    net[0].weight.requires_grad_(False)
    net(x).backward()
    net[0].weight.requires_grad_(True)
    net(x.detach()).backward()
    assert log == near([("tanh", (3 * SLOPE,), (3.0,))] * 2)


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")  # PyTorch's remark on this case
def test_a_module_at_the_input_has_no_grad_input(net: Any, x: Any) -> None:
    log = Log()
    net[0].register_full_backward_hook(log.hook("first layer"))
    net(x.detach()).backward()
    assert log == near([("first layer", (None,), (3 * SLOPE,))])


def test_several_inputs_and_outputs_of_which_some_get_no_gradient(lib: Any, x: Any) -> None:
    class ProductAndSum(lib.nn.Module):
        def forward(self, a: Any, b: Any, k: float) -> Any:
            return a * b, a + k * b, k

    log, module = Log(), ProductAndSum()
    module.register_full_backward_pre_hook(log.hook("enters"))
    module.register_full_backward_hook(log.hook("leaves"))
    b = lib.tensor([[4.0]], dtype=lib.float64, requires_grad=True)
    module(x, b, 10.0)[1].backward()
    assert log == [("enters", (None, 1.0, None)), ("leaves", (1.0, 10.0, None), (None, 1.0, None))]
    assert (x.grad.item(), b.grad.item()) == (1, 10)


def test_an_input_that_the_used_output_does_not_depend_on(lib: Any, x: Any) -> None:
    class Both(lib.nn.Module):
        def forward(self, a: Any, b: Any) -> Any:
            return a * 2, b * 3

    log, module = Log(), Both()
    module.register_full_backward_hook(log.hook("leaves"))
    b = lib.tensor([[4.0]], dtype=lib.float64, requires_grad=True)
    module(x, b)[0].backward()
    assert log == [("leaves", (2.0, 0.0), (1.0, None))]
    assert (x.grad.item(), b.grad.item()) == (2, 0)


def test_a_module_used_twice_fires_twice(lib: Any, x: Any) -> None:
    log, tanh = Log(), lib.nn.Tanh()
    tanh.register_forward_hook(log.hook("forward", position=2))
    tanh.register_full_backward_hook(log.hook("backward", position=2))
    lib.nn.Sequential(tanh, tanh)(x).backward()
    y = math.tanh(1)
    z = math.tanh(y)
    assert log == near([
        ("forward", y), ("forward", z),
        ("backward", (1.0,)), ("backward", (1 - z * z,)),
    ])  # fmt: skip


def test_nothing_fires_where_no_gradient_flows(lib: Any, net: Any, x: Any) -> None:
    log = Log()
    net.register_full_backward_pre_hook(log.hook("enters"))
    net.register_full_backward_hook(log.hook("leaves"))
    with lib.no_grad():
        assert not net(x).requires_grad
    assert log == []


def test_autograd_grad_fires_the_hooks_on_its_way(lib: Any, net: Any, x: Any) -> None:
    log = Log()
    for k in (0, 1):
        net[k].register_full_backward_hook(log.hook(f"leaves {k}"))
    lib.autograd.grad(net(x), net[0].weight)
    assert [name for name, *_ in log] == ["leaves 1"]


def test_backward_twice_over_a_retained_graph_fires_twice(net: Any, x: Any) -> None:
    log = Log()
    net[1].register_full_backward_hook(log.hook("tanh"))
    y = net(x)
    y.backward(retain_graph=True)
    y.backward()
    assert log == near([("tanh", (3 * SLOPE,), (3.0,))] * 2)


def test_a_second_derivative_is_not_a_second_pass_through_the_module(lib: Any, net: Any, x: Any) -> None:
    """It reaches the module's input without having entered at its output."""
    log = Log()
    net[1].register_full_backward_hook(log.hook("tanh"))
    (slope,) = lib.autograd.grad(net(x), x, create_graph=True)
    (curvature,) = lib.autograd.grad(slope, x)
    assert curvature.item() == near(-24 * math.tanh(2) * SLOPE)
    assert log == near([("tanh", (3 * SLOPE,), (3.0,))])


def test_an_output_that_is_no_tensor_passes_unseen(lib: Any, x: Any) -> None:
    class Named(lib.nn.Module):
        def forward(self, x: Any) -> dict[str, Any]:
            return {"y": x * 2}

    log, module = Log(), Named()
    module.register_full_backward_hook(log.hook("leaves"))
    with pytest.warns(UserWarning, match="Tensor or a tuple of Tensors"):
        y = module(x)["y"]
    y.backward()
    assert log == []
    assert x.grad.item() == 2


def test_a_wrong_number_of_gradients_is_refused(net: Any, x: Any) -> None:
    net[1].register_full_backward_hook(lambda module, grad_input, grad_output: grad_input * 2)
    with pytest.raises(RuntimeError, match="got 2, but expected 1"):
        net(x).backward()


# --- options ------------------------------------------------------------------------------------------------


def test_with_kwargs_shows_the_keyword_arguments(lib: Any, x: Any) -> None:
    log, module = Log(), scale(lib)
    module.register_forward_pre_hook(
        lambda m, inputs, named: (inputs, {"by": named["by"] + 1}), with_kwargs=True
    )
    module.register_forward_hook(
        lambda m, inputs, named, y: log.append((number(inputs), named, number(y))), with_kwargs=True
    )
    module(x, by=4.0)
    assert log == [((1.0,), {"by": 5.0}, 5.0)]


@pytest.mark.parametrize("kind", KINDS)
def test_prepend_puts_a_hook_before_the_others(net: Any, x: Any, kind: str) -> None:
    log: list[str] = []
    register = getattr(net[1], kind)
    register(lambda *_: log.append("first"))
    register(lambda *_: log.append("prepended"), prepend=True)
    net(x).backward()
    assert log == ["prepended", "first"]


def test_always_call_is_called_even_when_forward_fails(lib: Any) -> None:
    log, layer = [], lib.nn.Linear(2, 1)
    layer.register_forward_hook(lambda *_: log.append("skipped"))
    layer.register_forward_hook(lambda *_: log.append("called"), always_call=True)
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        layer(lib.ones(1, 3))
    assert log == ["called"]


# --- handles ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_handle_removes_its_hook_and_no_other(net: Any, x: Any, kind: str) -> None:
    log: list[str] = []
    handles = {name: getattr(net[1], kind)(lambda *_, name=name: log.append(name)) for name in "abc"}
    handles["b"].remove()
    handles["b"].remove()  # a second time does nothing
    net(x).backward()
    assert log == ["a", "c"]
    with handles["a"]:
        pass
    net(x).backward()
    assert log == ["a", "c", "c"]


def test_one_function_registered_twice_is_two_hooks(net: Any, x: Any) -> None:
    calls: list[int] = []

    def count(*_: Any) -> None:
        calls.append(1)

    first = net.register_forward_hook(count)
    net.register_forward_hook(count)
    first.remove()
    net(x)
    assert len(calls) == 1
