"""What to say when NumPy has refused the shapes of an operation: PyTorch's words, and the remedy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def misfit(name: str, arrays: Sequence[Any], error: Exception) -> Exception:
    """The error to raise in place of NumPy's: RuntimeError for shapes, IndexError for dims and indices."""
    shapes = " and ".join(str(np.shape(x)) for x in arrays)
    if isinstance(error, np.exceptions.AxisError) and error.ndim is not None:
        limits = f"[{-error.ndim}, {error.ndim - 1}]"
        return IndexError(
            f"{name} of a tensor of shape {shapes}: Dimension out of range (expected to be in range of "
            f"{limits}, but got {error.axis})"
        )
    why = str(error)
    if "could not be broadcast" in why:
        why = "sizes must be equal or 1, counted from the last dim; x.unsqueeze(dim) adds a dim of size 1"
    kind = IndexError if isinstance(error, IndexError) or "empty sequence" in why else RuntimeError
    return kind(f"{name} does not fit input of shape {shapes}: {why}")
