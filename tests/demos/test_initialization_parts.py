"""What the claims of the experiments in `demos/initialization` would not catch."""

import numpy as np
import pytest

from demos.initialization import order_and_chaos
from tinygrad_stab.stability import theory


def test_mean_correlation_pairs_the_two_halves():
    z = np.eye(2 * order_and_chaos.PAIRS)
    assert order_and_chaos.mean_correlation(z) == 0
    z[order_and_chaos.PAIRS :] = -3 * z[: order_and_chaos.PAIRS]
    assert order_and_chaos.mean_correlation(z) == pytest.approx(-1)


def test_on_the_edge_χ_is_1_and_q_is_a_fixed_point():
    q = np.array([0.1, 0.5, 1.0])
    for q_, σ_w, bias_var in zip(q, *order_and_chaos.edge(q)):
        assert theory.chi("tanh", σ_w**2, q=q_) == pytest.approx(1)
        assert theory.length_map("tanh", q_, σ_w**2, bias_var) == pytest.approx(q_)
        assert theory.critical_weight_var("tanh", bias_var) == pytest.approx(σ_w**2, rel=1e-3)
