"""Programs of the kind that a long reference on gradient pathologies shows.

Only the import lines are ours. Every test runs with PyTorch too, where it is installed.
"""

import math
from collections import defaultdict

import numpy as np
import pytest

import tinygrad_stab as torch
import tinygrad_stab.nn as nn
import tinygrad_stab.nn.functional as F
import tinygrad_stab.optim as optim
from tinygrad_stab.optim.lr_scheduler import ReduceLROnPlateau
from tinygrad_stab.utils.data import DataLoader, TensorDataset

pytestmark = pytest.mark.usefixtures("either_library")


def test_chain_of_sigmoids() -> None:
    """Ten slopes of ¼ make 9.5e-7, and the weights multiply: with W = 4 nothing is lost."""
    for w, expected in ((1.0, 9.5367e-7), (4.0, 1.0)):
        x = torch.zeros(1, requires_grad=True)
        h = x
        for _ in range(10):
            h = w * (torch.sigmoid(h) - 0.5)  # shifted, so that every layer stays at its steepest point
        h.backward()
        assert x.grad.item() == pytest.approx(expected, rel=1e-5)


def test_numpy_functions_agree() -> None:
    """The same formulas in NumPy; its weights are (in, out), those of Linear (out, in)."""
    x = np.linspace(-3, 3, 25)
    t = torch.tensor(x)
    np.testing.assert_allclose(torch.sigmoid(t).numpy(), 1 / (1 + np.exp(-x)), rtol=1e-12)
    np.testing.assert_allclose(F.relu(t).numpy(), np.maximum(0, x), rtol=1e-12)
    np.testing.assert_allclose(F.leaky_relu(t, 0.1).numpy(), np.where(x > 0, x, 0.1 * x), rtol=1e-12)
    fan_in, fan_out = 300, 200
    rng = np.random.default_rng(0)
    xavier = rng.standard_normal((fan_in, fan_out)) * np.sqrt(2 / (fan_in + fan_out))
    he = rng.standard_normal((fan_in, fan_out)) * np.sqrt(2 / fan_in)
    layer = nn.Linear(fan_in, fan_out)
    assert layer.weight.shape == xavier.T.shape
    assert nn.init.xavier_normal_(layer.weight).std().item() == pytest.approx(xavier.std(), rel=0.02)
    ours = nn.init.kaiming_normal_(layer.weight, nonlinearity="relu").std().item()
    assert ours == pytest.approx(he.std(), rel=0.02)


def test_prelu_learns_its_slope() -> None:
    """∂L/∂a is the sum of the negative inputs."""
    act = nn.PReLU(num_parameters=1, init=0.25)
    x = torch.tensor([-2.0, -1.0, 3.0])
    out = act(x)
    assert out.tolist() == [-0.5, -0.25, 3]
    out.sum().backward()
    assert act.weight.grad.tolist() == [-3]
    optim.SGD(act.parameters(), lr=0.01).step()
    assert act.weight.item() == pytest.approx(0.28)
    assert nn.ELU(alpha=2.0)(x)[0].item() == pytest.approx(2 * (math.exp(-2) - 1))


