"""Batch and layer normalization, as functions and as modules: one `standardize`, on different axes.

The derivation of its gradient stands in `ops/normalization.py`; here is what is learned and remembered.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import ops
from ..creation import ones, tensor, zeros
from ..tensor import Tensor
from . import init
from .module import Module
from .parameter import Parameter


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Standardize every channel (dim 1) over batch and positions: y = γ (x − μ)/√(v + ε) + β.

    In training μ and v are those of the batch, and the running ones move towards them by `momentum`. v is
    biased (÷ n) in the formula, but unbiased (÷ (n − 1)) in running_var, as in Ioffe & Szegedy 2015.
    Otherwise μ and v are the running ones.
    """
    axes = (0, *range(2, input.array.ndim))
    per_channel = (1, -1, *[1] * (input.array.ndim - 2))
    if training or running_mean is None or running_var is None:
        n = input.array.size // max(input.array.shape[1], 1)
        if n == 1:
            raise ValueError(
                f"Expected more than 1 value per channel when training, got input size {tuple(input.shape)}: "
                "one sample minus its own mean is 0, whatever it was. Use model.eval(), drop_last=True in "
                "the DataLoader, or LayerNorm"
            )
        y, mean, var = ops.standardize(input, axis=axes, eps=eps)
        if running_mean is not None and running_var is not None and n > 0:
            _move(running_mean, mean.array, momentum)
            _move(running_var, var.array * (n / (n - 1)), momentum)
    else:
        y = (input - running_mean.reshape(per_channel)) / (running_var.reshape(per_channel) + eps).sqrt()
    if len(axes) > 1:  # in (n, channels), γ and β meet the last dim as they are
        weight, bias = (p if p is None else p.reshape(per_channel) for p in (weight, bias))
    return scaled_and_shifted(y, weight, bias)


def _move(running: Tensor, batch: np.ndarray, momentum: float) -> None:
    # Put in its place, not written over it: a graph that has kept the old values stays right.
    running.data = running.array + momentum * (batch.reshape(-1) - running.array)


def scaled_and_shifted(y: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    """γ y + β, as far as there are a weight γ and a bias β."""
    if weight is not None and bias is not None:
        return ops.scale_shift(y, weight, bias)
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def layer_norm(
    input: Tensor,
    normalized_shape: tuple[int, ...],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Standardize every sample over its last axes: y = γ (x − μ)/√(v + ε) + β (Ba et al. 2016)."""
    n = len(normalized_shape)
    if tuple(input.array.shape[-n:]) != tuple(normalized_shape):
        raise RuntimeError(
            f"layer_norm: normalized_shape={list(normalized_shape)} expects input of shape "
            f"[*, {', '.join(map(str, normalized_shape))}], but got {list(input.array.shape)}"
        )
    y, _, _ = ops.standardize(input, axis=tuple(range(-n, 0)), eps=eps)
    return scaled_and_shifted(y, weight, bias)


def _explained(name: str, input: Tensor, axes: tuple[int, ...]) -> str:
    shape = input.array.shape
    n = math.prod(shape[k] for k in axes)
    kept = [k for k in range(len(shape)) if k not in axes]
    return (
        f"{name} on {shape}: mean and variance over axis {', '.join(map(str, axes))}, of {n} elements each; "
        f"one mean for every place along axis {', '.join(map(str, kept))}, {input.array.size // max(n, 1)} "
        "in all"
    )


class _BatchNorm(Module):
    dims: tuple[int, ...]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.weight = Parameter(ones(num_features)) if affine else None
        self.bias = Parameter(zeros(num_features)) if affine and bias else None
        self.register_buffer("running_mean", zeros(num_features) if track_running_stats else None)
        self.register_buffer("running_var", ones(num_features) if track_running_stats else None)
        self.register_buffer("num_batches_tracked", tensor(0) if track_running_stats else None)

    def reset_running_stats(self) -> None:
        """Forget the batches seen so far."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Back to γ = 1, β = 0, and nothing remembered."""
        self.reset_running_stats()
        if self.weight is not None and self.bias is not None:
            init.ones_(self.weight)
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        self._check(input)
        momentum = self.momentum or 0.0
        tracking = self.training and self.track_running_stats
        if tracking and self.momentum is None:  # the plain average of all batches, this one included
            momentum = 1 / (self.num_batches_tracked.item() + 1)
        use_batch = self.training or not self.track_running_stats
        statistics = self.running_mean, self.running_var
        y = batch_norm(input, *statistics, self.weight, self.bias, use_batch, momentum, self.eps)
        if tracking:
            self.num_batches_tracked.data = self.num_batches_tracked.array + 1
        return y

    def _check(self, input: Tensor) -> None:
        shape = input.array.shape
        if len(shape) not in self.dims:
            expected = " or ".join(f"{n}D" for n in self.dims)
            raise ValueError(
                f"{type(self).__name__}: expected {expected} input (got {len(shape)}D input of shape {shape})"
            )
        if shape[1] != self.num_features:
            raise RuntimeError(
                f"{type(self).__name__}({self.num_features}): the input of shape {shape} has {shape[1]} "
                f"channels in dim 1; write {type(self).__name__}({shape[1]}), or change the layer before"
            )

    def explain(self, input: Tensor) -> str:
        """Over which axes of this input it takes mean and variance."""
        return _explained(type(self).__name__, input, tuple(k for k in range(input.ndim) if k != 1))

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.affine}, track_running_stats={self.track_running_stats}"
        )


class BatchNorm1d(_BatchNorm):
    """Standardize each feature over the batch: (n, features) or (n, features, length) → the same.

    Training uses the batch's own mean and variance, so a sample's output depends on its companions;
    evaluation uses running averages. The bias of a layer before it is redundant: the mean takes it away
    again.
    """

    dims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Standardize each channel over batch and image: (n, channels, height, width) → the same."""

    dims = (4,)


class LayerNorm(Module):
    """Standardize each sample over its last axes, `normalized_shape`, whatever the batch and the mode."""

    def __init__(
        self, normalized_shape: Any, eps: float = 1e-5, elementwise_affine: bool = True, bias: bool = True
    ) -> None:
        super().__init__()
        single = isinstance(normalized_shape, (int, np.integer))
        self.normalized_shape = (int(normalized_shape),) if single else tuple(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self.weight = Parameter(ones(self.normalized_shape)) if elementwise_affine else None
        self.bias = Parameter(zeros(self.normalized_shape)) if elementwise_affine and bias else None

    def forward(self, input: Tensor) -> Tensor:
        return layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def explain(self, input: Tensor) -> str:
        """Over which axes of this input it takes mean and variance."""
        n = len(self.normalized_shape)
        return _explained("LayerNorm", input, tuple(range(input.ndim - n, input.ndim)))

    def extra_repr(self) -> str:
        affine = f"elementwise_affine={self.elementwise_affine}"
        return f"{self.normalized_shape}, eps={self.eps}, {affine}, bias={self.bias is not None}"
