"""Under BatchNorm weight decay sets how far the weights turn in a step: by √(2 lr λ).

BatchNorm(c W h) = BatchNorm(W h): the net does not feel the length of W, only its direction. So the gradient
g is orthogonal to W, and by Pythagoras a step of SGD with decay, W ← (1 − lr λ) W − lr g, gives

    ‖W‖² ← (1 − lr λ)² ‖W‖² + lr² ‖g‖²

Without decay W only grows, and the longer it is the less a step turns it. With decay it settles where both
terms balance, lr ‖g‖/‖W‖ = √(2 lr λ), about 1/(lr λ) steps later, from whatever start. Decay is no limit on
what the net can compute here: it is a second knob for the learning rate.

Adam's own `weight_decay` is added to g, and so divided by the size of the gradient like the rest of it.
Weights with large gradients hardly decay. AdamW takes (1 − lr λ) of all of them.
"""

from dataclasses import dataclass

import numpy as np

import tinygrad_stab as torch
from demos.digits import load_digits
from demos.experiment import Claim, Config, Result, Within, above, below, over_seeds
from demos.notebook import present
from demos.style import Figure, band, legend, panels, prediction
from demos.training import minibatches, smooth
from tinygrad_stab import nn

SOURCE = "van Laarhoven 2017; Wan et al. 2021 (equilibrium); Loshchilov & Hutter 2019 (AdamW)"

STARTS = (0.5, 4.0)  # ‖W‖ relative to He's start
ADAMS, SIZES = ("AdamW", "Adam"), (0.1, 10.0)  # optimizers, and the size of the gradients that they get
ADAM_LR, ADAM_DECAY = 0.02, 0.1


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    width: int = 48
    lr: float = 0.5
    decay: tuple[float, ...] = (0.0, 0.05, 0.1)  # λ
    steps: int = 300
    data: str = "digits"


FAST = dict(seeds=(0,), decay=(0.0, 0.1))


# %% The experiment
def train_one(start: float, decay: float, setup: Setup) -> np.ndarray:
    """By step: ‖W‖ of the second layer, the same by Pythagoras, and lr ‖g‖/‖W‖: how far a step turns W."""
    data, layers, rows = load_digits(0, setup.data), [], []
    for n in (data.pixels, setup.width):
        layers += [nn.Linear(n, setup.width, bias=False), nn.BatchNorm1d(setup.width, eps=0), nn.ReLU()]
        nn.init.normal_(layers[-3].weight, std=start * (2 / n) ** 0.5)
    model = nn.Sequential(*layers, nn.Linear(setup.width, 10))
    hidden = [layers[0].weight, layers[3].weight]
    others = [p for p in model.parameters() if not any(p is W for W in hidden)]
    descent = torch.optim.SGD([dict(params=hidden, weight_decay=decay), dict(params=others)], lr=setup.lr)
    W, keeps = hidden[1], 1 - setup.lr * decay
    square = W.square().sum().item()
    for x, y in minibatches(data, 32, setup.steps):
        descent.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        norm, g = W.norm().item(), W.grad.norm().item()
        rows.append([norm, square**0.5, setup.lr * g / norm])
        square = keeps**2 * square + (setup.lr * g) ** 2
        descent.step()
    return np.transpose(rows)


def weights_left(optimizer: str, size: float, setup: Setup) -> np.ndarray:
    """By step, the mean of many weights that were 1 at first, and whose gradients are noise of this size."""
    w, left = torch.ones(2000, requires_grad=True), []
    descent = getattr(torch.optim, optimizer)([w], lr=ADAM_LR, weight_decay=ADAM_DECAY)
    for _ in range(setup.steps):
        left.append(w.mean().item())
        w.grad = size * torch.randn(len(w))
        descent.step()
    return np.array(left)


def decayed(setup: Setup) -> np.ndarray:
    return (1 - ADAM_LR * ADAM_DECAY) ** np.arange(setup.steps)


