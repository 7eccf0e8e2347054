"""One layer, forward and backward from a given gradient; and a long chain of the smallest ops there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from tests.benchmarks import peers
from tests.benchmarks.contestants import Step, Workload, libraries, loaded


def workloads() -> Iterator[Workload]:
    yield convolution(64, 16, 8, 8)
    yield convolution(32, 16, 28, 28)
    yield chain(2000)


def convolution(*shape: int) -> Workload:
    channels = shape[1]
    make = lambda nn: nn.Conv2d(channels, channels, 3, padding=1)  # noqa: E731
    begin = lambda dtype: begin_layer(dtype, shape, (channels, channels, 3, 3), (channels,))  # noqa: E731
    return Workload(f"Conv2d 3 x 3 {shape}", begin, libraries(one_layer, make=make))


def begin_layer(dtype: type, shape: tuple[int, ...], *parameters: tuple[int, ...]) -> tuple:
    """An input, a gradient of an output of the same shape, and the parameters."""
    rng = np.random.default_rng(0)
    draw = lambda shape: rng.standard_normal(shape).astype(dtype)  # noqa: E731
    return draw(shape), draw(shape), [draw(p) for p in parameters]


def one_layer(
    torch: Any, x: np.ndarray, g: np.ndarray, parameters: list[np.ndarray], make: Callable[[Any], Any]
) -> Step:
    """Output, the gradients of input and parameters, and what the layer remembers, in PyTorch's names."""
    module = loaded(torch, make(torch.nn), parameters)
    x, g = torch.from_numpy(x).requires_grad_(), torch.from_numpy(g)
    weights, buffers = list(module.parameters()), [b for b in module.buffers() if b.ndim]

    def step() -> list:
        x.grad = None
        module.zero_grad()
        y = module(x)
        y.backward(g)
        return [y, x.grad, *(p.grad for p in weights), *buffers]

    return step


def chain(ops: int) -> Workload:
    begin = lambda dtype: (np.ones(1, dtype),)  # noqa: E731
    everyone = {
        **libraries(framework_chain, ops=ops),
        "NumPy": partial(chain_by_hand, ops=ops),
        "MyGrad": partial(peers.mygrad_chain, ops=ops),
        "autograd": partial(peers.autograd_chain, ops=ops),
    }
    return Workload(f"chain of {ops} ops", begin, everyone)


def framework_chain(torch: Any, x: np.ndarray, ops: int) -> Step:
    x = torch.from_numpy(x).requires_grad_()

    def step() -> list:
        x.grad = None
        y = x
        for _ in range(ops // 2):
            y = y * 1.001 + 0.001
        total = y.sum()
        total.backward()
        return [total, x.grad]

    return step


def chain_by_hand(x: np.ndarray, ops: int) -> Step:
    def step() -> list:
        y, g = x, np.ones_like(x)
        for _ in range(ops // 2):
            y = y * 1.001 + 0.001
        for _ in range(ops // 2):
            g = g * 1.001
        return [y.sum(), g]

    return step
