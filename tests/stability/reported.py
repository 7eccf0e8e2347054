"""Set-ups that people report in public threads, rebuilt small: what is wrong with them, and sound ones.

A set-up is made from a seed: the model, a batch, the loss and the optimizer as its author has them. `names`
are the pathologies that are right to give; where the finding matters more than its name, `says` is a pattern
that its text must match.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from zoo import Case

import tinygrad_stab as torch
from tinygrad_stab import nn
from tinygrad_stab.nn import functional as F

Maker = Callable[[int], Case]


class SetUp(NamedTuple):
    make: Maker
    names: tuple[str, ...]
    says: str | None
    harmless: bool  # it trains all the same: silence is no mistake

    def is_named_by(self, finding: Any) -> bool:
        text = " ".join([finding.pathology, finding.where, finding.evidence, finding.cause, finding.fix])
        return finding.pathology in self.names or bool(
            self.says and re.search(self.says, text, re.IGNORECASE)
        )


REPORTED: dict[str, SetUp] = {}
SOUND: dict[str, Maker] = {}


def reported(*names: str, says: str | None = None, harmless: bool = False) -> Callable[[Maker], Maker]:
    def enter(make: Maker) -> Maker:
        REPORTED[make.__name__] = SetUp(make, names, says, harmless)
        return make

    return enter


def sound(make: Maker) -> Maker:
    SOUND[make.__name__] = make
    return make


# --- data ---------------------------------------------------------------------------------------------------

_DIGITS = np.load(Path(__file__).parents[2] / "demos" / "data" / "digits.npz")


def pictures(seed: int, n: int = 64, scale: float = 1 / 16) -> tuple[torch.Tensor, torch.Tensor]:
    """Digits (n, 8, 8) of values between 0 and 16 · scale."""
    picked = np.random.default_rng(seed).choice(len(_DIGITS["x"]), n, replace=False)
    x, y = _DIGITS["x"][picked], _DIGITS["y"][picked]
    return torch.tensor((x * scale).astype(np.float32)), torch.tensor(y.astype(np.int64))


def flat(seed: int, n: int = 64, scale: float = 1 / 16) -> tuple[torch.Tensor, torch.Tensor]:
    x, y = pictures(seed, n, scale)
    return x.reshape(n, 64), y


def images(seed: int, n: int = 32, scale: float = 1 / 16) -> tuple[torch.Tensor, torch.Tensor]:
    x, y = pictures(seed, n, scale)
    return x.reshape(n, 1, 8, 8), y


def table(seed: int, n: int = 64, features: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    """Gaussian features and a smooth target (n, 1) of size one."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, features)).astype(np.float32)
    y = np.tanh(x[:, :1]) + 0.5 * x[:, 1:2]
    return torch.tensor(x), torch.tensor(y)


def classes(seed: int, n: int = 64, features: int = 20, k: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, features)).astype(np.float32)
    return torch.tensor(x), torch.tensor(
        (x @ np.random.default_rng(0).standard_normal((features, k))).argmax(1)
    )


def series(seed: int, n: int, length: int, features: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """(n, T, features), and whether its first number is positive."""
    x = np.random.default_rng(seed).standard_normal((n, length, features)).astype(np.float32)
    return x, (x[:, 0, 0] > 0).astype(np.int64)


def mlp(*sizes: int, act: Callable[[], nn.Module] = nn.ReLU) -> nn.Sequential:
    modules: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes[:-1]):
        modules += [nn.Linear(n_in, n_out), act()]
    return nn.Sequential(*modules, nn.Linear(sizes[-2], sizes[-1]))


def sgd(model: nn.Module, lr: float = 0.05, **options: Any) -> Any:
    return torch.optim.SGD(model.parameters(), lr=lr, **options)


def adam(model: nn.Module, lr: float = 1e-3) -> Any:
    return torch.optim.Adam(model.parameters(), lr=lr)


def trained(case: Case, steps: int, batches: Callable[[int], Any] | None = None) -> Case:
    for k in range(steps):
        x, y = (case.x, case.y) if batches is None else batches(k)
        case.optimizer.zero_grad()
        with np.errstate(all="ignore"):
            case.loss_fn(case.model(x), y).backward()
            case.optimizer.step()
    return case


class Net(nn.Module):
    """A model that is a function of its layers and x."""

    def __init__(self, compute: Callable[[Any, torch.Tensor], Any], **layers: Any) -> None:
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, layer)
        self.compute = compute

    def forward(self, x: torch.Tensor) -> Any:
        return self.compute(self, x)


