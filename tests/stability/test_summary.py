"""The summary counts every parameter once and changes nothing."""

import pytest

import tinygrad_stab as torch
from tinygrad_stab import nn
from tinygrad_stab.stability import summary


def test_layers_shapes_and_parameters():
    net = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10, bias=False), nn.Softmax(dim=1))
    report = summary(net, (1, 64))
    assert [(row.layer, row.kind, row.output, row.parameters) for row in report] == [
        ("0", "Linear", (1, 128), 64 * 128 + 128),
        ("1", "ReLU", (1, 128), 0),
        ("2", "Linear", (1, 10), 1280),
        ("3", "Softmax", (1, 10), 0),
    ]
    assert (report.parameters, report.trainable) == (9600, 9600)
    assert "9,600 parameters, 9,600 of them trainable" in str(report)


def test_frozen_parameters_are_not_trainable():
    net = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    net[0].requires_grad_(False)
    assert [(row.parameters, row.trainable) for row in summary(net, (2, 4))] == [(15, 0), (6, 6)]


class Tree(nn.Module):
    def __init__(self):
        super().__init__()
        self.unused = nn.Linear(9, 9)
        self.scale = nn.Parameter(torch.ones(1))
        self.inner = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])
        self.inner[1].weight = self.inner[0].weight
        self.relu = nn.ReLU()

    def forward(self, x):
        for layer in self.inner:
            x = self.relu(layer(x))
        return x * self.scale


def test_shared_used_twice_and_never_called():
    net = Tree()
    report = summary(net, (5, 4))
    rows = [(row.layer, row.output, row.parameters) for row in report]
    assert rows == [
        ("inner.0", (5, 4), 20), ("relu", (5, 4), 0), ("inner.1", (5, 4), 4), ("relu", (5, 4), 0),
        ("Tree", (5, 4), 1), ("unused", None, 90),
    ]  # fmt: skip
    assert sum(row.parameters for row in report) == sum(p.numel() for p in net.parameters())
    assert "Never called: unused" in report.notes


def test_recurrent_layers_and_models_in_float64():
    (row,) = summary(nn.LSTM(3, 5), (7, 2, 3))
    assert row.output == (7, 2, 5)
    assert summary(nn.Linear(2, 2).double(), (1, 2))[0].output == (1, 2)


def test_a_batch_of_one_will_do_and_nothing_changes(mlp, snapshot):
    net = mlp(1, 4, norm=nn.BatchNorm1d)
    before = snapshot(net)
    assert summary(net, (1, 4))[1].output == (1, 4)
    assert snapshot(net) == before


def test_what_does_not_fit_is_named_and_leaves_nothing_behind(mlp, snapshot):
    net = mlp(2, 4)
    before = snapshot(net)
    with pytest.raises(
        ValueError, match=r"shape \(1, 5\) does not fit Sequential, which fails at its first layer"
    ):
        summary(net, (1, 5))
    broken = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(3, 2))
    with pytest.raises(ValueError, match="fails after 1: linear"):
        summary(broken, (1, 4))
    assert snapshot(net) == before
    assert not broken[0]._forward_hooks


@pytest.mark.parametrize("size", [(1, -4), (1, 2.5), ("a",), 64])
def test_an_input_size_that_is_no_shape_is_refused(mlp, size):
    with pytest.raises(ValueError, match="input_size is a shape"):
        summary(mlp(1, 4), size)
