"""Activations, as functions and as modules. Formulas and slopes stand in `ops/activation.py`."""

from __future__ import annotations

from .. import ops
from ..creation import full
from ..tensor import Tensor
from .module import Module
from .parameter import Parameter


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + e⁻ˣ); slope at most 1/4."""
    return ops.sigmoid(input)


def tanh(input: Tensor) -> Tensor:
    """tanh x; slope at most 1."""
    return ops.tanh(input)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0); slope 1 or 0."""
    return ops.relu(input)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x σ(x)."""
    return ops.silu(input)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """1.0507 · elu(x, 1.6733)."""
    return ops.selu(input)


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


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """x, but not below min_val nor above max_val; slope 1 in between, 0 outside."""
    _check_bounds(min_val, max_val)
    return ops.hardtanh(input, low=min_val, high=max_val)


def _check_bounds(min_val: float, max_val: float) -> None:
    if min_val >= max_val:
        raise ValueError(f"min_val must be less than max_val, got min_val={min_val} and max_val={max_val}")


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


class Sigmoid(Module):
    """1 / (1 + e⁻ˣ); slope at most 1/4."""

    def forward(self, input: Tensor) -> Tensor:
        return ops.sigmoid(input)


class Tanh(Module):
    """tanh x; slope at most 1."""

    def forward(self, input: Tensor) -> Tensor:
        return ops.tanh(input)


class _InPlaceActivation(Module):
    # `inplace` is taken for PyTorch's sake and has no effect: it saves memory there, not here

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class ReLU(_InPlaceActivation):
    """max(x, 0); slope 1 or 0."""

    def forward(self, input: Tensor) -> Tensor:
        return ops.relu(input)


class SiLU(_InPlaceActivation):
    """x σ(x)."""

    def forward(self, input: Tensor) -> Tensor:
        return ops.silu(input)


class SELU(_InPlaceActivation):
    """1.0507 · elu(x, 1.6733): keeps mean 0 and variance 1 going forward (Klambauer et al. 2017)."""

    def forward(self, input: Tensor) -> Tensor:
        return ops.selu(input)


class LeakyReLU(Module):
    """x for x > 0, negative_slope · x below."""

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope, self.inplace = negative_slope, inplace

    def forward(self, input: Tensor) -> Tensor:
        return ops.leaky_relu(input, slope=self.negative_slope)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}" + (", inplace=True" if self.inplace else "")


class ELU(Module):
    """x for x > 0, α (eˣ − 1) below: its mean output is nearer to 0 than ReLU's (Clevert et al. 2015)."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace

    def forward(self, input: Tensor) -> Tensor:
        return ops.elu(input, alpha=self.alpha)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class PReLU(Module):
    """x for x > 0, a x below; a is learned, one for all or one for each channel (He et al. 2015)."""

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.weight = Parameter(full((num_parameters,), float(init)))

    def forward(self, input: Tensor) -> Tensor:
        return prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class Hardtanh(Module):
    """x, but not below min_val nor above max_val: tanh in three straight pieces."""

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        _check_bounds(min_val, max_val)
        self.min_val, self.max_val, self.inplace = min_val, max_val, inplace

    def forward(self, input: Tensor) -> Tensor:
        return hardtanh(input, self.min_val, self.max_val)

    def extra_repr(self) -> str:
        return f"min_val={self.min_val}, max_val={self.max_val}" + (", inplace=True" if self.inplace else "")


class Softplus(Module):
    """log(1 + e^βx) / β: a smooth ReLU."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta, self.threshold = beta, threshold

    def forward(self, input: Tensor) -> Tensor:
        return softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class GELU(Module):
    """x Φ(x), Φ the normal distribution function."""

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        return gelu(input, self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class Softmax(Module):
    """eˣ / Σ eˣ along dim."""

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return softmax(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Softmax):
    """x − log Σ eˣ along dim."""

    def forward(self, input: Tensor) -> Tensor:
        return log_softmax(input, self.dim)
