"""Death is told apart from sparsity, and each cause of it has its case."""

from pathlib import Path

import numpy as np
import pytest

import tinygrad_stab as torch
from tinygrad_stab import nn
from tinygrad_stab.nn.convolution import Conv2d
from tinygrad_stab.stability import dead_units
from tinygrad_stab.utils.data import DataLoader, TensorDataset

F = nn.functional
DIGITS = Path(__file__).parents[2] / "demos" / "data" / "digits.npz"


def layer_with(weights, biases):
    layer = nn.Linear(len(weights[0]), len(weights))
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(weights))
        layer.bias.copy_(torch.tensor(biases))
    return layer


def units_of(report, layer):
    return [unit for unit in report if unit.layer == layer]


@pytest.fixture(scope="module")
def digits():
    data = np.load(DIGITS)
    x = data["x"].reshape(len(data["y"]), -1).astype(np.float32)
    return torch.tensor((x - x.mean()) / x.std()), torch.tensor(data["y"].astype(int))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_healthy_net_is_half_zeros_and_hardly_dead(mlp, digits, seed):
    """A share of zeros of 20 %, which is often called dead, would condemn every healthy ReLU net."""
    torch.manual_seed(seed)
    x, y = digits
    net = mlp(3, 64)
    before = dead_units(net, x)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for k in range(150):
        batch = np.random.default_rng(k).integers(len(y), size=32)
        loss = nn.functional.cross_entropy(net(x[batch]), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for report in (before, dead_units(net, x)):
        for share in report.zeros.values():
            assert 0.35 < share < 0.6
        assert sum(unit.state == "dead" for unit in report) < 0.06 * len(report)


def test_the_share_of_samples_is_exact():
    x = torch.tensor(np.arange(-500.0, 500.0, dtype=np.float32).reshape(-1, 1))  # 499 positive values
    net = nn.Sequential(layer_with([[1.0]] * 4, [0.0, -400.0, -495.0, -600.0]), nn.ReLU())
    units = dead_units(net, x).rows
    assert [unit.fires for unit in units] == pytest.approx([0.499, 0.099, 0.004, 0])
    assert [unit.state for unit in units] == ["healthy", "sparse", "nearly dead", "dead"]


def test_the_causes_of_death():
    x = torch.rand(200, 2) + 0.1  # all positive
    first = layer_with([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]], [-9.0, 0.5, -9.0])
    units = dead_units(nn.Sequential(first, nn.ReLU(), nn.Linear(3, 1)), x).rows
    assert [unit.cause for unit in units] == ["bias", None, "bias"]
    first = layer_with([[1.0, 1.0], [-1.0, -1.0]], [0.0, -0.1])
    assert [unit.cause for unit in dead_units(nn.Sequential(first, nn.ReLU()), x)] == [None, "weights"]
    silent = layer_with([[-1.0, -1.0]], [0.0])
    above = layer_with([[1.0], [1.0]], [-1.0, 1.0])
    report = dead_units(nn.Sequential(silent, nn.ReLU(), above, nn.ReLU()), x)
    assert [unit.cause for unit in units_of(report, "2")] == ["input", None]


def test_who_can_be_revived():
    x = torch.rand(200, 2) + 0.1
    alive = layer_with([[1.0, 1.0], [1.0, 0.5]], [0.0, 0.0])
    above = layer_with([[1.0, -9.0], [-1.0, -1.0], [1.0, 1.0]], [0.0, -1.0, 0.0])
    report = dead_units(nn.Sequential(alive, nn.ReLU(), above, nn.ReLU(), nn.Linear(3, 1)), x)
    can, cannot, healthy = units_of(report, "2")
    assert (can.state, can.revivable) == ("dead", True)  # a change below may bring it back
    assert (cannot.state, cannot.revivable) == ("dead", False)  # no input ≥ 0 makes it positive
    assert (healthy.state, healthy.revivable) == ("healthy", None)
    first = units_of(dead_units(nn.Sequential(layer_with([[1.0, 1.0]], [-9.0]), nn.ReLU()), x), "0")
    assert first[0].revivable is False  # nothing below it is learned
    dead_layer = layer_with([[1.0, -9.0], [1.0, -9.0]], [0.0, 0.0])
    report = dead_units(nn.Sequential(alive, nn.ReLU(), dead_layer, nn.ReLU(), nn.Linear(2, 1)), x)
    assert [unit.revivable for unit in units_of(report, "2")] == [False, False]  # no gradient gets below


