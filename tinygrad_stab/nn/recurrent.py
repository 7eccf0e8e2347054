"""Recurrent layers: the same weights at every time step, so the gradient through T steps is a product of T
like factors.

For an RNN, hₜ = tanh(W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh), the factor is diag(1 − hₜ²) W_hh: it shrinks the
gradient where the singular values of W_hh are below 1, and can blow it up where they are above. The LSTM adds
a cell state whose own factor is the forget gate (`ops/recurrent.py`), a number near 1 where the cell has
learned to remember.

A cell takes one step. RNN and LSTM take a whole sequence, in one layer or several.
"""

from __future__ import annotations

import math
from typing import Any

from .. import ops
from ..tensor import Tensor
from ..tensor.creation import empty, zeros
from ..tensor.left_out import refuse
from . import init
from .module import Module
from .parameter import Parameter


class _Recurrent(Module):
    """PyTorch's weight_ih (gates · hidden, input), weight_hh (gates · hidden, hidden), bias_ih, bias_hh.

    There is one set for each layer, whose suffix, such as "_l0", ends their names; a cell has one without.
    """

    gates: int
    usual: tuple[tuple[str, Any], ...] = (("bias", True),)  # what goes without saying when it prints

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, suffixes: list[str], forget_bias: float = 0.0,
        **place: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        if forget_bias and not bias:
            raise ValueError("forget_bias needs bias=True: it is added to the bias of the forget gate")
        for name, size in (("input_size", input_size), ("hidden_size", hidden_size)):
            if size < 1:
                raise ValueError(f"{type(self).__name__}: {name} must be greater than zero, got {size}")
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        self.forget_bias = forget_bias
        rows = self.gates * hidden_size
        for suffix in suffixes:
            setattr(self, "weight_ih" + suffix, Parameter(empty(rows, input_size, **place)))
            setattr(self, "weight_hh" + suffix, Parameter(empty(rows, hidden_size, **place)))
            setattr(self, "bias_ih" + suffix, Parameter(empty(rows, **place)) if bias else None)
            setattr(self, "bias_hh" + suffix, Parameter(empty(rows, **place)) if bias else None)
            input_size = hidden_size  # of the layer above
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw every weight and bias uniformly from ±1/√hidden_size; then raise the bias of forget gates."""
        n = self.hidden_size
        bound = 1 / math.sqrt(n) if n else 0
        for name, parameter in self.named_parameters():
            init.uniform_(parameter, -bound, bound)
            if self.forget_bias and name.startswith("bias_ih"):
                parameter.data[n : 2 * n] += self.forget_bias

    def _check_input(self, input: Tensor) -> None:
        if input.array.ndim == 0 or input.array.shape[-1] != self.input_size:
            raise RuntimeError(
                f"{type(self).__name__}: input.size(-1) must be equal to input_size: expected "
                f"{self.input_size}, got input of shape {input.array.shape}"
            )

    def _state(self, state: Tensor | None, *shape: int) -> Tensor:
        """The state before the first step: the given one if its shape is right, otherwise zeros."""
        if state is None:
            return zeros(*shape, dtype=next(self.parameters()).dtype)
        if state.array.shape != shape:
            raise RuntimeError(
                f"{type(self).__name__}: expected a hidden state of shape {shape}, got {state.array.shape}"
            )
        return state

    def extra_repr(self) -> str:
        own = vars(self)
        unusual = [f"{name}={own[name]}" for name, value in self.usual if own[name] != value]
        return ", ".join([f"{self.input_size}, {self.hidden_size}", *unusual])


class RNNCell(_Recurrent):
    """h′ = tanh(W_ih x + b_ih + W_hh h + b_hh), for x (n, input_size) and h (n, hidden_size)."""

    gates = 1
    usual = (("bias", True), ("nonlinearity", "tanh"))

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh",
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(input_size, hidden_size, bias, [""], device=device, dtype=dtype)
        self.nonlinearity = _known(nonlinearity)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        self._check_input(input)
        h = self._state(hx, *input.array.shape[:-1], self.hidden_size)
        from_input = ops.linear(input, self.weight_ih, self.bias_ih)
        return _ACTIVATIONS[self.nonlinearity](from_input + ops.linear(h, self.weight_hh, self.bias_hh))


class LSTMCell(_Recurrent):
    """One step of an LSTM: (x, (h, c)) → (h′, c′); the equations stand in `ops/recurrent.py`.

    `forget_bias` is added to the forget gate's bias at the start, so that the cell remembers before it has
    learned to (Jozefowicz et al. 2015 recommend 1); PyTorch has no such argument: it starts around 0.
    """

    gates = 4

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, *, forget_bias: float = 0.0,
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(input_size, hidden_size, bias, [""], forget_bias, device=device, dtype=dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        self._check_input(input)
        h, c = _both(hx)
        shape = (*input.array.shape[:-1], self.hidden_size)
        h, c = self._state(h, *shape), self._state(c, *shape)
        zx = ops.linear(input, self.weight_ih, self.bias_ih)
        c, o, _ = ops.lstm_step(zx, self.weight_hh, h, c, self.bias_hh)
        return ops.lstm_hidden(o, c), c


class _Sequence(_Recurrent):
    """Run over a sequence (T, n, input), or (n, T, input) with batch_first, in num_layers layers."""

    usual = (("num_layers", 1), ("bias", True), ("batch_first", False))

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int, bias: bool, batch_first: bool,
        left_out: dict[str, Any], forget_bias: float = 0.0, **place: Any,
    ) -> None:  # fmt: skip
        refuse(type(self).__name__, left_out, _ONLY)
        if num_layers < 1:
            raise ValueError(f"num_layers must be greater than zero, got {num_layers}")
        suffixes = [f"_l{layer}" for layer in range(num_layers)]
        super().__init__(input_size, hidden_size, bias, suffixes, forget_bias, **place)
        self.num_layers, self.batch_first = num_layers, batch_first

    def _layer(self, z: Tensor, W: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """From W_ih x + b_ih + b_hh of all steps and the state before them: all h, and the last state."""
        raise NotImplementedError

    def _run(self, input: Tensor, *given: Tensor | None) -> tuple[Tensor, list[Tensor]]:
        """From the states before the first step to all h of the last layer and the states after the last."""
        self._check_input(input)
        xs = input.transpose(0, 1) if self.batch_first else input
        starts = [self._state(s, self.num_layers, xs.array.shape[1], self.hidden_size) for s in given]
        ends = []
        for layer in range(self.num_layers):
            weight_ih, weight_hh, bias_ih, bias_hh = (
                getattr(self, f"{name}_l{layer}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            )
            bias = bias_ih + bias_hh if self.bias else None
            z = ops.linear(xs, weight_ih, bias)  # for all steps at once; only h needs one after the other
            xs, *state = self._layer(z, weight_hh, *(start[layer] for start in starts))
            ends.append(state)
        return xs.transpose(0, 1) if self.batch_first else xs, [ops.stack(*last) for last in zip(*ends)]

    def _check_input(self, input: Tensor) -> None:
        name, shape = type(self).__name__, input.array.shape
        if len(shape) != 3:
            order = "(n, T, input_size)" if self.batch_first else "(T, n, input_size)"
            raise RuntimeError(
                f"{name}: expected input of shape {order}, got {shape}; a dim is added by x.unsqueeze(dim)"
            )
        if shape[1 if self.batch_first else 0] == 0:
            raise RuntimeError(f"{name}: the sequence of shape {shape} has no time steps")
        super()._check_input(input)


class RNN(_Sequence):
    """hₜ = tanh(W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh); returns (h of the last layer, last h of all layers)."""

    gates = 1

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, nonlinearity: str = "tanh",
        bias: bool = True, batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, *,
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        left_out = {"dropout": dropout, "bidirectional": bidirectional}
        place = {"device": device, "dtype": dtype}
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, left_out, **place)
        self.nonlinearity = _known(nonlinearity)

    def _layer(self, z: Tensor, W: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        activation, (h,), hs = _ACTIVATIONS[self.nonlinearity], state, []
        for z_t in ops.unbind(z):
            h = activation(z_t + ops.linear(h, W))
            hs.append(h)
        return ops.stack(*hs), h

    def forward(self, input: Tensor, hx: Tensor | None = None) -> tuple[Tensor, Tensor]:
        output, (h,) = self._run(input, hx)
        return output, h


class LSTM(_Sequence):
    """An LSTM over a sequence; returns (h of the last layer, (last h, last c) of all layers).

    `forget_bias` is added to every forget gate's bias at the start; PyTorch has no such argument.
    """

    gates = 4

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True,
        batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, *,
        forget_bias: float = 0.0, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        left_out = {"dropout": dropout, "bidirectional": bidirectional}
        place = {"device": device, "dtype": dtype}
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, left_out, forget_bias, **place
        )

    def _layer(self, z: Tensor, W: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        hs, cs, _, _ = ops.lstm_sequence(z, W, *state)
        return hs, hs[-1], cs[-1]

    def forward(
        self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        output, (h, c) = self._run(input, *_both(hx))
        return output, (h, c)


_ONLY = {
    "dropout": (0, "put nn.Dropout between single layers"),
    "bidirectional": (False, "run a second layer on np.flip(x, 0)"),
}
_ACTIVATIONS = {"tanh": ops.tanh, "relu": ops.relu}


def _known(nonlinearity: str) -> str:
    if nonlinearity not in _ACTIVATIONS:
        raise ValueError(f"Unknown nonlinearity '{nonlinearity}': choose 'tanh' or 'relu'")
    return nonlinearity


def _both(hx: Any) -> tuple[Tensor | None, Tensor | None]:
    if hx is None:
        return None, None
    if not isinstance(hx, (tuple, list)) or len(hx) != 2:
        raise RuntimeError("an LSTM has two states: the hidden state must be given as a pair (h, c)")
    return hx[0], hx[1]
