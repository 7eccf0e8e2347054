"""Convolution as a function and as a layer. The mathematics stands in `ops/convolution.py`."""

from __future__ import annotations

import math
from typing import Any

from ..creation import empty
from ..ops import convolution
from ..tensor import Tensor
from . import init
from .module import Module
from .parameter import Parameter


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Apply a weight (o, c, kh, kw) at every place of images (n, c, h, w) → (n, o, h′, w′); n may be missing.

    h′ = ⌊(h + 2 padding − kh)/stride⌋ + 1, and w′ likewise; padding="same" keeps the size. Stride and padding
    are one number, or one for each direction (down, across).
    """
    _refuse_variants("conv2d", dilation, groups)
    if input.array.ndim == 3:
        return conv2d(input.unsqueeze(0), weight, bias, stride, padding).squeeze(0)
    kernel, step = weight.array.shape[2:], pair(stride)
    margin = _margin(padding, kernel, step)
    check_fit("conv2d", input, kernel, step, margin)
    if input.array.shape[1] != weight.array.shape[1]:
        raise RuntimeError(
            f"Given groups=1, weight of size {list(weight.shape)}, expected input{list(input.shape)} to have "
            f"{weight.array.shape[1]} channels, but got {input.array.shape[1]} channels instead: change "
            "in_channels, or the layer before"
        )
    return convolution.conv2d(input, weight, bias, step, margin)


class Conv2d(Module):
    """y[o] = b[o] + Σ_c W[o, c] ∗ x[c]: one small weight at every place of an image.

    Images (n, in_channels, h, w) → (n, out_channels, h′, w′), with h′ = ⌊(h + 2 padding − kh)/stride⌋ + 1.
    W and b start uniform on ±1/√fan_in with fan_in = in_channels · kh · kw, as Linear's do.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        dtype: Any = None,
    ) -> None:
        super().__init__()
        _refuse_variants("Conv2d", dilation, groups)
        refuse("Conv2d", "padding_mode", padding_mode, "zeros", "beyond its border an image counts as 0 here")
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.stride = pair(kernel_size), pair(stride)
        self.padding = padding if isinstance(padding, str) else pair(padding)
        _margin(padding, self.kernel_size, self.stride)
        self.weight = Parameter(empty(out_channels, in_channels, *self.kernel_size, dtype=dtype))
        self.bias = Parameter(empty(out_channels, dtype=dtype)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw W and b anew."""
        fan_in = self.in_channels * math.prod(self.kernel_size)
        bound = 1 / math.sqrt(fan_in) if fan_in else 0
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        return conv2d(input, self.weight, self.bias, self.stride, self.padding)

    def extra_repr(self) -> str:
        text = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        )
        text += f", padding={self.padding}" if self.padding != (0, 0) else ""
        return text + (", bias=False" if self.bias is None else "")


def pair(value: Any) -> tuple[int, int]:
    """One number for each of the two directions."""
    down, across = value if isinstance(value, (tuple, list)) else (value, value)
    return int(down), int(across)


def refuse(layer: str, argument: str, value: Any, default: Any, why: str) -> None:
    """Refuse an argument of PyTorch's which has no effect here, unless it is left at its default."""
    if value != default:
        raise ValueError(f"{layer}: {argument}={value!r} is not supported: {why}")


def _refuse_variants(layer: str, dilation: Any, groups: int) -> None:
    refuse(layer, "dilation", pair(dilation), (1, 1), "a window with gaps says nothing new about gradients")
    refuse(
        layer, "groups", groups, 1, "a grouped convolution is several small ones side by side: write those"
    )


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
    return (0, 0) if padding == "valid" else pair(padding)


def check_fit(
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
