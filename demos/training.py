"""The net and the loop that experiments share: nothing in them that a user of PyTorch would not recognize."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

import tinygrad_stab as torch
from demos.digits import Digits
from tinygrad_stab import nn


def plain_net(sizes: Sequence[int], φ: nn.Module, draw_weights: Callable) -> nn.Sequential:
    """Linear layers of these sizes with φ between them; weights as drawn, biases 0."""
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), φ]
        draw_weights(layers[-2].weight)
        nn.init.zeros_(layers[-2].bias)
    return nn.Sequential(*layers[:-1])


def train(
    model: nn.Module, data: Digits, *, lr: float, steps: int, batch: int = 32,
    clip: float | None = None, optimizer: Any = torch.optim.SGD,
) -> list[float]:  # fmt: skip
    """Train with cross-entropy, the norm of the gradient clipped if told to; return every step's loss."""
    loss_of, parameters = nn.CrossEntropyLoss(), list(model.parameters())
    descent = optimizer(parameters, lr=lr)
    losses = []
    for x, y in minibatches(data, batch, steps):
        descent.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(parameters, clip)
        descent.step()
        losses.append(loss.item())
    return losses


def minibatches(data: Digits, batch: int, steps: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """So many batches of the training set, which is shuffled anew each time it is used up."""
    n = len(data.y_train)
    order, start = torch.randperm(n), 0
    for _ in range(steps):
        if start + batch > n:
            order, start = torch.randperm(n), 0
        chosen = order[start : start + batch]
        start += batch
        yield data.x_train[chosen], data.y_train[chosen]


def accuracy(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    """The share of images that the model reads correctly."""
    with torch.no_grad():
        return (model(x).argmax(1) == y).double().mean().item()


def smooth(values: list[float], window: int) -> np.ndarray:
    """At every step the mean of the last so many values, or of as many as there are."""
    total = np.cumsum([0.0, *values])
    last = np.arange(1, len(values) + 1)
    first = np.maximum(last - window, 0)
    return (total[last] - total[first]) / (last - first)
