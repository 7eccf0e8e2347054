"""Tensors in NumPy's functions, differentiable where there is a rule; and in matplotlib."""

from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

import tinygrad_stab as torch
from tinygrad_stab.autograd import grad

A = np.array([[0.5, -1.5, 2.0], [3.0, 0.25, -0.75]])
MASK = A > 0

# Each is called with a tensor and with the array inside it: the values must agree.
FUNCTIONS: dict[str, Callable] = {
    "np.exp(t)": np.exp,
    "np.tanh(t)": np.tanh,
    "np.abs(t)": np.abs,
    "np.square(t)": np.square,
    "np.sin(t)": np.sin,
    "np.negative(t)": np.negative,
    "np.sum(t)": np.sum,
    "np.sum(t, axis=0)": lambda t: np.sum(t, axis=0),
    "np.sum(t, 0)": lambda t: np.sum(t, 0),
    "np.sum(t, axis=(0, 1), keepdims=True)": lambda t: np.sum(t, axis=(0, 1), keepdims=True),
    "np.mean(t, 1)": lambda t: np.mean(t, 1),
    "np.std(t)": np.std,  # NumPy's, with ddof 0
    "np.std(t, axis=0, ddof=1)": lambda t: np.std(t, axis=0, ddof=1),
    "np.var(t, axis=-1, keepdims=True)": lambda t: np.var(t, axis=-1, keepdims=True),
    "np.max(t, axis=1)": lambda t: np.max(t, axis=1),
    "np.min(t)": np.min,
    "np.linalg.norm(t)": np.linalg.norm,
    "np.linalg.norm(t, axis=1)": lambda t: np.linalg.norm(t, axis=1),
    "np.linalg.norm(t, 3, 0)": lambda t: np.linalg.norm(t, 3, 0),
    "np.linalg.norm(t, ord=1, axis=-1, keepdims=True)": lambda t: np.linalg.norm(t, 1, -1, keepdims=True),
    "np.linalg.norm(t, np.inf, 1)": lambda t: np.linalg.norm(t, np.inf, 1),
    "np.cumsum(t, 1)": lambda t: np.cumsum(t, 1),
    "np.where(m, t, 0)": lambda t: np.where(MASK, t, 0),
    "np.where(t > 0, t, -t)": lambda t: np.where(t > 0, t, -t),
    "np.maximum(t, 0)": lambda t: np.maximum(t, 0),
    "np.minimum(0.1, t)": lambda t: np.minimum(0.1, t),
    "np.clip(t, -1, 1)": lambda t: np.clip(t, -1, 1),
    "np.power(t, 2)": lambda t: np.power(t, 2),
    "np.add(1, t)": lambda t: np.add(1, t),
    "np.concatenate([t, t], axis=1)": lambda t: np.concatenate([t, t], axis=1),
    "np.concatenate((t, array))": lambda t: np.concatenate((t, A)),
    "np.stack([t, t], -1)": lambda t: np.stack([t, t], -1),
    "np.reshape(t, (3, 2))": lambda t: np.reshape(t, (3, 2)),
    "np.transpose(t)": np.transpose,
    "np.transpose(t, (1, 0))": lambda t: np.transpose(t, (1, 0)),
    "np.swapaxes(t, 0, -1)": lambda t: np.swapaxes(t, 0, -1),
    "np.expand_dims(t, 1)": lambda t: np.expand_dims(t, 1),
    "np.squeeze(t[:1])": lambda t: np.squeeze(t[:1]),
    "np.flip(t, 1)": lambda t: np.flip(t, 1),
    "np.broadcast_to(t, (2, 2, 3))": lambda t: np.broadcast_to(t, (2, 2, 3)),
    "np.matmul(t, t.T)": lambda t: np.matmul(t, t.T),
    "array + t": lambda t: A + t,
    "array - t": lambda t: A - t,
    "array * t": lambda t: A * t,
    "array / (t + 9)": lambda t: A / (t + 9),
    "array ** (t + 9)": lambda t: np.abs(A) ** (t + 9),
    "array @ t": lambda t: A.T @ t,
    "t @ array": lambda t: t @ A.T,
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_numpy_function_with_a_rule(name: str) -> None:
    function = FUNCTIONS[name]
    t = torch.tensor(A, requires_grad=True)
    y = function(t)
    assert isinstance(y, torch.Tensor)
    np.testing.assert_allclose(y.detach().numpy(), function(A), rtol=1e-14)
    assert torch.directional_check(function, t)


def test_the_operators_of_an_array_answer_in_their_order() -> None:
    t = torch.tensor(2.0, dtype=torch.float64)
    for a in (np.array([4.0, 6.0]), np.float64(4.0)):
        assert ((a - t).array == a - 2).all()
        assert ((a / t).array == a / 2).all()
        assert ((a**t).array == a**2).all()
        assert isinstance(a > t, torch.Tensor)


def test_comparisons_and_counts_are_constants() -> None:
    t = torch.tensor(A, requires_grad=True)
    for y in (t > 0, np.sign(t), np.isfinite(t), np.argmax(t, axis=1), np.zeros_like(t), np.round(t)):
        assert isinstance(y, torch.Tensor)
        assert not y.requires_grad
    assert np.shape(t) == (2, 3)
    assert np.ndim(t) == 2
    assert np.size(t) == 6
    assert np.size(t, 0) == 2


def test_a_numpy_number_does_not_widen_float32() -> None:
    t = torch.ones(2)
    for y in (
        np.float64(2) * t,
        t * np.sqrt(2.0),
        np.float64(1) + t,
        np.float64(1) / t,
        np.maximum(t, np.pi),
    ):
        assert y.dtype == torch.float32


@pytest.mark.parametrize(
    "call",
    [
        np.linalg.inv,
        np.fft.fft,
        np.prod,
        np.arctan,
        lambda t: np.add.reduce(t),
        lambda t: np.einsum("ij->j", t),
    ],
    ids=["linalg.inv", "fft.fft", "prod", "arctan", "add.reduce", "einsum"],
)
def test_a_numpy_function_without_a_rule_is_refused(call: Callable) -> None:
    with pytest.raises(TypeError, match=r"no derivative rule.*np\.asarray\(t\).*concatenate.*tanh"):
        call(torch.ones(3, 3, requires_grad=True))


VALUES: dict[str, Callable] = {
    "median": np.median,
    "percentile": lambda t: np.percentile(t, 30),
    "histogram": lambda t: np.histogram(t)[0],
    "sort": np.sort,
    "vstack": lambda t: np.vstack([t, t]),
    "ravel": np.ravel,
    "arctan": np.arctan,
    "add.reduce": lambda t: np.add.reduce(t),
    "linalg.svd": lambda t: np.linalg.svd(t)[1],
    "einsum": lambda t: np.einsum("ij->j", t),
    "permutation": lambda t: np.random.default_rng(0).permutation(t),
    "in a dict": lambda t: np.pad(t, 1, constant_values=t[0, 0]),
    "into an array": lambda t: np.add(A, t, out=np.zeros_like(A)),
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
def test_where_no_gradient_is_required_numpy_gets_the_values(name: str) -> None:
    function = VALUES[name]
    t = torch.tensor(A, requires_grad=True)
    np.testing.assert_array_equal(function(t.detach()), function(A))
    with torch.no_grad():
        np.testing.assert_array_equal(function(t), function(A))


@pytest.mark.parametrize(
    "function",
    [np.argsort, np.atleast_1d, np.count_nonzero, lambda t: np.allclose(t, A), np.broadcast_arrays],
)
def test_what_has_no_derivative_to_lose_answers_always(function: Callable) -> None:
    np.testing.assert_array_equal(function(torch.tensor(A, requires_grad=True)), function(A))


@pytest.mark.parametrize(
    "draw",
    ["bar(t[0], t[1])", "hist(t[0])", "hist2d(t[0], t[1])", "stackplot(t[0], t)", "scatter(t[0], t[1])"],
)
def test_matplotlib_draws_values(draw: str) -> None:
    eval(f"plt.{draw}", {"plt": plt, "t": torch.tensor(A)})
    plt.close("all")


@pytest.mark.parametrize(
    "call",
    [
        lambda t: np.sum(t, dtype=np.float64),
        lambda t: np.max(t, initial=100.0),
        lambda t: np.sum(t, where=MASK),
        lambda t: np.std(t, correction=1),
        lambda t: np.exp(t, where=MASK),
        lambda t: np.std(t, 0, None),
    ],
    ids=["sum dtype", "max initial", "sum where", "std correction", "exp where", "std dtype, by position"],
)
def test_an_argument_that_the_rule_does_not_know_is_refused_at_once(call: Callable) -> None:
    t = torch.tensor(A, requires_grad=True)
    with pytest.raises(TypeError):
        call(t)


@pytest.mark.parametrize("ord", [2, 1, np.inf, "fro", "nuc", -2])
def test_the_norm_of_a_matrix_is_numpys_or_refused(ord: Any) -> None:
    """np.linalg.norm(matrix, 2), without an axis, is the largest singular value."""
    t = torch.tensor(A, requires_grad=True)
    try:
        y = np.linalg.norm(t, ord)
    except (TypeError, ValueError, RuntimeError):
        return
    assert y.item() == pytest.approx(np.linalg.norm(A, ord))


@pytest.mark.parametrize("ord", [0, -1, -np.inf, 0.5])
def test_an_unusual_norm_of_a_vector_is_numpys_or_refused(ord: Any) -> None:
    t = torch.tensor(A[0], requires_grad=True)
    try:
        y = np.linalg.norm(t, ord)
    except (TypeError, ValueError, RuntimeError):
        return
    assert y.item() == pytest.approx(np.linalg.norm(A[0], ord))


def test_clip_takes_numpys_names() -> None:
    t = torch.tensor(A, requires_grad=True)
    for options in ({"a_min": 0, "a_max": 1}, {"min": 0, "max": 1}):
        np.testing.assert_array_equal(np.clip(t, **options).array, np.clip(A, 0, 1))


def test_an_array_cannot_take_a_tensor_in_place() -> None:
    array, t = np.zeros(2), torch.ones(2, requires_grad=True)
    with pytest.raises(TypeError, match=r"y = y \+ t.*instead of.*y \+= t"):
        array += t
    with pytest.raises(TypeError, match=r"np\.asarray\(t\)"):
        np.exp(t, out=array)
    assert array.tolist() == [0, 0]


# --- arrays out of tensors ----------------------------------------------------------------------------------


def test_asarray_shares_the_values_read_only() -> None:
    t = torch.tensor(A, requires_grad=True)
    array = np.asarray(t)
    np.testing.assert_array_equal(array, A)
    assert array.dtype == np.float64
    assert np.shares_memory(array, t.array)
    with pytest.raises(ValueError, match="read-only"):
        array[0, 0] = 1
    assert t.array.flags.writeable


def test_array_copies() -> None:
    t = torch.tensor([1.0, 2.0], requires_grad=True)
    for array in (np.array(t), np.asarray(t, dtype=np.float64), np.array([t[0], t[1]])):
        array += 1
        assert array.tolist() == [2, 3]
    assert t.tolist() == [1, 2]


def test_numpy_refuses_where_pytorch_does() -> None:
    with pytest.raises(RuntimeError, match=r"detach\(\)\.numpy\(\)"):
        torch.ones(2, requires_grad=True).numpy()
    t = torch.ones(2)
    t.numpy()[0] = 5
    assert t.tolist() == [5, 1]


def line_data(drawn: Any) -> list:
    return drawn[0].get_ydata().tolist()


def test_tensors_that_require_grad_can_be_plotted() -> None:
    t = torch.tensor([1.0, 4.0, 9.0], requires_grad=True)
    losses = [(t * k).sum() for k in range(3)]
    figure, (ax, log) = plt.subplots(2)
    assert line_data(ax.plot(t)) == [1, 4, 9]
    assert line_data(ax.plot(t, t * t)) == [1, 16, 81]
    assert line_data(ax.plot(losses)) == [0, 14, 28]
    assert line_data(log.semilogy(range(3), t)) == [1, 4, 9]
    ax.scatter(t, t)
    ax.hist(t)
    ax.imshow(t.reshape(1, 3))
    ax.axhline(t.max())
    plt.close(figure)


def test_every_constant_of_a_recorded_rule_stays_out_of_the_graph() -> None:
    t = torch.tensor(A, requires_grad=True)
    (g,) = grad(np.sum(np.where(np.isfinite(t), np.abs(t), 0)), t, create_graph=True)
    np.testing.assert_array_equal(g.array, np.sign(A))
