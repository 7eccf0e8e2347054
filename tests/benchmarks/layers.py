"""Layers and loops, forward and backward: classifier, recurrent nets, normalization, convolution, chain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.benchmarks.measure import Step, of_libraries


def workloads() -> Iterator[tuple[str, dict[str, Step]]]:
    yield "784-512-512-10, Adam, batch 128", of_libraries(classifier)
    for shape in ((20, 8, 5, 10), (100, 16, 10, 32), (50, 32, 64, 128)):
        yield f"LSTMCell loop {shape}", of_libraries(lambda torch, s=shape: cell_loop(torch, *s))
        yield f"LSTM {shape}", of_libraries(lambda torch, s=shape: sequence(torch, *s))
    for n, d in ((500, 50), (128, 512), (4096, 256)):
        for name in ("BatchNorm1d", "LayerNorm"):
            make = lambda torch, name=name, n=n, d=d: layer(torch, getattr(torch.nn, name)(d), n, d)  # noqa: E731
            yield f"{name} ({n}, {d})", of_libraries(make)
    for shape in ((64, 16, 8, 8), (32, 16, 28, 28)):
        make = lambda torch, s=shape: layer(torch, torch.nn.Conv2d(16, 16, 3, padding=1), *s)  # noqa: E731
        yield f"Conv2d 3 x 3 {shape}", of_libraries(make)
    yield "chain of 2000 ops", of_libraries(chain)


def classifier(torch: Any) -> Step:
    nn = torch.nn
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    optimizer, loss_fn = torch.optim.Adam(model.parameters()), nn.CrossEntropyLoss()
    x, y = torch.randn(128, 784), torch.randint(0, 10, (128,))

    def step():
        optimizer.zero_grad()
        loss_fn(model(x), y).backward()
        optimizer.step()

    return step


def cell_loop(torch: Any, steps: int, batch: int, inputs: int, hidden: int) -> Step:
    cell = torch.nn.LSTMCell(inputs, hidden)
    optimizer, x = torch.optim.SGD(cell.parameters(), lr=1e-3), torch.randn(steps, batch, inputs)

    def step():
        h = c = torch.zeros(batch, hidden)
        for t in range(steps):
            h, c = cell(x[t], (h, c))
        _learn(torch, cell, optimizer, h)

    return step


def sequence(torch: Any, steps: int, batch: int, inputs: int, hidden: int) -> Step:
    lstm = torch.nn.LSTM(inputs, hidden)
    optimizer, x = torch.optim.SGD(lstm.parameters(), lr=1e-3), torch.randn(steps, batch, inputs)
    return lambda: _learn(torch, lstm, optimizer, lstm(x)[0][-1])


def _learn(torch: Any, model: Any, optimizer: Any, h: Any) -> None:
    optimizer.zero_grad()
    (h * h).mean().backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()


def layer(torch: Any, module: Any, *shape: int) -> Step:
    x, g = torch.randn(*shape, requires_grad=True), torch.randn(*shape)

    def step():
        x.grad = None
        module(x).backward(g)

    return step


def chain(torch: Any) -> Step:
    x = torch.ones(1, requires_grad=True)

    def step():
        y = x
        for _ in range(1000):
            y = y * 1.001 + 0.001
        y.sum().backward()

    return step
