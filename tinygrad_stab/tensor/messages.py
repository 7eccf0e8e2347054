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


def cannot_expand(name: str, shape: Sequence[int], wanted: Sequence[int]) -> RuntimeError:
    """The error of a tensor of one shape that is to be repeated to another, in PyTorch's words."""
    both = f"Target sizes: {list(wanted)}.  Tensor sizes: {list(shape)}"
    remedy = "only a dim of size 1 can be repeated; x.unsqueeze(dim) adds one"
    if len(wanted) < len(shape):
        why = f"the number of sizes provided ({len(wanted)}) must be greater or equal to {len(shape)} dims"
        return RuntimeError(f"{name}: {why}.  {both}: {remedy}")
    first = len(wanted) - len(shape)
    k = next((k for k, n in enumerate(shape, first) if n != 1 and wanted[k] not in (-1, n)), 0)
    old = shape[k - first] if k >= first else 1
    return RuntimeError(
        f"{name}: The expanded size of the tensor ({wanted[k]}) must match the existing size ({old}) at "
        f"non-singleton dimension {k}.  {both}: {remedy}"
    )
