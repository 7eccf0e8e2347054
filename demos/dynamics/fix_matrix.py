"""Of all these fixes only those with BatchNorm cure all six pathologies, at these depths.

Six nets, each sick in one way, and every fix on every net, one at a time. A cell is the share of test images
that the net then reads: 10 % is blind, and a net whose loss diverges reads none. A start cures what the start
did, clipping what one long step did. BatchNorm makes the net blind to the size and bias of a layer, so undoes
both. `bn_explodes.py` shows where that ends; `gradient_cliff.py` and `latch_task.py`, what helps in time.
"""

from dataclasses import dataclass
from itertools import pairwise
from types import SimpleNamespace

import numpy as np

import tinygrad_stab as torch
from demos.digits import load_digits
from demos.experiment import Claim, Config, Result, above, below
from demos.style import Figure, panels
from demos.training import accuracy, minibatches
from tinygrad_stab import nn

SOURCE = "the other experiments of this lecture, put together"


# %% The set-up: a pathology sets some of NET, a fix sets one thing more
# fmt: off
NET = dict(
    activation="relu", weight_var=2.0, bias=0.0, norm=nn.Identity, skip=False,  # weight_var is σ_w²
    lr=0.1, clip=np.inf, warm_up=1, decay=0.0, optimizer=torch.optim.SGD,
)
PATHOLOGIES = {
    "vanishing, ReLU":    dict(depth=12, weight_var=1 / 3),
    "vanishing, sigmoid": dict(depth=8, weight_var=1.0, activation="sigmoid"),
    "exploding, ReLU":    dict(depth=10, weight_var=8.0),
    "dead, ReLU":         dict(depth=3, bias=-3.0),
    "saturated, tanh":    dict(depth=6, weight_var=25.0, activation="tanh"),
    "step too long":      dict(depth=4, lr=1.5),
}
FIXES = {
    "none": {},                                 "init": dict(weight_var=None, bias=0.0),  # None: as in STARTS
    "leaky .01": dict(activation="leaky_relu"), "ELU": dict(activation="elu"),
    "clip": dict(clip=1.0), "warm-up": dict(warm_up=40), "decay": dict(decay=0.01),
    "Adam": dict(optimizer=torch.optim.Adam, lr=2e-3), "skip": dict(skip=True),
    "LN": dict(norm=nn.LayerNorm),              "LN+skip": dict(norm=nn.LayerNorm, skip=True),
    "BN": dict(norm=nn.BatchNorm1d),            "BN+skip": dict(norm=nn.BatchNorm1d, skip=True),
}
STARTS = {"relu": 2.0, "tanh": 1.0, "sigmoid": 16.0}  # He's, or σ_w φ′(0) = 1
# fmt: on


@dataclass(frozen=True)
class Setup(Config):
    seeds: tuple[int, ...] = (0,)
    fix: tuple[str, ...] = tuple(FIXES)
    width: int = 48
    steps: int = 80
    data: str = "digits"


FAST = dict(fix=("none", "init", "leaky .01", "clip", "BN"))


# %% The experiment
class Layer(nn.Module):
    """φ(norm(W x + b)), and x added to it if there is a skip."""

    def __init__(self, n_in: int, n_out: int, net: SimpleNamespace) -> None:
        super().__init__()
        self.linear, self.norm = nn.Linear(n_in, n_out), net.norm(n_out)
        self.φ, self.skip = getattr(nn.functional, net.activation), net.skip and n_in == n_out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.φ(self.norm(self.linear(x)))
        return x + y if self.skip else y


def network(net: SimpleNamespace, pixels: int, width: int) -> nn.Sequential:
    sizes = pairwise([pixels, *[width] * (net.depth - 1)])
    model = nn.Sequential(*(Layer(n_in, n_out, net) for n_in, n_out in sizes), nn.Linear(width, 10))
    weight_var = net.weight_var or STARTS[net.activation]
    for layer in (module for module in model.modules() if isinstance(module, nn.Linear)):
        nn.init.normal_(layer.weight, std=(weight_var / layer.in_features) ** 0.5)
        nn.init.constant_(layer.bias, net.bias)
    return model


