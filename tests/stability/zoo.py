"""Small nets, sick and healthy, to be diagnosed: each pathology has a specimen.

A specimen is made for a width, a depth and a batch size: (model, x, y, loss_fn, optimizer). The data are
Gaussian, their labels given by a random linear map, so that there is something to learn.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import tinygrad_stab as torch
from tinygrad_stab import nn
from tinygrad_stab.nn import functional as F

FEATURES, CLASSES = 20, 5


class Case(NamedTuple):
    model: nn.Module
    x: torch.Tensor
    y: torch.Tensor
    loss_fn: Callable[..., Any] = F.cross_entropy
    optimizer: Any = None


Maker = Callable[[int, int, int, int], Case]  # width, depth, batch, seed
SICK: dict[str, tuple[str, Maker]] = {}  # name: (pathology, maker)
HEALTHY: dict[str, Maker] = {}


def sick(pathology: str) -> Callable[[Maker], Maker]:
    def enter(make: Maker) -> Maker:
        SICK[make.__name__] = pathology, make
        return make

    return enter


def healthy(make: Maker) -> Maker:
    HEALTHY[make.__name__] = make
    return make


def data(batch: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((batch, FEATURES)).astype(np.float32)
    teacher = np.random.default_rng(0).standard_normal((FEATURES, CLASSES))
    return torch.tensor(x), torch.tensor((x @ teacher).argmax(1))


def mlp(
    width: int,
    depth: int,
    activation: Callable[[], nn.Module] = nn.ReLU,
    weight_var: float | None = None,
    bias: float = 0.0,
    norm: Callable[[int], nn.Module] | None = None,
    linear_bias: bool = True,
) -> nn.Sequential:
    """weight_var None: PyTorch's default weights and biases."""
    modules: list[nn.Module] = []
    fan_in = FEATURES
    for _ in range(depth):
        modules.append(_linear(fan_in, width, weight_var, bias, linear_bias))
        modules += [norm(width)] if norm else []
        modules.append(activation())
        fan_in = width
    return nn.Sequential(*modules, _linear(fan_in, CLASSES, None if weight_var is None else 1.0, 0.0, True))


def _linear(fan_in: int, fan_out: int, weight_var: float | None, bias: float, has_bias: bool) -> nn.Linear:
    layer = nn.Linear(fan_in, fan_out, bias=has_bias)
    if weight_var is not None:
        nn.init.normal_(layer.weight, std=math.sqrt(weight_var / fan_in))
        if has_bias:
            nn.init.constant_(layer.bias, bias)
    return layer


# --- sick: signal and gradient ------------------------------------------------------------------------------


@sick("vanishing")
def relu_with_default_weights(width: int, depth: int, batch: int, seed: int) -> Case:
    return Case(mlp(width, 2 * depth + 4), *data(batch, seed))


@sick("vanishing")
def relu_with_xavier_weights(width: int, depth: int, batch: int, seed: int) -> Case:
    return Case(mlp(width, 6 * depth + 12, nn.ReLU, 1.0), *data(batch, seed))


@sick("vanishing")
def sigmoid_with_xavier_weights(width: int, depth: int, batch: int, seed: int) -> Case:
    return Case(mlp(width, depth + 4, nn.Sigmoid, 1.0), *data(batch, seed))


@sick("vanishing")
def tanh_with_weights_of_a_hundredth(width: int, depth: int, batch: int, seed: int) -> Case:
    return Case(mlp(width, depth + 2, nn.Tanh, 1e-4 * width), *data(batch, seed))


@sick("vanishing")
def sigmoid_behind_layernorm(width: int, depth: int, batch: int, seed: int) -> Case:
    return Case(mlp(width, depth + 8, nn.Sigmoid, 1.0, norm=nn.LayerNorm), *data(batch, seed))


@sick("exploding")
def relu_with_large_weights(width: int, depth: int, batch: int, seed: int) -> Case:
    return Case(mlp(width, depth + 6, nn.ReLU, 8.0), *data(batch, seed))


