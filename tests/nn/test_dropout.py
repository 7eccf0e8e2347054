"""Dropout: what is dropped, what is kept, and that the gradient passes the same mask."""

from typing import Any

import numpy as np
import pytest

import tinygrad_stab
from tinygrad_stab.nn.dropout import Dropout, dropout


def test_what_is_kept_is_divided_by_the_share_that_is_kept() -> None:
    y = dropout(tinygrad_stab.ones(200, 500), p=0.2).numpy()
    assert set(np.unique(y)) == {0, np.float32(1.25)}
    assert np.mean(y == 0) == pytest.approx(0.2, abs=0.006)  # five standard deviations of 10⁵ draws


def test_the_mean_stays_and_the_mean_square_grows() -> None:
    y = dropout(tinygrad_stab.ones(100_000), p=0.75).numpy()
    assert np.mean(y) == pytest.approx(1, abs=0.03)
    assert np.mean(y**2) == pytest.approx(1 / 0.25, abs=0.12)


def test_the_gradient_passes_the_same_mask() -> None:
    x = tinygrad_stab.randn(50, requires_grad=True)
    y = Dropout(0.3)(x)
    g = tinygrad_stab.randn(50)
    y.backward(g)
    np.testing.assert_array_equal(x.grad == 0, y == 0)
    kept = (y != 0).numpy()
    np.testing.assert_allclose(x.grad.numpy()[kept], g.numpy()[kept] / 0.7, rtol=1e-6)


def test_every_call_draws_anew_and_the_seed_decides() -> None:
    x, layer = tinygrad_stab.ones(100), Dropout()
    tinygrad_stab.manual_seed(1)
    first, second = layer(x).tolist(), layer(x).tolist()
    tinygrad_stab.manual_seed(1)
    assert first != second
    assert layer(x).tolist() == first


def test_in_evaluation_or_with_p_0_nothing_happens() -> None:
    x = tinygrad_stab.randn(10)
    assert Dropout(0.5).eval()(x) is x
    assert Dropout(0.0)(x) is x
    assert dropout(x, 0.9, training=False) is x


def test_with_p_1_nothing_is_kept_and_no_gradient_passes() -> None:
    x = tinygrad_stab.randn(10, requires_grad=True)
    y = Dropout(1.0)(x)
    y.sum().backward()
    assert y.tolist() == x.grad.tolist() == [0] * 10


def test_the_dtype_stays() -> None:
    for dtype in (np.float32, np.float64):
        x = tinygrad_stab.ones(10, dtype=dtype, requires_grad=True)
        y = Dropout(0.3)(x)
        y.sum().backward()
        assert y.dtype == x.grad.dtype == dtype


@pytest.mark.parametrize("p", [-0.1, 1.1])
def test_p_is_a_probability(p: float) -> None:
    for make in (lambda: Dropout(p), lambda: dropout(tinygrad_stab.ones(1), p)):
        with pytest.raises(ValueError, match="dropout probability has to be between 0 and 1, but got"):
            make()


def test_repr() -> None:
    assert repr(Dropout()) == "Dropout(p=0.5, inplace=False)"
    assert repr(Dropout(0.1, inplace=True)) == "Dropout(p=0.1, inplace=True)"


def test_as_in_pytorch_but_for_the_numbers_drawn() -> None:
    torch: Any = pytest.importorskip("torch", reason="PyTorch is not installed")
    x = np.linspace(1, 2, 1000)
    for p in (0.0, 0.25, 1.0):
        ours = Dropout(p)(tinygrad_stab.tensor(x)).numpy()
        theirs = torch.nn.Dropout(p)(torch.tensor(x)).numpy()
        both = (ours != 0) & (theirs != 0)
        np.testing.assert_allclose(ours[both], theirs[both], rtol=1e-12)
        assert repr(Dropout(p)) == repr(torch.nn.Dropout(p))
