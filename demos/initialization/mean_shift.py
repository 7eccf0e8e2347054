"""ReLU shifts the mean, ELU less, SELU hardly; but SELU's gradients grow.

For z ~ N(0, 1), and as a share of the root mean square, the mean of φ(z) is

    E φ/√(E φ²)     ReLU 0.56 = 1/√π     leaky ReLU 0.56     ELU 0.20     SELU 0

To the next layer that is one constant input more, the same for every sample. BatchNorm before the ReLU does
not help: it centres z, and what matters is φ(z). ELU shifts less, and learns faster here. SELU's constants
make mean 0 and E z² = 1 hold in every layer, going up; coming down its gradient grows by √(E φ′²) = 1.035.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

import tinygrad_stab as torch
from demos.digits import load_digits
from demos.experiment import Between, Claim, Config, Result, Within, above, below, over_seeds
from demos.notebook import present
from demos.style import Figure, band, legend, panels, prediction
from demos.training import smooth, train
from tinygrad_stab import nn
from tinygrad_stab.stability import gaussian, theory

SOURCE = "Clevert et al. 2015, sec. 3 (the shift of the mean); Klambauer et al. 2017, eq. 14 (SELU)"

NETS = {"ReLU": nn.ReLU(), "leaky ReLU": nn.LeakyReLU(0.01), "ELU": nn.ELU(), "SELU": nn.SELU()}
LIMITS = {  # at the start, of the shift and of the gradient's factor; trained, of the shift and of the loss
    "ReLU":       (Within(0.05),         Within(0.04), above(0.45), above(0.175)),
    "leaky ReLU": (Within(0.05),         Within(0.04), above(0.45), above(0.175)),
    "ELU":        (Within(0.2),          Within(0.02), below(0.42), below(0.175)),
    "SELU":       (Between(-0.02, 0.02), Within(0.02), below(0.2),  below(0.175)),
}  # fmt: skip


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    depth: int = 30
    width: int = 256
    trained_depth: int = 8
    trained_width: int = 64
    lr: float = 0.03
    steps: int = 150
    data: str = "digits"


FAST = dict(seeds=(0,))


# %% The experiment
def at_the_start(φ: nn.Module, setup: Setup) -> tuple[np.ndarray, np.ndarray, float]:
    """The shift of φ(z) and ‖∂L/∂z‖ by layer, for a random gradient at the top; E z² in the last layer."""
    h, zs, shifts = φ(torch.randn(128, setup.width)), [], []  # like the output of a layer
    for _ in range(setup.depth):
        zs.append(linear(setup.width, setup.width, φ)(h))
        h = φ(zs[-1])
        shifts.append(shift(h))
    gradients = torch.autograd.grad(h, zs, torch.randn_like(h))
    return np.array(shifts), np.array([g.norm().item() for g in gradients]), (zs[-1] ** 2).mean().item()


def linear(n_in: int, n_out: int, φ: nn.Module) -> nn.Linear:
    """Weights that keep E z² = 1 through this φ, and no bias to begin with."""
    layer = nn.Linear(n_in, n_out)
    nn.init.normal_(layer.weight, std=nn.init.empirical_gain(φ) / n_in**0.5)
    nn.init.zeros_(layer.bias)
    return layer


def shift(h: torch.Tensor) -> float:
    return (h.mean() / (h * h).mean() ** 0.5).item()


def trained(seed: int, φ: nn.Module, setup: Setup, norm: type[nn.Module] = nn.Identity) -> tuple:
    """The shift by layer after training, and the loss."""
    torch.manual_seed(seed)
    data, layers = load_digits(seed, setup.data), []
    for n_in, n_out in pairwise([data.pixels, *[setup.trained_width] * setup.trained_depth]):
        layers += [linear(n_in, n_out, φ), norm(n_out), φ]
    model = nn.Sequential(*layers, linear(n_out, 10, φ))
    losses = train(model, data, lr=setup.lr, steps=setup.steps)
    h, shifts = data.x_train, []
    with torch.no_grad():
        for layer in model:
            h = layer(h)
            if layer is φ:
                shifts.append(shift(h))
    return np.array(shifts), smooth(losses, 20)[-1]


def predicted(φ: nn.Module) -> tuple[float, float]:
    """E φ(z)/√(E φ(z)²) for z ~ N(0, 1), and √χ, the factor on ‖∂L/∂z‖ per layer."""
    shift = gaussian.mean(φ, 1.0) / gaussian.mean_square(φ, 1.0) ** 0.5
    return round(shift, 6) + 0.0, theory.chi(φ, nn.init.empirical_gain(φ) ** 2, q=1) ** 0.5


def run(setup: Setup) -> Result:
    start = {name: over_seeds(setup, at_the_start, φ) for name, φ in NETS.items()}
    end = {name: [trained(seed, φ, setup) for seed in setup.seeds] for name, φ in NETS.items()}
    normed = [trained(seed, nn.ReLU(), setup, nn.BatchNorm1d) for seed in setup.seeds]
    laws = {name: predicted(φ) for name, φ in NETS.items()}
    mean, rate = "E φ/√(E φ²), z ~ N(0, 1)", "√χ = √(E φ′²/E φ²), as σ_w² = 1/E φ²"
    faster, gap = "Clevert et al. 2015: ELU learns faster", "between the ReLUs and the ELUs"
    chance = "four standard deviations of one net"
    claims = [
        *(Claim(f"{name}: shift", [s.mean() for s, *_ in start[name]], laws[name][0], LIMITS[name][0], mean,
                chance) for name in NETS),
        *(Claim(f"{name}: gradient, factor per layer",
                [(g[0] / g[-1]) ** (1 / (setup.depth - 1)) for _, g, _ in start[name]], laws[name][1],
                LIMITS[name][1], rate, chance) for name in NETS),
        Claim("SELU: E z² in the last layer", [square for *_, square in start["SELU"]],
              theory.fixed_point("selu", 1), Within(0.15), "E φ(z)² = E z²", chance),
        *(Claim(f"{name}, trained: shift", [s.mean() for s, _ in end[name]], laws[name][0], LIMITS[name][2],
                "as at the start", gap) for name in NETS),
        Claim("ReLU after BatchNorm, trained: shift", [s.mean() for s, _ in normed], laws["ReLU"][0],
              LIMITS["ReLU"][2], "as at the start", gap),
        *(Claim(f"{name}, trained: loss", [loss for _, loss in end[name]],
                "higher" if "ReLU" in name else "lower", LIMITS[name][3], faster, gap) for name in NETS),
    ]  # fmt: skip
    return Result(claims, (start, end, laws))


# %% The figure
def draw(setup: Setup, data: tuple) -> Figure:
    start, end, laws = data
    figure, (before, after, gradient) = panels(3)
    layers, back = np.arange(1, setup.depth + 1), np.arange(setup.depth)
    for name, (mean, rate) in laws.items():
        band(before, layers, [s for s, *_ in start[name]], label=name, markevery=6)
        prediction(before, layers, np.full(setup.depth, mean))
        band(after, np.arange(1, setup.trained_depth + 1), [s for s, _ in end[name]])
        band(gradient, back, [g[::-1] / g[-1] for _, g, _ in start[name]], markevery=6)
        prediction(gradient, back, rate**back)
    before.lines[-1].set_label("theory")
    before.set(title="mean/rms of φ(z), start", xlabel="layer")
    after.set(title="… after training", xlabel="layer", ylim=before.get_ylim())
    gradient.set(title="‖gradient‖, start", xlabel="layers back from the loss")
    legend(figure, before)
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
