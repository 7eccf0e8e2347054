"""PyTorch's functions on tensors, `torch.mean(x, dim=0)`: where there is a method, it is the method."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from .. import ops
from ..engine.graph import array_of
from .tensor import Tensor

Result = TypeVar("Result")


def _function(method: Callable[..., Result]) -> Callable[..., Result]:
    """A method as a function, whose first argument may be given by its name, `input`."""

    @functools.wraps(method)
    def function(input: Any, *arguments: Any, **options: Any) -> Result:
        return method(input, *arguments, **options)

    function.__qualname__, function.__module__ = method.__name__, __name__
    return function


# fmt: off
abs         = _function(Tensor.abs)
neg         = _function(Tensor.neg)
exp         = _function(Tensor.exp)
log         = _function(Tensor.log)
log1p       = _function(Tensor.log1p)
log10       = _function(Tensor.log10)
sqrt        = _function(Tensor.sqrt)
rsqrt       = _function(Tensor.rsqrt)
reciprocal  = _function(Tensor.reciprocal)
square      = _function(Tensor.square)
sin         = _function(Tensor.sin)
cos         = _function(Tensor.cos)
sinh        = _function(Tensor.sinh)
cosh        = _function(Tensor.cosh)
tanh        = _function(Tensor.tanh)
sigmoid     = _function(Tensor.sigmoid)
relu        = _function(Tensor.relu)
erf         = _function(Tensor.erf)
sign        = _function(Tensor.sign)
floor       = _function(Tensor.floor)
ceil        = _function(Tensor.ceil)
round       = _function(Tensor.round)
isnan       = _function(Tensor.isnan)
isinf       = _function(Tensor.isinf)
isfinite    = _function(Tensor.isfinite)
add         = _function(Tensor.add)
sub         = _function(Tensor.sub)
mul         = _function(Tensor.mul)
div         = _function(Tensor.div)
pow         = _function(Tensor.pow)
maximum     = _function(Tensor.maximum)
minimum     = _function(Tensor.minimum)
eq          = _function(Tensor.eq)
ne          = _function(Tensor.ne)
lt          = _function(Tensor.lt)
le          = _function(Tensor.le)
gt          = _function(Tensor.gt)
ge          = _function(Tensor.ge)
logical_and = _function(Tensor.logical_and)
logical_or  = _function(Tensor.logical_or)
logical_not = _function(Tensor.logical_not)
clamp       = _function(Tensor.clamp)
clamp_min   = _function(Tensor.clamp_min)
clamp_max   = _function(Tensor.clamp_max)
clip        = _function(Tensor.clip)
masked_fill = _function(Tensor.masked_fill)
matmul      = _function(Tensor.matmul)
mm          = _function(Tensor.mm)
bmm         = _function(Tensor.bmm)
mv          = _function(Tensor.mv)
dot         = _function(Tensor.dot)
sum         = _function(Tensor.sum)
mean        = _function(Tensor.mean)
var         = _function(Tensor.var)
std         = _function(Tensor.std)
norm        = _function(Tensor.norm)
max         = _function(Tensor.max)
min         = _function(Tensor.min)
amax        = _function(Tensor.amax)
amin        = _function(Tensor.amin)
argmax      = _function(Tensor.argmax)
argmin      = _function(Tensor.argmin)
any         = _function(Tensor.any)
all         = _function(Tensor.all)
topk        = _function(Tensor.topk)
median      = _function(Tensor.median)
quantile    = _function(Tensor.quantile)
logsumexp   = _function(Tensor.logsumexp)
softmax     = _function(Tensor.softmax)
log_softmax = _function(Tensor.log_softmax)
cumsum      = _function(Tensor.cumsum)
gather      = _function(Tensor.gather)
reshape     = _function(Tensor.reshape)
flatten     = _function(Tensor.flatten)
transpose   = _function(Tensor.transpose)
swapaxes    = _function(Tensor.swapaxes)
permute     = _function(Tensor.permute)
t           = _function(Tensor.t)
squeeze     = _function(Tensor.squeeze)
unsqueeze   = _function(Tensor.unsqueeze)
unbind      = _function(Tensor.unbind)
chunk       = _function(Tensor.chunk)
diag        = _function(Tensor.diag)
clone       = _function(Tensor.clone)
numel       = _function(Tensor.numel)
# fmt: on


def where(condition: Any, input: Any, other: Any) -> Tensor:
    """input where the condition holds, other where it does not."""
    return ops.where(condition, input, other)


def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Stretches along a dim, of one size but for the last, or of the sizes in a list."""
    return tensor.split(split_size_or_sections, dim)


def cat(tensors: Sequence[Tensor], dim: int = 0, *, axis: int | None = None) -> Tensor:
    """Put tensors one after the other along an existing dim; `torch.tensor([])` is passed over."""
    _check_parts("cat", tensors)
    parts = [t for t in tensors if array_of(t).shape != (0,)]
    return ops.concatenate(*(parts or tensors), axis=dim if axis is None else axis)


concat = concatenate = cat


def stack(tensors: Sequence[Tensor], dim: int = 0, *, axis: int | None = None) -> Tensor:
    """Put tensors of one shape one after the other along a new dim."""
    _check_parts("stack", tensors)
    return ops.stack(*tensors, axis=dim if axis is None else axis)


def _check_parts(name: str, tensors: Any) -> None:
    if not isinstance(tensors, (list, tuple)):
        kind = type(tensors).__name__
        raise TypeError(f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not {kind}")
    if not tensors:
        raise ValueError(f"{name}: expected a non-empty list of tensors")
    for k, t in enumerate(tensors):
        if not isinstance(t, Tensor):
            raise TypeError(
                f"{name}: expected Tensor as element {k} in argument 0, but got {type(t).__name__}: leave it "
                "out, or make one with torch.tensor(…)"
            )


def meshgrid(*tensors: Tensor, indexing: str = "ij") -> tuple[Tensor, ...]:
    """The coordinates of a grid's points, from those along its axes; "xy" puts the second axis first."""
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    axes = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
    shape = [axis.numel() for axis in axes]
    grids = (
        axis.reshape([-1 if j == k else 1 for j in range(len(shape))]).expand(shape)
        for k, axis in enumerate(axes)
    )
    return tuple(grid.transpose(0, 1) if indexing == "xy" and len(shape) > 1 else grid for grid in grids)


def is_tensor(obj: Any) -> bool:
    """Is it a tensor?"""
    return isinstance(obj, Tensor)


def equal(input: Tensor, other: Tensor) -> bool:
    """Do the tensors have the same shape and the same elements?"""
    return np.array_equal(array_of(input), array_of(other))


def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:
    """Is |input − other| ≤ atol + rtol |other| everywhere?"""
    return np.allclose(array_of(input), array_of(other), rtol, atol, equal_nan)
