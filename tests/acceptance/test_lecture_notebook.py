"""Programs of a lecture notebook on training pathologies, with the classes and functions usual there.

Only the import lines are ours. Every test runs with PyTorch too, where it is installed.
"""

import numpy as np
import pytest

import tinygrad_stab as torch
import tinygrad_stab.nn as nn
import tinygrad_stab.optim as optim

pytestmark = pytest.mark.usefixtures("either_library")


def deep_net(input_size: int, hidden_size: int, n_layers: int, activation: str = "relu") -> nn.Module:
    class DeepNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList()
            self.layers.append(nn.Linear(input_size, hidden_size))
            for _ in range(n_layers - 2):
                self.layers.append(nn.Linear(hidden_size, hidden_size))
            self.layers.append(nn.Linear(hidden_size, 1))
            if activation == "relu":
                self.activation = nn.ReLU()
            elif activation == "tanh":
                self.activation = nn.Tanh()
            elif activation == "sigmoid":
                self.activation = nn.Sigmoid()
            else:
                raise ValueError(f"Unknown activation: {activation}")

        def forward(self, x):
            for layer in self.layers[:-1]:
                x = self.activation(layer(x))
            return self.layers[-1](x)

    return DeepNet()


def deep_net_with_batchnorm(input_size: int, hidden_size: int, n_layers: int, norm: type) -> nn.Module:
    class DeepNetWithBatchNorm(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            sizes = [input_size] + [hidden_size] * (n_layers - 2)
            self.layers = nn.ModuleList([nn.Linear(size, hidden_size) for size in sizes])
            self.norms = nn.ModuleList([norm(hidden_size) for _ in range(n_layers - 1)])
            self.output = nn.Linear(hidden_size, 1)

        def forward(self, x):
            for i, layer in enumerate(self.layers):
                x = torch.relu(self.norms[i](layer(x)))
            return self.output(x)

    return DeepNetWithBatchNorm()


def compute_gradient_norms(model: nn.Module) -> list[float]:
    norms = []
    for layer in model.layers:
        if hasattr(layer, "weight") and layer.weight.grad is not None:
            norms.append(layer.weight.grad.norm().item())
    return norms


def train_model(model: nn.Module, X, y, epochs: int = 200, lr: float = 0.01) -> list[float]:
    criterion = nn.MSELoss()
    optimizer = optim.SGD(model.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        optimizer.zero_grad()
        loss = criterion(model(X), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def train_with_clipping(model: nn.Module, X, y, clip_value: float | None, epochs: int = 50):
    criterion, optimizer = nn.MSELoss(), optim.SGD(model.parameters(), lr=0.05)
    losses, grad_norms = [], []
    for _ in range(epochs):
        optimizer.zero_grad()
        loss = criterion(model(X), y)
        loss.backward()
        if clip_value is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip_value)
        total_norm = 0.0
        for p in model.parameters():
            total_norm += p.grad.data.norm(2).item() ** 2
        grad_norms.append(total_norm**0.5)
        optimizer.step()
        losses.append(loss.item())
    return losses, grad_norms


def data(n: int = 100, features: int = 10):
    X = torch.randn(n, features)
    return X, X.pow(2).sum(dim=1, keepdim=True) / features


def test_same_seed_same_bytes() -> None:
    """Both seeds, and a whole training afterwards."""

    def run() -> list[float]:
        np.random.seed(42)  # noqa: NPY002 (as notebooks write it)
        torch.manual_seed(42)
        return train_model(deep_net(10, 8, 4), *data(), epochs=5)

    assert run() == run()


def test_deep_net() -> None:
    """ModuleList by append, slice, index and enumerate; its repr; an unknown activation."""
    model = deep_net(10, 50, 5)
    assert len(model.layers) == 5
    assert isinstance(model.layers[:-1], nn.ModuleList)
    assert [i for i, _ in enumerate(model.layers[:-1])] == [0, 1, 2, 3]
    assert model.layers[-1].out_features == 1
    assert model(torch.randn(7, 10)).shape == (7, 1)
    assert repr(model) == (
        "DeepNet(\n"
        "  (layers): ModuleList(\n"
        "    (0): Linear(in_features=10, out_features=50, bias=True)\n"
        "    (1-3): 3 x Linear(in_features=50, out_features=50, bias=True)\n"
        "    (4): Linear(in_features=50, out_features=1, bias=True)\n"
        "  )\n"
        "  (activation): ReLU()\n"
        ")"
    )
    with pytest.raises(ValueError, match="Unknown activation: softmax"):
        deep_net(10, 50, 5, "softmax")


def test_gradient_norms_of_three_activations() -> None:
    """Default initialization, ten layers: the first layer's norm, sigmoid ≪ ReLU < tanh.

    That ReLU keeps gradients better than tanh is refuted: without He it loses more. The seeds' medians differ
    by factors of at least 5 and 100.
    """
    first = {name: [] for name in ("relu", "tanh", "sigmoid")}
    for seed in range(5):
        for name, norms in first.items():
            torch.manual_seed(seed)
            model = deep_net(10, 50, 10, name)
            X, y = data()
            nn.MSELoss()(model(X), y).backward()
            by_layer = compute_gradient_norms(model)
            assert len(by_layer) == 10
            norms.append(by_layer[0])
    median = {name: sorted(norms)[2] for name, norms in first.items()}
    assert median["tanh"] > 5 * median["relu"] > 500 * median["sigmoid"]


def test_training_by_known_weights(numbered) -> None:
    """20 steps of SGD, the losses recorded from PyTorch."""
    model = numbered(deep_net(3, 4, 3, "tanh"))
    X = torch.linspace(-1, 1, 24).reshape(8, 3)
    losses = train_model(model, X, X.sum(dim=1, keepdim=True), epochs=20, lr=0.05)
    assert [losses[k] for k in (0, 1, 10, 19)] == pytest.approx(
        [3.4403276, 2.3477263, 0.27410007, 0.20088065], rel=1e-5
    )


def test_learning_curves() -> None:
    """200 epochs each, of six layers: tanh gets ahead, sigmoid stays at the mean of y."""
    X, y = data()
    final = {name: train_model(deep_net(10, 32, 6, name), X, y, lr=0.1)[-1] for name in ("tanh", "sigmoid")}
    variance = y.var(unbiased=False).item()
    assert final["sigmoid"] == pytest.approx(variance, rel=0.05)
    assert final["tanh"] < 0.9 * variance


def test_initializations() -> None:
    """Normal with std 0.01 leaves nothing of the signal after eight layers; Kaiming for ReLU keeps it.

    Xavier loses a factor 2 a layer of E h², as ReLU halves it.
    """

    def init_weights(model: nn.Module, method: str) -> nn.Module:
        for layer in model.layers:
            if method == "small":
                nn.init.normal_(layer.weight, mean=0, std=0.01)
            elif method == "xavier":
                nn.init.xavier_uniform_(layer.weight)
            elif method == "kaiming":
                nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
        return model

    X, _ = data(features=100)
    size = {}
    for method in ("small", "xavier", "kaiming"):
        model = init_weights(deep_net(100, 100, 9), method)
        h = X
        for layer in model.layers[:-1]:
            h = model.activation(layer(h))
        size[method] = h.pow(2).mean().item()
    assert size["small"] < 1e-12
    assert 2**-11 < size["xavier"] < 2**-5
    assert 2**-3 < size["kaiming"] < 2**3


@pytest.mark.parametrize("norm", ["BatchNorm1d", "LayerNorm"])
def test_with_and_without_normalization(norm: str) -> None:
    """Ten layers: without, the first has less than a hundredth of the gradient, and stalls."""
    X, y = data()
    plain = deep_net(10, 32, 10)
    model = deep_net_with_batchnorm(10, 32, 10, getattr(nn, norm))
    for net in (plain, model):
        nn.MSELoss()(net(X), y).backward()
    assert compute_gradient_norms(model)[0] > 100 * compute_gradient_norms(plain)[0]
    assert len(compute_gradient_norms(model)) == 9
    losses, stalled = train_model(model, X, y, epochs=100), train_model(plain, X, y, epochs=100)
    assert stalled[-1] > 0.9 * y.var(unbiased=False).item() > losses[-1]


def test_clipping_fires_only_where_something_explodes() -> None:
    """A default net is below 1.0 from the start, so clipping does nothing; weights × 5 need it."""
    X, y = data()
    model = deep_net(10, 32, 8)
    state = {name: t.clone() for name, t in model.state_dict().items()}
    with_clipping = train_with_clipping(model, X, 0.1 * y, clip_value=1.0)
    model.load_state_dict(state)
    without = train_with_clipping(model, X, 0.1 * y, clip_value=None)
    assert with_clipping == without
    with torch.no_grad():
        for layer in model.layers:
            layer.weight *= 5
    losses, norms = train_with_clipping(model, X, y, clip_value=1.0)
    assert max(norms) <= 1.0001
    assert np.isfinite(losses).all()


def test_residual_net_of_25_layers() -> None:
    """20 layers and more: shortcuts bring the gradient to the first."""

    class ResidualNet(nn.Module):
        def __init__(self, width: int, depth: int) -> None:
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(width, width) for _ in range(depth)])
            self.head = nn.Linear(width, 1)

        def forward(self, x):
            for layer in self.layers:
                x = x + torch.tanh(layer(x))
            return self.head(x)

    X, y = data()
    deep, plain = ResidualNet(10, 25), deep_net(10, 10, 26, "tanh")
    for model in (deep, plain):
        nn.MSELoss()(model(X), y).backward()
    residual, without = compute_gradient_norms(deep), compute_gradient_norms(plain)
    assert residual[0] > 0.1 * residual[-1]
    assert without[0] < 1e-3 * without[-1]
