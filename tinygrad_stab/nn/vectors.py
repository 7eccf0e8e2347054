"""Functions that belong to no layer: class numbers as rows of zeros with a one, and vectors of length 1."""

from __future__ import annotations

import numpy as np

from ..tensor import Tensor


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Class numbers (n) → rows (n, classes), zeros with a one at the class; −1: up to the largest number."""
    classes = tensor.array
    if classes.dtype.kind not in "iu":
        raise RuntimeError(
            f"one_hot is only applicable to index tensor, this one is {classes.dtype}: use y.long()"
        )
    count = int(classes.max(initial=-1)) + 1 if num_classes == -1 else num_classes
    if classes.size and not (classes.min() >= 0 and classes.max() < count):
        raise RuntimeError(
            f"one_hot: class values from {classes.min()} to {classes.max()} do not fit {count} classes"
        )
    return Tensor((classes[..., None] == np.arange(count)).astype(np.int64))


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """x / max(‖x‖ₚ, ε) along dim."""
    return input / input.norm(p, dim, keepdim=True).clamp(min=eps)
