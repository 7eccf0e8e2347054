"""Integers, bools and what is no number: a right value in PyTorch's dtype, or a clear error."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from both_libraries import array
from both_libraries import lib as lib

import tinygrad_stab as torch

INTEGERS = {
    "int64": [1, 2, 3, 9],
    "int32": [1, 2, 3, 9],
    "uint8": [1, 2, 3, 9],
    "bool": [True, False, True, True],
}
FLOATS_OF = ["exp", "log1p", "sqrt", "sin", "cos", "tanh", "sigmoid", "erf"]


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("name", FLOATS_OF)
def test_a_function_of_integers_is_computed_in_the_default_dtype(lib: Any, name: str, dtype: str) -> None:
    x = lib.tensor(INTEGERS[dtype], dtype=getattr(lib, dtype))
    y = getattr(lib, name)(x)
    assert y.dtype == lib.float32
    exact = getattr(lib, name)(lib.tensor(INTEGERS[dtype], dtype=lib.float64))
    np.testing.assert_allclose(array(y), array(exact), rtol=3e-7)


def test_erf_of_integers_is_not_cut(lib: Any) -> None:
    np.testing.assert_allclose(array(lib.erf(lib.tensor([1, 2]))), [0.8427008, 0.9953223], rtol=1e-6)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_quotients_products_and_sums_have_pytorchs_dtype(lib: Any, dtype: str) -> None:
    x = lib.tensor(INTEGERS[dtype], dtype=getattr(lib, dtype))
    assert (x / 3).dtype == (1 / (x + 1)).dtype == (x * 0.5).dtype == lib.float32
    np.testing.assert_allclose(array(x / 3), np.array(INTEGERS[dtype], float) / 3, rtol=1e-7)
    assert x.sum().dtype == x.cumsum(0).dtype == (x**2).sum().dtype == lib.int64
    assert (x * lib.ones(4, dtype=lib.float16)).dtype == lib.float16


def test_a_square_of_bools_counts(lib: Any) -> None:
    assert (lib.tensor([True, False]) ** 2).dtype == lib.int64


def test_the_default_dtype_is_that_of_the_user() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        y = torch.tensor([1, 2]).exp()
        assert y.dtype == torch.float64
        np.testing.assert_array_equal(y.numpy(), np.exp([1.0, 2.0]))
    finally:
        torch.set_default_dtype(torch.float32)


F = {
    "mse_loss": lambda f, x: f.mse_loss(x, x),
    "smooth_l1_loss": lambda f, x: f.smooth_l1_loss(x, x),
    "binary_cross_entropy": lambda f, x: f.binary_cross_entropy(x, x),
    "binary_cross_entropy_with_logits": lambda f, x: f.binary_cross_entropy_with_logits(x, x),
    "l1_loss": lambda f, x: f.l1_loss(x, x),
    "cross_entropy": lambda f, x: f.cross_entropy(x, x[:, 0].long()),
    "nll_loss": lambda f, x: f.nll_loss(x, x[:, 0].long()),
    "layer_norm": lambda f, x: f.layer_norm(x, (2,)),
    "group_norm": lambda f, x: f.group_norm(x, 1),
    "batch_norm": lambda f, x: f.batch_norm(x, None, None, training=True),
    "normal_": lambda f, x: x.normal_(),
    "mean": lambda f, x: x.mean(),
    "std": lambda f, x: x.std(),
    "norm": lambda f, x: x.norm(),
}


@pytest.mark.parametrize("dtype", ["int64", "uint8"])
@pytest.mark.parametrize("name", F)
def test_what_would_round_to_integers_refuses_them(lib: Any, name: str, dtype: str) -> None:
    x = lib.tensor([[0, 1], [1, 0]], dtype=getattr(lib, dtype))
    with pytest.raises((NotImplementedError, RuntimeError)) as error:
        F[name](lib.nn.functional, x)
    if lib is torch:
        assert str(error.value) == f"{name} is not for {dtype}: give it x.float()"


def test_a_float_on_one_side_is_enough(lib: Any) -> None:
    x, t = lib.tensor([0.5, 1.0]), lib.tensor([1, 3])
    assert lib.nn.functional.mse_loss(x, t).item() == 2.125
    assert lib.nn.functional.l1_loss(x, t.to(lib.uint8)).item() == 1.25


def test_here_also_these_refuse_integers() -> None:
    images, f = torch.ones(1, 1, 2, 2).long(), torch.nn.functional
    for name, call in {
        "rms_norm": lambda: f.rms_norm(images, (2,)),
        "avg_pool2d": lambda: f.avg_pool2d(images, 2),
        "conv2d": lambda: f.conv2d(images, images),
        "uniform_": lambda: images.uniform_(),
        "quantile": lambda: images.quantile(0.5),
        "linalg.eigvals": lambda: torch.linalg.eigvals(images[0, 0]),
    }.items():
        with pytest.raises(NotImplementedError, match=f"^{name} is not for int64"):
            call()


def test_bools_are_not_counted_as_bools(lib: Any) -> None:
    mask = lib.tensor([[True, True]])
    for product in (lambda: mask @ mask.T, lambda: lib.nn.functional.linear(mask, mask)):
        with pytest.raises((RuntimeError, NotImplementedError)):
            product()
    with pytest.raises((RuntimeError, NotImplementedError)):
        lib.nn.functional.max_pool2d(mask[None], (1, 2))


def test_the_margin_of_an_image_of_integers_is_their_smallest() -> None:
    x = torch.tensor([[[[-3, -2], [-5, -4]]]])
    assert torch.nn.functional.max_pool2d(x, 2, padding=1).tolist() == [[[[-3, -2], [-5, -4]]]]


@pytest.mark.parametrize("draw", ["rand_like", "randn_like"])
def test_integers_are_not_drawn_like_floats(lib: Any, draw: str) -> None:
    with pytest.raises(NotImplementedError):
        getattr(lib, draw)(lib.tensor([1, 2]))


# --- what is no number --------------------------------------------------------------------------------------

NO_NUMBERS = {
    "complex": np.array([1j, 2]),
    "objects": np.array([Fraction(1, 2), Fraction(1, 3)]),
    "text": np.array(["a", "b"]),
    "times": np.array(["2026-12-01", "2026-12-02"], "datetime64[D]"),
    "None": np.array([None, None]),
}


@pytest.mark.parametrize("values", NO_NUMBERS.values(), ids=NO_NUMBERS)
def test_no_tensor_is_made_of_it(values: np.ndarray) -> None:
    for make in (torch.tensor, torch.as_tensor, torch.from_numpy, torch.Tensor, torch.nn.Parameter):
        with pytest.raises(TypeError, match="cannot make a tensor of"):
            make(values)
    with pytest.raises(TypeError, match="cannot make a tensor of"):
        torch.full((2,), values[0])


@pytest.mark.parametrize("values", NO_NUMBERS.values(), ids=NO_NUMBERS)
def test_no_gradient_is_computed_with_it(values: np.ndarray) -> None:
    x = torch.ones(2, requires_grad=True)
    operands = [values, values[0], values.tolist()[0]]
    for operand in operands:
        with pytest.raises(TypeError):
            x * operand
        with pytest.raises(TypeError):
            torch.where(x > 0, x, operand)


def test_complex_numbers_are_told_where_their_parts_are() -> None:
    x = torch.ones(2, requires_grad=True)
    for operand in (1j, np.complex64(1j), np.array([1j, 1j])):
        with pytest.raises(TypeError, match=r"complex.*\.real and \.imag"):
            x * operand
    with pytest.raises(TypeError, match="complex"):
        x.astype(np.complex64)
    with pytest.raises(TypeError, match="float"):
        x * Fraction(1, 2)


def test_a_long_double_is_refused() -> None:
    if np.longdouble == np.float64:
        pytest.skip("here a long double is a float64")
    with pytest.raises(TypeError, match="long double"):
        torch.from_numpy(np.ones(2, np.longdouble))


def test_eigenvalues_are_always_complex(lib: Any) -> None:
    for matrix in ([[2.0, 0.0], [0.0, 1.0]], [[0.0, -1.0], [1.0, 0.0]]):
        values = lib.linalg.eigvals(lib.tensor(matrix))
        assert array(values).dtype == np.complex64
    assert values.abs().max().item() == 1.0
    assert array(values.detach()).dtype == np.complex64
