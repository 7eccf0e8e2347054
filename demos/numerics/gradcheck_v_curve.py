"""A finite difference has a best step; a smaller one is worse, and in float32 even the best is poor.

A difference quotient makes two errors. Cutting off the Taylor series costs more the larger the step h is,
and subtracting two nearly equal numbers costs more the smaller it is:

    forward    (f(x + h) − f(x)) / h          h |f″|/2  + ε |f|/h      best h ≈ √ε, where the error is √ε
    central    (f(x + h) − f(x − h)) / 2h     h² |f‴|/6 + ε |f|/h      best h ≈ ∛ε, where it is ∛ε²
    complex    Im f(x + ih) / h               h² |f‴|/6                nothing is subtracted: any small h

The loss is written once, in NumPy's words: given tensors it is differentiated, given arrays evaluated.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

import tinygrad_stab as torch
from demos.experiment import Claim, Config, Result, Within, above, below, over_seeds
from demos.notebook import present
from demos.style import Figure, decades, legend, panels, prediction

SOURCE = "Press et al., Numerical Recipes, sec. 5.7; Squire & Trapp 1998 (the complex step)"

STEPS = 10.0 ** np.arange(-16, 0.25, 0.5)


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    seeds: tuple[int, ...] = tuple(range(10))
    inputs: int = 8
    hidden: int = 12
    classes: int = 4
    batch: int = 16


FAST: dict[str, Any] = {}


def loss(weights: list, x: Any, y: np.ndarray) -> Any:
    """Cross-entropy of a two-layer tanh net, for tensors and for arrays, real or complex."""
    W1, b1, W2, b2 = weights
    scores = np.tanh(x @ W1 + b1) @ W2 + b2
    return np.mean(np.log(np.sum(np.exp(scores), axis=1)) - scores[np.arange(len(y)), y])


# %% The experiment
def relative_errors(setup: Setup) -> dict[str, np.ndarray]:
    """|difference quotient / slope − 1| along a random direction, for every method and step."""
    shapes = (setup.inputs, setup.hidden), (setup.hidden,), (setup.hidden, setup.classes), (setup.classes,)
    weights = [torch.randn(*shape).requires_grad_() for shape in shapes]
    x = torch.randn(setup.batch, setup.inputs).numpy()
    y = torch.randint(setup.classes, (setup.batch,)).numpy()
    u = [torch.randn(*shape).numpy() for shape in shapes]
    u = [part / sum(np.sum(part**2) for part in u) ** 0.5 for part in u]
    gradients = torch.autograd.grad(loss(weights, x, y), weights)
    slope = sum(np.sum(g.numpy() * part) for g, part in zip(gradients, u))

    def f(h: complex, dtype: Any) -> Any:
        moved = [(w.detach().numpy() + h * part).astype(dtype) for w, part in zip(weights, u)]
        return loss(moved, x.astype(dtype), y)

    quotients = {"complex step": [f(1j * h, complex).imag / h for h in STEPS]}
    for name, dtype in (("float64", np.float64), ("float32", np.float32)):
        quotients[f"forward, {name}"] = [(f(h, dtype) - f(0, dtype)) / h for h in STEPS]
        quotients[f"central, {name}"] = [(f(h, dtype) - f(-h, dtype)) / (2 * h) for h in STEPS]
    return {name: np.abs(np.array(q, dtype=float) / slope - 1) for name, q in quotients.items()}


def power(errors: np.ndarray, low: float, high: float) -> list[float]:
    """p in error ~ hᵖ for steps from low to high, fitted to the mean logarithm of all seeds."""
    h = abs(np.log(STEPS / (low * high) ** 0.5)) < 0.51 * np.log(high / low)
    return [np.polyfit(np.log(STEPS[h]), np.log(errors[:, h]).mean(axis=0), deg=1)[0]]


def run(setup: Setup) -> Result:
    runs = over_seeds(setup, relative_errors)
    errors = {name: np.array([run[name] for run in runs]) for name in runs[0]}
    forward, central = errors["forward, float64"], errors["central, float64"]
    single, complex_step = errors["central, float32"], errors["complex step"]
    taylor, rounding = "Taylor's remainder, error ~ hᵖ", "rounding, error ~ ε |f|/h"
    exact, noisy = "the next term of the series is small", "rounding errors are random"
    both = "the two errors together, where they are equal"
    # fmt: off
    claims = [
        Claim("forward, large h: power p", power(forward, 1e-5, 1e-2), 1, Within(0.05), taylor, exact),
        Claim("central, large h: power p", power(central, 1e-3, 1e-1), 2, Within(0.025), taylor, exact),
        Claim("forward, small h: power p", power(forward, 1e-14, 1e-9), -1, Within(0.25), rounding, noisy),
        Claim("central, small h: power p", power(central, 1e-14, 1e-7), -1, Within(0.25), rounding, noisy),
        Claim("central: best error", central.min(axis=1), 3.7e-11, below(1e-8), both, noisy),
        Claim("central, float32: best error", single.min(axis=1), 2.4e-5, above(1e-7), both, noisy),
        Claim("complex step, h ≤ 1e-8: error", complex_step[:, :17].max(axis=1), 2.2e-16,
              below(1e-13), "ε: nothing is subtracted", "many roundings of ε each"),
    ]
    # fmt: on
    return Result(claims, errors)


# %% The figure
def draw(setup: Setup, errors: dict[str, np.ndarray]) -> Figure:
    figure, axes = panels(2, sharey=True)
    for ax, dtype in zip(axes, (np.float64, np.float32)):
        for method in ("forward", "central"):
            middle = np.median(errors[f"{method}, {dtype.__name__}"], axis=0)
            ax.plot(STEPS, middle, label=method, markevery=2)
        if dtype is np.float64:
            middle = np.median(errors["complex step"], axis=0)
            ax.plot(STEPS, np.maximum(middle, 1e-16), label="complex step", markevery=2)
        ε = np.finfo(dtype).eps
        for p in (1, 2):
            h = np.geomspace(ε ** (1 / (p + 1)), 1)
            prediction(ax, h, 0.3 * h**p)
        h = np.geomspace(2 * ε, ε ** (1 / 3))
        prediction(ax, h, ε / h, label="theory: ε/h, then h or h²")
        ax.set(title=dtype.__name__, xscale="log", yscale="log", xlabel="step h", ylim=(1e-17, 100))
        ax.set_xticks(10.0 ** np.arange(-16, 1, 4))
        decades(ax, 5)
    axes[0].set_ylabel("relative error")
    legend(figure, axes[0])
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
