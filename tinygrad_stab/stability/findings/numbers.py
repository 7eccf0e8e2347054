"""Values that are not finite: in the input, the weights, on the way, or only in the loss."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from .examination import Examination
from .finding import Finding
from .remedies import expression, fresh_weights, without_softmax


def not_finite(ex: Examination) -> Iterator[Finding]:
    """The first place where NaN or ∞ appears."""
    x = ex.x.array
    if not np.all(np.isfinite(x)):
        bad = ~np.isfinite(x.reshape(len(x), -1)).all(axis=1)
        yield Finding(
            "non-finite input", f"x, first in sample {int(np.argmax(bad))}",
            f"{bad.sum()} of {len(x)} samples contain NaN or ∞", bad.mean(), 0,
            "missing values, or a division by zero in the preparation of the data",
            f"keep = {_FINITE}; x, y = x[keep], y[keep]",
        )  # fmt: skip
        return
    parameters = dict(ex.model.named_parameters())
    spoiled = [name for name, p in parameters.items() if not np.all(np.isfinite(p.array))]
    if spoiled:
        yield Finding(
            "non-finite", ", ".join(spoiled), f"{len(spoiled)} of {len(parameters)} parameters are NaN or ∞",
            len(spoiled) / len(parameters), 0,
            "an earlier step with a gradient that was not finite: nothing can be learned from here",
            '[m.reset_parameters() for m in model.modules() if hasattr(m, "reset_parameters")]',
        )  # fmt: skip
        return
    yield from _on_the_way(ex)


_FINITE = "(x.isfinite().reshape(len(x), -1).sum(1) == x[0].numel()).numpy()"


def _on_the_way(ex: Examination) -> Iterator[Finding]:
    stds = [(call.name, float(np.sqrt(np.mean(np.square(call.z.array, dtype=float))))) for call in ex.calls]
    overflows = [name for (name, size), row in zip(stds, ex.rows) if not math.isfinite(size + row.mean)]
    if overflows:
        reached = [size for _, size in stds if math.isfinite(size)]
        growth = (reached[-1] / reached[0]) ** (1 / (len(reached) - 1)) if len(reached) > 1 else math.inf
        yield Finding(
            "non-finite", f"output of {expression(ex.model, overflows[0])}",
            f"the signal grows by {growth:.3g} a layer, until it overflows", growth, 1,
            "weights so large that every layer multiplies the signal", fresh_weights(ex),
        )  # fmt: skip
    elif not math.isfinite(ex.loss):
        low, high = float(ex.output.array.min()), float(ex.output.array.max())
        yield Finding(
            "non-finite", "the loss", f"the loss is {ex.loss}, of outputs between {low:.3g} and {high:.3g}",
            math.nan, 0, "a logarithm of 0 in the loss: a probability that is rounded to 0",
            without_softmax(ex, "loss_fn = nn.functional.cross_entropy"),
        )  # fmt: skip
    elif bad := [row.layer for row in ex.rows if not _is_finite(row.backward, row.weight_grad)]:
        yield Finding(
            "non-finite", f"gradient at {expression(ex.model, bad[-1])}",
            f"the loss is {ex.loss:.3g}, its gradient is not finite from layer {bad[-1]} down", len(bad), 0,
            "an infinite slope, such as that of √ at 0, or a gradient that overflows",
            "# run it inside torch.autograd.detect_anomaly(): it names the operation and the line",
        )  # fmt: skip


def _is_finite(*norms: float | None) -> bool:
    return all(math.isfinite(norm or 0.0) for norm in norms)
