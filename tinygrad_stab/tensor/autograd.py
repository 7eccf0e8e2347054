"""grad() and backward() with PyTorch's arguments. What they do is to be read in `engine/`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import engine
from ..engine import graph
from ..engine.graph import variable


def grad(
    outputs: Any, inputs: Any, grad_outputs: Any = None, retain_graph: bool | None = None,
    create_graph: bool = False, only_inputs: bool = True, allow_unused: bool | None = None,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:  # fmt: skip
    """Return ∂(Σ outputs)/∂x for each x of the inputs, any tensors of the graph: `grad(loss, hiddens)`.

    An input that the outputs do not depend on is an error, or with allow_unused None, or with
    materialize_grads zeros. `only_inputs` has no effect, as in PyTorch.
    """
    xs = _as_list(inputs)
    upstream = None if grad_outputs is None else _as_list(grad_outputs)
    found = engine.grad(_as_list(outputs), xs, upstream, retain_graph, create_graph)
    if materialize_grads:
        found = [variable(np.zeros_like(x.array)) if g is None else g for x, g in zip(xs, found)]
    if not allow_unused and any(g is None for g in found):
        raise RuntimeError(
            "one of the inputs was not used to compute the outputs; allow_unused=True gives None for it, "
            "materialize_grads=True zeros. (The derivative of a function in straight pieces, as of relu, "
            "does not depend on its input.)"
        )
    return tuple(found)


def backward(
    tensors: Any, grad_tensors: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
    inputs: Any = None,
) -> None:  # fmt: skip
    """Add ∂(Σ tensors)/∂x to `x.grad` for every leaf x that they depend on, or only for the `inputs`."""
    receivers = None if inputs is None else _as_list(inputs)
    if receivers is not None and (not receivers or any(x.node is None for x in receivers)):
        raise RuntimeError(
            "backward(inputs=…): there must be at least one input, and each must require a gradient"
        )
    upstream = None if grad_tensors is None else _as_list(grad_tensors)
    engine.backward(_as_list(tensors), upstream, retain_graph, create_graph, receivers)


def Variable(data: Any, requires_grad: bool = False) -> Any:
    """The old name of a tensor: the same memory, without the graph."""
    return data.detach().requires_grad_(requires_grad)


def _as_list(x: Any) -> list:
    return [x] if isinstance(x, (graph.Variable, np.ndarray)) else list(x)
