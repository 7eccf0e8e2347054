"""Units that let no gradient pass: dead ones, and saturated ones."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

import numpy as np

from ..dead_units import Counts, Unit
from ..gaussian import values
from ..steps import Step
from ..trace import Call
from .examination import Examination, bias_of, geometric_mean, shown, weight_var
from .finding import Finding, detector
from .remedies import ZERO_BIASES, critical, expression, fresh_weights, other_activations


@detector(
    "dead units",
    wrong="ReLUs that never fire: no gradient reaches their weights again",
    tells="how many units of a layer fire for no sample, beside how many fire for all",
    limit="an excess of 20 % of the units and three standard deviations of chance",
    do="biases of 0, He's weights, a smaller learning rate, a leaky ReLU",
)
def dead_units(ex: Examination) -> Iterator[Finding]:
    """A layer with more units that never fire than chance would have.

    Where samples look alike to a layer, as deep in a net, a unit fires for all of them or for none. Of
    weights and biases with mean 0 as many do the one as the other, for −w fires where w does not.
    """
    producers = {call.h.node: call for call in ex.calls}
    of_layer: dict[str, Counts] = {}  # over all its calls
    for call, _ in ex.hidden:
        if not saturates(call.activation):
            of_layer.setdefault(call.layer, Counts()).add(call, producers.get(call.x.node))
    for layer, counts in of_layer.items():
        if not counts.seen:
            continue
        units = list(counts.units(layer))
        never, always = (sum(unit.fires == share for unit in units) for share in (0, 1))
        excess = (never - always) / len(units)
        limit = min(0.2 + 3 * math.sqrt(never + always) / len(units), 0.95)
        if excess > limit:
            evidence = (
                f"{never} of {len(units)} units fire for none of the samples, {always} for all of them; of "
                "weights and biases with mean 0, about as many would do the one as the other"
            )
            cause, fix = _cause_of_death(ex, units)
            yield Finding("dead units", expression(ex.model, layer), evidence, excess, limit, cause, fix)
            return  # behind a dead layer nothing can be told


def _cause_of_death(ex: Examination, units: list[Unit]) -> tuple[str, str]:
    cause = Counter(unit.cause for unit in units if unit.state == "dead").most_common(1)[0][0]
    if cause == "bias":
        text = "biases so negative that no input outweighs them, often left by one step that was too large"
        return text, ZERO_BIASES
    if cause == "input":
        return "nothing but zeros arrives from the layer before", fresh_weights(ex)
    if cause == "weights":
        return "weights that turn every input negative", fresh_weights(ex)
    return "what comes to the activation lies where it lets nothing pass", fresh_weights(ex)


def saturates(phi: Step | None) -> bool:
    """Is the activation bounded on both sides, below φ(0) and above? A ReLU cut off at 6 is not."""
    if phi is None:
        return False
    low, left, middle, right, high = values(phi.apply, np.array([-2e3, -1e3, 0.0, 1e3, 2e3]))
    return low == left != middle != right == high


@detector(
    "saturation",
    wrong="Units of tanh or sigmoid at the ends of their range, where the slope is next to 0",
    tells="the share of outputs within 3 % of an asymptote, and what such layers do to the gradient",
    limit="30 % of the outputs, and a gradient that changes by a quarter a layer: saturation alone is no "
    "disease",
    do="smaller weights, biases of 0, standardized features, a normalization before the activation",
)
def saturation(ex: Examination) -> Iterator[Finding]:
    """Hidden layers with much of their output on the asymptotes, and a gradient that suffers from it.

    Saturation alone is no disease: a sigmoid net with σ_w² = 103 has more than half of its outputs there, and
    trains, as the weights make up for the slopes.
    """
    found = [
        (call, row) for call, row in ex.hidden if saturates(call.activation) and (row.saturated or 0) > 0.3
    ]
    gain = geometric_mean([row.gain for _, row in found])
    if not found or 0.75 < gain < 1.33:
        return
    call, row = max(found, key=lambda pair: pair[1].saturated or 0)
    from_bias, var = _bias_share(call), weight_var(call)
    phi = call.activation.name.lower()  # type: ignore[union-attr]
    wanted = critical(call.activation.apply) if phi != "sigmoid" else 16.0  # type: ignore[union-attr]
    yield Finding(
        "saturation", expression(ex.model, call.name),
        f"{row.saturated:.0%} of the outputs lie within 3 % of an asymptote of {phi}; "
        f"the gradient's norm changes by {gain:.3g} a layer", row.saturated or 0.0, 0.3,
        f"{from_bias:.0%} of E z² comes from the biases" if from_bias > 0.5 else
        f"weights too large: σ_w² = {shown(var)}, where {wanted or 1:.3g} would do",
        ZERO_BIASES if from_bias > 0.5 else fresh_weights(ex),
        (fresh_weights(ex), *other_activations(ex)),
    )  # fmt: skip


def _bias_share(call: Call) -> float:
    """The share of E z² that the layer's biases make up."""
    bias = bias_of(call)
    if bias is None or not np.any(call.z.array):
        return 0.0
    return float(np.mean(np.square(bias.array, dtype=float)) / np.mean(np.square(call.z.array, dtype=float)))
