"""Adam: each element's step is divided by the running size of its own gradient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .optimizer import Optimizer


class Adam(Optimizer):
    """x ← x − lr · m̂ / (√v̂ + ε), with running means of the gradient and of its square (Kingma & Ba 2015,
    alg. 1).

        m ← β₁ m + (1 − β₁) g         m̂ = m / (1 − β₁ᵗ)
        v ← β₂ v + (1 − β₂) g²        v̂ = v / (1 − β₂ᵗ)

    The very first step is lr · g / (|g| + ε): its length does not depend on the gradient's as long as |g| ≫
    ε. That hides a vanishing gradient from the optimizer, down to ε. weight_decay here is L2: it is divided
    by √v̂ like the rest of g.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad, maximize=maximize),
        )

    def check(self, settings: dict[str, Any]) -> None:
        super().check(settings)
        for k, beta in enumerate(settings["betas"]):
            if not 0 <= beta < 1:
                raise ValueError(f"Invalid beta parameter at index {k}: {beta}: it must lie in [0, 1)")

    def update(self, x: np.ndarray, g: np.ndarray, state: dict[str, Any], settings: dict[str, Any]) -> None:
        beta1, beta2 = settings["betas"]
        g = self.with_decay(x, g, settings)
        t = state["step"] = state.get("step", 0) + 1
        m = state["exp_avg"] = beta1 * state.get("exp_avg", 0.0) + (1 - beta1) * g
        v = state["exp_avg_sq"] = beta2 * state.get("exp_avg_sq", 0.0) + (1 - beta2) * g * g
        if settings["amsgrad"]:
            v = state["max_exp_avg_sq"] = np.maximum(state.get("max_exp_avg_sq", 0.0), v)
        x -= settings["lr"] / (1 - beta1**t) * m / (np.sqrt(v) / (1 - beta2**t) ** 0.5 + settings["eps"])
