"""BatchNorm1d and LayerNorm, forward and backward, on a batch (n, d)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.benchmarks.contestants import Step, Workload, libraries
from tests.benchmarks.layers import begin_layer, one_layer

SHAPES = ((500, 50), (128, 512), (4096, 256))


def workloads() -> Iterator[Workload]:
    for shape in SHAPES:
        yield workload("BatchNorm1d", *shape)
        yield workload("LayerNorm", *shape)


def workload(name: str, n: int, d: int) -> Workload:
    by_hand = {"BatchNorm1d": batch_norm_by_hand, "LayerNorm": layer_norm_by_hand}[name]
    contestants = libraries(one_layer, make=lambda nn: getattr(nn, name)(d))
    return Workload(
        f"{name} ({n}, {d})",
        lambda dtype: begin_layer(dtype, (n, d), (d,), (d,)),
        {**contestants, "NumPy": by_hand},
    )


def batch_norm(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, running: list[np.ndarray], eps: float = 1e-5
) -> tuple[np.ndarray, tuple]:
    """y = γ (x − μ)/√(v + ε) + β down the columns, and what the way back needs. Moves the averages."""
    n = len(x)
    mean = x.mean(0)
    deviation = x - mean
    var = (deviation * deviation).mean(0)
    scale = 1 / np.sqrt(var + eps)
    standardized = deviation * scale
    running[0] += 0.1 * (mean - running[0])
    running[1] += 0.1 * (var * (n / (n - 1)) - running[1])
    return gamma * standardized + beta, (standardized, gamma, scale)


def batch_norm_back(g: np.ndarray, kept: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """∂L/∂x, ∂L/∂γ and ∂L/∂β from g = ∂L/∂y."""
    standardized, gamma, scale = kept
    n = len(g)
    d_gamma, d_beta = (g * standardized).sum(0), g.sum(0)
    d_x = (gamma * scale / n) * (n * g - d_beta - standardized * d_gamma)
    return d_x, d_gamma, d_beta


def layer_norm(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float = 1e-5
) -> tuple[np.ndarray, tuple]:
    """The same along the rows."""
    deviation = x - x.mean(1, keepdims=True)
    scale = 1 / np.sqrt((deviation * deviation).mean(1, keepdims=True) + eps)
    standardized = deviation * scale
    return gamma * standardized + beta, (standardized, gamma, scale)


def layer_norm_back(g: np.ndarray, kept: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """∂L/∂x, ∂L/∂γ and ∂L/∂β: here γ differs along the mean, so it comes first."""
    standardized, gamma, scale = kept
    h = g * gamma
    along = (h * standardized).mean(1, keepdims=True)
    d_x = scale * (h - h.mean(1, keepdims=True) - standardized * along)
    return d_x, (g * standardized).sum(0), g.sum(0)


def batch_norm_by_hand(x: np.ndarray, g: np.ndarray, parameters: list[np.ndarray]) -> Step:
    running = [np.zeros_like(x[0]), np.ones_like(x[0])]

    def step() -> list:
        y, kept = batch_norm(x, *parameters, running)
        return [y, *batch_norm_back(g, kept), *running]

    return step


def layer_norm_by_hand(x: np.ndarray, g: np.ndarray, parameters: list[np.ndarray]) -> Step:
    def step() -> list:
        y, kept = layer_norm(x, *parameters)
        return [y, *layer_norm_back(g, kept)]

    return step
