"""Parts of the experiments on clipping that their own claims would not catch if they were wrong."""

import numpy as np
import pytest

import tinygrad_stab as torch
from demos.clipping import clip_norm_vs_value, clipping_accelerates
from demos.experiment import default_dtype
from tinygrad_stab import nn


@pytest.fixture(autouse=True)
def double():
    torch.manual_seed(0)
    with default_dtype(torch.float64):
        yield


def test_clipping_by_value_cuts_the_share_that_its_name_says_and_by_tensor_evens_out_the_norms():
    setup = clip_norm_vs_value.Setup(cut=(10.0, 50.0))
    g = torch.cat([torch.zeros(100), torch.randn(500)])  # zeros cannot be cut
    ways = clip_norm_vs_value.ways(g.numpy(), setup)
    left = {}
    for way, clip in ways.items():
        parameters = [nn.Parameter(torch.zeros(300)), nn.Parameter(torch.zeros(300))]
        for p, part in zip(parameters, (g[:300], g[300:])):
            p.grad = part
        clip(parameters)
        left[way] = [p.grad.numpy() for p in parameters]
    for percent in (10, 50, 100):
        cut = np.concatenate(left[f"by value, {percent} % cut"]) != g.numpy()
        assert cut.sum() / 500 == pytest.approx(percent / 100, abs=0.005)
    first, second = (np.linalg.norm(part) for part in left["by tensor"])
    assert first == pytest.approx(second, rel=1e-12)
    assert np.linalg.norm(np.concatenate(left["by norm"])) == pytest.approx(g.norm().item() / 2, rel=1e-12)


def test_descent_stops_where_the_slope_is_small_and_no_step_is_longer_than_the_clip():
    setup = clipping_accelerates.Setup(tolerance=0.01)
    path = clipping_accelerates.descend(5.0, lr=0.3, clip=0.5, setup=setup)
    assert np.abs(np.diff(path)).max() == pytest.approx(0.5, rel=1e-12)
    assert path[0] == 5
    assert path[-1] ** 3 < 0.01 < path[-2] ** 3
    slope, curvature = clipping_accelerates.bends(path)
    np.testing.assert_allclose(slope, path**3, rtol=1e-12)
    np.testing.assert_allclose(curvature, 3 * path**2, rtol=1e-12)
