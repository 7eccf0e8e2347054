"""Modules that hold modules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .module import Module, _indented


class Sequential(Module):
    """Apply modules one after the other: `Sequential(Linear(2, 3), ReLU())`, or a dict of named ones."""

    def __init__(self, *modules: Any) -> None:
        super().__init__()
        named = (
            modules[0]
            if len(modules) == 1 and isinstance(modules[0], Mapping)
            else dict(zip(_numbers(), modules))
        )
        for name, module in named.items():
            setattr(self, name, _module(module))

    def forward(self, x: Any) -> Any:
        for module in self:
            x = module(x)
        return x

    def append(self, module: Module) -> Sequential:
        setattr(self, str(len(self)), _module(module))
        return self

    def __len__(self) -> int:
        return len(self._attributes(Module))

    def __iter__(self) -> Iterator[Module]:
        return (value for value in vars(self).values() if isinstance(value, Module))

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return Sequential(dict(self._attributes(Module)[index]))
        return list(self)[index]

    def __setitem__(self, index: int, module: Module) -> None:
        name = self._attributes(Module)[index][0]
        setattr(self, name, module)


class ModuleList(Module):
    """A list of modules whose parameters are found; it computes nothing itself."""

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self.extend(modules or ())

    def append(self, module: Module) -> ModuleList:
        setattr(self, str(len(self)), _module(module))
        return self

    def extend(self, modules: Iterable[Module]) -> ModuleList:
        for module in modules:
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> None:
        modules = list(self)
        modules.insert(index, module)
        for k, module in enumerate(modules):
            setattr(self, str(k), module)

    def __len__(self) -> int:
        return len(self._attributes(Module))

    def __iter__(self) -> Iterator[Module]:
        return (value for value in vars(self).values() if isinstance(value, Module))

    def __getitem__(self, index: int | slice) -> Any:
        modules = list(self)
        return ModuleList(modules[index]) if isinstance(index, slice) else modules[index]

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, str(range(len(self))[index]), module)

    def __repr__(self) -> str:
        """Like modules in a row are printed once, with their number."""
        runs: list[list[Any]] = []  # [first, last, text]
        for k, module in enumerate(self):
            if runs and runs[-1][2] == repr(module):
                runs[-1][1] = k
            else:
                runs.append([k, k, repr(module)])
        lines = [
            f"({a}): {_indented(text)}" if a == b else f"({a}-{b}): {b - a + 1} x {_indented(text)}"
            for a, b, text in runs
        ]
        return "ModuleList(\n  " + "\n  ".join(lines) + "\n)" if lines else "ModuleList()"


def _module(value: Any) -> Module:
    if not isinstance(value, Module):
        raise TypeError(
            f"{value!r} is not a Module subclass: for a function use the module of that name, nn.ReLU() for "
            "F.relu, and give a list with a star, Sequential(*layers)"
        )
    return value


def _numbers() -> Iterator[str]:
    return map(str, range(1_000_000))
