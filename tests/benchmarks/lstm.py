"""Training steps of an LSTM on (T, n, inputs), with the loss on the last h and gradients clipped.

The same mathematics is written by hand twice, as it is with a framework: as a loop over steps that each have
a way forward and a way back, and as a whole sequence, in which all products that need not wait are one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tests.benchmarks.contestants import Step, Workload, libraries, loaded

SHAPES = ((20, 8, 5, 10), (100, 16, 10, 32), (50, 32, 64, 128))
RATE, LIMIT = 1e-3, 0.01  # the limit on the gradient's norm is reached, in all shapes


def workloads() -> Iterator[Workload]:
    for shape in SHAPES:
        yield cell_loop(*shape)
        yield sequence(*shape)


def cell_loop(steps: int, n: int, inputs: int, hidden: int) -> Workload:
    begin_this = lambda dtype: begin(dtype, steps, n, inputs, hidden)  # noqa: E731
    contestants = {**libraries(framework_loop), "NumPy": lambda x, p: training(x, p, loop_by_hand)}
    return Workload(f"LSTMCell loop {(steps, n, inputs, hidden)}", begin_this, contestants)


def sequence(steps: int, n: int, inputs: int, hidden: int) -> Workload:
    begin_this = lambda dtype: begin(dtype, steps, n, inputs, hidden)  # noqa: E731
    contestants = {**libraries(framework_sequence), "NumPy": lambda x, p: training(x, p, sequence_by_hand)}
    return Workload(f"LSTM {(steps, n, inputs, hidden)}", begin_this, contestants)


def begin(dtype: type, steps: int, n: int, inputs: int, hidden: int) -> tuple:
    """Inputs and Wᵢ, Wₕ, bᵢ, bₕ, uniform on ±1/√hidden.

    The forget gates are nearly open, so that no gradient sinks into the slow denormal numbers on its way
    through 2 000 steps.
    """
    rng = np.random.default_rng(0)
    bound = hidden**-0.5
    shapes = (4 * hidden, inputs), (4 * hidden, hidden), 4 * hidden, 4 * hidden
    parameters = [rng.uniform(-bound, bound, shape) for shape in shapes]
    parameters[2][hidden : 2 * hidden] += 5
    x = rng.standard_normal((steps, n, inputs))
    return x.astype(dtype), [p.astype(dtype) for p in parameters]


def framework_loop(torch: Any, x: np.ndarray, parameters: list[np.ndarray]) -> Step:
    hidden, inputs = parameters[1].shape[1], x.shape[2]
    cell, x = loaded(torch, torch.nn.LSTMCell(inputs, hidden), parameters), torch.from_numpy(x)

    def last() -> Any:
        state = None
        for t in range(len(x)):
            state = cell(x[t], state)
        return state[0]

    return _framework(torch, cell, last)


def framework_sequence(torch: Any, x: np.ndarray, parameters: list[np.ndarray]) -> Step:
    hidden, inputs = parameters[1].shape[1], x.shape[2]
    lstm, x = loaded(torch, torch.nn.LSTM(inputs, hidden), parameters), torch.from_numpy(x)
    return _framework(torch, lstm, lambda: lstm(x)[0][-1])


def _framework(torch: Any, model: Any, last: Callable[[], Any]) -> Step:
    optimizer, weights = torch.optim.SGD(model.parameters(), lr=RATE), list(model.parameters())

    def step() -> list:
        optimizer.zero_grad()
        h = last()
        loss = (h * h).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, LIMIT)
        optimizer.step()
        return [loss, *(p.grad for p in weights), *weights]

    return step


def training(x: np.ndarray, parameters: list[np.ndarray], run: Callable) -> Step:
    """By hand: `run` returns the loss and the gradients of Wᵢ, Wₕ and of both biases, which is the same."""

    def step() -> list:
        loss, gradients = run(x, *parameters)
        gradients = [*gradients, gradients[-1]]
        norm = np.sqrt(sum((g * g).sum() for g in gradients))
        scale = min(1.0, LIMIT / float(norm))
        gradients = [scale * g for g in gradients]
        for p, g in zip(parameters, gradients):
            p -= RATE * g
        return [loss, *gradients, *parameters]

    return step


def advance(z: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple]:
    """From pre-activations to h′ = o tanh c′ and c′ = f c + i a, and what the way back needs."""
    d = c.shape[1]
    s = 1 / (1 + np.exp(-z))  # the quarter of the candidate is not used: one call is worth more than that
    i, f, o = s[:, :d], s[:, d : 2 * d], s[:, 3 * d :]
    a = np.tanh(z[:, 2 * d : 3 * d])
    c_new = f * c + i * a
    squashed = np.tanh(c_new)
    return o * squashed, c_new, (i, f, a, o, c, squashed)


def advance_back(d_h: np.ndarray, d_c: np.ndarray, kept: tuple) -> tuple[np.ndarray, np.ndarray]:
    """From ∂L/∂h′ and ∂L/∂c′ to ∂L/∂z and ∂L/∂c."""
    i, f, a, o, c, squashed = kept
    d_c = d_c + d_h * o * (1 - squashed * squashed)
    to_gates = (
        d_c * a * i * (1 - i),
        d_c * c * f * (1 - f),
        d_c * i * (1 - a * a),
        d_h * squashed * o * (1 - o),
    )
    return np.concatenate(to_gates, axis=1), d_c * f


def loop_by_hand(x, Wi, Wh, bi, bh) -> tuple[float, list[np.ndarray]]:
    h = c = np.zeros((x.shape[1], Wh.shape[1]), x.dtype)
    hs, kept = [h], []
    for xt in x:
        h, c, of_step = advance(xt @ Wi.T + bi + hs[-1] @ Wh.T + bh, c)
        hs.append(h)
        kept.append(of_step)
    d_h, d_c = h * (2 / h.size), np.zeros_like(h)
    d_Wi, d_Wh, d_b = np.zeros_like(Wi), np.zeros_like(Wh), np.zeros_like(bi)
    for t in reversed(range(len(x))):
        d_z, d_c = advance_back(d_h, d_c, kept[t])
        d_Wi += d_z.T @ x[t]
        d_Wh += d_z.T @ hs[t]
        d_b += d_z.sum(0)
        d_h = d_z @ Wh
    return (h * h).mean(), [d_Wi, d_Wh, d_b]


def sequence_by_hand(x, Wi, Wh, bi, bh) -> tuple[float, list[np.ndarray]]:
    h = c = np.zeros((x.shape[1], Wh.shape[1]), x.dtype)
    from_input = x @ Wi.T + (bi + bh)
    hs, kept = [h], []
    for z in from_input:
        h, c, of_step = advance(z + hs[-1] @ Wh.T, c)
        hs.append(h)
        kept.append(of_step)
    d_h, d_c, d_zs = h * (2 / h.size), np.zeros_like(h), []
    for of_step in reversed(kept):
        d_z, d_c = advance_back(d_h, d_c, of_step)
        d_zs.append(d_z)
        d_h = d_z @ Wh
    d_z = np.concatenate(d_zs[::-1])
    rows, before = x.reshape(len(d_z), -1), np.concatenate(hs[:-1])
    return (h * h).mean(), [d_z.T @ rows, d_z.T @ before, d_z.sum(0)]
