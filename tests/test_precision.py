"""Long sums keep their digits, and large values their meaning, in float32."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from both_libraries import array
from both_libraries import lib as lib

import tinygrad_stab as torch

N = 10**6
EQUAL = np.full((N, 2), 0.1, np.float32)  # the roundings of equal numbers add up, those of others cancel
DRAWN = np.random.default_rng(0).random((N, 2)).astype(np.float32)


def close(y: Any, exact: Any, rtol: float = 5e-6) -> None:
    assert array(y).dtype == np.float32
    np.testing.assert_allclose(array(y), exact, rtol=rtol)


MEANS: dict[str, tuple[Callable, Callable]] = {
    "rows": (lambda x: x.mean(0), lambda x: x.mean(0)),
    "all": (lambda x: x.mean(), lambda x: x.mean()),
    "first axes": (lambda x: x.reshape(1000, 1000, 2).mean((0, 1)), lambda x: x.mean(0)),
    "a middle axis": (lambda x: x.reshape(1, N, 2).mean(1)[0], lambda x: x.mean(0)),
    "outer axes": (lambda x: x.reshape(-1, 2, 4).mean((0, 2)), lambda x: x.reshape(-1, 2, 4).mean((0, 2))),
    "a transposed axis": (lambda x: x.T.mean(1), lambda x: x.mean(0)),
    "all of a part": (lambda x: x[:, :1].mean(), lambda x: x[:, :1].mean()),
}


@pytest.mark.parametrize("values", [EQUAL, DRAWN], ids=["equal", "drawn"])
@pytest.mark.parametrize("case", MEANS)
def test_a_mean_of_a_million(lib: Any, case: str, values: np.ndarray) -> None:
    mean, exact = MEANS[case]
    if lib is not torch and case == "outer axes":
        pytest.skip("PyTorch's own is 2e-3 off")
    close(mean(lib.tensor(values)), exact(values.astype(np.float64)))


def test_a_mean_keeps_its_axes_where_it_is_to(lib: Any) -> None:
    x = lib.tensor(DRAWN)
    assert x.reshape(1, N, 2).mean(1, keepdim=True).shape == (1, 1, 2)
    assert x.reshape(-1, 2, 4).sum((0, 2), keepdim=True).shape == (1, 2, 1)
    assert x.sum((0, 1), keepdim=True).shape == (1, 1)
    assert x.T.sum(1, keepdim=True).shape == (2, 1)


def test_a_spread_of_a_million(lib: Any) -> None:
    x, exact = lib.tensor(DRAWN), DRAWN.astype(np.float64)
    close(x.var(0), exact.var(0, ddof=1))
    close(x.std(0), exact.std(0, ddof=1))
    close(x.reshape(1, N, 2).std(1)[0], exact.std(0, ddof=1))
    close(x.std(), exact.std(ddof=1))


@pytest.mark.parametrize("values", [EQUAL, DRAWN], ids=["equal", "drawn"])
def test_a_loss_of_two_million(lib: Any, values: np.ndarray) -> None:
    x, zeros = lib.tensor(values), lib.zeros(N, 2)
    close(lib.nn.functional.mse_loss(x, zeros), (values.astype(np.float64) ** 2).mean())
    close(lib.nn.functional.l1_loss(x, zeros), values.astype(np.float64).mean())


@pytest.mark.parametrize("values", [EQUAL, DRAWN], ids=["equal", "drawn"])
def test_the_gradient_of_what_was_broadcast_over_a_million_rows(lib: Any, values: np.ndarray) -> None:
    x, exact = lib.tensor(values), values.astype(np.float64)
    bias, scale = lib.zeros(2, requires_grad=True), lib.ones(1, requires_grad=True)
    (lib.nn.functional.linear(x, lib.eye(2), bias) * x).sum().backward()
    close(bias.grad, exact.sum(0))
    (x * scale * x).sum().backward()
    close(scale.grad, [(exact**2).sum()])


# --- large values -------------------------------------------------------------------------------------------

LAYERS = {
    "LayerNorm": lambda f, x: f.layer_norm(x, (4,)),
    "RMSNorm": lambda f, x: f.rms_norm(x, (4,)),
    "BatchNorm": lambda f, x: f.batch_norm(x, None, None, training=True),
    "GroupNorm": lambda f, x: f.group_norm(x, 2),
    "normalize": lambda f, x: f.normalize(x),
}


@pytest.mark.parametrize("scale", [1e20, 1e30, 1e37])
@pytest.mark.parametrize("name", LAYERS)
def test_normalization_of_large_values_is_that_of_small_ones(name: str, scale: float) -> None:
    # In PyTorch these are 0 or NaN.
    small = np.array([[1.0, 2.0, 3.0, 5.0], [2.0, 1.0, 0.0, 4.0]])
    results = []
    for factor, dtype in ((1.0, np.float64), (scale, np.float32)):
        x = torch.tensor((small * factor).astype(dtype), requires_grad=True)
        with np.errstate(over="ignore"):
            y = LAYERS[name](torch.nn.functional, x)
            (y * np.arange(4.0).astype(dtype)).sum().backward()
        results.append((y.detach().numpy(), x.grad.numpy().astype(np.float64) * factor))
    (exact, slope), (found, found_slope) = results
    np.testing.assert_allclose(found, exact, rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(found_slope, slope, rtol=2e-4, atol=1e-4)


@pytest.mark.parametrize(("scale", "dtype"), [(1e30, "float32"), (1e37, "float32"), (1e200, "float64")])
def test_the_std_of_large_values(scale: float, dtype: str) -> None:
    x = torch.tensor(np.array([1.0, 2.0, 4.0]) * scale, dtype=getattr(torch, dtype), requires_grad=True)
    y = x.std()
    assert y.item() / scale == pytest.approx(np.std([1.0, 2.0, 4.0], ddof=1), rel=1e-6)
    y.backward()
    assert x.grad.tolist() == pytest.approx([-0.4364358, -0.1091089, 0.5455447], rel=1e-6)


def test_the_std_of_what_is_infinite_is_no_number() -> None:
    with np.errstate(invalid="ignore"):
        assert torch.tensor([1.0, np.inf]).std().isnan().item()


def test_a_constant_column_is_0_by_every_normalization() -> None:
    x = torch.full((7, 3), 12345.678)
    assert torch.nn.BatchNorm1d(3)(x).abs().max().item() == 0
    assert torch.nn.LayerNorm(3)(x).abs().max().item() == 0
