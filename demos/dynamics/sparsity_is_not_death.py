"""Half of a healthy ReLU net is zero: to find dead units, count those that never fire, not the zeros.

A common check calls a layer dead if more than 20 % of its outputs are zero. For symmetric weights and no bias
half of all pre-activations are negative, so a healthy net fails it, and always by the same amount: in a net
as PyTorch starts it, where the signal vanishes on the way up, the share of zeros is one half as well.

There the biases are all that is left of the upper layers' input. A unit then has the same sign for every
image: it fires always, or never. Only the second count, units that are zero for all of the data, sees that.
"""

from dataclasses import dataclass

import numpy as np

import tinygrad_stab as torch
from demos.digits import load_digits
from demos.experiment import Claim, Config, Result, Within, above, below, over_seeds
from demos.notebook import present
from demos.style import Figure, band, legend, panels, prediction
from demos.training import accuracy, train
from tinygrad_stab import nn

SOURCE = "Lu et al. 2020 (dying ReLU); the 20 % rule is folklore"

ALARM = 0.2  # of the outputs are zero


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    depth: int = 11
    width: int = 64
    lr: float = 0.02
    steps: int = 300
    data: str = "digits"


FAST = dict(seeds=(0,))


def network(start: str, pixels: int, setup: Setup) -> nn.Sequential:
    layers = []
    for n_in in [pixels] + [setup.width] * (setup.depth - 2):
        layers += [nn.Linear(n_in, setup.width), nn.ReLU()]
        if start == "He":
            nn.init.kaiming_normal_(layers[-2].weight, nonlinearity="relu")
            nn.init.zeros_(layers[-2].bias)
    return nn.Sequential(*layers, nn.Linear(setup.width, 10))


# %% The experiment
def census(model: nn.Sequential, x: torch.Tensor) -> np.ndarray:
    """For every ReLU layer the share of zeros, and that of units which are zero for every image."""
    counts = []
    with torch.no_grad():
        for layer in model:
            x = layer(x)
            if isinstance(layer, nn.ReLU):
                zero = x.numpy() == 0
                counts.append([zero.mean(), zero.all(axis=0).mean()])
    return np.array(counts)


def measure(start: str, setup: Setup) -> tuple[np.ndarray, np.ndarray, float]:
    """The census before training and after, and the accuracy that training reaches."""
    data = load_digits(0, setup.data)
    model = network(start, data.pixels, setup)
    before = census(model, data.x_train)
    train(model, data, lr=setup.lr, steps=setup.steps)
    return before, census(model, data.x_train), accuracy(model, data.x_test, data.y_test)


def run(setup: Setup) -> Result:
    runs = {start: over_seeds(setup, measure, start) for start in ("He", "default")}
    he, default = runs["He"], runs["default"]
    half = "symmetry, for any start; the 20 % rule would call both nets dead"
    by_bias = "where only the biases are left, a unit fires always or never"
    says, gap = "what the second count says, and the first does not", "between the two nets"
    chance = "four standard deviations of one net"
    # fmt: off
    claims = [
        Claim("He: share of zeros", [b[:, 0].mean() for b, *_ in he], 0.5, Within(0.2), half, chance),
        Claim("default: share of zeros", [b[:, 0].mean() for b, *_ in default], 0.5, Within(0.2), half,
              chance),
        Claim("He: share that never fires", [b[:, 1].mean() for b, *_ in he], "few", below(0.15), by_bias,
              gap),
        Claim("default: share that never fires", [b[:, 1].mean() for b, *_ in default], "many", above(0.2),
              by_bias, gap),
        Claim("He: accuracy, trained", [a for *_, a in he], "learns", above(0.6), says, gap),
        Claim("default: accuracy, trained", [a for *_, a in default], "does not", below(0.3), says, gap),
    ]
    # fmt: on
    return Result(claims, runs)


# %% The figure
def draw(setup: Setup, runs: dict) -> Figure:
    figure, axes = panels(2, sharey=True)
    layers = np.arange(1, setup.depth)
    titles = {"He": "healthy: from He's start", "default": "sick: PyTorch's default"}
    for ax, (start, title) in zip(axes, titles.items()):
        for k, name in enumerate(("zeros", "units that never fire")):
            band(ax, layers, [100 * before[:, k] for before, *_ in runs[start]], label=name)
        prediction(ax, layers, 0 * layers + 100 * ALARM, label="alarm of the 20 % rule")
        reached = np.median([100 * a for *_, a in runs[start]])
        ax.set(title=f"{title}\nafter training it reads {reached:.0f} %", xlabel="layer", ylim=(0, 100))
    axes[0].set_ylabel("per cent")
    legend(figure, axes[0])
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