def residual_block(channels: int) -> nn.Module:
    class ResidualBlock(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(channels, channels, kernel_size=3, padding=1)
            self.conv2 = nn.Conv2d(channels, channels, kernel_size=3, padding=1)
            self.relu = nn.ReLU(inplace=True)

        def forward(self, x):
            residual = x
            out = self.conv2(self.relu(self.conv1(x)))
            out += residual
            return self.relu(out)

    return ResidualBlock()


def test_residual_block_of_convolutions(numbered) -> None:
    """A number recorded from PyTorch; and with F = 0 the gradient passes as it is."""
    block = numbered(residual_block(2))
    x = torch.linspace(-1, 1, 64).reshape(2, 2, 4, 4).requires_grad_()
    out = block(x)
    out.sum().backward()
    assert out.shape == x.shape
    assert out.mean().item() == pytest.approx(5.0381579, rel=1e-5)
    assert x.grad.norm().item() == pytest.approx(67.54351, rel=1e-5)
    nn.init.zeros_(block.conv2.weight)
    nn.init.zeros_(block.conv2.bias)
    x = (torch.rand(1, 2, 4, 4) + 0.1).requires_grad_()
    block(x).sum().backward()
    assert torch.allclose(x.grad, torch.ones(1, 2, 4, 4))


def test_hundred_layers_with_and_without_shortcuts() -> None:
    """dL/dx = dL/dy (1 + F′): with W = ½ the plain gradient is 2⁻¹⁰⁰, the residual one is not."""
    norms = {}
    for shortcut in (False, True):
        x = torch.randn(4, 16, requires_grad=True)
        h = x
        for _ in range(100):
            layer = nn.Linear(16, 16, bias=False)
            nn.init.orthogonal_(layer.weight, gain=0.1 if shortcut else 0.5)
            h = h + layer(h) if shortcut else layer(h)
        h.sum().backward()
        norms[shortcut] = x.grad.norm().item() / 8
    assert norms[False] == pytest.approx(2.0**-100, rel=1e-3)
    assert 0.1 < norms[True] < 1e3


def test_batchnorm_block(numbered) -> None:

    class BatchNormBlock(nn.Module):
        def __init__(self, in_features: int, out_features: int) -> None:
            super().__init__()
            self.linear = nn.Linear(in_features, out_features)
            self.bn = nn.BatchNorm1d(out_features)
            self.activation = nn.ReLU()

        def forward(self, x):
            x = self.linear(x)
            x = self.bn(x)
            return self.activation(x)

    block = numbered(BatchNormBlock(3, 2))
    out = block(torch.linspace(-1, 1, 12).reshape(4, 3).pow(2))
    assert repr(block) == (
        "BatchNormBlock(\n"
        "  (linear): Linear(in_features=3, out_features=2, bias=True)\n"
        "  (bn): BatchNorm1d(2, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)\n"
        "  (activation): ReLU()\n"
        ")"
    )
    assert out.shape == (4, 2)
    assert out.sum().item() == pytest.approx(3.8096809, rel=1e-5)  # recorded from PyTorch


def test_layernorm_written_by_hand() -> None:
    """With the unbiased std and ε outside the root, it is smaller by √((n − 1)/n) than nn.LayerNorm."""

    class LayerNorm(nn.Module):
        def __init__(self, features: int, eps: float = 1e-6) -> None:
            super().__init__()
            self.gamma = nn.Parameter(torch.ones(features))
            self.beta = nn.Parameter(torch.zeros(features))
            self.eps = eps

        def forward(self, x):
            mean = x.mean(-1, keepdim=True)
            std = x.std(-1, keepdim=True)
            return self.gamma * (x - mean) / (std + self.eps) + self.beta

    by_hand, x = LayerNorm(5), torch.randn(4, 5)
    assert [name for name, _ in by_hand.named_parameters()] == ["gamma", "beta"]
    assert torch.allclose(by_hand(x), nn.LayerNorm(5)(x) * math.sqrt(4 / 5), atol=1e-4)
    by_hand(x).pow(2).sum().backward()
    assert by_hand.gamma.grad.shape == (5,)


def test_clipping_by_their_keywords() -> None:
    model = nn.Linear(2, 1, bias=False)
    model.weight.grad = torch.tensor([[3.0, -4.0]])
    total = torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
    assert total.item() == pytest.approx(5)
    assert model.weight.grad[0].tolist() == pytest.approx([0.6, -0.8], rel=1e-5)
    torch.nn.utils.clip_grad_value_(model.parameters(), clip_value=0.5)
    assert model.weight.grad.tolist() == [[0.5, -0.5]]


def test_adam_with_weight_decay(numbered) -> None:
    """Ten steps, recorded from PyTorch; its weight_decay is L2, part of the gradient."""
    model = numbered(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1)))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=1e-5)
    x, y = torch.linspace(-1, 1, 24).reshape(8, 3), torch.linspace(0, 1, 8).reshape(8, 1)
    for _ in range(10):
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
    assert loss.item() == pytest.approx(0.09943665, rel=1e-5)


