"""3. Newest first.

Wait at each value until its gradient is complete: until everything that was made of it has handed on its own.
Which value is complete? Number values at birth. What was made of a value is younger than it, so the youngest
that has a gradient lacks nothing. Go on from the youngest, again and again.

Then every value is walked through once: 60 doublings take 61 steps, where the walk before would have taken
2 305 843 009 213 693 951. And there is a loop where there was recursion, which no number of steps exhausts.
"""

import itertools
import math
from heapq import heappop, heappush

from demos.steps import step2_memory
from demos.steps.step1_chain import differences

births = itertools.count()


class Value(step2_memory.Value):
    def __init__(self, *made):
        super().__init__(*made)
        self.birth = next(births)


def backward(y, g=1.0, hand_on=lambda g, slope: g * slope):
    """Add to the .grad of everything that y was made of; returns in how many steps."""
    gradients, queue, steps = {y: g}, [(-y.birth, y)], 0
    while queue:
        value = heappop(queue)[1]
        g = gradients.pop(value)
        value.grad, steps = value.grad + g, steps + 1
        for x, slope in value.made_of:
            if x not in gradients:
                heappush(queue, (-x.birth, x))
            gradients[x] = gradients.get(x, 0.0) + hand_on(g, slope)
    return steps


if __name__ == "__main__":
    x, w, b = (Value(number) for number in (0.5, -1.2, 0.3))
    backward((w * x + b).tanh() * x)
    measured = differences(lambda x, w, b: math.tanh(w * x + b) * x, [0.5, -1.2, 0.3])
    assert all(abs(v.grad - d) < 1e-9 for v, d in zip((x, w, b), measured))
    y = Value(1.0)
    for _ in range(60):
        y = y + y
    before = f"{2**61 - 1:,}".replace(",", " ")
    print(f"60 doublings take {backward(y)} steps, not {before}")
