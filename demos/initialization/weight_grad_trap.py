"""The gradients of the weights cannot tell that a ReLU net vanishes: they are equally small in all layers.

A ReLU net without biases is homogeneous in every weight matrix: f(…, c W, …) = c f. Euler's theorem gives

    ⟨W_l, ∂L/∂W_l⟩ = ⟨f, ∂L/∂f⟩          the same number for every layer l, whatever the start

and ‖∂L/∂W_l‖ is about as flat: it is the product of the signal that comes up, which shrinks from layer to
layer, and of the gradient that comes down, which shrinks just as fast the other way. What vanishes is
δ = ∂L/∂z. So plot that.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

import tinygrad_stab as torch
from demos.digits import load_digits
from demos.experiment import Claim, Config, Result, Within, above, below, over_seeds
from demos.notebook import present
from demos.style import Figure, band, decades, legend, panels, prediction
from tinygrad_stab import nn

SOURCE = "Glorot & Bengio 2010, eq. 14 and Fig. 8; Du, Hu & Lee 2018 (balancedness)"

INITS = {  # σ_w² = n · Var W, and how W is drawn
    "PyTorch default": (1 / 3, partial(nn.init.kaiming_uniform_, a=5**0.5)),
    "Xavier": (1, partial(nn.init.kaiming_normal_, nonlinearity="linear")),
    "He": (2, partial(nn.init.kaiming_normal_, nonlinearity="relu")),
}


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    depth: int = 10
    width: int = 128
    batch: int = 100
    data: str = "digits"


FAST = dict(seeds=(0,))


# %% The experiment
def measure(draw_weights: Callable, setup: Setup) -> tuple[np.ndarray, ...]:
    """For every layer: ‖δ‖, ‖∂L/∂W‖, and ⟨W, ∂L/∂W⟩ relative to ⟨f, ∂L/∂f⟩."""
    data = load_digits(0, setup.data)
    h, zs, weights = data.x_train[: setup.batch], [], []
    sizes = [data.pixels, *[setup.width] * (setup.depth - 1)]
    for n_in, n_out in zip(sizes, [*sizes[1:], 10]):
        layer = nn.Linear(n_in, n_out, bias=False)
        draw_weights(layer.weight)
        weights.append(layer.weight)
        zs.append(layer(h))
        h = zs[-1].relu()
    scores = zs[-1]
    loss = nn.CrossEntropyLoss()(scores, data.y_train[: setup.batch])
    gradients = torch.autograd.grad(loss, [*zs, *weights])
    δs, Gs = gradients[: setup.depth], gradients[setup.depth :]
    euler = (scores * δs[-1]).sum().item()
    inner = [(W * G).sum().item() / euler for W, G in zip(weights, Gs)]
    return np.array([δ.norm().item() for δ in δs]), np.array([G.norm().item() for G in Gs]), np.array(inner)


def run(setup: Setup) -> Result:
    runs = {name: over_seeds(setup, measure, draw_weights) for name, (_, draw_weights) in INITS.items()}
    hidden = slice(1, -1)  # the first and the last matrix have other shapes
    euler = "Euler's theorem on homogeneous functions; all layers and seeds"
    flat = "Glorot & Bengio 2010, eq. 14: the variance of ∂L/∂W is the same in all layers"
    per_layer, gap = "√(σ_w²/2) per layer", "between the start that vanishes and the one that does not"
    # fmt: off
    claims = [
        *(Claim(f"⟨W, ∂L/∂W⟩ / ⟨f, ∂L/∂f⟩, {name}", [i for *_, inner in runs[name] for i in inner],
                1.0, Within(1e-10), euler, "an identity") for name in INITS),
        *(Claim(f"‖∂L/∂W‖, max over min, {name}",
                [G[hidden].max() / G[hidden].min() for _, G, _ in runs[name]], "≈ 1", below(2.5), flat,
                "hidden layers; far from the factor by which ‖δ‖ falls") for name in INITS),
        *(Claim(f"‖δ‖, first over last, {name}", [δ[0] / δ[-1] for δ, *_ in runs[name]],
                (INITS[name][0] / 2) ** ((setup.depth - 1) / 2), limit, per_layer, gap)
          for name, limit in (("PyTorch default", below(0.02)), ("He", above(0.2)))),
    ]
    # fmt: on
    return Result(claims, runs)


# %% The figure
def draw(setup: Setup, runs: dict) -> Figure:
    figure, axes = panels(2)
    layers = np.arange(1, setup.depth + 1)
    for name in INITS:
        band(axes[0], layers[1:-1], [G[1:-1] for _, G, _ in runs[name]], label=name)
        band(axes[1], layers, [δ / δ[-1] for δ, *_ in runs[name]], label=name)
        prediction(axes[1], layers, (INITS[name][0] / 2) ** ((setup.depth - layers) / 2))
    for ax, title in zip(axes, ("‖∂L/∂W‖, hidden: equally small", "‖δ‖ relative to the last: vanishes")):
        ax.set(title=title, yscale="log", xlabel="layer")
        decades(ax, 1)
    axes[1].lines[-1].set_label("theory: √(σ_w²/2) a layer")
    legend(figure, axes[1])
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
