"""Programs of the kind that a README of stabilization techniques shows.

Only the import lines are ours. Every test runs with PyTorch too, where it is installed.
"""

import math

import pytest

import tinygrad_stab as torch
import tinygrad_stab.nn as nn
import tinygrad_stab.nn.functional as F
import tinygrad_stab.optim as optim

pytestmark = pytest.mark.usefixtures("either_library")


def test_weights_scaled_by_hand_change_the_flow(numbered) -> None:
    """Three ways to write it; outputs and gradients of a linear layer scale with the weights."""
    layer = numbered(nn.Linear(4, 3))
    x = torch.linspace(-1, 1, 8).reshape(2, 4).requires_grad_()
    layer.bias.data.zero_()
    before = layer(x)
    before.sum().backward()
    gradient, x.grad = x.grad, None
    with torch.no_grad():
        layer.weight *= 2
    layer.weight.data *= 5
    layer.weight.data.mul_(0.5)
    after = layer(x)
    after.sum().backward()
    assert torch.allclose(after, 5 * before)
    assert torch.allclose(x.grad, 5 * gradient, atol=1e-6)
    assert layer.bias.tolist() == [0, 0, 0]
    assert layer.weight.requires_grad
    assert layer.weight.is_leaf


def test_kaiming_by_apply() -> None:
    """U(±√(6/fan_in)) for ReLU, biases 0, and the size of the signal the same 20 layers on."""

    def init_weights(m: nn.Module) -> None:
        if isinstance(m, nn.Linear):
            nn.init.kaiming_uniform_(m.weight, nonlinearity="relu")
            nn.init.constant_(m.bias, 0)

    layers = [nn.Linear(256, 256) for _ in range(20)]
    model = nn.Sequential(*[m for layer in layers for m in (layer, nn.ReLU())])
    assert model.apply(init_weights) is model
    for layer in layers:
        bound = math.sqrt(6 / 256)
        assert 0.99 * bound < layer.weight.abs().max().item() < 1.000001 * bound
        assert not layer.bias.any()
    x = torch.randn(128, 256)
    ratio = model(x).pow(2).mean() / nn.functional.relu(layers[0](x)).pow(2).mean()
    assert 1 / 3 < ratio.item() < 3


def test_relu_stops_the_gradient_of_negatives() -> None:
    x = torch.tensor([-2.0, -0.5, 0.0, 0.5, 3.0], requires_grad=True)
    nn.ReLU()(x).sum().backward()
    assert x.grad.tolist() == [0, 0, 0, 1, 1]


def test_leaky_relu_and_its_kaiming() -> None:
    """Outputs, gradients, and std = √(2/(1 + a²)/fan_in)."""
    x = torch.tensor([-2.0, 3.0], requires_grad=True)
    y = nn.LeakyReLU(negative_slope=0.2)(x)
    y.sum().backward()
    assert y.tolist() == pytest.approx([-0.4, 3])
    assert x.grad.tolist() == pytest.approx([0.2, 1])
    for a in (0.01, 0.2, 1.0):
        w = torch.empty(400, 500)
        assert nn.init.kaiming_normal_(w, a=a, nonlinearity="leaky_relu") is w
        assert w.std().item() == pytest.approx(math.sqrt(2 / (1 + a * a) / 500), rel=0.01)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_batchnorm_before_or_after_a_linear_layer(before: bool) -> None:
    """Either order runs and learns; only what follows Linear is standardized."""
    norm, linear = nn.BatchNorm1d(4 if before else 3), nn.Linear(4, 3)
    model = nn.Sequential(*([norm, linear] if before else [linear, norm]))
    x, y = 5 + 3 * torch.randn(32, 4), torch.randn(32, 3)
    out = model(x)
    assert torch.allclose(out.mean(0), torch.zeros(3), atol=1e-5) is not before
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = nn.MSELoss()(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_batchnorm_first_instead_of_scaled_features() -> None:
    """Columns × 1000 come out the same; × 0.001 they do not, as their variance is below ε = 1e-5."""
    x = torch.randn(64, 3)
    first = nn.BatchNorm1d(3)
    scaled = first(x * torch.tensor([1.0, 1000.0, 0.001]))
    assert torch.allclose(scaled[:, :2], first(x)[:, :2], atol=1e-4)
    v = x[:, 2].var(unbiased=False).item() * 1e-6
    assert scaled[:, 2].std(unbiased=False).item() == pytest.approx(math.sqrt(v / (v + 1e-5)), rel=1e-3)


def test_names_of_parameters_and_buffers() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 1))
    assert [(name, tuple(p.shape)) for name, p in model.named_parameters()] == [
        ("0.weight", (3, 2)), ("0.bias", (3,)), ("1.weight", (3,)), ("1.bias", (3,)),
        ("3.weight", (1, 3)), ("3.bias", (1,)),
    ]  # fmt: skip
    model(torch.tensor([[1.0, 2.0], [3.0, 5.0]]))
    buffers = dict(model.named_buffers())
    assert list(buffers) == ["1.running_mean", "1.running_var", "1.num_batches_tracked"]
    assert buffers["1.num_batches_tracked"].item() == 1


