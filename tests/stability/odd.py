"""Odd models that note themselves what went into their layers, came out of them, and was handed on.

So what is said about them can be checked against the gradients of those very values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import tinygrad_stab as torch
from tinygrad_stab import nn
from tinygrad_stab.engine.graph import variable

F = nn.functional


@dataclass
class Note:
    """One call of a layer."""

    layer: str
    x: torch.Tensor
    z: torch.Tensor
    h: torch.Tensor | None  # what is handed on; None where z itself goes several ways
    φ: Callable | None  # its activation, in NumPy's words,
    u: torch.Tensor  # and what that is applied to
    product: bool  # is z no more than a product of x and weights?
    alone: bool  # does all that comes back to x come through z?


def same(t: torch.Tensor) -> torch.Tensor:
    """The value as it is now, whatever will be written in its place."""
    return variable(t.array, t.node)


class Odd(nn.Module):
    """A model that is a function `compute(self, x)` of (n, 6), with layers of its own."""

    def __init__(self, **layers: nn.Module) -> None:
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, layer)
        self.notes: list[Note] = []

    def note(
        self, layer: str, x: Any, z: Any, h: Any, φ: Any = None, u: Any = None,
        product: bool = True, alone: bool = True,
    ) -> None:  # fmt: skip
        self.notes.append(Note(layer, x, z, h, φ, z if u is None else u, product, alone))

    def forward(self, x: torch.Tensor) -> Any:
        self.notes.clear()
        return self.compute(x)


ODD: dict[str, Callable[[], Odd]] = {}


def odd(**layers: Callable) -> Callable:
    def enter(compute: Callable) -> Callable:
        kind = type(compute.__name__, (Odd,), {"compute": compute})
        ODD[compute.__name__] = lambda: kind(**{name: make() for name, make in layers.items()})
        return compute

    return enter


def square() -> nn.Linear:
    return nn.Linear(6, 6)


# fmt: off
def relu(z: Any) -> Any:     return np.maximum(z, 0)
def sigmoid(z: Any) -> Any:  return 1 / (1 + np.exp(-z))
# fmt: on


@odd(a=square, b=square, c=square)
def formulas(self: Odd, x: torch.Tensor) -> Any:
    """Activations written as formulas, and dropout as a function."""
    h = F.dropout(F.relu(z := self.a(x)), 0.4, self.training)
    self.note("a", x, z, h, relu)
    x, z = h, self.b(h)
    h = z * torch.sigmoid(z)
    self.note("b", x, z, h, lambda z: z * sigmoid(z))
    y = 2 * torch.tanh(z := self.c(h))
    self.note("c", h, z, y, lambda z: 2 * np.tanh(z))
    return y


@odd(a=square, b=square, norm=lambda: nn.BatchNorm1d(6), c=square)
def normalized(self: Odd, x: torch.Tensor) -> Any:
    """Normalizations as functions and as a module, before activations and at the end."""
    n = self.norm
    z = self.a(x)
    u = F.batch_norm(z, n.running_mean, n.running_var, n.weight, n.bias, self.training)
    h = F.relu(u).clamp(max=1.5)
    self.note("a", x, z, h, lambda z: np.clip(z, 0, 1.5), u)
    x, z = h, self.b(h)
    h = torch.sigmoid(u := n(z))
    self.note("b", x, z, h, sigmoid, u)
    y = F.layer_norm(z := self.c(h), (6,))
    self.note("c", h, z, y)
    return y


@odd(a=square, b=square, c=square)
def residual(self: Odd, x: torch.Tensor) -> Any:
    """A branch that ends in an activation, and one that ends without, in a sum that has one."""
    h = F.relu(z := self.a(x))
    self.note("a", x, z, h, relu)
    x = x + h
    z = self.b(x)
    self.note("b", x, z, None)
    x = torch.tanh(x + z)
    y = self.c(x)
    self.note("c", x, y, y)
    return y


@odd(a=square, relu=nn.ReLU, c=square)
def shared(self: Odd, x: torch.Tensor) -> Any:
    """One layer and one activation, three times."""
    for k in range(3):
        h = self.relu(z := self.a(x))
        self.note("a" if k == 0 else f"a #{k + 1}", x, z, h, relu)
        x = h
    y = self.c(x)
    self.note("c", x, y, y)
    return y


@odd(cell=lambda: nn.LSTMCell(6, 6), c=square)
def remembering(self: Odd, x: torch.Tensor) -> Any:
    """An LSTM, step by step: what comes back to an input has come by the cell state, too."""
    h = s = torch.zeros(len(x), 6)
    for k in range(4):
        u = x * (k + 1)
        h, s = self.cell(u, (h, s))
        self.note("cell" if k == 0 else f"cell #{k + 1}", u, h, h, product=False, alone=k == 3)
    y = self.c(h)
    self.note("c", h, y, y)
    return y


@odd(cell=lambda: nn.RNNCell(6, 6), c=square)
def recurrent(self: Odd, x: torch.Tensor) -> Any:
    """The same with an RNN, where there is no way but by h."""
    h = None
    for k in range(4):
        u = x * (k + 1)
        h = self.cell(u, h)
        self.note("cell" if k == 0 else f"cell #{k + 1}", u, h, h, product=False)
    y = self.c(h)
    self.note("c", h, y, y)
    return y


@odd(a=square, b=square, c=square)
def forked(self: Odd, x: torch.Tensor) -> Any:
    """Two heads, by two activations, in a dict."""
    z = self.a(x)
    self.note("a", x, z, None)
    h1, h2 = F.relu(z), torch.tanh(z)
    y1, y2 = self.b(h1), self.c(h2)
    self.note("b", h1, y1, y1)
    self.note("c", h2, y2, y2)
    return {"first": y1, "second": y2}


class Swish(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.ones(1) * 1.7)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return z * torch.sigmoid(self.slope * z)


@odd(a=square, swish=Swish, b=square, c=square)
def by_name(self: Odd, x: torch.Tensor) -> Any:
    """Layers called by keyword, a module of one's own, and a tuple that holds a hidden layer, too."""
    h = self.swish(z := self.a(input=x))
    self.note("a", x, z, h, lambda z: z * sigmoid(1.7 * z))
    x, z = h, self.b(input=h)
    h = F.prelu(z, self.swish.slope)
    self.note("b", x, z, h, lambda z: np.maximum(z, 0) + 1.7 * np.minimum(z, 0))
    y = self.c(input=h)
    self.note("c", h, y, y)
    return y, h


