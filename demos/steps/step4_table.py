"""4. Arrays, and a table of rules.

With arrays a slope is no number any more: a rule makes the gradient of an input from g, that of the output y.
`x=lambda g, y: g * (1 - y * y)` is the rule of tanh. A rule names what it reads, and only that is kept. One
line of the table is one function: these lines are the library's own.

Where an array was repeated to fit another, its gradients come back repeated too, and add up: once, for all.
"""

import inspect

import numpy as np

from demos.steps import step3_order
from demos.steps.step1_chain import differences


def primitive(forward, **rules):
    def apply(*inputs):
        y = forward(*(x.number for x in inputs))
        known = {"y": y, **{name: x.number for name, x in zip(rules, inputs)}}
        return step3_order.Value(y, [(x, kept(rule, known, x)) for x, rule in zip(inputs, rules.values())])

    return apply


def kept(rule, known, x):
    names = list(inspect.signature(rule).parameters)[1:]  # after g
    return rule, {name: known[name] for name in names}, x.number.shape


def hand_on(g, slope):
    rule, values, shape = slope
    g = rule(g, **values)
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))  # over dims that the input did not have,
    return g.sum(axis=tuple(k for k, n in enumerate(shape) if n < g.shape[k]), keepdims=True)  # and had once


# fmt: off
add      = primitive(np.add,      a=lambda g: g,         b=lambda g: g)
multiply = primitive(np.multiply, a=lambda g, b: g * b,  b=lambda g, a: g * a)
tanh     = primitive(np.tanh,     x=lambda g, y: g * (1 - y * y))
# fmt: on

if __name__ == "__main__":
    x, w, v = np.random.default_rng(0).normal(size=(3, 2)), np.array([0.3, -1.0]), np.array([1.0, -2.0])
    X, W = step3_order.Value(x), step3_order.Value(w)
    step3_order.backward(multiply(tanh(multiply(W, X)), X), np.ones((3, 2)), hand_on)
    (measured,) = differences(lambda t: (np.tanh((w + t * v) * x) * x).sum(), [0.0])
    assert abs(W.grad @ v - measured) < 1e-8, (W.grad @ v, measured)
