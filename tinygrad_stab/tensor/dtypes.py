"""The dtypes, which are NumPy's, and the one that new floating-point tensors get."""

from __future__ import annotations

from typing import Any

import numpy as np

float16, float32, float64 = np.dtype("float16"), np.dtype("float32"), np.dtype("float64")
int32, int64, uint8 = np.dtype("int32"), np.dtype("int64"), np.dtype("uint8")
bool = np.dtype("bool")
double, float, half = float64, float32, float16
long, int = int64, int32

KINDS = "fiub"  # of what elements can be: floats, integers, unsigned ones, bools
_default = [float32]


def numbers(array: Any, op: str = "") -> Any:
    """The array, if its elements are real numbers or bools: the one gate, through which no object comes."""
    if array.dtype.kind in KINDS and array.dtype != np.longdouble:
        return array
    why = {
        "c": "no derivative here is one of complex numbers; compute with .real and .imag of the array apart",
        "f": "this machine's long double has no counterpart in PyTorch; use array.astype(np.float64)",
        "O": "objects, such as a Fraction or None; write float(x)",
    }.get(array.dtype.kind, "its elements must be numbers or bools")
    raise TypeError(f"{op + ': ' if op else ''}cannot make a tensor of {array.dtype}: {why}")


def get_default_dtype() -> np.dtype:
    """The dtype of new floating-point tensors: float32 unless changed."""
    return _default[0]


def set_default_dtype(dtype: Any) -> None:
    """Give new floating-point tensors this dtype. float64 is what numerical checks want."""
    if np.dtype(dtype).kind != "f":
        raise TypeError(f"the default dtype must be a floating point one, not {np.dtype(dtype)}")
    _default[0] = np.dtype(dtype)
