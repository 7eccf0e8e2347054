"""Batch and layer normalization as functions: one `standardize`, on different axes."""

from __future__ import annotations

from .. import ops
from ..grad_mode import no_grad
from ..tensor import Tensor


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
    """Standardize every channel (dim 1) over batch and positions, then scale and shift it: y = γ (x − μ)/√(v
    + ε) + β.

    In training μ and v are those of the batch, and the running ones move towards them by `momentum`. v is
    biased (÷ n) in the formula, but unbiased (÷ (n − 1)) in running_var, as in Ioffe & Szegedy 2015.
    Otherwise μ and v are the running ones.
    """
    axes = tuple(k for k in range(input.array.ndim) if k != 1)
    shape = tuple(n if k == 1 else 1 for k, n in enumerate(input.array.shape))
    if training or running_mean is None or running_var is None:
        n = input.array.size // max(input.array.shape[1], 1)
        if n == 1:
            raise ValueError(
                f"Expected more than 1 value per channel when training, got input size {tuple(input.shape)}: "
                "one sample minus its own mean is 0, whatever it was. Use model.eval(), drop_last=True in "
                "the DataLoader, or LayerNorm"
            )
        y, mean, var = ops.standardize(input, axis=axes, eps=eps)
        if running_mean is not None and running_var is not None:
            with no_grad():
                running_mean += momentum * (mean.detach().reshape(-1) - running_mean)
                running_var += momentum * (var.detach().reshape(-1) * (n / (n - 1)) - running_var)
    else:
        y = (input - running_mean.reshape(shape)) / (running_var.reshape(shape) + eps).sqrt()
    if weight is not None:
        y = y * weight.reshape(shape)
    return y if bias is None else y + bias.reshape(shape)


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
    if weight is not None:
        y = y * weight
    return y if bias is None else y + bias
