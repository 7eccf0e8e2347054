"""One number per layer decides how much gradient reaches the bottom of a net.

Let z = W h be the pre-activations of a layer, δ = ∂L/∂z their gradient, and Var W = σ_w²/n. One layer
further back,

    E ‖δ‖²  is multiplied by  χ = σ_w² · E φ′(z)²        weights times slopes, z ~ N(0, q)

and the norm by √χ: for ReLU √(σ_w²/2), which is 1 from He's start, 0.71 from Xavier's and 0.41 from
PyTorch's default. After thirty layers a factor of 0.408 has left 2·10⁻¹², one of 2.83 has made 4·10¹³.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import tinygrad_stab as torch
from demos.experiment import Claim, Config, Result, Within, over_seeds
from demos.notebook import present
from demos.style import Figure, decades, legend, panels, prediction
from tinygrad_stab import nn
from tinygrad_stab.stability import theory

SOURCE = "Glorot & Bengio 2010, eqs. 5–12; He et al. 2015, eqs. 10 and 14; Schoenholz et al. 2017"

INITS = {  # σ_w² = n · Var W, and how W is drawn
    "PyTorch default": (1 / 3, lambda W: nn.init.kaiming_uniform_(W, a=5**0.5)),
    "Xavier": (1, nn.init.xavier_normal_),
    "He": (2, nn.init.kaiming_normal_),
    "4 × Xavier": (16, lambda W: nn.init.xavier_normal_(W, gain=4)),
}
KINKED = ("relu", "leaky_relu")


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    depth: int = 30
    width: int = 256
    samples: int = 128
    activation: tuple[str, ...] = ("sigmoid", "tanh", "ReLU")


FAST = dict(seeds=(0,))
FULL = dict(activation=("sigmoid", "tanh", "ReLU", "ELU", "SELU"))


# %% The experiment
def gradient_norms(activation: str, draw_weights: Callable, setup: Setup) -> list[float]:
    """‖δ‖ at every layer, first to last, for random inputs and a random gradient at the top."""
    h, zs = torch.randn(setup.samples, setup.width), []
    for _ in range(setup.depth):
        layer = nn.Linear(setup.width, setup.width, bias=False)
        draw_weights(layer.weight)
        zs.append(layer(h))
        h = getattr(nn.functional, activation.lower())(zs[-1])
    return [δ.norm().item() for δ in torch.autograd.grad(h, zs, torch.randn_like(h))]


def predicted_factors(activation: str, weight_var: float, setup: Setup) -> np.ndarray:
    """√χ of every layer but the last, where q = E z² starts at σ_w² and follows the length map."""
    φ, q, factors = activation.lower(), weight_var, []
    for _ in range(setup.depth - 1):
        factors.append(theory.chi(φ, weight_var, q=q) ** 0.5)
        q = theory.length_map(φ, q, weight_var)
    return np.array(factors)


def scatter(activation: str, weight_var: float) -> float:
    """Four standard deviations of one net, measured at the default width over twenty seeds."""
    if activation.lower() == "sigmoid" and weight_var > 4:
        return 0.04
    return 0.03 if activation.lower() in KINKED else 0.02


def run(setup: Setup) -> Result:
    claims, curves = [], {}
    low, high = setup.depth // 6, setup.depth - setup.depth // 6  # away from both ends
    for activation in setup.activation:
        for name, (weight_var, draw_weights) in INITS.items():
            norms = np.array(over_seeds(setup, gradient_norms, activation, draw_weights))
            factors = predicted_factors(activation, weight_var, setup)
            curves[activation, name] = norms, factors
            claims.append(Claim(
                f"{activation}, {name}",
                measured=(norms[:, low - 1] / norms[:, high - 1]) ** (1 / (high - low)),
                predicted=float(np.prod(factors[low - 1 : high - 1]) ** (1 / (high - low))),
                tolerance=Within(scatter(activation, weight_var)),
                by=f"√χ = σ_w √(E φ′(z)²), the factor on ‖δ‖ per layer; here from layer {high} to {low}",
                why="four standard deviations of one net; a kinked or saturated φ varies more",
            ))  # fmt: skip
    return Result(claims, curves)


# %% The figure
def draw(setup: Setup, curves: dict) -> Figure:
    figure, axes = panels(len(setup.activation), sharey=True)
    back = np.arange(setup.depth)
    for ax, activation in zip(axes, setup.activation):
        for name in INITS:
            norms, factors = curves[activation, name]
            relative = np.exp(np.log(norms / norms[:, -1:]).mean(axis=0))
            ax.plot(back, relative[::-1], markevery=5, label=name)
            prediction(ax, back, np.cumprod([1, *factors[::-1]]))
            factor = np.exp(np.log(factors).mean())
            ax.annotate(f"{factor:.2f}", (back[-1], relative[0]), xytext=(3, 0), textcoords="offset points",
                        va="center", fontsize="small", annotation_clip=False)  # fmt: skip
        ax.set(title=activation, yscale="log")
        decades(ax, 5)
    axes[len(axes) // 2].set_xlabel("layers back from the loss")
    axes[0].lines[-1].set_label("theory: √χ a layer")
    axes[0].set_ylabel("‖δ‖ relative to the top")
    legend(figure, axes[0])
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
