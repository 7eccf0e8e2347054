"""Hooks around a module: before and after forward, and on the gradient's way back.

A module is no node of the graph; the graph knows primitives only. So the values that enter a module with
backward hooks and those that leave it pass through a gate, a primitive that does nothing, where the gradient
is seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.graph import Variable
from ..engine.hooks import RemovableHandle, copied, replaced
from ..engine.primitive import ANY, primitive
from ..tensor.grad_mode import is_grad_enabled
from ..tensor.user_code import warn


@dataclass(frozen=True)
class ForwardHook:
    """A function called before or after forward; `with_kwargs` shows it the keyword arguments as well."""

    hook: Callable
    with_kwargs: bool = False
    always_call: bool = False

    def before(self, module: Any, inputs: tuple, options: dict) -> tuple[tuple, dict]:
        """The inputs and keyword arguments that forward gets."""
        if self.with_kwargs:
            return self.hook(module, inputs, options) or (inputs, options)
        return _changed(self.hook(module, inputs), inputs), options

    def after(self, module: Any, inputs: tuple, options: dict, y: Any) -> Any:
        """The output that the caller gets."""
        changed = self.hook(module, inputs, options, y) if self.with_kwargs else self.hook(module, inputs, y)
        return y if changed is None else changed


def _changed(returned: Any, values: tuple) -> tuple:
    """What a hook has returned, as a tuple; the values as they were if it has returned nothing."""
    if returned is None:
        return values
    return returned if isinstance(returned, tuple) else (returned,)


def _gate(*xs: Any, hook: Any = None) -> Any:
    return xs


gate = primitive(_gate, joint=lambda g, hook: list(g) if hook is None else hook(g), inputs=ANY)


class BackwardGates:
    """The two gates of one call of a module. The gradient enters at the output and leaves at the inputs."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.grad_output: tuple | None = None  # known while the gradient is inside the module

    def enter(self, inputs: tuple) -> tuple:
        """The inputs of forward, behind the gate through which the gradient leaves."""
        self.inputs = len(inputs)
        self.exit_exists = is_grad_enabled() and any(map(_wants_gradient, inputs))
        return _through(inputs, self._gradient_leaves, zeros=True)

    def leave(self, y: Any) -> Any:
        """The output of forward, behind the gate through which the gradient enters."""
        if isinstance(y, tuple):
            return _through(y, self._gradient_enters)
        if isinstance(y, Variable):
            return _through((y,), self._gradient_enters)[0]
        kind = type(y).__name__
        warn(f"backward hooks need a Tensor or a tuple of Tensors as output, not {kind}: not called")
        return y

    def _gradient_enters(self, grads: tuple) -> tuple:
        for hook in list(self.module._backward_pre_hooks.values()):
            grads = _as_many(hook(self.module, grads), grads)
        self.grad_output = grads
        if not self.exit_exists:
            self._gradient_leaves((None,) * self.inputs)
        return grads

    def _gradient_leaves(self, grads: tuple) -> tuple:
        if self.grad_output is None:  # a second derivative arrives here without having entered
            return grads
        for hook in list(self.module._backward_hooks.values()):
            grads = _as_many(hook(self.module, grads, self.grad_output), grads)
        self.grad_output = None
        return grads


def _through(values: tuple, hook: Callable[[tuple], tuple], zeros: bool = False) -> tuple:
    """Lead values through a gate whose hook sees a gradient for each: where none arrives, None, or zeros."""
    places = [k for k, value in enumerate(values) if _wants_gradient(value)]
    if not places or not is_grad_enabled():
        return values
    like = [values[k].array for k in places]

    def at_gate(parts: Any) -> list:
        seen: list[Any] = [None] * len(values)
        for k, g, x in zip(places, parts, like):
            shown = np.zeros(x.shape, x.dtype) if g is None and zeros else g
            seen[k] = None if shown is None else copied(shown)
        grads = hook(tuple(seen))
        return [g if grads[k] is None else replaced(g, grads[k]) for k, g in zip(places, parts)]

    through = dict(zip(places, gate(*[values[k] for k in places], hook=at_gate)))
    return tuple(through.get(k, value) for k, value in enumerate(values))


def _wants_gradient(value: Any) -> bool:
    return isinstance(value, Variable) and value.node is not None


def _as_many(returned: Any, grads: tuple) -> tuple:
    changed = _changed(returned, grads)
    if len(changed) != len(grads):
        found = f"got {len(changed)}, but expected {len(grads)}"
        raise RuntimeError(f"Backward hook returned an invalid number of grad, {found}")
    return changed


def no_hooks() -> dict[str, Any]:
    """What a module has before any hook is set."""
    names = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")
    return {**{name: {} for name in names}, "_hooked": False}  # never hooked: a call is just forward()


class HasHooks:
    """The hooks of a module; `Module` inherits them."""

    forward: Callable[..., Any]
    _forward_pre_hooks: dict
    _forward_hooks: dict
    _backward_pre_hooks: dict
    _backward_hooks: dict

    def _call_with_hooks(self, inputs: tuple, options: dict) -> Any:
        after = list(self._forward_hooks.values())
        try:
            for hook in list(self._forward_pre_hooks.values()):
                inputs, options = hook.before(self, inputs, options)
            gates = BackwardGates(self) if self._backward_hooks or self._backward_pre_hooks else None
            y = self.forward(*(gates.enter(inputs) if gates else inputs), **options)
            while after:
                y = after.pop(0).after(self, inputs, options, y)
        finally:  # an error came in between: only the hooks that asked for it
            for hook in after:
                if hook.always_call:
                    hook.after(self, inputs, options, None)
        return gates.leave(y) if gates else y

    def register_forward_pre_hook(
        self, hook: Callable, *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, inputs)` before forward; what it returns replaces the inputs.

        With with_kwargs it is `hook(module, inputs, kwargs)`, and returns a pair.
        """
        return self._register(self._forward_pre_hooks, ForwardHook(hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Callable, *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, inputs, output)` after forward; what it returns replaces the output.

        With with_kwargs it is `hook(module, inputs, kwargs, output)`; with always_call it is called, with
        None as output, even if forward raises."""
        return self._register(self._forward_hooks, ForwardHook(hook, with_kwargs, always_call), prepend)

    def register_full_backward_pre_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_output)` when the gradient arrives; what it returns replaces it."""
        return self._register(self._backward_pre_hooks, hook, prepend)

    def register_full_backward_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` when it has passed; a result replaces grad_input."""
        return self._register(self._backward_hooks, hook, prepend)

    def _register(self, hooks: dict, hook: Any, prepend: bool) -> RemovableHandle:
        vars(self)["_hooked"] = True
        return RemovableHandle(hooks, hook, prepend)
