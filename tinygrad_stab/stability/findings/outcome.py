"""The loss beside that of the best constant guess, and what the optimizer's steps do to it."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator

import numpy as np

from ...tensor import Tensor
from ..alarms import Limits
from ..probe import norm
from .examination import Examination, shown, weight_var
from .finding import Finding
from .remedies import expression, fresh_weights
from .training import train

STEPS = 10


def chance(ex: Examination) -> float | None:
    """The loss of the best constant guess, as far as one can be guessed; None without targets that differ.

    For classes their logarithmic frequencies, for numbers their mean, and the logit of that.
    """
    y = None if ex.y is None else ex.y.array
    if y is None or not ex.plain or not y.size or np.all(y == y.flat[0]):
        return None
    shape, dtype = ex.output.shape, ex.output.dtype
    guesses = [np.zeros(1)]
    if ex.has_classes:
        guesses.append(np.log(np.bincount(y, minlength=shape[1]) / len(y) + 1e-9))
    elif y.shape == tuple(shape):
        mean = y.mean(axis=0, dtype=float)
        guesses.append(mean)
        if y.min() >= 0 and y.max() <= 1:
            inside = np.clip(mean, 1e-9, 1 - 1e-9)
            guesses.append(np.log(inside / (1 - inside)))
    losses = [ex.loss_of(Tensor(np.broadcast_to(guess, shape).astype(dtype))) for guess in guesses]
    best = min(filter(math.isfinite, losses), default=0.0)
    return best if best > 0 else None


def loss_above_chance(ex: Examination) -> Iterator[Finding]:
    """A loss ten times that of the best constant guess: the net is sure, and wrong."""
    best = chance(ex)
    if best is None or ex.loss <= 10 * best:
        return
    last = ex.calls[-1]
    layer, var = expression(ex.model, last.layer), shown(weight_var(last))
    size = float(np.sqrt(np.mean(np.square(ex.output.array, dtype=float))))
    yield Finding(
        "loss above chance", layer,
        f"the loss is {ex.loss:.3g}, the best constant guess has {best:.3g}; outputs have a root mean square "
        f"of {size:.3g}", ex.loss / best, 10,
        f"weights too large in the output layer, σ_w² = {var}: first steps only shrink them",
        f"[nn.init.xavier_normal_(W) for W in {layer}.parameters() if W.ndim > 1]",
    )  # fmt: skip


def loss_at_chance(ex: Examination) -> Iterator[Finding]:
    """A last hidden layer that is the same for every sample: no output layer can tell samples apart."""
    h = ex.calls[-1].x.array
    if len(ex.calls) < 2 or h.shape[0] != len(ex.x) or len(h) < 2 or np.all(ex.x.array == ex.x.array[0]):
        return
    h = h.reshape(len(h), -1).astype(float)
    size = float(np.sqrt(np.mean(h * h)))
    varies = float(np.sqrt(np.mean((h - h.mean(axis=0)) ** 2))) / size if size else 0.0
    if varies < 0.01:
        best = chance(ex)
        beside = "" if best is None else f"; the loss is {ex.loss:.4g}, that of a constant guess {best:.4g}"
        var = shown(weight_var(*(call for call, _ in ex.hidden)))
        yield Finding(
            "loss at chance", f"input of {expression(ex.model, ex.calls[-1].name)}",
            f"from sample to sample it changes by {varies:.2%} of its size{beside}", varies, 0.01,
            f"the biases outweigh what comes from the input (σ_w² = {var})", fresh_weights(ex),
        )  # fmt: skip


def step_size(ex: Examination) -> Iterator[Finding]:
    """Ten steps of the optimizer on this very batch, on a copy, beside ten steps a tenth as long."""
    if ex.optimizer is None:
        return
    taken = Trial(ex, 1.0)
    rates = ", ".join(f"{group['lr']:g}" for group in ex.optimizer.param_groups)
    if taken.change < Limits().slow:
        yield Finding(
            "step too small", f"lr = {rates}", f"ten steps change the weights by {taken.change:.1e} of their "
            f"size, and the loss from {ex.loss:.4g} to {taken.loss:.4g}", taken.change, Limits().slow,
            "a learning rate far below what this net could take",
            'for group in optimizer.param_groups: group["lr"] = 0.1',
        )  # fmt: skip
    elif not taken.loss <= ex.loss:
        shorter = Trial(ex, 0.1)
        if shorter.loss < ex.loss or not math.isfinite(taken.loss):
            yield Finding(
                "step too large", f"lr = {rates}", f"ten steps on one batch take its loss from {ex.loss:.4g} "
                f"to {taken.loss:.4g}, steps a tenth as long to {shorter.loss:.4g}", taken.loss / ex.loss, 1,
                "a step passes over the valley and up the other side: lr > 2/curvature",
                'for group in optimizer.param_groups: group["lr"] /= 10',
            )  # fmt: skip


class Trial:
    """Ten steps on a copy: the loss after them, and ‖ΔW‖/‖W‖ of all weights together."""

    def __init__(self, ex: Examination, factor: float) -> None:
        model, optimizer = copy.deepcopy((ex.model, ex.optimizer))
        for group in optimizer.param_groups:
            group["lr"] *= factor
        before = [p.array.copy() for p in model.parameters()]
        self.loss = train(model, ex.x, ex.y, ex.loss_fn, optimizer, STEPS)
        change = norm(*(p.array - old for p, old in zip(model.parameters(), before)))
        self.change = (change or 0.0) / (norm(*before) or 1.0)
