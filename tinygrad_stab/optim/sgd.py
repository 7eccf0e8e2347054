"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from ..tensor import Tensor
from .optimizer import Optimizer, Settings, State


class SGD(Optimizer):
    """Go down the gradient, x ← x − lr · g; with momentum μ, along a running sum v of gradients:

    v ← μ v + (1 − dampening) g       the first v is g itself
    x ← x − lr · v                    or, if nesterov, x ← x − lr (g + μ v)
    """

    fixed: ClassVar[Settings] = {"foreach": None, "differentiable": False, "fused": None}

    def __init__(
        self, params: Iterable[Any], lr: float = 1e-3, momentum: float = 0, dampening: float = 0,
        weight_decay: float = 0, nesterov: bool = False, *, maximize: bool = False, **given: Any,
    ) -> None:  # fmt: skip
        defaults = dict(lr=lr, momentum=momentum, dampening=dampening, nesterov=nesterov)
        super().__init__(params, {**defaults, "weight_decay": weight_decay, "maximize": maximize}, **given)

    def check(self, settings: Settings) -> None:
        super().check(settings)
        if settings["nesterov"] and (settings["momentum"] <= 0 or settings["dampening"] != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")

    def update(self, p: Tensor, settings: Settings, state: State) -> None:
        lr = np.array(settings["lr"], p.array.dtype)  # NumPy begins sooner with it than with Python's number
        mu = settings["momentum"]
        if not mu:
            p.array -= lr * self.with_decay(p.array, p._grad.array, settings)
            return
        share = 1 - settings["dampening"] if "momentum_buffer" in state else 1
        for x, g, v in self.stretches(p, settings, state, "momentum_buffer"):
            v *= mu
            v += share * g
            x -= lr * (g + mu * v if settings["nesterov"] else v)
