"""Where a function of one variable is zero."""

from __future__ import annotations

import math
from collections.abc import Callable


def crossing(f: Callable[[float], float], upwards: float, reach: float) -> float | None:
    """The zero of f first met on the way from 0, in steps of |upwards|; None if there is none within `reach`.

    The way leads to the right if f(0) has the sign of `upwards`, else to the left.
    """
    start, here = f(0.0), 0.0
    if abs(start) < 1e-12:
        return 0.0
    step = math.copysign(upwards, start * upwards)
    while abs(here) < reach:
        if f(here + step) * start <= 0:
            return root(f, here, here + step)
        here += step
    return None


def root(f: Callable[[float], float], a: float, b: float) -> float:
    """A zero between a and b, where f has opposite signs: false position, with the Illinois rule."""
    fa, fb = f(a), f(b)
    for _ in range(100):
        if fb == 0 or abs(b - a) <= 1e-13 * abs(b):
            break
        c = b - fb * (b - a) / (fb - fa)
        fc = f(c)
        if (fc < 0) != (fb < 0):
            a, fa = b, fb
        else:
            fa /= 2
        b, fb = c, fc
    return b
