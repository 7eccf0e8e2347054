"""GroupNorm and RMSNorm: what they normalize, and their gradients. Values recorded from PyTorch 2.13."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_stab
from tinygrad_stab import directional_check, nn
from tinygrad_stab.nn.normalization import GroupNorm, RMSNorm, group_norm, rms_norm
from tinygrad_stab.ops.normalization import rms_normalize


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch", reason="PyTorch is not installed")


X = [[1.0, 2, 3, 5], [0, -1, 4, 4]]
G = [[1.0, 0, -1, 2], [2, 1, 0, 0]]

# fmt: off
RECORDED = [
    (lambda x: group_norm(x, 2),
     [[-0.999980, 0.999980, -0.999995, 0.999995], [0.999980, -0.999980, 0, 0]],
     [[4e-05, -4e-05, -1.5e-05, 1.5e-05], [4e-05, -4e-05, 0, 0]]),
    (lambda x: rms_norm(x, (4,), eps=0.1),
     [[0.318626, 0.637253, 0.955879, 1.593132], [0, -0.346064, 1.384257, 1.384257]],
     [[0.253931, -0.129391, -0.512714, 0.313774], [0.692129, 0.335703, 0.041445, 0.041445]]),
    (lambda x: rms_norm(x, (4,)),
     [[0.320256, 0.640513, 0.960769, 1.601282], [0, -0.348155, 1.392621, 1.392621]],
     [[0.254563, -0.131387, -0.517337, 0.312045], [0.696311, 0.337605, 0.042201, 0.042201]]),
]
# fmt: on


@pytest.mark.parametrize(("norm", "values", "gradient"), RECORDED)
def test_recorded_values_and_gradients(norm: Callable, values: list, gradient: list) -> None:
    x = tinygrad_stab.tensor(X, dtype=np.float64, requires_grad=True)
    y = norm(x)
    np.testing.assert_allclose(y.tolist(), values, atol=1e-6)
    y.backward(tinygrad_stab.tensor(G, dtype=np.float64))
    np.testing.assert_allclose(x.grad.tolist(), gradient, atol=1e-6)


def results(lib: Any, layer: Any, x: np.ndarray, g: np.ndarray) -> list[np.ndarray]:
    """The output, and the gradients of the input and of the parameters, which are set to known numbers."""
    layer = layer.double()
    with lib.no_grad():
        for k, p in enumerate(layer.parameters()):
            p.copy_(lib.tensor(np.cos(np.arange(p.numel()) + k).reshape(tuple(p.shape))))
    x = lib.tensor(x, requires_grad=True)
    y = layer(x)
    y.backward(lib.tensor(g))
    return [y.detach().numpy(), x.grad.numpy(), *(p.grad.numpy() for p in layer.parameters())]


def assert_as_in_pytorch(torch: Any, ours: Any, theirs: Any, shape: tuple, rng: np.random.Generator) -> None:
    assert repr(ours) == repr(theirs)
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    x, g = rng.standard_normal(shape) * 3 + 1, rng.standard_normal(shape)
    for one, other in zip(results(tinygrad_stab, ours, x, g), results(torch, theirs, x, g), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("seed", range(15))
def test_group_norm_is_that_of_pytorch(torch: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups, per_group = (int(k) for k in rng.integers(1, 4, 2))
    options = {"eps": 10.0 ** rng.integers(-6, 0), "affine": bool(rng.integers(4))}
    shape = (int(rng.integers(2, 4)), groups * per_group, *rng.integers(1, 5, rng.integers(0, 3)))
    ours = GroupNorm(groups, groups * per_group, **options)
    assert_as_in_pytorch(torch, ours, torch.nn.GroupNorm(groups, groups * per_group, **options), shape, rng)


@pytest.mark.parametrize("seed", range(15))
def test_rms_norm_is_that_of_pytorch(torch: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = tuple(int(k) for k in rng.integers(1, 6, rng.integers(1, 4)))
    normalized = shape[-1] if seed % 3 == 0 else shape[-int(rng.integers(1, len(shape) + 1)) :]
    options = {"eps": [None, 1e-6, 0.1][rng.integers(3)], "elementwise_affine": bool(rng.integers(4))}
    ours = RMSNorm(normalized, **options)
    assert_as_in_pytorch(torch, ours, torch.nn.RMSNorm(normalized, **options), shape, rng)


def test_reprs() -> None:
    assert repr(GroupNorm(2, 4)) == "GroupNorm(2, 4, eps=1e-05, affine=True, bias=True)"
    assert repr(GroupNorm(2, 4, affine=False)) == "GroupNorm(2, 4, eps=1e-05, affine=False, bias=False)"
    assert repr(RMSNorm(4)) == "RMSNorm((4,), eps=None, elementwise_affine=True)"


def test_one_group_is_layer_norm_and_a_group_for_each_channel_leaves_them_alone(randn: Any) -> None:
    x = randn(3, 4, 5)
    np.testing.assert_allclose(
        GroupNorm(1, 4)(x).tolist(), nn.LayerNorm((4, 5), elementwise_affine=False)(x).tolist(), rtol=1e-12
    )
    apart = [GroupNorm(1, 1)(x[:, k : k + 1]).detach().numpy() for k in range(4)]
    np.testing.assert_allclose(GroupNorm(4, 4)(x).tolist(), np.concatenate(apart, 1), rtol=1e-12)


def test_a_sample_does_not_see_the_others(randn: Any) -> None:
    x = randn(4, 6)
    for norm in (GroupNorm(3, 6), RMSNorm(6)):
        np.testing.assert_allclose(norm(x)[:1].tolist(), norm(x[:1]).tolist(), rtol=1e-14)


def test_rms_norm_forgets_the_scale_of_its_input_but_not_the_mean_and_layer_norm_both(randn: Any) -> None:
    x = randn(3, 8)
    rms, layer = RMSNorm(8, eps=0.0), nn.LayerNorm(8, eps=0.0)
    for norm, shifted in [(rms, False), (layer, True)]:
        np.testing.assert_allclose(norm(5 * x).tolist(), norm(x).tolist(), rtol=1e-12)
        assert np.allclose(norm(x + 1).tolist(), norm(x).tolist()) == shifted


@pytest.mark.parametrize(("shape", "axis"), [((3, 4), -1), ((2, 3, 4), (1, 2)), ((5,), 0), ((2, 3), 0)])
def test_the_primitive_agrees_with_finite_differences_to_second_order(
    randn: Any, shape: Any, axis: Any
) -> None:
    assert directional_check(lambda x: rms_normalize(x, axis=axis, eps=1e-5), [randn(*shape)])


def test_the_primitive_is_what_its_small_steps_compute(randn: Any) -> None:
    x = randn(3, 7)
    composed = x / ((x * x).mean(1, keepdim=True) + 1e-3).sqrt()
    np.testing.assert_allclose(rms_normalize(x, axis=1, eps=1e-3).tolist(), composed.tolist(), rtol=1e-14)


def test_the_layers_to_second_order(randn: Any, check_derivatives: Callable) -> None:
    check_derivatives(GroupNorm(2, 4), randn(3, 4, 2))
    check_derivatives(RMSNorm((4, 2)), randn(3, 4, 2))


def test_float32_stays_float32() -> None:
    x = tinygrad_stab.randn(3, 4, requires_grad=True)
    y = RMSNorm(4)(GroupNorm(2, 4)(x))
    y.sum().backward()
    assert y.dtype == x.grad.dtype == np.float32


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"num_channels \(5\) must be divisible by num_groups \(2\)"):
        GroupNorm(2, 5)
    with pytest.raises(RuntimeError, match=r"divisible by num_groups, but got input of shape \[1, 5\]"):
        group_norm(tinygrad_stab.zeros(1, 5), 2)
    with pytest.raises(RuntimeError, match=r"normalized_shape=\[3\] expects input of shape \[\*, 3\]"):
        RMSNorm(3)(tinygrad_stab.zeros(2, 4))
