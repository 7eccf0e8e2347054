"""Layers that change with the batch or the mode: normalizations and dropout."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from ...nn import Dropout, GroupNorm
from ...nn.normalization import _BatchNorm
from ..probe import norm
from .examination import Examination, bias_of, is_batchnorm
from .finding import Finding, detector
from .remedies import LAYERNORM, expression, without_biases


def values_per_statistic(module: Any, shape: tuple[int, ...]) -> int:
    """Over how many numbers a normalization takes a mean: one for all, where it is not known."""
    if isinstance(module, _BatchNorm):
        return math.prod(shape) // shape[1]
    if isinstance(module, GroupNorm):
        return math.prod(shape[1:]) // module.num_groups
    return math.prod(getattr(module, "normalized_shape", shape[-1:]))


@detector(
    "batch too small for BatchNorm",
    wrong="BatchNorm takes a variance over 2 or 3 numbers",
    tells="how many numbers of the batch share a channel: n, times height and width",
    limit="4: with fewer the squared gradient behind it has an infinite mean; with 2 every output is ±1",
    do="larger batches, or LayerNorm, which does not depend on the batch",
)
def tiny_batch(ex: Examination) -> Iterator[Finding]:
    """BatchNorm over a batch that is too small to have a variance."""
    for name, module, shape in ex.normalized:
        count = values_per_statistic(module, shape)
        if isinstance(module, _BatchNorm) and count < 4:
            yield Finding(
                "batch too small for BatchNorm", expression(ex.model, name),
                f"statistics over {count} numbers a channel, from {shape[0]} samples", count, 4,
                "the squared gradient behind BatchNorm has an infinite mean for fewer than 4; with 2, "
                "every output is ±1", LAYERNORM if type(module).__name__ == "BatchNorm1d" else
                "# in __init__: nn.GroupNorm(1, channels) instead, which does not depend on the batch",
            )  # fmt: skip
            return


@detector(
    "normalization of single values",
    wrong="A normalization within each sample that has one or two numbers to a group, as GroupNorm(C, C) on "
    "(n, C)",
    tells="how many numbers share a mean",
    limit="3: one number minus its own mean is 0, and two become ±1, whatever they were",
    do="fewer groups: GroupNorm(1, C), or LayerNorm(C)",
)
def single_values(ex: Examination) -> Iterator[Finding]:
    """GroupNorm or LayerNorm over one number or two, which wipes out what it is given."""
    for name, module, shape in ex.normalized:
        count = values_per_statistic(module, shape)
        if not isinstance(module, _BatchNorm) and count < 3 and math.prod(shape[1:]) > 1:
            yield Finding(
                "normalization of single values", expression(ex.model, name),
                f"{type(module).__name__} takes its mean over {count} of the numbers of shape {shape}",
                count, 3,
                "one number minus its own mean is 0, and two become ±1: the output is constant, and no "
                "gradient "
                "comes back", f"{expression(ex.model, name)}.num_groups = 1" if isinstance(module,
                GroupNorm) else
                "# in __init__: normalize over the features, nn.LayerNorm(features)",
            )  # fmt: skip
            return


@detector(
    "dropout too strong",
    wrong="Dropout that leaves next to nothing of the signal",
    tells="its p: what is left is multiplied by 1/(1 − p), so noise has p/(1 − p) times the signal's power",
    limit="0.8, four times as much noise as signal",
    do="p between 0.1 and 0.5",
)
def strong_dropout(ex: Examination) -> Iterator[Finding]:
    """Dropout with p above 0.8."""
    strong = [(name, m) for name, m in ex.model.named_modules() if isinstance(m, Dropout) and m.p > 0.8]
    if strong:
        name, module = max(strong, key=lambda pair: pair[1].p)
        noise = module.p / (1 - module.p) if module.p < 1 else math.inf
        yield Finding(
            "dropout too strong", expression(ex.model, name),
            f"p = {module.p:g}: in training the noise has {noise:.3g} times the power of the signal",
            module.p, 0.8,
            "p is the share that is dropped, not the share that is kept",
            f"for m in model.modules():\n    if isinstance(m, nn.Dropout):\n        m.p = {1 - module.p:.2g}",
        )  # fmt: skip


@detector(
    "stale statistics",
    wrong="Good in training mode and bad in eval(): BatchNorm's running statistics are not those of the net",
    tells="the loss of the same batch in both modes, of a model that has seen batches before",
    limit="in eval() less than half of what was gained over guessing is left, or three times the loss",
    do="momentum 0.1; a pass over the data in training mode before eval()",
)
def stale_statistics(ex: Examination) -> Iterator[Finding]:
    """A model that has learned, as training mode shows, and does not show it in eval()."""
    norms = [(name, m) for name, m in ex.model.named_modules() if isinstance(m, _BatchNorm)]
    if ex.eval_loss is None or not norms or math.isnan(ex.loss):
        return
    seen = min(int(m.num_batches_tracked) for _, m in norms if m.num_batches_tracked is not None)
    ratio = ex.eval_loss / ex.loss if ex.loss > 0 else 1.0
    if seen < 20 or not (ratio > 3 or (ratio > 1.5 and ex.eval_loss - ex.loss > 0.5)):
        return
    name, module = norms[0]
    yield Finding(
        "stale statistics", expression(ex.model, name),
        f"the loss of this batch is {ex.loss:.3g} in training mode and {ex.eval_loss:.3g} in eval()", ratio,
        3,
        f"after {seen} batches the running statistics are not those of the activations (momentum "
        f"{module.momentum:g})"
        if module.momentum else "the running statistics are not those of the activations",
        'for m in model.modules():\n    if hasattr(m, "running_mean"):\n        m.reset_running_stats()\n'
        "        m.momentum = 0.1\nfor _ in range(30):\n    model(x)",
    )  # fmt: skip


@detector(
    "bias before BatchNorm",
    wrong="Biases that BatchNorm takes away again, so that no gradient reaches them: wasteful, not harmful",
    tells="‖∂L/∂b‖ of layers right before a BatchNorm",
    limit="1e-4 of ‖∂L/∂W‖, rounding",
    do="bias=False",
)
def bias_before_batchnorm(ex: Examination) -> Iterator[Finding]:
    """Biases that BatchNorm takes away again, so that no gradient reaches them."""
    before = [call for call in ex.calls if call.steps and is_batchnorm(call.steps[0])]
    layers = [call for call in before if bias_of(call) is not None]
    if not layers:
        return
    biases, weights = (
        norm(*(ex.gradients[p].array for p in of if p in ex.gradients)) or 0.0
        for of in ([bias_of(call) for call in layers], [call.matrices[0] for call in layers])
    )
    if biases <= 1e-4 * weights:
        names = list(dict.fromkeys(call.layer for call in layers))
        yield Finding(
            "bias before BatchNorm", ", ".join(expression(ex.model, name) for name in names),
            f"‖∂L/∂b‖ is {biases / weights:.1e} of ‖∂L/∂W‖" if weights else "‖∂L/∂b‖ is 0",
            biases / weights if weights else 0.0, 1e-4,
            "BatchNorm subtracts the mean of every unit, and its own β comes after it", without_biases(names),
        )  # fmt: skip
