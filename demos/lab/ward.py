"""Screen 5, Ward: a sick net, its symptoms only. One votes for a cause and a fix; the fix is really applied.

A patient is a recipe: a healthy net and training of which one number has been spoiled, which one drawn from
the seed, how far by the severity. A fix changes the recipe. Both nets start from the same random numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from demos.lab.state import Choice, Number, Part, Screen, State, run
from tinygrad_stab.stability import diagnose, probe

Recipe = dict[str, Any]

HEALTHY: Recipe = dict(
    depth=8, phi="ReLU", weight_var=2.0, bias=0.0, spread=0.0, standardize=False, norm=False, skip=False,
    optimizer="SGD", lr=0.05, clip=math.inf,
)  # fmt: skip
CAUSES: dict[str, tuple[Recipe, ...]] = {  # by severity, 1 to 3
    "weights too small": tuple(dict(weight_var=v) for v in (0.6, 0.4, 0.2)),
    "weights too large": tuple(dict(weight_var=v) for v in (5.0, 8.0, 16.0)),
    "dead units": tuple(dict(bias=b) for b in (-1.5, -2.0, -4.0)),
    "saturation": tuple(dict(phi="Tanh", weight_var=v) for v in (9.0, 25.0, 100.0)),
    "rate too high": tuple(dict(lr=r) for r in (1.0, 1.4, 1.8)),
    "features unscaled": tuple(dict(spread=s) for s in (1.75, 2.0, 3.0)),
}
FIXES: dict[str, Callable[[Recipe], Recipe]] = {
    "initialize anew": lambda r: dict(weight_var=2.0 if r["phi"] == "ReLU" else 1.0, bias=0.0),
    "rate / 20": lambda r: dict(lr=r["lr"] / 20),
    "clip the gradient": lambda r: dict(clip=1.0),
    "Adam": lambda r: dict(optimizer="Adam", lr=2e-3),
    "LayerNorm": lambda r: dict(norm=True),
    "skip connections": lambda r: dict(skip=True),
    "standardize x": lambda r: dict(standardize=True),
}
CURES = dict.fromkeys(CAUSES, "initialize anew") | {  # what takes the cause away; others may help as well
    "rate too high": "rate / 20",
    "features unscaled": "standardize x",
}
STEPS, CHUNK = 120, 10
OPEN = "?"

KNOBS = (
    Number("seed", "patient", 1, tuple(range(1, 41))),
    Number("severity", "severity", 2, (1, 2, 3)),
    Choice("cause", "the class votes: the cause", OPEN, (OPEN, *CAUSES)),
    Choice("fix", "and the fix", OPEN, (OPEN, *FIXES)),
)

LINES = """\
import tinygrad_stab as torch
from demos.digits import load_digits
from tinygrad_stab import nn
from tinygrad_stab.stability import diagnose, probe

torch.manual_seed({seed})
data = load_digits({seed})
unit = 10 ** ({spread} * (2 * torch.rand(64) - 1))
pixels = data.x_train * unit
{standardized}

class Layer(nn.Module):
    def __init__(self, n):
        super().__init__()
        W = nn.Linear(n, 64)
        nn.init.normal_(W.weight, std=({weight_var} / n) ** 0.5)
        nn.init.constant_(W.bias, {bias})
        self.branch = nn.Sequential(W, {norm}nn.{phi}())

    def forward(self, h):
        return {forward}


readout = nn.Linear(64, 10)
nn.init.normal_(readout.weight, std=(min({weight_var}, 1.0) / 64) ** 0.5)
model = nn.Sequential(*[Layer(64) for _ in range({layers})], readout)
batches = torch.randint(0, len(pixels), ({steps}, 32))
x, y = pixels[batches[0]], data.y_train[batches[0]]
descent = torch.optim.{optimizer}(model.parameters(), lr={lr})


def train():
    for chosen in batches:
        descent.zero_grad()
        loss = nn.functional.cross_entropy(model(pixels[chosen]), data.y_train[chosen])
        loss.backward(){clipped}
        descent.step()
        yield loss.item()


