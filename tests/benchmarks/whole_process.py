"""What a timer inside the process cannot see: the time to import, and the memory of a very deep net."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
import tracemalloc

import numpy as np

import tinygrad_stab as torch
from tinygrad_stab import nn


def import_seconds(module: str, runs: int = 9) -> float:
    """Median time of `python -c "import module"`."""
    times = []
    cached = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", f"import {module}"], check=True, env=cached)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def peak_bytes(step) -> int:
    """The most memory that a step holds at once, beyond what there was before."""
    step()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    step()
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    return peak


def deep_net_steps(depth: int = 1000, width: int = 50, batch: int = 100) -> dict:
    """A step of a `depth`-layer tanh net, with the framework and with the backward pass written by hand."""
    model = nn.Sequential(*(layer for _ in range(depth) for layer in (nn.Linear(width, width), nn.Tanh())))
    x = torch.randn(batch, width)
    weights = [(m.weight.array, m.bias.array) for m in model if isinstance(m, nn.Linear)]

    def framework():
        model.zero_grad()
        (model(x) ** 2).mean().backward()

    def by_hand():
        hs = [x.array]
        for W, b in weights:
            hs.append(np.tanh(hs[-1] @ W.T + b))
        g, gradients = hs[-1] * (2 / hs[-1].size), []
        for W, _ in reversed(weights):
            h = hs.pop()
            delta = g * (1 - h * h)
            gradients.append((delta.T @ hs[-1], delta.sum(0)))
            g = delta @ W
        return gradients

    return {"ours": framework, "NumPy": by_hand}


def report() -> None:
    numpy, ours = import_seconds("numpy"), import_seconds("tinygrad_stab")
    print(f"import: NumPy {numpy * 1e3:.0f} ms, this library {(ours - numpy) * 1e3:+.0f} ms")
    peaks = {name: peak_bytes(step) for name, step in deep_net_steps().items()}
    print(
        f"peak memory, 1000 layers: {peaks['ours'] / peaks['NumPy']:.2f} times that of the hand-written step"
    )
    for depth in (100, 1_000, 10_000):
        step = deep_net_steps(depth, batch=10)["ours"]
        step()
        start = time.perf_counter()
        step()
        print(f"{depth} layers: {(time.perf_counter() - start) / depth * 1e6:.1f} µs a layer")
