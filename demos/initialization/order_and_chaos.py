"""Small weights forget how inputs differ, large ones scramble it: depth needs the edge between.

In a deep net two inputs with correlation c become two with correlation c′, layer after layer. Where this map
has the slope χ at c = 1, two inputs that are nearly the same differ χ times as much one layer on, and the
gradient's E ‖δ‖² is multiplied by the same χ one layer back:

    χ = σ_w² E φ′(z)²,   z ~ N(0, q*)          q* = σ_w² E φ(z)² + σ_b²

    order    χ < 1    all inputs become one, c → 1             gradients vanish
    edge     χ = 1    differences last                         gradients last
    chaos    χ > 1    neighbours are torn apart, c → c* < 1    gradients explode

For every q there is one point of the edge: σ_w² = 1/E φ′(z)², and σ_b² so that q is its q*.
"""

from dataclasses import dataclass

import numpy as np

import tinygrad_stab as torch
from demos.experiment import Claim, Config, Result, Within, above, below, over_seeds
from demos.notebook import present
from demos.style import Figure, band, panels, prediction
from tinygrad_stab.stability import theory

SOURCE = "Poole et al. 2016; Schoenholz et al. 2017"


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    weight_std: tuple[float, ...] = (0.7, 1.0, 1.15, 1.33, 1.6, 2.0, 3.0)  # σ_w
    bias_var: float = 0.05  # σ_b²
    depth: int = 24
    width: int = 256


FAST = dict(seeds=(0,), weight_std=(0.7, 1.33, 3.0))
PAIRS, CORRELATION = 64, 0.9  # of inputs, and of the two in each pair


# %% The experiment
def measure(σ_w: float, setup: Setup) -> tuple[float, np.ndarray]:
    """χ, from ‖δ‖² of layers away from both ends; and the mean correlation of the pairs in every layer."""
    c, n = CORRELATION, setup.width
    x, other = torch.randn(2, PAIRS, n)
    h, zs = torch.cat([x, c * x + (1 - c * c) ** 0.5 * other]), []
    for _ in range(setup.depth):
        W, b = torch.randn(n, n) * (σ_w / n**0.5), torch.randn(n) * setup.bias_var**0.5
        zs.append(h @ W.requires_grad_() + b)
        h = torch.tanh(zs[-1])
    low, high = setup.depth // 4, setup.depth - setup.depth // 6
    δ_low, δ_high = torch.autograd.grad(h, [zs[low - 1], zs[high - 1]], torch.randn_like(h))
    χ = (δ_low.norm() / δ_high.norm()).item() ** (2 / (high - low))
    return χ, np.array([mean_correlation(z.detach().numpy()) for z in zs])


def mean_correlation(z: np.ndarray) -> float:
    """The cosine between a row of the first half and its partner in the second, averaged."""
    z = z / np.linalg.norm(z, axis=1, keepdims=True)
    return (z[:PAIRS] * z[PAIRS:]).sum(axis=1).mean()


def predicted_correlations(σ_w: float, setup: Setup) -> list[float]:
    """The correlation in every layer, for a first layer that is given inputs of size 1."""
    weight_var, bias_var = σ_w**2, setup.bias_var
    q = weight_var + bias_var
    cs = [(weight_var * CORRELATION + bias_var) / q]
    for _ in range(setup.depth - 1):
        cs.append(theory.correlation_map("tanh", cs[-1], weight_var, bias_var, q))
        q = theory.length_map("tanh", q, weight_var, bias_var)
    return cs


def edge(q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The σ_w and σ_b² that have χ = 1 at these fixed points q."""
    weight_var = np.array([1 / theory.chi("tanh", 1.0, q=q_) for q_ in q])
    bias_var = [q_ - theory.length_map("tanh", q_, w) for q_, w in zip(q, weight_var)]
    return weight_var**0.5, np.array(bias_var)


def run(setup: Setup) -> Result:
    runs = {σ_w: over_seeds(setup, measure, σ_w) for σ_w in setup.weight_std}
    χ = {σ_w: np.array([χ for χ, _ in runs[σ_w]]) for σ_w in runs}
    last = {σ_w: [cs[-1] for _, cs in runs[σ_w]] for σ_w in runs}
    critical = theory.critical_weight_var("tanh", setup.bias_var) ** 0.5
    order, chaos, L = min(runs), max(runs), setup.depth
    gap, four = "between order and chaos", "four standard deviations of one net"
    by = "the slope χ of the correlation map at c = 1"
    # fmt: off
    claims = [
        *(Claim(f"σ_w = {σ_w:g}: χ", χ[σ_w], theory.chi("tanh", σ_w**2, setup.bias_var), Within(0.04),
                "χ = σ_w² E tanh′(z)², z ~ N(0, q*)", four) for σ_w in runs),
        Claim(f"σ_w = {order:g}: correlation in layer {L}", last[order], "→ 1", above(0.98), by, gap),
        Claim(f"σ_w = {chaos:g}: correlation in layer {L}", last[chaos], "→ c* < 1", below(0.3), by, gap),
    ]
    # fmt: on
    if order < critical < chaos:
        found = [np.exp(np.interp(0, np.log(one), np.log(list(runs)))) for one in zip(*χ.values())]
        near = min(runs, key=lambda σ_w: abs(σ_w - critical))
        what, kept = f"σ_w = {near:g}: correlation in layer {L}", predicted_correlations(near, setup)[-1]
        claims += [
            Claim(what, last[near], kept, Within(0.08), "the correlation map", four),
            Claim("σ_w at which χ = 1", found, critical, Within(0.05), "σ_w² = 1/E tanh′(z)²", four),
        ]
    return Result(claims, (χ, runs))


# %% The figure
def draw(setup: Setup, data: tuple) -> Figure:
    χ, runs = data
    figure, (plane, slope, correlation) = panels(3)
    prediction(plane, *edge(np.linspace(0.01, 1.2, 25)))
    line = np.linspace(min(runs), max(runs), 25)
    prediction(slope, line, [theory.chi("tanh", σ_w**2, setup.bias_var) for σ_w in line])
    slope.axhline(1, color="gray", linestyle=":")
    followed = {σ_w: dict(color=f"C{k}", marker="os^Dvp"[k % 6]) for k, σ_w in enumerate([*runs][1::2])}
    for σ_w in runs:
        look = followed.get(σ_w, dict(color="gray", marker="."))
        slope.plot(σ_w, np.median(χ[σ_w]), **look)
        plane.plot(σ_w, setup.bias_var, **look)
    layers = np.arange(1, setup.depth + 1)
    for σ_w, look in followed.items():
        band(correlation, layers, [cs for _, cs in runs[σ_w]], markevery=5, label=f"$σ_w$ = {σ_w:g}", **look)
        prediction(correlation, layers, predicted_correlations(σ_w, setup))
    plane.text(0.75, 0.14, "order")
    plane.text(2.0, 0.14, "chaos")
    plane.set(title="the edge, χ = 1", xlabel="$σ_w$", ylabel="$σ_b^2$", ylim=(0, 0.2))
    plane.set_yticks([0, 0.05, 0.1, 0.15, 0.2])
    slope.set(title="χ", xlabel="$σ_w$")
    correlation.set(title="correlation of two inputs", xlabel="layer", ylim=(-0.05, 1.05))
    correlation.legend(loc="lower left")
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
