"""Recurrent layers: the same weights at every time step, so the gradient through T steps is a product of T
like factors.

For an RNN, hₜ = tanh(Wᵢ xₜ + bᵢ + Wₕ hₜ₋₁ + bₕ), the factor is diag(1 − hₜ²) Wₕ: it shrinks the gradient
where the singular values of Wₕ are below 1, and can blow it up where they are above. The LSTM adds a cell
state whose own factor is the forget gate (`ops/recurrent.py`), a number near 1 where the cell has learned to
remember.
"""

from __future__ import annotations

import math
from typing import Any

from .. import ops
from ..creation import empty, zeros
from ..grad_mode import no_grad
from ..tensor import Tensor
from . import init
from .module import Module
from .parameter import Parameter


class _Weights(Module):
    """PyTorch's weight_ih (gates · hidden, input), weight_hh (gates · hidden, hidden), bias_ih, bias_hh."""

    gates: int

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.input_size, self.hidden_size = input_size, hidden_size

    def _add(self, input_size: int, bias: bool, suffix: str = "") -> None:
        rows = self.gates * self.hidden_size
        setattr(self, "weight_ih" + suffix, Parameter(empty(rows, input_size)))
        setattr(self, "weight_hh" + suffix, Parameter(empty(rows, self.hidden_size)))
        setattr(self, "bias_ih" + suffix, Parameter(empty(rows)) if bias else None)
        setattr(self, "bias_hh" + suffix, Parameter(empty(rows)) if bias else None)

    def reset_parameters(self) -> None:
        """Draw every weight and bias uniformly from ±1/√hidden_size."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size else 0
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def _zeros(self, *shape: int) -> Tensor:
        return zeros(*shape, dtype=next(self.parameters()).dtype)

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}"


class RNNCell(_Weights):
    """h′ = tanh(W_ih x + b_ih + W_hh h + b_hh), for x (n, input_size) and h (n, hidden_size)."""

    gates = 1

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh"
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.nonlinearity, self._step = nonlinearity, _nonlinearity(nonlinearity)
        self._add(input_size, bias)
        self.reset_parameters()

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        _check_features(self, input)
        h = self._zeros(*input.array.shape[:-1], self.hidden_size) if hx is None else hx
        from_input = ops.linear(input, self.weight_ih, self.bias_ih)
        return self._step(from_input + ops.linear(h, self.weight_hh, self.bias_hh))


class LSTMCell(_Weights):
    """One step of an LSTM: (x, (h, c)) → (h′, c′); the equations stand in `ops/recurrent.py`.

    `forget_bias` is added to the forget gate's bias at the start, so that the cell remembers before it has
    learned to (Jozefowicz et al. 2015 recommend 1); PyTorch has no such argument, and starts with 0.
    """

    gates = 4

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, forget_bias: float = 0.0
    ) -> None:
        super().__init__(input_size, hidden_size)
        self._add(input_size, bias)
        self.reset_parameters()
        if forget_bias:
            _add_forget_bias(self.bias_ih, forget_bias)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        _check_features(self, input)
        if hx is None:
            hx = (self._zeros(*input.array.shape[:-1], self.hidden_size),) * 2
        h, c = hx
        z = ops.linear(input, self.weight_ih, self.bias_ih) + ops.linear(h, self.weight_hh, self.bias_hh)
        h, c, _, _ = ops.lstm_step(z, c)
        return h, c


class _Sequence(_Weights):
    """Run a cell over a sequence (T, n, input), or (n, T, input) with batch_first, in one or more layers."""

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int, bias: bool, batch_first: bool
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.num_layers, self.batch_first = num_layers, batch_first
        for layer in range(num_layers):
            self._add(hidden_size if layer else input_size, bias, suffix=f"_l{layer}")
        self.reset_parameters()

    def _step(self, z: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        raise NotImplementedError

    def _run(
        self, input: Tensor, states: list[tuple[Tensor, ...]]
    ) -> tuple[Tensor, list[tuple[Tensor, ...]]]:
        """From the states before the first step, a tuple (h, …) a layer, to outputs and last states."""
        xs = input.transpose(0, 1) if self.batch_first else input
        ends = []
        for layer, state in enumerate(states):
            weight_ih, weight_hh, bias_ih, bias_hh = (
                getattr(self, f"{name}_l{layer}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            )
            hs = []
            # The inputs of all steps are multiplied at once; only h needs one step after the other.
            for from_input in ops.linear(xs, weight_ih, bias_ih):
                state = self._step(from_input + ops.linear(state[0], weight_hh, bias_hh), state)
                hs.append(state[0])
            xs = ops.stack(*hs)
            ends.append(state)
        return xs.transpose(0, 1) if self.batch_first else xs, ends

    def _check(self, input: Tensor) -> int:
        if input.array.ndim != 3:
            order = "(n, T, input_size)" if self.batch_first else "(T, n, input_size)"
            raise RuntimeError(
                f"{type(self).__name__}: expected input of shape {order}, got {input.array.shape}; "
                "x.unsqueeze(…) adds a dim"
            )
        _check_features(self, input)
        if input.array.shape[1 if self.batch_first else 0] == 0:
            raise RuntimeError(
                f"{type(self).__name__}: the sequence of shape {input.array.shape} has no time steps"
            )
        return input.array.shape[0 if self.batch_first else 1]

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        text += f", num_layers={self.num_layers}" if self.num_layers != 1 else ""
        return text + (", batch_first=True" if self.batch_first else "")


class RNN(_Sequence):
    """hₜ = tanh(W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh); returns (h of the last layer, last h of all layers)."""

    gates = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
    ) -> None:
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first)
        self.nonlinearity, self._activation = nonlinearity, _nonlinearity(nonlinearity)

    def _step(self, z: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (self._activation(z),)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> tuple[Tensor, Tensor]:
        n = self._check(input)
        h0 = self._zeros(self.num_layers, n, self.hidden_size) if hx is None else hx
        output, ends = self._run(input, [(h0[k],) for k in range(self.num_layers)])
        return output, ops.stack(*(h for (h,) in ends))


class LSTM(_Sequence):
    """An LSTM over a sequence; returns (all h of the last layer, (last h, last c) of all layers).

    `forget_bias` is added to every forget gate's bias at the start; PyTorch has no such argument, and starts
    with 0.
    """

    gates = 4

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        forget_bias: float = 0.0,
    ) -> None:
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first)
        if forget_bias:
            for layer in range(num_layers):
                _add_forget_bias(getattr(self, f"bias_ih_l{layer}"), forget_bias)

    def _step(self, z: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        h, c, _, _ = ops.lstm_step(z, state[1])
        return h, c

    def forward(
        self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        n = self._check(input)
        h0, c0 = (self._zeros(self.num_layers, n, self.hidden_size),) * 2 if hx is None else hx
        output, ends = self._run(input, [(h0[k], c0[k]) for k in range(self.num_layers)])
        return output, (ops.stack(*(h for h, _ in ends)), ops.stack(*(c for _, c in ends)))


def _nonlinearity(name: str) -> Any:
    if name not in ("tanh", "relu"):
        raise ValueError(f"Unknown nonlinearity '{name}': choose 'tanh' or 'relu'")
    return ops.tanh if name == "tanh" else ops.relu


def _add_forget_bias(bias: Parameter | None, amount: float) -> None:
    if bias is None:
        raise ValueError("forget_bias needs bias=True: it is added to the bias of the forget gate")
    quarter = bias.numel() // 4
    with no_grad():
        bias[quarter : 2 * quarter] += amount


def _check_features(module: _Weights, input: Tensor) -> None:
    if input.array.ndim == 0 or input.array.shape[-1] != module.input_size:
        raise RuntimeError(
            f"{type(module).__name__}: input.size(-1) must be equal to input_size: expected "
            f"{module.input_size}, got input of shape {input.array.shape}"
        )
