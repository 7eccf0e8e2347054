"""BatchNorm does not prevent exploding gradients: from the start, a deep ReLU net with it has them.

A layer is h → W h → normalize → φ. The weights multiply E ‖gradient‖² by σ_w², the slopes by E φ′², and the
normalization divides it by the variance that it finds:

    LayerNorm    over the units, the mean of φ included       E φ′² / E φ²       1 for ReLU
    BatchNorm    over the samples, without that mean          E φ′² / Var φ      π/(π − 1) = 1.47 for ReLU

σ_w² cancels, so no weight variance helps; batches of few samples are worse. The same mean that makes ReLU
with BatchNorm explode rescues sigmoid: LayerNorm keeps it in what it divides by, and the gradient vanishes.
"""

from dataclasses import dataclass

import numpy as np

import tinygrad_stab as torch
from demos.experiment import Claim, Config, Result, Within, over_seeds
from demos.notebook import present
from demos.style import Figure, band, legend, panels, prediction
from tinygrad_stab import nn
from tinygrad_stab.stability import theory

SOURCE = "Yang et al. 2019, Thm. 8, eq. 25; finite batches: `stability.theory.batchnorm_gradient_rate`"


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    depth: int = 30
    width: int = 256
    batch: tuple[int, ...] = (8, 32, 256)
    activation: tuple[str, ...] = ("ReLU", "sigmoid")


FAST = dict(seeds=(0,))
FULL = dict(width=512, activation=("ReLU", "tanh", "sigmoid"))


# %% The experiment
def gradient_norms(activation: str, norm: str, batch: int, setup: Setup) -> np.ndarray:
    """‖∂L/∂(W h)‖ at every layer, first to last, for a random gradient at the top."""
    φ, zs = getattr(nn.functional, activation.lower()), []
    h = φ(normalize(norm, torch.randn(batch, setup.width)))  # like the output of a layer
    for _ in range(setup.depth):
        layer = nn.Linear(setup.width, setup.width, bias=False)
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        zs.append(layer(h))
        h = φ(normalize(norm, zs[-1]))
    return np.array([g.norm().item() for g in torch.autograd.grad(h, zs, torch.randn_like(h))])


def normalize(norm: str, z: torch.Tensor) -> torch.Tensor:
    if norm == "BatchNorm":
        return nn.BatchNorm1d(z.shape[1], affine=False)(z)
    return nn.LayerNorm(z.shape[1], elementwise_affine=False)(z) if norm == "LayerNorm" else z


def predicted(activation: str, norm: str, batch: int) -> float:
    """The factor on ‖gradient‖² per layer."""
    φ = activation.lower()
    if norm == "BatchNorm":
        return theory.batchnorm_gradient_rate(φ, batch)
    return theory.layernorm_gradient_rate(φ) if norm == "LayerNorm" else theory.chi(φ, 2)


def cells(setup: Setup) -> list[tuple[str, int]]:
    usual = sorted(setup.batch)[len(setup.batch) // 2]
    return [("no norm", usual), ("LayerNorm", usual), *(("BatchNorm", batch) for batch in setup.batch)]


def run(setup: Setup) -> Result:
    claims, curves = [], {}
    low, high = setup.depth // 6, setup.depth - setup.depth // 6
    why = "four standard deviations of one net; more where samples are few or become alike"
    laws = {
        "no norm": "χ = σ_w² E φ′², with σ_w² = 2",
        "LayerNorm": "E φ′² / E φ²",
        "BatchNorm": "Yang et al. 2019, E φ′² / Var φ with its correction for a finite batch",
    }
    for activation in setup.activation:
        for norm, batch in cells(setup):
            runs = np.array(over_seeds(setup, gradient_norms, activation, norm, batch))
            curves[activation, norm, batch] = runs
            rates = (runs[:, low - 1] / runs[:, high - 1]) ** (2 / (high - low))
            rate = predicted(activation, norm, batch)
            near = Within(0.05 if norm == "BatchNorm" and batch > 8 else 0.1)
            claims.append(Claim(f"{activation}, {name(norm, batch)}", rates, rate, near, laws[norm], why))
    return Result(claims, curves)


def name(norm: str, batch: int) -> str:
    return f"{norm} of {batch}" if norm == "BatchNorm" else norm


# %% The figure
def draw(setup: Setup, curves: dict) -> Figure:
    figure, axes = panels(len(setup.activation))
    back = np.arange(setup.depth)
    for ax, activation in zip(axes, setup.activation):
        for norm, batch in cells(setup):
            runs = curves[activation, norm, batch]
            band(ax, back, runs[:, ::-1] / runs[:, -1:], label=name(norm, batch), markevery=5)
            prediction(ax, back, predicted(activation, norm, batch) ** (back / 2))
        ax.set(title=activation, yscale="log", xlabel="layers back from the loss")
    axes[0].set_ylabel("‖gradient‖ relative to the top")
    axes[0].lines[-1].set_label("theory")
    legend(figure, axes[0])
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
