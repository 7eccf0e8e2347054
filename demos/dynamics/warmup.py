"""Warm-up saves a start that is too curved for the step; elsewhere it only costs steps.

Along the direction of largest curvature λ the loss is a parabola λ w²/2, and a step makes w ← (1 − lr λ) w:

    lr λ < 2    it comes nearer to the bottom
    lr λ > 2    it is thrown to the other side, and farther out each time

λ is the largest eigenvalue of the Hessian H. Here it is found by power iteration: v ← H v/‖H v‖, where H v is
the gradient of ⟨∂L/∂w, v⟩. A residual net without normalization at least doubles E x² in every block,
and its λ is huge at first. With the rate lr (t + 1)/T it begins with steps that it can bear, and where lr λ
is above 2 they drive it to flatter places: in the end it is near 2. A shallow plain net from He's start is
flat enough, and gains nothing. The 1 in t + 1 matters: with t/T the first batch is spent on a step of 0.
"""

from dataclasses import dataclass

import numpy as np

import tinygrad_stab as torch
from demos.digits import load_digits
from demos.experiment import Claim, Config, Result, above, below
from demos.notebook import present
from demos.style import Figure, band, legend, panels, prediction
from demos.training import minibatches, smooth
from tinygrad_stab import nn

SOURCE = "Goyal et al. 2017, sec. 2.2 (gradual warm-up); Gotmare et al. 2019; Liu et al. 2020"

LOOKS = (0, 1, 3, 10, 30, 100)  # the steps before which λ is measured, besides the last


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    blocks: int = 12
    width: int = 48
    lr: float = 0.01
    plain_depth: int = 3
    plain_lr: float = 0.05
    warm_up: int = 100
    steps: int = 200
    data: str = "digits"


FAST = dict(seeds=(0,))


class Layer(nn.Module):
    """relu(W x + b) from He's start, and x added to it if there is a skip."""

    def __init__(self, n_in: int, n_out: int, skip: bool) -> None:
        super().__init__()
        self.linear, self.skip = nn.Linear(n_in, n_out), skip
        nn.init.kaiming_normal_(self.linear.weight, nonlinearity="relu")
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.linear(x).relu()
        return x + y if self.skip else y


# %% The experiment
def train_one(seed: int, net: str, how: str, setup: Setup) -> tuple[np.ndarray, np.ndarray]:
    """The loss and lr λ, by step; NaN after the loss has diverged, and where λ was not measured."""
    torch.manual_seed(seed)
    data, n = load_digits(seed, setup.data), setup.width
    depth, lr = (setup.blocks, setup.lr) if net == "residual" else (setup.plain_depth, setup.plain_lr)
    layers = [Layer(m, n, net == "residual" and m == n) for m in (data.pixels, *[n] * depth)]
    model = nn.Sequential(*layers, nn.Linear(n, 10))
    descent = torch.optim.SGD(model.parameters(), lr=lr)
    T = setup.warm_up if how == "warm-up" else 1
    schedule = torch.optim.lr_scheduler.LambdaLR(descent, lambda t: min(1, (t + 1) / T))
    losses, curved = np.full((2, setup.steps), np.nan)
    for t, (x, y) in enumerate(minibatches(data, 32, setup.steps)):
        if t in (*LOOKS, setup.steps - 1):
            curved[t] = schedule.get_last_lr()[0] * curvature(model, data.x_train[:100], data.y_train[:100])
        descent.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        losses[t] = loss.item()
        if not losses[t] < 1e6:
            break
        loss.backward()
        descent.step()
        schedule.step()
    return losses, curved


def curvature(model: nn.Module, x: torch.Tensor, y: torch.Tensor, rounds: int = 12) -> float:
    """|λ|, the largest eigenvalue of the loss's Hessian."""
    parameters, generator = list(model.parameters()), torch.Generator().manual_seed(0)
    loss = nn.functional.cross_entropy(model(x), y)
    gradient = torch.autograd.grad(loss, parameters, create_graph=True)
    v = [torch.randn(*p.shape, generator=generator) for p in parameters]
    for _ in range(rounds):
        length = nn.utils.get_total_norm(v).item()
        v = torch.autograd.grad(gradient, parameters, [u / length for u in v], retain_graph=True)
    return nn.utils.get_total_norm(v).item()


def steps_to(losses: np.ndarray, goal: float) -> float:
    """The first step at which the mean of the last ten losses is below the goal; infinite if none is."""
    return next((step for step, loss in enumerate(smooth(losses, 10)) if loss < goal), np.inf)


def run(setup: Setup) -> Result:
    cells = [(net, how) for net in ("residual", "plain") for how in ("at once", "warm-up")]
    runs = {cell: [train_one(seed, *cell, setup) for seed in setup.seeds] for cell in cells}
    lost, saved, plain, slow = runs.values()
    flatter = [warm[-1] / start[0] for (_, warm), (_, start) in zip(saved, lost)]
    later = [steps_to(warm, 1.0) / steps_to(start, 1.0) for (warm, _), (start, _) in zip(slow, plain)]
    parabola, driven = "a step along λ w²/2 is w ← (1 − lr λ) w", "where lr λ > 2, it moves to flatter places"
    nets, fates, change = "between the two nets", "between the two fates", "far from 1"
    # fmt: off
    claims = [
        Claim("residual: lr λ at the start", [c[0] for _, c in lost], "> 2", above(2), parabola, nets),
        Claim("plain: lr λ at the start", [c[0] for _, c in plain], "< 2", below(2), parabola, nets),
        Claim("residual, at once: steps until it diverges", [np.isfinite(losses).sum() for losses, _ in lost],
              "few", below(50), parabola, fates),
        Claim("residual, warm-up: loss", [np.mean(losses[-20:]) for losses, _ in saved], "learns", below(1.2),
              driven, fates),
        Claim("residual, warm-up: λ, last over first", flatter, "< 1", below(0.15), driven, change),
        Claim("plain: steps to loss 1, warm-up over at once", later, "> 1", above(1.2),
              "shorter steps, and nothing to save", change),
    ]
    # fmt: on
    return Result(claims, runs)


# %% The figure
def draw(setup: Setup, runs: dict) -> Figure:
    figure, (loss, curvature, control) = panels(3)
    looked = np.flatnonzero(np.isfinite(runs["residual", "warm-up"][0][1]))
    for how in ("at once", "warm-up"):
        losses, curved = np.swapaxes(runs["residual", how], 0, 1)
        band(loss, np.arange(setup.steps) + 1, losses, markevery=[0])
        band(curvature, looked + 1, curved[:, looked], label=how)
        losses = [smooth(losses, 20) for losses, _ in runs["plain", how]]
        band(control, np.arange(setup.steps), losses, markevery=setup.steps // 5)
    prediction(curvature, [1, setup.steps], [2, 2], label="limit 2")
    logs = dict(xscale="log", yscale="log", xlabel="step + 1")
    loss.set(title="residual: loss", ylim=(0.1, 1e5), **logs)
    curvature.set(title=r"residual: lr $\lambda$", ylim=(0.5, 1e4), **logs)
    control.set(title="plain: loss", xlabel="step", ylim=(0, 3))
    legend(figure, curvature)
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
