"""A workload, and who takes part in it.

All contestants begin from the same arrays and do the same mathematics, so after any number of steps all hold
the same numbers; `tests/test_benchmarks.py` asserts it.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import tinygrad_stab

Step = Callable[[], list]  # does one step; returns loss, gradients, parameters: what it computed

PEERS = {"PyTorch": "torch", "MyGrad": "mygrad", "autograd": "autograd"}


def installed(name: str) -> bool:
    """Whether this contestant is here; only the peers can be missing."""
    return name not in PEERS or importlib.util.find_spec(PEERS[name]) is not None


@dataclass(frozen=True)
class Workload:
    """`begin(dtype)` draws the arrays, the same at every call; a contestant makes a step from them."""

    name: str
    begin: Callable[[type], tuple]
    contestants: dict[str, Callable[..., Step]]

    def steps(self, dtype: type = np.float32, only: tuple[str, ...] = ()) -> dict[str, Step]:
        """The step of every contestant who is here, or only of some; each has arrays of its own."""
        return {
            name: make(*self.begin(dtype))
            for name, make in self.contestants.items()
            if installed(name) and (not only or name in only)
        }


def libraries(framework: Callable[..., Step], **options: Any) -> dict[str, Callable[..., Step]]:
    """The two libraries that share PyTorch's names run the same code, `framework(torch, …)`."""
    return {
        "ours": partial(framework, tinygrad_stab, **options),
        "PyTorch": lambda *arrays: framework(importlib.import_module("torch"), *arrays, **options),
    }


def loaded(torch: Any, module: Any, parameters: list[np.ndarray]) -> Any:
    """The module with these arrays as its parameters."""
    for p, array in zip(module.parameters(), parameters, strict=True):
        p.data = torch.from_numpy(array)
    return module.to(p.dtype)  # buffers, such as running means, are of the same dtype


def training_step(model: Any, loss_fn: Callable, optimizer: Any, x: Any, y: Any) -> Step:
    """The step that every user of PyTorch writes."""
    weights = list(model.parameters())

    def step() -> list:
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
        return [loss, *(p.grad for p in weights), *weights]

    return step
