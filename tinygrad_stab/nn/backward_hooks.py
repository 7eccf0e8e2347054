"""Backward hooks of a module: called with the gradient at its output, and with that at its inputs.

A module is no node of the graph; the graph knows primitives only. So the values that enter a hooked module
and those that leave it pass through `gate`, a primitive that does nothing, and the gradient is seen where it
crosses the gates.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..grad_mode import is_grad_enabled
from ..graph import TensorBase, primitive


def _gate(*xs: Any) -> Any:
    return xs


gate = primitive(_gate, lambda g, y, *xs, which: g[which], variadic=True)


def call_with_backward_hooks(module: Any, inputs: tuple, options: dict) -> Any:
    """forward(), with the gradients at its output and at its inputs shown to the module's backward hooks."""
    if not (module._backward_hooks or module._backward_pre_hooks):
        return module.forward(*inputs, **options)
    grad_output: list[Any] = []

    def leaving(grads: tuple) -> tuple:  # the gradient has come through the module
        for hook in list(module._backward_hooks):
            grads = _changed(hook(module, grads, tuple(grad_output)), grads)
        return grads

    def entering(grads: tuple) -> tuple:  # the gradient has reached the module's output
        for hook in list(module._backward_pre_hooks):
            grads = _changed(hook(module, grads), grads)
        grad_output[:] = grads
        if not any(map(_wants_gradient, inputs)):  # nothing will leave
            leaving((None,) * len(inputs))
        return grads

    y = module.forward(*_through(inputs, leaving), **options)
    return _through(y, entering) if isinstance(y, tuple) else _through((y,), entering)[0]


def _through(values: tuple, hook: Callable[[tuple], tuple]) -> tuple:
    """Lead values through a gate whose hook sees one gradient per value, None for what needs none."""
    places = [k for k, value in enumerate(values) if _wants_gradient(value)]
    if not places or not is_grad_enabled():
        return values
    passed = gate(*[values[k] for k in places])

    def at_gate(parts: tuple) -> tuple:
        grads = hook(tuple(parts[places.index(k)] if k in places else None for k in range(len(values))))
        return tuple(grads[k] for k in places)

    passed[0].node.parents[0].hooks = [at_gate]
    return tuple(passed[places.index(k)] if k in places else value for k, value in enumerate(values))


def _wants_gradient(value: Any) -> bool:
    return isinstance(value, TensorBase) and value.node is not None


def _changed(returned: Any, grads: tuple) -> tuple:
    return grads if returned is None else returned if isinstance(returned, tuple) else (returned,)
