"""The net of the lectures: 10 layers of 50 units, one step of SGD on a mean squared error, float32.

The hand-written form is what one would write without the framework: the same mathematics, no graph.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.benchmarks.measure import Step, of_libraries

WIDTH, DEPTH = 50, 10


def workloads() -> Iterator[tuple[str, dict[str, Step]]]:
    for activation in ("tanh", "relu", "sigmoid"):
        for batch in (1, 100, 500):
            steps = of_libraries(lambda torch, a=activation, b=batch: framework(torch, a, b))
            steps["NumPy"] = by_hand(activation, batch)
            yield f"{DEPTH} x {WIDTH} {activation}, batch {batch}", steps
    for batch in (100, 500):
        libraries = of_libraries(lambda torch, batch=batch: framework(torch, "relu", batch, batch_norm=True))
        yield f"{DEPTH} x {WIDTH} relu, BatchNorm, batch {batch}", libraries


def framework(torch: Any, activation: str, batch: int, batch_norm: bool = False) -> Step:
    """One training step in PyTorch's names; `torch` is PyTorch or this library."""
    nn = torch.nn
    torch.manual_seed(0)
    layers = []
    nonlinearity = {"tanh": nn.Tanh, "relu": nn.ReLU, "sigmoid": nn.Sigmoid}[activation]
    for _ in range(DEPTH):
        layers += [nn.Linear(WIDTH, WIDTH), *([nn.BatchNorm1d(WIDTH)] if batch_norm else []), nonlinearity()]
    model = nn.Sequential(*layers)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    loss_fn = nn.MSELoss()
    x, y = torch.randn(batch, WIDTH), torch.randn(batch, WIDTH)

    def step():
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


FORWARD = {"tanh": np.tanh, "relu": lambda z: np.maximum(z, 0), "sigmoid": lambda z: 1 / (1 + np.exp(-z))}
SLOPE = {  # from the output
    "tanh": lambda h: 1 - h * h,
    "relu": lambda h: h > 0,
    "sigmoid": lambda h: h * (1 - h),
}


def by_hand(activation: str, batch: int) -> Step:
    """The same step with its backward pass written out."""
    rng = np.random.default_rng(0)
    bound = WIDTH**-0.5
    Ws = [rng.uniform(-bound, bound, (WIDTH, WIDTH)).astype(np.float32) for _ in range(DEPTH)]
    bs = [rng.uniform(-bound, bound, WIDTH).astype(np.float32) for _ in range(DEPTH)]
    x, y = (rng.standard_normal((batch, WIDTH)).astype(np.float32) for _ in range(2))
    forward, slope = FORWARD[activation], SLOPE[activation]

    def step():
        hs = [x]
        for W, b in zip(Ws, bs):
            hs.append(forward(hs[-1] @ W.T + b))
        error = hs[-1] - y
        loss = (error * error).mean()
        g = error * (2 / error.size)
        for layer in reversed(range(DEPTH)):
            delta = g * slope(hs[layer + 1])
            dW, db = delta.T @ hs[layer], delta.sum(0)
            g = delta @ Ws[layer]
            Ws[layer] -= 1e-3 * dW
            bs[layer] -= 1e-3 * db
        return loss

    return step
