"""Activations, as functions and as modules. Formulas and slopes stand in `ops/activation.py`.

`inplace` is taken for PyTorch's sake and has no effect: it saves memory there, not here.
"""

from __future__ import annotations

from typing import Any

from .. import ops
from ..tensor import Tensor
from ..tensor.creation import full
from .module import Module
from .parameter import Parameter
from .stateless import Stateless


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + e⁻ˣ)."""
    return ops.sigmoid(input)


def tanh(input: Tensor) -> Tensor:
    """(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)."""
    return ops.tanh(input)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0)."""
    return ops.relu(input)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x for x > 0, negative_slope · x below."""
    return ops.leaky_relu(input, slope=negative_slope)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x for x > 0, α (eˣ − 1) below."""
    return ops.elu(input, alpha=alpha)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """1.0507 · elu(x, 1.6733)."""
    return ops.selu(input)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x σ(x)."""
    return ops.silu(input)


def softmax(input: Tensor, dim: int | None = None) -> Tensor:
    """eˣ / Σ eˣ along dim."""
    return input.softmax(_needed(dim, "softmax"))


def log_softmax(input: Tensor, dim: int | None = None) -> Tensor:
    """x − log Σ eˣ along dim."""
    return input.log_softmax(_needed(dim, "log_softmax"))


def _needed(dim: int | None, name: str) -> int:
    if dim is None:
        raise ValueError(f"{name}: say along which dim values add up to 1; for (batch, classes) it is dim=1")
    return dim


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x for x > 0, a x below; a single, or one for each channel, which is dim 1."""
    if weight.ndim > 1:
        raise RuntimeError(
            f"prelu: Expected `weight` to be a scalar or 1D tensor, but got shape {tuple(weight.shape)}: one "
            "slope, or one for each channel"
        )
    if weight.numel() == 1:
        return ops.prelu(input, weight.reshape(()))
    if weight.numel() != (input.shape[1] if input.ndim > 1 else 1):
        raise RuntimeError(
            f"prelu: {weight.numel()} slopes for an input of shape {tuple(input.shape)}: dim 1 is the channel"
        )
    return ops.prelu(input, weight.reshape(-1, *[1] * (input.ndim - 2)))


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x Φ(x); with approximate='tanh', Φ(x) ≈ (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2."""
    if approximate == "tanh":
        x = input.clamp(-10, 10)  # beyond, tanh is ±1, and x³ leaves float16
        return 0.5 * input * (1 + (0.7978845608028654 * (x + 0.044715 * x**3)).tanh())
    if approximate != "none":
        raise RuntimeError(f"gelu: approximate must be 'none' or 'tanh', not {approximate!r}")
    return ops.gelu(input)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + e^βx) / β, and x itself where βx > threshold.

    That is PyTorch's guard against overflow, and for its sake only: this formula needs none.
    """
    y = ops.softplus(input, beta=beta)
    return y if threshold >= 20 else ops.where(input * beta > threshold, input, y)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """x, but not below min_val nor above max_val; slope 1 in between, 0 outside."""
    _check_bounds(min_val, max_val)
    return ops.hardtanh(input, low=min_val, high=max_val)


def _check_bounds(min_val: float, max_val: float) -> None:
    if min_val >= max_val:
        raise ValueError(f"min_val must be less than max_val, got min_val={min_val} and max_val={max_val}")


# --- as modules ---------------------------------------------------------------------------------------------


# fmt: off
class Sigmoid(Stateless, function=sigmoid):        """σ(x), between 0 and 1. Its slope is at most 1/4."""
class Tanh(Stateless, function=tanh):              """2 σ(2x) − 1, between ±1. Its slope is at most 1."""
class ReLU(Stateless, function=relu):              """A gradient comes back as it is, or not at all."""
class LeakyReLU(Stateless, function=leaky_relu):   """Some gradient always comes back (Maas et al. 2013)."""
class ELU(Stateless, function=elu):                """Mean nearer to 0 than ReLU's (Clevert et al. 2015)."""
class SELU(Stateless, function=selu):              """Keeps mean 0 and variance 1 (Klambauer et al. 2017)."""
class SiLU(Stateless, function=silu):              """x σ(x): a smooth ReLU that dips below 0."""
class GELU(Stateless, function=gelu):              """x Φ(x): likewise (Hendrycks & Gimpel 2016)."""
class Softplus(Stateless, function=softplus):      """log(1 + e^βx) / β: a smooth ReLU of slope σ(βx)."""
class Softmax(Stateless, function=softmax):        """eˣ / Σ eˣ along dim: from scores to probabilities."""
class LogSoftmax(Stateless, function=log_softmax): """x − log Σ eˣ along dim: none of them is log 0."""
# fmt: on


class Hardtanh(Stateless, function=hardtanh):
    """min(max(x, min_val), max_val): tanh in three straight pieces."""

    def check(self) -> None:
        _check_bounds(self.min_val, self.max_val)


class PReLU(Module):
    """x for x > 0, a x below; a is learned, one for all or one for each channel (He et al. 2015)."""

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.weight = Parameter(full((num_parameters,), float(init), device=device, dtype=dtype))

    def forward(self, input: Tensor) -> Tensor:
        return prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"
