"""Pooling as functions and as layers. The mathematics stands in `ops/pooling.py`."""

from __future__ import annotations

from typing import Any

from ..ops import pooling
from ..tensor import Tensor
from .convolution import check_fit, pair, refuse
from .module import Module

# What PyTorch has beyond kernel_size, stride and padding: the only value it can have here, and why.
_VARIANTS = {
    "dilation":          (1,     "a window with gaps says nothing new about gradients"),
    "ceil_mode":         (False, "what does not fill a window is left out; use padding to keep it"),
    "return_indices":    (False, "no layer here takes them"),
    "count_include_pad": (True,  "a mean is over all kh · kw places of the window"),
    "divisor_override":  (None,  "a mean is over all kh · kw places of the window"),
}  # fmt: skip


def max_pool2d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, **variants: Any
) -> Tensor:
    """The largest element of every window of images (n, c, h, w) → (n, c, h′, w′); n may be missing.

    The windows lie side by side unless a stride is given. h′ = ⌊(h + 2 padding − kh)/stride⌋ + 1.
    """
    _refuse("max_pool2d", variants)
    return _pooled("max_pool2d", input, kernel_size, stride, padding)


def avg_pool2d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, **variants: Any
) -> Tensor:
    """The mean of every window of images, the zeros around them included. Shapes as in `max_pool2d`."""
    _refuse("avg_pool2d", variants)
    return _pooled("avg_pool2d", input, kernel_size, stride, padding)


def _refuse(name: str, variants: dict[str, Any]) -> None:
    for argument, value in variants.items():
        if argument not in _VARIANTS:
            raise TypeError(f"{name} got an unexpected keyword argument {argument!r}")
        refuse(name, argument, value, *_VARIANTS[argument])


def _pooled(name: str, input: Tensor, kernel_size: Any, stride: Any, padding: Any) -> Tensor:
    if input.array.ndim == 3:
        return _pooled(name, input.unsqueeze(0), kernel_size, stride, padding).squeeze(0)
    kernel, margin = pair(kernel_size), pair(padding)
    step = kernel if stride is None else pair(stride)
    check_fit(name, input, kernel, step, margin)
    if any(2 * p > k for p, k in zip(margin, kernel)):
        raise RuntimeError(
            f"{name}: pad should be at most half of effective kernel size, but got pad={padding} and "
            f"kernel_size={kernel_size}: some windows would hold nothing but padding"
        )
    pool = pooling.max_pool2d if name == "max_pool2d" else pooling.avg_pool2d
    return pool(input, kernel, step, margin)


class _Pool2d(Module):
    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0, **variants: Any) -> None:
        super().__init__()
        _refuse(type(self).__name__, variants)
        self.kernel_size, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxPool2d(_Pool2d):
    """The largest element of every window; the gradient goes to that element alone."""

    def forward(self, input: Tensor) -> Tensor:
        return max_pool2d(input, self.kernel_size, self.stride, self.padding)

    def extra_repr(self) -> str:
        return super().extra_repr() + ", dilation=1, ceil_mode=False"


class AvgPool2d(_Pool2d):
    """The mean of every window; the gradient is shared by its elements."""

    def forward(self, input: Tensor) -> Tensor:
        return avg_pool2d(input, self.kernel_size, self.stride, self.padding)
