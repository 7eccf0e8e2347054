"""The norm of arrays, right also where a square leaves the range of floats."""

from __future__ import annotations

import math

import numpy as np

from ..nn.utils import get_total_norm
from ..tensor import Tensor


def norm(*arrays: np.ndarray | None) -> float | None:
    """‖·‖ of arrays laid end to end, None without any."""
    parts = [a if a.itemsize > 2 else a.astype(np.float32) for a in arrays if a is not None]
    squared = float(sum(np.vdot(a, a) for a in parts))
    if 1e-30 < squared < 1e30:
        return math.sqrt(squared)
    # slower, and right where a square leaves the range of floats
    return get_total_norm([Tensor(a.astype(float)) for a in parts]).item() if parts else None


def mean_square_of(array: np.ndarray) -> float:
    """The mean of the squares."""
    return ((norm(array) or 0.0) ** 2) / array.size if array.size else math.nan
