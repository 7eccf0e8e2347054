"""Gains: what calculate_gain answers, and what each value does, by quadrature over a normal distribution."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from tinygrad_stab.nn import functional as F
from tinygrad_stab.nn import init

GAINS = {
    ("linear", None): 1,
    ("conv2d", None): 1,
    ("conv_transpose2d", None): 1,
    ("sigmoid", None): 1,
    ("tanh", None): 5 / 3,
    ("relu", None): math.sqrt(2),
    ("leaky_relu", None): math.sqrt(2 / (1 + 0.01**2)),
    ("leaky_relu", 0.2): math.sqrt(2 / 1.04),
    ("leaky_relu", 1): 1,
    ("selu", None): 3 / 4,
}


@pytest.mark.parametrize(("nonlinearity", "slope"), GAINS)
def test_gains(lib: Any, nonlinearity: str, slope: float | None) -> None:
    assert lib.nn.init.calculate_gain(nonlinearity, slope) == pytest.approx(
        GAINS[nonlinearity, slope], rel=1e-15
    )


EXACT = {"relu": (F.relu, None), "leaky_relu": (lambda z: F.leaky_relu(z, 0.3), 0.3), "elu": (F.elu, None)}


@pytest.mark.parametrize("nonlinearity", EXACT)
def test_exact_gains_keep_the_second_moment(normal_mean: Callable, nonlinearity: str) -> None:
    """gain² E φ(u)² = 1 for standard normal u."""
    phi, slope = EXACT[nonlinearity]
    gain = init.calculate_gain(nonlinearity, slope)
    assert gain**2 * normal_mean(lambda u: phi(u) ** 2) == pytest.approx(1, abs=1e-4)


def test_tanh_s_gain_keeps_tanh_layers_from_shrinking(normal_mean: Callable) -> None:
    """The variance of z goes q ← gain² E tanh(√q u)²: with gain 5/3 it settles at 1.18, with gain 1 at 0."""

    def settled(gain: float) -> float:
        q = 1.0
        for _ in range(100):
            q = gain**2 * normal_mean(lambda u, q=q: F.tanh(u * q**0.5) ** 2)
        return q

    assert settled(init.calculate_gain("tanh")) == pytest.approx(1.178, abs=1e-3)
    assert settled(1.0) < 0.01


def test_selu_normalizes_itself_with_gain_1_not_with_pytorch_s_compromise(normal_mean: Callable) -> None:
    second_moment = normal_mean(lambda u: F.selu(u) ** 2)
    assert second_moment == pytest.approx(1, abs=1e-7)
    assert init.calculate_gain("selu") ** 2 * second_moment < 0.6


def test_an_unknown_nonlinearity_is_refused(lib: Any) -> None:
    with pytest.raises(ValueError, match="Unsupported nonlinearity swish"):
        lib.nn.init.calculate_gain("swish")


@pytest.mark.parametrize("slope", ["steep", True])
def test_a_slope_must_be_a_number(lib: Any, slope: Any) -> None:
    with pytest.raises(ValueError, match=r"negative_slope .* not a valid number"):
        lib.nn.init.calculate_gain("leaky_relu", slope)
