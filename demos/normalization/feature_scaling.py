"""Standardize the inputs: BatchNorm further up cannot undo their unequal units.

A linear layer reads two features, one of them s times as large as the other. The curvature along a weight is
the mean square of its feature, so the curvatures differ by κ = s². The larger one limits the learning rate to
lr = 1/λ_max; at that rate the other direction shrinks by 1 − 1/κ in a step, and the loss falls to a share ε
of what it was, of which half lies in each direction, in

    ln(2 ε) / (2 ln(1 − 1/κ)) ≈ ½ ln(1/(2 ε)) · κ  steps

Dividing each feature by its deviation makes all of them equal: the net never hears of s. BatchNorm after the
first layer rescales z = W x unit by unit, the rows of W. What s has made unequal is the columns.
"""

from dataclasses import dataclass
from math import ceil, inf, log

import numpy as np

import tinygrad_stab as torch
from demos.digits import Digits, load_digits
from demos.experiment import Claim, Config, Result, Within, above, below
from demos.notebook import present
from demos.style import Figure, band, legend, panels, prediction
from demos.training import minibatches
from tinygrad_stab import nn

SOURCE = "LeCun et al. 1998, Efficient BackProp, sec. 4.3 (normalizing the inputs)"

NETS = ("as they are", "BatchNorm inside", "standardized")
GOAL = 1e-6  # ε


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    scale: tuple[float, ...] = (2.0, 4.0, 8.0, 16.0)  # s, for two features
    decades: float = 2.0  # the pixels of an image are multiplied by 10^u, u uniform on ± decades
    width: int = 48
    lr: tuple[float, ...] = (0.003, 0.01, 0.03, 0.1, 0.3)
    steps: int = 100
    data: str = "digits"


FAST = dict(seeds=(0,), scale=(2.0, 8.0), lr=(0.01, 0.1, 0.3))


# %% The experiment
def steps_needed(s: float) -> int:
    """Gradient descent on least squares with two features, uncorrelated, until the loss is a share ε."""
    x = torch.tensor([[1.0, s], [1.0, -s]]) / 2**0.5
    y, w = x @ torch.tensor([1.0, 1 / s]), torch.zeros(2, requires_grad=True)
    descent, losses = torch.optim.SGD([w], lr=1 / s**2), []
    while not losses or losses[-1] > GOAL * losses[0]:
        descent.zero_grad()
        loss = (x @ w - y).square().sum() / 2
        loss.backward()
        descent.step()
        losses.append(loss.item())
    return len(losses) - 1


def unequal(data: Digits, decades: float) -> Digits:
    """The same images, each pixel in a unit of its own."""
    factor = 10 ** ((2 * torch.rand(data.pixels) - 1) * decades)
    return data._replace(x_train=data.x_train * factor, x_test=data.x_test * factor)


def standardized(data: Digits) -> Digits:
    """Each pixel with mean 0 and deviation 1 over the training images; one that is always the same is 0."""
    mean, std = data.x_train.mean(0), data.x_train.std(0)
    share = torch.where(std > 1e-6 * data.x_train.abs().amax(0), 1 / std, 0 * std)
    return data._replace(x_train=(data.x_train - mean) * share, x_test=(data.x_test - mean) * share)


def final_loss(seed: int, net: str, decades: float, lr: float, setup: Setup) -> float:
    """The mean of the last 20 losses; infinite if the loss diverges."""
    torch.manual_seed(seed)
    data, layers, losses = unequal(load_digits(seed, setup.data), decades), [], []
    if net == "standardized":
        data = standardized(data)
    for n in (data.pixels, setup.width, setup.width):
        layers += [nn.Linear(n, setup.width), nn.ReLU()]
        nn.init.kaiming_normal_(layers[-2].weight, nonlinearity="relu")
        if net == "BatchNorm inside":
            layers.insert(-1, nn.BatchNorm1d(setup.width))
    model = nn.Sequential(*layers, nn.Linear(setup.width, 10))
    descent = torch.optim.SGD(model.parameters(), lr=lr)
    for x, y in minibatches(data, 32, setup.steps):
        descent.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        losses.append(loss.item())
        if not losses[-1] < 1e6:
            return inf
        loss.backward()
        descent.step()
    return float(np.mean(losses[-20:]))


def predicted_steps(s: float) -> int:
    return ceil(log(2 * GOAL) / (2 * log(1 - 1 / s**2)))


def run(setup: Setup) -> Result:
    steps = [steps_needed(s) for s in setup.scale]
    losses = {
        net: np.array([[final_loss(s, net, setup.decades, x, setup) for x in setup.lr] for s in setup.seeds])
        for net in NETS
    }
    unequal, equal = [
        [final_loss(seed, "standardized", decades, setup.lr[0], setup) for seed in setup.seeds]
        for decades in (setup.decades, 0.0)
    ]
    rate, rows = "1 − 1/κ a step, rounded up", "it rescales the rows of W; s is in the columns"
    best, gap = "the best of all learning rates", "between the standardized net and the others"
    # fmt: off
    claims = [
        *(Claim(f"s = {s:g}: steps", [n], predicted_steps(s), Within(1e-10), rate, "an identity")
          for s, n in zip(setup.scale, steps)),
        Claim("standardized: loss, unequal over equal pixels", np.divide(unequal, equal), 1, Within(1e-8),
              "(c x − mean c x)/std c x = (x − mean x)/std x", "an identity"),
        *(Claim(f"{net}: loss at the best lr", losses[net].min(1), *outcome, gap)
          for net, outcome in zip(NETS, (
              ("slow", above(0.35), "the largest pixel limits lr, the smallest needs more"),
              ("slow", above(0.35), rows), ("learns", below(0.35), best)))),
    ]
    # fmt: on
    return Result(claims, (steps, losses))


# %% The figure
def draw(setup: Setup, data: tuple) -> Figure:
    steps, losses = data
    figure, (two, images) = panels(2)
    band(two, np.square(setup.scale), [steps])
    prediction(two, np.square(setup.scale), [predicted_steps(s) for s in setup.scale])
    two.set(title="two features: steps needed", xlabel=r"$\kappa = s^2$", xscale="log", yscale="log")
    for k, net in enumerate(NETS):
        band(images, setup.lr, losses[net], label=net)
        lost = [lr for lr, loss in zip(setup.lr, np.median(losses[net], axis=0)) if loss == inf]
        if lost:
            images.plot(lost, [2.3] * len(lost), "x", color=f"C{k}", label="diverged")
    prediction(images, [], [], label="theory")
    images.set(title="digits, unequal units: loss", xlabel="learning rate", xscale="log", ylim=(0, 2.4))
    legend(figure, images)
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
