"""The net of the lectures: layers of 50 units, and one step of SGD on a mean squared error.

By hand is what one would write without a framework: the same mathematics, no graph.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from tests.benchmarks import peers
from tests.benchmarks.contestants import Step, Workload, libraries, loaded, training_step
from tests.benchmarks.normalization import batch_norm, batch_norm_back

WIDTH, DEPTH, RATE = 50, 10, 1e-3


def workloads() -> Iterator[Workload]:
    for activation in ("tanh", "relu", "sigmoid"):
        for batch in (1, 100, 500):
            yield workload(activation, batch)
    for batch in (100, 500):
        yield workload("relu", batch, batch_norm=True)


def workload(activation: str, batch: int, depth: int = DEPTH, batch_norm: bool = False) -> Workload:
    hand = by_hand_with_batch_norm if batch_norm else by_hand
    everyone = {
        **libraries(framework, activation=activation, batch_norm=batch_norm),
        "NumPy": partial(hand, activation=activation),
        "MyGrad": partial(peers.mygrad_net, activation=activation),
        "autograd": partial(peers.autograd_net, activation=activation),
    }
    name = f"{depth} x {WIDTH} {activation}{', BatchNorm' if batch_norm else ''}, batch {batch}"
    return Workload(name, lambda dtype: begin(dtype, depth, batch, batch_norm), everyone)


def begin(dtype: type, depth: int, batch: int, batch_norm: bool) -> tuple:
    """Inputs, targets, and W, b (with BatchNorm also γ, β) of every layer.

    The weights are orthogonal: no gradient sinks into the denormal numbers, which the processor is slow at,
    not even 10 000 layers deep.
    """
    rng = np.random.default_rng(0)
    orthogonal = np.linalg.qr(rng.standard_normal((WIDTH, WIDTH)))[0]
    parameters = []
    for _ in range(depth):
        parameters += [rng.permutation(orthogonal), np.zeros(WIDTH)]
        parameters += [np.ones(WIDTH), np.zeros(WIDTH)] if batch_norm else []
    x, y = rng.standard_normal((2, batch, WIDTH)).astype(dtype)
    return x, y, [p.astype(dtype) for p in parameters]


def framework(
    torch: Any, x: np.ndarray, y: np.ndarray, parameters: list[np.ndarray], activation: str, batch_norm: bool
) -> Step:
    """In PyTorch's names; `torch` is PyTorch or this library."""
    nn = torch.nn
    nonlinearity = {"tanh": nn.Tanh, "relu": nn.ReLU, "sigmoid": nn.Sigmoid}[activation]
    layers = []
    for _ in range(len(parameters) // (4 if batch_norm else 2)):
        layers += [nn.Linear(WIDTH, WIDTH), *([nn.BatchNorm1d(WIDTH)] if batch_norm else []), nonlinearity()]
    model = loaded(torch, nn.Sequential(*layers), parameters)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    loss_fn = nn.MSELoss()
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    return training_step(model, loss_fn, optimizer, x, y)


FORWARD = {"tanh": np.tanh, "relu": lambda z: np.maximum(z, 0), "sigmoid": lambda z: 1 / (1 + np.exp(-z))}
SLOPE = {  # from the output
    "tanh": lambda h: 1 - h * h,
    "relu": lambda h: h > 0,
    "sigmoid": lambda h: h * (1 - h),
}


def by_hand(x: np.ndarray, y: np.ndarray, parameters: list[np.ndarray], activation: str) -> Step:
    layers = list(zip(parameters[::2], parameters[1::2]))
    forward, slope = FORWARD[activation], SLOPE[activation]

    def step() -> list:
        hs = [x]
        for W, b in layers:
            hs.append(forward(hs[-1] @ W.T + b))
        error = hs[-1] - y
        loss = (error * error).mean()
        g, gradients = error * (2 / error.size), []
        for W, _ in reversed(layers):
            delta = g * slope(hs.pop())
            gradients += [delta.sum(0), delta.T @ hs[-1]]
            g = delta @ W
        return [loss, *descend(parameters, gradients[::-1]), *parameters]

    return step


def by_hand_with_batch_norm(
    x: np.ndarray, y: np.ndarray, parameters: list[np.ndarray], activation: str
) -> Step:
    layers = list(zip(parameters[::4], parameters[1::4], parameters[2::4], parameters[3::4]))
    running = [[np.zeros_like(b), np.ones_like(b)] for _, b, _, _ in layers]
    forward, slope = FORWARD[activation], SLOPE[activation]

    def step() -> list:
        hs, kept = [x], []
        for (W, b, gamma, beta), averages in zip(layers, running):
            z, of_norm = batch_norm(hs[-1] @ W.T + b, gamma, beta, averages)
            kept.append(of_norm)
            hs.append(forward(z))
        error = hs[-1] - y
        loss = (error * error).mean()
        g, gradients = error * (2 / error.size), []
        for W, _, _, _ in reversed(layers):
            delta, d_gamma, d_beta = batch_norm_back(g * slope(hs.pop()), kept.pop())
            gradients += [d_beta, d_gamma, delta.sum(0), delta.T @ hs[-1]]
            g = delta @ W
        return [loss, *descend(parameters, gradients[::-1]), *parameters]

    return step


def descend(parameters: list[np.ndarray], gradients: list[np.ndarray]) -> list[np.ndarray]:
    """x ← x − lr · g, in place; hands the gradients on."""
    for p, g in zip(parameters, gradients):
        p -= RATE * g
    return gradients
