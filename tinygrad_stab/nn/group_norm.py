"""Group normalization, as a function and as a module: `standardize` once more, on other axes."""

from __future__ import annotations

from .. import ops
from ..creation import ones, zeros
from ..tensor import Tensor
from .module import Module
from .normalization import scaled_and_shifted
from .parameter import Parameter


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Standardize groups of channels (dim 1) in each sample: y = γ (x − μ)/√(v + ε) + β (Wu & He 2018).

    One group is LayerNorm over all but the batch; as many groups as channels, each channel by itself.
    """
    n, channels = input.array.shape[:2]
    if channels % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(input.shape)} and num_groups={num_groups}"
        )
    y, _, _ = ops.standardize(input.reshape(n, num_groups, -1), axis=-1, eps=eps)
    per_channel = (-1, *[1] * (input.array.ndim - 2))
    gamma, beta = (p if p is None else p.reshape(per_channel) for p in (weight, bias))
    return scaled_and_shifted(y.reshape(input.array.shape), gamma, beta)


class GroupNorm(Module):
    """Standardize groups of channels in each sample, (n, num_channels, …) → the same, whatever the batch."""

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True) -> None:
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self.weight = Parameter(ones(num_channels)) if affine else None
        self.bias = Parameter(zeros(num_channels)) if affine else None

    def forward(self, input: Tensor) -> Tensor:
        return group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        affine = f"affine={self.affine}, bias={self.affine}"
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, {affine}"
