"""Steps that do not depend on the gradient's length: each element is divided by the recent size of its own.

That hides a vanishing gradient from the optimizer, down to ε.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from ..tensor import Tensor
from .optimizer import Optimizer, Settings, State


def _average(mean: np.ndarray, new: np.ndarray, beta: float) -> None:
    """mean ← β mean + (1 − β) new, in place."""
    mean *= beta
    mean += (1 - beta) * new


class RMSprop(Optimizer):
    """x ← x − lr · g / (√v + ε), with a running mean v of the squared gradient (Hinton 2012, lecture 6e).

        v ← α v + (1 − α) g²
        ḡ ← α ḡ + (1 − α) g,  and  v − ḡ²  in place of v      if centered: g's variance instead of its size
        b ← μ b + g / (√v + ε),  and  x ← x − lr · b          with momentum μ

    v starts at 0 and, unlike Adam's, is not corrected for it: every element's first step is lr / √(1 − α)
    long, which is 10 lr by default.
    """

    fixed: ClassVar[Settings] = {"foreach": None, "capturable": False, "differentiable": False}

    def __init__(
        self, params: Iterable[Any], lr: float = 1e-2, alpha: float = 0.99, eps: float = 1e-8,
        weight_decay: float = 0, momentum: float = 0, centered: bool = False, *, maximize: bool = False,
        **given: Any,
    ) -> None:  # fmt: skip
        defaults = dict(lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, maximize=maximize)
        super().__init__(params, {**defaults, "momentum": momentum, "centered": centered}, **given)

    def check(self, settings: Settings) -> None:
        super().check(settings)
        if not 0 <= settings["alpha"] <= 1:
            raise ValueError(f"Invalid alpha value: {settings['alpha']}: it must lie in [0, 1]")

    def update(self, p: Tensor, settings: Settings, state: State) -> None:
        alpha, mu, centered = settings["alpha"], settings["momentum"], settings["centered"]
        names = ["square_avg"] + ["grad_avg"] * centered + ["momentum_buffer"] * bool(mu)
        for x, g, v, *more in self.stretches(p, settings, state, *names):
            _average(v, g * g, alpha)
            if centered:
                _average(more[0], g, alpha)
                v = np.maximum(v - more[0] ** 2, 0)  # rounding can make a variance of 0 negative
            step = g / (np.sqrt(v) + settings["eps"])
            if mu:
                more[-1] *= mu
                step = np.add(more[-1], step, out=more[-1])
            x -= settings["lr"] * step


class Adam(Optimizer):
    """x ← x − lr · m̂ / (√v̂ + ε), with running means of the gradient and of its square.

        m ← β₁ m + (1 − β₁) g         m̂ = m / (1 − β₁ᵗ)
        v ← β₂ v + (1 − β₂) g²        v̂ = v / (1 − β₂ᵗ), or of the largest v so far with amsgrad

    The first step is lr · g / (|g| + ε). weight_decay here is L2, part of g, and so divided by √v̂ as well.
    Kingma & Ba 2015, alg. 1; amsgrad: Reddi et al. 2018.
    """

    fixed: ClassVar[Settings] = {**RMSprop.fixed, "fused": None, "decoupled_weight_decay": False}

    def __init__(
        self, params: Iterable[Any], lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8, weight_decay: float = 0, amsgrad: bool = False, *, maximize: bool = False,
        **given: Any,
    ) -> None:  # fmt: skip
        defaults = dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad)
        super().__init__(params, {**defaults, "maximize": maximize}, **given)

    def check(self, settings: Settings) -> None:
        super().check(settings)
        for k, beta in enumerate(settings["betas"]):
            if not 0 <= beta < 1:
                raise ValueError(f"Invalid beta parameter at index {k}: {beta}: it must lie in [0, 1)")

    def update(self, p: Tensor, settings: Settings, state: State) -> None:
        beta1, beta2 = settings["betas"]
        t = state["step"] = state.get("step", 0) + 1
        # m̂ / (√v̂ + ε) = root / (1 − β₁ᵗ) · m / (√v + ε root): the end of the paper's sec. 2
        root = (1 - beta2**t) ** 0.5
        rate, floor = settings["lr"] / (1 - beta1**t) * root, settings["eps"] * root
        names = ["exp_avg", "exp_avg_sq"] + ["max_exp_avg_sq"] * settings["amsgrad"]
        for x, g, m, v, *largest in self.stretches(p, settings, state, *names):
            _average(m, g, beta1)
            _average(v, g * g, beta2)
            if largest:
                v = np.maximum(largest[0], v, out=largest[0])
            x -= rate * m / (np.sqrt(v) + floor)


class AdamW(Adam):
    """x ← (1 − lr · weight_decay) x, then Adam's step (Loshchilov & Hutter 2019, alg. 2).

    In Adam the decay is part of g and so divided by √v̂: weights with large gradients hardly decay. Here all
    decay alike.
    """

    fixed: ClassVar[Settings] = {**Adam.fixed, "decoupled_weight_decay": True}

    def __init__(
        self, params: Iterable[Any], lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8, weight_decay: float = 1e-2, amsgrad: bool = False, *, maximize: bool = False,
        **given: Any,
    ) -> None:  # fmt: skip
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, **given)

    def update(self, p: Tensor, settings: Settings, state: State) -> None:
        p.array *= 1 - settings["lr"] * settings["weight_decay"]
        super().update(p, {**settings, "weight_decay": 0}, state)
