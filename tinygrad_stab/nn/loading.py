"""Putting saved values back into a model: all of them, or none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ..tensor import Size, Tensor


class LoadResult(NamedTuple):
    """Names that the model has and the saved dict lacks, and the reverse."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        keys = f"missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys}"
        return f"_IncompatibleKeys({keys})"  # its name in PyTorch


def load(model: str, own: dict[str, Tensor], saved: Mapping[str, Any], strict: bool) -> LoadResult:
    """Copy saved values into a model's own tensors by name, or raise, with nothing changed."""
    result = LoadResult([k for k in own if k not in saved], [k for k in saved if k not in own])
    problems, values = [], {}
    for kind, names in zip(("Missing", "Unexpected"), result):
        if strict and names:
            quoted = ", ".join(f'"{name}"' for name in names)
            problems.append(f"{kind} key(s) in state_dict: {quoted}.")
    for name in [name for name in own if name in saved]:
        wanted = own[name].array
        try:
            value = values[name] = np.asarray(saved[name]).astype(wanted.dtype)
        except (TypeError, ValueError):
            problems.append(f"{name} is {saved[name]!r}, which cannot be read as numbers")
            continue
        if value.shape != wanted.shape:
            problems.append(
                f"size mismatch for {name}: copying a param with shape torch.{Size(value.shape)} from "
                f"checkpoint, the shape in current model is torch.{Size(wanted.shape)}."
            )
    if problems:
        details = "\n\t".join(problems)
        raise RuntimeError(f"Error(s) in loading state_dict for {model}:\n\t{details}\nNothing was changed.")
    for name, value in values.items():
        own[name].copy_(value)
    return result
