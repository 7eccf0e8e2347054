"""5. The same rules on variables: the second derivative, for nothing.

A gradient is computed too, by sums and products. If the walk back records what it does, its result can be
differentiated again. All it takes: rules in NumPy's words, and values that answer NumPy, so that in
`g * (1 - y * y)` the y may be an array, which is quick, or a variable, which remembers. The library's do;
from here on the walk back is the library's own `carry_back`, which does what `hand_on` did.

What would spoil it: a rule that saves a number on the side. The first derivative is right, and the second
forgets that the number depends on x: of x tanh(x) at 0.5 it is 30 % wrong.
"""

import numpy as np

from demos.steps.step1_chain import differences
from tinygrad_stab import ops
from tinygrad_stab.engine.chain_rule import Gradients, carry_back
from tinygrad_stab.engine.graph import array_of, leaf, variable
from tinygrad_stab.engine.primitive import Primitive

saving = Primitive(np.tanh, {"x": lambda g, y: g * (1 - array_of(y) ** 2)})  # y as a number: a constant


def gradients_of(y, xs, record=False):
    """∂y/∂x for each x: newest first, as before, and recorded if it is to be differentiated again."""
    gradients, found = Gradients(), {}
    one = np.ones_like(y.array)
    gradients.add(y.node, variable(one) if record else one)
    for node, g in gradients.youngest_first():
        found[node] = g
        if node.parents:
            carry_back(node, g, gradients, None, record)
    return [found[x.node] for x in xs]


def second(tanh):
    x = leaf(np.array(0.5))
    (slope,) = gradients_of(x * tanh(x), [x], record=True)
    return float(gradients_of(slope, [x])[0])


if __name__ == "__main__":
    slope = lambda x: np.tanh(x) + x * (1 - np.tanh(x) ** 2)  # noqa: E731
    (measured,) = differences(slope, [0.5])
    right, wrong = second(ops.tanh), second(saving)
    print(f"second derivative at 0.5: {right:.6f}, measured {measured:.6f}")
    print(f"with y saved as a number {wrong:.6f}: {abs(wrong / right - 1):.0%} wrong".replace("%", " %"))
    assert abs(right - measured) < 1e-9