@odd(a=square, b=square, c=square)
def in_place(self: Odd, x: torch.Tensor) -> Any:
    """Values that are written over."""
    z = self.a(x)
    kept = same(z)
    z *= 2
    z.clamp_(min=0)
    self.note("a", x, kept, same(z), lambda z: np.maximum(2 * z, 0))
    x, z = same(z), self.b(z)
    h = z.clone()
    h[:, 0] = 0
    self.note("b", x, z, h)
    y = self.c(h)
    self.note("c", h, y, y)
    return y


class Dense(nn.Module):
    """A layer that ends in its activation."""

    def __init__(self) -> None:
        super().__init__()
        self.W, self.b = nn.Parameter(torch.randn(6, 6) / 2), nn.Parameter(torch.zeros(6))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(x @ self.W + self.b)


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
        (x,) = ctx.saved_tensors
        return 2 * g * x


@odd(a=Dense, b=square, drop=lambda: nn.Dropout(0.3), c=square)
def hand_made(self: Odd, x: torch.Tensor) -> Any:
    """A layer, and a derivative, of one's own; backward hooks."""
    for module in (self.b, self.drop):
        module._backward_hooks or module.register_full_backward_hook(lambda *args: None)
    h = self.a(x)
    self.note("a", x, h, h, product=False)
    x, z = h, self.b(h)
    h = self.drop(Square.apply(z))
    self.note("b", x, z, h)
    y = self.c(h)
    self.note("c", h, y, y)
    return y


@odd(a=lambda: nn.Conv2d(1, 4, 3), b=lambda: nn.Conv2d(1, 4, 3), c=lambda: nn.Linear(16, 3))
def picture(self: Odd, x: torch.Tensor) -> Any:
    """Two convolutions of one image, of which one gates the other, and a pool."""
    x = x.reshape(-1, 1, 6, 1) * x.reshape(-1, 1, 1, 6)
    h1, h2 = torch.tanh(z1 := self.a(x)), torch.sigmoid(z2 := self.b(x))
    self.note("a", x, z1, h1, np.tanh)
    self.note("b", x, z2, h2, sigmoid)
    h = F.max_pool2d(h1 * h2, 2).flatten(1)
    y = self.c(h)
    self.note("c", h, y, y)
    return y