def test_penalty_by_hand() -> None:
    """λ Σ p² adds 2 λ p to the gradient; the sum begins with the integer 0."""
    model = nn.Linear(3, 2)
    penalty = 0.1 * sum(p.pow(2).sum() for p in model.parameters())
    penalty.backward()
    assert torch.allclose(model.weight.grad, 0.2 * model.weight)
    assert torch.allclose(model.bias.grad, 0.2 * model.bias)


def test_warm_up() -> None:
    """The factor step/warmup is 0 at the first step, which is lost; (step + 1)/warmup is not."""

    def get_lr_warmup(step: int, warmup_steps: int, base_lr: float) -> float:
        return base_lr * step / warmup_steps if step < warmup_steps else base_lr

    model = nn.Linear(1, 1)
    before = model.weight.item()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    model(torch.ones(1, 1)).sum().backward()
    for group in optimizer.param_groups:
        group["lr"] = get_lr_warmup(0, 4, 1e-4)
    optimizer.step()
    assert model.weight.item() == before
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        torch.optim.SGD(model.parameters(), lr=0.4), lambda t: min(1, (t + 1) / 4)
    )
    rates = [scheduler.get_last_lr()[0]]
    for _ in range(5):
        scheduler.optimizer.step()
        scheduler.step()
        rates += scheduler.get_last_lr()
    assert rates == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4, 0.4])


def test_plateau() -> None:
    """After more than five steps without progress, a tenth."""
    optimizer = torch.optim.Adam(nn.Linear(1, 1).parameters(), lr=1e-4)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="min", factor=0.1, patience=5)
    rates = []
    for loss in [1.0, 0.9] + [0.9] * 7:
        scheduler.step(torch.tensor(loss))
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([1e-4] * 7 + [1e-5] * 2)
    assert scheduler.get_last_lr() == pytest.approx([1e-5])
    assert ReduceLROnPlateau.__name__ == "ReduceLROnPlateau"


def test_mean_and_std_of_every_parameter(capsys: pytest.CaptureFixture) -> None:
    """f"{p.mean():.4f}"; that a std "should be 0.01–0.1" is refuted by He's for fan_in 10: 0.447."""
    model = nn.Linear(10, 2000)
    nn.init.kaiming_normal_(model.weight, nonlinearity="relu")
    nn.init.constant_(model.bias, 0.25)
    for name, param in model.named_parameters():
        print(f"{name}: mean={param.mean():.4f}, std={param.std():.2f}")
    weight, bias = capsys.readouterr().out.splitlines()
    assert weight.endswith(("std=0.44", "std=0.45"))
    assert bias == "bias: mean=0.2500, std=0.00"


def test_check_dead_neurons(capsys: pytest.CaptureFixture) -> None:
    """The usual detector: it counts zeros, finds half of them in a healthy net, and warns of it."""

    def check_dead_neurons(model: nn.Module, data_loader: DataLoader, threshold: float = 0.2) -> dict:
        dead = defaultdict(list)

        def hook_fn(name: str):
            def hook(module, input, output) -> None:
                dead[name].append((output == 0).float().mean().item())

            return hook

        hooks = []
        for name, module in model.named_modules():
            if isinstance(module, nn.ReLU):
                hooks.append(module.register_forward_hook(hook_fn(name)))
        model.eval()
        with torch.no_grad():
            for inputs, _ in data_loader:
                model(inputs)
        for h in hooks:
            h.remove()
        means = {name: sum(rates) / len(rates) for name, rates in dead.items()}
        for name, rate in means.items():
            if rate > threshold:
                print(f"Warning: {name} has {rate:.0%} dead neurons")
        return means

    model = nn.Sequential(nn.Linear(20, 200), nn.ReLU(), nn.Linear(200, 200), nn.ReLU(), nn.Linear(200, 2))
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)
    data = TensorDataset(torch.randn(100, 20), torch.zeros(100))
    zeros = check_dead_neurons(model, DataLoader(data, batch_size=32, shuffle=True))
    assert list(zeros) == ["1", "3"]
    assert all(share == pytest.approx(0.5, abs=0.06) for share in zeros.values())
    assert capsys.readouterr().out.count("Warning") == 2
    assert not model.training  # the detector leaves it so


