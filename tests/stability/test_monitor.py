"""The monitor: the probe's numbers, step after step, bounded memory, and alarms that mean something."""

import csv
import math
import weakref

import numpy as np
import pytest

import tinygrad_stab as torch
from tinygrad_stab import nn
from tinygrad_stab.stability import GradientMonitor, GradientWarning, Limits, probe
from tinygrad_stab.stability.history import History

F = nn.functional


def train(net, steps, lr=0.05, every=1, scale=1.0, loss_of=None, **options):
    """Train on a task that can be learned: which of ten fixed directions an input is nearest to."""
    options.setdefault("on_warning", None)
    width = next(net.parameters()).shape[1]
    directions = np.random.default_rng(1).standard_normal((width, 10))
    optimizer = torch.optim.SGD(net.parameters(), lr=lr / scale)
    monitor = GradientMonitor(net, every, **options)
    with monitor:
        for k in range(steps):
            x = np.random.default_rng(k).standard_normal((64, width))
            y = torch.tensor((x @ directions).argmax(1))
            loss = F.cross_entropy(net(torch.tensor(x, dtype=torch.float32)), y) * scale
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            monitor.step(loss if loss_of is None else loss_of(k, loss))
    return monitor


def test_a_step_records_what_the_probe_sees(mlp):
    net, x, y = mlp(3, 8, nn.Tanh), torch.randn(16, 8), torch.randint(10, (16,))
    expected = probe(net, x, y)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with GradientMonitor(net, on_warning=None) as monitor:
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        monitor.step(loss)
    (record,) = monitor.records
    assert record.loss == pytest.approx(expected.loss)
    for row, probed, layer, update in zip(record.layers, expected, net[::2], record.updates):
        assert row.layer == probed.layer
        for name in ("mean", "std", "zero", "backward", "weight_grad", "slope_gain"):
            assert getattr(row, name) == pytest.approx(getattr(probed, name), rel=1e-5), name
        assert update == pytest.approx(0.1 * layer.weight.grad.norm().item() / probed.weight, rel=1e-3)
    total = math.sqrt(sum(p.grad.norm().item() ** 2 for p in net.parameters()))
    assert record.total_norm == pytest.approx(total, rel=1e-5)


def test_every_so_many_steps(mlp):
    monitor = train(mlp(2, 8), 25, every=10)
    assert [record.step for record in monitor.records] == [0, 10, 20]
    assert monitor.steps == 25


@pytest.mark.parametrize("steps", [1, 7, 8, 9, 100, 1000])
def test_a_history_is_bounded_even_and_keeps_the_first(steps):
    history = History(8)
    for k in range(steps):
        history.add(k)
    kept = list(history)
    assert len(kept) <= 8
    assert kept[0] == 0
    assert set(np.diff(kept)) <= {history.stride}
    assert kept[-1] >= steps - history.stride
    assert len(kept) >= min(steps, 4)


def test_memory_is_bounded_however_long_the_run(mlp):
    monitor = train(mlp(1, 4), 200, max_records=10)
    assert len(monitor.records) <= 10
    assert len(monitor.to_rows()) == len(monitor.records) * 2
    assert monitor.records[len(monitor.records) - 1].step >= 180


def test_the_graph_of_a_step_is_not_kept(mlp):
    net, kept = mlp(2, 8), []
    train(net, 2, loss_of=lambda k, loss: kept.append(weakref.ref(loss)) or loss)
    assert kept[0]() is None


def test_it_removes_every_hook_even_after_an_error(mlp, snapshot):
    net = mlp(2, 8, norm=nn.BatchNorm1d)
    before = snapshot(net)
    with pytest.raises(KeyError), GradientMonitor(net):
        raise KeyError
    assert snapshot(net) == before


def test_it_does_not_change_the_training(mlp):
    torch.manual_seed(1)
    watched, plain = mlp(2, 8, norm=nn.BatchNorm1d), mlp(2, 8, norm=nn.BatchNorm1d)
    plain.load_state_dict(watched.state_dict())
    train(watched, 5)
    train(plain, 5, every=1000)
    for a, b in zip(watched.parameters(), plain.parameters()):
        np.testing.assert_array_equal(a.array, b.array)


def test_a_validation_pass_in_between_does_no_harm(mlp):
    net = mlp(2, 8)
    with GradientMonitor(net, on_warning=None) as monitor:
        net(torch.randn(4, 8)).sum().backward()
        with torch.no_grad():
            net(torch.randn(50, 8))
        monitor.step()
    assert monitor.records[0].layers[0].backward > 0


# --- alarms -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("kind", [nn.ReLU, nn.Tanh])
@pytest.mark.parametrize(("depth", "width"), [(2, 16), (6, 64)])
def test_a_healthy_net_raises_no_alarm_whatever_the_loss_scale(mlp, kind, depth, width, scale):
    weight_var = 2.0 if kind is nn.ReLU else 1.0
    assert train(mlp(depth, width, kind, weight_var), 30, lr=0.02, scale=scale).alarms.raised == {}


SICK = {
    "vanishing": dict(net=dict(depth=12, activation=nn.Sigmoid, weight_var=1.0)),
    "exploding": dict(net=dict(depth=14, activation=nn.ReLU, weight_var=16.0), lr=1e-20),
    "fast": dict(net=dict(depth=3), lr=3.0),
    "slow": dict(net=dict(depth=3), lr=1e-8),
    "still": dict(net=dict(depth=3), lr=0.0),
    "not finite": dict(net=dict(depth=8, weight_var=50.0), lr=10.0),
}


