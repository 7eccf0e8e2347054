"""Clipping changes the length of a gradient, never its direction, and nothing at all below the threshold."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_stab as torch
from tinygrad_stab import Tensor, nn
from tinygrad_stab.nn.utils import (
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
    parameters_to_vector,
    vector_to_parameters,
)


def with_gradients(*gradients: Any) -> list[nn.Parameter]:
    """Parameters whose gradients are these arrays."""
    parameters = []
    for g in gradients:
        parameters.append(nn.Parameter(torch.zeros(*np.shape(g), dtype=np.asarray(g).dtype)))
        parameters[-1].grad = torch.tensor(g)
    return parameters


def flat(parameters: list[nn.Parameter]) -> np.ndarray:
    """All gradients laid end to end."""
    return np.concatenate([p.grad.array.ravel() for p in parameters])


@pytest.fixture
def parameters(rng: np.random.Generator) -> list[nn.Parameter]:
    """Gradients in float64 of very different sizes, norm about 34."""
    return with_gradients(
        rng.standard_normal((4, 5)), 1e-3 * rng.standard_normal(3), 10 * rng.standard_normal((2, 5))
    )


# --- by norm ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("norm_type", [1, 2, 3.5, math.inf, "inf"])
def test_the_norm_before_is_returned_and_afterwards_it_is_max_norm(
    parameters: list[nn.Parameter], norm_type: Any
) -> None:
    before = np.linalg.norm(flat(parameters), float(norm_type))
    total = clip_grad_norm_(parameters, 0.25, norm_type=norm_type)
    assert isinstance(total, Tensor)
    assert total.shape == ()
    assert total.item() == pytest.approx(before, rel=1e-14)
    assert np.linalg.norm(flat(parameters), float(norm_type)) == pytest.approx(0.25, rel=1e-14)


@pytest.mark.parametrize("max_norm", [1e-6, 0.25, 30.0])
def test_the_direction_is_kept(parameters: list[nn.Parameter], max_norm: float) -> None:
    before = flat(parameters)
    clip_grad_norm_(parameters, max_norm)
    after = flat(parameters)
    cosine = before @ after / (np.linalg.norm(before) * np.linalg.norm(after))
    assert abs(cosine - 1) < 1e-12


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clipping_twice_is_clipping_once(rng: np.random.Generator, dtype: type) -> None:
    for _ in range(20):
        parameters = with_gradients(
            rng.standard_normal(7).astype(dtype) * 50, rng.standard_normal(3).astype(dtype)
        )
        clip_grad_norm_(parameters, 0.7)
        once = flat(parameters)
        clip_grad_norm_(parameters, 0.7)
        np.testing.assert_allclose(flat(parameters), once, rtol=2 * np.finfo(dtype).eps)


def test_below_the_threshold_nothing_changes_to_the_last_bit(parameters: list[nn.Parameter]) -> None:
    gradients = [p.grad for p in parameters]
    before = flat(parameters)
    norm = np.linalg.norm(before)
    assert clip_grad_norm_(parameters, norm * 1.001).item() == pytest.approx(norm, rel=1e-14)
    assert all(p.grad is g for p, g in zip(parameters, gradients))
    assert flat(parameters).tobytes() == before.tobytes()
    assert clip_grad_norm_(parameters, math.inf).item() == pytest.approx(norm, rel=1e-14)
    assert flat(parameters).tobytes() == before.tobytes()


def test_the_gradients_are_replaced_not_written_to(parameters: list[nn.Parameter]) -> None:
    arrays = [p.grad.array for p in parameters]
    copies = [array.copy() for array in arrays]
    clip_grad_norm_(parameters, 0.1)
    clip_grad_value_(parameters, 1e-3)
    for array, copy, p in zip(arrays, copies, parameters):
        assert p.grad.array is not array
        assert array.tobytes() == copy.tobytes()


def test_a_gradient_array_that_two_parameters_share_is_scaled_once() -> None:
    """Scaling it in place, once for each of the two, leaves 10 / 14.14² = 0.05 instead of 0.707."""
    first, second = with_gradients([6.0, 8.0], [6.0, 8.0])
    second.grad = first.grad
    assert clip_grad_norm_([first, second], 1.0).item() == pytest.approx(math.sqrt(200), rel=1e-6)
    np.testing.assert_allclose(first.grad, np.array([6, 8]) / math.sqrt(200), rtol=1e-6)
    np.testing.assert_allclose(second.grad, np.array([6, 8]) / math.sqrt(200), rtol=1e-6)


def test_a_parameter_that_is_listed_twice_is_scaled_once() -> None:
    """Two models that share a layer: [*a.parameters(), *b.parameters()]."""
    (p,) = with_gradients([6.0, 8.0])
    clip_grad_norm_([p, p], 1.0)
    assert 1 / math.sqrt(2) <= np.linalg.norm(p.grad.array) * (1 + 1e-6) <= 1 + 2e-6


@pytest.mark.parametrize("size", [3e19, 3e38, 1e-30])
def test_huge_and_tiny_float32_gradients(size: float) -> None:
    """Their squares leave float32, whose range is 1.4e-45 to 3.4e38; so does the norm of the second."""
    (p,) = with_gradients(np.full((3, 4), size, np.float32))
    value = float(p.grad.array[0, 0])
    total = clip_grad_norm_([p], size / 10)
    assert total.item() == pytest.approx(value * math.sqrt(12), rel=1e-6)
    assert p.grad.dtype == torch.float32
    np.testing.assert_allclose(p.grad, size / 10 / math.sqrt(12), rtol=1e-6)


@pytest.mark.parametrize(("norm", "ratio"), [(1.0, 1.000001), (1e-7, 11)])
def test_the_length_is_right_where_pytorchs_is_short_of_it(norm: float, ratio: float) -> None:
    pytorch = pytest.importorskip("torch", reason="PyTorch is not installed")
    g = norm * np.array([0.6, 0.8])
    (ours,), theirs = with_gradients(g), pytorch.zeros(2, dtype=pytorch.float64)
    theirs.grad = pytorch.tensor(g)
    for library, p in ((torch, ours), (pytorch, theirs)):
        library.nn.utils.clip_grad_norm_([p], max_norm=norm / 2)
    assert ours.grad.norm().item() == pytest.approx(norm / 2, rel=1e-12)
    assert ours.grad.norm().item() / theirs.grad.norm().item() == pytest.approx(ratio, rel=1e-9)


def test_huge_gradients_are_clipped_to_an_ordinary_length() -> None:
    parameters = with_gradients(np.full(9, 3e38, np.float32), np.zeros(2, np.float32))
    clip_grad_norm_(parameters, 1.0)
    np.testing.assert_allclose(parameters[0].grad, 1 / 3, rtol=1e-6)
    assert parameters[1].grad.tolist() == [0, 0]


def test_float64_gradients_whose_squares_overflow() -> None:
    (p,) = with_gradients(np.array([3e200, 4e200]))
    assert clip_grad_norm_([p], 1.0).item() == pytest.approx(5e200, rel=1e-14)
    np.testing.assert_allclose(p.grad, [0.6, 0.8], rtol=1e-14)


def test_no_gradient_at_all_and_gradients_of_zero() -> None:
    absent, (zero,) = nn.Parameter(torch.ones(2)), with_gradients([0.0, 0.0])
    assert clip_grad_norm_([absent], 1.0).item() == 0
    assert absent.grad is None
    assert clip_grad_norm_([absent, zero], 0.0).item() == 0
    assert zero.grad.tolist() == [0, 0]


def test_a_threshold_of_zero_stops_everything() -> None:
    (p,) = with_gradients([3.0, 4.0])
    assert clip_grad_norm_([p], 0.0).item() == 5
    assert p.grad.tolist() == [0, 0]


def test_one_parameter_need_not_be_put_in_a_list() -> None:
    (p,) = with_gradients([3.0, 4.0])
    assert clip_grad_norm_(p, 1.0).item() == 5
    np.testing.assert_allclose(p.grad, [0.6, 0.8], rtol=1e-6)


def test_a_model_trains_on_after_clipping() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    (model(torch.randn(8, 3)) * 1e6).sum().backward()
    total = torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
    assert total.item() > 1e6
    assert np.linalg.norm(flat(list(model.parameters()))) == pytest.approx(1, rel=1e-6)


# --- what cannot be clipped ---------------------------------------------------------------------------------

NOT_FINITE = [math.nan, math.inf, -math.inf]


@pytest.mark.parametrize("value", NOT_FINITE)
@pytest.mark.parametrize("norm_type", [1, 2, math.inf])
@pytest.mark.parametrize("before_it", [0.0, 2.0])
def test_a_norm_that_is_not_finite_is_reported_and_nothing_changed(
    value: float, norm_type: float, before_it: float
) -> None:
    """Scaling would turn inf into NaN and every other gradient into NaN or 0."""
    parameters = with_gradients([before_it, before_it], [[before_it, value]])
    before = flat(parameters)
    with pytest.warns(
        RuntimeWarning, match=r"parameter 1 .*shape \(1, 2\).*not changed.*detect_anomaly"
    ) as caught:
        total = clip_grad_norm_(parameters, 1.0, norm_type)
    assert caught[0].filename == __file__
    assert not math.isfinite(total.item())
    assert flat(parameters).tobytes() == before.tobytes()


def test_a_norm_that_leaves_float64_is_reported_as_well() -> None:
    """Four elements of 1e308 have a norm of 2e308, though each of them is finite."""
    (p,) = with_gradients(np.full(4, 1e308))
    with pytest.warns(RuntimeWarning, match="norm of the gradients is non-finite, inf"):
        assert clip_grad_norm_([p], 1.0).item() == math.inf
    assert p.grad.tolist() == [1e308] * 4


@pytest.mark.parametrize("value", NOT_FINITE)
def test_error_if_nonfinite_raises_and_names_the_parameter(value: float) -> None:
    parameters = with_gradients([1.0], [value], [math.nan])
    before = flat(parameters)
    with pytest.raises(RuntimeError, match=r"parameter 1 .*shape \(1,\)"):
        clip_grad_norm_(parameters, 1.0, error_if_nonfinite=True)
    assert flat(parameters).tobytes() == before.tobytes()


@pytest.mark.parametrize("max_norm", [-1.0, -1e-12, math.nan])
def test_a_negative_max_norm_is_refused(max_norm: float) -> None:
    (p,) = with_gradients([3.0, 4.0])
    with pytest.raises(ValueError, match="max_norm must not be negative"):
        clip_grad_norm_([p], max_norm)
    assert p.grad.tolist() == [3, 4]


def exhausted() -> Iterator[nn.Parameter]:
    generator = nn.Linear(2, 2).parameters()
    list(generator)
    return generator


@pytest.mark.parametrize(
    "clip", [lambda p: clip_grad_norm_(p, 1.0), lambda p: clip_grad_value_(p, 1.0)], ids=["norm", "value"]
)
@pytest.mark.parametrize("nothing", [list, exhausted])
def test_clipping_nothing_is_warned_about(clip: Callable, nothing: Callable) -> None:
    with pytest.warns(UserWarning, match="was given no parameters: a generator .* can be used only once"):
        clip(nothing())


# --- by value -----------------------------------------------------------------------------------------------


def test_by_value_limits_every_element_and_turns_the_direction(parameters: list[nn.Parameter]) -> None:
    before = flat(parameters)
    assert clip_grad_value_(parameters, clip_value=0.5) is None
    after = flat(parameters)
    np.testing.assert_array_equal(after, np.clip(before, -0.5, 0.5))
    assert before @ after / (np.linalg.norm(before) * np.linalg.norm(after)) < 0.9


def test_by_value_keeps_the_dtype_also_for_a_numpy_threshold() -> None:
    (p,) = with_gradients(np.array([3.0, -4.0], np.float32))
    clip_grad_value_(p, np.float64(0.5))
    assert p.grad.dtype == torch.float32
    assert p.grad.tolist() == [0.5, -0.5]


def test_by_value_refuses_a_negative_threshold() -> None:
    (p,) = with_gradients([3.0])
    with pytest.raises(ValueError, match="clip_value must not be negative"):
        clip_grad_value_([p], -0.5)
    assert p.grad.tolist() == [3]


# --- its parts ----------------------------------------------------------------------------------------------


def test_get_total_norm(rng: np.random.Generator) -> None:
    a, b = rng.standard_normal((3, 4)), rng.standard_normal(5)
    expected = np.linalg.norm(np.concatenate([a.ravel(), b]))
    assert get_total_norm([torch.tensor(a), torch.tensor(b)]).item() == pytest.approx(expected, rel=1e-14)
    assert get_total_norm([]).item() == 0


def test_clip_grads_with_a_norm_that_is_known(parameters: list[nn.Parameter]) -> None:
    before = flat(parameters)
    clip_grads_with_norm_(parameters, 1.0, torch.tensor(0.5))
    assert flat(parameters).tobytes() == before.tobytes()
    clip_grads_with_norm_(parameters, 1.0, torch.tensor(4.0))
    np.testing.assert_allclose(flat(parameters), before / 4, rtol=1e-14)


def test_parameters_to_vector_and_back() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    vector = parameters_to_vector(model.parameters())
    assert vector.shape == (13,)
    assert vector.tolist() == [v for p in model.parameters() for v in p.array.ravel().tolist()]
    vector.sum().backward()
    assert (model[0].weight.grad == 1).all()
    vector_to_parameters(torch.arange(13.0), model.parameters())
    assert model[1].weight.tolist() == [[9, 10, 11]]
    assert model[1].bias.tolist() == [12]
    assert model[1].bias.requires_grad


def test_vector_to_parameters_refuses_another_length() -> None:
    model = nn.Linear(2, 1)
    before = model.weight.tolist()
    with pytest.raises(ValueError, match="the parameters have 3 elements, the vector 4"):
        vector_to_parameters(torch.zeros(4), model.parameters())
    assert model.weight.tolist() == before
