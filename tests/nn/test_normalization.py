"""BatchNorm and LayerNorm: which numbers they standardize, what they remember, and their gradients."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_stab as torch
from tinygrad_stab import Tensor, nn

SHAPES = [(5, 3), (5, 3, 4), (2, 3, 1), (1, 3, 7)]  # (n, features), (n, features, length)


def over_batch(shape: tuple) -> tuple:
    """All axes but the features'."""
    return (0,) if len(shape) == 2 else (0, 2)


def standardized(x: np.ndarray, axes: tuple, eps: float = 1e-5) -> np.ndarray:
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


def batch(rng: np.random.Generator, *shape: int) -> Tensor:
    """Features with means and standard deviations far from 0 and 1."""
    return torch.tensor(rng.standard_normal(shape) * 3 + 5, requires_grad=True)


# --- BatchNorm, training ------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_training_standardizes_each_feature_then_scales_and_shifts(
    rng: np.random.Generator, shape: tuple
) -> None:
    norm, x = nn.BatchNorm1d(3).double(), batch(rng, *shape)
    np.testing.assert_allclose(norm(x), standardized(x.array, over_batch(shape)), rtol=1e-11, atol=1e-13)
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([1.0, 2.0, -1.0]))
        norm.bias.copy_(torch.tensor([0.0, 5.0, 7.0]))
    per_feature = (3,) if len(shape) == 2 else (3, 1)
    expected = standardized(x.array, over_batch(shape)) * np.reshape([1, 2, -1], per_feature)
    np.testing.assert_allclose(norm(x), expected + np.reshape([0, 5, 7], per_feature), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_output_uses_the_biased_variance_and_running_var_the_unbiased(
    rng: np.random.Generator, shape: tuple
) -> None:
    norm, x = nn.BatchNorm1d(3, momentum=0.3, eps=1e-20).double(), batch(rng, *shape)
    y, axes = norm(x), over_batch(shape)
    np.testing.assert_allclose(y.array.var(axes, ddof=0), 1, rtol=1e-9)
    np.testing.assert_allclose(norm.running_mean, 0.3 * x.array.mean(axes), rtol=1e-12)
    np.testing.assert_allclose(norm.running_var, 0.7 + 0.3 * x.array.var(axes, ddof=1), rtol=1e-12)


def test_running_statistics_are_a_moving_average(rng: np.random.Generator) -> None:
    norm = nn.BatchNorm1d(2).double()
    mean, var = np.zeros(2), np.ones(2)
    for k in range(4):
        x = batch(rng, 6, 2)
        norm(x)
        mean = 0.9 * mean + 0.1 * x.array.mean(0)
        var = 0.9 * var + 0.1 * x.array.var(0, ddof=1)
        assert norm.num_batches_tracked.item() == k + 1
    np.testing.assert_allclose(norm.running_mean, mean, rtol=1e-12)
    np.testing.assert_allclose(norm.running_var, var, rtol=1e-12)


def test_momentum_none_is_the_plain_average_of_all_batches(rng: np.random.Generator) -> None:
    norm = nn.BatchNorm1d(2, momentum=None).double()
    xs = [batch(rng, 6, 2) for _ in range(5)]
    for x in xs:
        norm(x)
    np.testing.assert_allclose(norm.running_mean, np.mean([x.array.mean(0) for x in xs], 0), rtol=1e-12)
    np.testing.assert_allclose(norm.running_var, np.mean([x.array.var(0, ddof=1) for x in xs], 0), rtol=1e-12)


def test_running_statistics_stay_where_they_are_in_memory(lib: Any) -> None:
    norm = lib.nn.BatchNorm1d(2)
    views = {name: buffer.data for name, buffer in norm.named_buffers()}
    norm(lib.randn(6, 2))
    assert {name: view.tolist() for name, view in views.items()} == {
        name: buffer.tolist() for name, buffer in norm.named_buffers()
    }
    assert views["num_batches_tracked"].item() == 1
    mean, var = lib.zeros(2), lib.ones(2)
    lib.nn.functional.batch_norm(lib.ones(6, 2), mean, var, training=True, momentum=0.25)
    assert (mean.tolist(), var.tolist()) == ([0.25, 0.25], [0.75, 0.75])


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("moved", [0, 1, 2], ids=["never", "after the forward", "after the first backward"])
def test_graphs_stay_right_when_the_statistics_move(training: bool, moved: int) -> None:
    """First and second derivative, through a batch whose graph was recorded before the next one came."""
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(3).double()
    norm(torch.randn(8, 3, dtype=torch.float64) * 2 + 1)
    x = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)

    def derivatives(moved: int) -> list[Any]:
        y = norm.train(training)(x).tanh()
        for k in (1, 2):
            if moved == k:
                norm.train()(torch.randn(8, 3, dtype=torch.float64) * 9 - 5)
            (y,) = torch.autograd.grad((y * y).sum(), x, create_graph=True)
        return y.tolist()

    state = {name: tensor.clone() for name, tensor in norm.state_dict().items()}
    expected = derivatives(moved=0)
    norm.load_state_dict(state)
    assert derivatives(moved) == expected
    assert (norm.running_mean.tolist() == state["running_mean"].tolist()) == (not moved and not training)


