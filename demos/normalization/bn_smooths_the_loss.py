"""BatchNorm forgives a step that is too long: far along it, neither the loss nor the gradient explodes.

Stop at some step of training, and go on along −g by s times the step that comes next. Look around:

    L(θ − s lr g) − L(θ)                 the change of the loss, which is to fall
    ‖∇L(θ − s lr g) − g‖ / ‖g‖           the change of the gradient: from 1 on, g is no guide any more

In a plain ReLU net a long step makes all weights large. The outputs are their product: the loss shoots up.
With BatchNorm behind it, a weight's size does not count. For s → ∞ the weights point along −g: a start like
any other, where the loss is finite, and the gradient falls as 1/s, so that the second line goes to 1. (Only
γ, β and the last layer have no BatchNorm behind them, and add a little.)

Santurkar et al. measured this for s up to 4, and call it a smoother loss. So it is, far from the weights.
Near to them, for a small s, the gradient changes even more than without BatchNorm.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

import tinygrad_stab as torch
from demos.digits import load_digits
from demos.experiment import Claim, Config, Result, above, below
from demos.notebook import present
from demos.style import Figure, band, legend, panels, prediction
from demos.training import minibatches
from tinygrad_stab import nn

SOURCE = "Santurkar et al. 2018, Fig. 4 (a), (b), and Thm. 4.1"


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    depth: int = 10
    width: int = 64
    lr: float = 0.1
    steps: int = 50
    every: int = 4  # steps, from the tenth on, we stop and look around
    data: str = "digits"


FAST = dict(seeds=(0,), every=8)
S = 2.0 ** np.arange(-4, 5)  # 1/16 to 16
NORMS = {"no norm": nn.Identity, "BatchNorm": nn.BatchNorm1d}


def network(norm: str, pixels: int, setup: Setup) -> nn.Sequential:
    """Linear, normalization, ReLU, so many times, from He's start; then Linear."""
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise([pixels, *[setup.width] * (setup.depth - 1)]):
        layers += [nn.Linear(n_in, n_out), NORMS[norm](n_out), nn.ReLU()]
        nn.init.kaiming_normal_(layers[-3].weight, nonlinearity="relu")
        nn.init.zeros_(layers[-3].bias)
    return nn.Sequential(*layers, nn.Linear(setup.width, 10))


# %% The experiment
def look_around(seed: int, norm: str, setup: Setup) -> np.ndarray:
    """The change of the loss and of the gradient at every s: medians over all steps at which we stopped."""
    torch.manual_seed(seed)
    data = load_digits(seed, setup.data)
    model = network(norm, data.pixels, setup)
    θ, found = nn.utils.parameters_to_vector(model.parameters()).detach(), []
    for step, batch in enumerate(minibatches(data, 32, setup.steps)):
        loss, g = loss_and_gradient(model, θ, *batch)
        if step >= 10 and step % setup.every == 0:
            there = [loss_and_gradient(model, θ - s * setup.lr * g, *batch) for s in S]
            found.append([(L - loss, ((h - g).norm() / g.norm()).item()) for L, h in there])
        θ = θ - setup.lr * g
    return np.median(found, axis=0).T


def loss_and_gradient(
    model: nn.Module, θ: torch.Tensor, x: torch.Tensor, y: torch.Tensor
) -> tuple[float, torch.Tensor]:
    """Of the net with parameters θ, which is one long vector, as the gradient is."""
    parameters = list(model.parameters())
    nn.utils.vector_to_parameters(θ, parameters)
    loss = nn.functional.cross_entropy(model(x), y)
    return loss.item(), nn.utils.parameters_to_vector(torch.autograd.grad(loss, parameters))


def run(setup: Setup) -> Result:
    runs = {norm: np.array([look_around(seed, norm, setup) for seed in setup.seeds]) for norm in NORMS}
    (loss, change), (bn_loss, bn_change) = (runs[norm][:, :, -1].T for norm in NORMS)
    near = runs["BatchNorm"][:, 1, 0] / runs["no norm"][:, 1, 0]
    product, blind = ("the outputs are a product of all weights", "before BatchNorm the size does not count")
    far, gap = f"s = {S[-1]:g}", "between the runs with BatchNorm and without"
    # fmt: off
    claims = [
        Claim(f"{far}, no norm: change of the loss", loss, "explodes", above(4), product, gap),
        Claim(f"{far}, BatchNorm: change of the loss", bn_loss, "does not", below(1), blind, gap),
        Claim(f"{far}, no norm: change of the gradient", change, "explodes", above(8), product, gap),
        Claim(f"{far}, BatchNorm: change of the gradient", bn_change, "≈ 1", below(3), blind, gap),
        Claim("s = 1/16: change of the gradient, BatchNorm over no norm", near, "> 1", above(1.05),
              "no theorem, but what was found", "below all that was measured"),
    ]
    # fmt: on
    return Result(claims, runs)


# %% The figure
def draw(setup: Setup, runs: dict) -> Figure:
    figure, axes = panels(2)
    for k, (ax, title) in enumerate(zip(axes, ("change of the loss", "change of the gradient, relative"))):
        for norm in NORMS:
            band(ax, S, runs[norm][:, k], label=norm)
        ax.set(title=title, xscale="log", xlabel="s, steps of lr along −g")
        ax.set_xticks(S[::2], ["1/16", "1/4", "1", "4", "16"])
        ax.minorticks_off()
        prediction(ax, S, 0 * S + k)
    axes[0].set(yscale="symlog", ylim=(-1, 1e3))
    axes[1].set(yscale="log")
    axes[1].text(S[0], 1.15, "g misleads")
    legend(figure, axes[0])
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
