"""What PyTorch's functions return, print and promise, beyond the values of layers."""

from collections.abc import Callable
from typing import Any

import pytest
from both_libraries import lib as lib

import tinygrad_stab as torch
import tinygrad_stab.nn as nn


def test_initializers_return_their_tensor(lib: Any) -> None:
    w = lib.empty(4, 4)
    for name in ("kaiming_uniform_", "kaiming_normal_", "xavier_uniform_", "xavier_normal_", "normal_",
                 "uniform_", "zeros_", "ones_", "eye_", "orthogonal_", "trunc_normal_"):  # fmt: skip
        assert getattr(lib.nn.init, name)(w) is w
    assert lib.nn.init.constant_(w, 2) is lib.nn.init.sparse_(w, sparsity=0.5) is w


def test_gains(lib: Any) -> None:
    gain = lib.nn.init.calculate_gain
    named = [gain(n) for n in ("linear", "conv1d", "conv2d", "conv3d", "sigmoid", "tanh", "relu", "selu")]
    assert named == pytest.approx([1, 1, 1, 1, 1, 5 / 3, 2**0.5, 0.75])
    assert gain("leaky_relu", 0.2) == pytest.approx((2 / 1.04) ** 0.5)
    assert gain("leaky_relu") == pytest.approx((2 / 1.0001) ** 0.5)
    with pytest.raises(ValueError, match="Unsupported nonlinearity foo"):
        gain("foo")


def test_clipping_returns_the_norm_before(lib: Any) -> None:
    p = lib.nn.Parameter(lib.zeros(2))
    p.grad = lib.tensor([30.0, 40.0])
    assert lib.nn.utils.clip_grad_norm_([p], 1.0).item() == pytest.approx(50)
    assert p.grad.tolist() == pytest.approx([0.6, 0.8], rel=1e-5)
    assert lib.nn.utils.clip_grad_norm_(p, max_norm=10.0).item() == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize("size", [3e19, 1e-30])
def test_clipping_of_huge_and_tiny_float32_gradients(size: float) -> None:
    """Their squares are outside of float32, where PyTorch computes ∞ and 0."""
    p = nn.Parameter(torch.zeros(2))
    p.grad = torch.tensor([3 * size, -4 * size])
    assert nn.utils.clip_grad_norm_([p], size).item() == pytest.approx(5 * size)
    assert p.grad.tolist() == pytest.approx([0.6 * size, -0.8 * size])


def test_reprs(lib: Any) -> None:
    x = lib.tensor([1.0, -2.5], requires_grad=True)
    assert repr(lib.tensor(1.23456)) == "tensor(1.2346)"
    assert repr(x) == "tensor([ 1.0000, -2.5000], requires_grad=True)"
    assert repr(x + 1) == "tensor([ 2.0000, -1.5000], grad_fn=<AddBackward0>)"
    assert repr(x > 0) == "tensor([ True, False])"
    assert repr(lib.nn.Parameter(lib.ones(1))) == "Parameter containing:\ntensor([1.], requires_grad=True)"
    assert repr(lib.zeros(2000)) == "tensor([0., 0., 0.,  ..., 0., 0., 0.])"
    assert repr(lib.ones(2, 3).shape) in ("Size([2, 3])", "torch.Size([2, 3])")
    assert "float64" in repr(lib.ones(1, dtype=lib.float64))


def test_std_and_var_are_unbiased_unless_told(lib: Any) -> None:
    x = lib.tensor([1.0, 2.0, 6.0])
    assert (x.var().item(), x.std().item()) == pytest.approx((7, 7**0.5))
    assert (x.var(unbiased=False).item(), x.var(correction=0).item()) == pytest.approx((14 / 3, 14 / 3))


def test_slices_and_reshapes_share_memory(lib: Any) -> None:
    x = lib.zeros(2, 3)
    for view in (x[0], x[:, 1:], x.T, x.reshape(6), x.view(3, 2), x.detach(), x.transpose(0, 1), x.flatten()):
        view += 1
    assert x.sum().item() == 3 + 4 + 6 * 6


def test_a_saved_value_that_was_changed_is_noticed(lib: Any) -> None:
    w = lib.ones(2, requires_grad=True)
    y = w * w
    with lib.no_grad():
        w.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_load_state_dict_is_all_or_nothing() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    before = {name: t.clone() for name, t in model.state_dict().items()}
    broken = {name: torch.zeros(*t.shape) for name, t in before.items()} | {"1.bias": torch.zeros(3)}
    with pytest.raises(RuntimeError, match=r"size mismatch for 1.bias"):
        model.load_state_dict(broken)
    assert all(torch.equal(t, before[name]) for name, t in model.state_dict().items())


SECOND_ORDER: dict[str, tuple[Callable[[Any], Any], tuple[int, ...]]] = {
    "BatchNorm1d": (lambda T: T.nn.BatchNorm1d(3), (4, 3)),
    "BatchNorm2d": (lambda T: T.nn.BatchNorm2d(2), (3, 2, 2, 2)),
    "LayerNorm": (lambda T: T.nn.LayerNorm(3), (4, 3)),
    "LSTM": (lambda T: T.nn.LSTM(3, 2), (4, 2, 3)),
    "Conv2d": (lambda T: T.nn.Conv2d(2, 2, 2), (1, 2, 3, 3)),
}


@pytest.mark.parametrize("layer", SECOND_ORDER)
def test_second_derivatives_go_through(layer: str) -> None:
    make, shape = SECOND_ORDER[layer]
    module = make(torch).double()
    x = torch.randn(*shape, dtype=torch.float64, requires_grad=True)

    def output(x: Any) -> Any:
        y = module(x)
        return y[0] if isinstance(y, tuple) else y

    assert torch.directional_check(lambda x: output(x) ** 2, [x], order=2)