class Residual(nn.Module):
    """x + s · W₂ relu(W₁ x), both He."""

    def __init__(self, width: int, scale: float) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(width, width), nn.Linear(width, width)
        nn.init.kaiming_normal_(self.first.weight)
        nn.init.xavier_normal_(self.second.weight, gain=scale)
        for layer in (self.first, self.second):
            nn.init.zeros_(layer.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.second(self.first(x).relu())


def resnet(width: int, blocks: int, scale: float) -> nn.Sequential:
    return nn.Sequential(
        _linear(FEATURES, width, 1.0, 0.0, True),
        *(Residual(width, scale) for _ in range(blocks)),
        _linear(width, CLASSES, 1.0 / (1 + blocks * scale), 0.0, True),
    )


@sick("exploding")
def residual_sums_without_scale(width: int, depth: int, batch: int, seed: int) -> Case:
    return Case(resnet(width, 4 * depth + 20, 1.0), *data(batch, seed))


@sick("exploding")
def fifty_layers_with_batchnorm(width: int, depth: int, batch: int, seed: int) -> Case:
    return Case(mlp(width, 50, nn.ReLU, 2.0, norm=nn.BatchNorm1d, linear_bias=False), *data(batch, seed))


# --- sick: units --------------------------------------------------------------------------------------------


@sick("dead units")
def relu_with_biases_of_minus_five(width: int, depth: int, batch: int, seed: int) -> Case:
    return Case(mlp(width, depth, nn.ReLU, 2.0, bias=-5.0), *data(batch, seed))


@sick("dead units")
def relu_behind_negative_weights(width: int, depth: int, batch: int, seed: int) -> Case:
    model = mlp(width, depth, nn.ReLU, 2.0)
    with torch.no_grad():
        model[2].weight.copy_(-abs(model[2].weight.array))
    return Case(model, *data(batch, seed))


@sick("saturation")
def tanh_with_large_weights(width: int, depth: int, batch: int, seed: int) -> Case:
    return Case(mlp(width, depth, nn.Tanh, 25.0), *data(batch, seed))


@sick("saturation")
def sigmoid_with_large_biases(width: int, depth: int, batch: int, seed: int) -> Case:
    return Case(mlp(width, depth, nn.Sigmoid, 16.0, bias=12.0), *data(batch, seed))


# --- sick: numbers ------------------------------------------------------------------------------------------


@sick("non-finite")
def float32_overflows(width: int, depth: int, batch: int, seed: int) -> Case:
    return Case(mlp(width, depth + 8, nn.ReLU, 1e10), *data(batch, seed))


@sick("non-finite")
def weights_are_nan(width: int, depth: int, batch: int, seed: int) -> Case:
    model = mlp(width, depth, nn.ReLU, 2.0)
    model[2].weight.data[0, 0] = math.nan
    return Case(model, *data(batch, seed))


@sick("non-finite")
def logarithm_of_zero(width: int, depth: int, batch: int, seed: int) -> Case:
    model = mlp(width, depth, nn.ReLU, 2.0)
    nn.init.normal_(model[-1].weight, std=200.0)
    x, y = data(batch, seed)

    def loss_fn(p: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return -p[np.arange(len(y)), y.numpy()].log().mean()

    return Case(nn.Sequential(*model, nn.Softmax(dim=-1)), x, y, loss_fn)


@sick("non-finite input")
def missing_values(width: int, depth: int, batch: int, seed: int) -> Case:
    x, y = data(batch, seed)
    x.array[1, 3] = math.nan
    return Case(mlp(width, depth, nn.ReLU, 2.0), x, y)


# --- sick: put together wrongly -----------------------------------------------------------------------------


@sick("unscaled features")
def features_of_unlike_sizes(width: int, depth: int, batch: int, seed: int) -> Case:
    x, y = data(batch, seed)
    sizes = 10 ** np.linspace(-1.5, 1.5, FEATURES, dtype=np.float32)
    return Case(mlp(width, depth, nn.ReLU, 2.0), torch.tensor(x.array * sizes), y)


@sick("unscaled features")
def features_far_from_zero(width: int, depth: int, batch: int, seed: int) -> Case:
    x, y = data(batch, seed)
    return Case(mlp(width, depth, nn.ReLU, 2.0), torch.tensor(x.array + 20), y)


@sick("unscaled features")
def features_up_to_255(width: int, depth: int, batch: int, seed: int) -> Case:
    x, y = data(batch, seed)
    return Case(mlp(width, depth, nn.ReLU, 2.0), torch.tensor(128 + 50 * x.array), y)


@sick("symmetric weights")
def weights_of_zero(width: int, depth: int, batch: int, seed: int) -> Case:
    model = mlp(width, depth)
    for p in model.parameters():
        nn.init.zeros_(p)
    return Case(model, *data(batch, seed))


@sick("symmetric weights")
def weights_of_one_value(width: int, depth: int, batch: int, seed: int) -> Case:
    model = mlp(width, depth, nn.Tanh)
    for p in model.parameters():
        nn.init.constant_(p, 1 / width)
    return Case(model, *data(batch, seed))


@sick("softmax twice")
def softmax_before_cross_entropy(width: int, depth: int, batch: int, seed: int) -> Case:
    return Case(nn.Sequential(*mlp(width, depth, nn.ReLU, 2.0), nn.Softmax(dim=-1)), *data(batch, seed))


@sick("batch too small for BatchNorm")
def batchnorm_over_two(width: int, depth: int, batch: int, seed: int) -> Case:
    return Case(mlp(width, depth, nn.ReLU, 2.0, norm=nn.BatchNorm1d, linear_bias=False), *data(2, seed))


@sick("bias before BatchNorm")
def bias_before_batchnorm(width: int, depth: int, batch: int, seed: int) -> Case:
    return Case(mlp(width, depth, nn.ReLU, 2.0, norm=nn.BatchNorm1d), *data(batch, seed))


class Detached(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.encoder, self.head = nn.Linear(FEATURES, width), nn.Linear(width, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.encoder(x).relu().detach())


@sick("disconnected parameters")
def graph_cut_by_detach(width: int, depth: int, batch: int, seed: int) -> Case:
    return Case(Detached(width), *data(batch, seed))


# --- sick: the loss, and steps ------------------------------------------------------------------------------


@sick("loss at chance")
def biases_outweigh_the_input(width: int, depth: int, batch: int, seed: int) -> Case:
    model = mlp(width, 1, nn.Tanh, 1e-6)
    nn.init.uniform_(model[0].bias, -1, 1)
    return Case(model, *data(batch, seed))


@sick("loss above chance")
def output_layer_too_large(width: int, depth: int, batch: int, seed: int) -> Case:
    model = mlp(width, depth, nn.ReLU, 2.0)
    nn.init.normal_(model[-1].weight, std=200 / math.sqrt(width))
    return Case(model, *data(batch, seed))


@sick("step too large")
def learning_rate_of_ten(width: int, depth: int, batch: int, seed: int) -> Case:
    model = mlp(width, depth, nn.ReLU, 2.0)
    return Case(model, *data(batch, seed), optimizer=torch.optim.SGD(model.parameters(), lr=10.0))


@sick("step too small")
def learning_rate_of_a_hundred_millionth(width: int, depth: int, batch: int, seed: int) -> Case:
    model = mlp(width, depth, nn.ReLU, 2.0)
    return Case(model, *data(batch, seed), optimizer=torch.optim.SGD(model.parameters(), lr=1e-8))


# --- sick: through time -------------------------------------------------------------------------------------


class Last(nn.Module):
    """A recurrent layer, and a linear one on what it says last."""

    def __init__(self, rnn: nn.Module) -> None:
        super().__init__()
        self.rnn, self.head = rnn, nn.Linear(rnn.hidden_size, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.rnn(x)[0][-1])


def sequences(batch: int, seed: int, length: int) -> tuple[torch.Tensor, torch.Tensor]:
    x = np.random.default_rng(seed).standard_normal((length, batch, 3)).astype(np.float32)
    return torch.tensor(x), torch.tensor((x[0, :, 0] > 0).astype(int))


@sick("vanishing through time")
def rnn_with_default_weights(width: int, depth: int, batch: int, seed: int) -> Case:
    return Case(Last(nn.RNN(3, width)), *sequences(batch, seed, 60))


@sick("vanishing through time")
def lstm_that_forgets(width: int, depth: int, batch: int, seed: int) -> Case:
    return Case(Last(nn.LSTM(3, width)), *sequences(batch, seed, 40))


@sick("exploding through time")
def rnn_with_large_weights(width: int, depth: int, batch: int, seed: int) -> Case:
    rnn = nn.RNN(3, width, nonlinearity="relu")
    nn.init.orthogonal_(rnn.weight_hh_l0, gain=2.0)
    return Case(Last(rnn), *sequences(batch, seed, 40))


# --- healthy ------------------------------------------------------------------------------------------------


@healthy
def he_relu(width: int, depth: int, batch: int, seed: int) -> Case:
    model = mlp(width, depth, nn.ReLU, 2.0)
    return Case(model, *data(batch, seed), optimizer=torch.optim.SGD(model.parameters(), lr=0.01))


@healthy
def he_relu_twenty_layers(width: int, depth: int, batch: int, seed: int) -> Case:
    return Case(mlp(max(width, 64), 20, nn.ReLU, 2.0), *data(batch, seed))


@healthy
def shallow_with_default_weights(width: int, depth: int, batch: int, seed: int) -> Case:
    model = mlp(width, 2, nn.ReLU)
    return Case(model, *data(batch, seed), optimizer=torch.optim.Adam(model.parameters(), lr=1e-3))


@healthy
def orthogonal_tanh_forty_layers(width: int, depth: int, batch: int, seed: int) -> Case:
    model = mlp(width, 40, nn.Tanh, 1.0)
    for p in model.parameters():
        if p.ndim > 1:
            nn.init.orthogonal_(p)
    return Case(model, *data(batch, seed))


@healthy
def sigmoid_saturated_and_critical(width: int, depth: int, batch: int, seed: int) -> Case:
    return Case(mlp(max(width, 64), depth, nn.Sigmoid, 103.0), *data(batch, seed))


@healthy
def batchnorm_relu(width: int, depth: int, batch: int, seed: int) -> Case:
    model = mlp(width, depth, nn.ReLU, 2.0, norm=nn.BatchNorm1d, linear_bias=False)
    return Case(model, *data(batch, seed), optimizer=torch.optim.SGD(model.parameters(), lr=0.1))


@healthy
def batchnorm_relu_fifteen_layers(width: int, depth: int, batch: int, seed: int) -> Case:
    """Its gradient grows to some sixteen times its size: little matter."""
    model = mlp(max(width, 32), 15, nn.ReLU, 2.0, norm=nn.BatchNorm1d, linear_bias=False)
    return Case(model, *data(max(batch, 64), seed))


@healthy
def four_layers_with_default_weights(width: int, depth: int, batch: int, seed: int) -> Case:
    """Its gradient shrinks to about 0.07 of its size: little matter."""
    return Case(mlp(width, 4, nn.ReLU), *data(batch, seed))


@healthy
def layernorm_gelu(width: int, depth: int, batch: int, seed: int) -> Case:
    return Case(mlp(width, depth, nn.GELU, 2.0, norm=nn.LayerNorm), *data(batch, seed))


@healthy
def residual_sums_scaled(width: int, depth: int, batch: int, seed: int) -> Case:
    blocks = 4 * depth + 20
    return Case(resnet(width, blocks, 1 / math.sqrt(blocks)), *data(batch, seed))


@healthy
def residual_branches_from_zero(width: int, depth: int, batch: int, seed: int) -> Case:
    return Case(resnet(width, 4 * depth, 0.0), *data(batch, seed))


@healthy
def nothing_but_branches_from_zero(width: int, depth: int, batch: int, seed: int) -> Case:
    """No gradient reaches the first layer of a branch yet; the way beside it is open."""
    branches = (Residual(FEATURES, 0.0) for _ in range(depth))
    return Case(nn.Sequential(*branches, _linear(FEATURES, CLASSES, 1.0, 0.0, True)), *data(batch, seed))


@healthy
def output_layer_of_zero(width: int, depth: int, batch: int, seed: int) -> Case:
    model = mlp(width, depth, nn.ReLU, 2.0)
    nn.init.zeros_(model[-1].weight)
    return Case(model, *data(batch, seed))


@healthy
def elu_regression(width: int, depth: int, batch: int, seed: int) -> Case:
    x, _ = data(batch, seed)
    y = torch.tensor(np.tanh(x.array[:, :CLASSES]))
    return Case(mlp(width, depth, nn.ELU, 1.0), x, y, F.mse_loss)


@healthy
def dropout_leaky_relu(width: int, depth: int, batch: int, seed: int) -> Case:
    model = mlp(width, depth, lambda: nn.Sequential(nn.LeakyReLU(0.1), nn.Dropout(0.2)), 2.0)
    return Case(model, *data(batch, seed))


@healthy
def lstm_that_remembers(width: int, depth: int, batch: int, seed: int) -> Case:
    return Case(Last(nn.LSTM(3, width, forget_bias=3.0)), *sequences(batch, seed, 40))


@healthy
def rnn_as_the_identity(width: int, depth: int, batch: int, seed: int) -> Case:
    rnn = nn.RNN(3, width, nonlinearity="relu")
    nn.init.eye_(rnn.weight_hh_l0)
    return Case(Last(rnn), *sequences(batch, seed, 40))
