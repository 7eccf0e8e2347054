"""Parts of the experiments on normalization that their own claims would not catch if they were wrong."""

import numpy as np
import pytest

import tinygrad_stab as torch
from demos.digits import load_digits
from demos.experiment import default_dtype
from demos.normalization import bn_scale_invariance, bn_smooths_the_loss, bn_vs_ln_batch_size
from demos.residual import shattered_gradients
from tinygrad_stab import nn


@pytest.fixture(autouse=True)
def double():
    torch.manual_seed(0)
    with default_dtype(torch.float64):
        yield


def test_nets_differ_in_nothing_but_a_factor_on_the_weights_before_batchnorm():
    setup = bn_scale_invariance.Setup(depth=2, width=5)
    one, ten = (dict(bn_scale_invariance.network(0, a, setup).named_parameters()) for a in (1.0, 10.0))
    for name, p in one.items():
        factor = 10 if name in ("0.weight", "3.weight") else 1
        np.testing.assert_allclose(ten[name].detach(), factor * p.detach(), rtol=1e-14, err_msg=name)


def test_loss_and_gradient_are_those_at_the_given_parameters():
    setup = bn_smooths_the_loss.Setup(depth=3, width=8)
    data = load_digits(0)
    model = bn_smooths_the_loss.network("BatchNorm", data.pixels, setup)
    batch = data.x_train[:20], data.y_train[:20]
    θ = nn.utils.parameters_to_vector(model.parameters()).detach()
    d = torch.randn_like(θ)
    d = d / d.norm()
    _, g = bn_smooths_the_loss.loss_and_gradient(model, θ, *batch)
    above, below = (bn_smooths_the_loss.loss_and_gradient(model, θ + h * d, *batch)[0] for h in (1e-6, -1e-6))
    assert (above - below) / 2e-6 == pytest.approx((g * d).sum().item(), rel=1e-5)


def test_smaller_batches_take_more_and_smaller_steps(monkeypatch):
    seen = []
    monkeypatch.setattr(bn_vs_ln_batch_size, "train", lambda model, data, **how: seen.append(how))
    for batch in (2, 8, 32):
        bn_vs_ln_batch_size.learn(0, "no norm", batch, bn_vs_ln_batch_size.Setup())
    assert [how["batch"] for how in seen] == [2, 8, 32]
    assert [how["lr"] for how in seen] == pytest.approx([0.015, 0.03, 0.06])
    assert [how["steps"] for how in seen] == [480, 240, 120]


def test_fixed_statistics_standardize_and_let_no_gradient_through():
    h = (3 + 2 * torch.randn(50, 4)).requires_grad_()
    y = shattered_gradients.normalize(h)
    np.testing.assert_allclose(y.detach().numpy().mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(y.detach().numpy().std(0, ddof=1), 1, rtol=1e-12)
    (g,) = torch.autograd.grad(y, [h], torch.ones_like(y))
    np.testing.assert_allclose(g.numpy() * h.detach().numpy().std(0, ddof=1), 1, rtol=1e-12)


def test_autocorrelation_of_a_wave_is_a_cosine():
    wave = 2**0.5 * np.sin(2 * np.pi * np.arange(4096) / 16)
    found = shattered_gradients.autocorrelation(wave, lags=9)
    np.testing.assert_allclose(found, np.cos(2 * np.pi * np.arange(9) / 16), atol=0.01)


def test_with_a_skip_the_overlap_falls_as_the_power_that_the_docstring_names():
    setup = shattered_gradients.Setup(samples=10**9)  # c = 0
    near, far = (shattered_gradients.law("BatchNorm, skip", L, setup) for L in (2000, 8000))
    assert np.log(far / near) / np.log(4) == pytest.approx(-0.73, abs=0.01)
