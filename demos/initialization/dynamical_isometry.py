"""To keep the gradient's average size is not to keep the gradient: Gaussian matrices crush most directions.

One Gaussian matrix with Var W = 1/n keeps E ‖gradient‖², and so does a product of L of them: the mean of its
squared singular values is 1. But that mean is made by very few directions. The i-th largest of the n singular
values is about

    s_i = (1 − i/n)^(L/2)          the median 2^(−L/2): after 50 layers 3·10⁻⁸

A product of orthogonal matrices is orthogonal: every s_i is 1. tanh, nearly linear near 0, keeps much of
this, and so a plain tanh net of fifty layers learns. A ReLU sets half of the units to 0, so that no start
can give it the like.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

import tinygrad_stab as torch
from demos.digits import BLIND_LOSS, load_digits
from demos.experiment import Claim, Config, Result, Within, above, below, over_seeds
from demos.notebook import present
from demos.style import Figure, band, decades, panels, prediction
from demos.training import accuracy, plain_net, smooth, train
from tinygrad_stab import nn

SOURCE = "Saxe et al. 2014, secs. 3–4; Pennington et al. 2017; the law of s_i: Newman 1986"

gaussian = partial(nn.init.kaiming_normal_, nonlinearity="linear")  # variance 1/n
INITS = {"orthogonal": nn.init.orthogonal_, "Gaussian": gaussian}
NETS = {  # these are trained
    "tanh, orthogonal": (nn.Tanh(), nn.init.orthogonal_),
    "tanh, Gaussian": (nn.Tanh(), gaussian),
    "ReLU, He": (nn.ReLU(), partial(nn.init.kaiming_normal_, nonlinearity="relu")),
}


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    depth: int = 50
    width: int = 64
    lr: float = 0.05
    clip: float = 2.0
    steps: int = 100
    data: str = "digits"


FAST = dict(seeds=(0,))
FULL = dict(steps=200)


# %% The experiment
def singular_values(φ: Callable, draw_weights: Callable, setup: Setup) -> np.ndarray:
    """Those of ∂h_L/∂x, largest first. Each of n copies of x gives one row of this Jacobian."""
    x = (torch.ones(setup.width, 1) * torch.randn(setup.width)).requires_grad_()
    h = x
    for _ in range(setup.depth):
        h = φ(h @ draw_weights(torch.empty(setup.width, setup.width)).T)
    (jacobian,) = torch.autograd.grad(h, [x], torch.eye(setup.width))
    return np.linalg.svd(jacobian.numpy(), compute_uv=False)


def train_one(seed: int, name: str, setup: Setup) -> tuple[np.ndarray, float]:
    """The averaged loss at every step, and the accuracy in the end."""
    torch.manual_seed(seed)
    data = load_digits(seed, setup.data)
    model = plain_net([data.pixels, *[setup.width] * (setup.depth - 1), 10], *NETS[name])
    losses = train(model, data, lr=setup.lr, clip=setup.clip, steps=setup.steps)
    return smooth(losses, 10), accuracy(model, data.x_test, data.y_test)


def run(setup: Setup) -> Result:
    linear = {k: np.array(over_seeds(setup, singular_values, lambda z: z, f)) for k, f in INITS.items()}
    tanh = {k: np.array(over_seeds(setup, singular_values, torch.tanh, f)) for k, f in INITS.items()}
    runs = {name: [train_one(seed, name, setup) for seed in setup.seeds] for name in NETS}
    best, *others = (np.array([accuracy for _, accuracy in runs[name]]) for name in NETS)
    median = {start: np.median(tanh[start], axis=1) for start in INITS}
    identity, gap = "a product of orthogonal matrices is orthogonal", "between the starts, over all seeds"
    saxe = "Saxe et al. 2014: only the orthogonal start keeps every direction, and learns at any depth"
    # fmt: off
    claims = [
        Claim("linear, orthogonal: largest s", linear["orthogonal"][:, 0], 1.0, Within(1e-10), identity,
              "an identity"),
        Claim("linear, orthogonal: smallest s", linear["orthogonal"][:, -1], 1.0, Within(1e-10), identity,
              "an identity"),
        Claim("linear, Gaussian: log₁₀ of the median s", np.log10(np.median(linear["Gaussian"], axis=1)),
              -setup.depth / 2 * np.log10(2), Within(0.12), "s = (1 − i/n)^(L/2) at i = n/2",
              "four standard deviations of one product; the law is for L ≫ n ≫ 1"),
        Claim("tanh, orthogonal: median s", median["orthogonal"], "kept", above(0.01), saxe, gap),
        Claim("tanh, Gaussian: median s", median["Gaussian"], "crushed", below(1e-6), saxe, gap),
        Claim("trained, tanh, orthogonal: accuracy", best, "learns", above(0.8), saxe, gap),
        Claim("… its lead over tanh, Gaussian, and ReLU, He", best - np.maximum(*others), "ahead",
              above(0.05), saxe, gap),
    ]
    # fmt: on
    return Result(claims, (linear, tanh, runs))


# %% The figure
def draw(setup: Setup, data: tuple) -> Figure:
    linear, tanh, runs = data
    figure, axes = panels(3)
    share = np.arange(1, setup.width + 1) / setup.width
    for ax, spectra, title in zip(axes, (linear, tanh), ("linear layers", "tanh layers")):
        for name in INITS:
            band(ax, 100 * share, spectra[name], label=name, markevery=8)
        ax.set(title=title, xlabel="directions, %", yscale="log", ylim=(1e-14, 1e2))
        decades(ax, 4)
    prediction(axes[0], 100 * share, np.maximum(1 - share, 1e-9) ** (setup.depth / 2), label="theory")
    prediction(axes[0], 100 * share, np.ones_like(share))
    axes[0].set_ylabel("singular value of ∂h/∂x")
    for name in NETS:
        band(axes[2], np.arange(setup.steps), [losses for losses, _ in runs[name]], label=name, markevery=30)
    prediction(axes[2], [0, setup.steps], [BLIND_LOSS] * 2, label="blind guess")
    axes[2].set(title="training loss", xlabel="step", ylim=(0, 4.5))
    axes[0].legend(loc="lower left")
    axes[2].legend(loc="upper right")
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
