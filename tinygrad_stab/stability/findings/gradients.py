"""Gradients that vanish or explode over the layers, from the last hidden one to the first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ..probe import LayerRecord
from ..trace import Call, in_a_row
from .examination import Examination, geometric_mean, is_batchnorm, is_normalized, weight_var
from .finding import Finding, detector
from .remedies import (
    critical,
    expression,
    fresh_weights,
    other_activations,
    smaller_branches,
    with_batchnorm,
    without_batchnorm,
)

VANISHED, EXPLODED = 1e-3, 100.0  # ‖∂L/∂h‖ of the first hidden layer, relative to that of the last
SUMMED = 15.0  # the same, where residual sums are what makes it grow
OFTEN = 4  # a layer that is called so many times is a step in time


@detector(
    "vanishing",
    wrong="The first layers get next to no gradient: every layer on the way back makes it smaller",
    tells="‖∂L/∂h‖ of the first hidden layer beside that of the last",
    limit="1/1000: with one learning rate for all, the first layers learn a thousand times slower",
    do="weights with σ_w² at χ = 1 (He for ReLU, orthogonal for tanh), ELU or ReLU instead of a sigmoid, "
    "normalization, skip connections",
)
def vanishing(ex: Examination) -> Iterator[Finding]:
    """A gradient that arrives at the first hidden layer a thousand times smaller than it left the last."""
    rows = [row for _, row in compared(ex)]
    if len(rows) > 1 and rows[-1].backward and _change(rows) < VANISHED:
        yield Finding(
            "vanishing", _where(rows), _evidence(ex, rows), _change(rows), VANISHED, _why(ex, "small"),
            fresh_weights(ex), other_activations(ex),
        )  # fmt: skip


@detector(
    "exploding",
    wrong="The first layers get a gradient that is far too large: every layer on the way back makes it "
    "larger",
    tells="‖∂L/∂h‖ of the first hidden layer beside that of the last",
    limit="100; 15 where residual sums are the reason, as L branches divided by √L make at most e of it",
    do="smaller weights, residual branches that start from zero or are divided by √L, normalization; without "
    "BatchNorm where it is the reason",
)
def exploding(ex: Examination) -> Iterator[Finding]:
    """A gradient that arrives at the first hidden layer a hundred times larger than it left the last."""
    rows = [row for _, row in compared(ex)]
    if len(rows) < 2 or not rows[-1].backward:
        return
    branches = [call for call in ex.branch_ends if not _is_recurrent(ex, call)]
    is_bare = bool(branches) and not ex.normalized
    limit = SUMMED if is_bare else EXPLODED
    if _change(rows) <= limit:
        return
    cause, fix, others = _why(ex, "large"), fresh_weights(ex), other_activations(ex)
    if branches:
        cause = "residual sums: every block adds its gradient to the one that passes by, and nothing divides"
        fix = smaller_branches(branches)
        others = (with_batchnorm([expression(ex.model, call.layer) for call in branches]),)
    elif any(is_batchnorm(step) for call in ex.calls for step in call.steps or ()):
        cause = "BatchNorm: with ReLU it multiplies by √(π/(π − 1)) = 1.21 a layer, whatever the weights are"
        fix, others = without_batchnorm(ex), ()
    yield Finding("exploding", _where(rows), _evidence(ex, rows), _change(rows), limit, cause, fix, others)


def compared(ex: Examination) -> list[tuple[Call, LayerRecord]]:
    """The hidden layers, but for steps in time, and those before weights of 0, as a branch may have on
    purpose."""
    silenced = {call.x.node for call in ex.calls if not any(W.array.any() for W in call.matrices)}
    return [
        (call, row)
        for call, row in ex.hidden
        if row.backward is not None and call.h.node not in silenced and not _is_recurrent(ex, call)
    ]


def _is_recurrent(ex: Examination, call: Call) -> bool:
    return Counter(other.module for other in ex.calls)[call.module] >= OFTEN


def _change(rows: list[LayerRecord]) -> float:
    return (rows[0].backward or 0.0) / (rows[-1].backward or 1.0)


def _where(rows: list[LayerRecord]) -> str:
    return f"layers {rows[0].layer} to {rows[-1].layer}"


def _evidence(ex: Examination, rows: list[LayerRecord]) -> str:
    first, *_, last = rows
    crossed = rows[1:]  # what lies between h of the first layer and h of the last
    predicted = geometric_mean([row.predicted for row in crossed])
    is_chain = all(in_a_row(ex.calls)) and all(row.predicted for row in crossed)
    theory = f" (theory {predicted:.3g})" if is_chain else ""
    rate = _change(rows) ** (1 / len(crossed))
    return (
        f"‖∂L/∂h‖ goes from {last.backward:.2e} at layer {last.layer} to {first.backward:.2e} at "
        f"{first.layer}: × {rate:.3g} a layer{theory}, × {_change(rows):.1e} in all"
    )


def _why(ex: Examination, size: str) -> str:
    crossed = compared(ex)[1:]
    weights, slopes = ([getattr(row, of) for _, row in crossed] for of in ("weights_gain", "slope_gain"))
    if None in weights or None in slopes:
        return f"every layer multiplies what comes back by a factor that is too {size}"
    split = (
        f"a layer's weights multiply by {geometric_mean(weights):.3g}, its slopes by "
        f"{geometric_mean(slopes):.3g}"
    )
    if ex.activation is None or any(is_normalized(call) for call, _ in crossed):
        return split
    phi, var = ex.activation.name, weight_var(*(call for call, _ in crossed))
    wanted = critical(ex.activation.apply)
    if wanted is None or var is None or abs(var / wanted - 1) < 0.1:
        return split
    return f"{split}; the weights are too {size}: σ_w² = {var:.3g}, and {phi} keeps gradients at {wanted:.3g}"
