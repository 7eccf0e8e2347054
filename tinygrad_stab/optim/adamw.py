"""AdamW: Adam whose weight decay is not divided by the size of the gradient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .adam import Adam


class AdamW(Adam):
    """x ← (1 − lr · weight_decay) x, then Adam's step (Loshchilov & Hutter 2019, alg. 2).

    In Adam the decay is part of g and so divided by √v̂: weights with large gradients hardly decay. Here all
    decay alike.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)

    def update(self, x: np.ndarray, g: np.ndarray, state: dict[str, Any], settings: dict[str, Any]) -> None:
        x *= 1 - settings["lr"] * settings["weight_decay"]
        super().update(x, g, state, {**settings, "weight_decay": 0})
