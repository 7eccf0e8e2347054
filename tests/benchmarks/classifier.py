"""The classifier of handwritten digits, 784-512-512-10 with ReLU: one step of Adam on the cross-entropy."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from tests.benchmarks.contestants import Step, Workload, libraries, loaded, training_step


def workloads() -> Iterator[Workload]:
    yield workload((784, 512, 512, 10), batch=128)


def workload(sizes: tuple[int, ...], batch: int) -> Workload:
    name = f"{'-'.join(map(str, sizes))}, Adam, batch {batch}"
    contestants = {**libraries(framework), "NumPy": by_hand}
    return Workload(name, lambda dtype: begin(dtype, sizes, batch), contestants)


def begin(dtype: type, sizes: tuple[int, ...], batch: int) -> tuple:
    """Inputs, classes, and W, b of every layer, as PyTorch draws them: uniform on ±1/√inputs."""
    rng = np.random.default_rng(0)
    parameters = []
    for inputs, outputs in pairwise(sizes):
        bound = inputs**-0.5
        parameters += [rng.uniform(-bound, bound, shape) for shape in ((outputs, inputs), outputs)]
    x, y = rng.standard_normal((batch, sizes[0])), rng.integers(0, sizes[-1], batch)
    return x.astype(dtype), y, [p.astype(dtype) for p in parameters]


def framework(torch: Any, x: np.ndarray, y: np.ndarray, parameters: list[np.ndarray]) -> Step:
    nn = torch.nn
    layers = []
    for W in parameters[::2]:
        layers += [nn.Linear(W.shape[1], W.shape[0]), nn.ReLU()]
    model = loaded(torch, nn.Sequential(*layers[:-1]), parameters)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loss_fn = nn.CrossEntropyLoss()
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    return training_step(model, loss_fn, optimizer, x, y)


def by_hand(x: np.ndarray, y: np.ndarray, parameters: list[np.ndarray]) -> Step:
    layers = list(zip(parameters[::2], parameters[1::2]))
    adam, rows = Adam(parameters), np.arange(len(x))

    def step() -> list:
        hs = [x]
        for W, b in layers[:-1]:
            hs.append(np.maximum(hs[-1] @ W.T + b, 0))
        W, b = layers[-1]
        scores = hs[-1] @ W.T + b
        scores -= scores.max(1, keepdims=True)
        likely = np.exp(scores)
        total = likely.sum(1, keepdims=True)
        loss = (np.log(total[:, 0]) - scores[rows, y]).mean()
        delta = likely / total
        delta[rows, y] -= 1
        delta /= len(x)
        gradients = []
        for W, _ in reversed(layers):
            h = hs.pop()
            gradients += [delta.sum(0), delta.T @ h]
            if hs:
                delta = (delta @ W) * (h > 0)
        gradients.reverse()
        adam.step(gradients)
        return [loss, *gradients, *parameters]

    return step


class Adam:
    """Kingma & Ba 2015, algorithm 1, as it stands there."""

    def __init__(self, parameters: list[np.ndarray]) -> None:
        self.parameters, self.t = parameters, 0
        self.ms, self.vs = ([np.zeros_like(p) for p in parameters] for _ in range(2))

    def step(self, gradients: list[np.ndarray]) -> None:
        self.t += 1
        unbias_m, unbias_v = 1 - 0.9**self.t, 1 - 0.999**self.t
        for p, g, m, v in zip(self.parameters, gradients, self.ms, self.vs):
            m *= 0.9
            m += 0.1 * g
            v *= 0.999
            v += 0.001 * g * g
            p -= 1e-3 * (m / unbias_m) / (np.sqrt(v / unbias_v) + 1e-8)
