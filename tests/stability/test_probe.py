"""The probe against backpropagation by hand, against theory, and on models that are not simple."""

import math

import numpy as np
import pytest

import tinygrad_stab as torch
from tinygrad_stab import nn
from tinygrad_stab.nn.convolution import Conv2d
from tinygrad_stab.nn.stateless import Flatten
from tinygrad_stab.stability import probe
from tinygrad_stab.stability.probe import measured_signal
from tinygrad_stab.stability.trace import Trace

F = nn.functional


def test_every_number_of_a_small_net_by_hand():
    net = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).double()
    x, y = torch.randn(5, 4, dtype=torch.float64), torch.randn(5, 3, dtype=torch.float64)
    report = probe(net, x, y, nn.MSELoss())
    W1, b1, W2, b2 = (p.array for p in net.parameters())
    h = np.tanh(x.array @ W1.T + b1)
    out = h @ W2.T + b2
    g_out = 2 * (out - y.array) / out.size
    g_h = g_out @ W2
    delta = g_h * (1 - h**2)
    norm = np.linalg.norm
    first, last = report
    assert report.loss == pytest.approx(np.mean((out - y.array) ** 2))
    assert (first.mean, first.std) == pytest.approx((h.mean(), h.std()))
    assert (last.mean, last.std) == pytest.approx((out.mean(), out.std()))
    assert (first.backward, last.backward) == pytest.approx((norm(g_h), norm(g_out)))
    assert (first.weight, last.weight) == pytest.approx((norm(W1), norm(W2)))
    assert (first.weight_grad, last.weight_grad) == pytest.approx(
        (norm(delta.T @ x.array), norm(g_out.T @ h))
    )
    assert (first.slope_gain, last.slope_gain) == pytest.approx((norm(delta) / norm(g_h), 1))
    assert first.weights_gain == pytest.approx(norm(delta @ W1) / norm(delta))
    assert last.weights_gain == last.gain == pytest.approx(norm(g_h) / norm(g_out))
    assert first.gain == pytest.approx(first.weights_gain * first.slope_gain)


@pytest.mark.parametrize("kind", [nn.ReLU, nn.Tanh, nn.Sigmoid, nn.ELU])
@pytest.mark.parametrize("weight_var", [1 / 3, 2.0])
def test_measured_gains_are_those_predicted(mlp, kind, weight_var):
    report = probe(mlp(12, 256, kind, weight_var), torch.randn(128, 256))
    ratios = [math.log(row.gain / row.predicted) for row in report[2:-1]]
    assert abs(np.mean(ratios)) < 0.03
    assert np.max(np.abs(ratios)) < 0.15


@pytest.mark.parametrize("norm", [nn.BatchNorm1d, nn.LayerNorm])
@pytest.mark.parametrize("kind", [nn.ReLU, nn.Sigmoid])
def test_measured_gains_with_normalization(mlp, norm, kind):
    report = probe(mlp(12, 256, kind, 1.0, norm), torch.randn(256, 256))
    assert abs(np.mean([math.log(row.gain / row.predicted) for row in report[2:-1]])) < 0.03


@pytest.mark.parametrize("norm", [nn.BatchNorm1d, nn.LayerNorm])
def test_a_normalization_may_follow_the_activation(norm):
    modules = [module for _ in range(8) for module in (nn.Linear(256, 256), nn.ReLU(), norm(256))]
    report = probe(nn.Sequential(*modules, nn.Linear(256, 10)), torch.randn(256, 256))
    assert abs(np.mean([math.log(row.gain / row.predicted) for row in report[1:-1]])) < 0.03


def test_the_overlap_of_the_input_is_that_of_all_pairs_of_samples():
    x = torch.randn(5, 3, dtype=torch.float64) + 2
    products = x.array @ x.array.T / 3
    with Trace(nn.Linear(3, 2).double()) as trace:
        trace.model(x)
    square, overlap, _ = measured_signal(trace.calls[0])
    assert square == pytest.approx(np.trace(products) / 5)
    assert overlap == pytest.approx((products.sum() - np.trace(products)) / 20)


