"""An LSTM learns to remember only if, at the start, its forget gate lets the gradient through.

The task could not be simpler: the first input is +1 or −1, then comes noise, and after T steps the net is
to say which it was. What it has to learn is to keep one bit. On its way back to the first step, the gradient
that could teach it is multiplied by σ(b_f)ᵀ: for T = 40 and b_f = 0 that is 10⁻¹², for b_f = 3 a seventh.

So neither T nor the gate decides, but the two together: what a bias of 0 learns at T = 8 takes a bias of 1 at
T = 20 and of 3 at T = 40. Near 10⁻⁶ a rare seed gets there all the same.
"""

from dataclasses import dataclass

import numpy as np

import tinygrad_stab as torch
from demos.experiment import Claim, Config, Result, above, below
from demos.notebook import present
from demos.style import Figure, panels
from demos.training import smooth
from tinygrad_stab import nn

SOURCE = (
    "Bengio et al. 1994, sec. 2 (latching); Hochreiter & Schmidhuber 1997; Gers et al. 2000; "
    "Jozefowicz et al. 2015 (the bias)"
)


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    time: tuple[int, ...] = (8, 20, 40)
    forget_bias: tuple[float, ...] = (0.0, 1.0, 3.0)
    width: int = 16
    noise: float = 0.2
    lr: float = 0.005
    clip: float = 1.0
    batch: int = 32
    steps: int = 100  # at most: a net that has it right ten times in a row has learned


FAST = dict(seeds=(0,))
LOST, KEPT = 1e-9, 1e-3  # of the gradient: too little to learn from, and enough; between them chance decides


# %% The experiment
def sequences(time: int, setup: Setup) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise of shape (time, batch, 1) with a sign in its first step, and the class of that sign."""
    classes = torch.randint(0, 2, (setup.batch,))
    x = setup.noise * torch.randn(time, setup.batch, 1)
    x[0, :, 0] = 2 * classes.double() - 1
    return x, classes


def learn(seed: int, time: int, forget_bias: float, setup: Setup) -> np.ndarray:
    """The accuracy of an LSTM at every step."""
    torch.manual_seed(seed)
    return accuracies(nn.LSTM(1, setup.width, forget_bias=forget_bias), time, setup)


def accuracies(net: nn.Module, time: int, setup: Setup) -> np.ndarray:
    """Train a recurrent net and a layer that reads its last output; return the accuracy at every step.

    NaN after the step at which it has learned: there training stops.
    """
    read_out, found = nn.Linear(setup.width, 2), []
    parameters = [*net.parameters(), *read_out.parameters()]
    adam, loss_of = torch.optim.Adam(parameters, lr=setup.lr), nn.CrossEntropyLoss()
    for _ in range(setup.steps):
        x, classes = sequences(time, setup)
        outputs, _ = net(x)
        scores = read_out(outputs[-1])
        found.append((scores.argmax(1) == classes).double().mean().item())
        if np.mean(found[-10:]) == 1 and len(found) >= 10:
            break
        adam.zero_grad()
        loss_of(scores, classes).backward()
        nn.utils.clip_grad_norm_(parameters, setup.clip)
        adam.step()
    return np.array(found + [np.nan] * (setup.steps - len(found)))


def in_the_end(accuracies: np.ndarray) -> float:
    """The mean accuracy of the last ten steps that were made."""
    return float(np.mean(accuracies[np.isfinite(accuracies)][-10:]))


def reach(time: int, forget_bias: float) -> float:
    """What a gate at its bias leaves of a gradient over so many steps."""
    return (1 / (1 + np.exp(-forget_bias))) ** time


def run(setup: Setup) -> Result:
    cells = [(T, b) for T in setup.time for b in setup.forget_bias]
    runs = {cell: np.array([learn(seed, *cell, setup) for seed in setup.seeds]) for cell in cells}
    last = {cell: np.array([in_the_end(run) for run in runs[cell]]) for cell in cells}
    out, within = ([last[c] for c in cells if reach(*c) < LOST], [last[c] for c in cells if reach(*c) > KEPT])
    carousel = "the gradient along the cell state, σ(b_f)ᵀ"
    gap = "between those that guess, at ½, and those that have learned, at 1"
    claims = []
    if out:
        claims.append(Claim(f"σ(b_f)ᵀ < {LOST:g}: accuracy of the best", np.max(out, axis=0), 0.5,
                            below(0.75), carousel, gap))  # fmt: skip
    if within:
        claims.append(Claim(f"σ(b_f)ᵀ > {KEPT:g}: accuracy of the worst", np.min(within, axis=0), 1.0,
                            above(0.85), carousel, gap))  # fmt: skip
    return Result(claims, (runs, last))


# %% The figure
def draw(setup: Setup, data: tuple) -> Figure:
    runs, last = data
    figure, (left, right) = panels(2)
    T = max(setup.time)
    for n, b in enumerate(setup.forget_bias):
        for k, found in enumerate(runs[T, b]):
            made = found[np.isfinite(found)]
            (line,) = left.plot(100 * smooth(list(made), 10), color=f"C{n}", marker="", alpha=0.8)
            left.plot(len(made) - 1, 100 * smooth(list(made), 10)[-1], color=f"C{n}", marker="os^Dvp"[n % 6])
            line.set_label("" if k else f"$b_f$ = {b:g}")
    for T_ in setup.time:
        points = [(reach(T_, b), 100 * a) for b in setup.forget_bias for a in last[T_, b]]
        right.plot(*np.transpose(points), linestyle="", label=f"T = {T_}")
    left.set(title=f"T = {T} steps", xlabel="training step", ylabel="answers right, %", ylim=(40, 103))
    right.set(title="all T and $b_f$, trained", xscale="log", ylim=(40, 103))
    right.set_xlabel("gradient that reaches the start, σ($b_f$)ᵀ")
    left.legend(loc="center right")
    right.legend(loc="center left")
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
