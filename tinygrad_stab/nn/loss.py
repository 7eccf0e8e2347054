"""What all losses share: how many numbers become one, and a warning about shapes that broadcast."""

from __future__ import annotations

import numpy as np

from ..tensor import Tensor
from ..user_code import warn
from .module import Module


class Loss(Module):
    """Base class of the losses."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = checked(reduction)


def checked(reduction: str) -> str:
    """The reduction, if there is such a one."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction!r} is not a valid value for reduction: use 'mean', 'sum' or 'none'")
    return reduction


def reduced(losses: Tensor, reduction: str) -> Tensor:
    """The losses averaged, added up, or as they are."""
    return {"mean": losses.mean, "sum": losses.sum, "none": lambda: losses}[checked(reduction)]()


def warn_of_broadcasting(input: tuple[int, ...], target: tuple[int, ...]) -> None:
    """Warn if two shapes differ and still broadcast, (n, 1) and (n) to (n, n): a classic."""
    try:
        both = np.broadcast_shapes(input, target)
    except ValueError:
        return  # an error will follow, there is nothing to warn of
    if input == target:
        return
    warn(
        f"the target has shape {target} and the input {input}: broadcasting compares each with each, {both}, "
        "which is hardly meant. Give both the same shape, for instance with target.reshape(-1, 1)"
    )