def test_a_sigmoid_that_is_dead_for_large_inputs_can_be_revived_by_small_ones():
    below, above = layer_with([[1.0], [1.0]], [0.0, 0.0]), layer_with([[-99.0, 0.0], [0.0, 1.0]], [0.0, 0.0])
    net = nn.Sequential(below, nn.ReLU(), above, nn.Sigmoid(), nn.Linear(2, 1))
    unit = units_of(dead_units(net, torch.rand(50, 1) + 1), "2")[0]
    assert (unit.state, unit.revivable) == ("dead", True)


def test_the_bias_of_a_normalization_is_the_bias_that_counts():
    net = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.ReLU())
    x = torch.randn(300, 4)
    net(x)
    with torch.no_grad():
        net[1].bias.copy_(torch.tensor([-50.0, 0.0, 0.0]))
    assert [unit.cause for unit in dead_units(net, x)] == ["bias", None, None]


def test_a_small_slope_is_not_death_but_a_vanished_one_is():
    x = torch.randn(100, 1)
    for activation, state in [(nn.LeakyReLU(0.01), "healthy"), (nn.ELU(), "dead"), (nn.Sigmoid(), "dead")]:
        net = nn.Sequential(layer_with([[1.0]], [-50.0]), activation)
        assert dead_units(net, x)[0].state == state


def test_the_units_of_a_convolution_are_its_channels():
    net = nn.Sequential(Conv2d(1, 3, 3), nn.ReLU())
    with torch.no_grad():
        net[0].bias.copy_(torch.tensor([0.0, -99.0, 0.0]))
    report = dead_units(net, torch.randn(20, 1, 5, 5))
    assert [unit.state == "dead" for unit in report] == [False, True, False]


def test_batches_give_what_the_whole_gives(mlp):
    net, x = mlp(2, 16), torch.randn(1100, 16)
    whole = dead_units(net, x).to_rows()
    assert dead_units(net, DataLoader(TensorDataset(x), batch_size=64)).to_rows() == whole
    assert dead_units(net, [x[:700], x[700:].numpy()]).to_rows() == whole
    assert dead_units(net, x.numpy()).to_rows() == whole


class Functional(nn.Module):
    """A layer, a function, and a layer."""

    def __init__(self, function):
        super().__init__()
        self.a, self.b, self.function = nn.Linear(4, 8), nn.Linear(8, 2), function

    def forward(self, x):
        return self.b(self.function(self.a(x)))


@pytest.mark.parametrize(
    "function",
    [lambda z: F.relu(z).clamp(max=6), lambda z: F.relu(z).tanh(), lambda z: -F.relu(z),
     lambda z: F.dropout(F.relu(z) * 1.0, 0.2), lambda z: np.maximum(z, 0), lambda z: F.relu(z / 8**0.5)],
)  # fmt: skip
def test_zeros_and_deaths_are_those_of_the_whole_formula(function):
    net, x = Functional(function), torch.randn(300, 4)
    with torch.no_grad():
        net.a.bias[:3] = -99.0
    report = dead_units(net, x)
    assert report.zeros["a"] == pytest.approx(np.mean(F.relu(net.a(x)).array == 0))
    assert [unit.state == "dead" for unit in units_of(report, "a")] == [True] * 3 + [False] * 5
    assert [unit.cause for unit in units_of(report, "a")[:3]] == ["bias"] * 3


def test_a_unit_above_the_lid_for_all_samples_is_dead_too():
    net = Functional(lambda z: F.relu(z).clamp(max=6))
    with torch.no_grad():
        net.a.bias[0] = 99.0
    assert dead_units(net, torch.randn(300, 4))[0].state == "dead"


