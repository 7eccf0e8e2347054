"""Flatten: from images to rows of features."""

from typing import Any

import pytest

import tinygrad_stab
from tinygrad_stab.nn.stateless import Flatten


def test_all_but_the_batch_becomes_one_dim_in_order() -> None:
    x = tinygrad_stab.arange(24).reshape(2, 3, 2, 2)
    y = Flatten()(x)
    assert y.tolist() == [list(range(12)), list(range(12, 24))]


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4), (2, 3, 4, 5), (0, 3, 4)])
@pytest.mark.parametrize("dims", [(), (0,), (1, -1), (0, 1), (-2, -1), (1, 1)])
def test_shapes_are_those_of_pytorch(shape: tuple, dims: tuple) -> None:
    torch: Any = pytest.importorskip("torch", reason="PyTorch is not installed")
    ours, theirs = Flatten(*dims), torch.nn.Flatten(*dims)
    assert tuple(ours(tinygrad_stab.zeros(*shape)).shape) == tuple(theirs(torch.zeros(*shape)).shape)
    assert repr(ours) == repr(theirs)


def test_the_gradient_goes_back_into_the_shape_of_the_input() -> None:
    x = tinygrad_stab.randn(2, 3, 4, requires_grad=True)
    g = tinygrad_stab.randn(2, 12)
    Flatten()(x).backward(g)
    assert x.grad.tolist() == g.reshape(2, 3, 4).tolist()


def test_repr() -> None:
    assert repr(Flatten()) == "Flatten(start_dim=1, end_dim=-1)"
