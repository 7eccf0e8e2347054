"""Which line of the user's own program is running: for warnings and error messages that point at it."""

from __future__ import annotations

import linecache
import os
import sys
import warnings

import numpy as np

_NOT_THE_USERS = (os.path.dirname(os.path.dirname(os.path.abspath(__file__))), os.path.dirname(np.__file__))


def _depth() -> int:
    """How many frames above the caller the innermost line stands that belongs to neither us nor NumPy."""
    depth = 1
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_NOT_THE_USERS):
        frame, depth = frame.f_back, depth + 1
    return depth


def users_line() -> str:
    """File, line number and text of that line."""
    frame = sys._getframe(_depth() - 1)
    name, number = frame.f_code.co_filename, frame.f_lineno
    text = linecache.getline(name, number).strip()
    return f"{name}, line {number}" + (f": {text}" if text else "")


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn, and point at that line."""
    warnings.warn(message, category, stacklevel=_depth())
