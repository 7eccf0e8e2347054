"""Putting saved values back into a model: all of them, or none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ..tensor import Tensor


class LoadResult(NamedTuple):
    """What was found: names that the model has and the dict lacks, and the reverse."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"LoadResult(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def load(model: str, own: dict[str, Tensor], saved: Mapping[str, Any], strict: bool) -> LoadResult:
    """Copy saved values into a model's own tensors by name, or raise, with nothing changed."""
    missing = [name for name in own if name not in saved]
    unexpected = [name for name in saved if name not in own]
    problems = []
    if strict and missing:
        problems.append(f"Missing key(s) in state_dict: {', '.join(map(repr, missing))}")
    if strict and unexpected:
        problems.append(f"Unexpected key(s) in state_dict: {', '.join(map(repr, unexpected))}")
    values = {}
    for name, tensor in own.items():
        if name in saved:
            try:
                values[name] = np.asarray(saved[name]).astype(tensor.array.dtype)
            except (TypeError, ValueError):
                problems.append(f"{name} is {saved[name]!r}, which cannot be read as numbers")
                continue
            if values[name].shape != tensor.array.shape:
                shapes = f"the state dict has shape {values[name].shape}, the model {tensor.array.shape}"
                problems.append(f"size mismatch for {name}: {shapes}")
    if problems:
        details = "\n\t".join(problems)
        raise RuntimeError(f"Error(s) in loading state_dict for {model}:\n\t{details}\nNothing was changed.")
    for name, value in values.items():
        own[name].copy_(value)
    return LoadResult(missing, unexpected)
