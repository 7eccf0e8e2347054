"""What it costs to look at a net: a probe beside the plain forward and backward pass that it contains."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

import tinygrad_stab as torch
from tinygrad_stab import nn
from tinygrad_stab.stability import gaussian, probe


class Look(NamedTuple):
    name: str
    ways: dict[str, Callable[[], object]]  # the probe, then the plain pass


def looks(depth: int = 30, width: int = 128, batch: int = 64) -> Iterator[Look]:
    """With the averages of the theory kept from the probe before, and for a net never seen."""
    for name, kinds in (("tanh", [nn.Tanh]), ("BatchNorm, relu", [lambda: nn.BatchNorm1d(width), nn.ReLU])):
        layers = [module for _ in range(depth) for module in (nn.Linear(width, width), *(k() for k in kinds))]
        yield from _looks(f"{depth} x {width} {name}, batch {batch}", nn.Sequential(*layers), batch, width)


def _looks(name: str, model: nn.Module, batch: int, width: int) -> Iterator[Look]:
    x, y = torch.from_numpy(np.random.default_rng(0).standard_normal((2, batch, width)).astype(np.float32))
    loss_fn = nn.MSELoss()

    def plain() -> None:
        model.zero_grad()
        loss_fn(model(x), y).backward()

    def again() -> object:
        return probe(model, x, y)

    def for_the_first_time() -> object:
        gaussian.forget()
        return probe(model, x, y)

    yield Look(name, {"probe": again, "forward and backward": plain})
    yield Look(f"{name}, never seen", {"probe": for_the_first_time, "forward and backward": plain})
