"""A few steps on one batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...nn.module import Module
from ...tensor import Tensor
from ..probe import loss_of


def train(
    model: Module, x: Tensor, y: Any, loss_fn: Callable[..., Any] | None, optimizer: Any, steps: int
) -> float:
    """Take so many steps and return the loss after them."""
    model.train()
    for _ in range(steps):
        optimizer.zero_grad()
        loss_of(model(x), y, loss_fn).backward()
        optimizer.step()
    optimizer.zero_grad()
    return loss_of(model(x), y, loss_fn).item()
