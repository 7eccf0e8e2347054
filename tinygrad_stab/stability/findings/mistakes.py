"""How a net, its input and its loss are put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ...tensor import Tensor
from ..probe import norm
from ..trace import Call
from .examination import Examination, bias_of, is_batchnorm, is_normalized
from .finding import Finding
from .remedies import LAYERNORM, STANDARDIZED, expression, fresh_weights, without_softmax


def disconnected_parameters(ex: Examination) -> Iterator[Finding]:
    """Parameters that the loss does not depend on, as far as the graph knows."""
    names = [name for name, p in ex.model.named_parameters() if p.requires_grad]
    lost = [name for name, p in ex.model.named_parameters() if p.requires_grad and p not in ex.gradients]
    if lost:
        shown = ", ".join(lost[:4]) + (f" and {len(lost) - 4} more" if len(lost) > 4 else "")
        yield Finding(
            "disconnected parameters", shown, f"no gradient reaches {len(lost)} of {len(names)} parameters",
            len(lost) / len(names), 0,
            "the graph is cut, by .detach(), .data, .numpy() or no_grad(), or forward() does not use them",
            "# in forward(): compute with tensors all the way, and use every layer that __init__ makes",
        )  # fmt: skip


def symmetric_weights(ex: Examination) -> Iterator[Finding]:
    """Units of a layer that compute the same, and will after every step, as their gradients are the same."""
    layers = [call.name for call, _ in ex.hidden if _is_symmetric(call, ex.gradients)]
    if layers:
        yield Finding(
            "symmetric weights", expression(ex.model, layers[0]),
            f"in {len(layers)} of {len(ex.hidden)} hidden layers all units have the same weights, and the "
            "same gradient: each is a layer of one unit", len(layers) / len(ex.hidden), 0,
            "weights that all start from one value", fresh_weights(ex),
        )  # fmt: skip


def _is_symmetric(call: Call, gradients: Mapping[Any, Tensor]) -> bool:
    W = call.matrices[0]
    g = gradients[W].array if W in gradients else np.zeros_like(W.array)
    same = np.ptp(W.array, axis=0).max() == 0 and np.ptp(g, axis=0).max() <= 1e-5 * np.abs(g).max()
    return len(W) > 1 and bool(same)


def softmax_twice(ex: Examination) -> Iterator[Finding]:
    """Probabilities given to a loss that applies a softmax itself: the loss cannot come near 0."""
    p = ex.output.array
    if not ex.has_classes or p.shape[1] < 2:
        return
    if np.any(p < 0) or not np.allclose(p.sum(axis=1), 1, atol=1e-4):
        return
    right = np.eye(p.shape[1], dtype=p.dtype)[ex.y.array]
    best, chance = (ex.loss_of(Tensor(q)) for q in (right, np.full_like(p, 1 / p.shape[1])))
    if best > 0.3 * chance > 0:
        yield Finding(
            "softmax twice", "the output", f"a loss of {best:.3g} is the least there is, with probability 1 "
            f"for every right class; equal probabilities have {chance:.3g}", best / chance, 0.3,
            "cross_entropy takes scores and applies the softmax itself", without_softmax(ex),
        )  # fmt: skip


def tiny_batch(ex: Examination) -> Iterator[Finding]:
    """BatchNorm over a batch that is too small to have a variance."""
    norms = [name for name, m in ex.model.named_modules() if type(m).__name__ == "BatchNorm1d"]
    if norms and ex.x.ndim == 2 and len(ex.x) < 4:
        yield Finding(
            "batch too small for BatchNorm", expression(ex.model, norms[0]),
            f"statistics over {len(ex.x)} samples", len(ex.x), 4,
            "the squared gradient behind BatchNorm has an infinite mean for fewer than 4 samples; with 2, "
            "every output is ±1", LAYERNORM,
        )  # fmt: skip


def unscaled_features(ex: Examination) -> Iterator[Finding]:
    """Features as the first layer gets them: of unlike sizes, far from 0, or far from size 1.

    Initializers assume a mean square of 1. A normalization after the first layer makes up for a common
    factor, but not for the differences between features.
    """
    call = ex.calls[0]
    x = call.x.array.astype(float)
    if x.ndim != 2 or len(x) < 2 or call.x.array.shape != ex.x.array.shape:
        return
    std, mean = x.std(axis=0), x.mean(axis=0)
    varying = std[std > 1e-6 * np.abs(mean)]
    if not varying.size:
        return
    spread = float(varying.max() / np.median(varying))
    offset = float(np.sqrt(np.mean(mean**2) / np.mean(std**2)))
    size = 1.0 if is_normalized(call) else float(np.sqrt(np.mean(x * x)))
    for measured, limit, evidence in (
        (spread, 10, f"one feature varies {spread:.3g} times as much as the median one"),
        (offset, 10, f"the features' means are {offset:.3g} times their standard deviations"),
        (max(size, 1 / size), 30, f"the features have a root mean square of {size:.3g}"),
    ):
        if measured > limit:
            cause = "raw data: the first layer's steps must be small enough for the largest feature"
            yield Finding("unscaled features", "x", evidence, measured, limit, cause, STANDARDIZED)
            return


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
            "BatchNorm subtracts the mean of every unit, and its own β comes after it",
            f'[model.get_submodule(name).register_parameter("bias", None) for name in {names}]',
        )  # fmt: skip