@pytest.mark.parametrize("scale", [1e-3, 1e3])
@pytest.mark.parametrize("kind", SICK)
def test_each_alarm_has_its_case_whatever_the_loss_scale(mlp, kind, scale):
    case = SICK[kind]
    with np.errstate(all="ignore"):
        monitor = train(mlp(width=32, **case["net"]), 8, lr=case.get("lr", 0.02), scale=scale)
    assert kind in monitor.alarms.raised


def test_a_spike_is_relative_to_what_is_usual(mlp):
    net = mlp(2, 16)
    with GradientMonitor(net, on_warning=None) as monitor:
        for k in range(12):
            net.zero_grad()
            (net(torch.ones(4, 16)).sum() * (100.0 if k == 9 else 1.0)).backward()
            monitor.step()
    alarm = monitor.alarms.raised["spike"]
    assert (alarm.step, alarm.times) == (9, 1)
    assert "100 times" in alarm.message


def test_a_gradient_that_is_exactly_zero(mlp):
    net = mlp(2, 8)
    with torch.no_grad():
        net[0].bias.fill_(-1e3)
        net[4].weight.zero_()
    with GradientMonitor(net, on_warning=None) as monitor:
        (net(torch.ones(4, 8)) * 0).sum().backward()
        monitor.step()
    assert "zero" in monitor.alarms.raised


def test_absolute_limits_are_off_unless_asked_for(mlp):
    assert train(mlp(2, 16), 3, scale=1e6).alarms.raised == {}
    assert "above" in train(mlp(2, 16), 3, scale=1e6, warn_above=100).alarms.raised
    assert "below" in train(mlp(2, 16), 3, scale=1e-9, warn_below=1e-6).alarms.raised


def test_limits_are_configurable(mlp):
    assert "fast" in train(mlp(2, 16), 2, limits=Limits(fast=1e-5)).alarms.raised


def test_warnings_are_given_once_each_as_they_happen(mlp):
    said = []
    monitor = train(mlp(12, 16, nn.Sigmoid, 1.0), 5, on_warning=said.append)
    assert len(said) == len(monitor.alarms.raised) == 1
    assert said[0].startswith("step 0: ‖∂L/∂h‖ falls from")
    assert monitor.alarms.raised["vanishing"].times == 5


def test_gradients_that_are_gone_already_are_not_called_zero(mlp):
    net = mlp(1, 4)
    with GradientMonitor(net, on_warning=None) as monitor:
        net(torch.randn(4, 4)).sum().backward()
        net.zero_grad()
        monitor.step()
    assert "has zero_grad() come before monitor.step()?" in monitor.alarms.raised["no gradient"].message
    assert monitor.records[0].total_norm is None


def test_by_default_they_are_python_warnings(mlp):
    net = mlp(12, 16, nn.Sigmoid, 1.0)
    with GradientMonitor(net) as monitor:
        net(torch.randn(4, 16)).sum().backward()
        torch.optim.SGD(net.parameters(), lr=1e-3).step()
        with pytest.warns(GradientWarning, match="falls from") as caught:
            monitor.step()
    assert caught[0].filename == __file__


# --- what it gives back -----------------------------------------------------------------------------------


def test_rows_and_csv(mlp, tmp_path):
    monitor = train(mlp(2, 8), 4, every=2)
    rows = monitor.to_rows()
    assert len(rows) == 2 * 3
    assert {"step", "loss", "total_norm", "layer", "backward", "weight_grad", "update"} <= rows[0].keys()
    monitor.to_csv(tmp_path / "run.csv")
    with open(tmp_path / "run.csv", newline="", encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    assert [float(row["backward"]) for row in read] == [row["backward"] for row in rows]


def test_the_report_sums_up_the_run(mlp):
    monitor = train(mlp(2, 16), 40)
    report = monitor.report()
    norms = [record.layers[1].backward for record in monitor.records]
    updates = [record.updates[1] for record in monitor.records]
    assert report[1].backward_first == norms[0]
    assert report[1].backward_last == norms[-1]
    assert report[1].backward_median == pytest.approx(np.median(norms))
    assert report[1].update == pytest.approx(np.median(updates))
    assert "40 records of 40 steps" in report.notes[-1]


def test_the_overhead_is_measured(mlp):
    rarely, always = train(mlp(4, 64), 60, every=30), train(mlp(4, 64), 60)
    assert 0 < rarely.overhead < always.overhead < 1


def test_a_report_of_nothing(mlp):
    assert "Nothing recorded" in str(GradientMonitor(mlp(1, 4)).report())


# --- bad use ----------------------------------------------------------------------------------------------


def test_bad_use_is_named(mlp):
    net = mlp(1, 4)
    with pytest.raises(ValueError, match="1 or more"):
        GradientMonitor(net, every=0)
    with pytest.raises(ValueError, match="2 records or more"):
        GradientMonitor(net, max_records=1)
    with pytest.raises(ValueError, match="no parameters"):
        GradientMonitor(nn.ReLU())
    with GradientMonitor(net) as monitor, pytest.raises(RuntimeError, match="computed nothing"):
        monitor.step()
