"""Which layers a model has, what happens between them, and what comes back: found in the graph."""

import gc
import weakref

import numpy as np
import pytest

import tinygrad_stab as torch
from tinygrad_stab import nn
from tinygrad_stab.nn.dropout import Dropout
from tinygrad_stab.stability.trace import Trace
from tinygrad_stab.stability.unchanged import unchanged

F = nn.functional


class Shared(nn.Module):
    """One activation module used twice, and one as a function."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(4, 5), nn.Linear(5, 5), nn.Linear(5, 2)
        self.relu = nn.ReLU()

    def forward(self, x):
        return F.tanh(self.c(self.relu(self.b(self.relu(self.a(x))))))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(5, 5), nn.Linear(5, 5), nn.Linear(5, 2)

    def forward(self, x):
        return self.c(x + self.b(F.relu(self.a(x))))


def traced(model, x):
    with Trace(model) as trace:
        y = model(x)
    return trace.calls, y


def test_layers_and_what_lies_between_them():
    calls, y = traced(Shared(), torch.randn(3, 4))
    assert [call.name for call in calls] == ["a", "b", "c"]
    assert calls[0].h.node is calls[1].x.node
    assert calls[2].h.node is y.node
    for call in calls:
        (step,) = call.steps
        assert step.elementwise
        np.testing.assert_array_equal(step.input, call.z.array)
        np.testing.assert_array_equal(step.output, call.h.array)
        np.testing.assert_array_equal(step.apply(call.z).array, call.h.array)


def test_normalizations_are_steps_and_no_activations():
    net = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.LayerNorm(5), nn.Linear(5, 1))
    calls, _ = traced(net, torch.randn(6, 4))
    assert [step.apply for step in calls[0].steps] == [net[1], net[2], net[3]]
    assert calls[0].activation.apply is net[2]


@pytest.mark.parametrize(
    ("module", "elementwise"),
    [(nn.GELU("tanh"), True), (nn.PReLU(), True), (nn.PReLU(5), False), (nn.Softmax(dim=1), False),
     (nn.LogSoftmax(dim=0), False), (nn.SiLU(), True), (Dropout(0.5), False)],
)  # fmt: skip
def test_what_counts_as_an_activation(module, elementwise):
    calls, _ = traced(nn.Sequential(nn.Linear(4, 5), module, nn.Linear(5, 1)), torch.randn(6, 4))
    assert (calls[0].activation is not None) == elementwise


def test_where_the_way_forks_the_layer_hands_on_its_own_output():
    net = Residual()
    calls, _ = traced(net, torch.randn(3, 5).requires_grad_())
    assert [call.steps is None for call in calls] == [False, True, False]
    assert calls[1].h.node is calls[1].z.node


def test_gradients_are_those_of_the_graph_and_of_x_the_part_through_the_layer():
    net, x = Residual(), torch.randn(3, 5).requires_grad_()
    with Trace(net) as trace:
        y = net(x)
    (gx,) = torch.autograd.grad(y.sum(), x)
    a, b, c = trace.calls
    ones = np.ones((3, 2), dtype=np.float32)
    np.testing.assert_allclose(c.gradients["x"], ones @ net.c.weight.array)
    np.testing.assert_allclose(b.gradients["z"], c.gradients["x"])
    np.testing.assert_allclose(a.gradients["x"], a.gradients["z"] @ net.a.weight.array, rtol=1e-6)
    np.testing.assert_allclose(gx.array, c.gradients["x"] + a.gradients["x"], rtol=1e-6)


def test_a_layer_called_twice_has_two_calls_with_their_own_gradients():
    layer = nn.Linear(3, 3)
    net = nn.Sequential(layer, nn.Tanh(), layer)
    with Trace(net) as trace:
        y = net(torch.randn(2, 3).requires_grad_())
    y.sum().backward()
    assert [call.name for call in trace.calls] == ["0", "0 #2"]
    first, second = (call.gradients["z"] for call in trace.calls)
    np.testing.assert_array_equal(second, np.ones((2, 3)))
    assert not np.allclose(first, second)


def test_the_trace_does_not_change_the_result_and_removes_its_hooks():
    net, x = Shared(), torch.randn(3, 4)
    expected = net(x)
    _, y = traced(net, x)
    np.testing.assert_array_equal(y.array, expected.array)
    for module in net.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks


def test_nothing_is_recorded_without_gradients_or_while_not_watching():
    net = Shared()
    with Trace(net) as trace:
        with torch.no_grad():
            net(torch.randn(3, 4))
        assert trace.calls == []
        trace.watching = False
        net(torch.randn(3, 4))
        assert trace.calls == []


def test_the_graph_is_gone_with_the_calls_without_the_garbage_collector():
    net = Shared()
    gc.disable()
    try:
        with Trace(net) as trace:
            y = net(torch.randn(3, 4))
        h = weakref.ref(trace.calls[0].h)
        y.sum().backward()
        del y
        trace.calls = []
        assert h() is None
    finally:
        gc.enable()


def test_a_model_without_layers_is_refused():
    with pytest.raises(ValueError, match="plain Python list"):
        Trace(nn.Sequential(nn.ReLU()))


def test_unchanged_restores_what_computing_changes():
    net = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5))
    net[1].eval()
    net(torch.randn(3, 4)).sum().backward()
    gradient, mean = net[0].weight.grad, net[1].running_mean.array.copy()
    torch.manual_seed(3)
    with unchanged(net):
        net.train()
        net(torch.randn(3, 4) + 7).sum().backward()
        assert not np.array_equal(net[1].running_mean.array, mean)
    np.testing.assert_array_equal(net[1].running_mean.array, mean)
    assert net[1].num_batches_tracked.item() == 0
    assert (net.training, net[0].training, net[1].training) == (True, True, False)
    assert net[0].weight.grad is gradient
    after = torch.randn(1).item()
    torch.manual_seed(3)
    assert torch.randn(1).item() == after


def test_unchanged_restores_after_an_error_too():
    net = nn.Linear(2, 2)

    def fail():
        with unchanged(net):
            net.eval()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert net.training