def test_one_bad_step_kills_units_and_a_leaky_relu_revives_them() -> None:
    """Once the bias is far below 0, nothing fires and no gradient comes; a leak lets one in."""
    layer, x = nn.Linear(4, 8), torch.randn(64, 4)
    optimizer = optim.SGD(layer.parameters(), lr=100.0)
    F.relu(layer(x)).sum().backward()
    optimizer.step()
    optimizer.zero_grad()
    out = F.relu(layer(x))
    assert (out > 0).float().mean().item() < 0.4
    nn.init.constant_(layer.bias, -1e4)
    F.relu(layer(x)).sum().backward()
    assert not layer.weight.grad.any()
    F.leaky_relu(layer(x)).sum().backward()
    assert layer.bias.grad.tolist() == pytest.approx([0.64] * 8, rel=1e-5)


def test_initialize_model() -> None:
    """Convolutions by fan_out, linear layers by fan_in, BatchNorm 1 and 0; without a bias it fails."""

    def initialize_model(model: nn.Module) -> None:
        for m in model.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
                if m.bias is not None:
                    nn.init.constant_(m.bias, 0)
            elif isinstance(m, nn.Linear):
                nn.init.kaiming_normal_(m.weight, mode="fan_in", nonlinearity="relu")
                nn.init.constant_(m.bias, 0)
            elif isinstance(m, nn.BatchNorm2d):
                nn.init.constant_(m.weight, 1)
                nn.init.constant_(m.bias, 0)

    conv = nn.Conv2d(16, 64, 3, bias=False)
    model = nn.Sequential(
        conv, nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 10)
    )
    initialize_model(model)
    assert conv.weight.std().item() == pytest.approx(math.sqrt(2 / (64 * 9)), rel=0.05)
    assert model[5].weight.std().item() == pytest.approx(math.sqrt(2 / 256), rel=0.05)
    assert model(torch.randn(2, 16, 6, 6)).shape == (2, 10)
    with pytest.raises((AttributeError, ValueError)):
        initialize_model(nn.Linear(3, 3, bias=False))


def test_monitoring_loop(capsys: pytest.CaptureFixture) -> None:
    """The total norm, by hand, and its two warnings."""

    def monitor_gradients(model: nn.Module) -> float:
        total_norm = 0.0
        for _, param in model.named_parameters():
            if param.grad is not None:
                param_norm = param.grad.data.norm(2)
                total_norm += param_norm.item() ** 2
        total_norm = total_norm**0.5
        if total_norm > 100:
            print(f"Warning: large gradient norm {total_norm:.2f}")
        if total_norm < 1e-6:
            print(f"Warning: small gradient norm {total_norm:.2e}")
        return total_norm

    model, said = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 1)), []
    for scale in (1e-12, 1.0, 1e6):
        model.zero_grad()
        (scale * model(torch.randn(8, 4)).sum()).backward()
        assert monitor_gradients(model) == pytest.approx(
            nn.utils.get_total_norm([p.grad for p in model.parameters()]).item(), rel=1e-5
        )
        said.append(capsys.readouterr().out[:14])
    assert said == ["Warning: small", "", "Warning: large"]


def test_share_of_saturated_outputs() -> None:
    """Large weights saturate a sigmoid, small ones leave it in its linear zone."""
    shares = {}
    for std in (0.01, 1.0, 10.0):
        layer = nn.Linear(100, 100)
        nn.init.normal_(layer.weight, mean=0, std=std)
        out = torch.sigmoid(layer(torch.randn(50, 100)))
        shares[std] = ((out < 0.05) | (out > 0.95)).float().mean().item()
    assert shares[0.01] == 0
    assert 0.7 < shares[1.0] < 0.85
    assert shares[10.0] > 0.95