# --- signal and gradient ------------------------------------------------------------------------------------


@reported("vanishing")
def deep_sigmoid(seed: int) -> Case:
    model = mlp(64, *[64] * 10, 10, act=nn.Sigmoid)
    return Case(model, *flat(seed), optimizer=sgd(model, 0.1))


@reported("vanishing")
def std_of_a_hundredth(seed: int) -> Case:
    model = mlp(64, *[64] * 8, 10)
    for p in model.parameters():
        if p.ndim > 1:
            nn.init.normal_(p, std=0.01)
        else:
            nn.init.zeros_(p)
    return Case(model, *flat(seed), optimizer=sgd(model, 0.1))


class ConvBlock(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.a, self.b = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
        for conv in (self.a, self.b):
            nn.init.kaiming_normal_(conv.weight)
            nn.init.zeros_(conv.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(x + self.b(F.relu(self.a(x))))


@reported("exploding", "non-finite")
def conv_resnet_without_norm(seed: int) -> Case:
    blocks = [ConvBlock(8) for _ in range(12)]
    model = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), *blocks, nn.Flatten(), nn.Linear(512, 10))
    return Case(model, *images(seed), optimizer=sgd(model, 0.01))


@reported("saturation", "loss above chance", "vanishing", harmless=True)
def sigmoid_net_of_unit_normals(seed: int) -> Case:
    model = mlp(64, 30, 10, act=nn.Sigmoid)
    for p in model.parameters():
        nn.init.normal_(p)
    return Case(model, *flat(seed), optimizer=sgd(model, 0.5))


# --- through time -------------------------------------------------------------------------------------------


def over_time(self: Any, x: torch.Tensor) -> torch.Tensor:
    """x (n, T, d), one step of a cell after the other."""
    state = None
    for t in range(x.shape[1]):
        state = self.cell(x[:, t], state)
    return self.head(state[0] if isinstance(state, tuple) else state)


@reported("vanishing through time", "vanishing", harmless=True)
def lstm_cell_loop(seed: int) -> Case:
    model = Net(over_time, cell=nn.LSTMCell(3, 32), head=nn.Linear(32, 2))
    x, y = series(seed, 32, 50)
    return Case(model, torch.tensor(x), torch.tensor(y), optimizer=adam(model, 1e-2))


@reported("exploding through time", "exploding", "non-finite")
def growing_relu_rnn(seed: int) -> Case:
    model = Net(
        lambda self, x: self.head(self.rnn(x)[0][:, -1]),
        rnn=nn.RNN(3, 32, nonlinearity="relu", batch_first=True), head=nn.Linear(32, 2),
    )  # fmt: skip
    with torch.no_grad():
        model.rnn.weight_hh_l0.copy_(1.3 * np.eye(32, dtype=np.float32))
    x, y = series(seed, 32, 60)
    return Case(model, torch.tensor(x), torch.tensor(y), optimizer=sgd(model, 0.01))


@reported(
    says=r"batch_first|other samples|one another|mix(es|ed|ing)?\b.*sampl|sampl.*mix|across (the )?(batch|"
    r"samples)"
    r"|samples? .*depend"
)
def batch_taken_for_time(seed: int) -> Case:
    model = Net(lambda self, x: self.head(self.rnn(x)[0][:, -1]), rnn=nn.LSTM(3, 16), head=nn.Linear(16, 2))
    x, y = series(seed, 32, 12)
    return Case(model, torch.tensor(x), torch.tensor(y), optimizer=adam(model, 1e-2))


# --- units --------------------------------------------------------------------------------------------------


@reported("dead units")
def killed_by_large_steps(seed: int) -> Case:
    model = mlp(64, 32, 32, 10)
    x, y = flat(seed)
    trained(Case(model, x, y, optimizer=sgd(model, 20.0)), 3)
    return Case(model, x, y, optimizer=sgd(model, 0.01))


RANGE = (
    r"(output|last|final)[^.]*(activation|relu|sigmoid|range|bounded|never|cannot)"
    r"|targets?[^.]*(negative|below|above|outside|range|reach)|range[^.]*target"
)


@reported(says=RANGE)
def sigmoid_on_large_targets(seed: int) -> Case:
    model = nn.Sequential(*mlp(8, 32, 1), nn.Sigmoid())
    x, y = table(seed)
    y = torch.tensor(50 + 50 * np.tanh(y.array))
    return Case(model, x, y, F.mse_loss, adam(model, 1e-2))


