"""Every activation against its formula and the formula of its slope, as a layer and as a function."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinygrad_stab as torch
from tinygrad_stab import Tensor, nn
from tinygrad_stab.nn import functional as F

LAMBDA, ALPHA = 1.0507009873554805, 1.6732632423543772  # of SELU
X = np.array([-30.0, -3.7, -2.0, -1.0, -0.5, -1e-3, 1e-3, 0.1, 0.5, 1.0, 2.5, 4.0, 30.0])


def sigma(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def cdf(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2  # erfc, not 1 + erf, which loses the left tail


def pdf(x: float) -> float:
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def leaky(a: float) -> tuple[Callable, Callable]:
    """x or a x, and its slope."""
    return lambda x: x if x > 0 else a * x, lambda x: 1 if x > 0 else a


def elu(alpha: float, scale: float) -> tuple[Callable, Callable]:
    """scale · (x or α (eˣ − 1)), and its slope."""
    return (
        lambda x: scale * (x if x > 0 else alpha * math.expm1(x)),
        lambda x: scale * (1 if x > 0 else alpha * math.exp(x)),
    )


class Activation(NamedTuple):
    layer: nn.Module
    function: Callable[[Tensor], Tensor]
    value: Callable[[float], float]
    slope: Callable[[float], float]


# fmt: off
ACTIVATIONS = [
    Activation(nn.Sigmoid(),      F.sigmoid,     sigma,                     lambda x: sigma(x) * sigma(-x)),
    Activation(nn.Tanh(),         F.tanh,        math.tanh,                 lambda x: 1 / math.cosh(x) ** 2),
    Activation(nn.ReLU(),         F.relu,        lambda x: max(x, 0),       lambda x: float(x > 0)),
    Activation(nn.LeakyReLU(),    F.leaky_relu,  *leaky(0.01)),
    Activation(nn.LeakyReLU(0.2), lambda x: F.leaky_relu(x, 0.2),           *leaky(0.2)),
    Activation(nn.PReLU(),        lambda x: F.prelu(x, torch.tensor([0.25], dtype=x.dtype)),  *leaky(0.25)),
    Activation(nn.ELU(),          F.elu,         *elu(1, scale=1)),
    Activation(nn.ELU(0.5),       lambda x: F.elu(x, 0.5),                  *elu(0.5, scale=1)),
    Activation(nn.SELU(),         F.selu,        *elu(ALPHA, scale=LAMBDA)),
    Activation(nn.Softplus(),     F.softplus,    lambda x: math.log1p(math.exp(x)),  sigma),
    Activation(nn.Softplus(2.0),  lambda x: F.softplus(x, 2.0),
               lambda x: math.log1p(math.exp(2 * x)) / 2,                   lambda x: sigma(2 * x)),
    Activation(nn.SiLU(),         F.silu,
               lambda x: x * sigma(x),                          lambda x: sigma(x) * (1 + x * sigma(-x))),
    Activation(nn.GELU(),         F.gelu,
               lambda x: x * cdf(x),                            lambda x: cdf(x) + x * pdf(x)),
]
# fmt: on
each_activation = pytest.mark.parametrize("act", ACTIVATIONS, ids=[repr(act.layer) for act in ACTIVATIONS])


@each_activation
def test_value_and_slope_are_the_formula_s(act: Activation) -> None:
    act.layer.double()
    for compute in (act.layer, act.function):
        x = torch.tensor(X, requires_grad=True)
        y = compute(x)
        y.sum().backward()
        np.testing.assert_allclose(y, [act.value(v) for v in X], rtol=1e-12, atol=1e-16)
        np.testing.assert_allclose(x.grad, [act.slope(v) for v in X], rtol=1e-11, atol=1e-16)


@each_activation
def test_derivatives_to_second_order(
    act: Activation, rng: np.random.Generator, check_derivatives: Callable
) -> None:
    x = rng.choice([-1, 1], (3, 4)) * rng.uniform(0.1, 2, (3, 4))  # away from the kink
    check_derivatives(act.layer, torch.tensor(x, requires_grad=True))


@each_activation
def test_float32_stays_float32(act: Activation) -> None:
    x = torch.randn(5, requires_grad=True)
    y = act.layer.float()(x)
    y.sum().backward()
    assert y.dtype == x.grad.dtype == torch.float32


@each_activation
def test_the_input_is_not_changed(act: Activation) -> None:
    x = torch.tensor(X.copy())
    act.layer.double()(x)
    assert x.tolist() == X.tolist()


@pytest.mark.parametrize("kind", [nn.ReLU, nn.LeakyReLU, nn.ELU, nn.SELU, nn.SiLU])
def test_inplace_is_taken_and_has_no_effect(kind: type) -> None:
    x = torch.tensor(X.copy())
    assert kind(inplace=True)(x).tolist() == kind()(x).tolist()
    assert x.tolist() == X.tolist()


AT_ZERO = {
    "ReLU()": 0,
    "LeakyReLU(0.2)": 0.2,
    "PReLU()": 0.25,
    "ELU(0.5)": 0.5,
    "SELU()": pytest.approx(LAMBDA * ALPHA, rel=1e-6),
}


@pytest.mark.parametrize("layer", AT_ZERO)
def test_at_the_kink_the_slope_is_that_of_the_left_side(lib: Any, layer: str) -> None:
    x = lib.zeros(1, dtype=lib.float64, requires_grad=True)
    eval(f"nn.{layer}", {"nn": lib.nn}).double()(x).sum().backward()
    assert x.grad.item() == AT_ZERO[layer]


# --- what the docstrings say of their sizes -----------------------------------------------------------------


def test_the_steepest_slopes(normal_mean: Callable) -> None:
    x = torch.linspace(-5, 5, 1001, dtype=torch.float64).requires_grad_()
    (by_sigmoid,) = torch.autograd.grad(F.sigmoid(x).sum(), x)
    (by_tanh,) = torch.autograd.grad(F.tanh(x).sum(), x)
    assert by_sigmoid.max().item() == by_sigmoid[500].item() == 0.25
    assert by_tanh.max().item() == by_tanh[500].item() == 1


def test_selu_keeps_mean_zero_and_variance_one(normal_mean: Callable) -> None:
    assert normal_mean(F.selu) == pytest.approx(0, abs=1e-8)
    assert normal_mean(lambda u: F.selu(u) ** 2) == pytest.approx(1, abs=1e-7)


def test_elu_s_outputs_are_nearer_to_mean_zero_than_relu_s(normal_mean: Callable) -> None:
    assert normal_mean(F.elu) == pytest.approx(0.1605, abs=5e-5)
    assert normal_mean(F.relu) == pytest.approx(1 / math.sqrt(2 * math.pi), abs=1e-6)


def test_gelu_by_tanh_is_near_the_exact_one() -> None:
    x = torch.linspace(-6, 6, 1201, dtype=torch.float64)
    difference = np.abs(np.asarray(nn.GELU("tanh")(x)) - np.asarray(nn.GELU()(x)))
    assert 1e-4 < difference.max() < 5e-4
    with pytest.raises(RuntimeError, match="approximate must be 'none' or 'tanh', not 'erf'"):
        F.gelu(x, approximate="erf")


# --- PReLU, softmax -----------------------------------------------------------------------------------------


def test_prelu_has_one_slope_for_all_or_one_for_each_channel() -> None:
    x = torch.tensor([[[-1.0, -2.0], [-3.0, 4.0]]])
    assert nn.PReLU(init=0.5)(x).tolist() == [[[-0.5, -1.0], [-1.5, 4.0]]]
    layer = nn.PReLU(2)
    layer.weight.data = torch.tensor([0.1, 0.5])
    y = layer(x)
    np.testing.assert_allclose(y, [[[-0.1, -0.2], [-1.5, 4.0]]], rtol=1e-6)
    y.sum().backward()
    assert layer.weight.grad.tolist() == [-3, -3]  # Σ of the negative inputs, channel by channel


def test_prelu_starts_at_a_quarter(lib: Any) -> None:
    assert lib.nn.PReLU(3).weight.tolist() == [0.25] * 3


def test_prelu_by_channel_to_second_order(rng: np.random.Generator, check_derivatives: Callable) -> None:
    x = rng.choice([-1, 1], (2, 3, 4)) * rng.uniform(0.1, 2, (2, 3, 4))
    check_derivatives(nn.PReLU(3), torch.tensor(x, requires_grad=True))


def test_prelu_refuses_another_number_of_channels() -> None:
    with pytest.raises(RuntimeError, match=r"3 slopes for an input of shape \(2, 4\): dim 1 is the channel"):
        nn.PReLU(3)(torch.zeros(2, 4))


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_softmax_and_its_logarithm(rng: np.random.Generator, dim: int) -> None:
    x = rng.standard_normal((3, 4))
    expected = np.exp(x) / np.exp(x).sum(dim, keepdims=True)
    np.testing.assert_allclose(nn.Softmax(dim)(torch.tensor(x)), expected, rtol=1e-13)
    np.testing.assert_allclose(nn.LogSoftmax(dim)(torch.tensor(x)), np.log(expected), rtol=1e-12)


@pytest.mark.parametrize("layer", [nn.Softmax(0), nn.Softmax(1), nn.LogSoftmax(-1)])
def test_softmax_to_second_order(randn: Callable, check_derivatives: Callable, layer: nn.Module) -> None:
    check_derivatives(layer, randn(3, 4))


@pytest.mark.parametrize("layer", [nn.Softmax(), nn.LogSoftmax()])
def test_softmax_wants_to_be_told_the_dim(layer: nn.Module) -> None:
    with pytest.raises(ValueError, match=r"softmax: say along which dim.*dim=1"):
        layer(torch.zeros(2, 3))
