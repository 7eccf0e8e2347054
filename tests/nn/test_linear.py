"""The linear layer: its product, its gradients, where its weights start, and what it refuses."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_stab as torch
from tinygrad_stab import Tensor, nn


@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 5, 3), (2, 1, 4, 3), (0, 3)])
@pytest.mark.parametrize("bias", [True, False])
def test_it_computes_x_times_w_transposed_plus_b(rng: np.random.Generator, shape: tuple, bias: bool) -> None:
    layer = nn.Linear(3, 4, bias=bias).double()
    x = rng.standard_normal(shape)
    weight = np.asarray(layer.weight)
    expected = np.einsum("...i,oi->...o", x, weight) + (np.asarray(layer.bias) if bias else 0)
    np.testing.assert_allclose(layer(torch.tensor(x)), expected, rtol=1e-13, atol=1e-15)


def test_without_bias_there_is_none() -> None:
    layer = nn.Linear(3, 4, bias=False)
    assert layer.bias is None
    assert [name for name, _ in layer.named_parameters()] == ["weight"]


@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 5, 3)])
def test_gradients(rng: np.random.Generator, shape: tuple) -> None:
    """∂L/∂x = G W,  ∂L/∂W = Gᵀ X,  ∂L/∂b = Σ G, with all leading dims taken as the batch."""
    layer = nn.Linear(3, 4).double()
    x = torch.tensor(rng.standard_normal(shape), requires_grad=True)
    g = rng.standard_normal((*shape[:-1], 4))
    layer(x).backward(torch.tensor(g))
    rows, upstream = x.array.reshape(-1, 3), g.reshape(-1, 4)
    np.testing.assert_allclose(x.grad, g @ layer.weight.array, rtol=1e-12)
    np.testing.assert_allclose(layer.weight.grad, upstream.T @ rows, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(layer.bias.grad, upstream.sum(0), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 4, 3)])
def test_derivatives_to_second_order(randn: Callable, check_derivatives: Callable, shape: tuple) -> None:
    check_derivatives(nn.Linear(3, 2), randn(*shape))


def test_float32_stays_float32() -> None:
    layer = nn.Linear(3, 4)
    y = layer(torch.randn(2, 3))
    y.sum().backward()
    assert {y.dtype, layer.weight.dtype, layer.weight.grad.dtype, layer.bias.grad.dtype} == {torch.float32}


# --- where the weights start --------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 16, 400])
def test_weight_and_bias_start_uniform_within_one_over_root_n(n: int) -> None:
    layer = nn.Linear(n, 60_000 // n)
    bound = 1 / np.sqrt(n)
    for values in (layer.weight.array, layer.bias.array):
        assert np.abs(values).max() <= bound
    assert np.abs(layer.weight.array).max() > 0.999 * bound
    assert abs(layer.weight.array.mean()) < 5 * bound / np.sqrt(3 * layer.weight.array.size)
    # the variance of a uniform distribution is bound²/3; that of its estimate has a relative sd of √(4/5N)
    assert layer.weight.array.var() == pytest.approx(1 / (3 * n), rel=5 * np.sqrt(0.8 / 60_000))


def test_the_default_is_a_third_of_what_a_linear_net_needs_and_a_sixth_of_what_relu_needs() -> None:
    """The docstring's two numbers: E z² = E x²/3 through the weights, and half of that through ReLU."""
    after, after_relu = [], []
    for seed in range(10):
        torch.manual_seed(seed)
        x = torch.randn(200, 500)
        z = nn.Linear(500, 500, bias=False)(x)
        after.append((z**2).mean().item() / (x**2).mean().item())
        after_relu.append((z.relu() ** 2).mean().item() / (x**2).mean().item())
    assert np.mean(after) == pytest.approx(1 / 3, rel=0.01)
    assert np.mean(after_relu) == pytest.approx(1 / 6, rel=0.01)


def test_it_is_kaiming_uniform_with_slope_root_five() -> None:
    w = nn.init.kaiming_uniform_(torch.empty(100, 64), a=5**0.5, generator=torch.Generator().manual_seed(1))
    bound = 1 / 8
    u = nn.init.uniform_(torch.empty(100, 64), -bound, bound, generator=torch.Generator().manual_seed(1))
    np.testing.assert_allclose(w, u, rtol=1e-6)


def test_the_seed_decides_and_reset_parameters_draws_anew() -> None:
    torch.manual_seed(3)
    first = nn.Linear(3, 4)
    torch.manual_seed(3)
    second = nn.Linear(3, 4)
    assert first.weight.tolist() == second.weight.tolist()
    second.reset_parameters()
    assert first.weight.tolist() != second.weight.tolist()
    assert first.bias.tolist() != second.bias.tolist()


# --- mistakes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shape", "product"), [((2, 4), "2x4"), ((2, 5, 4), "10x4"), ((7, 1), "7x1")])
def test_an_input_that_does_not_fit_is_refused_with_the_sizes(lib: Any, shape: tuple, product: str) -> None:
    with pytest.raises(
        RuntimeError, match=rf"mat1 and mat2 shapes cannot be multiplied \({product} and 3x6\)"
    ):
        lib.nn.Linear(3, 6)(lib.ones(*shape))


def test_the_refusal_ends_with_the_remedy() -> None:
    with pytest.raises(RuntimeError, match=r"\(2, 4\).* takes 3 features; change in_features"):
        nn.Linear(3, 6)(torch.ones(2, 4))


def test_a_number_is_no_row_of_features() -> None:
    with pytest.raises(RuntimeError, match="linear"):
        nn.Linear(3, 6)(torch.tensor(1.0))


def test_identity_hands_on_its_input(lib: Any) -> None:
    x = lib.ones(2)
    assert lib.nn.Identity(54, unused=0.1)(x) is x


def test_functional_linear_is_the_layer(randn: Callable) -> None:
    layer, x = nn.Linear(3, 4).double(), randn(2, 3)
    y: Tensor = nn.functional.linear(x, layer.weight, layer.bias)
    assert y.tolist() == layer(x).tolist()
