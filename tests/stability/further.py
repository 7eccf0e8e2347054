"""More set-ups in the style of public threads, written before the detectors were tried on them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import reported as kept
from reported import (
    RANGE,
    SIZE,
    Attention,
    Net,
    adam,
    classes,
    convnet,
    flat,
    images,
    mlp,
    over_time,
    pictures,
    series,
    sgd,
    table,
    trained,
)  # fmt: skip
from zoo import Case

import tinygrad_stab as torch
from tinygrad_stab import nn
from tinygrad_stab.nn import functional as F

REPORTED: dict[str, kept.SetUp] = {}
SOUND: dict[str, kept.Maker] = {}


def reported(*names: str, says: str | None = None, harmless: bool = False) -> Any:
    def enter(make: kept.Maker) -> kept.Maker:
        REPORTED[make.__name__] = kept.SetUp(make, names, says, harmless)
        return make

    return enter


def sound(make: kept.Maker) -> kept.Maker:
    SOUND[make.__name__] = make
    return make


def binary(seed: int) -> tuple[Any, Any]:
    x, y = table(seed)
    return x, torch.tensor((y.array > 0).astype(np.float32))


# --- sick ---------------------------------------------------------------------------------------------------


@reported(says=SIZE)
def targets_of_300(seed: int) -> Case:
    model = mlp(8, 32, 1)
    x, y = table(seed)
    return Case(model, x, 300 + 3 * y, F.mse_loss, sgd(model, 1e-3))


@reported(says=RANGE)
def relu_on_the_output(seed: int) -> Case:
    model = nn.Sequential(*mlp(8, 32, 1), nn.ReLU())
    x, y = table(seed)
    return Case(model, x, y, F.mse_loss, adam(model, 1e-2))


@reported(says=RANGE)
def relu_on_logits(seed: int) -> Case:
    model = Net(lambda self, x: F.relu(self.b(F.relu(self.a(x)))), a=nn.Linear(64, 32), b=nn.Linear(32, 10))
    return Case(model, *flat(seed), optimizer=adam(model))


@reported(says=RANGE)
def tanh_on_large_targets(seed: int) -> Case:
    model = Net(lambda self, x: torch.tanh(self.body(x)), body=mlp(8, 32, 1))
    x, y = table(seed)
    return Case(model, x, 5 + 3 * y, F.mse_loss, adam(model, 1e-2))


@reported("missing logarithm", says="logarithm|log_softmax|nll")
def nll_of_probabilities(seed: int) -> Case:
    model = nn.Sequential(*mlp(64, 32, 10), nn.Softmax(dim=1))
    return Case(model, *flat(seed), F.nll_loss, adam(model))


@reported("missing logarithm", says="logarithm|log_softmax|nll")
def nll_of_scores(seed: int) -> Case:
    model = mlp(64, 32, 10)
    return Case(model, *flat(seed), F.nll_loss, adam(model))


@reported("softmax twice", harmless=True)
def softmax_module_before_criterion(seed: int) -> Case:
    model = nn.Sequential(nn.Linear(20, 64), nn.Tanh(), nn.Linear(64, 5), nn.Softmax(dim=-1))
    return Case(model, *classes(seed), nn.CrossEntropyLoss(), sgd(model, 0.1))


@reported("output range", says=RANGE, harmless=True)
def sigmoid_before_cross_entropy(seed: int) -> Case:
    model = nn.Sequential(*mlp(64, 32, 10), nn.Sigmoid())
    return Case(model, *flat(seed), optimizer=adam(model))


@reported("step too large")
def adam_with_lr_ten(seed: int) -> Case:
    model = mlp(20, 32, 32, 5, act=nn.Tanh)
    return Case(model, *classes(seed), optimizer=adam(model, 10.0))


@reported("step too large")
def sgd_with_lr_five(seed: int) -> Case:
    model = mlp(8, 32, 32, 1)
    return Case(model, *table(seed), F.mse_loss, sgd(model, 5.0))


@reported("step too small")
def adam_with_lr_1e_minus_7(seed: int) -> Case:
    model = mlp(64, 64, 10)
    return Case(model, *flat(seed), optimizer=adam(model, 1e-7))


@reported(says=r"optimizer[^.]*another|other model")
def optimizer_of_another_model(seed: int) -> Case:
    model, other = mlp(64, 32, 10), mlp(64, 32, 10)
    return Case(model, *flat(seed), optimizer=adam(other))


@reported("weight decay too large", says="decay")
def weight_decay_of_five(seed: int) -> Case:
    model = mlp(64, 64, 10)
    return Case(model, *flat(seed), optimizer=sgd(model, 0.05, weight_decay=5.0))


@reported(says="mix|other samples|batch")
def view_tears_samples_apart(seed: int) -> Case:
    def compute(self: Any, x: torch.Tensor) -> torch.Tensor:
        h = F.relu(self.conv(x))  # (n, 4, 8, 8)
        return self.head(h.transpose(0, 1).reshape(len(x), -1))

    model = Net(compute, conv=nn.Conv2d(1, 4, 3, padding=1), head=nn.Linear(256, 10))
    return Case(model, *images(seed), optimizer=adam(model))


@reported("softmax twice", says="mix|other samples|softmax.*dim")
def softmax_over_the_batch(seed: int) -> Case:
    model = Net(lambda self, x: F.softmax(self.body(x), dim=0), body=mlp(64, 32, 10))
    return Case(model, *flat(seed), optimizer=adam(model))


@reported(says="mix|other samples")
def attention_over_the_batch(seed: int) -> Case:
    def compute(self: Any, x: torch.Tensor) -> torch.Tensor:
        q, k, v = self.q(x), self.k(x), self.v(x)
        return self.head(F.softmax(q @ k.transpose(0, 1) / 4, dim=-1) @ v)

    model = Net(compute, q=nn.Linear(20, 16), k=nn.Linear(20, 16), v=nn.Linear(20, 16), head=nn.Linear(16, 5))
    return Case(model, *classes(seed), optimizer=adam(model))


@reported(
    "normalization of single values", "vanishing", "constant output", "loss at chance", says="GroupNorm"
)
def group_norm_of_ones(seed: int) -> Case:
    model = nn.Sequential(nn.Linear(20, 16), nn.GroupNorm(16, 16), nn.ReLU(), nn.Linear(16, 5))
    return Case(model, *classes(seed), optimizer=adam(model))


@reported("batch too small for BatchNorm")
def batchnorm_on_single_pixels(seed: int) -> Case:
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.AvgPool2d(8), nn.Conv2d(8, 16, 1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(), nn.Flatten(), nn.Linear(16, 10),
    )  # fmt: skip
    return Case(model, *images(seed, 2), optimizer=adam(model))


@reported("dropout too strong", says="dropout|Dropout")
def dropout_of_point_nine(seed: int) -> Case:
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.9), nn.Linear(64, 10))
    return Case(model, *flat(seed), optimizer=adam(model))


@reported("unscaled features")
def prices_into_an_lstm(seed: int) -> Case:
    model = Net(
        lambda self, x: self.head(self.rnn(x)[0][:, -1]),
        rnn=nn.LSTM(1, 16, batch_first=True),
        head=nn.Linear(16, 1),
    )
    rng = np.random.default_rng(seed)
    x = 150 + np.cumsum(rng.standard_normal((32, 20, 1)), axis=1)
    y = (x[:, -1] - x[:, -2]) / 2
    return Case(
        model, torch.tensor(x.astype(np.float32)), torch.tensor(y.astype(np.float32)), F.mse_loss, adam(model)
    )


@reported("unscaled features")
def pixels_flattened_inside(seed: int) -> Case:
    model = Net(lambda self, x: self.body(x.reshape(len(x), -1)), body=mlp(64, 32, 10))
    return Case(model, *images(seed, 64, 255 / 16), optimizer=sgd(model, 0.1))


@reported("unscaled features")
def scaled_twice(seed: int) -> Case:
    model = mlp(64, 64, 10)
    return Case(model, *flat(seed, 64, 1 / 16 / 255), optimizer=sgd(model, 0.05))


@reported("constant input", says="black|constant|the same|all of")
def black_pictures(seed: int) -> Case:
    model = convnet()
    x, y = images(seed)
    return Case(model, torch.zeros(*x.shape), y, optimizer=adam(model))


@reported("single label", says="label")
def sorted_labels(seed: int) -> Case:
    model = mlp(64, 32, 10)
    x, _ = flat(seed)
    return Case(model, x, torch.zeros(64).long(), optimizer=adam(model))


@reported("class imbalance", says="imbalance|frequent|same label")
def one_in_a_hundred(seed: int) -> Case:
    model = mlp(8, 32, 2)
    x, _ = table(seed, 200)
    y = np.zeros(200, dtype=np.int64)
    y[:3] = 1
    return Case(model, x, torch.tensor(y), optimizer=adam(model))


@reported("unregistered parameters", says="Parameter|registered")
def weight_is_no_parameter(seed: int) -> Case:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Linear(64, 32)
            self.W = (0.1 * torch.randn(32, 10)).requires_grad_()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.relu(self.a(x)) @ self.W

    model = Own()
    return Case(model, *flat(seed), optimizer=adam(model))


@reported("disconnected parameters")
def detached_encoder(seed: int) -> Case:
    model = Net(lambda self, x: self.b(F.relu(self.a(x)).detach()), a=nn.Linear(64, 32), b=nn.Linear(32, 10))
    return Case(model, *flat(seed), optimizer=adam(model))


@reported(says="activation|non-?linear")
def convs_without_activation(seed: int) -> Case:
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1), nn.Flatten(), nn.Linear(512, 10)
    )
    return Case(model, *images(seed), optimizer=adam(model))


@reported("vanishing through time", "vanishing")
def rnn_of_linear_layers(seed: int) -> Case:
    def compute(self: Any, x: torch.Tensor) -> torch.Tensor:
        h = torch.zeros(len(x), 32)
        for t in range(x.shape[1]):
            h = torch.tanh(self.inp(x[:, t]) + self.rec(h))
        return self.head(h)

    model = Net(compute, inp=nn.Linear(3, 32), rec=nn.Linear(32, 32), head=nn.Linear(32, 2))
    x, y = series(seed, 32, 60)
    return Case(model, torch.tensor(x), torch.tensor(y), optimizer=adam(model))


@reported("exploding through time", "exploding")
def rnn_of_linear_layers_explodes(seed: int) -> Case:
    def compute(self: Any, x: torch.Tensor) -> torch.Tensor:
        h = torch.zeros(len(x), 32)
        for t in range(x.shape[1]):
            h = F.relu(self.inp(x[:, t]) + self.rec(h))
        return self.head(h)

    model = Net(compute, inp=nn.Linear(3, 32), rec=nn.Linear(32, 32), head=nn.Linear(32, 2))
    nn.init.orthogonal_(model.rec.weight, gain=2.2)
    x, y = series(seed, 32, 40)
    return Case(model, torch.tensor(x), torch.tensor(y), optimizer=adam(model))


@reported("saturation", "vanishing", "loss above chance")
def tanh_of_unit_normals(seed: int) -> Case:
    model = mlp(64, 128, 128, 10, act=nn.Tanh)
    for p in model.parameters():
        nn.init.normal_(p)
    return Case(model, *flat(seed), optimizer=sgd(model, 0.05))


@reported("vanishing")
def tanh_of_tiny_weights(seed: int) -> Case:
    model = mlp(20, *[32] * 6, 5, act=nn.Tanh)
    for p in model.parameters():
        nn.init.normal_(p, std=0.01)
    return Case(model, *classes(seed), optimizer=sgd(model, 0.1))


@reported("dead units")
def negative_biases(seed: int) -> Case:
    model = mlp(64, 64, 64, 10)
    nn.init.constant_(model[2].bias, -10.0)
    return Case(model, *flat(seed), optimizer=sgd(model, 0.1))


@reported("symmetric weights")
def weights_all_ones(seed: int) -> Case:
    model = mlp(20, 32, 32, 5)
    for p in model.parameters():
        nn.init.ones_(p)
    return Case(model, *classes(seed), optimizer=sgd(model, 0.01))


@reported("loss above chance", "exploding", says=SIZE)
def weights_from_unit_normals(seed: int) -> Case:
    model = mlp(64, 64, 64, 10)
    for p in model.parameters():
        nn.init.normal_(p)
    return Case(model, *flat(seed), optimizer=sgd(model, 0.01))


@reported("non-finite")
def logarithm_of_softmax(seed: int) -> Case:
    model = nn.Sequential(*mlp(64, 32, 10), nn.Softmax(dim=1))
    nn.init.normal_(model[2].weight, std=100.0)
    x, y = flat(seed)
    return Case(model, x, y, lambda p, y: -(F.one_hot(y, 10) * p.log()).sum(1).mean(), adam(model))


@reported("exploding", "non-finite", "loss above chance")
def relu_thirty_layers_of_std_point_two(seed: int) -> Case:
    model = mlp(20, *[100] * 30, 5)
    for p in model.parameters():
        if p.ndim > 1:
            nn.init.normal_(p, std=0.3)
    return Case(model, *classes(seed), optimizer=sgd(model, 0.01))


@reported("gradients add up", says="zero_grad")
def without_zero_grad(seed: int) -> Case:
    model = mlp(20, 32, 5)
    case = Case(model, *classes(seed), optimizer=sgd(model, 1e-4))
    for _ in range(60):
        F.cross_entropy(model(case.x), case.y).backward()
        case.optimizer.step()
    return case


@reported("clipped too hard", says="clip")
def clipped_to_1e_minus_4(seed: int) -> Case:
    model = mlp(20, 32, 5)
    case = Case(model, *classes(seed), optimizer=sgd(model, 0.1))
    for _ in range(20):
        case.optimizer.zero_grad()
        F.cross_entropy(model(case.x), case.y).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1e-4)
        case.optimizer.step()
    return case


@reported("unscaled features", says="x")
def features_of_1e38(seed: int) -> Case:
    model = mlp(8, 32, 1)
    x, y = table(seed)
    return Case(model, torch.tensor((1e38 * np.sign(x.array)).astype(np.float32)), y, F.mse_loss, adam(model))


@reported("non-finite input")
def nothing_but_nan(seed: int) -> Case:
    model = mlp(8, 32, 1)
    x, y = table(seed)
    return Case(model, x * math.nan, y, F.mse_loss, adam(model))


@reported("targets ignored", "broadcast targets", says="target|broadcast|shape")
def mean_before_the_difference(seed: int) -> Case:
    model = mlp(8, 32, 1)
    return Case(model, *table(seed), lambda p, y: (p.mean() - y.mean()) ** 2, adam(model))


@reported("layer that does not move", says="move|learning rate of their group")
def a_group_with_lr_zero(seed: int) -> Case:
    model = mlp(20, 32, 32, 5)
    groups = [{"params": model[:2].parameters(), "lr": 0.0}, {"params": model[2:].parameters()}]
    return Case(model, *classes(seed), optimizer=torch.optim.Adam(groups, lr=1e-3))


@reported("vanishing")
def sigmoid_autoencoder_deep(seed: int) -> Case:
    model = mlp(64, 48, 32, 16, 8, 16, 32, 48, 64, act=nn.Sigmoid)
    x, _ = flat(seed)
    return Case(model, x, x, F.mse_loss, sgd(model, 0.1))


# --- sound --------------------------------------------------------------------------------------------------


@sound
def sound_conv_batchnorm(seed: int) -> Case:
    model = convnet(bias=False, norm=True)
    return Case(model, *images(seed), optimizer=sgd(model, 0.05, momentum=0.9))


@sound
def sound_conv_raw_weights(seed: int) -> Case:
    model = convnet()
    return Case(model, *images(seed), optimizer=adam(model))


@sound
def sound_vae(seed: int) -> Case:
    def compute(self: Any, x: torch.Tensor) -> Any:
        h = F.relu(self.a(x))
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + (0.5 * logvar).exp() * torch.randn(*mu.shape)
        return self.out(F.relu(self.b(z))), mu, logvar

    def loss_fn(result: Any, x: torch.Tensor) -> torch.Tensor:
        logits, mu, logvar = result
        kl = -0.5 * (1 + logvar - mu * mu - logvar.exp()).sum(1).mean()
        return F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x) + kl

    model = Net(
        compute,
        a=nn.Linear(64, 32),
        mu=nn.Linear(32, 4),
        logvar=nn.Linear(32, 4),
        b=nn.Linear(4, 32),
        out=nn.Linear(32, 64),
    )
    x, _ = flat(seed)
    return Case(model, x, x, loss_fn, adam(model))


@sound
def sound_lstm_forget_bias(seed: int) -> Case:
    model = Net(
        lambda self, x: self.head(self.rnn(x)[0][:, -1]),
        rnn=nn.LSTM(3, 24, batch_first=True, forget_bias=1.0), head=nn.Linear(24, 2),
    )  # fmt: skip
    x, y = series(seed, 32, 20)
    return Case(model, torch.tensor(x), torch.tensor(y), optimizer=adam(model, 3e-3))


@sound
def sound_lstm_averaged_over_time(seed: int) -> Case:
    model = Net(
        lambda self, x: self.head(self.rnn(x)[0].mean(1)),
        rnn=nn.LSTM(3, 24, batch_first=True),
        head=nn.Linear(24, 2),
    )
    x, y = series(seed, 32, 60)
    return Case(model, torch.tensor(x), torch.tensor(y), optimizer=adam(model, 3e-3))


@sound
def sound_cell_loop_with_loss_everywhere(seed: int) -> Case:
    def compute(self: Any, x: torch.Tensor) -> torch.Tensor:
        h, out = None, []
        for t in range(x.shape[1]):
            h = self.cell(x[:, t], h)
            out.append(self.head(h))
        return torch.stack(out, 1)

    model = Net(compute, cell=nn.RNNCell(3, 24), head=nn.Linear(24, 3))
    x, _ = series(seed, 16, 40)
    y = np.roll(x, 1, axis=1)
    return Case(model, torch.tensor(x), torch.tensor(y), F.mse_loss, adam(model))


@sound
def sound_lstm_time_first(seed: int) -> Case:
    model = Net(lambda self, x: self.head(self.rnn(x)[0][-1]), rnn=nn.LSTM(3, 24), head=nn.Linear(24, 2))
    x, y = series(seed, 32, 15)
    return Case(
        model, torch.tensor(np.ascontiguousarray(x.swapaxes(0, 1))), torch.tensor(y), optimizer=adam(model)
    )


@sound
def sound_character_model(seed: int) -> Case:
    def compute(self: Any, tokens: torch.Tensor) -> torch.Tensor:
        h = F.one_hot(tokens, 12).float() @ self.table
        h = h + self.attention(self.norm(h))
        return self.head(h).transpose(1, 2)

    model = Net(
        compute,
        table=nn.Parameter(0.5 * torch.randn(12, 16)),
        norm=nn.LayerNorm(16),
        attention=Attention(16),
        head=nn.Linear(16, 12),
    )
    rng = np.random.default_rng(seed)
    tokens = rng.integers(0, 12, (16, 11))
    return Case(
        model, torch.tensor(tokens[:, :-1]), torch.tensor(tokens[:, 1:]), F.cross_entropy, adam(model, 3e-3)
    )


@sound
def sound_bag_of_words(seed: int) -> Case:
    model = nn.Sequential(nn.Linear(200, 16, bias=False), nn.Linear(16, 2))
    rng = np.random.default_rng(seed)
    x = rng.poisson(0.05, (64, 200)).astype(np.float32)
    return Case(
        model,
        torch.tensor(x),
        torch.tensor((x[:, :100].sum(1) > x[:, 100:].sum(1)).astype(int)),
        optimizer=adam(model, 1e-2),
    )


@sound
def sound_tanh_regression_momentum(seed: int) -> Case:
    model = mlp(8, 64, 64, 1, act=nn.Tanh)
    return Case(model, *table(seed), F.mse_loss, sgd(model, 0.01, momentum=0.9))


@sound
def sound_rmsprop_huber(seed: int) -> Case:
    model = mlp(8, 32, 32, 1, act=nn.ELU)
    x, y = table(seed)
    return Case(model, x, 10 * y + 3, F.smooth_l1_loss, torch.optim.RMSprop(model.parameters(), lr=1e-3))


@sound
def sound_adamw_with_decay(seed: int) -> Case:
    model = mlp(64, 64, 64, 10, act=nn.GELU)
    return Case(
        model, *flat(seed), optimizer=torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1)
    )


@sound
def sound_multi_label(seed: int) -> Case:
    model = mlp(8, 32, 4)
    x, _ = table(seed)
    y = (x.array[:, :4] > 0.5).astype(np.float32)
    return Case(model, x, torch.tensor(y), F.binary_cross_entropy_with_logits, adam(model, 3e-3))


@sound
def sound_logits_squeezed(seed: int) -> Case:
    model = Net(lambda self, x: self.body(x).squeeze(1), body=mlp(8, 32, 1))
    x, y = binary(seed)
    return Case(model, x, y[:, 0].detach(), F.binary_cross_entropy_with_logits, adam(model, 3e-3))


@sound
def sound_log_softmax_nll(seed: int) -> Case:
    model = Net(lambda self, x: F.log_softmax(self.body(x), dim=1), body=mlp(64, 32, 10))
    return Case(model, *flat(seed), F.nll_loss, adam(model))


@sound
def sound_residual_conv_with_norm(seed: int) -> Case:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = (nn.Conv2d(8, 8, 3, padding=1, bias=False) for _ in range(2))
            self.na, self.nb = nn.BatchNorm2d(8), nn.BatchNorm2d(8)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.relu(x + self.nb(self.b(F.relu(self.na(self.a(x))))))

    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), *(Block() for _ in range(4)),
        nn.AvgPool2d(8), nn.Flatten(), nn.Linear(8, 10),
    )  # fmt: skip
    return Case(model, *images(seed), optimizer=sgd(model, 0.05))


@sound
def sound_trained_with_batchnorm(seed: int) -> Case:
    model = nn.Sequential(
        nn.Linear(64, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 32, bias=False),
        nn.BatchNorm1d(32),
        nn.ReLU(), nn.Linear(32, 10),
    )  # fmt: skip
    case = Case(model, *flat(seed), optimizer=adam(model, 3e-3))
    return trained(case, 80, lambda k: flat(1000 * seed + k))


@sound
def sound_trained_mlp(seed: int) -> Case:
    model = mlp(64, 64, 10)
    case = Case(model, *flat(seed), optimizer=sgd(model, 0.2))
    return trained(case, 150, lambda k: flat(1000 * seed + k))


@sound
def sound_linear_regression(seed: int) -> Case:
    model = nn.Linear(8, 1)
    return Case(model, *table(seed), F.mse_loss, sgd(model, 0.05))


@sound
def sound_siamese(seed: int) -> Case:
    def compute(self: Any, x: torch.Tensor) -> torch.Tensor:
        a, b = self.body(x[:, :10]), self.body(x[:, 10:])
        return (((a - b) ** 2).sum(1) + 1e-6).sqrt()

    model = Net(compute, body=mlp(10, 32, 8))
    x, y = classes(seed)

    def contrastive(d: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        same = (y % 2).float()
        return (same * d * d + (1 - same) * F.relu(1 - d) ** 2).mean()

    return Case(model, x, y, contrastive, adam(model))


@sound
def sound_physics_residual(seed: int) -> Case:
    """u(t) with u′ = −u at random points: the target is 0 everywhere."""
    model = mlp(1, 32, 32, 1, act=nn.Tanh)
    t = torch.tensor(np.random.default_rng(seed).uniform(0, 2, (32, 1)).astype(np.float32))

    def loss_fn(u: torch.Tensor, zero: torch.Tensor) -> torch.Tensor:
        return ((u - torch.tensor(np.exp(-t.array))) ** 2).mean() + 0 * zero.sum()

    return Case(model, t, torch.zeros(32, 1), loss_fn, adam(model))


@sound
def sound_batchnorm_first(seed: int) -> Case:
    model = nn.Sequential(nn.BatchNorm1d(8), nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
    x, y = table(seed)
    return Case(model, 1000 * x + 300, y, F.mse_loss, adam(model))


@sound
def sound_selu_deep(seed: int) -> Case:
    model = mlp(20, *[64] * 12, 5, act=nn.SELU)
    for p in model.parameters():
        if p.ndim > 1:
            nn.init.kaiming_normal_(p, nonlinearity="linear")
        else:
            nn.init.zeros_(p)
    return Case(model, *classes(seed), optimizer=sgd(model, 0.01))


@sound
def sound_double_precision(seed: int) -> Case:
    model = mlp(8, 32, 1).double()
    x, y = table(seed)
    return Case(model, x.double(), y.double(), F.mse_loss, adam(model))


@sound
def sound_scaled_inside(seed: int) -> Case:
    model = Net(lambda self, x: self.body(x / 255), body=convnet())
    return Case(model, *images(seed, 32, 255 / 16), optimizer=adam(model))


@sound
def sound_two_heads(seed: int) -> Case:
    model = Net(
        lambda self, x: (self.a(self.body(x).relu()), self.b(self.body(x).relu())),
        body=nn.Linear(8, 32),
        a=nn.Linear(32, 1),
        b=nn.Linear(32, 2),
    )
    x, y = table(seed)

    def loss_fn(out: Any, y: torch.Tensor) -> torch.Tensor:
        return F.mse_loss(out[0], y) + F.cross_entropy(out[1], torch.tensor((y.array[:, 0] > 0).astype(int)))

    return Case(model, x, y, loss_fn, adam(model))


@sound
def sound_sigmoid_mse_one_hot(seed: int) -> Case:
    model = nn.Sequential(nn.Linear(64, 30), nn.Sigmoid(), nn.Linear(30, 10), nn.Sigmoid())
    x, y = flat(seed)
    return Case(model, x, F.one_hot(y, 10).float(), F.mse_loss, sgd(model, 3.0))


@sound
def sound_lstm_two_layers(seed: int) -> Case:
    model = Net(
        lambda self, x: self.head(self.rnn(x)[0][:, -1]),
        rnn=nn.LSTM(8, 24, num_layers=2, batch_first=True),
        head=nn.Linear(24, 10),
    )
    return Case(model, *pictures(seed), optimizer=adam(model, 3e-3))


@sound
def sound_lstm_cell_loop(seed: int) -> Case:
    model = Net(over_time, cell=nn.LSTMCell(3, 24, forget_bias=2.0), head=nn.Linear(24, 2))
    x, y = series(seed, 32, 20)
    return Case(model, torch.tensor(x), torch.tensor(y), optimizer=adam(model, 3e-3))


@sound
def sound_imbalance_of_one_in_five(seed: int) -> Case:
    model = mlp(8, 32, 2)
    x, _ = table(seed, 100)
    return Case(model, x, torch.tensor((x.array[:, 0] > 0.85).astype(int)), optimizer=adam(model))
