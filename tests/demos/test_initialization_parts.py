"""What the claims of the experiments in `demos/initialization` would not catch."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from demos.experiment import load
from demos.initialization import order_and_chaos
from tinygrad_stab.stability import theory


def test_mean_correlation_pairs_the_two_halves():
    z = np.eye(2 * order_and_chaos.PAIRS)
    assert order_and_chaos.mean_correlation(z) == 0
    z[order_and_chaos.PAIRS :] = -3 * z[: order_and_chaos.PAIRS]
    assert order_and_chaos.mean_correlation(z) == pytest.approx(-1)


def test_each_point_that_is_followed_through_the_layers_has_a_look_of_its_own():
    experiment = load("order_and_chaos")
    setup = experiment.setup(seeds=(0,), depth=6, width=8)
    figure = experiment.module.draw(setup, experiment.run(setup).data)
    _, slope, correlation = figure.axes
    looks = [(line.get_color(), line.get_marker()) for line in slope.lines if len(line.get_xdata()) == 1]
    followed = [look for look in looks if look[0] != "gray"]
    curves = [(line.get_color(), line.get_marker()) for line in correlation.lines if line.get_marker()]
    assert len(looks) == len(setup.weight_std)
    assert followed == [look for look in curves if look[1] != "None"]
    assert len(set(followed)) == len(followed) == 3
    plt.close(figure)


def test_on_the_edge_χ_is_1_and_q_is_a_fixed_point():
    q = np.array([0.1, 0.5, 1.0])
    for q_, σ_w, bias_var in zip(q, *order_and_chaos.edge(q)):
        assert theory.chi("tanh", σ_w**2, q=q_) == pytest.approx(1)
        assert theory.length_map("tanh", q_, σ_w**2, bias_var) == pytest.approx(q_)
        assert theory.critical_weight_var("tanh", bias_var) == pytest.approx(σ_w**2, rel=1e-3)
