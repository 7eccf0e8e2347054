"""The default start shrinks signal and gradient layer by layer; Xavier's keeps their shape.

By default, in 2010 and in PyTorch today, weights are drawn from ±1/√n. Then n Var W = 1/3, which multiplies
the signal by 1/√3 on its way up, and the gradient δ = ∂L/∂z by 1/√3 on its way down. Xavier's start draws
from ±√(6/(fan_in + fan_out)), so that n Var W = 1, and leaves only what tanh takes. The Jacobian of a layer,
∂h′/∂h, has both in it:

    J = diag(φ′(z)) W        mean s² = χ = σ_w² E φ′(z)²,  mean s ≈ 8/(3π) √χ = 0.85 √χ

for its singular values s, whose density is about a quarter of a circle. The last column is a warning: the
gradient of the weights is made of signal and δ, of which one shrinks upwards and the other downwards. So it
is as large in one layer as in another, from either start, and cannot tell them apart.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

import tinygrad_stab as torch
from demos.digits import load_digits
from demos.experiment import Claim, Config, Result, Within, below
from demos.notebook import present
from demos.style import Figure, legend
from tinygrad_stab import nn
from tinygrad_stab.stability import theory

SOURCE = "Glorot & Bengio 2010: Figs. 6, 7 and 8, eqs. 14 to 16, sec. 4.2.1 (mean singular value 0.5 and 0.8)"

INITS: dict[str, Callable] = {
    "default": lambda W: nn.init.kaiming_uniform_(W, a=5**0.5),  # ±1/√n
    "Xavier": nn.init.xavier_uniform_,
}


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    depth: int = 5  # hidden layers
    width: int = 256
    batch: int = 300
    data: str = "digits"


FAST = dict(seeds=(0,))


# %% The experiment
@dataclass
class Measured:
    """For every hidden layer: its outputs, δ and ∂L/∂W; from the second on, the mean singular value of J."""

    h: list[np.ndarray]
    δ: list[np.ndarray]
    G: list[np.ndarray]
    s: list[float]


def measure(seed: int, draw_weights: Callable, setup: Setup) -> Measured:
    torch.manual_seed(seed)
    data = load_digits(seed, setup.data)
    hs, zs, weights = [data.x_train[: setup.batch]], [], []
    for n_in, n_out in pairwise([data.pixels, *[setup.width] * setup.depth]):
        weights.append(draw_weights(torch.empty(n_out, n_in)).requires_grad_())
        zs.append(hs[-1] @ weights[-1].T)
        hs.append(torch.tanh(zs[-1]))
    scores = hs[-1] @ draw_weights(torch.empty(10, setup.width)).T
    loss = nn.CrossEntropyLoss()(scores, data.y_train[: setup.batch])
    gradients = [g.numpy() for g in torch.autograd.grad(loss, [*zs, *weights])]
    h, W = [h.detach().numpy() for h in hs[1:]], [W.detach().numpy() for W in weights]
    jacobians = [(1 - h[k][0][:, None] ** 2) * W[k] for k in range(1, setup.depth)]  # for the first image
    s = [np.linalg.svd(J, compute_uv=False).mean() for J in jacobians]
    return Measured(h, gradients[: setup.depth], gradients[setup.depth :], s)


def predicted(name: str, setup: Setup) -> tuple[np.ndarray, np.ndarray]:
    """The deviation of h in every hidden layer, for inputs of size 1; and √χ of all but the first."""
    pixels = load_digits(0, setup.data).pixels
    weight_var = 1 / 3 if name == "default" else 1.0
    q, deviations, factors = 1 / 3 if name == "default" else 2 * pixels / (pixels + setup.width), [], []
    for _ in range(setup.depth):
        factors.append(theory.chi("tanh", weight_var, q=q) ** 0.5)
        deviations.append(theory.length_map("tanh", q, 1.0) ** 0.5)
        q = weight_var * deviations[-1] ** 2
    return np.array(deviations), np.array(factors)


def run(setup: Setup) -> Result:
    runs = {name: [measure(seed, draw, setup) for seed in setup.seeds] for name, draw in INITS.items()}
    glorot = "Glorot & Bengio 2010, eq. 14: the variance of ∂L/∂W is the same in all layers"
    laws, claims = {name: predicted(name, setup) for name in INITS}, []
    L, four = setup.depth, "four standard deviations of one net"
    # fmt: off
    for name in INITS:
        deviations, factors = laws[name]
        claims += [
            Claim(f"{name}: deviation of h in layer {L}", [m.h[-1].std() for m in runs[name]], deviations[-1],
                  Within(0.15), "E tanh(z)², z ~ N(0, q), layer by layer", four),
            Claim(f"{name}: ‖δ‖, layer 1 over {L}", [norm(m.δ[0]) / norm(m.δ[-1]) for m in runs[name]],
                  np.prod(factors[:-1]), Within(0.15), "the product of √χ, χ = σ_w² E tanh′(z)²", four),
            Claim(f"{name}: mean singular value of J", [np.mean(m.s) for m in runs[name]],
                  8 / (3 * np.pi) * factors[1:].mean(), Within(0.05), "8/(3π) √χ, a quarter circle", four),
            Claim(f"{name}: ‖∂L/∂W‖, max over min", [spread(m.G[1:]) for m in runs[name]], "≈ 1", below(1.4),
                  glorot, "layers of the same shape; far from what ‖δ‖ does"),
        ]
    # fmt: on
    return Result(claims, runs)


def norm(x: np.ndarray) -> float:
    return float(np.linalg.norm(x))


def spread(gradients: list[np.ndarray]) -> float:
    norms = [norm(G) for G in gradients]
    return max(norms) / min(norms)


# %% The figure
def draw(setup: Setup, runs: dict) -> Figure:
    import matplotlib.pyplot as plt

    figure, rows = plt.subplots(2, 3, sharex="col", sharey=True)
    for row, name in zip(rows, INITS):
        m = runs[name][0]
        columns = m.h, [δ / m.δ[-1].std() for δ in m.δ], [G / m.G[-1].std() for G in m.G]
        for ax, layers, limit in zip(row, columns, (1, 4, 4)):
            for k, values in enumerate(layers):
                count, edges = np.histogram(values, bins=60, range=(-limit, limit))
                ax.plot(
                    (edges[1:] + edges[:-1]) / 2,
                    count / count.max(),
                    label=f"layer {k + 1}",
                    markevery=(k, 12),
                )
        row[0].set(ylabel=name, yticks=[])
    for k, title in enumerate(("outputs h", "gradients δ", "gradients ∂L/∂W")):
        rows[0][k].set(title=title)
        rows[1][k].set(xlabel=f"over their deviation in layer {setup.depth}" if k else "value")
    legend(figure, rows[0][0])
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
