"""7. Thirty layers, and where to start.

With weights a little too small every layer shrinks the signal, and the gradient on its way back. Half a page
of variance tells the size that does not: an output is a sum of m products w x, so its variance is
m Var(w) E x². That is E x² if Var(w) = 1/m. The gradient goes through the same weights, and keeps its size as
well: at the first of thirty layers it has norm 0.14, where weights of half that size leave 3.2e-10.

Here the ladder ends: with `import tinygrad_stab as torch` the same net gives the same numbers.
"""

from itertools import pairwise

import numpy as np

import tinygrad_stab as torch
from demos.steps.step5_twice import gradients_of
from demos.steps.step6_layers import layers, loss, x, y
from tinygrad_stab.nn import functional as F

SIZES = [64, *[64] * 30, 10]


def at_the_first_layer(net):
    """The norm of ∂L/∂W there."""
    return np.linalg.norm(gradients_of(loss(net, x[:64], y[:64]), [net[0][0]])[0])


def with_the_library(net):
    """The same net, and the same norm, in PyTorch's words."""
    modules = [torch.nn.Linear(m, n).double() for m, n in pairwise(SIZES)]
    for module, (W, b) in zip(modules, net):
        module.weight.data, module.bias.data = torch.tensor(W.array), torch.tensor(b.array)
    h = torch.tensor(x[:64])
    for module in modules[:-1]:
        h = torch.tanh(module(h))
    F.cross_entropy(modules[-1](h), torch.tensor(y[:64])).backward()
    return modules[0].weight.grad.norm().item()


if __name__ == "__main__":
    for name, deviation in [("half of that", lambda m: 0.5 * m**-0.5), ("Var(w) = 1/m", lambda m: m**-0.5)]:
        net = layers(SIZES, deviation, np.random.default_rng(0))
        norm = at_the_first_layer(net)
        print(f"{name:12}  the gradient at the first layer has norm {norm:.2g}")
        assert abs(with_the_library(net) / norm - 1) < 1e-9
