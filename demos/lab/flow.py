"""Screen 1, Flow: how large signal and gradient are in every layer of a net, at one start, beside theory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import tinygrad_stab as torch
from demos.lab.net import NORM, PHI, SKIP, model_lines
from demos.lab.state import Choice, Number, Part, Refused, Screen, State, run
from demos.lab.verdict import verdict
from tinygrad_stab import nn
from tinygrad_stab.stability import diagnose, probe, theory

KNOBS = (
    Choice("phi", "φ", "relu", tuple(PHI)),
    Number("sigma", "σ_w", 1.0,
           (0.25, 0.4, 0.58, 0.7, 0.85, 1.0, 1.1, 1.2, 1.41, 1.7, 2.0, 2.83, 4.0, 6.0, 10.0),
           (("PyTorch", 3**-0.5), ("Xavier", 1.0), ("He", 2**0.5))),
    Choice("draw", "weights", "normal", ("normal", "orthogonal")),
    Choice("norm", "normalization", "none", tuple(NORM)),
    Choice("skip", "skip × s", "none", tuple(SKIP)),
    Number("depth", "layers", 30, (2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 70, 100)),
    Number("width", "width", 128, (8, 16, 32, 64, 128, 256, 512)),
    Number("batch", "batch", 64, (4, 8, 16, 32, 64, 128, 256, 512)),
    Choice("data", "data", "digits", ("digits", "gaussian")),
    Choice("dtype", "dtype", "float32", ("float32", "float64")),
    Number("seed", "seed", 0, tuple(range(10))),
)  # fmt: skip
PRODUCTS = 2e9  # in one pass forward; backward has twice as many, and a core does about 1e10 a second


def check(state: State) -> None:
    products = state["depth"] * state["width"] ** 2 * state["batch"]
    if products > PRODUCTS:
        raise Refused(
            "width",
            f"{state['depth']} layers × {state['width']}² × a batch of {state['batch']} are {products:.1e} "
            f"products, the lab computes {PRODUCTS:.0e} at a time: take less of one of the three",
        )


FOOT = "print(probe(model, x, y))\nprint(diagnose(model, x, y))\n"


def lines(state: State) -> str:
    return model_lines(state) + FOOT


class Watch:
    """Keeps z and δ = ∂L/∂z of every layer while a net runs; between layers a run can be cancelled."""

    def __init__(self, model: nn.Module, go_on: Callable[[], None]) -> None:
        self.z: list[np.ndarray] = []
        self.delta: dict[int, np.ndarray] = {}
        self.go_on = go_on
        layers = [module for module in model.modules() if isinstance(module, nn.Linear)]
        self.handles = [layer.register_forward_hook(self.keep) for layer in layers]

    def keep(self, layer: nn.Module, inputs: tuple, z: torch.Tensor) -> None:
        self.go_on()
        k = len(self.z)
        self.z.append(z.array)
        if z.requires_grad:  # a diagnosis also looks at a net in evaluation
            z.register_hook(lambda g: self.keep_gradient(k, g.array))

    def keep_gradient(self, k: int, g: np.ndarray) -> None:
        self.go_on()
        self.delta[k] = g

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *exception: Any) -> None:
        for handle in self.handles:
            handle.remove()


def answer(state: State, go_on: Callable[[], None]) -> Iterator[Part]:
    made = run(model_lines(state))
    model, x, y = made["model"], made["x"], made["y"]
    with Watch(model, go_on) as watch:
        measured = probe(model, x, y)
    first = told(measured, watch.z)
    yield first
    yield {
        "z": [histogram(z) for z in watch.z],
        "delta": [histogram(watch.delta[k]) if k in watch.delta else None for k in range(len(watch.z))],
    }
    with Watch(model, go_on):
        yield verdict(diagnose(model, x, y), first, state)
    if state["skip"] == "none":
        yield {"signal_theory": expected_signal(model, float((x.double() ** 2).mean().item()))}


def told(measured: Any, zs: list[np.ndarray]) -> Part:
    """What one probe says of every layer, from the first to the output."""
    rows = measured.rows
    broken = first_broken(rows, zs)
    return {
        "loss": measured.loss,
        "layers": [row.layer for row in rows],
        "backward": [row.backward for row in rows],
        "weight_grad": [row.weight_grad for row in rows],
        "std": [row.std for row in rows],
        "rms": [math.hypot(row.mean, row.std) for row in rows],
        "weights": [row.weights_gain for row in rows],
        "slope": [row.slope_gain for row in rows],
        "gain": [row.gain for row in rows],
        "predicted": [row.predicted for row in rows],
        "backward_theory": expected(measured),
        "broken": broken,
        "sentence": sentence(rows, broken),
    }


def expected(measured: Any) -> list[float | None]:
    """From the gradient at the output, times the predicted gains, down to where theory has no answer."""
    rows = measured.rows
    down: list[float | None] = [rows[-1].backward]
    for row, follows in list(zip(rows[1:], measured.in_a_row))[::-1]:
        known = follows and down[0] is not None and row.predicted is not None
        down.insert(0, down[0] * row.predicted if known else None)  # type: ignore[operator]
    return down


def expected_signal(model: nn.Module, q0: float) -> list[float | None]:
    """√E h² of every layer by the predicted forward gains, from that of the input."""
    size: float | None = math.sqrt(q0)
    sizes = []
    for gain in theory.predict(model, q0):
        size = None if size is None or gain.forward is None else size * gain.forward
        sizes.append(size)
    return sizes


def first_broken(rows: list[Any], zs: list[np.ndarray]) -> dict[str, int | None]:
    """The layer, counted from 0, where values that are not finite begin: on the way up, on the way back."""
    up = [k for k, z in enumerate(zs) if not np.all(np.isfinite(z))]
    back = [k for k, row in enumerate(rows) if row.backward is not None and not math.isfinite(row.backward)]
    return {"forward": up[0] if up else None, "backward": back[-1] if back else None}


def sentence(rows: list[Any], broken: dict[str, int | None]) -> str:
    first, last = rows[0].backward, rows[-2].backward
    if broken["forward"] is not None:
        return f"Not finite: the signal, from layer {broken['forward'] + 1} on."
    if broken["backward"] is not None:
        return f"Not finite: the gradient, from layer {broken['backward'] + 1} down."
    if not first or not last:
        return "No gradient reaches the first layer: it is 0."
    rate = (first / last) ** (1 / max(len(rows) - 2, 1))
    return (
        f"The first layer gets {first / last:.2g} of the last hidden layer's gradient: × {rate:.3g} a layer."
    )


def histogram(values: np.ndarray, bins: int = 16) -> Part | None:
    """Shares in per cent over ±3 root mean squares; what lies beyond is in the outer bins."""
    values = values.astype(float).ravel()
    with np.errstate(all="ignore"):
        rms = float(np.sqrt(np.mean(values * values)))
        if not 0 < rms < math.inf:
            return None
        cell = np.clip((values / (3 * rms) + 1) * (bins / 2), 0, bins - 1).astype(int)
    return {"rms": rms, "shares": np.rint(np.bincount(cell, minlength=bins) * (100 / len(values))).tolist()}


RECORDED = {
    "phi": ("relu", "tanh", "sigmoid", "elu"),
    "sigma": (0.58, 0.7, 1.0, 1.41, 2.0, 4.0),
    "norm": tuple(NORM),
    "skip": ("none", "1", "1/√L"),
}
SCREEN = Screen("flow", "Flow", KNOBS, lines, answer, check, RECORDED)
