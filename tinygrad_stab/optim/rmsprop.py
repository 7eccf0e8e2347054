"""RMSprop: each element's step is divided by the recent size of its own gradient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .optimizer import Optimizer


class RMSprop(Optimizer):
    """x ← x − lr · g / (√v + ε), with a running mean v of the squared gradient (Hinton 2012, lecture 6e).

        v ← α v + (1 − α) g²
        ḡ ← α ḡ + (1 − α) g,  and  v − ḡ²  in place of v      if centered: g's variance instead of its size
        b ← μ b + g / (√v + ε),  and  x ← x − lr · b          with momentum μ

    v starts at 0 and, other than Adam's, is not corrected for it: every element's first step is lr / √(1 − α)
    long, which is 10 lr by default.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            dict(
                lr=lr,
                alpha=alpha,
                eps=eps,
                weight_decay=weight_decay,
                momentum=momentum,
                centered=centered,
                maximize=maximize,
            ),
        )

    def check(self, settings: dict[str, Any]) -> None:
        super().check(settings)
        if not 0 <= settings["alpha"] <= 1:
            raise ValueError(f"Invalid alpha value: {settings['alpha']}: it must lie in [0, 1]")

    def update(self, x: np.ndarray, g: np.ndarray, state: dict[str, Any], settings: dict[str, Any]) -> None:
        alpha, mu = settings["alpha"], settings["momentum"]
        g = self.with_decay(x, g, settings)
        v = state["square_avg"] = alpha * state.get("square_avg", 0.0) + (1 - alpha) * g * g
        if settings["centered"]:
            mean = state["grad_avg"] = alpha * state.get("grad_avg", 0.0) + (1 - alpha) * g
            v = np.maximum(v - mean * mean, 0)  # rounding can make a variance of 0 negative
        step = g / (np.sqrt(v) + settings["eps"])
        if mu:
            step = state["momentum_buffer"] = mu * state.get("momentum_buffer", 0.0) + step
        x -= settings["lr"] * step
