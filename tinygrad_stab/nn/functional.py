"""Layers as functions: PyTorch's names and arguments for the primitives of `ops/`."""

from __future__ import annotations

import warnings
from typing import Any

from .. import ops
from ..tensor import Tensor
from .normalize import batch_norm, layer_norm

linear = ops.linear
tanh, sigmoid, relu, silu, selu = ops.tanh, ops.sigmoid, ops.relu, ops.silu, ops.selu

__all__ = [
    "batch_norm", "binary_cross_entropy_with_logits", "cross_entropy", "elu", "gelu", "layer_norm",
    "leaky_relu", "linear", "log_softmax", "mse_loss", "prelu", "relu", "selu", "sigmoid", "silu", "softmax",
    "softplus", "tanh",
]  # fmt: skip


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x for x > 0, negative_slope · x below."""
    return ops.leaky_relu(input, slope=negative_slope)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x for x > 0, α (eˣ − 1) below."""
    return ops.elu(input, alpha=alpha)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x for x > 0, a x below; a single, or one for each channel, which is dim 1."""
    if weight.numel() == 1 or input.ndim < 2:
        return ops.prelu(input, weight)
    if weight.numel() != input.shape[1]:
        raise RuntimeError(
            f"prelu: {weight.numel()} slopes for an input of shape {tuple(input.shape)}: dim 1 is the channel"
        )
    return ops.prelu(input, weight.reshape(-1, *[1] * (input.ndim - 2)))


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + e^βx) / β. `threshold` is PyTorch's guard against overflow; this formula needs none."""
    return ops.softplus(input, beta=beta)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x Φ(x); with approximate='tanh', Φ(x) ≈ (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2."""
    if approximate == "tanh":
        return 0.5 * input * (1 + (0.7978845608028654 * (input + 0.044715 * input**3)).tanh())
    if approximate != "none":
        raise RuntimeError(f"gelu: approximate must be 'none' or 'tanh', not {approximate!r}")
    return ops.gelu(input)


def softmax(input: Tensor, dim: int | None = None) -> Tensor:
    """eˣ / Σ eˣ along dim."""
    return ops.softmax(input, axis=_needed(dim, "softmax"))


def log_softmax(input: Tensor, dim: int | None = None) -> Tensor:
    """x − log Σ eˣ along dim."""
    return ops.log_softmax(input, axis=_needed(dim, "log_softmax"))


def _needed(dim: int | None, name: str) -> int:
    if dim is None:
        raise ValueError(
            f"{name}: say along which dim the values add up to 1; for scores (batch, classes) that is dim=1"
        )
    return dim


def mse_loss(input: Tensor, target: Any, reduction: str = "mean") -> Tensor:
    """(input − target)², averaged ('mean'), added up ('sum'), or as it is ('none')."""
    if isinstance(target, Tensor) and target.array.shape != input.array.shape:
        _warn_of_broadcasting(input, target)
    return ops.mse(input, target) if reduction == "mean" else _reduced((input - target) ** 2, reduction)


def _warn_of_broadcasting(input: Tensor, target: Tensor) -> None:
    shape = tuple((input.detach() - target.detach()).shape)
    warnings.warn(
        f"the target has shape {tuple(target.shape)} and the input {tuple(input.shape)}: broadcasting "
        f"compares each with each, {shape}, which is hardly meant. Give both the same shape, for instance "
        "with target.reshape(-1, 1)",
        stacklevel=4,
    )


def cross_entropy(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """−log softmax(input)[target], for scores (n, classes) and integer targets (n)."""
    scores, classes = input.array, target.array
    if scores.ndim != 2 or classes.shape != scores.shape[:1]:
        raise ValueError(
            f"cross_entropy: expected scores (n, classes) and targets (n), got {scores.shape} and "
            f"{classes.shape}: targets are class numbers, not one-hot rows; use y.argmax(1) to get them"
        )
    if classes.dtype.kind not in "iu":
        raise RuntimeError(
            f"cross_entropy: targets are class numbers, so integers, not {classes.dtype}: use y.long()"
        )
    if classes.size and not (classes.min() >= 0 and classes.max() < scores.shape[1]):
        raise IndexError(
            f"cross_entropy: target {classes.max() if classes.min() >= 0 else classes.min()} is out of "
            f"bounds for {scores.shape[1]} classes, which are numbered from 0"
        )
    if reduction == "mean":
        return ops.cross_entropy(input, target=classes)
    return _reduced(-ops.log_softmax(input, axis=1).gather(1, classes[:, None]).squeeze(1), reduction)


def binary_cross_entropy_with_logits(input: Tensor, target: Any, reduction: str = "mean") -> Tensor:
    """−t log σ(x) − (1 − t) log(1 − σ(x)), computed without σ so that it cannot overflow."""
    return _reduced(ops.bce_with_logits(input, target), reduction)


def _reduced(losses: Tensor, reduction: str) -> Tensor:
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction!r} is not a valid value for reduction: use 'mean', 'sum' or 'none'")
    return losses.mean() if reduction == "mean" else losses.sum() if reduction == "sum" else losses
