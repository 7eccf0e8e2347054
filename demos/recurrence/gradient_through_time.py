"""Through time one matrix multiplies the gradient over and over; an LSTM's forget gate takes its place.

One step back, an RNN multiplies the gradient by Wᵀ diag(1 − h²). If the largest singular value s of W is
below 1, at most sᵀ of it is left after T steps. To explode it takes s > 1, but that is not enough.

An LSTM has a second way back, along its cell state, where only the forget gate multiplies: by σ(b_f) if
the gate is at its bias. A gate at ½ loses thirty powers of ten in a hundred steps, and a bias of 1 still
loses fourteen. The way through the recurrent weights stays open beside it, and there an LSTM can explode.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

import tinygrad_stab as torch
from demos.experiment import Between, Claim, Config, Result, Within, above, below, over_seeds
from demos.notebook import present
from demos.style import Figure, band, decades, panels, prediction
from tinygrad_stab import nn
from tinygrad_stab.stability import theory

SOURCE = (
    "Pascanu et al. 2013, sec. 2.1 and eqs. 6–7; Hochreiter & Schmidhuber 1997; Gers et al. 2000 "
    "(the forget gate); Jozefowicz et al. 2015 (its bias)"
)

gaussian = partial(nn.init.kaiming_normal_, nonlinearity="linear")  # variance 1/n
RNNS = {  # by the largest singular value of the recurrent weights
    "s = 0.9": partial(nn.init.orthogonal_, gain=0.9),
    "s ≈ 1.8": partial(nn.init.xavier_normal_, gain=0.9),
    "s ≈ 4": partial(nn.init.xavier_normal_, gain=2.0),
}


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    time: int = 100
    width: int = 64
    batch: int = 16
    input_std: float = 0.3
    forget_bias: tuple[float, ...] = (0.0, 1.0, 3.0, 5.0)


FAST = dict(seeds=(0,))


# %% The experiment
def norms_back(states: list[torch.Tensor]) -> np.ndarray:
    """‖∂L/∂state‖ from the last step to the first, relative to the last, for a random ∂L/∂state there."""
    gradients = torch.autograd.grad(states[-1], states, torch.randn_like(states[-1]))
    norms = np.array([g.norm().item() for g in gradients[::-1]])
    return norms / norms[0]


def rnn(draw_weights: Callable, setup: Setup) -> tuple[np.ndarray, float]:
    """An RNN's ‖∂L/∂h‖, and the largest singular value of its recurrent weights."""
    cell = nn.RNNCell(setup.width, setup.width, bias=False)
    gaussian(cell.weight_ih)
    draw_weights(cell.weight_hh)
    hs = [torch.randn(setup.batch, setup.width).requires_grad_()]
    for _ in range(setup.time):
        hs.append(cell(setup.input_std * torch.randn(setup.batch, setup.width), hs[-1]))
    return norms_back(hs), np.linalg.norm(cell.weight_hh.detach().numpy(), ord=2)


def lstm(forget_bias: float, recurrent: bool, setup: Setup) -> np.ndarray:
    """An LSTM's ‖∂L/∂c‖, with recurrent weights of variance 1/n or without any."""
    cell = nn.LSTMCell(setup.width, setup.width)
    for parameter in cell.parameters():
        nn.init.zeros_(parameter)
    gaussian(cell.weight_ih)
    if recurrent:
        gaussian(cell.weight_hh)
    nn.init.constant_(cell.bias_ih[setup.width : 2 * setup.width], forget_bias)
    h = torch.zeros(setup.batch, setup.width)
    cs = [torch.randn(setup.batch, setup.width).requires_grad_()]
    for _ in range(setup.time):
        h, c = cell(setup.input_std * torch.randn(setup.batch, setup.width), (h, cs[-1]))
        cs.append(c)
    return norms_back(cs)


def gate(forget_bias: float, input_std: float) -> float:
    """√(E f²), what one step leaves of ‖∂L/∂c‖, for a gate f = σ(b_f + z) with z ~ N(0, input_std²)."""
    return theory.length_map(lambda z: torch.sigmoid(z + forget_bias), q=input_std**2, weight_var=1) ** 0.5


def run(setup: Setup) -> Result:
    T, biases, silent = setup.time, setup.forget_bias, replace(setup, input_std=0.0)
    rnns = {name: over_seeds(setup, rnn, draw_weights) for name, draw_weights in RNNS.items()}
    still = {b: over_seeds(silent, lstm, b, False) for b in biases}
    alone = {b: over_seeds(setup, lstm, b, False) for b in biases}
    whole = {b: over_seeds(setup, lstm, b, True) for b in biases}
    left = {name: [np.log10(norms[-1]) for norms, _ in rnns[name]] for name in RNNS}
    s_T, largest = T * np.log10(0.9), max(biases)
    bound = Between(high=s_T, proven=True)
    pascanu = "Pascanu et al. 2013, sec. 2.1: s < 1 suffices to vanish, s > 1 does not suffice to explode"
    gap = "between those that vanish and those that explode"
    # fmt: off
    claims = [
        Claim("RNN, s = 0.9: log₁₀ left", left["s = 0.9"], s_T, bound, pascanu, "a bound"),
        Claim("RNN, s ≈ 1.8: s", [s for _, s in rnns["s ≈ 1.8"]], "> 1", above(1.3), pascanu, gap),
        Claim("RNN, s ≈ 1.8: log₁₀ left", left["s ≈ 1.8"], "vanishes", below(-3), pascanu, gap),
        Claim("RNN, s ≈ 4: log₁₀ left", left["s ≈ 4"], "explodes", above(1), pascanu, gap),
        Claim("LSTM cell without inputs: left, over σ(b_f)ᵀ",
              [norms[-1] / gate(b, 0.0) ** T for b in biases for norms in still[b]], 1.0, Within(1e-10),
              "the chain rule: every step multiplies by the same gate", "an identity"),
        *(Claim(f"LSTM cell, b_f = {b:g}: log₁₀ left", [np.log10(norms[-1]) for norms in alone[b]],
                T * np.log10(gate(b, setup.input_std)), Within(0.03),
                "√(E f²) a step, f = σ(b_f + z): the gates of different steps are independent",
                "a few of very many products make up most of the norm") for b in biases),
        Claim(f"LSTM, b_f = {largest:g}: log₁₀ left", [np.log10(norms[-1]) for norms in whole[largest]],
              "explodes", above(1), "the second way back, through the recurrent weights", gap),
    ]
    # fmt: on
    return Result(claims, (rnns, alone, whole))


# %% The figure
def draw(setup: Setup, data: tuple) -> Figure:
    rnns, alone, whole = data
    figure, axes = panels(3, sharey=True)
    back = np.arange(setup.time + 1)
    for name in RNNS:
        band(axes[0], back, [norms for norms, _ in rnns[name]], label=name, markevery=20)
    prediction(axes[0], back, 0.9**back, label="bound, 0.9 a step")
    for b in setup.forget_bias:
        band(axes[1], back, alone[b], label=f"$b_f$ = {b:g}", markevery=20)
        band(axes[2], back, whole[b], label=f"$b_f$ = {b:g}", markevery=20)
        prediction(axes[1], back, gate(b, setup.input_std) ** back)
    axes[1].lines[-1].set_label("√(E f²) a step")
    for ax, title in zip(axes, ("RNN", "LSTM, cell state alone", "LSTM, whole")):
        ax.set(title=title, yscale="log", xlabel="steps back in time")
        ax.legend(loc="lower left")
        decades(ax, 5)
    axes[0].set_ylabel("‖gradient‖ relative to the end")
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
