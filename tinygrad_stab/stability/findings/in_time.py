"""Gradients that vanish or explode over the steps of a recurrent net.

What counts is the gradient of the very loss that is trained, as it was recorded: a loss that reads every step
needs no gradient to come from the last one to the first. It is read where the layer meets its input,
‖∂L/∂x_t‖, which is ‖∂L/∂h_t‖ times weights and slopes that are alike at every step; or at its output, where a
cell, or a layer of one's own, is called once a step.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...nn import LSTM, RNN, LSTMCell, RNNCell
from ..trace import Call
from .examination import Examination
from .finding import Finding, detector
from .gradients import OFTEN
from .remedies import expression, lines

LOST = 1.2e-7  # ‖∂L/∂x‖ of the first step relative to the largest: float32's ε, 2⁻²³
BLOWN_UP = 1e3  # the same relative to that of the last step


def profiles(ex: Examination) -> Iterator[tuple[Call, np.ndarray]]:
    """For every recurrent layer, its first call and the norm of the gradient at every step in time."""
    by_module: dict[Any, list[Call]] = {}
    for call in ex.calls:
        by_module.setdefault(call.module, []).append(call)
    for module, calls in by_module.items():
        g = calls[0].gradients.get("x")
        if isinstance(module, (RNN, LSTM)) and g is not None and g.ndim == 3:
            g = np.moveaxis(g.astype(float), 1 if module.batch_first else 0, 0)
            yield calls[0], np.sqrt(np.sum(np.square(g), axis=(1, 2)))
        elif len(calls) >= OFTEN:
            steps = [call.gradients.get("z") for call in calls]
            norms = [float(np.linalg.norm(g.astype(float))) for g in steps if g is not None]
            if len(norms) >= OFTEN:
                yield calls[0], np.array(norms)


@detector(
    "vanishing through time",
    wrong="What happened early in a sequence gets no gradient: W_hh, or the forget gates, act once in every "
    "step",
    tells="‖∂L/∂x_t‖ of the first step beside the largest, for the very loss that is trained",
    limit="1.2e-7, float32's rounding: added to the gradient of later steps, that of the first is lost",
    do="an LSTM with forget biases of 1 to 3, orthogonal or identity W_hh, a loss that reads every step",
)
def vanishing_through_time(ex: Examination) -> Iterator[Finding]:
    """A gradient that does not come back to the first step."""
    found = [
        (call, p)
        for call, p in profiles(ex)
        if p.max() > 0 and np.isfinite(p).all() and p[0] < LOST * p.max()
    ]
    if found:
        call, p = min(
            found, key=lambda pair: (not isinstance(pair[0].module, _KINDS), not _is_square(pair[0]))
        )
        change, last = float(p[0] / p.max()), int(np.argmax(p))
        cause, fix = _lost(ex, call)
        yield Finding(
            "vanishing through time", expression(ex.model, call.layer), f"the gradient goes from "
            f"{p.max():.2e} at "
            f"t = {last} to {p[0]:.2e} at t = 0, × {change ** (1 / max(last, 1)):.3g} a step", change, LOST,
            cause, fix,
        )  # fmt: skip


@detector(
    "exploding through time",
    wrong="W_hh acts once in every step, and makes what comes back larger every time",
    tells="‖∂L/∂x_t‖ of the first step beside that of the last",
    limit="1000: one step along such a gradient is an accident",
    do="orthogonal W_hh with gain below 1, a tanh, clip_grad_norm_",
)
def exploding_through_time(ex: Examination) -> Iterator[Finding]:
    """A gradient that grows on its way to the first step."""
    found = [(call, p[p > 0]) for call, p in profiles(ex)]
    found = [(call, p) for call, p in found if len(p) > 1 and p[0] > BLOWN_UP * p[-1]]
    if found:
        call, p = min(
            found, key=lambda pair: (not isinstance(pair[0].module, _KINDS), not _is_square(pair[0]))
        )
        change, name = float(p[0] / p[-1]), expression(ex.model, call.layer)
        weights = _recurrent_weights(call)
        fix = f"nn.init.orthogonal_({name}.{weights}, gain=0.9)"
        yield Finding(
            "exploding through time", name, f"the gradient goes from {p[-1]:.2e} at the last step to "
            f"{p[0]:.2e} at "
            f"t = 0, × {change ** (1 / (len(p) - 1)):.3g} a step", change, BLOWN_UP,
            "the recurrent weights are too large: W_hh acts once in every step",
            fix, (f"nn.init.orthogonal_({name}.{weights}, gain=0.5)",),
        )  # fmt: skip


_KINDS = (RNN, LSTM, RNNCell, LSTMCell)


def _is_square(call: Call) -> bool:
    W = call.matrices[0].array
    return W.ndim == 2 and W.shape[0] == W.shape[1]


def _recurrent_weights(call: Call) -> str:
    if isinstance(call.module, (RNN, LSTM)):
        return "weight_hh_l0"
    return "weight_hh" if isinstance(call.module, (RNNCell, LSTMCell)) else "weight"


def _lost(ex: Examination, call: Call) -> tuple[str, str]:
    rnn: Any = call.module
    name = expression(ex.model, call.layer)
    if not isinstance(rnn, (LSTM, LSTMCell)):
        cause = "W_hh acts once in every step, and times the slopes it shrinks what passes"
        return cause, f"nn.init.orthogonal_({name}.{_recurrent_weights(call)})"
    suffixes = [f"_l{k}" for k in range(rnn.num_layers)] if isinstance(rnn, LSTM) else [""]
    n = rnn.hidden_size
    biases = [getattr(rnn, f"bias_ih{suffix}", None) for suffix in suffixes]
    cause = "the forget gates act once in every step: biases around 0 leave each near ½"
    if any(bias is None for bias in biases):
        return cause, "# in __init__: an LSTM with biases, and forget_bias=3.0"
    return cause, lines(*(f"{name}.bias_ih{suffix}.data[{n}:{2 * n}] += 3.0" for suffix in suffixes))
