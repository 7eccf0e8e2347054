"""Gradients that vanish or explode: from the last hidden layer to the first, from the last step to t = 0."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...nn import LSTM, RNN
from ..probe import LayerRecord
from ..time_map import time_map
from ..trace import in_a_row
from .examination import Examination, geometric_mean, is_batchnorm, is_normalized, weight_var
from .finding import Finding
from .remedies import critical, expression, fresh_weights, smaller_branches, without_batchnorm

VANISHED, EXPLODED = 1e-3, 100.0  # ‖∂L/∂h‖ of the first hidden layer, relative to that of the last
LOST_IN_TIME, BLOWN_UP_IN_TIME = 1e-4, 1e3  # ‖∂L/∂h_0‖ relative to ‖∂L/∂h_T‖


def vanishing(ex: Examination) -> Iterator[Finding]:
    """A gradient that arrives at the first hidden layer a thousand times smaller than it left the last."""
    rows = _compared(ex)
    if len(rows) > 1 and rows[-1].backward and _change(rows) < VANISHED:
        cause, fix = _why(ex, "small"), fresh_weights(ex)
        yield Finding("vanishing", _where(rows), _evidence(ex, rows), _change(rows), VANISHED, cause, fix)


def exploding(ex: Examination) -> Iterator[Finding]:
    """A gradient that arrives at the first hidden layer a hundred times larger than it left the last."""
    rows = _compared(ex)
    if len(rows) < 2 or not rows[-1].backward or _change(rows) <= EXPLODED:
        return
    cause, fix = _why(ex, "large"), fresh_weights(ex)
    if ex.branch_ends:
        cause = "residual sums: every block adds its gradient to the one that passes by, and nothing divides"
        fix = smaller_branches(ex.branch_ends)
    elif any(is_batchnorm(step) for call in ex.calls for step in call.steps or ()):
        cause = "BatchNorm: with ReLU it multiplies by √(π/(π − 1)) = 1.21 a layer, whatever the weights are"
        fix = without_batchnorm(ex)
    yield Finding("exploding", _where(rows), _evidence(ex, rows), _change(rows), EXPLODED, cause, fix)


def _compared(ex: Examination) -> list[LayerRecord]:
    """The hidden layers, without those before weights of 0, as a residual branch may have on purpose."""
    silenced = {call.x.node for call in ex.calls if not any(np.any(W.array) for W in call.matrices)}
    return [row for call, row in ex.hidden if row.backward is not None and call.h.node not in silenced]


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
    crossed = ex.hidden[1:]
    weights, slopes = ([getattr(row, of) for _, row in crossed] for of in ("weights_gain", "slope_gain"))
    if None in weights or None in slopes:
        return f"every layer multiplies what comes back by a factor that is too {size}"
    split = (
        f"a layer's weights multiply by {geometric_mean(weights):.3g}, its slopes by "
        f"{geometric_mean(slopes):.3g}"
    )
    if ex.activation is None or any(is_normalized(call) for call, _ in crossed):
        return split
    φ, var = ex.activation.name, weight_var(*(call for call, _ in crossed))
    wanted = critical(ex.activation.apply)
    if wanted is None or var is None or abs(var / wanted - 1) < 0.1:
        return split
    return f"{split}; the weights are too {size}: σ_w² = {var:.3g}, and {φ} keeps gradients at {wanted:.3g}"


# --- through time ------------------------------------------------------------------------------------------


def through_time(ex: Examination) -> Iterator[Finding]:
    """The same from the last step of a recurrent layer to the first."""
    for call in ex.calls:
        rnn = call.module
        if not isinstance(rnn, (RNN, LSTM)) or call.x.ndim != 3:
            continue
        steps = [row for row in time_map(rnn, call.x) if row.layer == 0]
        first, last = (_norm(steps[k]) for k in (0, -1))
        change = first / last if last else 0.0
        name = expression(ex.model, call.name)
        evidence = f"‖∂L/∂h_t‖ goes from {last:.2e} at t = {steps[-1].t} to {first:.2e} at t = 0"
        if change < LOST_IN_TIME:
            cause, fix = _lost(rnn, name, steps)
            yield Finding("vanishing through time", name, evidence, change, LOST_IN_TIME, cause, fix)
        elif change > BLOWN_UP_IN_TIME:
            yield Finding(
                "exploding through time", name, evidence, change, BLOWN_UP_IN_TIME,
                "the recurrent weights are too large: W_hh acts once in every step",
                f"nn.init.orthogonal_({name}.weight_hh_l0, gain=0.9)",
            )  # fmt: skip


def _norm(step: Any) -> float:
    return max(step.h, step.c or 0.0)


def _lost(rnn: Any, name: str, steps: list[Any]) -> tuple[str, str]:
    if isinstance(rnn, LSTM):
        n = rnn.hidden_size
        product = f"the forget gates multiply to {steps[0].forget_product:.1e}"
        return f"{product}: biases of 0 leave each near ½", f"{name}.bias_ih_l0.data[{n}:{2 * n}] += 3.0"
    cause = "W_hh acts once in every step, and times the slopes it shrinks what passes"
    return cause, f"nn.init.orthogonal_({name}.weight_hh_l0)"
