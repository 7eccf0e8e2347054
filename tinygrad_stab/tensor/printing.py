"""How PyTorch prints a tensor, to the byte.

One notation is chosen for the whole tensor, so that a column of numbers can be compared at a glance:

    integers, bools     as they are            tensor([1, 2])         tensor([ True, False])
    whole floats        `1.`                   tensor([1., 2.])
    other floats        4 decimals             tensor([0.5000, 2.0000])
    a wide range        scientific             tensor([1.0000e-06, 2.0000e+00])

Every cell is as wide as the widest, rows wrap at 80 columns, the slices of a d-dimensional block are parted
by d − 1 line ends, and beyond 1000 elements only the 3 at either end of each axis are shown. What the numbers
do not say follows them: the size of an empty tensor, a dtype that is not the default, where it came from.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from .dtypes import get_default_dtype


@dataclasses.dataclass(frozen=True)
class _Options:
    precision: int = 4  # decimals
    threshold: float = 1000  # elements beyond which a tensor is summarised
    edgeitems: int = 3  # shown at either end of a summarised axis
    linewidth: int = 80  # columns
    sci_mode: bool | None = None  # None: decide by the range of the values


_PROFILES = {
    "default": _Options(),
    "short":   _Options(precision=2, edgeitems=2),
    "full":    _Options(threshold=math.inf),
}  # fmt: skip

_options = _PROFILES["default"]


def set_printoptions(
    precision: int | None = None, threshold: float | None = None, edgeitems: int | None = None,
    linewidth: int | None = None, profile: str | None = None, sci_mode: bool | None = None,
) -> None:  # fmt: skip
    """Change how tensors print from now on; None leaves an option as it was, but `sci_mode` automatic."""
    global _options
    if profile is not None and profile not in _PROFILES:
        raise ValueError(f"set_printoptions: no profile {profile!r}; choose one of {', '.join(_PROFILES)}")
    chosen: dict[str, Any] = dict(
        precision=precision, threshold=threshold, edgeitems=edgeitems, linewidth=linewidth
    )
    given = {name: value for name, value in chosen.items() if value is not None}
    base = _options if profile is None else _PROFILES[profile]
    _options = dataclasses.replace(base, sci_mode=sci_mode, **given)


def tensor_repr(
    array: np.ndarray, *, requires_grad: bool = False, grad_fn: str | None = None, prefix: str = "tensor("
) -> str:
    """Return what PyTorch prints for this tensor; `grad_fn` is a name as `grad_fn_name` gives it."""
    body = _numbers(array, len(prefix)) if array.size else "[]"
    notes = []
    if (array.size == 0 and array.ndim != 1) or (array.size and not _options.edgeitems):
        notes.append(f"size={array.shape}")
    if array.dtype != get_default_dtype() and not (array.size and array.dtype.name in ("int64", "bool")):
        notes.append(f"dtype=torch.{array.dtype.name}")
    if grad_fn is not None:
        notes.append(f"grad_fn=<{grad_fn}>")
    elif requires_grad:
        notes.append("requires_grad=True")
    return _annotate(prefix + body, notes, len(prefix)) + ")"


def _numbers(array: np.ndarray, indent: int) -> str:
    k = _options.edgeitems
    cut = [array.size > _options.threshold and n > 2 * k for n in array.shape]
    for axis, shortened in enumerate(cut):
        if shortened:
            ends = [*range(k), *range(array.shape[axis] - k, array.shape[axis])]
            array = array.take(ends, axis=axis)
    spec, width = _notation(array.ravel())
    return _nested(array, cut, spec, width, indent)


def _notation(values: np.ndarray) -> tuple[str, int]:
    """The format specification that suits all values, and the width of the widest of them."""
    spec = ""
    if values.dtype.kind == "f":
        # Only these decide, on the width too: PyTorch lets a wider -0., nan or inf stand crooked, so we do.
        values = values[np.isfinite(values) & (values != 0)]
        if _is_scientific(np.abs(values)):
            spec = f".{_options.precision}e"
        elif np.all(values == np.ceil(values)):
            spec = "#.0f"  # `#` keeps the point: 1. but inf, nan
        else:
            spec = f".{_options.precision}f"
    return spec, max((len(format(v, spec)) for v in values.tolist()), default=1)


def _is_scientific(magnitudes: np.ndarray) -> bool:
    """Would fixed-point digits be lost on them: max / min > 1000, max > 10⁸ or min < 10⁻⁴?"""
    if magnitudes.size == 0:
        return False
    if _options.sci_mode is not None:
        return _options.sci_mode
    low, high = float(magnitudes.min()), float(magnitudes.max())
    return high / low > 1000 or high > 1e8 or low < 1e-4


def _nested(block: np.ndarray, cut: list[bool], spec: str, width: int, indent: int) -> str:
    if block.ndim == 0:
        return format(block.item(), spec).rjust(width)
    parts = [_nested(part, cut[1:], spec, width, indent + 1) for part in block]
    is_row = block.ndim == 1
    if cut[0]:
        k = _options.edgeitems
        parts.insert(k, " ..." if is_row and k else "...")
    if is_row:
        per_line = max(1, (_options.linewidth - indent) // (width + len(", ")))
        parts = [", ".join(parts[i : i + per_line]) for i in range(0, len(parts), per_line)]
    line_ends = "\n" * max(1, block.ndim - 1)
    return "[" + ("," + line_ends + " " * (indent + 1)).join(parts) + "]"


def _annotate(text: str, notes: list[str], indent: int) -> str:
    # The first note's line is taken for two columns longer than it is. PyTorch does so, hence we must.
    column = len(text) - (text.rfind("\n") + 1) + 2
    for note in notes:
        if column + len(", ") + len(note) > _options.linewidth:
            text += ",\n" + " " * indent + note
            column = indent + len(note)
        else:
            text += ", " + note
            column += len(", ") + len(note)
    return text


# --- grad_fn=<…>: the name of the step that made the tensor -------------------------------------------------

_GRAD_FN = {
    "subtract": "SubBackward0",               "reshape":       "ViewBackward0",
    "multiply": "MulBackward0",               "transpose":     "PermuteBackward0",
    "divide":   "DivBackward0",               "swapaxes":      "TransposeBackward0",
    "negative": "NegBackward0",               "broadcast_to":  "ExpandBackward0",
    "power":    "PowBackward0",               "expand_dims":   "UnsqueezeBackward0",
    "square":   "PowBackward0",               "getitem":       "SelectBackward0",
    "absolute": "AbsBackward0",               "concatenate":   "CatBackward0",
    "clip":     "ClampBackward1",             "copy":          "CloneBackward0",
    "max":      "MaxBackward1",               "selu":          "EluBackward0",
    "min":      "MinBackward1",               "prelu":         "PreluKernelBackward0",
    "norm":     "LinalgVectorNormBackward0",  "batch_norm":    "NativeBatchNormBackward0",
    "select":   "MulBackward0",               "lstm_hidden":   "MulBackward0",
    "matmul":   "MmBackward0",                "mse":           "MseLossBackward0",
    "linear":   "AddmmBackward0",             "cross_entropy": "NllLossBackward0",
    "conv2d":   "ConvolutionBackward0",       "standardize":   "NativeLayerNormBackward0",
    "astype":   "ToCopyBackward0",            "replace":       "CopySlices",
}  # fmt: skip


def grad_fn_name(op: str) -> str:
    """Return PyTorch's name for the backward step of our op: tanh → TanhBackward0, add → AddBackward0."""
    # PyTorch, too, begins a word after a digit: log1p → Log1PBackward0, avg_pool2d → AvgPool2DBackward0.
    return _GRAD_FN.get(op) or op.title().replace("_", "") + "Backward0"


# --- in one line, what a repr does not tell -----------------------------------------------------------------


def described(array: np.ndarray) -> str:
    """Dtype, shape, mean, standard deviation, extent, share of zeros, and how many are not finite."""
    text = f"{array.dtype} {array.shape}"
    values = array[np.isfinite(array)].astype(np.float64)
    if values.size:
        extent = f"from {values.min():.4g} to {values.max():.4g}"
        text += f": mean {values.mean():.4g}, std {values.std():.4g}, {extent}"
        text += f", {np.mean(array == 0):.0%} zeros"
    for name, count in (("nan", np.isnan(array).sum()), ("inf", np.isinf(array).sum())):
        text += f", {count} {name}" if count else ""
    return text