def run(setup: Setup) -> Result:
    (short, long), late, most = STARTS, -setup.steps // 3, max(setup.decay)
    runs = {(start, λ): over_seeds(setup, train_one, start, λ) for λ in setup.decay for start in STARTS}
    left = {(name, size): over_seeds(setup, weights_left, name, size) for name in ADAMS for size in SIZES}
    apart = {λ: [a[0, -1] / b[0, -1] for a, b in zip(runs[long, λ], runs[short, λ])] for λ in setup.decay}
    square, balance = "g is orthogonal to W", "‖W‖ at rest: lr² ‖g‖² = 2 lr λ ‖W‖²"
    forgets, gap = "with decay the start is forgotten after some 1/(lr λ) steps", "between decay and none"
    alike, divided = "(1 − lr λ)ᵗ, whatever g is", "λ w is divided by the size of g"
    # fmt: off
    claims = [
        *(Claim(f"λ = {λ:g}: ‖W‖ in the end over Pythagoras's", [r[0, -1] / r[1, -1] for r in runs[short, λ]],
                1, Within(1e-8), square, "an identity") for λ in setup.decay),
        *(Claim(f"λ = {λ:g}: turn a step", [np.mean(r[2, late:] ** 2) ** 0.5 for r in runs[short, λ]],
                (2 * setup.lr * λ) ** 0.5, Within(0.06), balance, "‖W‖ still drifts, because ‖g‖ does")
          for λ in setup.decay if λ),
        *(Claim(f"λ = {λ:g}: ‖W‖ in the end, long over short start", apart[λ], says, limit, forgets, gap)
          for λ, says, limit in ((0, long / short, above(3)), (most, 1, below(1.5))) if λ in setup.decay),
        *(Claim(f"AdamW, gradients of {size:g}: share of w left", [x[-1] for x in left["AdamW", size]],
                decayed(setup)[-1], Within(0.06), alike, "noise of 2000 weights") for size in SIZES),
        *(Claim(f"Adam, gradients of {size:g}: share of w left", [x[-1] for x in left["Adam", size]],
                *outcome, divided, "between small gradients and large ones")
          for size, outcome in zip(SIZES, (("none", below(0.15)), ("nearly all", above(0.8))))),
    ]
    # fmt: on
    return Result(claims, (runs, left))


# %% The figure
def draw(setup: Setup, data: tuple) -> Figure:
    runs, left = data
    figure, (lengths, turns, adam) = panels(3)
    steps, every = np.arange(setup.steps), setup.steps // 5
    for k, λ in enumerate(setup.decay):
        look = dict(color=f"C{k % 6}", marker="os^Dvp"[k % 6], markevery=every)
        for start in STARTS:
            norms, by_pythagoras, _ = np.swapaxes(runs[start, λ], 0, 1)
            band(lengths, steps, norms, **look)
            if not λ:
                prediction(lengths, steps, np.median(by_pythagoras, axis=0))
        turn = [smooth(turn**2, 20) ** 0.5 for *_, turn in runs[STARTS[0], λ]]
        band(turns, steps, turn, label=f"λ = {λ:g}", **look)
        if λ:
            prediction(turns, [0, setup.steps], [(2 * setup.lr * λ) ** 0.5] * 2)
    prediction(turns, [], [], label="theory")
    for (name, _), shares in left.items():
        band(adam, steps, shares, color="C3" if name == "Adam" else "C4", markevery=every)
    prediction(adam, steps, decayed(setup))
    for size, x in zip(("small", "large"), (0.25, 1.02)):
        adam.text(steps[-1], x, f"Adam, {size} gradients", ha="right", fontsize="small")
    adam.text(steps[-1], decayed(setup)[-1] - 0.1, "AdamW, both", ha="right", fontsize="small")
    lengths.set(title="‖W‖ from two starts", xlabel="step", yscale="log", ylim=(1, 100))
    turns.set(title="turn in a step", xlabel="step", yscale="log")
    adam.set(title="share of a weight left", xlabel="step", ylim=(0, 1.1))
    legend(figure, turns)
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