def test_weight_gradients_are_flat_where_the_gradient_vanishes(mlp):
    """Without biases ⟨W, ∂L/∂W⟩ is the same for all layers of a ReLU net, however fast ∂L/∂h falls."""
    net = mlp(10, 64, nn.ReLU, 1 / 3, bias=False).double()
    x = torch.randn(100, 64, dtype=torch.float64)
    report = probe(net, x)
    hidden = report[1:-1]
    assert hidden[0].backward < 0.01 * hidden[-1].backward
    assert max(r.weight_grad for r in hidden) < 2 * min(r.weight_grad for r in hidden)


@pytest.mark.parametrize(("sigma_w", "share"), [(2, 0.1509), (3, 0.4047), (5, 0.6456)])
def test_the_saturated_share_of_tanh(mlp, sigma_w, share):
    """In a wide net |tanh z| > 0.97 has the probability 1 − erf(atanh 0.97 / √(2 q*))."""
    report = probe(mlp(6, 400, nn.Tanh, float(sigma_w) ** 2), torch.randn(200, 400))
    assert report[5].saturated == pytest.approx(share, abs=0.02)
    assert report[6].saturated is None  # no activation


def test_saturated_and_zero_are_two_things():
    def shares(activation, z):
        net = nn.Sequential(nn.Linear(1, 1, bias=False), activation)
        with torch.no_grad():
            net[0].weight.fill_(1.0)
        (row,) = probe(net, np.array(z, dtype=np.float32).reshape(-1, 1))
        return row.saturated, row.zero

    assert shares(nn.Sigmoid(), [-5, -4, 0, 4, 5]) == (0.4, 0)  # σ(4) = 0.982 is not within 0.015 of 1
    assert shares(nn.ReLU(), [-5, -1, 0, 5]) == (0, 0.75)
    assert shares(nn.LeakyReLU(0.01), [-500, 5]) == (0, 0)
    assert shares(nn.ELU(), [-5, -1, 5, 500]) == (0.25, 0)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([nn.Linear(16, 16) for _ in range(4)])
        self.top = nn.Linear(16, 3)

    def forward(self, x):
        for block in self.blocks:
            x = x + F.relu(block(x))
        return self.top(x)


class Nothing(nn.Linear):
    def forward(self, x):
        return {"shape": x.shape}


def test_in_a_residual_net_the_gain_is_that_of_the_branch():
    net = Residual()
    report = probe(net, torch.randn(32, 16))
    assert len(report) == 5
    for row, block in zip(report, net.blocks):
        assert 0.1 < row.weights_gain < np.linalg.norm(block.weight.array, 2)


def test_a_shared_layer_has_a_row_for_every_call():
    layer = nn.Linear(4, 4)
    report = probe(nn.Sequential(layer, nn.Tanh(), layer, nn.Tanh(), layer), torch.randn(8, 4))
    assert [row.layer for row in report] == ["0", "0 #2", "0 #3"]
    assert len({row.weight_grad for row in report}) == 1  # the weights are the same
    assert len({row.backward for row in report}) == 3


def test_a_recurrent_layer_is_measured_but_not_predicted():
    (row,) = probe(nn.LSTM(4, 5), torch.randn(7, 2, 4))
    assert row.backward > 0
    assert row.weight_grad > 0
    assert row.predicted is None


def test_a_convolution_is_a_layer_of_shared_weights():
    net = nn.Sequential(Conv2d(8, 32, 3), nn.ReLU(), Flatten(), nn.Linear(32 * 16, 4))
    nn.init.kaiming_normal_(net[0].weight)
    conv, linear = probe(net, torch.randn(64, 8, 6, 6))
    assert conv.slope_gain == pytest.approx(math.sqrt(0.5), rel=0.05)
    assert conv.gain == pytest.approx(conv.predicted, rel=0.1)
    assert linear.gain == pytest.approx(linear.predicted, rel=0.1)


def test_the_default_losses():
    net = nn.Sequential(nn.Linear(4, 3))
    x, classes, values = torch.randn(5, 4), torch.tensor([0, 1, 2, 0, 1]), torch.randn(5, 3)
    assert probe(net, x, classes).loss == pytest.approx(F.cross_entropy(net(x), classes).item())
    assert probe(net, x, values).loss == pytest.approx(F.mse_loss(net(x), values).item())
    assert probe(net, x, loss_fn=lambda out: (out**2).sum()).loss == pytest.approx((net(x) ** 2).sum().item())
    assert probe(net, x).to_rows() == probe(net, x).to_rows()  # the random direction is the same each time


