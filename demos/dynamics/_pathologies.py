"""The sick nets of `fix_matrix.py`, and what may cure them: each sets some of NET."""

from functools import partial
from itertools import pairwise
from types import SimpleNamespace

import numpy as np

import tinygrad_stab as torch
from demos.digits import Digits, load_digits
from tinygrad_stab import nn

NET = dict(
    depth=3, activation="relu", slope=0.01, weight_var=2.0, bias=0.0,  # weight_var is σ_w², slope the leaky's
    norm=nn.Identity, skip=False, spread=0.0, standardize=False,  # features times 10^U(±spread)
    optimizer=torch.optim.SGD, lr=0.1, clip=np.inf, warm_up=1, decay=0.0,
)  # fmt: skip

# fmt: off
PATHOLOGIES = {
    "vanishing, ReLU":      dict(depth=12, weight_var=1 / 3),
    "vanishing, sigmoid":   dict(depth=8, weight_var=1.0, activation="sigmoid"),
    "exploding, ReLU":      dict(depth=10, weight_var=8.0),
    "dead, ReLU":           dict(bias=-3.0),
    "saturated, tanh":      dict(depth=6, weight_var=25.0, activation="tanh"),
    "step too long":        dict(depth=4, lr=1.5),
    "unscaled features":    dict(spread=2.5),
}
FIXES = {
    "none":      {},
    "init":      dict(weight_var=None, bias=0.0),  # None: as in STARTS
    "leaky .01": dict(activation="leaky_relu"),
    "leaky .2":  dict(activation="leaky_relu", slope=0.2),
    "ELU":       dict(activation="elu"),
    "clip":      dict(clip=1.0),
    "warm-up":   dict(warm_up=40),  # steps
    "decay":     dict(decay=0.01),
    "Adam":      dict(optimizer=torch.optim.Adam, lr=2e-3),
    "std. X":    dict(standardize=True),
    "skip":      dict(skip=True),
    "LN":        dict(norm=nn.LayerNorm),
    "LN+skip":   dict(norm=nn.LayerNorm, skip=True),
    "BN":        dict(norm=nn.BatchNorm1d),
    "BN+skip":   dict(norm=nn.BatchNorm1d, skip=True),
}
STARTS = {"relu": 2.0, "tanh": 1.0, "sigmoid": 16.0}  # He's, or σ_w φ′(0) = 1
# fmt: on


class Layer(nn.Module):
    """φ(norm(W x + b)), and x added to it if there is a skip."""

    def __init__(self, n_in: int, n_out: int, net: SimpleNamespace) -> None:
        super().__init__()
        self.linear, self.norm = nn.Linear(n_in, n_out), net.norm(n_out)
        self.φ, self.skip = getattr(nn.functional, net.activation), net.skip and n_in == n_out
        if net.activation == "leaky_relu":
            self.φ = partial(self.φ, negative_slope=net.slope)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.φ(self.norm(self.linear(x)))
        return x + y if self.skip else y


def network(net: SimpleNamespace, pixels: int, width: int) -> nn.Sequential:
    sizes = pairwise([pixels, *[width] * (net.depth - 1)])
    model = nn.Sequential(*(Layer(n_in, n_out, net) for n_in, n_out in sizes), nn.Linear(width, 10))
    weight_var = net.weight_var or STARTS[net.activation]
    for layer in (module for module in model.modules() if isinstance(module, nn.Linear)):
        nn.init.normal_(layer.weight, std=(weight_var / layer.in_features) ** 0.5)
        nn.init.constant_(layer.bias, net.bias)
    return model


def features(seed: int, net: SimpleNamespace, data_set: str) -> Digits:
    """The images, every pixel in a unit of its own, and standardized by its own deviation if told to."""
    data = load_digits(seed, data_set)
    unit = 10 ** (net.spread * (2 * torch.rand(data.pixels) - 1))
    x_train, x_test = data.x_train * unit, data.x_test * unit
    if net.standardize:
        mean, std = x_train.mean(0), x_train.std(0)
        std = torch.where(std > 1e-9, std, torch.ones_like(std))  # a pixel that never changes has none
        x_train, x_test = (x_train - mean) / std, (x_test - mean) / std
    return data._replace(x_train=x_train, x_test=x_test)
