"""Modules that hold modules, in a row or by name. Each is an attribute, so its parameters are found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any

from .module import Module, _indented


class _Row(Module):
    """Modules named "0", "1", … unless they were given names; a change in the middle numbers all anew."""

    def _add(self, name: str, module: Any) -> None:
        setattr(self, name, _module(module))

    def append(self, module: Module) -> Any:
        self._add(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Any:
        for module in modules:
            self.append(module)
        return self

    __iadd__ = extend

    def insert(self, index: int, module: Module) -> Any:
        modules = list(self)
        modules.insert(index, _module(module))
        return self._renumbered(modules)

    def __delitem__(self, index: int | slice) -> None:
        modules = list(self)
        del modules[index]
        self._renumbered(modules)

    def pop(self, key: int) -> Module:
        module = list(self)[key]
        del self[key]
        return module

    def _renumbered(self, modules: list[Module]) -> Any:
        for name, _ in self._attributes(Module):
            delattr(self, name)
        return self.extend(modules)

    def __len__(self) -> int:
        return len(self._attributes(Module))

    def __iter__(self) -> Iterator[Module]:
        return (module for _, module in self._attributes(Module))

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._attributes(Module)[index][0], module)


def _module(module: Any) -> Module:
    if not isinstance(module, Module):
        raise TypeError(
            f"{module!r} is not a Module subclass: for a function use the module of that name, nn.ReLU() "
            "for F.relu, and give a list with a star, Sequential(*layers)"
        )
    return module


class Sequential(_Row):
    """Apply modules one after the other: `Sequential(Linear(2, 3), ReLU())`, or a dict of named ones."""

    def __init__(self, *modules: Any) -> None:
        super().__init__()
        of_names = len(modules) == 1 and isinstance(modules[0], dict)
        for name, module in modules[0].items() if of_names else enumerate(modules):
            self._add(str(name), module)

    def forward(self, input: Any) -> Any:
        for module in list(vars(self).values()):
            if isinstance(module, Module):
                input = module(input)
        return input

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return Sequential(dict(self._attributes(Module)[index]))
        return list(self)[index]


class ModuleList(_Row):
    """A list of modules; it computes nothing itself."""

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self.extend(modules or ())

    def __getitem__(self, index: int | slice) -> Any:
        found = list(self)[index]
        return ModuleList(found) if isinstance(index, slice) else found

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


class ModuleDict(Module, MutableMapping):
    """A dict of modules; it computes nothing itself."""

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        super().__init__()
        self.update(modules or {})

    __hash__, __eq__ = object.__hash__, object.__eq__  # it is a module first

    def __setitem__(self, name: str, module: Module) -> None:
        if not isinstance(name, str) or not isinstance(module, Module):
            found = f"{type(module).__name__} under {name!r}"
            raise TypeError(f"a ModuleDict holds modules under names that are strings, not {found}")
        if "." in name or not name:
            raise KeyError(f"module name can't contain '.' or be empty, got {name!r}: dots part the levels")
        if name not in self and hasattr(self, name):
            raise KeyError(f"attribute {name!r} already exists in every ModuleDict: take another name")
        setattr(self, name, module)

    def __getitem__(self, name: str) -> Module:
        return dict(self._attributes(Module))[name]

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        delattr(self, name)

    def __len__(self) -> int:
        return len(self._attributes(Module))

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._attributes(Module))
