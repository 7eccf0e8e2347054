"""Tensors out of nothing: their values, shapes and dtypes, on this library and on PyTorch."""

import math
from typing import Any

import numpy as np
import pytest
from both_libraries import lib as lib

import tinygrad_stab as torch

MADE = {
    # from values
    "tensor(3)":                              (3, "int64"),
    "tensor(3.0)":                            (3.0, "float32"),
    "tensor(True)":                           (True, "bool"),
    "tensor([1, 2])":                         ([1, 2], "int64"),
    "tensor([1, 2.5])":                       ([1.0, 2.5], "float32"),
    "tensor([[1.0], [2.0]])":                 ([[1.0], [2.0]], "float32"),
    "tensor([])":                             ([], "float32"),
    "tensor([True, False])":                  ([True, False], "bool"),
    "tensor(((1, 2), (3, 4)))":               ([[1, 2], [3, 4]], "int64"),
    "tensor([1, 2], dtype=float64)":          ([1.0, 2.0], "float64"),
    "tensor([1.7, -1.7], dtype=int64)":       ([1, -1], "int64"),
    "tensor(np.ones(2))":                     ([1.0, 1.0], "float64"),
    "tensor(np.float64(2))":                  (2.0, "float64"),
    "tensor([np.float64(2)])":                ([2.0], "float64"),
    "tensor(np.arange(2, dtype=np.int32))":   ([0, 1], "int32"),
    "tensor([tensor(1.0), tensor(2.0)])":     ([1.0, 2.0], "float32"),
    "as_tensor([1.0])":                       ([1.0], "float32"),
    "as_tensor(np.ones(1))":                  ([1.0], "float64"),
    "as_tensor(tensor([1]), dtype=float32)":  ([1.0], "float32"),
    "from_numpy(np.ones(1))":                 ([1.0], "float64"),
    "tensor([1], dtype=half)":               ([1.0], "float16"),
    "tensor([1], dtype=float)":              ([1.0], "float32"),
    "tensor([1.7], dtype=int)":              ([1], "int32"),
    "tensor([e, pi, inf])":                  ([2.7182817459106445, 3.1415927410125732, math.inf], "float32"),
    "Tensor([1, 2])":                        ([1.0, 2.0], "float32"),
    "Tensor((2, 3))":                        ([2.0, 3.0], "float32"),
    "Tensor(tensor([1.0]))":                 ([1.0], "float32"),
    "Tensor()":                              ([], "float32"),
    # filled
    "zeros(2, 3)":                            ([[0.0] * 3] * 2, "float32"),
    "zeros((2, 3))":                          ([[0.0] * 3] * 2, "float32"),
    "zeros([2])":                             ([0.0, 0.0], "float32"),
    "zeros(zeros(2, 1).shape)":               ([[0.0], [0.0]], "float32"),
    "zeros(())":                              (0.0, "float32"),
    "zeros(size=(2,))":                      ([0.0, 0.0], "float32"),
    "ones(size=[1], dtype=int64)":           ([1], "int64"),
    "zeros(2, 0)":                            ([[], []], "float32"),
    "zeros(2, dtype=int64)":                  ([0, 0], "int64"),
    "ones(2)":                                ([1.0, 1.0], "float32"),
    "ones(1, dtype=bool)":                    ([True], "bool"),
    "full((2,), 7)":                          ([7, 7], "int64"),
    "full((2,), 7.0)":                        ([7.0, 7.0], "float32"),
    "full((1,), True)":                       ([True], "bool"),
    "full((1,), 7, dtype=float64)":           ([7.0], "float64"),
    "eye(2)":                                 ([[1.0, 0.0], [0.0, 1.0]], "float32"),
    "eye(1, 2)":                              ([[1.0, 0.0]], "float32"),
    # spaced
    "arange(3)":                              ([0, 1, 2], "int64"),
    "arange(1, 4)":                           ([1, 2, 3], "int64"),
    "arange(5, 0, -2)":                       ([5, 3, 1], "int64"),
    "arange(0, 1, 0.25)":                     ([0.0, 0.25, 0.5, 0.75], "float32"),
    "arange(2.0)":                            ([0.0, 1.0], "float32"),
    "arange(2, dtype=float64)":               ([0.0, 1.0], "float64"),
    "linspace(0, 1, 5)":                      ([0.0, 0.25, 0.5, 0.75, 1.0], "float32"),
    "linspace(3, 3, 1)":                      ([3.0], "float32"),
    "logspace(0, 2, 3)":                      ([1.0, 10.0, 100.0], "float32"),
    "logspace(0, 3, 4, base=2)":              ([1.0, 2.0, 4.0, 8.0], "float32"),
    # like another
    "zeros_like(tensor([1, 2]))":             ([0, 0], "int64"),
    "ones_like(zeros(1, dtype=float64))":     ([1.0], "float64"),
    "full_like(zeros(2), 3)":                 ([3.0, 3.0], "float32"),
    "zeros_like(ones(1), dtype=int64)":       ([0], "int64"),
}  # fmt: skip


@pytest.mark.parametrize("expression", MADE)
def test_values_and_dtype(lib: Any, expression: str) -> None:
    values, dtype = MADE[expression]
    made = eval(expression, {**vars(lib), "np": np})
    assert repr(made.tolist()) == repr(values)  # repr, because 1 == 1.0 == True
    assert made.dtype == getattr(lib, dtype)
    assert not made.requires_grad