def test_a_unit_that_fires_in_one_of_several_calls_is_not_dead():
    layer = layer_with([[1.0], [1.0]], [0.0, -5.0])
    net = nn.Sequential(layer)
    net.forward = lambda x: F.relu(layer(x)) + F.relu(layer(10 * x))
    report = dead_units(net, torch.rand(100, 1) + 0.1)
    assert [(unit.layer, unit.state) for unit in report] == [("0", "healthy"), ("0", "healthy")]
    assert report[1].fires < 0.4  # it never does in the first call
    net.forward = lambda x: F.relu(layer(x)) + layer(x)  # what the second call lets through is not known
    with pytest.raises(ValueError, match="no activation to look at"):
        dead_units(net, torch.rand(100, 1))


def test_a_cause_that_nobody_knows_is_not_told():
    net = nn.Sequential(layer_with([[1.0]], [-50.0]), nn.Dropout(0.5), nn.ReLU())
    assert dead_units(net, torch.randn(50, 1))[0].cause == "bias"  # in evaluation dropout does nothing
    net[1] = nn.Softmax(dim=1)  # of one number it is 1
    net[2] = nn.Hardtanh(-1, 0.5)
    report = dead_units(net, torch.randn(50, 1))
    assert (report[0].state, report[0].cause) == ("dead", None)
    assert report.printed_rows()[0].causes == "–"


def test_units_are_told_by_what_the_layer_returns():
    net = nn.Sequential(Conv2d(1, 3, 3), nn.Flatten(), nn.ReLU())
    with torch.no_grad():
        net[0].bias.copy_(torch.tensor([0.0, -99.0, 0.0]))
    report = dead_units(net, torch.randn(20, 1, 5, 5))
    assert [unit.cause for unit in report] == [None, "bias", None]


def test_the_share_of_all_zeros_counts_outputs_and_not_layers():
    wide, narrow = layer_with([[0.0]] * 9, [1.0] * 9), layer_with([[0.0] * 9], [-1.0])
    report = dead_units(nn.Sequential(wide, nn.ReLU(), narrow, nn.ReLU()), torch.randn(50, 1))
    assert "and 10% of the outputs are 0" in report.notes[0]


def test_every_output_sends_a_gradient():
    net = nn.Sequential(nn.Linear(1, 1), layer_with([[1.0]], [0.0]), layer_with([[1.0], [1.0]], [0.0, -9.0]))
    net.forward = lambda x: (net[0](x), F.relu(net[2](F.relu(net[1](x)))))
    dead = units_of(dead_units(net, torch.rand(50, 1)), "2")[1]
    assert (dead.state, dead.revivable) == ("dead", True)


def test_the_printed_table_counts_the_units(mlp):
    net = mlp(2, 16)
    with torch.no_grad():
        net[0].bias[:5] = -99.0
    report = dead_units(net, torch.randn(400, 16))
    count = report.printed_rows()[0]
    assert (count.units, count.dead, count.causes, count.revivable) == (16, 5, "bias 5", 0)
    assert count.dead + count.nearly_dead + count.sparse + count.healthy == 16
    assert "bias 5" in str(report)
    assert len(report.to_rows()) == 32


def test_the_model_stays_as_it_was(mlp, snapshot):
    net = mlp(2, 8, norm=nn.BatchNorm1d)
    before = snapshot(net)
    dead_units(net, torch.randn(40, 8))
    assert snapshot(net) == before


def test_values_that_are_not_finite_are_a_finding(mlp):
    x = torch.randn(40, 8)
    x[3, 3] = np.nan
    assert "8 pre-activations" in dead_units(mlp(1, 8), x).notes[-1]


@pytest.mark.parametrize("data", [[], torch.randn(0, 8)])
def test_no_data_is_refused(mlp, data):
    with pytest.raises(ValueError, match="are there data"):
        dead_units(mlp(1, 8), data)


def test_a_model_without_activations_is_refused():
    with pytest.raises(ValueError, match="no activation to look at"):
        dead_units(nn.Linear(8, 8), torch.randn(4, 8))
