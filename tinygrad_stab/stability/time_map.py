"""The gradient on its way back through time: ‖∂L/∂h_t‖ at every step of a recurrent layer.

In an RNN ∂h_t/∂h_{t−1} = diag(φ′) W, with the same W at every step. If its largest singular value, times the
largest slope, is below 1, the gradient must vanish; above 1 it may explode, and need not (Pascanu et al.
2013, sec. 2.1). The spectral radius, max |eigenvalue|, is the better guess. In an LSTM the cell state has a
way of its own, on which ∂c_t/∂c_{t−1} is the forget gate: over many steps, a product of forget gates.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import ops
from ..autograd import grad
from ..engine.switches import no_grad
from ..nn import LSTM, RNN, LSTMCell, RNNCell
from ..nn import functional as F
from ..nn.module import Module
from ..tensor import Tensor
from ..tensor.creation import as_tensor, zeros
from .norms import norm
from .report import Report, column
from .unchanged import unchanged


@dataclass
class TimeStep:
    """The state of one layer after t steps, t = 0 … T; the last three columns are for an LSTM."""

    t: int = column("t")
    layer: int = column("layer")
    h: float = column("‖∂L/∂h_t‖", ".2e")
    c: float | None = column("‖∂L/∂c_t‖", ".2e")
    forget: float | None = column("f_t", ".3f")  # the mean over units
    forget_product: float | None = column("Π f after t", ".2e")  # in a typical unit, from t + 1 on


@dataclass(repr=False)
class TimeMap(Report):
    """A row for every step and layer; for every layer, how large W_hh is, or an LSTM's block for a."""

    spectral_radius: list[float]
    largest_singular_value: list[float]

    def printed_rows(self) -> list[TimeStep]:
        """About twenty steps of each layer, the last among them."""
        end = max(row.t for row in self.rows)
        return [row for row in self.rows if (end - row.t) % math.ceil((end + 1) / 20) == 0]


def time_map(rnn: Module, x: Any, loss_fn: Callable[[Tensor], Tensor] | None = None) -> TimeMap:
    """Map ‖∂L/∂h_t‖ over a sequence x (T, n, input_size), or (n, T, input_size) for a batch_first layer.

    rnn is an RNN, LSTM, RNNCell or LSTMCell. It starts from h₀ = c₀ = 0 and runs one step at a time, so that
    every state is there to be differentiated. L is loss_fn(outputs), outputs of shape (T, n, hidden_size);
    without loss_fn, the last output times a random direction. ∂L/∂c_t is all that c_t does, through h_t as
    well. A typical unit's Π f is the geometric mean.
    """
    if not isinstance(rnn, (RNN, LSTM, RNNCell, LSTMCell)):
        raise TypeError(f"time_map maps an RNN, LSTM, RNNCell or LSTMCell, not {type(rnn).__name__}")
    xs = as_tensor(x).detach()
    if xs.ndim != 3 or 0 in xs.shape:
        raise ValueError(f"time_map wants a sequence of shape (T, n, input_size), got {tuple(xs.shape)}")
    with unchanged(rnn):
        cells = [_cell(rnn, layer) for layer in range(getattr(rnn, "num_layers", 1))]
        inputs = [list(xs.transpose(0, 1) if getattr(rnn, "batch_first", False) else xs)]
        states = []
        for cell in cells:
            states.append(_run(cell, inputs[-1]))
            inputs.append([h for h, *_ in states[-1][1:]])
        loss = _last_along_a_direction(inputs[-1]) if loss_fn is None else loss_fn(ops.stack(*inputs[-1]))
        parts = [part for layer in states for state in layer for part in state]
        gradients = dict(zip(parts, grad(loss, parts, allow_unused=True)))
        rows = [
            row for k, cell in enumerate(cells) for row in _rows(k, cell, inputs[k], states[k], gradients)
        ]
    matrices = [_recurrent_matrix(cell) for cell in cells]
    radii = [float(np.max(np.abs(np.linalg.eigvals(W)))) for W in matrices]
    singular = [float(np.linalg.norm(W, 2)) for W in matrices]
    title = f"{type(rnn).__name__} over {len(inputs[0])} steps"
    return TimeMap(title, rows, radii, singular, notes=_notes(rows, radii, singular))


