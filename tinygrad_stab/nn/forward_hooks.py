"""Hooks around a module's forward, with PyTorch's options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


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
        changed = self.hook(module, inputs)
        if changed is None:
            return inputs, options
        return changed if isinstance(changed, tuple) else (changed,), options

    def after(self, module: Any, inputs: tuple, options: dict, y: Any) -> Any:
        """The output that the caller gets."""
        changed = self.hook(module, inputs, options, y) if self.with_kwargs else self.hook(module, inputs, y)
        return y if changed is None else changed