def test_running_statistics_after_one_batch() -> None:
    """momentum 0.1 of the batch's mean and of its unbiased variance."""
    norm = nn.BatchNorm1d(2)
    norm(torch.tensor([[1.0, 0.0], [3.0, 4.0], [5.0, 2.0]]))
    assert norm.running_mean.tolist() == pytest.approx([0.3, 0.2])
    assert norm.running_var.tolist() == pytest.approx([0.9 + 0.4, 0.9 + 0.4])


def test_a_bias_before_batchnorm_learns_nothing() -> None:
    """The mean takes it away again, so its gradient is rounding; bias=False leaves it out."""
    linear, norm = nn.Linear(3, 4).double(), nn.BatchNorm1d(4).double()
    x = torch.randn(16, 3, dtype=torch.float64)
    norm(linear(x)).pow(3).sum().backward()
    assert linear.bias.grad.abs().max().item() < 1e-12 < linear.weight.grad.abs().max().item()
    without = nn.Linear(3, 4, bias=False)
    assert without.bias is None
    assert repr(without) == "Linear(in_features=3, out_features=4, bias=False)"


def test_deep_net_with_batchnorm_before_relu() -> None:
    """Pre-activations are centred at each of eight layers, so half of all units fire."""
    blocks = [m for _ in range(8) for m in (nn.Linear(64, 64, bias=False), nn.BatchNorm1d(64), nn.ReLU())]
    model = nn.Sequential(*blocks, nn.Linear(64, 1))
    seen: dict[str, tuple[float, float]] = {}

    def hook(name: str):
        def keep(module, inputs, output) -> None:
            seen[name] = output.mean().item(), (output > 0).float().mean().item()

        return keep

    handles = [
        m.register_forward_hook(hook(name))
        for name, m in model.named_modules()
        if isinstance(m, nn.BatchNorm1d)
    ]
    model(3 + torch.randn(128, 64)).sum().backward()
    assert list(seen) == [str(3 * k + 1) for k in range(8)]
    for mean, firing in seen.values():
        assert mean == pytest.approx(0, abs=1e-5)
        assert firing == pytest.approx(0.5, abs=0.06)
    for handle in handles:
        handle.remove()
    seen.clear()
    model(torch.randn(4, 64))
    assert seen == {}


def test_batchnorm_by_column_and_layernorm_by_row() -> None:
    """In training; in evaluation BatchNorm is a fixed map and LayerNorm what it was."""
    x = torch.tensor([[1.0, 2.0, 6.0], [3.0, 5.0, 4.0]])
    bn, ln = nn.BatchNorm1d(3), nn.LayerNorm(3)
    assert bn(x).tolist() == [pytest.approx([-1, -1, 1], abs=1e-4), pytest.approx([1, 1, -1], abs=1e-4)]
    row = math.sqrt(14 / 3)  # the biased standard deviation of 1, 2, 6
    assert ln(x)[0].tolist() == pytest.approx([-2 / row, -1 / row, 3 / row], abs=1e-5)
    for n in (2, 8, 64):
        batch = torch.cat([x, torch.randn(n - 2, 3)]) if n > 2 else x
        assert torch.allclose(bn(batch).mean(dim=0), torch.zeros(3), atol=1e-6)
        assert torch.allclose(ln(batch)[:2], ln(x), atol=1e-6)
    bn.eval()
    assert torch.allclose(bn(x[:1]), bn(x)[:1])
    bn.train()
    with pytest.raises(ValueError, match="Expected more than 1 value per channel when training"):
        bn(x[:1])
    assert ln(x[:1]).shape == (1, 3)