RANDOM = {
    "rand(2, 3)":                             ((2, 3), "float32"),
    "rand(2, dtype=float64)":                 ((2,), "float64"),
    "randn((2, 3))":                          ((2, 3), "float32"),
    "randn(())":                              ((), "float32"),
    "randn(2, dtype=float64)":                ((2,), "float64"),
    "randint(3, (2,))":                       ((2,), "int64"),
    "randint(1, 3, (2, 1))":                  ((2, 1), "int64"),
    "randperm(4)":                            ((4,), "int64"),
    "normal(0.0, 1.0, (2, 3))":               ((2, 3), "float32"),
    "normal(zeros(2), ones(2))":              ((2,), "float32"),
    "randn_like(zeros(2, dtype=float64))":    ((2,), "float64"),
    "rand_like(zeros(2, 1))":                 ((2, 1), "float32"),
    "empty(2, 3)":                            ((2, 3), "float32"),
    "empty(2, dtype=int64)":                  ((2,), "int64"),
    "empty(size=(2, 3))":                     ((2, 3), "float32"),
    "rand(size=(2, 3))":                      ((2, 3), "float32"),
    "randn(size=(2,), dtype=float64)":        ((2,), "float64"),
    "randint(high=3, size=(2,))":             ((2,), "int64"),
    "randint(low=1, high=3, size=(2,))":      ((2,), "int64"),
    "Tensor(2, 3, 4)":                        ((2, 3, 4), "float32"),
    "Tensor(5)":                              ((5,), "float32"),
    "Tensor(zeros(2, 3).shape)":              ((2, 3), "float32"),
    "nn.Parameter(Tensor(3, 2))":             ((3, 2), "float32"),
}  # fmt: skip


@pytest.mark.parametrize("expression", RANDOM)
def test_shape_and_dtype(lib: Any, expression: str) -> None:
    shape, dtype = RANDOM[expression]
    made = eval(expression, {**vars(lib), "np": np})
    assert tuple(made.shape) == shape
    assert made.dtype == getattr(lib, dtype)


CAN_REQUIRE_A_GRADIENT = [
    "tensor([1.0], requires_grad=True)",
    "zeros(1, requires_grad=True)",
    "ones(1, requires_grad=True)",
    "full((1,), 1.0, requires_grad=True)",
    "rand(1, requires_grad=True)",
    "randn(1, requires_grad=True)",
    "arange(2.0, requires_grad=True)",
    "linspace(0, 1, 2, requires_grad=True)",
    "zeros_like(ones(1), requires_grad=True)",
    "randn_like(ones(1), requires_grad=True)",
]


@pytest.mark.parametrize("expression", CAN_REQUIRE_A_GRADIENT)
def test_a_gradient_can_be_asked_for(lib: Any, expression: str) -> None:
    made = eval(expression, vars(lib))
    assert made.requires_grad
    assert made.is_leaf


# --- memory -------------------------------------------------------------------------------------------------


def test_tensor_copies_what_as_tensor_and_from_numpy_share(lib: Any) -> None:
    array = np.zeros(2)
    copied, shared, also_shared = lib.tensor(array), lib.as_tensor(array), lib.from_numpy(array)
    array[0] = 5
    assert copied.tolist() == [0, 0]
    assert shared.tolist() == also_shared.tolist() == [5, 0]
    tensor = lib.zeros(1)
    assert lib.as_tensor(tensor) is tensor


@pytest.mark.filterwarnings("ignore:To copy construct from a tensor")  # PyTorch recommends clone().detach()
def test_tensor_of_a_tensor_is_a_new_leaf(lib: Any) -> None:
    original = lib.ones(2, requires_grad=True)
    copy = lib.tensor(original)
    assert copy.is_leaf
    assert not copy.requires_grad
    with lib.no_grad():
        original.zero_()
    assert copy.tolist() == [1, 1]


# --- the default dtype --------------------------------------------------------------------------------------


def test_the_default_dtype_is_that_of_new_floating_point_tensors(lib: Any) -> None:
    assert lib.get_default_dtype() == lib.float32
    lib.set_default_dtype(lib.float64)
    try:
        made = [lib.tensor(1.5), lib.zeros(1), lib.randn(1), lib.arange(1.0), lib.nn.Linear(1, 1).weight]
        assert {t.dtype for t in made} == {lib.float64}
        assert lib.tensor(1).dtype == lib.int64
    finally:
        lib.set_default_dtype(lib.float32)
    assert lib.zeros(1).dtype == lib.float32


def test_integers_are_no_default_dtype(lib: Any) -> None:
    with pytest.raises(TypeError, match="floating"):
        lib.set_default_dtype(lib.int64)


# --- mistakes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [[[1, 2], [3]], [1, "a"], "a", None, [None]])
def test_what_is_not_a_grid_of_numbers_is_refused(lib: Any, values: Any) -> None:
    with pytest.raises((ValueError, TypeError, RuntimeError)):
        lib.tensor(values)


def test_ragged_rows_are_named() -> None:
    with pytest.raises(ValueError, match="rows of different lengths"):
        torch.tensor([[1, 2], [3]])


@pytest.mark.parametrize("data", [[1, 2], 1.0])
def test_from_numpy_wants_an_array(lib: Any, data: Any) -> None:
    with pytest.raises(TypeError, match=r"expected np.ndarray"):
        lib.from_numpy(data)


def test_integers_cannot_require_a_gradient(lib: Any) -> None:
    with pytest.raises(
        RuntimeError, match=r"(?i)only Tensors of floating point.* dtype can require gradients"
    ):
        lib.tensor([1, 2], requires_grad=True)


@pytest.mark.parametrize("make", ["tensor([1.0]", "as_tensor([1.0]", "zeros(1", "ones(1", "empty(1"])
def test_the_only_device_is_the_cpu(make: str) -> None:
    assert eval(f"{make}, device='cpu')", vars(torch)).shape == (1,)
    with pytest.raises(RuntimeError, match="no device 'cuda'"):
        eval(f"{make}, device='cuda')", vars(torch))
