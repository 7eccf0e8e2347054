"""A factor of √2 in the weights decides whether a thirty-layer ReLU net learns.

ReLU halves E z² and E ‖δ‖² at every layer. He's weights, of variance 2/n, make up for it; Xavier's, of
variance 1/n, do not, so that signal and gradient shrink by 2^(−L/2) each: through 10 layers to 3 %,
which training repairs, through 30 to 3·10⁻⁵, which it cannot. Nothing else differs: same net, same
digits, same steps.
"""

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import prod

import numpy as np

import tinygrad_stab as torch
from demos.digits import BLIND_ACCURACY, BLIND_LOSS, load_digits
from demos.experiment import Claim, Config, Result, Within, above, below
from demos.notebook import present
from demos.style import Figure, band, legend, panels, prediction
from demos.training import accuracy, plain_net, smooth, train
from tinygrad_stab import nn

SOURCE = "He et al. 2015, Fig. 2 (22 layers: from He's start sooner) and Fig. 3 (30 layers: only from He's)"

INITS = {"Xavier": nn.init.xavier_normal_, "He": partial(nn.init.kaiming_normal_, nonlinearity="relu")}


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    depth: tuple[int, ...] = (10, 22, 30)
    width: int = 64
    lr: float = 0.05
    clip: float = 2.0  # from He's start the first gradients of a deep net are long
    steps: int = 600
    data: str = "digits"


FAST = dict(seeds=(0,), depth=(10, 30), steps=350)
FULL = dict(depth=(10, 15, 22, 30))


# %% The experiment
@dataclass
class Trained:
    losses: np.ndarray  # at every step, averaged over the last 20
    accuracy: float  # on the test set
    first_output: float  # ‖scores‖ of a hundred images, before training


def train_one(seed: int, depth: int, init: str, setup: Setup) -> Trained:
    torch.manual_seed(seed)
    data = load_digits(seed, setup.data)
    model = plain_net([data.pixels, *[setup.width] * (depth - 1), 10], nn.ReLU(), INITS[init])
    first_output = model(data.x_train[:100]).norm().item()
    losses = train(model, data, lr=setup.lr, clip=setup.clip, steps=setup.steps)
    return Trained(smooth(losses, 20), accuracy(model, data.x_test, data.y_test), first_output)


def run(setup: Setup) -> Result:
    runs = {
        (depth, init): [train_one(seed, depth, init, setup) for seed in setup.seeds]
        for depth in setup.depth
        for init in INITS
    }
    few, many = min(setup.depth), max(setup.depth)
    xavier, he = runs[many, "Xavier"], runs[many, "He"]
    later = [steps_to(x, 1.0) / steps_to(h, 1.0) for x, h in zip(runs[few, "Xavier"], runs[few, "He"])]
    sizes = [load_digits(0, setup.data).pixels, *[setup.width] * (many - 1), 10]
    shrunk = prod(n_in / (n_in + n_out) for n_in, n_out in pairwise(sizes)) ** 0.5
    same = "homogeneity: the same random numbers, smaller by √2 in every square layer"
    fig2 = "He et al. 2015, Fig. 2: both starts learn, He's sooner"
    fig3 = "He et al. 2015, Fig. 3: blind from Xavier's start, at loss ln 10; from He's it learns"
    gap = "between the worst run from He's start and the best from Xavier's"
    L = f"{many} layers"
    # fmt: off
    claims = [
        Claim(f"{L}, untrained: ‖scores‖ from Xavier's start over He's",
              [x.first_output / h.first_output for x, h in zip(xavier, he)], shrunk,
              Within(1e-10), same, "an identity"),
        Claim(f"{L}, Xavier: loss", [x.losses[-1] for x in xavier], BLIND_LOSS, above(1.5), fig3, gap),
        Claim(f"{L}, He: loss", [h.losses[-1] for h in he], "learns", below(1.2), fig3, gap),
        Claim(f"{L}, Xavier: accuracy", [x.accuracy for x in xavier], BLIND_ACCURACY, below(0.3), fig3, gap),
        Claim(f"{L}, He: accuracy", [h.accuracy for h in he], "learns", above(0.6), fig3, gap),
        Claim(f"{few} layers: steps to loss 1, Xavier over He", later, "> 1", above(2), fig2, gap),
    ]
    # fmt: on
    return Result(claims, runs)


def steps_to(trained: Trained, goal: float) -> float:
    """The first step at which the averaged loss is below the goal; infinite if none is."""
    below_goal = np.flatnonzero(trained.losses < goal)
    return below_goal[0] if len(below_goal) else np.inf


# %% The figure
def draw(setup: Setup, runs: dict) -> Figure:
    figure, axes = panels(len(setup.depth), sharey=True)
    for ax, depth in zip(axes, setup.depth):
        for init in INITS:
            losses = [trained.losses for trained in runs[depth, init]]
            band(ax, np.arange(setup.steps), losses, label=init, markevery=100)
        prediction(ax, [0, setup.steps], [BLIND_LOSS] * 2, label="blind guess, ln 10")
        ax.set(title=f"{depth} layers", xlabel="step", ylim=(0, 3))
    axes[0].set_ylabel("training loss")
    legend(figure, axes[0])
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
