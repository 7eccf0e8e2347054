"""A tensor in one line: what its numbers are like, which its repr does not tell."""

from __future__ import annotations

import numpy as np


def described(array: np.ndarray) -> str:
    """Dtype, shape, mean, standard deviation, extent, share of zeros, and how many are not finite."""
    text = f"{array.dtype} {array.shape}"
    values = array[np.isfinite(array)].astype(np.float64)
    if values.size:
        extent = f"from {values.min():.4g} to {values.max():.4g}"
        text += f": mean {values.mean():.4g}, std {values.std():.4g}, {extent}"
        text += f", {np.mean(array == 0):.0%} zeros"
    for name, count in (("nan", np.isnan(array).sum()), ("inf", np.isinf(array).sum())):
        text += f", {count} {name}" if count else ""
    return text
