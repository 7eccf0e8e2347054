"""Parts of the experiments on training that their own claims would not catch if they were wrong."""

import numpy as np
import pytest

import tinygrad_stab as torch
from demos.digits import load_digits
from demos.dynamics import update_to_data_ratio, warmup, weight_decay
from demos.experiment import default_dtype
from demos.normalization import feature_scaling
from tinygrad_stab import nn


@pytest.fixture(autouse=True)
def double():
    torch.manual_seed(0)
    with default_dtype(torch.float64):
        yield


def test_curvature_is_the_largest_eigenvalue_of_the_hessian():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3))
    x, y = torch.randn(20, 3), torch.randint(0, 3, (20,))
    start = nn.utils.parameters_to_vector(model.parameters()).detach()
    columns, h = [], 1e-5
    for k in range(len(start)):  # the Hessian, by differences of gradients
        gradients = []
        for sign in (1, -1):
            moved = start.numpy().copy()
            moved[k] += sign * h
            nn.utils.vector_to_parameters(torch.tensor(moved), model.parameters())
            loss = nn.functional.cross_entropy(model(x), y)
            found = torch.autograd.grad(loss, list(model.parameters()))
            gradients.append(nn.utils.parameters_to_vector(found).numpy())
        columns.append((gradients[0] - gradients[1]) / (2 * h))
    nn.utils.vector_to_parameters(start, model.parameters())
    largest = np.abs(np.linalg.eigvalsh(np.array(columns))).max()
    assert warmup.curvature(model, x, y, rounds=200) == pytest.approx(largest, rel=1e-5)


def test_warm_up_begins_with_a_step_that_is_not_zero_and_ends_at_the_full_rate():
    setup = warmup.Setup(warm_up=4, steps=6)
    *_, curved = warmup.train_one(0, "plain", "warm-up", setup)
    *_, at_once = warmup.train_one(0, "plain", "at once", setup)
    assert at_once[0] > 0
    assert curved[0] == pytest.approx(at_once[0] / 4, rel=1e-12)
    assert warmup.steps_to(np.array([3.0, 2.0, 0.0, 0.0]), 1.5) == 3  # the means are 3, 2.5, 1.67, 1.25


def test_where_a_falling_loss_reaches_the_goal_is_interpolated_on_a_logarithmic_axis():
    losses, lr = np.array([2.0, 1.5, 0.5, 0.7]), np.array([1e-3, 1e-2, 1e-1, 1.0])
    assert update_to_data_ratio.where(losses, lr) == pytest.approx(10**-1.5, rel=1e-12)
    assert np.isnan(update_to_data_ratio.where(losses + 2, lr))


def test_pixels_in_unequal_units_and_standardized_ones():
    data = load_digits(0)
    unequal = feature_scaling.unequal(data, decades=2.0)
    factors = np.log10((unequal.x_test / data.x_test).numpy())
    assert factors.std(axis=0).max() < 1e-10, "one factor a pixel, for all images"
    assert -2 < factors.min() < -1.7
    assert 1.7 < factors.max() < 2
    standardized = feature_scaling.standardized(unequal).x_train.numpy()
    same = np.ptp(data.x_train.numpy(), axis=0) == 0
    assert same.any()
    assert np.abs(standardized.mean(axis=0)).max() < 1e-10
    assert standardized.std(axis=0, ddof=1) == pytest.approx(np.where(same, 0, 1), abs=1e-10)


def test_decay_shortens_the_weights_and_the_gradient_adds_to_them_at_a_right_angle():
    setup = weight_decay.Setup(steps=2, lr=0.1)
    norms, by_pythagoras, turns = weight_decay.train_one(2.0, 0.5, setup)
    assert by_pythagoras == pytest.approx(norms, rel=1e-12)
    assert norms[1] == pytest.approx(norms[0] * (0.95**2 + turns[0] ** 2) ** 0.5, rel=1e-12)