def _cell(rnn: Any, layer: int) -> Any:
    """A cell with the very weights of one layer, so that the sequence can be run step by step."""
    if isinstance(rnn, (RNNCell, LSTMCell)):
        return rnn
    size = rnn.hidden_size if layer else rnn.input_size
    if isinstance(rnn, LSTM):
        cell: Any = LSTMCell(size, rnn.hidden_size)
    else:
        cell = RNNCell(size, rnn.hidden_size, nonlinearity=rnn.nonlinearity)
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        setattr(cell, name, getattr(rnn, f"{name}_l{layer}"))
    return cell


def _run(cell: Any, xs: list[Tensor]) -> list[tuple[Tensor, ...]]:
    """The states (h,) or (h, c), from before the first step to after the last."""
    n, d, dtype = len(xs[0]), cell.hidden_size, cell.weight_hh.dtype
    parts = 2 if isinstance(cell, LSTMCell) else 1
    states = [tuple(zeros(n, d, dtype=dtype).requires_grad_() for _ in range(parts))]
    for x in xs:
        states.append(cell(x, states[-1]) if parts == 2 else (cell(x, states[-1][0]),))
    return states


def _last_along_a_direction(outputs: list[Tensor]) -> Tensor:
    direction = np.random.default_rng(0).standard_normal(outputs[-1].shape)
    return (outputs[-1] * direction.astype(outputs[-1].dtype)).sum()


def _rows(
    layer: int, cell: Any, xs: list[Tensor], states: list[tuple[Tensor, ...]], gradients: dict[Tensor, Any]
) -> list[TimeStep]:
    gates = [_forget_gate(cell, x, h) for x, (h, *c) in zip(xs, states) if c]  # none in an RNN
    rows = []
    for t, state in enumerate(states):
        h, *c = (0.0 if (g := gradients[part]) is None else norm(g.array) or 0.0 for part in state)
        product = float(np.exp(np.mean(np.sum(np.log(gates[t:]), axis=0)))) if gates else None
        mean = float(np.mean(gates[t - 1])) if gates and t else None
        rows.append(TimeStep(t, layer, h, c[0] if c else None, mean, product))
    return rows


def _forget_gate(cell: Any, x: Tensor, h: Tensor) -> np.ndarray:
    """f = σ(W_ih x + b_ih + W_hh h + b_hh), from the second quarter of the rows."""
    with no_grad():
        z = F.linear(x, cell.weight_ih, cell.bias_ih) + F.linear(h, cell.weight_hh, cell.bias_hh)
        return z[:, cell.hidden_size : 2 * cell.hidden_size].sigmoid().array.astype(float)


def _recurrent_matrix(cell: Any) -> np.ndarray:
    """W_hh; of an LSTM's four blocks, the third, which makes the candidate."""
    d, W = cell.hidden_size, cell.weight_hh.array.astype(float)
    return W if isinstance(cell, RNNCell) else W[2 * d : 3 * d]


def _notes(rows: list[TimeStep], radii: list[float], singular: list[float]) -> list[str]:
    notes = []
    for layer, (radius, largest) in enumerate(zip(radii, singular)):
        first, *_, last = (row.h for row in rows if row.layer == layer)
        change = f"‖∂L/∂h₀‖ is {first / last:.2e} of ‖∂L/∂h_T‖. " if last else ""
        size = f"spectral radius {radius:.3g}, largest singular value {largest:.3g}"
        notes.append(f"Layer {layer}: {change}W_hh: {size}.")
    return notes