def test_frozen_parameters_have_no_gradient_but_the_signal_passes(mlp):
    net = mlp(2, 8)
    net[0].requires_grad_(False)
    report = probe(net, torch.randn(4, 8))
    assert report[0].weight_grad is None
    assert report[0].backward > 0
    assert report[1].weight_grad > 0


def test_the_model_stays_as_it_was(mlp, snapshot):
    net = mlp(2, 8, norm=nn.BatchNorm1d)
    net(torch.randn(4, 8)).sum().backward()
    before = snapshot(net)
    torch.manual_seed(5)
    probe(net, torch.randn(4, 8))
    assert snapshot(net) == before
    after = torch.randn(1).item()
    torch.manual_seed(5)
    torch.randn(4, 8)
    assert torch.randn(1).item() == after


def test_it_works_inside_no_grad(mlp):
    with torch.no_grad():
        assert probe(mlp(2, 8), torch.randn(4, 8))[0].backward > 0


def test_gradients_too_small_and_too_large_to_be_squared(mlp):
    for scale in (1e-200, 1e200):
        report = probe(
            mlp(3, 8).double(), torch.randn(4, 8, dtype=torch.float64), loss_fn=lambda y, s=scale: y.sum() * s
        )
        assert report[0].gain == pytest.approx(1, rel=0.7)
        assert 1e-3 < report[0].backward / scale < 1e3


def test_a_value_that_is_not_finite_is_a_finding(mlp):
    net, x = mlp(3, 8), torch.randn(4, 8)
    x[2, 5] = math.nan
    report = probe(net, x, torch.tensor([0, 1, 2, 3]))
    assert math.isnan(report.loss)
    assert any("1 values of the input, the first at index (2, 5)" in note for note in report.notes)
    assert probe(net, torch.randn(4, 8)).notes == []
    with torch.no_grad():
        net[2].weight[0, 0] = math.inf
    notes = probe(net, torch.randn(4, 8)).notes
    assert any("the output of layer 2, and 2 layers after it" in note for note in notes)


def test_half_precision_costs_the_table_no_digits():
    net = nn.Sequential(nn.Linear(1, 1, bias=False)).to(torch.float16)
    nn.init.ones_(net[0].weight)
    x = np.linspace(-400, 400, 3001, dtype=np.float16).reshape(-1, 1)  # squares beyond 65504
    (row,) = probe(net, x, loss_fn=lambda y: (y * 1e-3).sum())
    assert row.std == pytest.approx(x.astype(float).std(), rel=1e-3)
    assert row.backward == pytest.approx(1e-3 * math.sqrt(3001), rel=1e-3)


def test_hooks_of_the_model_see_the_model_alone(mlp):
    net, seen = mlp(2, 8, nn.Tanh), []
    net[1].register_forward_hook(lambda module, inputs, output: seen.append(tuple(output.shape)))
    probe(net, torch.randn(4, 8))
    assert seen == [(4, 8)]


def test_what_the_next_layer_receives_alone_is_told(mlp):
    assert probe(mlp(3, 8), torch.randn(4, 8)).in_a_row == [True] * 3
    assert probe(Residual(), torch.randn(4, 16)).in_a_row == [False] * 4
    net = mlp(2, 8)
    net.forward = lambda x: net[2](h := net[0](x)) + net[4](h)[:, :8]
    assert probe(net, torch.randn(4, 8)).in_a_row == [False] * 2


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: probe(nn.Sequential(nn.ReLU()), torch.ones(2, 2)), ValueError, "no parameters"),
        (
            lambda: probe(nn.Linear(2, 2), torch.ones(3, 2), loss_fn=lambda y: y),
            ValueError,
            r"shape \(3, 2\)",
        ),
        (lambda: probe(nn.Linear(2, 2), torch.ones(3, 2), loss_fn=lambda y: 1.0), ValueError, "got float"),
        (lambda: probe(nn.Linear(2, 2), torch.ones(3, 5)), RuntimeError, "takes 2 features"),
        (lambda: probe(nn.Linear(2, 2), torch.ones(0, 2)), ValueError, r"no samples, its shape is \(0, 2\)"),
        (lambda: probe(nn.RNN(2, 2), torch.ones(3, 1, 2), torch.ones(1)), ValueError, "returns a tuple"),
        (lambda: probe(Nothing(2, 2), torch.ones(3, 2)), ValueError, "returns no tensor"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
