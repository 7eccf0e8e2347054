"""BatchNorm cures six of these seven pathologies, at these depths; no fix without it does.

Seven nets, each sick in one way (`_pathologies.py`), and every fix on every net, one at a time:

    init              the start that suits the activation, and biases 0
    leaky .01, .2     leaky ReLU with this slope in the place of the activation
    clip, decay       the norm of the gradient at 1; weight decay of 0.01
    std. X            each feature standardized by itself
    BN, LN, skip      BatchNorm or LayerNorm before the activation; a skip around each layer

A cell is the share of test images that the net then reads, with its learning rate or a tenth of it, whichever
is better, so that no fix is blamed for a step that does not suit it; only a step too long stays what it is.
10 % is blind, and a net whose loss diverges reads none. A start cures what the start did, clipping what one
long step did.
BatchNorm makes the net blind to the size and bias of a layer, so undoes both; the units of the features it
cannot undo, as they are mixed before it. `bn_explodes.py` shows where its help ends; `gradient_cliff.py` and
`latch_task.py`, what helps in time.
"""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

import tinygrad_stab as torch
from demos.dynamics._pathologies import FIXES, NET, PATHOLOGIES, features, network
from demos.experiment import Claim, Config, Result, above, below
from demos.matrix import Cell, Matrix
from demos.notebook import present
from demos.style import Figure, heatmap, panels
from demos.training import accuracy, minibatches
from tinygrad_stab import nn

SOURCE = "the other experiments of this lecture, put together"
LEGEND = "test accuracy, %; * with a smaller learning rate"


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    seeds: tuple[int, ...] = (0,)
    fix: tuple[str, ...] = tuple(FIXES)
    width: int = 48
    steps: int = 120
    lr_factor: tuple[float, ...] = (1.0, 0.1)  # the better one counts
    data: str = "digits"


FAST = dict(fix=("none", "init", "leaky .01", "clip", "BN"), lr_factor=(1.0,), steps=80)
FULL = dict(seeds=(0, 1, 2), steps=200)


# %% The experiment
def train(seed: int, net: SimpleNamespace, lr: float, setup: Setup) -> float:
    """The accuracy in the end; 0 if the loss diverges."""
    torch.manual_seed(seed)
    data = features(seed, net, setup.data)
    model = network(net, data.pixels, setup.width)
    descent = net.optimizer(model.parameters(), lr=lr, weight_decay=net.decay)
    for step, (x, y) in enumerate(minibatches(data, 32, setup.steps), 1):
        descent.param_groups[0]["lr"] = lr * min(1, step / net.warm_up)
        descent.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        if not loss.item() < 1e6:
            return 0.0
        loss.backward()
        if net.clip < np.inf:
            nn.utils.clip_grad_norm_(model.parameters(), net.clip)
        descent.step()
    return accuracy(model, data.x_test, data.y_test)


def cell(row: str, fix: str, setup: Setup) -> np.ndarray:
    """For every seed the accuracy with each of the learning rates."""
    net = SimpleNamespace(**{**NET, **PATHOLOGIES[row], **FIXES[fix]})
    rates = [net.lr * factor for factor in setup.lr_factor][: 1 if row == "step too long" else None]
    return np.array([[train(seed, net, lr, setup) for lr in rates] for seed in setup.seeds])


def shown(read: np.ndarray) -> Cell:
    """The median over the seeds; NaN if the net diverged; marked if the first rate was not the best."""
    medians = np.median(read, axis=0)
    return Cell(medians.max() or np.nan, "*" if medians.argmax() else "")


# %% The claims
SCALED = tuple(PATHOLOGIES)[:-1]  # all but the unscaled features
OTHERS = tuple(fix for fix in FIXES if fix not in ("BN", "BN+skip"))
NO_STEP = "none", "leaky .01", "clip", "warm-up", "decay"
BLIND_TO_SIZE = "BatchNorm(a W h + b) = BatchNorm(W h)"
# fmt: off
CLAIMS = [  # in the worst (min) or best (max) of these rows, the best of these fixes reads so much
    ("worst of six: BN", ["BN"], np.min, SCALED, above(0.65), BLIND_TO_SIZE),
    ("worst of six: BN+skip", ["BN+skip"], np.min, SCALED, above(0.65), BLIND_TO_SIZE),
    (f"dead ReLU: {', '.join(NO_STEP)}", NO_STEP, np.max, ["dead, ReLU"], below(0.3), "φ′ = 0, or 0.01"),
    ("dead or saturated: init", ["init"], np.min, ["dead, ReLU", "saturated, tanh"], above(0.7),
     "the start was the cause"),
    ("step too long: init", ["init"], np.max, ["step too long"], below(0.4), "the start was not the cause"),
    ("step too long: clip", ["clip"], np.min, ["step too long"], above(0.6), "lr · clip, at most"),
    ("vanishing, sigmoid: LN", ["LN"], np.max, ["vanishing, sigmoid"], below(0.4),
     "`bn_explodes.py`: LayerNorm and sigmoid multiply ‖gradient‖² by E φ′² / E φ² = 0.15"),
    ("unscaled features: none", ["none"], np.max, ["unscaled features"], below(0.8),
     "the cause remains: unequal units"),
    ("unscaled features: std. X", ["std. X"], np.min, ["unscaled features"], above(0.85),
     "unequal units were the cause"),
]
# fmt: on


def run(setup: Setup) -> Result:
    read = {(r, f): cell(r, f, setup) for r in PATHOLOGIES for f in setup.fix}
    gap = "between the best net that stays sick and the worst that is cured, over all seeds"
    claims = []
    for what, fixes, pick, rows, threshold, by in CLAIMS:
        found = [pick([read[row, fix].max(1) for row in rows], axis=0) for fix in fixes if fix in setup.fix]
        if found:  # a claim is about those of its fixes that are in the matrix
            cured = "cured" if threshold.low > 0 else "sick"
            claims.append(Claim(what, np.max(found, axis=0), cured, threshold, by, gap))
    worst = {f: np.min([read[r, f].max(1) for r in SCALED], axis=0) for f in setup.fix}
    if others := [worst[fix] for fix in OTHERS if fix in worst and "BN" in worst]:
        lead = worst["BN"] - np.max(others, axis=0)
        claims.append(Claim("worst of six: lead of BN", lead, "> 0", above(0.03), BLIND_TO_SIZE, gap))
    rows = {r: [shown(read[r, f]) for f in setup.fix] for r in PATHOLOGIES}
    return Result(claims, {"matrix": Matrix(list(setup.fix), rows, LEGEND)})


# %% The figure
def draw(setup: Setup, data: dict) -> Figure:
    figure, (ax,) = panels(1)
    cells = data["matrix"].rows
    read = 100 * np.array([[cell.accuracy for cell in row] for row in cells.values()])
    heatmap(ax, read, [[str(cell) for cell in row] for row in cells.values()], low=0, high=100)
    ax.set_xticks(range(len(setup.fix)), setup.fix, rotation=35, ha="left", rotation_mode="anchor")
    ax.set_yticks(range(len(read)), cells)
    ax.tick_params(labeltop=True, labelbottom=False)
    ax.set_xlabel(f"{LEGEND}; hatched: the loss diverged")
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
