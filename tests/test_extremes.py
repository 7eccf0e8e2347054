"""Where naive formulas fail: huge and tiny numbers, 0, ties and kinks. The right value and slope, no warning.

The test run turns every NumPy warning, of overflow or of 0/0, into an error.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_stab as torch
from tinygrad_stab import ops
from tinygrad_stab.autograd import grad
from tinygrad_stab.nn import functional as F

DTYPES = [torch.float32, torch.float64]


def value_and_slope(f: Callable, x: Any, dtype: Any = torch.float64) -> tuple[Any, Any]:
    """f and its gradient, or the gradient of its sum, as Python numbers."""
    x = torch.tensor(x, dtype=dtype, requires_grad=True)
    y = f(x)
    (g,) = grad(y.sum(), x)
    return y.tolist(), g.tolist()


def slope(f: Callable, x: Any, dtype: Any = torch.float64) -> Any:
    return value_and_slope(f, x, dtype)[1]


# --- ±1e4 ---------------------------------------------------------------------------------------------------


def with_zero(x: torch.Tensor) -> torch.Tensor:
    return ops.stack(x, x * 0, axis=1)


def cross_entropy_with_zero(x: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(with_zero(x), torch.zeros(len(x)).long(), reduction="none")


def bce(x: torch.Tensor, target: float) -> torch.Tensor:
    return F.binary_cross_entropy_with_logits(x, torch.full(tuple(x.shape), target), reduction="none")


α, λ = 1.6732632423543772, 1.0507009873554805  # SELU's
FAR: dict[str, tuple[Callable, Any, Any]] = {
    # name, function, its values at −1e4 and 1e4, its slopes there
    "sigmoid": (F.sigmoid, (0, 1), (0, 0)),
    "tanh": (F.tanh, (-1, 1), (0, 0)),
    "relu": (F.relu, (0, 1e4), (0, 1)),
    "leaky_relu": (F.leaky_relu, (-100, 1e4), (0.01, 1)),
    "elu": (F.elu, (-1, 1e4), (0, 1)),
    "selu": (F.selu, (-α * λ, λ * 1e4), (0, λ)),
    "softplus": (F.softplus, (0, 1e4), (0, 1)),
    "silu": (F.silu, (0, 1e4), (0, 1)),
    "gelu": (F.gelu, (0, 1e4), (0, 1)),
    "gelu, approximated": (lambda x: F.gelu(x, "tanh"), (0, 1e4), (0, 1)),
    "softmax of (x, 0)": (lambda x: with_zero(x).softmax(1)[:, 0], (0, 1), (0, 0)),
    "log_softmax of (x, 0)": (lambda x: with_zero(x).log_softmax(1)[:, 0], (-1e4, 0), (1, 0)),
    "logsumexp of (x, 0)": (lambda x: with_zero(x).logsumexp(1), (0, 1e4), (0, 1)),
    "BCE with logits, target 1": (lambda x: bce(x, 1.0), (1e4, 0), (-1, 0)),
    "BCE with logits, target 0": (lambda x: bce(x, 0.0), (0, 1e4), (0, 1)),
    "cross-entropy of (x, 0), target 0": (cross_entropy_with_zero, (1e4, 0), (-1, 0)),
}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", FAR)
def test_at_plus_and_minus_ten_thousand(name: str, dtype: Any) -> None:
    f, values, slopes = FAR[name]
    y, g = value_and_slope(f, [-1e4, 1e4], dtype)
    assert y == pytest.approx(values, rel=1e-6)
    assert g == pytest.approx(slopes, rel=1e-6)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", FAR)
def test_second_derivatives_at_plus_and_minus_ten_thousand_are_zero(name: str, dtype: Any) -> None:
    x = torch.tensor([-1e4, 1e4], dtype=dtype, requires_grad=True)
    (g,) = grad(FAR[name][0](x).sum(), x, create_graph=True)
    (h,) = grad(g.sum(), x, allow_unused=True) if g.requires_grad else (None,)
    assert h is None or h.tolist() == [0, 0]


def test_softmax_of_the_largest_and_of_equal_numbers() -> None:
    assert value_and_slope(lambda x: x.softmax(0), [1e308, 1e308]) == ([0.5, 0.5], [0, 0])
    assert value_and_slope(lambda x: x.logsumexp(0), [-1e308, -1e308])[0] == pytest.approx(-1e308)


def test_cross_entropy_of_a_sure_and_wrong_answer_does_not_vanish() -> None:
    x = torch.tensor([[1e4, -1e4, 0.0]], requires_grad=True)
    loss = F.cross_entropy(x, torch.tensor([1]))
    loss.backward()
    assert loss.item() == 2e4
    assert x.grad.tolist() == [[1, -1, 0]]


def test_the_squared_error_of_the_same_answer_does_vanish() -> None:
    x = torch.tensor([[1e4, -1e4, 0.0]], requires_grad=True)
    loss = F.mse_loss(F.softmax(x, 1), torch.tensor([[0.0, 1.0, 0.0]]))
    loss.backward()
    assert loss.item() == pytest.approx(2 / 3)
    assert x.grad.tolist() == [[0, 0, 0]]


# --- where a slope becomes exactly 0: the numbers of ops/activation.py --------------------------------------


@pytest.mark.parametrize(
    ("dtype", "still_there", "gone", "true_slope"),
    [
        (torch.float64, 18.9, 19.1, 1e-16),
        (torch.float32, 8.9, 10.1, 7e-9),
    ],  # y rounds to 1 at 19.0, and at 9.0 or 10.0
    ids=str,
)
def test_where_the_slope_of_tanh_becomes_zero(
    dtype: Any, still_there: float, gone: float, true_slope: float
) -> None:
    assert min(slope(F.tanh, [still_there, -still_there], dtype)) > 0
    assert slope(F.tanh, [gone, -gone], dtype) == [0, 0]
    assert 1 / math.cosh(gone) ** 2 == pytest.approx(true_slope, rel=0.1)


@pytest.mark.parametrize(("dtype", "last"), [(torch.float64, 36.7), (torch.float32, 16.6)])
def test_where_the_slope_of_sigmoid_becomes_zero(dtype: Any, last: float) -> None:
    assert slope(F.sigmoid, last - 0.1, dtype) > 0
    assert slope(F.sigmoid, last + 0.1, dtype) == 0


@pytest.mark.parametrize("large", [1e2, 1e3, 1e4])
def test_the_loss_of_large_scores_keeps_its_digits(large: float) -> None:
    """log(1 + e⁻¹⁰) = 4.54e-5, though float32 numbers near 1e4 are 1e-3 apart."""
    scores = torch.tensor([[large, large - 10]])
    expected = pytest.approx(math.log1p(math.exp(-10)), rel=1e-3)
    assert F.cross_entropy(scores, torch.tensor([0])).item() == expected
    assert -F.log_softmax(scores, dim=1)[0, 0].item() == expected


@pytest.mark.parametrize(("dtype", "last"), [(torch.float64, -709.0), (torch.float32, -88.0)])
def test_below_zero_the_slope_of_sigmoid_lasts_as_long_as_e_to_the_minus_x_is_finite(
    dtype: Any, last: float
) -> None:
    assert slope(F.sigmoid, last, dtype) > 0
    assert slope(F.sigmoid, last - 1.5, dtype) == 0
    assert slope(F.sigmoid, -50.0, dtype) == pytest.approx(math.exp(-50), rel=1e-5)


def test_elu_keeps_its_slope_where_y_plus_alpha_would_lose_it() -> None:
    assert slope(F.elu, -50.0) == pytest.approx(math.exp(-50), rel=1e-12)
    assert (F.elu(torch.tensor(-50.0, dtype=torch.float64)) + 1).item() == 0
    assert slope(F.elu, -700.0) == pytest.approx(math.exp(-700), rel=1e-12)
    for dtype, lost in ((torch.float64, 38), (torch.float32, 18)):  # from x ≈ −37 and −17 on
        kept, gone = (F.elu(torch.tensor(-x, dtype=dtype)) + 1 for x in (lost - 2.0, float(lost)))
        assert kept.item() > 0 == gone.item()


def test_relu_passes_nothing_back_however_near() -> None:
    assert slope(F.relu, [-1e-300, -1.0, 0.0, 1e-300]) == [0, 0, 0, 1]


@pytest.mark.parametrize("x", [1e-20, -1e-20, 1e-300])
def test_small_numbers_keep_their_digits(x: float) -> None:
    assert F.elu(torch.tensor(-abs(x), dtype=torch.float64)).item() == -abs(x)
    assert F.softplus(torch.tensor(-40.0, dtype=torch.float64)).item() == pytest.approx(
        math.exp(-40), rel=1e-12
    )
    assert bce(torch.tensor([40.0], dtype=torch.float64), 1.0).item() == pytest.approx(
        math.exp(-40), rel=1e-12
    )
    assert torch.log1p(torch.tensor(x, dtype=torch.float64)).item() == x


# --- norms and spreads --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scale", "dtype"),
    [(1e200, torch.float64), (1e-200, torch.float64), (3e19, torch.float32), (1e-30, torch.float32)],
    ids=str,
)
def test_the_norm_where_squares_leave_the_range_of_floats(scale: float, dtype: Any) -> None:
    y, g = value_and_slope(lambda x: x.norm(), [3 * scale, -4 * scale], dtype)
    assert y == pytest.approx(5 * scale, rel=1e-6)
    assert g == pytest.approx([0.6, -0.8], rel=1e-6)
    rows = torch.tensor([[3 * scale, 4 * scale], [3.0, 4.0], [0.0, 0.0]], dtype=dtype).norm(dim=1)
    assert rows.tolist() == pytest.approx([5 * scale, 5, 0], rel=1e-6)


@pytest.mark.parametrize("p", [1, 1.5, 2, 3, math.inf, "fro"])
def test_the_norm_of_zero_has_gradient_zero(p: Any) -> None:
    assert value_and_slope(lambda x: x.norm(p), [0.0, 0.0]) == (0, [0, 0])
    assert slope(lambda x: x.norm(p, dim=1), [[0.0, 0.0], [3.0, 0.0]]) == [[0, 0], [1, 0]]


def test_the_spread_of_a_constant() -> None:
    assert value_and_slope(lambda x: x.std(), [2.0, 2.0, 2.0]) == (0, [0, 0, 0])
    assert value_and_slope(lambda x: x.var(), [2.0, 2.0, 2.0]) == (0, [0, 0, 0])
    assert slope(lambda x: x.std(dim=1), [[5.0, 5.0], [1.0, 3.0]])[0] == [0, 0]


def test_the_variance_about_a_large_mean_keeps_its_digits() -> None:
    x = torch.tensor([3000.0, 3000.5, 3001.0])  # mean x² − mean² is 0 here in float32
    assert x.var().item() == 0.25
    y, _, v, _ = ops.standardize(x, 1.0, 0.0, axis=0, eps=0.0)
    assert v.item() == pytest.approx(1 / 6, rel=1e-6)
    assert y.tolist() == pytest.approx([-(1.5**0.5), 0, 1.5**0.5], rel=1e-6)


@pytest.mark.parametrize("eps", [1e-5, 0.1])
def test_a_constant_standardized(eps: float) -> None:
    y, g = value_and_slope(lambda x: ops.standardize(x, 1.0, 0.0, axis=0, eps=eps)[0], [7.0, 7.0])
    assert y == g == [0, 0]


def test_one_element_has_no_unbiased_spread() -> None:
    """n − 1 = 0: PyTorch gives nan, with a warning. So do we, forwards and backwards, and no other error."""
    for f in (torch.Tensor.var, torch.Tensor.std):
        x = torch.tensor([1.0], requires_grad=True)
        with np.errstate(all="ignore"), pytest.warns(RuntimeWarning):
            y = f(x)
        assert math.isnan(y.item())
        with np.errstate(all="ignore"):
            y.backward()
        assert math.isnan(x.grad.item())


# --- powers and roots at 0 ----------------------------------------------------------------------------------


def test_powers_at_zero() -> None:
    for exponent, at_zero in ((0, 0), (1, 1), (2, 0), (3, 0), (2.5, 0), (1.0, 1), (0.0, 0)):
        assert slope(lambda x, p=exponent: x**p, [0.0])[0] == at_zero, exponent
    exponents = torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64)
    assert slope(lambda x: x**exponents, [0.0, 0.0, 0.0]) == [0, 1, 0]


def test_the_slope_of_a_power_of_zero_by_its_exponent() -> None:
    assert slope(lambda b: torch.zeros(3, dtype=torch.float64) ** b, [0.5, 1.0, 2.0]) == [0, 0, 0]
    assert slope(lambda b: 0.0**b, [1.0, 2.0]) == [0, 0]


def test_second_and_third_derivatives_of_powers_at_zero() -> None:
    x = torch.tensor(0.0, requires_grad=True)
    y, found = x**2 + x**3, []
    for _ in range(3):
        (y,) = grad(y, x, create_graph=True)
        found.append(y.item())
    assert found == [0, 2, 6]


@pytest.mark.parametrize(("value", "n"), [(3.7, 768), (100.0, 64), (1000.1, 3000)])
def test_a_constant_row_is_normalized_to_0(value: float, n: int) -> None:
    row = torch.full((1, n), value)  # float32, in which the mean of equal numbers is not quite that number
    assert torch.nn.functional.layer_norm(row, (n,)).abs().max().item() < 1e-6


def test_the_slope_of_a_norm_with_p_below_1_is_0_at_0() -> None:
    x = torch.tensor([0.0, 2.0], requires_grad=True)
    x.norm(0.5).backward()
    assert x.grad.tolist() == [0, 1]
