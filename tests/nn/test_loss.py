"""Losses against their formulas, their gradients, and the mistakes that they are given."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_stab as torch
from tinygrad_stab import Tensor, nn
from tinygrad_stab.nn import functional as F

REDUCE = {"mean": np.mean, "sum": np.sum, "none": lambda losses: losses}
each_reduction = pytest.mark.parametrize("reduction", REDUCE)


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def loss_of(module: nn.Module, target: Any) -> Callable[[nn.Module, Tensor], Tensor]:
    """How check_derivatives is to call a loss whose target is not differentiated."""
    return lambda _, x: module(x, target)


# --- MSE ----------------------------------------------------------------------------------------------------


@each_reduction
def test_mse(randn: Callable, reduction: str) -> None:
    x, t = randn(4, 3), randn(4, 3)
    expected = REDUCE[reduction]((x.array - t.array) ** 2)
    np.testing.assert_allclose(nn.MSELoss(reduction=reduction)(x, t), expected, rtol=1e-13)
    np.testing.assert_allclose(F.mse_loss(x, t, reduction=reduction), expected, rtol=1e-13)


@each_reduction
def test_mse_to_second_order(randn: Callable, check_derivatives: Callable, reduction: str) -> None:
    check_derivatives(nn.MSELoss(reduction), randn(4, 3), randn(4, 3))


def test_mse_s_gradient_is_proportional_to_the_error(randn: Callable) -> None:
    x, t = randn(4, 3), randn(4, 3)
    nn.MSELoss()(x, t).backward()
    np.testing.assert_allclose(x.grad, 2 * (x.array - t.array) / 12, rtol=1e-13)
    np.testing.assert_allclose(t.grad, 2 * (t.array - x.array) / 12, rtol=1e-13)


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_a_column_against_a_row_is_warned_about_with_the_cure(reduction: str) -> None:
    """(n, 1) predictions and (n) targets broadcast to (n, n): the model learns the mean of all targets."""
    with pytest.warns(
        UserWarning, match=r"Using a target size .*\[5\].*\[5, 1\].*\(5, 5\).*target.reshape\(-1, 1\)"
    ) as caught:
        nn.MSELoss(reduction)(torch.zeros(5, 1), torch.zeros(5))
    assert caught[0].filename == __file__


def test_the_warning_of_the_function_points_at_its_caller() -> None:
    with pytest.warns(UserWarning, match="broadcasting") as caught:
        F.mse_loss(torch.zeros(5, 1), torch.zeros(5))
    assert caught[0].filename == __file__


def test_an_array_of_another_shape_is_warned_about_too() -> None:
    with pytest.warns(UserWarning, match="broadcasting"):
        F.mse_loss(torch.zeros(5, 1), np.zeros(5, np.float32))


def test_shapes_that_do_not_broadcast_are_refused() -> None:
    with pytest.raises(RuntimeError, match=r"\(4,\) and \(5,\)"):
        nn.MSELoss()(torch.zeros(4), torch.zeros(5))


# --- cross-entropy ------------------------------------------------------------------------------------------


@each_reduction
def test_cross_entropy(randn: Callable, reduction: str) -> None:
    x, target = randn(4, 3), torch.tensor([0, 2, 1, 2])
    expected = REDUCE[reduction](-np.log(softmax(x.array)[np.arange(4), target.array]))
    np.testing.assert_allclose(nn.CrossEntropyLoss(reduction=reduction)(x, target), expected, rtol=1e-12)
    np.testing.assert_allclose(F.cross_entropy(x, target, reduction=reduction), expected, rtol=1e-12)


def test_cross_entropy_s_gradient_is_softmax_minus_onehot(randn: Callable) -> None:
    x, target = randn(4, 3), torch.tensor([0, 2, 1, 2])
    nn.CrossEntropyLoss()(x, target).backward()
    np.testing.assert_allclose(x.grad, (softmax(x.array) - np.eye(3)[target.array]) / 4, rtol=1e-12)


@each_reduction
def test_cross_entropy_to_second_order(randn: Callable, check_derivatives: Callable, reduction: str) -> None:
    loss = nn.CrossEntropyLoss(reduction=reduction)
    check_derivatives(loss, randn(4, 3), call=loss_of(loss, torch.tensor([0, 2, 1, 2])))


def test_cross_entropy_of_huge_scores() -> None:
    x = torch.tensor([[1e4, -1e4, 0.0], [-1e4, 1e4, 0.0]], requires_grad=True)
    loss = nn.CrossEntropyLoss(reduction="none")(x, torch.tensor([0, 0]))
    loss.sum().backward()
    assert loss.tolist() == [0, 20_000]
    assert x.grad.tolist() == [[0, 0, 0], [-1, 1, 0]]


def test_chance_is_the_logarithm_of_the_number_of_classes(lib: Any) -> None:
    loss = lib.nn.CrossEntropyLoss()(lib.zeros(4, 10), lib.tensor([0, 3, 9, 1]))
    assert loss.item() == pytest.approx(2.3026, abs=5e-5)


@pytest.mark.parametrize(
    ("scores", "target"),
    [((4, 3), (5,)), ((4, 3), (4, 3)), ((4, 3), (4, 1)), ((3,), (3,)), ((4, 3), ())],
    ids=["another n", "one-hot rows", "a column", "no batch", "one target"],
)
def test_cross_entropy_refuses_other_shapes(scores: tuple, target: tuple) -> None:
    with pytest.raises(ValueError, match=r"class numbers, not one-hot rows.*argmax") as refusal:
        nn.CrossEntropyLoss()(torch.zeros(*scores), torch.zeros(*target).long())
    assert f"{scores} and {target}" in str(refusal.value)


def test_cross_entropy_refuses_floating_point_targets() -> None:
    with pytest.raises(
        RuntimeError, match=r"targets are class numbers, so integers, not float32: use y.long\(\)"
    ):
        nn.CrossEntropyLoss()(torch.zeros(4, 3), torch.zeros(4))


@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("out", [3, -1])
def test_cross_entropy_refuses_a_class_that_does_not_exist(lib: Any, reduction: str, out: int) -> None:
    """-1 would quietly mean the last class."""
    with pytest.raises(IndexError, match=f"(?i)target {out} is out of bounds"):
        lib.nn.CrossEntropyLoss(reduction=reduction)(lib.zeros(2, 3), lib.tensor([0, out]))


# --- binary cross-entropy -----------------------------------------------------------------------------------


@each_reduction
def test_bce_with_logits(rng: np.random.Generator, randn: Callable, reduction: str) -> None:
    x, t = randn(4, 3), rng.uniform(0, 1, (4, 3))
    p = 1 / (1 + np.exp(-x.array))
    expected = REDUCE[reduction](-t * np.log(p) - (1 - t) * np.log(1 - p))
    loss = nn.BCEWithLogitsLoss(reduction=reduction)(x, torch.tensor(t))
    np.testing.assert_allclose(loss, expected, rtol=1e-12)


def test_bce_s_gradient_is_sigmoid_minus_target(rng: np.random.Generator, randn: Callable) -> None:
    x, t = randn(4, 3), rng.uniform(0, 1, (4, 3))
    nn.BCEWithLogitsLoss()(x, torch.tensor(t)).backward()
    np.testing.assert_allclose(x.grad, (1 / (1 + np.exp(-x.array)) - t) / 12, rtol=1e-12)


@each_reduction
def test_bce_to_second_order(randn: Callable, check_derivatives: Callable, reduction: str) -> None:
    check_derivatives(nn.BCEWithLogitsLoss(reduction=reduction), randn(4, 3), randn(4, 3))


def test_bce_of_huge_logits() -> None:
    x = torch.tensor([1e4, 1e4, -1e4, -1e4], requires_grad=True)
    loss = nn.BCEWithLogitsLoss(reduction="none")(x, torch.tensor([1.0, 0.0, 0.0, 1.0]))
    loss.sum().backward()
    assert loss.tolist() == [0, 1e4, 0, 1e4]
    assert x.grad.tolist() == [0, 1, 0, -1]


def test_bce_refuses_targets_of_another_shape(lib: Any) -> None:
    """Broadcasting (n, 1) against (n) would compare each with each, as in MSE."""
    with pytest.raises(ValueError, match=r"(?i)target.*size.*input|shape"):
        lib.nn.BCEWithLogitsLoss()(lib.zeros(5, 1), lib.zeros(5))


# --- all losses ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["MSELoss", "CrossEntropyLoss", "BCEWithLogitsLoss"])
def test_an_unknown_reduction_is_refused(lib: Any, loss: str) -> None:
    targets = lib.tensor([0]) if loss == "CrossEntropyLoss" else lib.zeros(1, 2)
    with pytest.raises(ValueError, match=r"average.* is not a valid value for reduction"):
        getattr(lib.nn, loss)(reduction="average")(lib.zeros(1, 2), targets)


@pytest.mark.parametrize("loss", ["mse_loss", "cross_entropy", "binary_cross_entropy_with_logits"])
def test_the_functions_refuse_it_as_well(lib: Any, loss: str) -> None:
    targets = lib.tensor([0]) if loss == "cross_entropy" else lib.zeros(1, 2)
    with pytest.raises(ValueError, match=r"average.* is not a valid value for reduction"):
        getattr(lib.nn.functional, loss)(lib.zeros(1, 2), targets, reduction="average")


@pytest.mark.parametrize("loss", [nn.MSELoss(), nn.BCEWithLogitsLoss()])
def test_float32_stays_float32(loss: nn.Module) -> None:
    x = torch.randn(4, requires_grad=True)
    y = loss(x, torch.zeros(4))
    y.backward()
    assert y.dtype == x.grad.dtype == torch.float32
