"""The net of the lectures and the chain in two other libraries on NumPy: MyGrad and HIPS autograd."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.benchmarks.contestants import Step

RATE, EPS = 1e-3, 1e-5


def mygrad_net(x: np.ndarray, y: np.ndarray, parameters: list[np.ndarray], activation: str) -> Step:
    mg, nnet = importlib.import_module("mygrad"), importlib.import_module("mygrad.nnet")
    f = {"tanh": mg.tanh, "relu": nnet.relu, "sigmoid": nnet.sigmoid}[activation]
    weights = [mg.tensor(p) for p in parameters]
    normalized = lambda z, gamma, beta: nnet.batchnorm(z, gamma=gamma, beta=beta, eps=EPS)  # noqa: E731

    def step() -> list:
        h = _net(x, weights, f, normalized)
        loss = mg.mean((h - y) ** 2)
        loss.backward()
        for p in weights:
            p.data -= RATE * p.grad
        return [loss.data, *(p.grad for p in weights), *(p.data for p in weights)]

    return step


def autograd_net(x: np.ndarray, y: np.ndarray, parameters: list[np.ndarray], activation: str) -> Step:
    anp, autograd = importlib.import_module("autograd.numpy"), importlib.import_module("autograd")
    f = {"tanh": anp.tanh, "relu": lambda z: anp.maximum(z, 0), "sigmoid": lambda z: 1 / (1 + anp.exp(-z))}[
        activation
    ]

    def normalized(z: Any, gamma: Any, beta: Any) -> Any:
        deviation = z - anp.mean(z, axis=0)
        return gamma * deviation / anp.sqrt(anp.mean(deviation * deviation, axis=0) + EPS) + beta

    def loss_of(weights: list) -> Any:
        error = _net(x, weights, f, normalized) - y
        return anp.mean(error * error)

    loss_and_gradients = autograd.value_and_grad(loss_of)

    def step() -> list:
        loss, gradients = loss_and_gradients(parameters)
        for p, g in zip(parameters, gradients):
            p -= RATE * g
        return [loss, *gradients, *parameters]

    return step


def _net(x: Any, weights: list, f: Callable, normalized: Callable) -> Any:
    """W, b are matrix and vector; γ, β, where there are any, are two vectors after them."""
    h, stride = x, 4 if len(weights) > 2 and weights[2].ndim == 1 else 2
    for k in range(0, len(weights), stride):
        W, b, *norm = weights[k : k + stride]
        z = h @ W.T + b
        h = f(normalized(z, *norm) if norm else z)
    return h


def mygrad_chain(x: np.ndarray, ops: int) -> Step:
    mg = importlib.import_module("mygrad")
    x = mg.tensor(x)

    def step() -> list:
        total = _chain(x, ops).sum()
        total.backward()
        return [total.data, x.grad]

    return step


def autograd_chain(x: np.ndarray, ops: int) -> Step:
    anp, autograd = importlib.import_module("autograd.numpy"), importlib.import_module("autograd")
    value_and_grad = autograd.value_and_grad(lambda x: anp.sum(_chain(x, ops)))
    return lambda: list(value_and_grad(x))


def _chain(x: Any, ops: int) -> Any:
    y = x
    for _ in range(ops // 2):
        y = y * 1.001 + 0.001
    return y
