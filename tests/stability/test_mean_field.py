"""The prediction for a given model: the formulas of the theory, applied to its own weights."""

import math

import numpy as np
import pytest

import tinygrad_stab as torch
from tinygrad_stab import nn
from tinygrad_stab.stability import theory

F = nn.functional


def test_gains_follow_the_length_map_and_chi(mlp):
    net = mlp(5, 64, nn.Tanh, weight_var=1.5)
    with torch.no_grad():
        for layer in net[::2]:
            nn.init.normal_(layer.bias, std=0.3)
    square = 0.7
    for row, layer in zip(theory.predict(net, q0=0.7), net[::2]):
        weight_var = float(np.mean(layer.weight.array.astype(float) ** 2)) * 64
        bias_var = float(np.mean(layer.bias.array.astype(float) ** 2))
        activation = "linear" if row.layer == "10" else "tanh"
        q = weight_var * square + bias_var
        after = theory.length_map(activation, q, 1.0)
        assert row.weight_var == pytest.approx(weight_var)
        assert row.q == pytest.approx(q)
        assert row.forward == pytest.approx(math.sqrt(after / square))
        assert row.backward == pytest.approx(math.sqrt(theory.chi(activation, weight_var, q=q)))
        assert row.backward == pytest.approx(row.weights * row.slope)
        square = after


@pytest.mark.parametrize(
    ("norm", "rate"),
    [(nn.BatchNorm1d, theory.batchnorm_gradient_rate), (nn.LayerNorm, theory.layernorm_gradient_rate)],
)
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_with_normalization_the_gain_is_its_rate_whatever_the_weights(mlp, norm, rate, activation):
    kind = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}[activation]
    for weight_var in (0.5, 4.0):
        rows = theory.predict(mlp(4, 64, kind, weight_var, norm))
        for row in rows[1:4]:
            assert row.backward == pytest.approx(math.sqrt(rate(activation)), rel=1e-3)  # ε is not 0


def test_gamma_scales_signal_and_gradient(mlp):
    net = mlp(2, 32, nn.ReLU, norm=nn.LayerNorm)
    plain = theory.predict(net)
    with torch.no_grad():
        net[1].weight.fill_(3.0)
    scaled = theory.predict(net)
    assert scaled[0].forward == pytest.approx(3 * plain[0].forward)
    assert scaled[0].backward == pytest.approx(3 * plain[0].backward)


def test_the_product_of_the_gains_is_the_gradient_at_the_input(mlp):
    report = theory.predict(mlp(8, 64, nn.Sigmoid, weight_var=1.0))
    assert report.total == pytest.approx(math.prod(row.backward for row in report))
    assert f"{report.total:.3g}" in str(report)
    assert report.total < 1e-4


class Functional(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 2)
        self.act = nn.Tanh()

    def forward(self, x):
        return self.c(self.act(self.b(F.tanh(self.a(x)))))


def test_it_does_not_matter_how_the_model_is_written():
    net = Functional()
    same = nn.Sequential(net.a, nn.Tanh(), net.b, nn.Tanh(), net.c)
    assert [row.backward for row in theory.predict(net)] == [row.backward for row in theory.predict(same)]


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 2)

    def forward(self, x):
        return self.c(x + self.b(F.relu(self.a(x))))


def test_what_theory_does_not_cover_is_none():
    report = theory.predict(Residual())
    assert report[0].backward is not None
    assert [row.backward for row in report[1:]] == [None, None]
    assert report[1].weights == pytest.approx(math.sqrt(report[1].weight_var))
    assert report.total is None
    assert "–" in str(report)
    softmax = theory.predict(nn.Sequential(nn.Linear(4, 4), nn.Softmax(dim=1), nn.Linear(4, 4)))
    assert [row.backward for row in softmax] == [None, None]


def test_the_product_is_told_only_of_a_chain():
    net = nn.Sequential(*[nn.Linear(4, 4) for _ in range(3)])
    for forward in (
        lambda x: net[0](x) + net[1](x),
        lambda x: (net[0](x), net[1](x)),
        lambda x: x + F.relu(net[1](F.relu(net[0](x)))),
        lambda x: (h := F.relu(net[0](x))) + net[1](h),
    ):
        net.forward = forward
        report = theory.predict(net)
        assert report[0].weights is not None
        assert report.total is None
    net.forward = lambda x: net[1](F.relu(net[0](x)))
    assert theory.predict(net).total is not None


def test_q0_is_that_of_the_input_and_of_nothing_computed_from_it():
    assert theory.predict(nn.Sequential(nn.Linear(4, 4)), q0=9.0)[0].q is not None
    assert theory.predict(nn.Sequential(nn.Flatten(), nn.Linear(4, 4)), q0=9.0)[0].q is not None
    assert theory.predict(nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 4)), q0=9.0)[0].q is None


def test_formulas_are_predicted_as_the_modules_that_they_are():
    a, b = nn.Linear(8, 8), nn.Linear(8, 8)
    by_module, by_hand = nn.Sequential(a, nn.SiLU(), b), nn.Sequential(a, b)
    by_hand.forward = lambda x: b((z := a(x)) * torch.sigmoid(z))
    for row, other in zip(theory.predict(by_module), theory.predict(by_hand)):
        assert row.backward == pytest.approx(other.backward)
        assert row.forward == pytest.approx(other.forward)


def test_a_signal_that_overflows_is_not_a_crash(mlp):
    net = mlp(20, 8, nn.ReLU)
    with torch.no_grad():
        for layer in net[::2]:
            layer.weight.mul_(1e10)
    report = theory.predict(net.double())
    assert report[0].backward > 1e9
    assert report[-1].backward is None


def test_the_model_stays_as_it_was(mlp, snapshot):
    net = mlp(2, 8, norm=nn.BatchNorm1d).eval()
    before = snapshot(net)
    theory.predict(net)
    assert snapshot(net) == before


@pytest.mark.parametrize("q0", [0, -1, math.inf, math.nan])
def test_a_bad_q0_is_refused(q0):
    with pytest.raises(ValueError, match="mean square"):
        theory.predict(nn.Linear(2, 2), q0)


def test_a_model_without_a_linear_layer_is_refused():
    with pytest.raises(ValueError, match="knows no input"):
        theory.predict(nn.RNN(2, 3))
    with pytest.raises(ValueError, match=r"does not take an input of shape \(16, 5\)"):
        theory.predict(nn.Sequential(nn.LayerNorm(3), nn.Linear(5, 5)))
