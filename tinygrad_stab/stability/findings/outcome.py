"""The loss beside that of the best constant guess."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from .examination import Examination, root_mean_square, shown, weight_var
from .finding import Finding, detector
from .remedies import STANDARD_TARGETS, drawn, expression, fresh_weights


def chance(ex: Examination) -> float | None:
    """The loss of the best constant guess, as far as one can be guessed; None without targets that differ.

    For classes their logarithmic frequencies, for numbers their mean, and the logit of that. What the loss
    refuses, as BCELoss a logit, is no guess.
    """
    y = None if ex.y is None else ex.y.array
    if y is None or not ex.plain or not y.size or np.all(y == y.flat[0]):
        return None
    shape = ex.output.shape
    guesses = [np.zeros(1)]
    if ex.has_classes:
        guesses.append(np.log(np.bincount(y, minlength=shape[1]) / len(y) + 1e-9))
        guesses.append(np.full(shape[1], 1 / shape[1]))
    elif y.shape == tuple(shape):
        mean = y.mean(axis=0, dtype=float)
        guesses.append(mean)
        if y.min() >= 0 and y.max() <= 1:
            inside = np.clip(mean, 1e-9, 1 - 1e-9)
            guesses += [np.log(inside / (1 - inside)), inside]
    losses = [ex.loss_of(np.broadcast_to(guess, shape)) for guess in guesses]
    best = min((loss for loss in losses if math.isfinite(loss)), default=0.0)
    return best if best > 0 else None


@detector(
    "loss above chance",
    wrong="The net is sure, and wrong: at the start its loss is far above that of guessing",
    tells="the loss beside that of the best constant guess; sizes of outputs and targets beside each other",
    limit="ten times: the first steps then only shrink the outputs, or move them to where the targets are",
    do="an output layer with small weights, standardized targets; the bias of the output at the targets' "
    "mean",
)
def loss_above_chance(ex: Examination) -> Iterator[Finding]:
    """A loss ten times that of the best constant guess: the net is sure, and wrong."""
    best = chance(ex)
    if best is None or ex.loss <= 10 * best:
        return
    if ex.has_classes and ex.loss <= 2 * ex.loss_of(np.zeros(ex.output.shape)):
        return  # where one class is frequent, to know that is worth much; not to know it is no certainty
    last, size = ex.calls[-1], root_mean_square(ex.output.array)
    layer, var = expression(ex.model, last.layer), shown(weight_var(last))
    evidence = (
        f"the loss is {ex.loss:.3g}, the best constant guess has {best:.3g}; outputs have a root mean square "
        f"of {size:.3g}"
    )
    before = root_mean_square(last.x.array)
    redrawn = f"for W in {layer}.parameters():\n    if W.ndim > 1:\n        nn.init.xavier_normal_(W)"
    where, fix = layer, redrawn
    others: tuple[str, ...] = ()
    cause = f"weights too large in the output layer, σ_w² = {var}: first steps only shrink them"
    if ex.has_numbers and _are_to_blame(ex, size):
        mean, std = float(ex.y.array.mean()), float(ex.y.array.std())
        where = "y"
        cause = f"targets of mean {mean:.3g} and standard deviation {std:.3g}, far from the outputs' size"
        fix = STANDARD_TARGETS
    elif before > 10 and len(ex.calls) > 1:
        cause = f"the signal has grown: what comes to the output layer has a root mean square of {before:.3g}"
        fix, others = fresh_weights(ex), (redrawn, drawn("xavier_normal_(W, gain=0.5)"))
    yield Finding("loss above chance", where, evidence, ex.loss / best, 10, cause, fix, others)  # fmt: skip


def _are_to_blame(ex: Examination, size: float) -> bool:
    """Are the targets far from 0 beside their spread, or of another order than what nets put out?"""
    y = ex.y.array.astype(float)
    own = root_mean_square(y)
    return (abs(float(y.mean())) > 3 * float(y.std()) and own > 3 * size) or (
        not 0.03 < own < 30 and not 0.1 < own / (size or 1) < 10
    )


@detector(
    "loss at chance",
    wrong="The last hidden layer is the same for every sample: no output layer can tell samples apart",
    tells="how much it changes from sample to sample, beside its size",
    limit="1 %",
    do="biases of 0, weights at the edge of chaos",
)
def loss_at_chance(ex: Examination) -> Iterator[Finding]:
    """A last hidden layer that is the same for every sample: no output layer can tell samples apart."""
    h = ex.calls[-1].x.array
    if len(ex.calls) < 2 or h.shape[0] != len(ex.x) or len(h) < 2 or ex.is_alike:
        return
    h = h.reshape(len(h), -1).astype(float)
    size = root_mean_square(h)
    varies = root_mean_square(h - h.mean(axis=0)) / size if size else 0.0
    if varies < 0.01:
        best = chance(ex)
        beside = "" if best is None else f"; the loss is {ex.loss:.4g}, that of a constant guess {best:.4g}"
        var = shown(weight_var(*(call for call, _ in ex.hidden)))
        yield Finding(
            "loss at chance", f"input of {expression(ex.model, ex.calls[-1].name)}",
            f"from sample to sample it changes by {varies:.2%} of its size{beside}", varies, 0.01,
            f"the biases outweigh what comes from the input (σ_w² = {var})", fresh_weights(ex),
        )  # fmt: skip
