"""What `rank_collapse` averages, and the law of the angle that its docstring names."""

import math

import numpy as np
import pytest

from demos.normalization.rank_collapse import mean_over_pairs, same_minus_other


def test_an_image_is_no_pair_with_itself():
    matrices = np.array([[[1, 0.5, 0.1], [0.5, 1, 0.3], [0.1, 0.3, 1]]])
    assert mean_over_pairs(matrices, np.ones((3, 3), bool)) == pytest.approx([0.3])
    assert same_minus_other(matrices, np.array([4, 4, 7])) == pytest.approx([0.5 - 0.2])


def test_the_angle_falls_as_3_pi_over_l():
    layers, θ = 10_000, math.pi / 2
    for _ in range(layers):
        c = (math.sin(θ) + (math.pi - θ) * math.cos(θ)) / math.pi
        θ = math.acos(c)
    assert θ * layers == pytest.approx(3 * math.pi, rel=0.01)
