"""Normalization by the root mean square, as a function and as a module."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..creation import ones
from ..ops.normalization import rms_normalize
from ..tensor import Tensor
from .module import Module
from .parameter import Parameter


def rms_norm(
    input: Tensor, normalized_shape: tuple[int, ...], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """y = γ x / √(mean x² + ε) over the last axes (Zhang & Sennrich 2019); ε is the dtype's if not given."""
    n = len(normalized_shape)
    if input.array.shape[-n:] != tuple(normalized_shape):
        raise RuntimeError(
            f"rms_norm: normalized_shape={list(normalized_shape)} expects input of shape "
            f"[*, {', '.join(map(str, normalized_shape))}], but got {list(input.shape)}"
        )
    eps = float(np.finfo(input.array.dtype).eps) if eps is None else eps
    y = rms_normalize(input, axis=tuple(range(-n, 0)), eps=eps)
    return y if weight is None else y * weight


class RMSNorm(Module):
    """Divide each sample by the root mean square over its last axes: LayerNorm without the mean."""

    def __init__(
        self, normalized_shape: Any, eps: float | None = None, elementwise_affine: bool = True
    ) -> None:
        super().__init__()
        single = isinstance(normalized_shape, (int, np.integer))
        self.normalized_shape = (int(normalized_shape),) if single else tuple(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self.weight = Parameter(ones(self.normalized_shape)) if elementwise_affine else None

    def forward(self, input: Tensor) -> Tensor:
        return rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
