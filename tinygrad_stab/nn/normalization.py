"""Normalization, as functions and as modules: take away a mean, divide by a spread, then scale and shift.

What differs is only over which elements mean and variance are taken:

    BatchNorm    over the batch and all places,   for each channel               (n, c, …) has c means
    LayerNorm    over the last axes,              for each sample                (n, d) has n
    GroupNorm    over a group of channels,        for each group of each sample  (n, c, …) has n · groups
    RMSNorm      as LayerNorm, but no mean is taken away

So the first three are one primitive, `standardize`, and one rule, which `ops/normalization.py` derives. Here
is what is learned, and what BatchNorm remembers.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import ops
from ..tensor import Tensor
from ..tensor.creation import ones, tensor, zeros
from .module import Module
from .parameter import Parameter


def batch_norm(
    input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None = None,
    bias: Tensor | None = None, training: bool = False, momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """Standardize every channel (dim 1) over batch and places: y = γ (x − μ)/√(v + ε) + β.

    In training μ and v are those of the batch, and the running ones move towards them by `momentum`. v is
    biased (÷ n) in the formula, but unbiased (÷ (n − 1)) in running_var, as in Ioffe & Szegedy 2015.
    Otherwise μ and v are the running ones.
    """
    _check_channels("batch_norm", input)
    gamma, beta = _by_channel(weight, 1.0, input), _by_channel(bias, 0.0, input)
    if not eps >= 0:
        raise ValueError(f"batch_norm eps must not be negative, but got {eps}: √(v + ε) would not exist")
    if not training:
        if running_mean is None or running_var is None:
            raise RuntimeError(
                "batch_norm: in evaluation running_mean and running_var must be given; or pass training=True"
            )
        mean, var = (_by_channel(statistic, None, input) for statistic in (running_mean, running_var))
        return (input - mean) / (var + eps).sqrt() * gamma + beta
    n = input.array.size // max(input.array.shape[1], 1)
    if n == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {tuple(input.shape)}: "
            "one sample minus its own mean is 0, whatever it was. Use model.eval(), drop_last=True in "
            "the DataLoader, or LayerNorm"
        )
    y, mean, var, _ = ops.batch_norm(input, gamma, beta, axis=_all_but_channels(input), eps=eps)
    if running_mean is not None and running_var is not None and n > 0:
        _move(running_mean, mean.array, momentum)
        _move(running_var, var.array * (n / (n - 1)), momentum)
    return y


def _all_but_channels(input: Tensor) -> tuple[int, ...]:
    return (0, *range(2, input.array.ndim))


def _move(running: Tensor, batch: np.ndarray, momentum: float) -> None:
    # In place: what state_dict() has handed out moves along. The write is not noted, which would make every
    # older node take a closer look, as no rule reads a running statistic: in evaluation σ is a new array.
    running.array *= 1 - momentum
    running.array += momentum * batch.reshape(-1)


def layer_norm(
    input: Tensor, normalized_shape: tuple[int, ...], weight: Tensor | None = None,
    bias: Tensor | None = None, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """Standardize every sample over its last axes: y = γ (x − μ)/√(v + ε) + β (Ba et al. 2016)."""
    axis = _last_axes("layer_norm", input, normalized_shape)
    gamma, beta = 1.0 if weight is None else weight, 0.0 if bias is None else bias
    return ops.standardize(input, gamma, beta, axis=axis, eps=eps)[0]


def rms_norm(
    input: Tensor, normalized_shape: tuple[int, ...], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """y = γ x / √(mean x² + ε) over the last axes (Zhang & Sennrich 2019); ε is the dtype's if not given."""
    eps = float(np.finfo(input._floats("rms_norm").array.dtype).eps) if eps is None else eps
    y = ops.rms_normalize(input, axis=_last_axes("rms_norm", input, normalized_shape), eps=eps)
    return y if weight is None else y * weight


