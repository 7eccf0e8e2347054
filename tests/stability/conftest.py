"""Small nets for the tests of this folder."""

from collections.abc import Callable
from typing import Any

import pytest

from tinygrad_stab import nn


def make_mlp(
    depth: int,
    width: int,
    activation: Callable[[], Any] = nn.ReLU,
    weight_var: float = 2.0,
    norm: Callable[[int], Any] | None = None,
    outputs: int = 10,
    bias: bool = True,
) -> nn.Sequential:
    """depth hidden layers with Var W = weight_var/fan_in and biases of 0, and a linear one on top."""
    modules: list[Any] = []
    for _ in range(depth):
        layer = nn.Linear(width, width, bias=bias)
        nn.init.normal_(layer.weight, std=(weight_var / width) ** 0.5)
        if bias:
            nn.init.zeros_(layer.bias)
        modules += [layer, *([norm(width)] if norm else []), activation()]
    return nn.Sequential(*modules, nn.Linear(width, outputs, bias=bias))


@pytest.fixture
def mlp():
    return make_mlp


def state_of(model: nn.Module) -> list[Any]:
    """All that looking at a model must not change."""
    return [
        [(module, module.training) for module in model.modules()],
        [(p, p._grad, p.requires_grad) for p in model.parameters()],
        [p.array.tobytes() for p in model.parameters()],
        [(id(b), b.array.tobytes()) for b in model.buffers()],
        [
            (dict(m._forward_hooks), dict(m._forward_pre_hooks), dict(m._backward_hooks))
            for m in model.modules()
        ],
        [len(p.node.hooks or ()) for p in model.parameters() if p.requires_grad],
    ]


@pytest.fixture
def snapshot():
    return state_of
