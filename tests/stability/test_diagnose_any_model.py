"""A diagnosis is the same however a model is written, and tells nothing that it does not know."""

import numpy as np
import pytest
from zoo import data

import tinygrad_stab as torch
from tinygrad_stab import nn
from tinygrad_stab.nn import functional as F
from tinygrad_stab.stability.diagnose import diagnose
from tinygrad_stab.stability.findings.examination import examine, weight_var
from tinygrad_stab.stability.theory import predict
from tinygrad_stab.stability.trace import Trace
from tinygrad_stab.stability.unchanged import unchanged


class Between(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(20, 32), nn.Linear(32, 32), nn.Linear(32, 5)
        self.function = function

    def forward(self, x):
        return self.c(self.function(self.b(self.function(self.a(x)))))


@pytest.mark.parametrize(
    "function",
    [F.relu, lambda z: F.dropout(F.relu(z), 0.2), lambda z: np.maximum(z, 0), lambda z: F.relu(z) * 1.0,
     lambda z: F.relu(z) + 0.1, lambda z: F.relu(z).clamp(max=6), lambda z: z * torch.sigmoid(z)],
)  # fmt: skip
def test_dead_units_are_found_however_the_activation_is_written(function):
    torch.manual_seed(0)
    model = Between(function)
    for layer in (model.a, model.b):
        nn.init.constant_(layer.bias, -50.0)
    assert diagnose(model, *data(64, 0)).pathologies == ["dead units"]


def test_a_bias_before_batchnorm_as_a_function_is_found_and_a_recurrent_bias_is_none():
    torch.manual_seed(0)
    model = Between(lambda z: F.relu(F.batch_norm(z, None, None, training=True)))
    (finding,) = diagnose(model, *data(64, 0))
    assert (finding.pathology, finding.where) == ("bias before BatchNorm", "model.a, model.b")
    rnn = nn.Sequential(nn.RNNCell(20, 32), nn.BatchNorm1d(32), nn.Linear(32, 5))
    assert diagnose(rnn, *data(64, 0)).healthy


class Blocks(nn.Module):
    """x + φ(W x), many times."""

    def __init__(self, φ, scale):
        super().__init__()
        self.blocks = nn.ModuleList([nn.Linear(20, 20) for _ in range(40)])
        self.top, self.φ = nn.Linear(20, 5), φ
        for block in self.blocks:
            nn.init.normal_(block.weight, std=scale / 20**0.5)

    def forward(self, x):
        for block in self.blocks:
            x = x + self.φ(block(x))
        return self.top(x)


def test_a_residual_sum_is_a_cause_whatever_ends_the_branch():
    torch.manual_seed(0)
    for φ, fix in ((F.relu, "# in forward(): divide every branch"), (lambda z: 0.9 * z, "for name in [")):
        (finding,) = [f for f in diagnose(Blocks(φ, 1.0), *data(64, 0)) if f.pathology == "exploding"]
        assert finding.cause.startswith("residual sums")
        assert finding.fix.startswith(fix)
        assert "theory" not in finding.evidence  # it knows of chains only


def test_what_is_not_known_is_not_told_as_a_factor_of_one():
    torch.manual_seed(0)
    cells = nn.Sequential(nn.Linear(20, 8), *[nn.RNNCell(8, 8) for _ in range(12)], nn.Linear(8, 5))
    for cell in cells[1:-1]:
        nn.init.normal_(cell.weight_ih, std=0.1)
    (finding,) = diagnose(cells, *data(64, 0))
    assert finding.pathology == "vanishing"
    assert finding.cause == "every layer multiplies what comes back by a factor that is too small"


class Transposed(nn.Module):
    """x W + b, with W (in, out), under the names that Linear has."""

    def __init__(self, n, m):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(n, m)), nn.Parameter(torch.zeros(m))

    def forward(self, x):
        return x @ self.weight + self.bias


def test_fan_in_is_the_number_of_inputs_however_the_weight_lies():
    torch.manual_seed(0)
    layer = Transposed(20, 5)
    with Trace(layer) as trace:
        layer(data(8, 0)[0])
    assert weight_var(trace.calls[0]) == pytest.approx(20 * np.mean(layer.weight.array**2))
    row, *_ = predict(nn.Sequential(nn.Linear(20, 20), layer))[1:]
    assert row.weight_var == pytest.approx(20 * np.mean(layer.weight.array**2))


def test_what_is_no_product_has_no_variance_of_weights():
    torch.manual_seed(0)
    rnn = nn.RNNCell(20, 5)
    x, _ = data(64, 0)
    (finding,) = diagnose(rnn, x, torch.tensor(0.05 * x.array[:, :5]), F.mse_loss)
    assert (finding.pathology, finding.where) == ("loss above chance", "model")
    assert "σ_w² = –" in finding.cause
    exec(finding.fix, {"model": rnn, "nn": nn})


def test_units_of_a_shared_layer_are_dead_only_if_no_call_wakes_them():
    torch.manual_seed(0)
    layer, top = nn.Linear(20, 20), nn.Linear(20, 5)
    nn.init.constant_(layer.bias, -9.0)
    net = nn.Sequential(layer, top)
    net.forward = lambda x: top(F.relu(layer(x)) + F.relu(layer(20 * x)))
    assert "dead units" not in diagnose(net, *data(64, 0)).pathologies
    net.forward = lambda x: top(F.relu(layer(x)) + F.relu(layer(2 * x)))
    assert diagnose(net, *data(64, 0)).pathologies == ["dead units"]


def test_the_output_of_another_head_is_no_hidden_layer():
    torch.manual_seed(0)
    net = nn.Sequential(*[nn.Linear(20, 20) for _ in range(3)])
    nn.init.normal_(net[1].weight, std=1e-4)
    net.forward = lambda x: (net[1](F.relu(net[0](x))), net[2](x))
    with unchanged(net):
        examination = examine(net, data(64, 0)[0], None, lambda out: out[0].sum() + out[1].sum(), None)
    assert [call.name for call, _ in examination.hidden] == ["0"]


def test_a_gradient_of_zero_is_a_factor_of_zero():
    torch.manual_seed(0)
    model = Between(torch.tanh)
    for layer in (model.a, model.b):
        nn.init.constant_(layer.bias, 50.0)
    (finding,) = diagnose(model, *data(64, 0))
    assert finding.pathology == "saturation"
    assert "the gradient's norm changes by 0 a layer" in finding.evidence