def _last_axes(name: str, input: Tensor, sizes: tuple[int, ...]) -> tuple[int, ...]:
    n = len(sizes)
    input._floats(name)
    if input.array.shape[-n:] != tuple(sizes):
        raise RuntimeError(
            f"{name}: normalized_shape={list(sizes)} expects input of shape "
            f"[*, {', '.join(map(str, sizes))}], but got {list(input.array.shape)}"
        )
    return tuple(range(-n, 0))


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """Standardize groups of channels (dim 1) in each sample: y = γ (x − μ)/√(v + ε) + β (Wu & He 2018).

    One group is LayerNorm over all but the batch; as many groups as channels, each channel by itself.
    """
    _check_channels("group_norm", input)
    n, channels = input.array.shape[:2]
    if num_groups < 1 or channels % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(input.shape)} and num_groups={num_groups}"
        )
    rest = math.prod(input.array.shape[2:])
    x = input.reshape(n, num_groups, channels // num_groups, rest)
    gamma, beta = (
        start if p is None else p.reshape(num_groups, -1, 1) for p, start in ((weight, 1.0), (bias, 0.0))
    )
    return ops.standardize(x, gamma, beta, axis=(2, 3), eps=eps)[0].reshape(input.array.shape)


def _check_channels(name: str, input: Tensor) -> None:
    input._floats(name)
    if input.array.ndim < 2:
        raise RuntimeError(
            f"{name}: Expected at least 2 dimensions for input tensor, (n, channels, …), but got shape "
            f"{tuple(input.array.shape)}: one sample is x.unsqueeze(0)"
        )


def _by_channel(p: Tensor | None, otherwise: Any, input: Tensor) -> Any:
    """One number for each channel, in a shape that meets dim 1 of the input; `otherwise` if there is none."""
    places = input.array.ndim - 2
    return otherwise if p is None else p.reshape(-1, *[1] * places) if places else p


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """x / max(‖x‖ₚ, ε) along dim."""
    return input / input.norm(p, dim, keepdim=True).clamp(min=eps)


# --- as modules ---------------------------------------------------------------------------------------------


class _Normalization(Module):
    """What is learned, γ as `weight` and β as `bias`: at the start they change nothing."""

    shown: str  # how it prints

    def __init__(self, shape: Any, eps: Any, weight: bool, bias: bool, **place: Any) -> None:
        super().__init__()
        if eps is not None and not eps >= 0:
            raise ValueError(f"{type(self).__name__} eps must not be negative, but got {eps}")
        self.eps = eps
        self.weight = Parameter(ones(shape, **place)) if weight else None
        self.bias = Parameter(zeros(shape, **place)) if weight and bias else None

    def reset_parameters(self) -> None:
        """Back to γ = 1 and β = 0."""
        for parameter, start in ((self.weight, 1), (self.bias, 0)):
            if parameter is not None:
                parameter.data.fill_(start)

    def extra_repr(self) -> str:
        return self.shown.format(**{**vars(self), "bias": self.bias is not None})

    def _explained(self, input: Tensor, axes: tuple[int, ...]) -> str:
        shape = input.array.shape
        n = math.prod(shape[k] for k in axes)
        kept = [k for k in range(len(shape)) if k not in axes]
        return (
            f"{type(self).__name__} on {shape}: mean and variance over axis {', '.join(map(str, axes))}, of "
            f"{n} elements each; one mean for every place along axis {', '.join(map(str, kept))}, "
            f"{input.array.size // max(n, 1)} in all"
        )


class _BatchNorm(_Normalization):
    dims: tuple[int, ...]
    shown = (
        "{num_features}, eps={eps}, momentum={momentum}, affine={affine}, bias={bias}, "
        "track_running_stats={track_running_stats}"
    )

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
        track_running_stats: bool = True, device: Any = None, dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(num_features, eps, affine, bias, device=device, dtype=dtype)
        self.num_features, self.momentum = num_features, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.register_buffer(
            "running_mean", zeros(num_features, dtype=dtype) if track_running_stats else None
        )
        self.register_buffer("running_var", ones(num_features, dtype=dtype) if track_running_stats else None)
        self.register_buffer("num_batches_tracked", tensor(0) if track_running_stats else None)

    def reset_running_stats(self) -> None:
        """Forget the batches seen so far."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Back to γ = 1 and β = 0, and nothing remembered."""
        self.reset_running_stats()
        super().reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        self._check(input)
        tracking = self.training and self.track_running_stats
        momentum = self.momentum or 0.0
        if tracking and self.momentum is None:  # the plain average of all batches, this one included
            momentum = 1 / (self.num_batches_tracked.item() + 1)
        use_batch = self.training or not self.track_running_stats
        statistics = self.running_mean, self.running_var
        y = batch_norm(input, *statistics, self.weight, self.bias, use_batch, momentum, self.eps)
        if tracking:
            self.num_batches_tracked.array += 1
        return y

    def _check(self, input: Tensor) -> None:
        name, shape = type(self).__name__, input.array.shape
        if len(shape) not in self.dims:
            expected = " or ".join(f"{n}D" for n in self.dims)
            raise ValueError(f"{name}: expected {expected} input (got {len(shape)}D input of shape {shape})")
        if shape[1] != self.num_features:
            raise RuntimeError(
                f"{name}({self.num_features}): the input of shape {shape} has {shape[1]} channels in dim 1; "
                f"write {name}({shape[1]}), or change the layer before"
            )

    def explain(self, input: Tensor) -> str:
        """Over which axes of this input it takes mean and variance."""
        return self._explained(input, _all_but_channels(input))


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


class _OverLastAxes(_Normalization):
    def __init__(self, normalized_shape: Any, eps: Any, weight: bool, bias: bool, **place: Any) -> None:
        single = isinstance(normalized_shape, (int, np.integer))
        shape = (int(normalized_shape),) if single else tuple(normalized_shape)
        super().__init__(shape, eps, weight, bias, **place)
        self.normalized_shape, self.elementwise_affine = shape, weight


class LayerNorm(_OverLastAxes):
    """Standardize each sample over its last axes, `normalized_shape`, whatever the batch and the mode."""

    shown = "{normalized_shape}, eps={eps}, elementwise_affine={elementwise_affine}, bias={bias}"

    def __init__(
        self, normalized_shape: Any, eps: float = 1e-5, elementwise_affine: bool = True, bias: bool = True,
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(normalized_shape, eps, elementwise_affine, bias, device=device, dtype=dtype)

    def forward(self, input: Tensor) -> Tensor:
        return layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def explain(self, input: Tensor) -> str:
        """Over which axes of this input it takes mean and variance."""
        return self._explained(input, tuple(range(input.ndim - len(self.normalized_shape), input.ndim)))


class RMSNorm(_OverLastAxes):
    """Divide each sample by the root mean square over its last axes: LayerNorm without the mean."""

    shown = "{normalized_shape}, eps={eps}, elementwise_affine={elementwise_affine}"

    def __init__(
        self, normalized_shape: Any, eps: float | None = None, elementwise_affine: bool = True,
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(normalized_shape, eps, elementwise_affine, False, device=device, dtype=dtype)

    def forward(self, input: Tensor) -> Tensor:
        return rms_norm(input, self.normalized_shape, self.weight, self.eps)


class GroupNorm(_Normalization):
    """Standardize groups of channels in each sample, (n, num_channels, …) → the same, whatever the batch."""

    shown = "{num_groups}, {num_channels}, eps={eps}, affine={affine}, bias={bias}"

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True,
        device: Any = None, dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        if num_groups < 1 or num_channels % num_groups:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        super().__init__(num_channels, eps, affine, bias, device=device, dtype=dtype)
        self.num_groups, self.num_channels, self.affine = num_groups, num_channels, affine

    def forward(self, input: Tensor) -> Tensor:
        return group_norm(input, self.num_groups, self.weight, self.bias, self.eps)
