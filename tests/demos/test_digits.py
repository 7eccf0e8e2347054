"""The data and the training loop."""

import numpy as np
import pytest

import tinygrad_stab as torch
from demos.digits import load_digits
from demos.experiment import default_dtype
from demos.training import accuracy, minibatches, smooth, train
from tinygrad_stab import nn


@pytest.mark.parametrize(("name", "images", "pixels"), [("digits", 1797, 64), ("mnist", 10_000, 784)])
def test_split_is_complete_standardized_and_has_every_digit(name, images, pixels):
    data = load_digits(0, name)
    assert len(data.y_train) + len(data.y_test) == images
    assert data.pixels == pixels
    assert data.x_train.dtype == torch.float32
    assert data.x_train.mean().item() == pytest.approx(0, abs=1e-4)
    assert (data.x_train**2).mean().item() == pytest.approx(1, rel=1e-4)
    assert set(data.y_test.tolist()) == set(range(10))


def test_split_depends_on_the_seed_alone():
    with default_dtype(torch.float64):
        first, again, other = load_digits(1), load_digits(1), load_digits(2)
    assert first.x_test.dtype == torch.float64
    assert (first.x_test == again.x_test).all()
    assert first.y_test.tolist() != other.y_test.tolist()


def test_unknown_data_set_is_refused():
    with pytest.raises(ValueError, match="there is no data set 'cifar': choose one of digits, mnist"):
        load_digits(0, "cifar")


def test_minibatches_use_every_image_before_any_twice():
    data = load_digits(0)
    torch.manual_seed(0)
    n = len(data.y_train)
    rows = [row for x, _ in minibatches(data, 32, n // 32) for row in map(bytes, np.asarray(x))]
    assert len(set(rows)) > 0.99 * len(rows)  # a few images of the set may be equal
    assert [len(y) for _, y in minibatches(data, 500, 5)] == [500] * 5


def test_a_linear_model_learns_the_digits():
    torch.manual_seed(0)
    data = load_digits(0)
    model = nn.Linear(64, 10)
    losses = train(model, data, lr=0.1, steps=200)
    assert len(losses) == 200
    assert np.mean(losses[-20:]) < 0.5 < 1.8 < losses[0]
    assert accuracy(model, data.x_test, data.y_test) > 0.85


def test_clipping_bounds_every_step():
    torch.manual_seed(0)
    data, model = load_digits(0), nn.Linear(64, 10)
    before = np.concatenate([p.detach().numpy().ravel() for p in model.parameters()])
    train(model, data, lr=0.1, steps=5, clip=0.01)
    after = np.concatenate([p.detach().numpy().ravel() for p in model.parameters()])
    assert 0 < np.linalg.norm(after - before) <= 5 * 0.1 * 0.01 * (1 + 1e-3)


def test_smooth_averages_the_last_values():
    assert smooth([4.0, 2.0, 0.0, 6.0], 2).tolist() == [4.0, 3.0, 1.0, 3.0]
