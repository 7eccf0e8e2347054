"""Values that are not finite: in the input, the targets, the weights, on the way, or only in the loss."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from .examination import Examination, root_mean_square
from .finding import Finding, detector
from .remedies import FRESH, STANDARD_TARGETS, expression, fresh_weights, lines, standardized, without_softmax

HUGE = 1e6  # a number as input or target beyond which overflow is no wonder: its square has 12 digits


@detector(
    "non-finite input",
    wrong="Missing values, the logarithm of a count of 0, a division by 0 in the preparation of the data",
    tells="x or y contains NaN or ∞", limit="0: one of them spoils every weight that it reaches",
    do="leave such samples out, fill them in, or take log(1 + count)",
)  # fmt: skip
def not_finite_data(ex: Examination) -> Iterator[Finding]:
    """NaN or ∞ among inputs or targets."""
    for name, values in (("x", ex.x.array), ("y", None if ex.y is None else ex.y.array)):
        if values is None or not values.ndim or np.all(np.isfinite(values)):
            continue
        bad = ~np.isfinite(values.reshape(len(values), -1)).all(axis=1)
        keep = f"keep = ({name}.isfinite().reshape(len({name}), -1).sum(1) == {name}[0].numel()).numpy()"
        is_lost = bad.mean() > 0.9
        yield Finding(
            "non-finite input", f"{name}, first in sample {int(np.argmax(bad))}",
            f"{bad.sum()} of {len(values)} samples contain NaN or ∞", float(bad.mean()), 0,
            "missing values, a logarithm of 0, or a division by zero in the preparation of the data",
            f"# where {name} is prepared: hardly a sample is left without NaN or ∞" if is_lost else
            lines(keep, "x, y = x[keep], y[keep]"),
        )  # fmt: skip
        return


@detector(
    "non-finite",
    wrong="NaN or ∞ in weights, in a layer's output, in the loss or in its gradient",
    tells="the first place where it appears, on the way forward and back",
    limit="0: from there on nothing can be learned",
    do="smaller weights, standardized data, a loss of scores instead of probabilities, no infinite slope",
)
def not_finite(ex: Examination) -> Iterator[Finding]:
    """The first place where NaN or ∞ appears."""
    parameters = dict(ex.model.named_parameters())
    spoiled = [name for name, p in parameters.items() if not np.all(np.isfinite(p.array))]
    if spoiled:
        cause = "an earlier step with a gradient that was not finite: nothing can be learned from here"
        data = _huge_data(ex)
        yield Finding(
            "non-finite", ", ".join(spoiled[:4]) + (" …" if len(spoiled) > 4 else ""),
            f"{len(spoiled)} of {len(parameters)} parameters are NaN or ∞", len(spoiled) / len(parameters), 0,
            f"{cause}{data[0]}", lines(FRESH, data[1]),
        )  # fmt: skip
        return
    yield from _on_the_way(ex)


def _huge_data(ex: Examination) -> tuple[str, str]:
    """Data of a size that explains an overflow: in words, and how to scale them."""
    if ex.has_numbers and root_mean_square(ex.y.array) > 1e3:
        size = root_mean_square(ex.y.array)
        return f"; targets of size {size:.3g} make gradients that large: standardize them", STANDARD_TARGETS
    size = root_mean_square(ex.x.array) if ex.x.dtype.kind == "f" else 0.0
    return (f"; inputs of size {size:.3g} do that", standardized((0,))) if size > 30 else ("", "")


def _on_the_way(ex: Examination) -> Iterator[Finding]:
    stds = [(call.name, root_mean_square(call.z.array)) for call in ex.calls]
    overflows = [name for (name, size), row in zip(stds, ex.rows) if not math.isfinite(size + row.mean)]
    largest = float(np.max(np.abs(ex.x.array))) if ex.x.dtype.kind == "f" else 0.0
    if overflows and largest > HUGE:
        yield Finding(
            "unscaled features", "x", f"the features reach {largest:.3g}, and "
            f"{expression(ex.model, overflows[0])} "
            "overflows", largest, HUGE, "raw data: products with weights of ordinary size leave the range "
            "of floats",
            f"x = x / {largest:.3g}",
        )  # fmt: skip
    elif overflows:
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
            math.nan, 0, "a logarithm of 0 in the loss, a probability that is rounded to 0 or a number "
            "below it; "
            "or an overflow", without_softmax(ex, "loss_fn = nn.functional.cross_entropy")
            if ex.has_classes else
            "# in the loss: take its version of scores, such as binary_cross_entropy_with_logits",
        )  # fmt: skip
    elif bad := [row.layer for row in ex.rows if not _is_finite(row.backward, row.weight_grad)]:
        yield Finding(
            "non-finite", f"gradient at {expression(ex.model, bad[-1])}",
            f"the loss is {ex.loss:.3g}, its gradient is not finite from layer {bad[-1]} down", len(bad), 0,
            "an infinite slope, such as that of √ at 0, or a gradient that overflows",
            "# add a little below the root, (d2 + 1e-12).sqrt(); torch.autograd.detect_anomaly() names the "
            "line",
        )  # fmt: skip


def _is_finite(*norms: float | None) -> bool:
    return all(math.isfinite(norm or 0.0) for norm in norms)
