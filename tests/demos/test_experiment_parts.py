"""Parts of experiments that their own claims would not catch if they were wrong."""

from types import SimpleNamespace

import numpy as np
import pytest

import tinygrad_stab as torch
from demos.digits import load_digits
from demos.dynamics import _pathologies, fix_matrix
from demos.experiment import default_dtype, load
from demos.initialization import dynamical_isometry
from demos.matrix import Cell
from demos.normalization import bn_without_stability
from demos.recurrence import latch_task
from demos.residual import hundred_layers
from tinygrad_stab import nn


@pytest.fixture(autouse=True)
def double():
    torch.manual_seed(0)
    with default_dtype(torch.float64):
        yield


def test_singular_values_are_those_of_the_product():
    setup, drawn = dynamical_isometry.Setup(depth=3, width=5), []

    def draw_weights(weight):
        drawn.append(nn.init.xavier_normal_(weight).numpy().copy())
        return weight

    found = dynamical_isometry.singular_values(lambda z: z, draw_weights, setup)
    product = drawn[2] @ drawn[1] @ drawn[0]
    assert found == pytest.approx(np.linalg.svd(product, compute_uv=False), rel=1e-12)


def test_shaken_units_are_moved_and_stretched_by_so_much_and_anew():
    shaken = bn_without_stability.Shaken(shift=1.0, stretch=0.5)
    x = torch.stack([torch.zeros(5000), torch.ones(5000)])
    shift = shaken(x).numpy()[0]
    moved = shaken(x).numpy()
    stretch = np.log(moved[1] - moved[0])
    for noise, limit in ((shift, 1.0), (stretch, 0.5)):
        assert np.abs(noise).max() <= limit
        assert noise.std() == pytest.approx(limit / 3**0.5, rel=0.05)
        assert noise.mean() == pytest.approx(0, abs=0.05 * limit)
    assert not np.allclose(moved[0], shift)


def test_a_block_with_branch_0_starts_as_the_identity_and_a_plain_one_has_no_skip():
    setup = hundred_layers.Setup()
    x = torch.randn(4, setup.width)
    assert (hundred_layers.Block("branch 0", setup)(x) == x).all()
    plain = hundred_layers.Block("plain", setup)
    nn.init.zeros_(plain.second.weight)
    assert (plain(x) == 0).all()


def test_mean_cosine():
    rows = torch.tensor([[2.0, 0.0], [0.0, 3.0], [1.0, 1.0]])
    assert hundred_layers.mean_cosine(rows) == pytest.approx(2 * 0.5**0.5 / 3, rel=1e-12)


def test_sequences_hold_the_class_in_their_first_step_alone():
    setup = latch_task.Setup(batch=2000)
    x, classes = latch_task.sequences(7, setup)
    x, signs = x.numpy()[:, :, 0], 2 * classes.numpy() - 1
    assert (x[0] == signs).all()
    assert x[1:].std() == pytest.approx(setup.noise, rel=0.05)
    assert abs(np.corrcoef(x[1:].sum(0), signs)[0, 1]) < 0.1
    assert set(signs) == {-1, 1}


def test_a_net_that_has_learned_stops_and_no_accuracy_is_made_up_for_the_steps_that_it_did_not_make():
    setup = latch_task.Setup(steps=40)
    found = latch_task.learn(0, 4, 3.0, setup)
    made = np.isfinite(found)
    assert 10 <= made.sum() < setup.steps
    assert made[: made.sum()].all()
    assert found[made][-10:].mean() == 1 == latch_task.in_the_end(found)


def test_the_matrix_has_names_medians_and_nan_where_the_net_diverges():
    experiment = load("fix_matrix")
    result = experiment.run(experiment.setup(fix=("none", "BN"), steps=3))
    matrix = result.data["matrix"]
    assert matrix.fixes == ["none", "BN"]
    assert list(matrix.rows) == list(fix_matrix.PATHOLOGIES)
    none, normed = matrix.rows["exploding, ReLU"]
    assert np.isnan(none.accuracy)
    assert 0 < normed.accuracy < 1
    assert {claim.verdict for claim in result.claims} == {"open"}
    assert all("skip" not in claim.what for claim in result.claims), "a claim about a fix that was left out"


def test_a_cell_is_the_median_and_marked_if_a_smaller_rate_is_better():
    assert fix_matrix.shown(np.array([[0.2, 0.5], [0.9, 0.6], [0.3, 0.4]])) == Cell(0.5, "*")
    assert fix_matrix.shown(np.array([[0.2, 0.1]])) == Cell(0.2)
    assert np.isnan(fix_matrix.shown(np.array([[0.0, 0.0], [0.0, 0.0], [0.9, 0.0]])).accuracy)


@pytest.mark.parametrize("name", [*_pathologies.PATHOLOGIES, *_pathologies.FIXES])
def test_a_pathology_or_fix_sets_nothing_that_a_net_does_not_have(name):
    assert set((_pathologies.PATHOLOGIES | _pathologies.FIXES)[name]) <= set(_pathologies.NET)


def sick_net(pathology, fix):
    rows = _pathologies.NET, _pathologies.PATHOLOGIES[pathology], _pathologies.FIXES[fix]
    return SimpleNamespace(**{name: value for row in rows for name, value in row.items()})


def test_features_get_units_of_their_own_and_lose_them_when_standardized():
    raw = load_digits(0)
    scaled, standardized = (
        _pathologies.features(0, sick_net("unscaled features", fix), "digits") for fix in ("none", "std. X")
    )
    seen = raw.x_train.numpy().std(0) > 1e-9
    units = scaled.x_train.numpy()[:, seen] / raw.x_train.numpy()[:, seen]
    assert np.allclose(units, units[0])
    assert 10**-2.5 < units.min() < 0.1 < 10 < units.max() < 10**2.5
    assert np.abs(standardized.x_train.numpy().mean(0)).max() < 1e-9
    assert standardized.x_train.numpy().std(0)[seen] == pytest.approx(1, abs=1e-3)
    assert np.abs(standardized.x_test.numpy()).max() < 100


def test_the_init_fix_draws_the_weights_that_the_activation_needs():
    first, *_ = _pathologies.network(sick_net("vanishing, sigmoid", "init"), pixels=500, width=400)
    assert first.linear.weight.detach().numpy().var() == pytest.approx(16 / 500, rel=0.05)
