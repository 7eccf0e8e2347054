"""What lies between two layers, however it is written: as modules, as functions, as formulas, in place."""

import numpy as np
import pytest
from tinygrad_stab.random import numpy_generator

import tinygrad_stab as torch
from tinygrad_stab import nn
from tinygrad_stab.stability.trace import Trace

F = nn.functional


class Between(nn.Module):
    """A function between two layers."""

    def __init__(self, function):
        super().__init__()
        self.a, self.b, self.function = nn.Linear(4, 5), nn.Linear(5, 2), function

    def forward(self, x):
        self.h = self.function(self.a(x))
        return self.b(self.h)


def between(function):
    model = Between(function)
    with Trace(model) as trace:
        y = model(torch.randn(6, 4))
    y.square().sum().backward()
    return trace.calls[0], model


class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, g):
        return g * (ctx.saved_tensors[0] > 0)


class Formula(nn.Module):
    """A function that stands in a module."""

    def __init__(self, function):
        super().__init__()
        self.forward = function


def masked(z):
    z = z.clone()
    z[:, 1] = 0
    return z


def written_over(z):
    z *= 3
    z += 1
    return z.clamp_(min=0)


NUMBER_BY_NUMBER = {
    "relu": F.relu,
    "2 tanh z": lambda z: 2 * torch.tanh(z),
    "z²": lambda z: z**2,
    "z z": lambda z: z * z,
    "z σ(z)": lambda z: z * torch.sigmoid(z),
    "maximum": lambda z: np.maximum(z, 0),
    "prelu": lambda z: F.prelu(z, SLOPE),
    "relu with a lid": lambda z: F.relu(z).clamp(max=0.5),
    "relu of tanh": lambda z: F.relu(torch.tanh(z)),
    "− relu": lambda z: -F.relu(z),
    "relu(z/√5)": lambda z: F.relu(z / 5**0.5),
    "a sum of two": lambda z: F.relu(z) + torch.tanh(z),
}
SLOPE = nn.Parameter(torch.ones(1) / 4)
OTHERS = {  # and how many steps they are
    "dropout": (lambda z: F.dropout(F.relu(z), 0.5), 3),
    "a lost constant": (lambda z: F.relu(z) + 0.1, 2),
    "normalize": (F.normalize, 1),
    "softmax": (lambda z: F.softmax(z, dim=1), 1),
    "where": (lambda z: torch.where(z > 0, z, 0.1 * z), 1),
    "1/z": (lambda z: 1 / z, 1),
    "another shape": (lambda z: F.relu(z * torch.ones(1, 1, 1))[0], 3),
    "gelu": (lambda z: F.gelu(z, approximate="tanh"), 1),
    "batch_norm": (lambda z: F.relu(F.batch_norm(z, None, None, training=True)), 2),
    "layer_norm": (lambda z: F.relu(F.layer_norm(z, (5,))), 2),
    "an element written over": (masked, 2),
    "written over": (written_over, None),
    "a Function": (MyReLU.apply, 1),
    "a gate": (lambda z: torch.cat([z[:, :2] * torch.sigmoid(z[:, 2:4]), z[:, 2:]], 1), 1),
}


@pytest.mark.parametrize("name", [*NUMBER_BY_NUMBER, *OTHERS])
def test_the_next_layer_receives_h(name):
    function, steps = OTHERS.get(name) or (NUMBER_BY_NUMBER[name], 1)
    call, model = between(function)
    np.testing.assert_array_equal(call.h.array, model.h.array)
    assert call.received == 1
    assert steps in (len(call.steps), None)
    assert {"x", "z", "h"} >= call.gradients.keys() >= {"z", "h"}


@pytest.mark.parametrize("name", NUMBER_BY_NUMBER)
def test_a_formula_is_an_activation_that_can_be_run_on_other_numbers(name):
    call, _ = between(NUMBER_BY_NUMBER[name])
    φ = call.activation
    assert φ is call.steps[0]
    np.testing.assert_array_equal(φ.input, call.z.array)
    np.testing.assert_allclose(φ.output, call.h.array, rtol=1e-6)
    z = torch.randn(7)
    np.testing.assert_allclose(φ.apply(z).array, NUMBER_BY_NUMBER[name](z).array, rtol=1e-6)


@pytest.mark.parametrize("name", ["1/z", "normalize", "softmax", "where", "gelu", "a Function", "a gate"])
def test_what_cannot_be_run_on_single_numbers_is_no_activation(name):
    call, _ = between(OTHERS[name][0])
    assert call.activation is None


@pytest.mark.parametrize("name", ["1/z", "where", "gelu", "a Function", *NUMBER_BY_NUMBER])
def test_in_a_module_it_can(name):
    function = OTHERS[name][0] if name in OTHERS else NUMBER_BY_NUMBER[name]
    call, model = between(Formula(function))
    assert call.activation.apply is model.function
    assert call.activation.name == "Formula"