"""
FOOT = "print(diagnose(model, x, y, optimizer=descent))\nlosses = list(train())\n"
STANDARDIZED = "pixels = (pixels - pixels.mean(0)) / (pixels.std(0) + 1e-8)\n"
CLIPPED = "\n        nn.utils.clip_grad_norm_(model.parameters(), {clip})"
HIDDEN = "# These lines would tell the cause: vote for one first.\n"


def patient(state: State) -> tuple[str, Recipe]:
    """What ails the patient of this seed, and its recipe."""
    rng = np.random.default_rng(state["seed"])
    cause = list(CAUSES)[rng.integers(len(CAUSES))]
    return cause, HEALTHY | {"depth": int(rng.integers(6, 11))} | CAUSES[cause][state["severity"] - 1]


def script(recipe: Recipe, seed: int) -> str:
    """The lines of one net and its training."""
    written = dict(
        standardized=STANDARDIZED if recipe["standardize"] else "",
        norm="nn.LayerNorm(64), " if recipe["norm"] else "",
        forward="h + self.branch(h)" if recipe["skip"] else "self.branch(h)",
        clipped="" if recipe["clip"] == math.inf else CLIPPED.format(**recipe),
        layers=recipe["depth"] - 1,
    )
    return LINES.format(**recipe | written, seed=seed, steps=STEPS)


def lines(state: State) -> str:
    """Both nets, once a cause has been voted for; before that they would give it away."""
    if state["cause"] == OPEN:
        return HIDDEN
    _, sick = patient(state)
    told = script(sick, state["seed"]) + FOOT
    if state["fix"] != OPEN:
        treated = sick | FIXES[state["fix"]](sick)
        told += f"\n# --- the same with the fix: {state['fix']}\n\n" + script(treated, state["seed"]) + FOOT
    return told


def answer(state: State, go_on: Callable[[], None]) -> Iterator[Part]:
    cause, sick = patient(state)
    made = run(script(sick, state["seed"]))
    yield symptoms(made)
    if state["cause"] != OPEN:
        yield verdict(state, cause, diagnose(made["model"], made["x"], made["y"], optimizer=made["descent"]))
    yield from trained(made, "untreated", go_on)
    if state["fix"] != OPEN:
        treated = run(script(sick | FIXES[state["fix"]](sick), state["seed"]))
        yield from trained(treated, "treated", go_on)


def symptoms(made: dict[str, Any]) -> Part:
    rows = probe(made["model"], made["x"], made["y"]).rows
    told = {name: [getattr(row, name) for row in rows] for name in ("backward", "weight_grad", "std", "zero")}
    saturated = [row.saturated for row in rows]
    sentence = "What ails this net? Look, then vote for a cause and a fix on the left."
    return told | {"saturated": saturated, "sentence": sentence}


def verdict(state: State, cause: str, diagnosis: Any) -> Part:
    """Was the class right, what is the cure, and what does the library's own diagnosis say?"""
    right = state["cause"] == cause
    cure = CURES[cause]
    sentence = f"{'Right' if right else 'No'}: it is {cause}. "
    if state["fix"] == OPEN:
        sentence += "Which fix?"
    elif state["fix"] == cure:
        sentence += f"{cure} takes the cause away."
    else:
        sentence += f"{state['fix']} does not take the cause away; {cure} does."
    found = "; ".join(f"{f.pathology}, {f.where}: {f.cause}" for f in diagnosis) or "nothing found"
    return {"truth": cause, "right": right, "cure": cure, "sentence": sentence, "diagnosis": found}


def trained(made: dict[str, Any], name: str, go_on: Callable[[], None]) -> Iterator[Part]:
    """The losses so far, a few steps at a time."""
    losses: list[float] = []
    for loss in made["train"]():
        go_on()
        losses.append(loss)
        if len(losses) % CHUNK == 0:
            yield {name: list(losses)}


SCREEN = Screen("ward", "Ward", KNOBS, lines, answer)
