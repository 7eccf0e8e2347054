"""2. A value that remembers how it was made.

Let each value remember what it was made of, and with which slopes. Then the walk back is one function for
all formulas: hand the gradient on to each input, times the slope. Where a value was used twice, two come
back, and add up. It is right, and fails in two ways. A value is walked through once for each way that leads
to it: of 15 doublings y = y + y that takes 65 535 calls, and one more doubles them. And 1 000 steps in a row
are more calls inside each other than Python allows.
"""

import math

from demos.steps.step1_chain import differences


class Value:
    def __init__(self, number, made_of=()):
        self.number, self.made_of, self.grad = number, made_of, 0.0

    def __add__(self, other):
        return type(self)(self.number + other.number, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        return type(self)(self.number * other.number, [(self, other.number), (other, self.number)])

    def tanh(self):
        y = math.tanh(self.number)
        return type(self)(y, [(self, 1 - y * y)])


def backward(y, g=1.0):
    """Add to the .grad of all that y was made of; returns how many calls it took."""
    y.grad += g
    return 1 + sum(backward(x, g * slope) for x, slope in y.made_of)


if __name__ == "__main__":
    x, w, b = map(Value, (0.5, -1.2, 0.3))
    backward((w * x + b).tanh() * x)
    measured = differences(lambda x, w, b: math.tanh(w * x + b) * x, [0.5, -1.2, 0.3])
    assert all(abs(value.grad - d) < 1e-9 for value, d in zip((x, w, b), measured))
    y = z = Value(1.0)
    for _ in range(15):
        y = y + y
    for _ in range(1000):
        z = z * Value(1.0)
    print(f"15 doublings take {backward(y):,} calls".replace(",", " "))
    try:
        backward(z)
    except RecursionError as error:
        print(f"1 000 steps: {error}")
