"""The dtypes, which are NumPy's, and the one that new floating-point tensors get."""

from __future__ import annotations

from typing import Any

import numpy as np

float16, float32, float64 = np.dtype("float16"), np.dtype("float32"), np.dtype("float64")
int32, int64, uint8 = np.dtype("int32"), np.dtype("int64"), np.dtype("uint8")
bool = np.dtype("bool")
double, float, half = float64, float32, float16
long, int = int64, int32

_default = [float32]


def get_default_dtype() -> np.dtype:
    """The dtype of new floating-point tensors: float32 unless changed."""
    return _default[0]


def set_default_dtype(dtype: Any) -> None:
    """Give new floating-point tensors this dtype. float64 is what numerical checks want."""
    if np.dtype(dtype).kind != "f":
        raise TypeError(f"the default dtype must be a floating point one, not {np.dtype(dtype)}")
    _default[0] = np.dtype(dtype)
