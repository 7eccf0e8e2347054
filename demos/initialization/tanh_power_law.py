"""Vanishing need not be exponential: tanh from Xavier's start loses its gradient as 1/√L.

With σ_w² = n Var W = 1 a linear layer keeps signal and gradient. tanh, nearly linear near 0, keeps almost as
much, and ever more of it, as the signal becomes smaller:

    q = E z²        q′ = E tanh(z)² = q − 2q² + …        after l layers q ≈ 1/(2l)
    backward        χ  = E tanh′(z)² = 1 − 2q + …        in layer l about 1 − 1/l

The product of all χ falls as 1/L, and the norm of the gradient as 1/√L. Neither signal nor gradient keeps its
size, but eighty layers cost one power of ten. Change either, the activation to ReLU or σ_w² to 1/3, and χ
is far below 1 in every layer: the same eighty then cost twelve powers of ten, or nineteen.
"""

from dataclasses import dataclass

import numpy as np

import tinygrad_stab as torch
from demos.experiment import Claim, Config, Result, Within, over_seeds
from demos.notebook import present
from demos.style import Figure, band, legend, panels, prediction
from tinygrad_stab.stability import theory

SOURCE = "Glorot & Bengio 2010 (the start); Poole et al. 2016 and Schoenholz et al. 2017 (q and χ)"

NETS = {  # activation and σ_w²
    "tanh, σ_w² = 1": ("tanh", 1.0),
    "tanh, σ_w² = 1/3": ("tanh", 1 / 3),
    "ReLU, σ_w² = 1": ("relu", 1.0),
}


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    depth: tuple[int, ...] = (5, 10, 20, 40, 80)
    width: int = 256
    samples: int = 128


FAST = dict(seeds=(0,))


# %% The experiment
def measure(activation: str, weight_var: float, setup: Setup) -> tuple[list[float], list[float]]:
    """‖δ‖ of the first layer relative to the last in a net of every depth; E z² in all layers of the last."""
    left = []
    for depth in setup.depth:
        h, zs = torch.randn(setup.samples, setup.width), []
        for _ in range(depth):
            W = torch.randn(setup.width, setup.width) * (weight_var / setup.width) ** 0.5
            zs.append(h @ W.requires_grad_())
            h = getattr(torch, activation)(zs[-1])
        first, last = torch.autograd.grad(h, [zs[0], zs[-1]], torch.randn_like(h))
        left.append((first.norm() / last.norm()).item())
    return left, [z.square().mean().item() for z in zs]


def predicted(activation: str, weight_var: float, setup: Setup) -> tuple[np.ndarray, np.ndarray]:
    """The same from theory: the product of √χ, for every number of layers up to the largest; and q."""
    q = [weight_var]
    for _ in range(max(setup.depth) - 1):
        q.append(theory.length_map(activation, q[-1], weight_var))
    factors = [theory.chi(activation, weight_var, q=q_l) ** 0.5 for q_l in q[:-1]]
    return np.cumprod([1, *factors]), np.array(q)


def run(setup: Setup) -> Result:
    runs = {name: [*zip(*over_seeds(setup, measure, *net))] for name, net in NETS.items()}
    laws = {name: predicted(*net, setup) for name, net in NETS.items()}
    critical, *others = NETS
    left = {name: np.array(runs[name][0]) for name in NETS}
    last, layer = setup.depth[-1], setup.depth[len(setup.depth) // 2]
    z2 = np.array(runs[critical][1])[:, layer - 1]
    spread = "four standard deviations of one net; they grow as √L"
    product = "the product of √χ, χ = σ_w² E φ′(z)², q from the length map"
    # fmt: off
    claims = [
        *(Claim(f"{critical}: ‖δ‖ left by {L} layers", left[critical][:, k], laws[critical][0][L - 1],
                Within(round(0.05 * L**0.5, 2)), product, spread) for k, L in enumerate(setup.depth)),
        Claim(f"{critical}: E z² in layer {layer}", z2, laws[critical][1][layer - 1], Within(0.4),
              "q′ = E tanh(z)², about 1/(2l)", "four standard deviations of one net"),
        *(Claim(f"{name}: log₁₀ ‖δ‖ left by {last}", np.log10(left[name][:, -1]), np.log10(laws[name][0][-1]),
                Within(0.05), product, spread) for name in others),
    ]
    # fmt: on
    if len(setup.depth) > 1:
        slope, _ = np.polyfit(np.log(setup.depth), np.log(left[critical]).T, deg=1)
        claims.append(Claim(f"{critical}: power of L", slope, -0.5, Within(0.25), "‖δ‖ ~ 1/√L", spread))
    return Result(claims, (runs, laws))


# %% The figure
def draw(setup: Setup, data: tuple) -> Figure:
    runs, laws = data
    figure, axes = panels(2)
    layers = np.arange(1, max(setup.depth) + 1)
    for name in NETS:
        middle = np.median(runs[name][0], axis=0)
        axes[0].plot(setup.depth, middle, label=name, linestyle="")
        band(axes[1], layers, runs[name][1], markevery=8)
        for ax, law in zip(axes, laws[name]):
            prediction(ax, layers, law)
    axes[0].lines[-1].set_label("theory")
    axes[0].set(title="‖δ‖, first layer over last", xlabel="depth L", ylim=(1e-5, 2))
    axes[1].set(title="E z²", xlabel="layer l", ylim=(1e-5, 2))
    for ax in axes:
        ax.set(xscale="log", yscale="log")
        ax.set_xticks([1, 3, 10, 30, 100], ["1", "3", "10", "30", "100"])
    legend(figure, axes[0])
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
