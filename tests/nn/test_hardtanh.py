"""Hardtanh: value, slope, and what happens at the bounds."""

from typing import Any

import numpy as np
import pytest

import tinygrad_stab
from tinygrad_stab import directional_check
from tinygrad_stab.nn.activation import Hardtanh, hardtanh

X = [-3.0, -1.0, -0.5, 0.0, 0.99, 1.0, 1.01, 7.0]


def test_value_and_slope() -> None:
    x = tinygrad_stab.tensor(X, requires_grad=True)
    y = Hardtanh()(x)
    y.sum().backward()
    np.testing.assert_allclose(y.tolist(), [-1, -1, -0.5, 0, 0.99, 1, 1, 1])
    assert x.grad.tolist() == [0, 0, 1, 1, 1, 0, 0, 0]


@pytest.mark.parametrize("bounds", [(), (-2.0, 0.5), (0.0, 1.0)])
def test_as_in_pytorch(bounds: tuple) -> None:
    torch: Any = pytest.importorskip("torch", reason="PyTorch is not installed")
    values = np.append(np.random.default_rng(0).standard_normal(50) * 2, [*X, *bounds])
    found = []
    for lib, layer in ((tinygrad_stab, Hardtanh(*bounds)), (torch, torch.nn.Hardtanh(*bounds))):
        x = lib.tensor(values, requires_grad=True)
        y = layer(x)
        (y * lib.tensor(values)).sum().backward()
        found.append([y.tolist(), x.grad.tolist(), repr(layer)])
    assert found[0] == found[1]


def test_to_second_order() -> None:
    x = tinygrad_stab.tensor([-1.5, -0.5, 0.3, 0.9, 1.2], dtype=np.float64, requires_grad=True)
    assert directional_check(lambda x: hardtanh(x) ** 3, [x])


def test_repr() -> None:
    assert repr(Hardtanh()) == "Hardtanh(min_val=-1.0, max_val=1.0)"
    assert repr(Hardtanh(-2, 2, inplace=True)) == "Hardtanh(min_val=-2, max_val=2, inplace=True)"


def test_the_bounds_must_leave_room() -> None:
    with pytest.raises(ValueError, match="min_val must be less than max_val"):
        Hardtanh(1.0, 1.0)
