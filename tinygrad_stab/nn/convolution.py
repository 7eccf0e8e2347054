"""Convolution and pooling, as functions and as layers: something done at every window of an image.

Images are (n, c, h, w), and n may be missing. A window of (kh, kw) that moves by `stride` over an image with
`padding` rows and columns around it finds room at h′ · w′ places:

    h′ = ⌊(h + 2 padding − kh) / stride⌋ + 1,   and w′ likewise

Sizes, strides and paddings are one number, or one for each direction (down, across). The mathematics stands
in `ops/convolution.py` and `ops/pooling.py`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..ops import convolution, pooling
from ..tensor import Tensor
from ..tensor.creation import empty
from ..tensor.left_out import refuse
from . import init
from .module import Module
from .parameter import Parameter

# What PyTorch has beyond this: the only value that it can have here, and why.
_ONLY = {
    "dilation":          (1,       "a window with gaps says nothing new about gradients"),
    "groups":            (1,       "a grouped convolution is several small ones side by side: write those"),
    "padding_mode":      ("zeros", "beyond its border an image counts as 0 here"),
    "ceil_mode":         (False,   "what does not fill a window is left out; use padding to keep it"),
    "return_indices":    (False,   "no layer here takes them"),
    "count_include_pad": (True,    "a mean is over all kh · kw places of the window"),
    "divisor_override":  (None,    "a mean is over all kh · kw places of the window"),
}  # fmt: skip


def conv2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
    dilation: Any = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Apply a weight (o, c, kh, kw) everywhere: (n, c, h, w) → (n, o, h′, w′); padding="same" keeps h, w."""
    refuse("conv2d", {"dilation": max(_pair(dilation)), "groups": groups}, _ONLY)
    if input.array.ndim == 3:
        return conv2d(input.unsqueeze(0), weight, bias, stride, padding).squeeze(0)
    kernel, step = weight.array.shape[2:], _pair(stride)
    margin = _margin(padding, kernel, step)
    _check_fit("conv2d", input, kernel, step, margin)
    if input.array.shape[1] != weight.array.shape[1]:
        raise RuntimeError(
            f"Given groups=1, weight of size {list(weight.shape)}, expected input{list(input.shape)} to have "
            f"{weight.array.shape[1]} channels, but got {input.array.shape[1]} channels instead: change "
            "in_channels, or the layer before"
        )
    if weight.array.dtype.kind != "f":
        weight._floats("conv2d")
    return convolution.conv2d(input, weight, bias, step, margin)


def max_pool2d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, **variants: Any
) -> Tensor:
    """The largest of every window, side by side if no stride is given: (n, c, h, w) → (n, c, h′, w′)."""
    return _pooled(pooling.max_pool2d, input, kernel_size, stride, padding, variants)


def avg_pool2d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, **variants: Any
) -> Tensor:
    """The mean of every window, zeros around the image included; else as `max_pool2d`."""
    return _pooled(pooling.avg_pool2d, input, kernel_size, stride, padding, variants)


def _pooled(pool: Any, input: Tensor, size: Any, stride: Any, padding: Any, variants: dict) -> Tensor:
    name = pool.__name__
    refuse(name, variants, _ONLY)
    if input.array.ndim == 3:
        return _pooled(pool, input.unsqueeze(0), size, stride, padding, {}).squeeze(0)
    if pool is pooling.avg_pool2d or input.array.dtype.kind == "b":
        input._floats(name)
    kernel, margin = _pair(size), _pair(padding)
    step = kernel if stride is None else _pair(stride)
    _check_fit(name, input, kernel, step, margin)
    if any(2 * p > k for p, k in zip(margin, kernel)):
        raise RuntimeError(
            f"{name}: pad should be at most half of effective kernel size, but got pad={padding} and "
            f"kernel_size={size}: some windows would hold nothing but padding"
        )
    return pool(input, kernel, step, margin)


def _pair(value: Any) -> tuple[int, int]:
    down, *more = value if isinstance(value, (tuple, list)) and value else (value,)
    across = more[0] if more else down
    if len(more) > 1 or not all(isinstance(n, (int, np.integer)) for n in (down, across)):
        raise ValueError(f"expected one whole number, or two for (down, across), not {value!r}")
    return int(down), int(across)


def _margin(padding: Any, kernel: tuple[int, int], stride: tuple[int, int]) -> tuple[int, int]:
    """The padding in numbers."""
    if padding == "same":
        if stride != (1, 1):
            raise ValueError("padding='same' is not supported for strided convolutions")
        if kernel[0] % 2 == 0 or kernel[1] % 2 == 0:
            raise ValueError(f"padding='same' needs an odd kernel_size, not {kernel}: it has no middle")
        return kernel[0] // 2, kernel[1] // 2
    if isinstance(padding, str) and padding != "valid":
        raise ValueError(f"Invalid padding string {padding!r}, should be one of 'valid', 'same'")
    return (0, 0) if padding == "valid" else _pair(padding)


def _check_fit(
    name: str, input: Tensor, kernel: Any, stride: tuple[int, int], padding: tuple[int, int]
) -> None:
    """Refuse what is no batch of images, or images that a window does not fit into."""
    shape = input.array.shape
    if len(shape) != 4:
        raise RuntimeError(
            f"Expected 3D (unbatched) or 4D (batched) input to {name}, but got input of size: {list(shape)}"
        )
    if min(padding) < 0:
        raise RuntimeError(f"{name}: negative padding is not supported, got {padding}")
    if min(stride) <= 0:
        raise RuntimeError(f"{name}: non-positive stride is not supported, got {stride}")
    size = [m + 2 * p for m, p in zip(shape[2:], padding)]
    if any(k > m for k, m in zip(kernel, size)):
        raise RuntimeError(
            f"{name}: Calculated padded input size per channel: ({size[0]} x {size[1]}). Kernel size: "
            f"({kernel[0]} x {kernel[1]}). Kernel size can't be greater than actual input size"
        )


# --- as modules ---------------------------------------------------------------------------------------------


class Conv2d(Module):
    """y[o] = b[o] + Σ_c W[o, c] ∗ x[c]: one small weight at every place of an image.

    W (out_channels, in_channels, kh, kw) and b (out_channels) start uniform on ±1/√fan_in with
    fan_in = in_channels · kh · kw, as Linear's do.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0,
        dilation: Any = 1, groups: int = 1, bias: bool = True, padding_mode: str = "zeros",
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        given = {"dilation": max(_pair(dilation)), "groups": groups, "padding_mode": padding_mode}
        refuse("Conv2d", given, _ONLY)
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.stride = _pair(kernel_size), _pair(stride)
        self.padding = padding if isinstance(padding, str) else _pair(padding)
        _margin(padding, self.kernel_size, self.stride)
        self.weight = Parameter(
            empty(out_channels, in_channels, *self.kernel_size, dtype=dtype, device=device)
        )
        self.bias = Parameter(empty(out_channels, dtype=dtype, device=device)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw W and b anew."""
        bound = 1 / math.sqrt(max(math.prod(self.weight.array.shape[1:]), 1))
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        return conv2d(input, self.weight, self.bias, self.stride, self.padding)

    def extra_repr(self) -> str:
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"
        text += f", stride={self.stride}"
        text += f", padding={self.padding}" if self.padding != (0, 0) else ""
        return text + (", bias=False" if self.bias is None else "")


class _Pool2d(Module):
    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0, **variants: Any) -> None:
        super().__init__()
        refuse(type(self).__name__, variants, _ONLY)
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
