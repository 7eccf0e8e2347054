"""What to say when NumPy has refused the shapes of an operation: PyTorch's words, and the remedy."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

# What a user has called where the primitive has NumPy's name.
_CALLED = {
    "absolute": "abs", "subtract": "sub", "multiply": "mul", "divide": "div", "power": "pow", "clip": "clamp",
    "concatenate": "cat", "swapaxes": "transpose", "transpose": "permute", "expand_dims": "unsqueeze",
    "replace": "t[key] = value", "getitem": "t[key]", "broadcast_to": "expand",
}  # fmt: skip


def misfit(name: str, arrays: Sequence[Any], error: Exception) -> Exception:
    """The error to raise in place of NumPy's: RuntimeError for shapes, IndexError for dims and indices."""
    shapes = [np.shape(x) for x in arrays]
    called = f"{_CALLED[name]} ({name})" if name in _CALLED else name
    both = " and ".join(map(str, shapes))
    if isinstance(error, np.exceptions.AxisError) and error.ndim is not None:
        limits = f"[{-error.ndim}, {error.ndim - 1}]"
        return IndexError(
            f"{called} of a tensor of shape {both}: Dimension out of range (expected to be in range of "
            f"{limits}, but got {error.axis})"
        )
    why = _in_pytorchs_words(name, str(error), shapes)
    kind = IndexError if isinstance(error, IndexError) or "empty sequence" in why else RuntimeError
    return kind(f"{called} does not fit input of shape {both}: {why}")


def _in_pytorchs_words(name: str, why: str, shapes: list[tuple[int, ...]]) -> str:
    if name == "stack":
        return "stack expects each tensor to be equal size"
    if name == "concatenate" and "must match exactly" in why:
        return "Sizes of tensors must match except in the dimension along which they are put together"
    if "could not be broadcast" in why:
        remedy = "sizes must be equal or 1, counted from the last dim; x.unsqueeze(dim) adds a dim of size 1"
        return f"{unequal(*shapes)}: {remedy}" if len(shapes) == 2 else remedy
    if found := re.fullmatch(r"cannot reshape array of size (\d+) into shape \((.*?),?\)", why):
        wanted = found[2].replace("newaxis", "-1").replace(",", ", ")
        return f"shape '[{wanted}]' is invalid for input of size {found[1]}"
    if "core dimension" in why and len(shapes) == 2:
        a, b = ([*shape[-2:]] for shape in shapes)
        return f"inconsistent tensor size, {a} meets {b}: the last size of one must be the first of the other"
    if "axes don't match" in why:
        return f"the order must name each of the {len(shapes[0])} dims once"
    if found := re.match(r"too many indices for array: array is (\d+)-dimensional", why):
        return f"too many indices for tensor of dimension {found[1]}"
    return re.sub(r"\baxis (\d+) with size", r"dimension \1 with size", why)


def unequal(a: Sequence[int], b: Sequence[int]) -> str:
    """Where two shapes do not fit each other."""
    for k in range(1, min(len(a), len(b)) + 1):
        if a[-k] != b[-k] and 1 not in (a[-k], b[-k]):
            return (
                f"The size of tensor a ({a[-k]}) must match the size of tensor b ({b[-k]}) at non-singleton "
                f"dimension {max(len(a), len(b)) - k}"
            )
    return "the shapes cannot be broadcast"


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
