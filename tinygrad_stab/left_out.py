"""What PyTorch has and this library leaves out: every refusal says why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def names_left_out(module: str, reasons: dict[str, str]) -> Callable[[str], object]:
    """The `__getattr__` of a module, which is called for a name that the module does not have."""

    def __getattr__(name: str) -> object:
        reason = f": left out, {reasons[name]}" if name in reasons else ""
        raise AttributeError(f"module {module!r} has no attribute {name!r}{reason}")

    return __getattr__


def refuse(owner: str, given: dict[str, Any], only: dict[str, tuple[Any, str]]) -> None:
    """Refuse arguments of PyTorch's that have another value than the `only` one they can have here."""
    for argument, value in given.items():
        if argument not in only:
            raise TypeError(f"{owner} got an unexpected keyword argument {argument!r}")
        default, why = only[argument]
        if value != default:
            raise ValueError(f"{owner}: {argument}={value!r} is not supported: {why}")


def only_the_cpu(device: Any) -> None:
    """Refuse every other device."""
    if str(device) != "cpu":
        raise RuntimeError(
            f"there is no device {device!r} here: this library computes with NumPy, on the CPU"
        )
