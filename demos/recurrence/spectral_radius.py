"""Singular values bound the gradient through time, eigenvalues rule it, slopes shrink it.

A step back in time multiplies the gradient by Wᵀ diag(φ′), the same W at every step. Let s be the largest
singular value of W, ρ its spectral radius, which is the largest |eigenvalue|, and γ the largest slope of φ:

    one step     ‖∂hₜ₊₁/∂hₜ‖ ≤ γ s                         γ = 1 for tanh, ¼ for sigmoid
    t steps      ‖Wᵗ‖ ~ ρᵗ, in the end                     Gelfand's formula, ρ = lim ‖Wᵗ‖^(1/t)

So s < 1/γ suffices for the gradient to vanish, and s > 1/γ is necessary for it to explode, but not
sufficient: for a matrix with ρ < 1 < s it first grows, and vanishes all the same. Of a large random matrix s
is almost 2ρ, of an orthogonal one it is ρ. And even ρ > 1 explodes only as long as the slopes are near 1:
where tanh is curved it takes more.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import tinygrad_stab as torch
from demos.experiment import Between, Claim, Config, Result, Within, above, below, over_seeds
from demos.notebook import present
from demos.style import Figure, band, decades, legend, panels, prediction

SOURCE = "Pascanu et al. 2013, sec. 2.1 and eqs. 6–7; Hochreiter & Schmidhuber 1997; Gelfand 1941"

ACTIVATIONS: dict[str, tuple[Callable, float]] = {  # φ, and its largest slope γ
    "linear": (lambda z: z, 1.0),
    "tanh": (torch.tanh, 1.0),
    "sigmoid": (torch.sigmoid, 0.25),
}


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    radius: tuple[float, ...] = (0.45, 0.7, 0.9, 1.1, 1.5, 2.0)  # ρ
    time: int = 100
    width: int = 64
    input_std: float = 0.3


FAST = dict(seeds=(0,))


# %% The experiment
@dataclass
class Measured:
    """The largest singular value s of W; ‖∂h_T/∂h‖ for t = 0 … T steps back, and its limit by s."""

    s: float
    norms: np.ndarray
    limits: np.ndarray

    @property
    def log_left(self) -> float:
        return np.log10(self.norms[-1])

    @property
    def rate(self) -> float:
        """The factor per step, over the second half of the way back."""
        half = len(self.norms) // 2
        return (self.norms[-1] / self.norms[half]) ** (1 / (len(self.norms) - 1 - half))


# fmt: off
CASES: tuple[tuple[str, float, str, Callable[[Measured], float], str, Between], ...] = (
    ("linear", 0.45, "s", lambda m: m.s, "< 1", below(0.95)),
    ("linear", 0.9, "s", lambda m: m.s, "> 1", above(1.3)),
    ("linear", 0.9, "‖∂h_T/∂h‖ at its largest", lambda m: m.norms.max(), "> 1", above(1.2)),
    ("linear", 0.9, "log₁₀ left", lambda m: m.log_left, "vanishes", below(-3)),
    ("linear", 1.1, "log₁₀ left", lambda m: m.log_left, "explodes", above(3)),
    ("tanh", 1.1, "log₁₀ left", lambda m: m.log_left, "vanishes", below(-3)),
    ("tanh", 2.0, "log₁₀ left", lambda m: m.log_left, "explodes", above(2)),
    ("sigmoid", 1.5, "γ s", lambda m: m.limits[1], "< 1", below(0.85)),
    ("sigmoid", 1.5, "log₁₀ left", lambda m: m.log_left, "vanishes", below(-20)),
)
# fmt: on


def measure(φ: Callable, γ: float, ρ: float, setup: Setup) -> Measured:
    """Scale a random W to ρ, and take ∂h_T/∂h row by row: each of n copies of the state gives one row."""
    n = setup.width
    W = torch.randn(n, n)
    W = (W * (ρ / np.abs(torch.linalg.eigvals(W).numpy()).max())).requires_grad_()
    hs = [(torch.ones(n, 1) * torch.randn(n)).requires_grad_()]
    for _ in range(setup.time):
        hs.append(φ(hs[-1] @ W.T + setup.input_std * torch.randn(n)))
    jacobians = torch.autograd.grad(hs[-1], hs, torch.eye(n))[::-1]
    s = np.linalg.norm(W.detach().numpy(), ord=2)
    norms = np.array([np.linalg.norm(J.numpy(), ord=2) for J in jacobians])
    return Measured(s, norms, (γ * s) ** np.arange(len(norms)))


def run(setup: Setup) -> Result:
    runs = {
        (name, ρ): over_seeds(setup, measure, φ, γ, ρ)
        for name, (φ, γ) in ACTIVATIONS.items()
        for ρ in setup.radius
    }
    bounded = [max((m.norms / m.limits)[2:].max() for m in seed) for seed in zip(*runs.values())]
    pascanu = "Pascanu et al. 2013: γ s < 1 suffices to vanish, γ s > 1 is necessary to explode"
    gap = "between those that vanish and those that explode"
    # fmt: off
    claims = [
        Claim("‖∂h_T/∂h‖ over its limit (γ s)ᵗ, t ≥ 2: largest", bounded, "≤ 1",
              Between(high=1 + 1e-10, proven=True), "the norm of a product is at most that of its factors",
              "a bound"),
        *(Claim(f"linear, ρ = {ρ:g}: factor per step", [m.rate for m in runs["linear", ρ]], ρ,
                Within(1 / setup.time), "Gelfand's formula", "1/T, as ‖Wᵗ‖ swings about ρᵗ")
          for ρ in setup.radius),
        *(Claim(f"{φ}, ρ = {ρ:g}: {what}", [of(m) for m in runs[φ, ρ]], expected, tolerance, pascanu, gap)
          for φ, ρ, what, of, expected, tolerance in CASES if ρ in setup.radius),
    ]
    # fmt: on
    return Result(claims, runs)


# %% The figure
def draw(setup: Setup, runs: dict) -> Figure:
    figure, axes = panels(3)
    back = np.arange(setup.time + 1)
    for ax, φ in zip(axes, ("linear", "tanh")):
        for ρ in setup.radius:
            band(ax, back, [m.norms for m in runs[φ, ρ]], label=f"ρ = {ρ:g}", markevery=20)
        ax.set(title=f"{φ}: ‖∂$h_T$/∂h‖", yscale="log", xlabel="steps back in time")
        decades(ax, 10)
    for ρ in setup.radius:
        prediction(axes[0], back, ρ**back)
    axes[1].sharey(axes[0])
    for φ in ACTIVATIONS:
        axes[2].plot(setup.radius, [np.median([m.rate for m in runs[φ, ρ]]) for ρ in setup.radius], label=φ)
    prediction(axes[2], setup.radius, setup.radius, label="theory, ρ")
    axes[2].axhline(1, color="gray", linestyle=":")
    axes[2].set(title="factor per step", xlabel="spectral radius ρ")
    axes[2].legend(loc="upper left")
    legend(figure, axes[0])
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