@pytest.mark.parametrize(
    "function", [lambda z: z + torch.randn(*z.shape), lambda z: z + torch.ones(5) * torch.arange(5)]
)
def test_a_module_that_adds_noise_or_depends_on_the_place_is_no_activation(function):
    torch.manual_seed(1)
    call, _ = between(Formula(lambda z: F.relu(function(z))))
    state = numpy_generator(None).bit_generator.state
    assert call.activation is None
    torch.manual_seed(1)
    Between(Formula(lambda z: F.relu(function(z))))(torch.randn(6, 4))  # without a trace: the same numbers
    assert numpy_generator(None).bit_generator.state == state


@pytest.mark.parametrize(
    "function", [lambda z: z * 2, lambda z: 1 - z / 3, lambda z: z.reshape(6, 5), lambda z: -z]
)
def test_what_is_affine_is_no_activation(function):
    call, _ = between(function)
    assert call.activation is None


def test_the_input_of_an_activation_behind_a_normalization_is_known():
    for training in (True, False):
        norm = nn.BatchNorm1d(5).train(training)
        args = norm.running_mean, norm.running_var, norm.weight, norm.bias, training
        inputs = []
        call, _ = between(lambda z, a=args, i=inputs: F.relu(i.append(F.batch_norm(z, *a)) or i[0]))
        np.testing.assert_array_equal(call.activation.input, inputs[0].array)


def test_where_z_is_used_twice_the_way_ends():
    call, _ = between(lambda z: torch.cat([F.relu(z), torch.tanh(z)], 1)[:, :5])
    assert call.steps is not None  # all of it passes through the cat
    net = Between(None)
    net.forward = lambda x: (net.b(F.relu(z := net.a(x))), z)
    with Trace(net) as trace:
        net(torch.randn(6, 4))
    assert trace.calls[0].h.node is trace.calls[0].z.node
    assert trace.calls[0].received == 1  # by the caller
    net.forward = lambda x: net.b(F.relu(z := net.a(x))) + net.b(torch.tanh(z))
    with Trace(net) as trace:
        net(torch.randn(6, 4))
    assert trace.calls[0].steps is None
    assert trace.calls[0].received == 0


def test_a_matrix_that_is_applied_outside_of_any_layer_receives_h_too():
    net = Between(None)
    net.W = nn.Parameter(torch.randn(5, 5))
    net.forward = lambda x: net.b(torch.tanh(F.linear(F.relu(net.a(x)), net.W)))
    with Trace(net) as trace:
        net(torch.randn(6, 4))
    a = trace.calls[0]
    np.testing.assert_array_equal(a.h.array, np.maximum(a.z.array, 0))
    assert [step.name for step in a.steps] == ["relu"]
    assert a.received == 1


def test_a_branch_ends_where_the_sum_begins():
    net = nn.Sequential(nn.Linear(5, 5))
    net.forward = lambda x: x + torch.tanh(net[0](x))
    x = torch.randn(6, 5, requires_grad=True)
    with Trace(net) as trace:
        net(x)
    (call,) = trace.calls
    np.testing.assert_array_equal(call.h.array, np.tanh(call.z.array))
    assert [step.name for step in call.steps] == ["tanh"]
    assert call.received == 0


@pytest.mark.parametrize(
    ("layer", "x", "product"),
    [(nn.Linear(5, 5), (6, 5), True), (nn.Conv2d(1, 2, 3, padding=1), (2, 1, 5, 5), True),
     (nn.RNNCell(5, 5), (6, 5), False), (nn.LSTM(5, 5), (3, 6, 5), False)],
)  # fmt: skip
@pytest.mark.parametrize("requires_grad", [True, False])
def test_which_layers_are_products(layer, x, product, requires_grad):
    with Trace(layer) as trace:
        layer(torch.randn(*x, requires_grad=requires_grad))
    assert trace.calls[0].product == product


def test_a_weight_that_is_computed_is_a_weight():
    layer = nn.Linear(5, 5)
    layer.forward = lambda x: x @ (layer.weight / layer.weight.norm()) + layer.bias
    with Trace(layer) as trace:
        layer(torch.randn(6, 5, requires_grad=True))
    assert trace.calls[0].product


def test_what_comes_back_by_another_way_is_no_gain():
    lstm, x = nn.LSTM(3, 4), torch.randn(5, 2, 3, requires_grad=True)
    for loss, known in ((lambda hs, c: hs.sum(), True), (lambda hs, c: hs.sum() + c.sum(), False)):
        net = nn.Sequential(lstm)
        net.forward = lambda x, loss=loss: (lambda hs, hc: loss(hs, hc[1]))(*lstm(x))
        with Trace(net) as trace:
            y = net(x)
        torch.autograd.grad(y, x)
        assert ("x" in trace.calls[0].gradients) == known


def test_a_gamma_with_the_shape_of_an_image_is_no_layer():
    net = nn.Sequential(nn.Linear(5, 5), nn.LayerNorm((3, 5)), nn.Linear(5, 2))
    with Trace(net) as trace:
        net(torch.randn(2, 3, 5))
    assert [call.name for call in trace.calls] == ["0", "2"]
    assert [step.name for step in trace.calls[0].steps] == ["LayerNorm"]