def test_running_statistics_keep_no_graph(rng: np.random.Generator) -> None:
    norm, x = nn.BatchNorm1d(2).double(), batch(rng, 6, 2)
    (norm(x) ** 2).sum().backward()
    for buffer in norm.buffers():
        assert not buffer.requires_grad
        assert buffer.grad_fn is None


def test_the_statistics_stay_float32_and_the_count_an_integer() -> None:
    norm = nn.BatchNorm1d(2)
    y = norm(torch.randn(4, 2))
    assert {y.dtype, norm.running_mean.dtype, norm.running_var.dtype} == {torch.float32}
    assert norm.num_batches_tracked.dtype == torch.int64


def test_a_sample_s_output_depends_on_its_companions_in_training_only(rng: np.random.Generator) -> None:
    norm, x = nn.BatchNorm1d(3).double(), batch(rng, 6, 3)
    assert norm(x)[:2].tolist() != norm(x[:2]).tolist()
    norm.eval()
    assert norm(x)[:2].tolist() == norm(x[:2]).tolist()


def test_the_bias_of_a_layer_before_it_is_redundant(rng: np.random.Generator) -> None:
    """The mean takes it away again, so its gradient is 0 to rounding."""
    layer, norm = nn.Linear(3, 4).double(), nn.BatchNorm1d(4).double()
    loss = (norm(layer(batch(rng, 8, 3))) ** 3).sum()
    loss.backward()
    assert np.abs(layer.weight.grad.array).max() > 1e-2
    assert np.abs(layer.bias.grad.array).max() < 1e-13


def test_a_large_mean_costs_no_digits() -> None:
    """E x² − (E x)² in float32 gives a variance of 0, or a negative one, at mean 3000 and deviation 0.1."""
    x = torch.randn(100, 2) * 0.1 + 3000
    expected = standardized(x.array.astype(np.float64), (0,))
    np.testing.assert_allclose(nn.BatchNorm1d(2)(x), expected, atol=5e-3)


# --- BatchNorm, evaluation and its options ------------------------------------------------------------------


@pytest.mark.parametrize("shape", [*SHAPES, (1, 3)])
def test_evaluation_uses_the_running_statistics(rng: np.random.Generator, shape: tuple) -> None:
    norm = nn.BatchNorm1d(3).double()
    for _ in range(3):
        norm(batch(rng, 8, 3))
    norm.eval()
    mean, var = norm.running_mean.array.copy(), norm.running_var.array.copy()
    x = batch(rng, *shape)
    per_feature = (3,) if len(shape) == 2 else (3, 1)
    expected = (x.array - mean.reshape(per_feature)) / np.sqrt(var.reshape(per_feature) + 1e-5)
    np.testing.assert_allclose(norm(x), expected, rtol=1e-12)
    assert norm.running_mean.tolist() == mean.tolist()
    assert norm.running_var.tolist() == var.tolist()
    assert norm.num_batches_tracked.item() == 3


def test_without_tracking_evaluation_uses_the_batch(rng: np.random.Generator) -> None:
    norm, x = nn.BatchNorm1d(3, track_running_stats=False).double(), batch(rng, 5, 3)
    assert norm.running_mean is norm.running_var is norm.num_batches_tracked is None
    assert list(norm.state_dict()) == ["weight", "bias"]
    assert norm.eval()(x).tolist() == norm.train()(x).tolist()


