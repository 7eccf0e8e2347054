"""A few steps on one batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...nn.module import Module
from ...tensor import Tensor
from ..probe import loss_of


def train(
    model: Module,
    x: Tensor,
    y: Any,
    loss_fn: Callable[..., Any] | None,
    optimizer: Any,
    steps: int,
    after_first: Callable[[], None] = lambda: None,
) -> float:
    """Take so many steps and return the loss after them."""
    model.train()
    for k in range(steps):
        optimizer.zero_grad()
        model.zero_grad()
        loss_of(model(x), y, loss_fn).backward()
        optimizer.step()
        if k == 0:
            after_first()
    optimizer.zero_grad()
    return loss_of(model(x), y, loss_fn).item()
