"""Xavier's start is not made for sigmoid: it assumes slope 1 and mean 0.

Sigmoid has slope ¼ and mean ½: near z = 0, σ(z) = ½ + z/4. With weights of variance σ_w²/n a layer therefore
multiplies the gradient by about σ_w/4. From Xavier's start, σ_w = 1, that is ¼, and five layers do not learn.
There are two remedies.

    gain      σ_w = 4 makes up for the slope, though not for the mean: large weights multiply the ½ as well
              and push z to where σ is flat. √χ = σ_w √(E σ′²) is 0.63, and 1 only near σ_w = 10. It learns
    mean 0    φ(z) = 2 σ(z) − 1 = tanh(z/2) has slope ½ and mean 0: σ_w = 2 is all that it needs
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

import tinygrad_stab as torch
from demos.digits import BLIND_ACCURACY, BLIND_LOSS, load_digits
from demos.experiment import Claim, Config, Result, Within, above, below, over_seeds
from demos.notebook import present
from demos.style import Figure, band, legend, panels, prediction
from demos.training import accuracy, plain_net, smooth, train
from tinygrad_stab import nn
from tinygrad_stab.stability import theory

SOURCE = "Glorot & Bengio 2010, sec. 4.2.1 (the assumptions); Kumar 2017 (σ_w = 3.6 for sigmoid)"


class Centred(nn.Module):
    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return 2 * torch.sigmoid(z) - 1


NETS = {  # φ, σ_w, and four standard deviations of √χ, measured in one net
    "σ, Xavier": (nn.Sigmoid(), 1, 0.02),
    "σ, σ_w = 4": (nn.Sigmoid(), 4, 0.04),
    "σ, σ_w = 10": (nn.Sigmoid(), 10, 0.1),
    "2σ − 1, σ_w = 2": (Centred(), 2, 0.02),
}


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    depth: int = 5
    width: int = 64
    lr: float = 0.5
    steps: int = 300
    data: str = "digits"
    probe_depth: int = 30  # of the net in which √χ is measured
    probe_width: int = 256


FAST = dict(seeds=(0,))


# %% The experiment
def gradient_rate(φ: nn.Module, σ_w: float, setup: Setup) -> float:
    """The factor on ‖∂L/∂z‖ per layer, for random inputs and a random gradient at the top."""
    h, zs = torch.randn(128, setup.probe_width), []
    for _ in range(setup.probe_depth):
        layer = nn.Linear(setup.probe_width, setup.probe_width, bias=False)
        nn.init.xavier_normal_(layer.weight, gain=σ_w)
        zs.append(layer(h))
        h = φ(zs[-1])
    low, high = inner_layers(setup)
    first, last = torch.autograd.grad(h, [zs[low], zs[high]], torch.randn_like(h))
    return (first.norm() / last.norm()).item() ** (1 / (high - low))


def predicted_rate(φ: nn.Module, σ_w: float, setup: Setup) -> float:
    """√χ, averaged over the same layers; q = E z² starts at σ_w² and follows the length map."""
    low, high = inner_layers(setup)
    q, χs = float(σ_w**2), []
    for _ in range(high):
        χs.append(theory.chi(φ, σ_w**2, q=q))
        q = theory.length_map(φ, q, σ_w**2)
    return float(np.exp(np.log(χs[low:]).mean() / 2))


def inner_layers(setup: Setup) -> tuple[int, int]:
    """Two layers away from both ends."""
    return setup.probe_depth // 6, setup.probe_depth - setup.probe_depth // 6


def train_one(seed: int, φ: nn.Module, σ_w: float, setup: Setup) -> tuple[np.ndarray, float]:
    """The averaged loss at every step, and the accuracy in the end."""
    torch.manual_seed(seed)
    data = load_digits(seed, setup.data)
    sizes = [data.pixels, *[setup.width] * setup.depth, 10]
    model = plain_net(sizes, φ, partial(nn.init.xavier_normal_, gain=σ_w))
    losses = train(model, data, lr=setup.lr, steps=setup.steps)
    return smooth(losses, 20), accuracy(model, data.x_test, data.y_test)


def run(setup: Setup) -> Result:
    rates = {name: over_seeds(setup, gradient_rate, φ, σ_w) for name, (φ, σ_w, _) in NETS.items()}
    runs = {name: [train_one(seed, *net[:2], setup) for seed in setup.seeds] for name, net in NETS.items()}
    loss = {name: [losses[-1] for losses, _ in runs[name]] for name in NETS}
    law, chance = "√χ = σ_w √(E φ′²), the factor on ‖gradient‖ per layer", "four standard deviations of a net"
    reach, gap = "how much gradient comes through", "between Xavier's start and the others"
    mean, between = "the mean: a gain leaves it, centring removes it", "between the two remedies"
    # fmt: off
    claims = [
        *(Claim(f"{name}: √χ", rates[name], predicted_rate(φ, σ_w, setup), Within(share), law, chance)
          for name, (φ, σ_w, share) in NETS.items()),
        *(Claim(f"{name}: accuracy", [reached for _, reached in runs[name]],
                BLIND_ACCURACY if name == "σ, Xavier" else "learns",
                below(0.3) if name == "σ, Xavier" else above(0.5), reach, gap) for name in NETS),
        Claim("σ, σ_w = 4: loss", loss["σ, σ_w = 4"], "larger", above(0.06), mean, between),
        Claim("2σ − 1, σ_w = 2: loss", loss["2σ − 1, σ_w = 2"], "smaller", below(0.06), mean, between),
    ]
    # fmt: on
    return Result(claims, (rates, runs))


# %% The figure
def draw(setup: Setup, data: tuple) -> Figure:
    rates, runs = data
    figure, (left, right) = panels(2)
    for φ, largest, name in ((nn.Sigmoid(), 12, "σ"), (Centred(), 3, "2σ − 1")):
        gains = np.linspace(0.5, largest, 15)
        prediction(left, gains, [predicted_rate(φ, σ_w, setup) for σ_w in gains])
        left.text(largest, 1.12, name, ha="right")
    for name, (_, σ_w, _) in NETS.items():
        left.plot([σ_w] * len(rates[name]), rates[name], linestyle="")
        band(right, np.arange(setup.steps), [losses for losses, _ in runs[name]], label=name, markevery=50)
    left.axhline(1, color="0.5", linewidth=1)
    left.set(title="√χ, the factor on ‖gradient‖ per layer", xlabel=r"$\sigma_w$", ylim=(0, 1.3))
    prediction(right, [0, setup.steps], [BLIND_LOSS] * 2, label="theory (right: blind guess)")
    right.set(title=f"training loss, {setup.depth} hidden layers", xlabel="step", ylim=(0, 2.6))
    legend(figure, right)
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
