"""PyTorch's names for whether the graph is recorded."""

from __future__ import annotations

import threading
from typing import Any

from ..engine.switches import Switch, enable_grad, no_grad, switches

__all__ = ["enable_grad", "inference_mode", "is_grad_enabled", "no_grad", "set_grad_enabled"]


def is_grad_enabled() -> bool:
    """Is the graph being recorded right now, in this thread?"""
    return switches.recording


class set_grad_enabled(Switch):
    """Record from here on, or do not; as the head of a `with`, until its block ends; or above a function."""

    name = "recording"

    def __init__(self, mode: bool) -> None:
        super().__init__()
        self.value = mode
        super().__enter__()

    def __enter__(self) -> None:
        if not self._before.get(threading.get_ident()):  # the constructor has thrown it already
            super().__enter__()

    def __call__(self, function: Any) -> Any:
        self.__exit__()  # it is for the function only
        return super().__call__(function)


class inference_mode(Switch):
    """Compute without recording; with mode=False, as if this were not written."""

    name = "recording"

    def __init__(self, mode: bool = True) -> None:
        super().__init__()
        self.value = switches.recording and not mode
