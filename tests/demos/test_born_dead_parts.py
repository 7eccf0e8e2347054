"""The law and the homogeneity that `born_dead` rests on."""

import numpy as np
import pytest

import tinygrad_stab as torch
from demos.experiment import default_dtype
from demos.initialization import born_dead


def test_the_probabilities_that_the_docstring_names():
    assert born_dead.predicted(2, 10) == pytest.approx(0.94, abs=0.005)
    assert born_dead.predicted(8, 50) == pytest.approx(0.18, abs=0.005)
    p = 2.0**-64  # 1 − p is 1 in floating point, so: P = 50 p − …
    assert 50 * p == pytest.approx(3e-18, rel=0.1)


def test_two_inputs_stand_for_the_whole_line():
    """A net without biases is silent on the whole line if and only if it is for x = 1 and for x = −1."""
    setup = born_dead.Setup(depth=4, nets=500)
    with default_dtype(torch.float64):
        torch.manual_seed(3)
        _, every, _ = born_dead.measure(2, setup)
        torch.manual_seed(3)
        h = torch.linspace(-2, 2, 41).reshape(1, 41)
        for _ in range(setup.depth):
            h = (torch.randn(setup.nets, 2, h.shape[-2]) @ h).relu()
    dead = (h.numpy() == 0).all(axis=(1, 2))
    assert every[-1] == dead.mean()
    assert 0.2 < dead.mean() < 0.8
    assert np.all(np.diff(every) >= 0)
