"""With BatchNorm one learning rate suits every start; a plain net has but a narrow wedge.

A plain ReLU net multiplies signal and gradient by σ_w/√2 in every layer. Below √2 both vanish, and no step
is long enough. Above it they explode, and hardly a step is short enough: what is left is a wedge around
He's start, σ_w = √2.

BatchNorm divides z = W h by its deviation, so the size of W drops out of the forward pass: c W and W make the
same net. The gradient at c W is therefore 1/c of that at W, and the step relative to the weights

    ‖ΔW‖/‖W‖ = lr ‖∂L/∂W‖/‖W‖ ∝ lr/σ_w²

So the start is not forgotten: it has become a part of the learning rate, and larger weights need a longer
step. And a step too long repairs itself, because it makes the weights larger.
"""

from dataclasses import dataclass

import numpy as np

import tinygrad_stab as torch
from demos.digits import load_digits
from demos.experiment import Claim, Config, Result, Within, above, below
from demos.notebook import present
from demos.style import Figure, heatmap, panels
from demos.training import minibatches
from tinygrad_stab import nn

SOURCE = "Ioffe & Szegedy 2015, sec. 3.3: BN((aW)u) = BN(Wu), and larger weights get smaller gradients"

LEARNS = 1.5  # a loss well below that of a blind guess, ln 10 = 2.3
NETS = {"plain": nn.Identity, "BatchNorm": nn.BatchNorm1d}


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    seeds: tuple[int, ...] = (0,)
    depth: int = 8
    width: int = 48
    sigma_w: tuple[float, ...] = (0.25, 0.5, 1.0, 1.41, 2.0, 2.83, 4.0)  # √(n Var W) of the hidden layers
    lr: tuple[float, ...] = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
    steps: int = 60
    data: str = "digits"


FAST = dict(sigma_w=(0.25, 1.41, 4.0), lr=(0.01, 0.03, 0.3))
FULL = dict(seeds=(0, 1, 2), lr=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0))


def network(net: str, sigma_w: float, pixels: int, setup: Setup) -> nn.Sequential:
    layers = []
    for n in [pixels] + [setup.width] * (setup.depth - 2):
        linear = nn.Linear(n, setup.width)
        nn.init.normal_(linear.weight, std=sigma_w / n**0.5)
        nn.init.zeros_(linear.bias)
        layers += [linear, NETS[net](setup.width), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(setup.width, 10))


# %% The experiment
def cell(seed: int, net: str, sigma_w: float, lr: float, setup: Setup) -> tuple[float, float]:
    """The loss in the end, NaN if it diverges; and how far the first step moves W₂, relative to it."""
    torch.manual_seed(seed)
    data, losses, moved = load_digits(seed, setup.data), [], 0.0
    model = network(net, sigma_w, data.pixels, setup)
    descent = torch.optim.SGD(model.parameters(), lr=lr)
    hidden = [p for p in model.parameters() if p.ndim == 2][1]
    for x, y in minibatches(data, 32, setup.steps):
        descent.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        losses.append(loss.item())
        if not losses[-1] < 1e6:
            return np.nan, moved
        loss.backward()
        moved = moved or lr * (hidden.grad.norm() / hidden.norm()).item()
        descent.step()
    return np.mean(losses[-10:]), moved


def run(setup: Setup) -> Result:
    shape = (len(setup.seeds), len(setup.sigma_w), len(setup.lr))
    losses, moves = {}, {}
    for net in NETS:
        runs = [cell(s, net, σ, lr, setup) for s in setup.seeds for σ in setup.sigma_w for lr in setup.lr]
        losses[net], moves[net] = np.transpose(runs).reshape(2, *shape)
    diverged = {net: np.isnan(losses[net]).mean((1, 2)) for net in NETS}
    served = {net: (losses[net] < LEARNS).mean(1).max(1) for net in NETS}
    first, last = np.argmin(setup.sigma_w), np.argmax(setup.sigma_w)
    shorter = moves["BatchNorm"][:, first, 0] / moves["BatchNorm"][:, last, 0]
    lrs = np.where(losses["BatchNorm"] < LEARNS, setup.lr, np.inf).min(2)  # the smallest that learns
    with np.errstate(invalid="ignore"):  # NaN if neither learns
        longer = lrs[:, last] / lrs[:, first]
    gap = "between the plain net and the one with BatchNorm"
    wedge, blind = "a factor σ_w/√2 per layer, both ways", "BatchNorm(c W h) = BatchNorm(W h)"
    ratio = (max(setup.sigma_w) / min(setup.sigma_w)) ** 2
    # fmt: off
    claims = [
        Claim("BatchNorm: first ‖ΔW‖/‖W‖, σ_w min over max", shorter, ratio, Within(0.03),
              "‖ΔW‖/‖W‖ ∝ lr/σ_w²", "an identity, but for the ε that BatchNorm adds to the variance"),
        Claim("BatchNorm: lr needed, σ_w max over min", longer, "> 1", above(5),
              "lr/σ_w² for W; γ, β and the last layer learn at lr", "far from 1, where the start has no say"),
        Claim("plain: share that diverges", diverged["plain"], "many", above(0.2), wedge, gap),
        Claim("BatchNorm: share that diverges", diverged["BatchNorm"], 0, below(0.05), blind, gap),
        Claim("plain: share of starts that one lr suits", served["plain"], "few", below(0.5), wedge, gap),
        Claim("BatchNorm: share of starts that one lr suits", served["BatchNorm"], "all", above(0.9), blind,
              gap),
    ]
    # fmt: on
    return Result(claims, {net: np.median(losses[net], axis=0) for net in NETS})


# %% The figure
def draw(setup: Setup, losses: dict) -> Figure:
    figure, axes = panels(2, sharey=True)
    for ax, (net, loss) in zip(axes, losses.items()):
        words = [[f"{x:.1f}" for x in row] for row in loss]
        heatmap(ax, loss, words, low=0.4, high=2.4, cmap="cividis_r", origin="lower")
        ax.set_xticks(range(len(setup.lr)), [f"{lr:g}" for lr in setup.lr])
        ax.set_yticks(range(len(setup.sigma_w)), [f"{σ:g}" for σ in setup.sigma_w])
        share = 100 * np.isnan(loss).mean()
        title = f"{net}: final loss; {share:.0f} % diverge" + " (hatched)" * bool(share)
        ax.set(title=title, xlabel="learning rate")
    axes[0].set_ylabel(r"$\sigma_w$ at the start")
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
