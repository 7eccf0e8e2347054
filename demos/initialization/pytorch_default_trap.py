"""ReLU does not keep the gradient by itself: as PyTorch starts a Linear layer, tanh keeps more of it.

`nn.Linear` draws its weights uniformly from ±1/√n, so that σ_w² = n · Var W = 1/3. Per layer the gradient is
then multiplied by √(σ_w² E φ′²): by √(1/6) = 0.41 for ReLU, which passes half of it, by up to √(1/3) = 0.58
for tanh, which near 0 passes all of it, and by √(1/48) = 0.14 for sigmoid. "ReLU has better gradient flow" is
true of ReLU with He's start, which was made for it: σ_w² = 2, a factor of 1.
"""

from dataclasses import dataclass

import numpy as np

import tinygrad_stab as torch
from demos.digits import load_digits
from demos.experiment import Claim, Config, Result, Within, above, over_seeds
from demos.notebook import present
from demos.style import Figure, legend, panels, prediction
from tinygrad_stab import nn
from tinygrad_stab.stability import theory

SOURCE = "Glorot & Bengio 2010, eqs. 1 and 15 (the usual start has n Var W = 1/3); He et al. 2015, eq. 14"

NETS = {  # activation, and whether to start it by He's rule
    "tanh, default": ("tanh", False),
    "ReLU, default": ("relu", False),
    "sigmoid, default": ("sigmoid", False),
    "ReLU, He": ("relu", True),
}


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    seeds: tuple[int, ...] = tuple(range(10))
    depth: int = 10
    width: int = 50
    batch: int = 100
    data: str = "digits"


FAST: dict = {}


# %% The experiment
def gradient_norms(activation: str, he: bool, setup: Setup) -> list[float]:
    """‖δ‖ at every hidden layer, first to last, for one batch of digits and cross-entropy."""
    data = load_digits(0, setup.data)
    h, zs = data.x_train[: setup.batch], []
    for n_in in [data.pixels] + [setup.width] * (setup.depth - 2):
        layer = nn.Linear(n_in, setup.width)
        if he:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
        zs.append(layer(h))
        h = getattr(nn.functional, activation)(zs[-1])
    loss = nn.CrossEntropyLoss()(nn.Linear(setup.width, 10)(h), data.y_train[: setup.batch])
    return [δ.norm().item() for δ in torch.autograd.grad(loss, zs)]


def predicted_factors(activation: str, he: bool, setup: Setup) -> np.ndarray:
    """√χ at every hidden layer but the last, for inputs of size 1."""
    weight_var, bias_var = (2.0, 0.0) if he else (1 / 3, 1 / (3 * setup.width))
    q, factors = weight_var + bias_var, []
    for _ in range(setup.depth - 2):
        factors.append(theory.chi(activation, weight_var, bias_var, q) ** 0.5)
        q = theory.length_map(activation, q, weight_var, bias_var)
    return np.array(factors)


def run(setup: Setup) -> Result:
    norms = {name: np.array(over_seeds(setup, gradient_norms, *NETS[name])) for name in NETS}
    factors = {name: predicted_factors(*NETS[name], setup) for name in NETS}
    layers = setup.depth - 2
    first = {name: norms[name][:, 0] for name in NETS}
    by, why = "√χ = σ_w √(E φ′(z)²), averaged over the layers", "four standard deviations of one narrow net"
    far = "between 1 and the smallest of all seeds"
    # fmt: off
    claims = [
        *(Claim(f"{name}: per layer", (norms[name][:, 0] / norms[name][:, -1]) ** (1 / layers),
                float(np.prod(factors[name]) ** (1 / layers)), Within(0.2), by, why) for name in NETS),
        Claim("first ‖δ‖: tanh, default over ReLU, default", first["tanh, default"] / first["ReLU, default"],
              "> 1", above(1), "about √(1/3) against √(1/6) per layer", far),
        Claim("first ‖δ‖: ReLU, He over tanh, default", first["ReLU, He"] / first["tanh, default"],
              "> 1", above(1), "1 against about √(1/3) per layer", far),
    ]
    # fmt: on
    return Result(claims, (norms, factors))


# %% The figure
def draw(setup: Setup, data: tuple) -> Figure:
    norms, factors = data
    figure, (ax,) = panels(1)
    back = np.arange(setup.depth - 1)
    for name in NETS:
        relative = np.exp(np.log(norms[name] / norms[name][:, -1:]).mean(axis=0))
        ax.plot(back, relative[::-1], label=name)
        prediction(ax, back, np.cumprod([1, *factors[name][::-1]]))
    ax.lines[-1].set_label("theory: √χ a layer")
    ax.set(yscale="log", xlabel="hidden layers back from the last", ylabel="‖δ‖ relative to the last")
    legend(figure, ax)
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
