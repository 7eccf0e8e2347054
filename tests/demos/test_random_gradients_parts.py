"""The law that `random_gradients` compares with."""

import numpy as np
import pytest

from demos.initialization.random_gradients import log_factor


def test_mean_and_variance_of_the_logarithm_are_those_of_drawn_factors():
    rng, n = np.random.default_rng(0), 6
    k = rng.binomial(n, 0.5, 200_000)
    drawn = np.log(2 / n * rng.chisquare(k[k > 0]))
    mean, variance = log_factor(n)
    assert drawn.mean() == pytest.approx(mean, rel=0.02)
    assert drawn.var() == pytest.approx(variance, rel=0.02)


def test_limit_of_wide_nets():
    mean, variance = log_factor(500)
    assert (500 * mean, 500 * variance) == pytest.approx((-2.5, 5), rel=0.02)


def test_numbers_of_the_docstring():
    """For L/n = 1 and 4 ln ‖g‖ has these deviations, and for 4 this median."""
    assert np.exp(np.sqrt(5 * np.array([1, 4])) / 2) == pytest.approx([3.1, 9.4], abs=0.05)
    assert -2.5 * 4 / 2 == -5
