"""A sigmoid net hardly learns from small weights; with BatchNorm it learns at once.

Three sigmoid layers, small Gaussian weights: each layer multiplies the size of the gradient by at most σ_w/4,
and brings the images nearer to each other by as much. BatchNorm before the sigmoid gives every unit mean 0
and deviation 1 over the images of a batch, and keeps them there while the weights move. LayerNorm does so
over the units of one image, and is slower here: what a unit has in common for all images stays.

The net is tested in evaluation mode, with running averages; in the first thirty steps they lag behind.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

import tinygrad_stab as torch
from demos.digits import BLIND_ACCURACY, load_digits
from demos.experiment import Claim, Config, Result, above, below
from demos.notebook import present
from demos.style import Figure, band, legend, panels, prediction
from demos.training import accuracy, train
from tinygrad_stab import nn

SOURCE = "Ioffe & Szegedy 2015, sec. 4.1 and Fig. 1: MNIST, three sigmoid layers of 100 units"


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    depth: int = 3
    width: int = 100
    std: float = 0.1  # of the weights
    lr: float = 0.1
    batch: int = 60
    steps: int = 300
    every: int = 10  # so many steps the net is tested
    data: str = "digits"


FAST = dict(seeds=(0,))
NORMS = {"BatchNorm": nn.BatchNorm1d, "LayerNorm": nn.LayerNorm, "no norm": nn.Identity}


def network(norm: str, pixels: int, setup: Setup) -> nn.Sequential:
    """Linear, normalization, sigmoid, so many times; then Linear."""
    layers = []
    for n_in, n_out in pairwise([pixels, *[setup.width] * setup.depth]):
        layers += [nn.Linear(n_in, n_out), NORMS[norm](n_out), nn.Sigmoid()]
    model = nn.Sequential(*layers, nn.Linear(setup.width, 10))
    for module in model:
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=setup.std)
            nn.init.zeros_(module.bias)
    return model


# %% The experiment
def learn(seed: int, norm: str, setup: Setup) -> tuple[np.ndarray, np.ndarray]:
    """Test accuracy, and 15, 50 and 85 % quantiles, over the test images, of what enters one deep sigmoid."""
    torch.manual_seed(seed)
    data = load_digits(seed, setup.data)
    model = network(norm, data.pixels, setup)
    accuracies, quantiles = [], []
    for _ in range(setup.every, setup.steps + 1, setup.every):
        train(model.train(), data, lr=setup.lr, batch=setup.batch, steps=setup.every)
        accuracies.append(accuracy(model.eval(), data.x_test, data.y_test))
        with torch.no_grad():
            one_unit = model[:-2](data.x_test)[:, 0].numpy()
        quantiles.append(np.percentile(one_unit, [15, 50, 85]))
    return np.array(accuracies), np.array(quantiles)


def run(setup: Setup) -> Result:
    runs = {norm: [learn(seed, norm, setup) for seed in setup.seeds] for norm in NORMS}
    read = {norm: np.array([accuracies for accuracies, _ in runs[norm]]) for norm in NORMS}
    early = read["BatchNorm"][:, 50 // setup.every - 1], read["no norm"][:, 50 // setup.every - 1]
    spread = {norm: np.array([(q[:, 2] - q[:, 0])[-1] for _, q in runs[norm]]) for norm in NORMS}
    fig1a = "Ioffe & Szegedy 2015, Fig. 1(a): with BatchNorm the net trains faster, and gets further"
    alike = "the mean ½ of a sigmoid makes images alike; BatchNorm puts the spread at about 2"
    gap = "between the worst run with it and the best without"
    # fmt: off
    claims = [
        Claim("50 steps, no norm: accuracy", early[1], BLIND_ACCURACY, below(0.4), fig1a, gap),
        Claim("50 steps, BatchNorm: accuracy", early[0], "learns", above(0.7), fig1a, gap),
        Claim("end, no norm: accuracy", read["no norm"][:, -1], "behind", below(0.65), fig1a, gap),
        Claim("end, BatchNorm: accuracy", read["BatchNorm"][:, -1], "ahead", above(0.85), fig1a, gap),
        Claim("end, LayerNorm: accuracy", read["LayerNorm"][:, -1], "ahead", above(0.75),
              "the sigmoid at the same point, over units instead of images", gap),
        Claim("accuracy, mean over all steps: BatchNorm less LayerNorm",
              read["BatchNorm"].mean(axis=1) - read["LayerNorm"].mean(axis=1), "> 0", above(0.02),
              "the mean of a unit over the images, which only BatchNorm removes", gap),
        Claim("one sigmoid's input, no norm: spread", spread["no norm"], "alike", below(0.7), alike, gap),
        Claim("one sigmoid's input, BatchNorm: spread", spread["BatchNorm"], "apart", above(1.4), alike, gap),
    ]
    # fmt: on
    return Result(claims, runs)


# %% The figure
def draw(setup: Setup, runs: dict) -> Figure:
    figure, (left, middle, right) = panels(3, width_ratios=[1.3, 1, 1])
    steps = np.arange(setup.every, setup.steps + 1, setup.every)
    for norm in NORMS:
        band(left, steps, [100 * accuracies for accuracies, _ in runs[norm]], label=norm, markevery=5)
    prediction(left, steps, 0 * steps + 100 * BLIND_ACCURACY, label="blind guess")
    left.set(ylabel="test accuracy, %", ylim=(0, 100))
    for ax, norm, colour in ((middle, "no norm", "C2"), (right, "BatchNorm", "C0")):
        low, median, high = runs[norm][0][1].T
        ax.plot(steps, median, color=colour, marker="")
        ax.fill_between(steps, low, high, color=colour, alpha=0.3, linewidth=0)
        ax.set(title=f"one sigmoid's input:\n{norm}", ylim=(-2.5, 2.5))
    for ax in (left, middle, right):
        ax.set_xlabel("step")
    middle.set_ylabel("15, 50 and 85 % quantiles")
    legend(figure, left)
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