# --- features -----------------------------------------------------------------------------------------------


@reported("unscaled features", "saturation")
def raw_inputs_to_tanh(seed: int) -> Case:
    model = mlp(8, 32, 32, 1, act=nn.Tanh)
    x, y = table(seed)
    return Case(model, 500 * x, y, F.mse_loss, sgd(model, 0.01))


def convnet(
    channels: int = 1, side: int = 8, k: int = 10, bias: bool = True, norm: bool = False
) -> nn.Sequential:
    modules: list[nn.Module] = []
    for n_in, n_out in ((channels, 8), (8, 16)):
        modules += [nn.Conv2d(n_in, n_out, 3, padding=1, bias=bias)]
        modules += [nn.BatchNorm2d(n_out)] if norm else []
        modules += [nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*modules, nn.Flatten(), nn.Linear(16 * (side // 4) ** 2, k))


@reported("unscaled features")
def pixels_to_255(seed: int) -> Case:
    model = convnet()
    return Case(model, *images(seed, scale=255 / 16), optimizer=sgd(model, 0.05))


@reported("unscaled features")
def table_of_mixed_units(seed: int) -> Case:
    x, y = table(seed)
    rng = np.random.default_rng(seed + 100)
    raw = x.array.copy()
    raw[:, 6] = 52_000 + 21_000 * rng.standard_normal(64)
    raw[:, 7] = rng.integers(1950, 2020, 64)
    model = mlp(8, 32, 32, 1)
    return Case(model, torch.tensor(raw), y, F.mse_loss, adam(model))


@reported("non-finite input")
def logarithm_of_counts(seed: int) -> Case:
    x, y = table(seed)
    with np.errstate(divide="ignore"):
        x.array[:, 3] = np.log(np.random.default_rng(seed).poisson(2.0, 64))
    model = mlp(8, 32, 1)
    return Case(model, x, y, F.mse_loss, adam(model))


# --- the output, the loss and the targets -------------------------------------------------------------------


@reported("softmax twice", harmless=True)
def softmax_in_forward(seed: int) -> Case:
    model = Net(lambda self, x: F.softmax(self.body(x), dim=1), body=mlp(64, 64, 10))
    return Case(model, *flat(seed), optimizer=adam(model))


@reported("sigmoid twice", harmless=True)
def sigmoid_twice(seed: int) -> Case:
    model = nn.Sequential(*mlp(8, 32, 1), nn.Sigmoid())
    x, y = table(seed)
    y = torch.tensor((y.array > 0).astype(np.float32))
    return Case(model, x, y, F.binary_cross_entropy_with_logits, adam(model))


@reported("disconnected parameters", "constant output")
def softmax_of_one_output(seed: int) -> Case:
    model = nn.Sequential(*mlp(8, 32, 1), nn.Softmax(dim=1))
    x, y = table(seed)
    y = torch.tensor((y.array > 0).astype(np.float32))
    return Case(model, x, y, F.binary_cross_entropy, adam(model))


@reported("non-finite")
def root_of_zero_distance(seed: int) -> Case:
    def distance(self: Any, x: torch.Tensor) -> torch.Tensor:
        a, b = self.body(x[:, :8]), self.body(x[:, 8:])
        return ((a - b) ** 2).sum(1).sqrt()

    model = Net(distance, body=mlp(8, 32, 4))
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((64, 16)).astype(np.float32)
    y = (rng.random(64) < 0.5).astype(np.float32)
    x[y == 0, 8:] = x[y == 0, :8]
    return Case(model, torch.tensor(x), torch.tensor(y), F.mse_loss, sgd(model, 0.01))


SIZE = r"targets?[^.]*(scale|size|large|standard|normali|mean|far|unit)|y = \(y"


@reported(says=SIZE)
def raw_house_prices(seed: int) -> Case:
    model = mlp(8, 32, 1)
    x, y = table(seed)
    y = torch.tensor(180_000 + 80_000 * (y.array - y.array.mean()) / y.array.std())
    return Case(model, x, y, F.mse_loss, sgd(model, 0.1))


@reported(says=r"broadcast|shape")
def own_mse_broadcasts(seed: int) -> Case:
    model = mlp(8, 32, 1)
    x, y = table(seed)
    return Case(model, x, y[:, 0].detach(), lambda p, y: ((p - y) ** 2).mean(), adam(model))


# --- how it is put together ---------------------------------------------------------------------------------


@reported(
    says=r"ModuleList|plain (Python )?list|not registered|unregistered|parameters\(\) (lacks|does not)",
    harmless=True,
)
def layers_in_a_list(seed: int) -> Case:
    class Listed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(64, 32)
            self.hidden = [nn.Linear(32, 32) for _ in range(3)]
            self.head = nn.Linear(32, 10)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = F.relu(self.first(x))
            for layer in self.hidden:
                x = F.relu(layer(x))
            return self.head(x)

    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns; who has read that needs no diagnosis
        model = Listed()
    return Case(model, *flat(seed), optimizer=adam(model))


@reported(
    says=r"optimizer[^.]*(does not|lacks|other|not (hold|contain|know|among|have)|no parameter|missing|"
    r"another)"
    r"|not (in|given to|among)[^.]*optimizer"
)
def optimizer_of_the_head_only(seed: int) -> Case:
    model = mlp(64, 64, 64, 10)
    return Case(model, *flat(seed), optimizer=torch.optim.Adam(model[-1].parameters(), lr=1e-3))


@reported("disconnected parameters")
def forward_under_no_grad(seed: int) -> Case:
    def half(self: Any, x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            x = F.relu(self.a(x))
        return self.c(F.relu(self.b(x)))

    model = Net(half, a=nn.Linear(64, 32), b=nn.Linear(32, 32), c=nn.Linear(32, 10))
    return Case(model, *flat(seed), optimizer=adam(model))


@reported("disconnected parameters", harmless=True)
def forgotten_layer(seed: int) -> Case:
    model = Net(
        lambda self, x: self.c(F.relu(self.a(x))),
        a=nn.Linear(64, 32),
        b=nn.Linear(32, 32),
        c=nn.Linear(32, 10),
    )
    return Case(model, *flat(seed), optimizer=adam(model))


@reported("step too large")
def adam_with_lr_one(seed: int) -> Case:
    model = mlp(64, 64, 64, 10)
    return Case(model, *flat(seed), optimizer=adam(model, 1.0))


@reported("step too small")
def sgd_with_lr_1e5(seed: int) -> Case:
    model = mlp(64, 64, 64, 10)
    return Case(model, *flat(seed), optimizer=sgd(model, 1e-5))


@reported(says=r"running|eval\(\)|evaluation mode|momentum")
def stale_running_statistics(seed: int) -> Case:
    model = nn.Sequential(
        nn.Linear(64, 32, bias=False), nn.BatchNorm1d(32, momentum=1e-4), nn.ReLU(),
        nn.Linear(32, 32, bias=False), nn.BatchNorm1d(32, momentum=1e-4), nn.ReLU(), nn.Linear(32, 10),
    )  # fmt: skip
    case = Case(model, *flat(seed), optimizer=adam(model, 1e-2))
    return trained(case, 60, lambda k: flat(1000 * seed + k))


@reported("bias before BatchNorm", harmless=True)
def conv_bias_before_batchnorm(seed: int) -> Case:
    model = convnet(norm=True)
    return Case(model, *images(seed), optimizer=sgd(model, 0.05))


@reported(says=r"activation|non-?linear")
def no_activation(seed: int) -> Case:
    model = nn.Sequential(nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 10))
    return Case(model, *flat(seed), optimizer=adam(model))


# --- sound --------------------------------------------------------------------------------------------------


@sound
def sound_mlp_on_pictures(seed: int) -> Case:
    model = mlp(64, 64, 64, 10)
    return Case(model, *flat(seed), optimizer=adam(model))


@sound
def sound_lstm_28_rows(seed: int) -> Case:
    model = Net(
        lambda self, x: self.head(self.rnn(x)[0][:, -1]),
        rnn=nn.LSTM(28, 32, batch_first=True),
        head=nn.Linear(32, 10),
    )
    x, y = pictures(seed, 32)
    rows = np.repeat(np.repeat(x.array, 4, 1), 4, 2)[:, 2:30, 2:30]
    return Case(model, torch.tensor(rows), y, optimizer=adam(model))


class PreNorm(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.up, self.down = (
            nn.LayerNorm(width),
            nn.Linear(width, 4 * width),
            nn.Linear(4 * width, width),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.down(F.gelu(self.up(self.norm(x))))


@sound
def sound_prenorm_blocks(seed: int) -> Case:
    model = nn.Sequential(
        nn.Linear(64, 32), *(PreNorm(32) for _ in range(6)), nn.LayerNorm(32), nn.Linear(32, 10)
    )
    return Case(model, *flat(seed), optimizer=adam(model))


@sound
def sound_layernorm_silu(seed: int) -> Case:
    modules: list[nn.Module] = []
    for n_in in (64, 32, 32, 32):
        modules += [nn.Linear(n_in, 32), nn.LayerNorm(32), nn.SiLU()]
    model = nn.Sequential(*modules, nn.Linear(32, 10))
    return Case(model, *flat(seed), optimizer=adam(model, 3e-3))


@sound
def sound_regression_of_size_100(seed: int) -> Case:
    model = mlp(8, 32, 32, 1)
    x, y = table(seed)
    return Case(model, x, 100 * y, F.mse_loss, adam(model, 1e-2))


@sound
def sound_binary(seed: int) -> Case:
    model = nn.Sequential(*mlp(8, 32, 1), nn.Sigmoid())
    x, y = table(seed)
    return Case(
        model, x, torch.tensor((y.array > 0).astype(np.float32)), F.binary_cross_entropy, adam(model, 1e-2)
    )


@sound
def sound_autoencoder(seed: int) -> Case:
    model = nn.Sequential(*mlp(64, 32, 8, 32, 64), nn.Sigmoid())
    x, _ = flat(seed)
    return Case(model, x, x, F.binary_cross_entropy, adam(model))


@sound
def sound_dropout(seed: int) -> Case:
    model = nn.Sequential(
        nn.Linear(64, 64),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(64, 64),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(64, 10),
    )
    return Case(model, *flat(seed), optimizer=adam(model))


@sound
def sound_softmax_regression(seed: int) -> Case:
    model = nn.Linear(64, 10)
    return Case(model, *flat(seed), optimizer=sgd(model, 0.1))


class Attention(nn.Module):
    def __init__(self, width: int, heads: int = 2) -> None:
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))
        self.heads = heads

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, T, d = x.shape
        q, k, v = (
            f(x).reshape(n, T, self.heads, d // self.heads).transpose(1, 2) for f in (self.q, self.k, self.v)
        )
        weights = F.softmax(q @ k.transpose(2, 3) / math.sqrt(d // self.heads), dim=-1)
        return self.out((weights @ v).transpose(1, 2).reshape(n, T, d))


@sound
def sound_attention(seed: int) -> Case:
    def compute(self: Any, x: torch.Tensor) -> torch.Tensor:
        h = self.embed(x) + self.place
        h = h + self.attention(self.norm1(h))
        h = h + self.mlp(self.norm2(h))
        return self.head(h.mean(1))

    model = Net(
        compute, embed=nn.Linear(8, 16), place=nn.Parameter(0.02 * torch.randn(8, 16)),
        attention=Attention(16),
        norm1=nn.LayerNorm(16), norm2=nn.LayerNorm(16), mlp=mlp(16, 32, 16, act=nn.GELU), head=nn.Linear(16,
        10),
    )  # fmt: skip
    return Case(model, *pictures(seed), optimizer=adam(model))


@sound
def sound_tied_weights(seed: int) -> Case:
    def compute(self: Any, x: torch.Tensor) -> torch.Tensor:
        h = F.relu(self.encoder(x))
        return h @ self.encoder.weight + self.bias

    model = Net(compute, encoder=nn.Linear(64, 32), bias=nn.Parameter(torch.zeros(64)))
    x, _ = flat(seed)
    return Case(model, x, x, F.mse_loss, adam(model))


@sound
def sound_frozen_body(seed: int) -> Case:
    model = mlp(64, 64, 64, 10)
    for p in model[:-1].parameters():
        p.requires_grad_(False)
    return Case(model, *flat(seed), optimizer=torch.optim.Adam(model[-1].parameters(), lr=1e-3))


@sound
def sound_single_sample(seed: int) -> Case:
    model = mlp(64, 32, 10)
    return Case(model, *flat(seed, 1), optimizer=sgd(model, 0.05))


@sound
def sound_short_rnn(seed: int) -> Case:
    model = Net(
        lambda self, x: self.head(self.rnn(x)[0][:, -1]),
        rnn=nn.RNN(8, 32, batch_first=True),
        head=nn.Linear(32, 10),
    )
    return Case(model, *pictures(seed), optimizer=adam(model))
