"""A gradient vanishes without saturation, and grows in spite of it.

A tanh unit is saturated if |h| > 0.97. For z ~ N(0, q), with the q that the weights lead to, that is so with
probability

    P(|tanh z| > 0.97) = 1 − erf(artanh 0.97/√(2q))

Weights that are too small put z near 0, where the slope is largest: no unit is saturated, and yet the
gradient vanishes, by σ_w per layer. Weights that are too large saturate most units, and yet the gradient
grows: the few others, times large weights, are enough. Saturation alone does not say what becomes of it.

Training can saturate as well. Above a sigmoid net with small weights the softmax first learns its biases. All
that the last layer h then adds is noise, and the quickest way to W h = 0 is h = 0: for tanh the steepest
point, for sigmoid, with its slope of h (1 − h), the flattest. The top layer shuts; the loss stays at ln 10.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import atanh, erf

import numpy as np

import tinygrad_stab as torch
from demos.digits import BLIND_LOSS, load_digits
from demos.experiment import Claim, Config, Result, Within, above, below, over_seeds
from demos.notebook import present
from demos.style import Figure, band, panels, prediction
from demos.training import train
from tinygrad_stab import nn
from tinygrad_stab.stability import theory

SOURCE = "Glorot & Bengio 2010, sec. 3.1 and Fig. 2 (sigmoid), sec. 3.2 and Fig. 3 (tanh)"

SATURATED = 0.97  # |tanh z| beyond this, where the slope is below 0.06


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    weight_std: tuple[float, ...] = (0.5, 1.0, 2.0, 3.0, 5.0)  # σ_w
    depth: int = 10
    width: int = 256
    sigmoid_depth: int = 4
    sigmoid_width: int = 100
    lr: float = 0.5
    steps: int = 400
    data: str = "digits"


FAST = dict(seeds=(0,))


# %% The experiment
def tanh_net(σ_w: float, setup: Setup) -> tuple[float, float]:
    """The share of saturated units in the last layer, and the factor on ‖∂L/∂z‖ per layer."""
    h, zs = torch.randn(128, setup.width), []
    for _ in range(setup.depth):
        layer = nn.Linear(setup.width, setup.width, bias=False)
        nn.init.xavier_normal_(layer.weight, gain=σ_w)
        zs.append(layer(h))
        h = zs[-1].tanh()
    first, last = torch.autograd.grad(h, [zs[0], zs[-1]], torch.randn_like(h))
    rate = (first.norm() / last.norm()).item() ** (1 / (setup.depth - 1))
    return (h.abs() > SATURATED).double().mean().item(), rate


def predicted(σ_w: float, setup: Setup) -> tuple[float, float]:
    """The same by mean-field theory; q = E z² starts at σ_w² and follows the length map."""
    q, χs = [σ_w**2], []
    for _ in range(setup.depth - 1):
        χs.append(theory.chi("tanh", σ_w**2, q=q[-1]))
        q.append(theory.length_map("tanh", q[-1], σ_w**2))
    return 1 - erf(atanh(SATURATED) / (2 * q[-1]) ** 0.5), float(np.exp(np.log(χs).mean() / 2))


def sigmoid_net(seed: int, setup: Setup) -> tuple[np.ndarray, np.ndarray]:
    """The mean of every layer's output, every tenth step; and the loss at each step."""
    torch.manual_seed(seed)
    data, layers = load_digits(seed, setup.data), []
    for n_in, n_out in pairwise([data.pixels, *[setup.sigmoid_width] * setup.sigmoid_depth, 10]):
        layers += [nn.Linear(n_in, n_out), nn.Sigmoid()]  # PyTorch's start is Glorot & Bengio's standard one
        nn.init.zeros_(layers[-2].bias)
    model = nn.Sequential(*layers[:-1])
    means, losses = [layer_means(model, data.x_test)], []
    for _ in range(setup.steps // 10):
        losses += train(model, data, lr=setup.lr, steps=10)
        means.append(layer_means(model, data.x_test))
    return np.array(means), np.array(losses)


def layer_means(model: nn.Sequential, h: torch.Tensor) -> list[float]:
    means = []
    with torch.no_grad():
        for layer in model:
            h = layer(h)
            if isinstance(layer, nn.Sigmoid):
                means.append(h.mean().item())
    return means


def run(setup: Setup) -> Result:
    tanh = {σ_w: np.array(over_seeds(setup, tanh_net, σ_w)) for σ_w in setup.weight_std}
    laws = {σ_w: predicted(σ_w, setup) for σ_w in setup.weight_std}
    sigmoid = [sigmoid_net(seed, setup) for seed in setup.seeds]
    means = np.array([means for means, _ in sigmoid])
    share, rate = "1 − erf(artanh 0.97/√(2q)), q from the length map", "√χ = σ_w √(E tanh′(z)²)"
    shuts, chance = "Glorot & Bengio 2010, Fig. 2", "four standard deviations of one net"
    # fmt: off
    claims = [
        *(Claim(f"tanh, σ_w = {σ_w:g}: saturated", tanh[σ_w][:, 0], law,
                Within(0.08) if law > 0.1 else below(0.05), share, chance) for σ_w, (law, _) in laws.items()),
        *(Claim(f"tanh, σ_w = {σ_w:g}: gradient, factor per layer", tanh[σ_w][:, 1], law, Within(0.03), rate,
                chance) for σ_w, (_, law) in laws.items()),
        Claim("sigmoid, trained: mean of the top layer", means[:, -1, -1], "→ 0", below(0.2), shuts,
              "between the start, 0.5, and what was measured"),
        Claim("sigmoid, trained: mean of layer 1 moves by", np.abs(means[:, -1, 0] - means[:, 0, 0]), 0,
              below(0.05), shuts, "far from how the top layer moves"),
        Claim("sigmoid, trained: loss", [losses[-20:].mean() for _, losses in sigmoid], BLIND_LOSS,
              above(2.2), shuts, "between blind and learning"),
    ]
    # fmt: on
    return Result(claims, (tanh, means))


# %% The figure
def draw(setup: Setup, data: tuple) -> Figure:
    tanh, means = data
    figure, axes = panels(3)
    σ_ws = np.linspace(min(setup.weight_std), max(setup.weight_std), 25)
    laws = np.array([predicted(σ_w, setup) for σ_w in σ_ws])
    for k, (ax, title) in enumerate(zip(axes, ("tanh: share saturated", "tanh: ‖gradient‖ per layer"))):
        medians = [np.median(runs[:, k]) for runs in tanh.values()]
        ax.plot(list(tanh), medians, linestyle="", label="measured")
        prediction(ax, σ_ws, laws[:, k], label="theory")
        ax.set(title=title, xlabel=r"$\sigma_w$")
    axes[1].axhline(1, color="0.5", linewidth=1)
    steps = 10 * np.arange(means.shape[1])
    for layer in range(setup.sigmoid_depth):
        band(axes[2], steps, means[:, :, layer], label=f"layer {layer + 1}", markevery=8)
    axes[2].set(title="sigmoid: mean output", xlabel="step", ylim=(0, 0.7))
    axes[0].legend(loc="upper left")
    axes[2].legend(loc="center right")
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
