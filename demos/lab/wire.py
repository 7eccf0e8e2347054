"""How numbers travel: as JSON that is valid also for what is not finite, as the strings inf, -inf and nan.

An exported answer is rounded to four significant digits, so that a hundred nets fit into one small file.
"""

from __future__ import annotations

import json
import math
from typing import Any

DIGITS = 4  # of an exported number


def packed(value: Any, digits: int | None = None) -> str:
    """JSON in one line."""
    return json.dumps(_plain(value, digits), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def unpacked(text: str) -> Any:
    """What was packed, its numbers as floats again."""
    return _back(json.loads(text))


def _plain(value: Any, digits: int | None) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(inner, digits) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner, digits) for inner in value]
    if isinstance(value, float):
        if not math.isfinite(value):
            return str(value)
        if digits is not None:
            value = float(f"{value:.{digits}g}")
        return int(value) if value == int(value) and abs(value) < 1e15 else value
    return value


def _back(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _back(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_back(inner) for inner in value]
    return float(value) if value in ("inf", "-inf", "nan") else value