def test_without_affine_there_is_nothing_to_learn(rng: np.random.Generator) -> None:
    norm, x = nn.BatchNorm1d(3, affine=False).double(), batch(rng, 5, 3)
    assert norm.weight is norm.bias is None
    assert list(norm.parameters()) == []
    np.testing.assert_allclose(norm(x), standardized(x.array, (0,)), rtol=1e-11, atol=1e-13)


def test_the_statistics_can_be_forgotten(rng: np.random.Generator) -> None:
    norm = nn.BatchNorm1d(2)
    norm(torch.randn(4, 2) + 9)
    with torch.no_grad():
        norm.weight.fill_(3)
    norm.reset_running_stats()
    assert (norm.running_mean.tolist(), norm.running_var.tolist()) == ([0, 0], [1, 1])
    assert norm.num_batches_tracked.item() == 0
    assert norm.weight.tolist() == [3, 3]
    norm.reset_parameters()
    assert (norm.weight.tolist(), norm.bias.tolist()) == ([1, 1], [0, 0])


@pytest.mark.parametrize(
    "make",
    ["BatchNorm1d(4)", "BatchNorm1d(4, bias=False)", "LayerNorm(4)", "GroupNorm(2, 4)", "RMSNorm(4)",
     "LayerNorm(4, elementwise_affine=False)"],
)  # fmt: skip
def test_every_normalization_goes_back_to_its_start(lib: Any, make: str) -> None:
    norm = eval(f"nn.{make}", {"nn": lib.nn})
    with lib.no_grad():
        for parameter in norm.parameters():
            parameter.fill_(float("nan"))
    norm.reset_parameters()
    start = {"weight": [1.0] * 4, "bias": [0.0] * 4}
    for name, parameter in norm.named_parameters():
        assert parameter.tolist() == start[name]


def test_an_empty_batch_leaves_the_statistics_as_they_are(lib: Any) -> None:
    norm = lib.nn.BatchNorm1d(2)
    assert tuple(norm(lib.zeros(0, 2)).shape) == (0, 2)
    assert (norm.running_mean.tolist(), norm.running_var.tolist()) == ([0, 0], [1, 1])


# --- BatchNorm, refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 1)])
def test_one_sample_in_training_is_refused_and_changes_nothing(shape: tuple) -> None:
    norm = nn.BatchNorm1d(3)
    with pytest.raises(ValueError, match="Expected more than 1 value per channel when training") as refusal:
        norm(torch.zeros(*shape))
    for remedy in ("model.eval()", "drop_last=True", "LayerNorm"):
        assert remedy in str(refusal.value)
    assert norm.running_mean.tolist() == [0, 0, 0]
    assert norm.num_batches_tracked.item() == 0


@pytest.mark.parametrize("shape", [(3,), (2, 3, 4, 5)])
def test_another_number_of_dims_is_refused(lib: Any, shape: tuple) -> None:
    with pytest.raises(ValueError, match="expected 2D or 3D input"):
        lib.nn.BatchNorm1d(3)(lib.zeros(*shape))


def test_another_number_of_features_is_refused_and_changes_nothing() -> None:
    norm = nn.BatchNorm1d(3)
    with pytest.raises(
        RuntimeError, match=r"BatchNorm1d\(3\).*shape \(2, 4\) has 4 channels.*write BatchNorm1d\(4\)"
    ):
        norm(torch.zeros(2, 4))
    assert norm.num_batches_tracked.item() == 0


# --- LayerNorm ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trailing", [1, 2, 3])
def test_layer_norm_standardizes_the_trailing_axes(rng: np.random.Generator, trailing: int) -> None:
    shape = (4, 2, 3, 5)
    x, normalized_shape = batch(rng, *shape), shape[-trailing:]
    norm = nn.LayerNorm(normalized_shape).double()
    expected = standardized(x.array, tuple(range(-trailing, 0)))
    np.testing.assert_allclose(norm(x), expected, rtol=1e-11, atol=1e-13)
    assert norm.weight.shape == norm.bias.shape == normalized_shape
    gamma, beta = rng.standard_normal(normalized_shape), rng.standard_normal(normalized_shape)
    norm.weight.data, norm.bias.data = torch.tensor(gamma), torch.tensor(beta)
    np.testing.assert_allclose(norm(x), expected * gamma + beta, rtol=1e-11, atol=1e-12)


