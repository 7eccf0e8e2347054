"""Screen 4, Time: the gradient on its way back through time, and the cliff that recurrence can make."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import tinygrad_stab as torch
from demos.lab.state import Choice, Number, Part, Refused, Screen, State, run
from tinygrad_stab.stability import time_map

WALL = -2.6123  # ½ − w σ(½) for w = 5, where the slope is steepest (demos/clipping/gradient_cliff.py)
KNOBS = (
    Choice("cell", "cell", "RNN", ("RNN", "LSTM")),
    Choice("phi", "φ of the RNN", "tanh", ("tanh", "relu")),
    Number(
        "radius", "spectral radius of W_hh", 0.9, (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.3, 1.5, 2.0, 3.0)
    ),
    Number("forget", "forget bias of the LSTM", 1.0, (-2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 5.0)),
    Number("T", "steps T", 60, (5, 10, 20, 40, 60, 100, 150, 200)),
    Number("size", "hidden units", 32, (4, 8, 16, 32, 64, 128)),
    Number("seed", "seed", 0, tuple(range(10))),
    Number("w", "cliff: w", 5.0, (3.0, 3.5, 4.0, 4.25, 4.5, 5.0, 5.5, 6.0)),
    Number(
        "b",
        "cliff: start b",
        WALL,
        tuple(round(-3.4 + 0.05 * k, 2) for k in range(33)),
        (("on the wall of w = 5", WALL),),
    ),
    Number("clip", "cliff: clip ‖∂E/∂b‖ at", 1.0, (0.01, 0.1, 0.3, 1.0, 3.0, 10.0, 1e9)),
)
PRODUCTS = 2e6  # T × units²; every step is a node of its own


def check(state: State) -> None:
    if (products := state["T"] * state["size"] ** 2) > PRODUCTS:
        message = f"{state['T']} steps × {state['size']}² units are {products:.1e}, more than {PRODUCTS:.0e}"
        raise Refused("size", f"{message}: take less of one of the two")


LINES = """\
import numpy as np


import tinygrad_stab as torch
from tinygrad_stab import nn
from tinygrad_stab.stability import time_map

torch.manual_seed({seed})
rnn = {rnn}
W = torch.randn({size}, {size}).numpy()
W *= {radius:.10g} / np.abs(np.linalg.eigvals(W)).max()
with torch.no_grad():
    rnn.weight_hh_l0[{rows}].copy_(torch.from_numpy(W))
x = 0.3 * torch.randn({T}, 8, 8)  # steps, samples, inputs
print(time_map(rnn, x))


def E(b):
    \"\"\"Pascanu et al. 2013, Fig. 6: one unit, 25 steps, its end compared with a target.\"\"\"
    x = torch.full_like(b, 0.5)
    for _ in range(25):
        x = {w:.10g} * torch.sigmoid(x) + b
    return (torch.sigmoid(x) - 0.7) ** 2


b = torch.tensor({b:.10g}, dtype=torch.float64, requires_grad=True)
(g,) = torch.autograd.grad(E(b), [b])
step = -0.05 * g
clipped = step / max(1.0, abs(g.item()) / {clip:.10g})
"""


def lines(state: State) -> str:
    size = state["size"]
    if state["cell"] == "RNN":
        return LINES.format(**state, rnn=f'nn.RNN(8, {size}, nonlinearity="{state["phi"]}")', rows=":")
    rnn = f"nn.LSTM(8, {size}, forget_bias={state['forget']:.10g})"
    return LINES.format(**state, rnn=rnn, rows=f"{2 * size} : {3 * size}")  # the block of the candidate


def answer(state: State, go_on: Callable[[], None]) -> Iterator[Part]:
    made = run(lines(state))
    go_on()
    yield told(time_map(made["rnn"], made["x"]), made["W"])
    go_on()
    yield cliff(made)


def told(found: Any, W: np.ndarray) -> Part:
    rows = found.rows
    eigenvalues = np.linalg.eigvals(W.astype(float))
    return {
        "h": [row.h for row in rows],
        "c": [row.c for row in rows],
        "forget_product": [row.forget_product for row in rows],
        "eigenvalues": [[float(z.real), float(z.imag)] for z in eigenvalues],
        "radius": found.spectral_radius[0],
        "singular": found.largest_singular_value[0],
        "sentence": found.notes[0].removeprefix("Layer 0: "),
    }


def cliff(made: dict[str, Any]) -> Part:
    """E over b, the slope at the start, and where a step from there ends, clipped and not."""
    places = np.linspace(-3.4, -1.8, 201)
    b, g, E = made["b"].item(), made["g"].item(), made["E"]
    ends = {name: b + made[name].item() for name in ("step", "clipped")}
    with torch.no_grad():
        points = torch.tensor([b, *ends.values()], dtype=torch.float64)
        E_start, E_step, E_clipped = E(points).tolist()
        over = E(torch.tensor(places)).tolist()
    return {
        "places": places.tolist(), "E": over, "g": g, "start": [b, E_start],
        "step": [ends["step"], E_step], "clipped": [ends["clipped"], E_clipped],
    }  # fmt: skip


RECORDED = {"cell": ("RNN", "LSTM"), "radius": (0.5, 0.9, 1.1, 1.5, 2.0), "forget": (0.0, 1.0, 3.0)}
SCREEN = Screen("time", "Time", KNOBS, lines, answer, check, RECORDED)
