"""The linear layer."""

from __future__ import annotations

import math
from typing import Any

from .. import ops
from ..tensor import Tensor
from ..tensor.creation import empty
from . import init
from .module import Module
from .parameter import Parameter


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x Wᵀ + b, for x (…, d_in), W (d_out, d_in), b (d_out)."""
    return ops.linear(input, weight, bias)


class Linear(Module):
    """y = x Wᵀ + b, for x (…, in_features) → (…, out_features).

    W and b start uniform on ±1/√in_features. The variance of W is then 1/(3 in_features): a third of what
    keeps the signal's size through a linear net, and a sixth of what a ReLU net needs (`init`). PyTorch
    arrives at it as kaiming_uniform_(W, a=√5), whose bound is √(6 / ((1 + 5) in_features)).
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(empty(out_features, in_features, dtype=dtype, device=device))
        self.bias = Parameter(empty(out_features, dtype=dtype, device=device)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw W and b anew."""
        bound = 1 / math.sqrt(self.in_features) if self.in_features else 0
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        return ops.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"
        )


class Identity(Module):
    """y = x; takes, and ignores, any arguments."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input