def test_layer_norm_does_not_know_its_batch(rng: np.random.Generator) -> None:
    norm, x = nn.LayerNorm(3).double(), batch(rng, 64, 3)
    whole = norm(x)
    for n in (1, 2, 8):
        assert norm(x[:n]).tolist() == whole[:n].tolist()
    assert norm.eval()(x).tolist() == whole.tolist()
    assert list(norm.buffers()) == []


@pytest.mark.parametrize("normalized_shape", [3, [3], (3,), np.int64(3)])
def test_layer_norm_takes_a_number_a_list_or_a_tuple(normalized_shape: object) -> None:
    assert nn.LayerNorm(normalized_shape).normalized_shape == (3,)


def test_layer_norm_without_bias_or_weight() -> None:
    assert [name for name, _ in nn.LayerNorm(3, bias=False).named_parameters()] == ["weight"]
    assert list(nn.LayerNorm(3, elementwise_affine=False).parameters()) == []


def test_layer_norm_refuses_another_shape(lib: Any) -> None:
    norm = lib.nn.LayerNorm((3, 4))
    with pytest.raises(RuntimeError, match=r"expect.* input .*shape \[\*, 3, 4\], but got .*\[2, 4, 3\]"):
        norm(lib.zeros(2, 4, 3))


def test_batch_norm_and_layer_norm_are_one_function_on_two_axes(rng: np.random.Generator) -> None:
    x = batch(rng, 5, 4)
    by_rows, by_columns = nn.LayerNorm(5).double(), nn.BatchNorm1d(4).double()
    np.testing.assert_allclose(by_rows(x.T).T, by_columns(x), rtol=1e-13)


# --- gradients ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "norm",
    [nn.BatchNorm1d(3), nn.BatchNorm1d(3, affine=False), nn.BatchNorm1d(3, track_running_stats=False)],
    ids=["default", "not affine", "not tracking"],
)
@pytest.mark.parametrize("shape", [(5, 3), (2, 3, 4)])
@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_to_second_order(
    rng: np.random.Generator, check_derivatives: Callable, norm: nn.Module, shape: tuple, training: bool
) -> None:
    """With a random upstream gradient: for one of all ones the gradient is 0, whatever the code does."""
    x = torch.tensor(rng.standard_normal(shape), requires_grad=True)
    check_derivatives(norm.train(training), x)


@pytest.mark.parametrize(
    ("shape", "normalized_shape"), [((4, 3), 3), ((2, 3, 4), (3, 4)), ((2, 2, 2, 2), (2, 2, 2))]
)
def test_layer_norm_to_second_order(
    randn: Callable, check_derivatives: Callable, shape: tuple, normalized_shape: int
) -> None:
    check_derivatives(nn.LayerNorm(normalized_shape), randn(*shape))


def test_a_whole_net_with_both_to_second_order(randn: Callable, check_derivatives: Callable) -> None:
    net = nn.Sequential(
        nn.Linear(3, 4, bias=False), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 3), nn.LayerNorm(3), nn.ELU()
    )
    check_derivatives(net, randn(5, 3))


@pytest.mark.parametrize("norm", [nn.BatchNorm1d(4, affine=False), nn.LayerNorm(6, elementwise_affine=False)])
def test_the_gradient_has_no_part_along_shift_and_scale(rng: np.random.Generator, norm: nn.Module) -> None:
    """Shifting x changes nothing, nor does scaling it: both directions are removed from the gradient."""
    norm.eps = 0.0
    x = batch(rng, 6, 4) if isinstance(norm, nn.BatchNorm1d) else batch(rng, 4, 6)
    axis = 0 if isinstance(norm, nn.BatchNorm1d) else 1
    norm.double()(x).backward(torch.tensor(rng.standard_normal(tuple(x.shape))))
    g = x.grad.array
    assert np.abs(g).max() > 1e-2
    np.testing.assert_allclose(g.sum(axis), 0, atol=1e-14)
    np.testing.assert_allclose((g * x.array).sum(axis), 0, atol=1e-13)


def test_a_tiny_variance_is_remembered() -> None:
    x = 1e-4 * torch.randn(64, 1)
    norm = torch.nn.BatchNorm1d(1, momentum=None)
    norm(x)
    assert norm.running_var.item() == pytest.approx(x.var().item(), rel=1e-4)


def test_evaluation_needs_the_running_statistics() -> None:
    with pytest.raises(RuntimeError, match="running_mean and running_var must be given"):
        torch.nn.functional.batch_norm(torch.randn(3, 2), None, None)
