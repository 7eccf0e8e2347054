"""Look at a model without leaving a trace in it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np

from .. import random
from ..engine.switches import enable_grad, no_grad
from ..nn.module import Module


@contextlib.contextmanager
def unchanged(model: Module) -> Iterator[None]:
    """Restore afterwards what computing may change: modes, gradients, buffers, the stream of random numbers.

    Inside, the graph is recorded, and NumPy does not warn of overflows: they are among the things to be
    found.
    """
    modes = [(module, module.training) for module in model.modules()]
    gradients = [(parameter, parameter._grad) for parameter in model.parameters()]
    buffers = [(buffer, buffer.array.copy()) for buffer in model.buffers()]
    state = random.numpy_generator(None).bit_generator.state
    try:
        with enable_grad(), np.errstate(all="ignore"):
            yield
    finally:
        random.numpy_generator(None).bit_generator.state = state  # another one, if it was seeded inside
        for module, mode in modes:
            module.training = mode
        for parameter, gradient in gradients:
            parameter._grad = gradient
        with no_grad():
            for buffer, array in buffers:
                buffer.copy_(array)
