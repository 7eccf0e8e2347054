"""To remember, a recurrent net needs no gates, only a gradient that arrives.

The task is that of `latch_task.py`: the first input is +1 or −1, then comes noise, and after T steps the net
is to say which it was. Four nets, and what a step multiplies the gradient by at the start:

    Gaussian, ¼      h ← tanh(W h + …), W_ij ~ N(0, 1/(16 n))     about ¼: of 4⁻ᵀ nothing arrives
    orthogonal       h ← tanh(W h + …), Wᵀ W = 1                  1, but for the slope of tanh
    identity         h ← relu(W h + …), W = 1, small inputs       1, or 0 where a unit is off: the IRNN
    chrono           an LSTM, b_f = ln U(1, T − 1), b_i = −b_f    gates that are open for up to T steps

The last three learn, with gates or without them; the first does not. An identity, though, keeps whatever it
is given: it adds up the noise as well, to √T times that of one step. If the noise is loud this slows it down,
more than a net with tanh, which is bounded.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

import tinygrad_stab as torch
from demos.experiment import Claim, Config, Result, above, below
from demos.notebook import present
from demos.recurrence.latch_task import accuracies, in_the_end, sequences
from demos.style import Figure, band, decades, legend, panels
from demos.training import smooth
from tinygrad_stab import nn

SOURCE = "Le, Jaitly & Hinton 2015 (IRNN); Saxe et al. 2014 (orthogonal); Tallec & Ollivier 2018 (chrono)"


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    time: int = 40
    width: int = 16
    noise: float = 0.05
    loud: float = 0.5  # noise
    lr: float = 0.005
    clip: float = 1.0
    batch: int = 32
    steps: int = 100


FAST = dict(seeds=(0,))
NETS = ("Gaussian, ¼", "orthogonal", "identity", "chrono")


def build(kind: str, setup: Setup) -> nn.Module:
    n = setup.width
    if kind == "chrono":
        lstm = nn.LSTM(1, n)
        b_f = (1 + (setup.time - 2) * torch.rand(n)).log()
        lstm.bias_hh_l0.data = torch.zeros(4 * n)
        lstm.bias_ih_l0.data = torch.cat([-b_f, b_f, torch.zeros(2 * n)])  # input, forget, cell, output
        return lstm
    rnn = nn.RNN(1, n, nonlinearity="relu" if kind == "identity" else "tanh", bias=False)
    if kind == "identity":
        nn.init.eye_(rnn.weight_hh_l0)
        nn.init.normal_(rnn.weight_ih_l0, std=0.1)
    elif kind == "orthogonal":
        nn.init.orthogonal_(rnn.weight_hh_l0)
    else:
        nn.init.normal_(rnn.weight_hh_l0, std=1 / (4 * n**0.5))
    return rnn


# %% The experiment
def arriving(seed: int, kind: str, setup: Setup) -> np.ndarray:
    """The gradient at the input of every step, relative to the last, before training."""
    torch.manual_seed(seed)
    net = build(kind, setup)
    x, _ = sequences(setup.time, setup)
    outputs, _ = net(x.requires_grad_())
    (g,) = torch.autograd.grad(outputs[-1], [x], torch.randn_like(outputs[-1]))
    norms = np.linalg.norm(g.numpy(), axis=(1, 2))
    return norms / norms[-1]


def learn(seed: int, kind: str, setup: Setup) -> np.ndarray:
    """The accuracy at every step; NaN after the one at which it has learned."""
    torch.manual_seed(seed)
    return accuracies(build(kind, setup), setup.time, setup)


def run(setup: Setup) -> Result:
    def by_net(measure: Callable, nets: tuple[str, ...], setup: Setup) -> dict[str, np.ndarray]:
        return {kind: np.array([measure(seed, kind, setup) for seed in setup.seeds]) for kind in nets}

    arrived, quiet = by_net(arriving, NETS, setup), by_net(learn, NETS, setup)
    loud = by_net(learn, NETS[1:3], replace(setup, noise=setup.loud))
    first = {kind: np.log10(arrived[kind][:, 0]) for kind in NETS}
    last = {kind: [in_the_end(run) for run in quiet[kind]] for kind in NETS}
    steps = {kind: np.isfinite(loud[kind]).sum(axis=1) for kind in loud}
    slower = np.median(steps["identity"]) / np.median(steps["orthogonal"])
    T, gap = setup.time, "between the net whose gradient vanishes and the three others"
    learns = "what reaches the first step can teach it"
    # fmt: off
    claims = [
        Claim("Gaussian, ¼: log₁₀ of what arrives", first["Gaussian, ¼"], T * np.log10(0.25), below(-10),
              "¼ a step", gap),
        *(Claim(f"{kind}: log₁₀ of what arrives", first[kind], "≈ 0", above(-3), "about 1 a step", gap)
          for kind in NETS[1:]),
        Claim("Gaussian, ¼: accuracy", last["Gaussian, ¼"], 0.5, below(0.75), learns, gap),
        *(Claim(f"{kind}: accuracy", last[kind], 1.0, above(0.85), learns, gap) for kind in NETS[1:]),
        Claim("loud noise: steps, identity over orthogonal, medians", [slower], "> 1", above(1),
              "an identity adds the noise up", "of all seeds; a run that has not learned made them all"),
    ]
    # fmt: on
    return Result(claims, (arrived, quiet, loud))


# %% The figure
def draw(setup: Setup, data: tuple) -> Figure:
    arrived, quiet, loud = data
    figure, (left, middle, right) = panels(3)
    for k, kind in enumerate(NETS):
        look = dict(label=kind, color=f"C{k}", marker="os^D"[k])
        band(left, np.arange(1, setup.time + 1), arrived[kind], markevery=8, **look)
        for ax, runs in ((middle, quiet), (right, loud)):
            if kind in runs:
                for found in runs[kind]:
                    curve = 100 * smooth(list(found[np.isfinite(found)]), 10)
                    ax.plot(curve, color=look["color"], marker=look["marker"], markevery=[len(curve) - 1])
    left.set(title="gradient that arrives", yscale="log", xlabel="at step t of the sequence")
    decades(left, 4)
    middle.set(title="answers right, %")
    right.set(title="… in loud noise")
    for ax in (middle, right):
        ax.set(xlabel="training step", ylim=(40, 103))
    legend(figure, left)
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