def test_layernorm_of_images() -> None:
    """Which axes have mean 0 and variance 1."""
    x = torch.randn(2, 3, 4, 5) * 2 + torch.arange(3).reshape(1, 3, 1, 1)
    by_channel, by_sample = nn.LayerNorm([4, 5])(x), nn.LayerNorm((3, 4, 5))(x)
    assert torch.allclose(by_channel.mean(dim=(2, 3)), torch.zeros(2, 3), atol=1e-5)
    assert torch.allclose(by_sample.mean(dim=(1, 2, 3)), torch.zeros(2), atol=1e-5)
    assert by_sample.mean(dim=(2, 3)).abs().max().item() > 0.1
    assert torch.allclose(by_sample.var(dim=(1, 2, 3), unbiased=False), torch.ones(2), atol=1e-4)
    assert nn.LayerNorm([3, 4, 5]).weight.shape == (3, 4, 5)


def lstm_classifier() -> nn.Module:
    class Classifier(nn.Module):
        def __init__(self, input_size: int, hidden_size: int, num_layers: int, num_classes: int) -> None:
            super().__init__()
            self.lstm = nn.LSTM(input_size, hidden_size, num_layers, batch_first=True)
            self.fc = nn.Linear(hidden_size, num_classes)

        def forward(self, x):
            h0 = torch.zeros(self.lstm.num_layers, x.size(0), self.lstm.hidden_size)
            c0 = torch.zeros(self.lstm.num_layers, x.size(0), self.lstm.hidden_size)
            out, _ = self.lstm(x, (h0, c0))
            return self.fc(out[:, -1, :])

    return Classifier(input_size=3, hidden_size=4, num_layers=2, num_classes=2)


def test_lstm_model_forward_and_backward(numbered) -> None:
    """With known weights, the number that PyTorch computes."""
    model = numbered(lstm_classifier())
    out = model(torch.linspace(-1, 1, 30).reshape(2, 5, 3))
    loss = F.cross_entropy(out, torch.tensor([0, 1]))
    loss.backward()
    assert out.shape == (2, 2)
    assert all(p.grad is not None for p in model.parameters())
    assert loss.item() == pytest.approx(1.3075269, rel=1e-5)  # both recorded from PyTorch 2.13
    assert model.lstm.weight_ih_l0.grad.norm().item() == pytest.approx(0.0083045242, rel=1e-5)
    assert [name for name, _ in model.lstm.named_parameters()] == [
        f"{kind}_{which}_l{layer}"
        for layer in (0, 1)
        for kind in ("weight", "bias")
        for which in ("ih", "hh")
    ]


def test_clipping_by_norm_keeps_the_direction(numbered) -> None:
    """By value it does not."""

    def gradient(model: nn.Module) -> torch.Tensor:
        return torch.cat([p.grad.reshape(-1) for p in model.parameters()])

    model = numbered(nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)))
    (100 * model(torch.randn(8, 3)).pow(2).mean()).backward()
    raw = gradient(model)
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
    clipped = gradient(model)
    assert norm.item() == pytest.approx(raw.norm().item(), rel=1e-5)
    assert norm.item() > 1
    assert clipped.norm().item() == pytest.approx(1, rel=1e-4)
    assert ((raw * clipped).sum() / (raw.norm() * clipped.norm())).item() == pytest.approx(1, abs=1e-5)
    nn.utils.clip_grad_value_(model.parameters(), clip_value=0.1)
    bounded = gradient(model)
    assert bounded.abs().max().item() == pytest.approx(0.1)
    assert ((raw * bounded).sum() / (raw.norm() * bounded.norm())).item() < 0.99


def test_gradient_at_every_time_step() -> None:
    """∂L/∂hₜ of a loss at the end, in a linear recurrence, shrinks by W a step: here by ½."""
    cell = nn.RNNCell(1, 1, nonlinearity="relu")
    with torch.no_grad():
        for p in cell.parameters():
            p.fill_(0.5)
    h, hs = torch.zeros(1, 1), []
    for _ in range(10):
        h = cell(torch.ones(1, 1), h)
        h.retain_grad()
        hs.append(h)
    h.sum().backward()
    assert [h.grad.item() for h in hs] == [0.5 ** (9 - t) for t in range(10)]