def cell(seed: int, row: str, fix: str, setup: Setup) -> float:
    """The accuracy in the end; 0 if the loss diverges."""
    torch.manual_seed(seed)
    data, net = load_digits(seed, setup.data), SimpleNamespace(**{**NET, **PATHOLOGIES[row], **FIXES[fix]})
    model = network(net, data.pixels, setup.width)
    descent = net.optimizer(model.parameters(), lr=net.lr, weight_decay=net.decay)
    for step, (x, y) in enumerate(minibatches(data, 32, setup.steps), 1):
        descent.param_groups[0]["lr"] = net.lr * min(1, step / net.warm_up)
        descent.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        if not loss.item() < 1e6:
            return 0.0
        loss.backward()
        if net.clip < np.inf:
            nn.utils.clip_grad_norm_(model.parameters(), net.clip)
        descent.step()
    return accuracy(model, data.x_test, data.y_test)


ALL, OTHERS = tuple(PATHOLOGIES), tuple(fix for fix in FIXES if fix not in ("BN", "BN+skip"))
NO_STEP = "none", "leaky .01", "clip", "warm-up", "decay"
# fmt: off
CLAIMS = [  # in the worst (min) or best (max) of these rows, the best of these fixes reads so much
    ("BN: worst row", ["BN"], np.min, ALL, above(0.5), "BatchNorm(a W h + b) = BatchNorm(W h)"),
    ("BN+skip: worst row", ["BN+skip"], np.min, ALL, above(0.5), "BatchNorm(a W h + b) = BatchNorm(W h)"),
    ("any other: worst row", OTHERS, np.min, ALL, below(0.4), "its rule, which leaves some cause as it is"),
    (f"dead ReLU: {', '.join(NO_STEP)}", NO_STEP, np.max, ["dead, ReLU"], below(0.3), "φ′ = 0, or 0.01"),
    ("dead or saturated: init", ["init"], np.min, ["dead, ReLU", "saturated, tanh"], above(0.7), "its cause"),
    ("step too long: init", ["init"], np.max, ["step too long"], below(0.4), "not its cause"),
    ("step too long: clip", ["clip"], np.min, ["step too long"], above(0.6), "lr · clip, at most"),
    ("vanishing, sigmoid: LN, LN+skip", ["LN", "LN+skip"], np.max, ["vanishing, sigmoid"], below(0.6),
     "`bn_explodes.py`: LayerNorm and sigmoid multiply ‖gradient‖² by E φ′² / E φ² = 0.15"),
]
# fmt: on


def run(setup: Setup) -> Result:
    read = {(r, f): [cell(seed, r, f, setup) for seed in setup.seeds] for r in PATHOLOGIES for f in setup.fix}
    gap = "between the best net that stays sick and the worst that is cured, over all seeds"
    claims = []
    for what, fixes, pick, rows, threshold, by in CLAIMS:
        found = [pick([read[row, fix] for row in rows], axis=0) for fix in fixes if fix in setup.fix]
        if found:  # a claim is about those of its fixes that are in the matrix
            cured = "cured" if threshold.low > 0 else "sick"
            claims.append(Claim(what, np.max(found, axis=0), cured, threshold, by, gap))
    table = [[r, *(np.median(read[r, f]) or np.nan for f in setup.fix)] for r in PATHOLOGIES]  # NaN: diverged
    return Result(claims, {"table": [["test accuracy", *setup.fix], *table]})


# %% The figure
def draw(setup: Setup, data: dict) -> Figure:
    figure, (ax,) = panels(1)
    read = 100 * np.array([cells for _, *cells in data["table"][1:]])
    ax.imshow(read, vmin=0, vmax=100, cmap="cividis", aspect="auto")
    rows, columns = np.nonzero(np.isnan(read))
    ax.bar(columns, 1, 1, bottom=rows - 0.5, color="none", edgecolor="grey", hatch="//", linewidth=0)
    for row, column in np.argwhere(np.isfinite(read)):
        share, middle = read[row, column], dict(ha="center", va="center")
        ax.text(column, row, f"{share:.0f}", color="k" if share > 55 else "w", **middle)
    ax.set_xticks(range(len(setup.fix)), setup.fix, rotation=35, ha="left", rotation_mode="anchor")
    ax.set_yticks(range(len(read)), PATHOLOGIES)
    ax.tick_params(length=0, labeltop=True, labelbottom=False, grid_alpha=0)
    ax.set_xlabel("test images read, %; hatched: the loss diverged")
    return figure
