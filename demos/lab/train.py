"""Screen 2, Train: loss, accuracy and the gradient of every layer, step by step; settings change in mid-run.

The run is streamed while it is computed. At step s the settings become those of the second set of knobs: so a
change while it runs is part of the state, and its address reproduces it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from demos.lab.net import NORM, PHI
from demos.lab.state import Choice, Number, Part, Refused, Screen, State, run

RATES = (1e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
CLIPS = (0.01, 0.1, 0.3, 1.0, 3.0, 10.0, 1e9)
OPTIMIZERS = ("SGD", "Adam")
CHUNK = 5

KNOBS = (
    Choice("phi", "φ", "relu", tuple(PHI)),
    Number("sigma", "σ_w", 1.41, (0.58, 0.7, 1.0, 1.41, 2.0, 3.0), (("Xavier", 1.0), ("He", 2**0.5))),
    Choice("norm", "normalization", "none", tuple(NORM)),
    Number("depth", "layers", 10, (2, 3, 5, 7, 10, 15, 20, 30)),
    Choice("optimizer", "optimizer", "SGD", OPTIMIZERS),
    Number("lr", "learning rate", 0.1, RATES),
    Number("clip", "clip ‖g‖ at", 1e9, CLIPS, (("never", 1e9),)),
    Number("switch", "from step s on …", 100, (0, 10, 20, 50, 100, 150, 200, 300)),
    Choice("optimizer2", "… optimizer", "SGD", OPTIMIZERS),
    Number("lr2", "… learning rate", 0.1, RATES),
    Number("clip2", "… clip ‖g‖ at", 1e9, CLIPS, (("never", 1e9),)),
    Number("steps", "steps", 150, (20, 50, 100, 150, 200, 300)),
    Number("seed", "seed", 0, tuple(range(10))),
)


def check(state: State) -> None:
    if state["steps"] * state["depth"] > 6000:
        message = (
            f"{state['steps']} steps of {state['depth']} layers take too long to watch: at most 6000 in all"
        )
        raise Refused("steps", message)


LINES = """\
import tinygrad_stab as torch
from demos.digits import load_digits
from tinygrad_stab import nn
from tinygrad_stab.stability import GradientMonitor

torch.manual_seed({seed})
data = load_digits({seed})
layers = []
for _ in range({depth} - 1):
    W = nn.Linear(64, 64)
    nn.init.normal_(W.weight, std={sigma:.10g} / 64**0.5)
    nn.init.zeros_(W.bias)
    layers += [W, {inside}]
model = nn.Sequential(*layers, nn.Linear(64, 10))
batches = torch.randint(0, len(data.x_train), ({steps}, 32))
monitor = GradientMonitor(model, on_warning=None)
norms = []  # of the whole gradient, before clipping


def train():
    descent, clip = torch.optim.{optimizer}(model.parameters(), lr={lr:.10g}), {clip:.10g}
    with monitor:
        for step, chosen in enumerate(batches):
            if step == {switch}:
                descent, clip = torch.optim.{optimizer2}(model.parameters(), lr={lr2:.10g}), {clip2:.10g}
            descent.zero_grad()
            loss = nn.functional.cross_entropy(model(data.x_train[chosen]), data.y_train[chosen])
            loss.backward()
            norms.append(nn.utils.get_total_norm([p.grad for p in model.parameters()]).item())
            if norms[-1] > clip:
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            descent.step()
            monitor.step(loss)
            yield loss.item()


def accuracy():
    with torch.no_grad():
        return (model(data.x_test).argmax(1) == data.y_test).double().mean().item()


"""
FOOT = "losses = list(train())\nprint(monitor.report())\nprint(accuracy())\n"


def build(state: State) -> str:
    norm = NORM[state["norm"]]
    inside = ", ".join(filter(None, [f"{norm}(64)" if norm else "", PHI[state["phi"]]]))
    return LINES.format(**state, inside=inside)


def lines(state: State) -> str:
    return build(state) + FOOT


def answer(state: State, go_on: Callable[[], None]) -> Iterator[Part]:
    made = run(build(state))
    told: dict[str, list] = {
        name: [] for name in ("loss", "norm", "clipped", "backward", "update", "accuracy")
    }
    for step, loss in enumerate(made["train"]()):
        go_on()
        record = made["monitor"].records[-1]
        told["loss"].append(loss)
        told["norm"].append(made["norms"][-1])
        told["clipped"].append(record.total_norm)
        told["backward"].append([row.backward for row in record.layers])
        told["update"].append(middle(record.updates))
        if (step + 1) % CHUNK == 0:
            made["model"].eval()
            told["accuracy"].append(made["accuracy"]())
            made["model"].train()
            yield told | {"sentence": sentence(told, step + 1)}


def middle(updates: list[Any]) -> float | None:
    """The median of ‖ΔW‖/‖W‖ over the layers."""
    known = sorted(update for update in updates if update is not None and not math.isnan(update))
    return known[len(known) // 2] if known else None


def sentence(told: dict[str, list], step: int) -> str:
    if broken := [k for k, loss in enumerate(told["loss"]) if not math.isfinite(loss)]:
        return f"It diverged: the loss is not finite from step {broken[0] + 1} on."
    return (
        f"Step {step}: loss {told['loss'][-1]:.3g}, {told['accuracy'][-1]:.0%} of the test images are right."
    )


SCREEN = Screen("train", "Train", KNOBS, lines, answer, check)
