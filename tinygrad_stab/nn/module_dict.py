"""Modules under names of your choice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from .module import Module


class ModuleDict(Module):
    """A dict of modules whose parameters are found; it computes nothing itself."""

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        super().__init__()
        self.update(modules or {})

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        """Add modules, given as a dict or as pairs; a name that is there already gets the new one."""
        for name, module in dict(modules).items():
            self[name] = module

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
        return dict(self.items())[name]

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        delattr(self, name)

    def __contains__(self, name: object) -> bool:
        return name in self.keys()

    def __len__(self) -> int:
        return len(self.items())

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def keys(self) -> list[str]:
        return [name for name, _ in self.items()]

    def values(self) -> list[Module]:
        return [module for _, module in self.items()]

    def items(self) -> list[tuple[str, Module]]:
        return self._attributes(Module)
