"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .optimizer import Optimizer


class SGD(Optimizer):
    """x ← x − lr · v, where v is the gradient or, with momentum μ, a decaying sum of gradients.

    g ← ∇L + weight_decay · x
    v ← μ v + (1 − dampening) g            (the first v is g itself)
    g ← g + μ v  if nesterov,  else  v
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            dict(
                lr=lr,
                momentum=momentum,
                dampening=dampening,
                weight_decay=weight_decay,
                nesterov=nesterov,
                maximize=maximize,
            ),
        )

    def check(self, settings: dict[str, Any]) -> None:
        super().check(settings)
        if settings["nesterov"] and (settings["momentum"] <= 0 or settings["dampening"] != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")

    def update(self, x: np.ndarray, g: np.ndarray, state: dict[str, Any], settings: dict[str, Any]) -> None:
        mu = settings["momentum"]
        g = self.with_decay(x, g, settings)
        if mu:
            if "momentum_buffer" in state:
                v = state["momentum_buffer"] = mu * state["momentum_buffer"] + (1 - settings["dampening"]) * g
            else:
                v = state["momentum_buffer"] = g.copy()
            g = g + mu * v if settings["nesterov"] else v
        x -= settings["lr"] * g
