"""1. The chain rule, by hand.

A formula is computed in small steps, and each step has a slope: how much its output moves when its input
moves by a little. Where one step follows another, slopes multiply. So walk through the formula backwards,
from dy/dy = 1, and multiply by one slope at each step: that is the derivative by everything on the way.
"""

import math


def forward(x, w, b):
    """y = tanh(w x + b), in three steps."""
    u = w * x
    s = u + b
    return math.tanh(s)


def backward(x, w, b):
    """The derivatives of y by x, w and b."""
    y = forward(x, w, b)
    dy = 1.0
    ds = dy * (1 - y * y)  # the slope of tanh is 1 − tanh²
    du = ds * 1.0  #         s = u + b moves as much as u,
    db = ds * 1.0  #         and as much as b
    dx = du * w  #           u = w x moves w times as much as x,
    dw = du * x  #           and x times as much as w
    return [dx, dw, db]


def differences(f, inputs, h=1e-5):
    """The same, measured: move one input at a time by ± h, and see how far f moves."""
    slopes = []
    for k, x in enumerate(inputs):
        up, down = ([*inputs[:k], x + d, *inputs[k + 1 :]] for d in (h, -h))
        slopes.append((f(*up) - f(*down)) / (2 * h))
    return slopes


if __name__ == "__main__":
    found, measured = backward(0.5, -1.2, 0.3), differences(forward, [0.5, -1.2, 0.3])
    for name, g, d in zip("xwb", found, measured):
        print(f"dy/d{name} = {g:.6f}, measured {d:.6f}")
    assert max(abs(g - d) for g, d in zip(found, measured)) < 1e-9
