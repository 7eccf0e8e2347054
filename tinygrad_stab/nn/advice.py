"""What a module says to someone who has made one of the usual mistakes."""

from __future__ import annotations

from typing import Any

from ..tensor.user_code import warn


class NoSuchAttribute(AttributeError):
    """Looks for names like it only when it is read: hasattr(module, name) throws it away."""

    def __init__(self, module: Any, missing: str) -> None:
        super().__init__(missing)
        self.module, self.missing = module, missing

    def __str__(self) -> str:
        import difflib

        kind, own = type(self.module), [n for n in vars(self.module) if not n.startswith("_")]
        near = difflib.get_close_matches(self.missing, own, 2) or difflib.get_close_matches(
            self.missing, dir(kind), 1
        )
        hint = f". Did you mean: {' or '.join(map(repr, near))}?" if near else ""
        return f"{kind.__name__!r} object has no attribute {self.missing!r}{hint}"


def warn_of_plain_list(module: Any, name: str, value: Any) -> None:
    """Warn of layers in a list or a tuple, which nobody trains."""
    warn(
        f"{type(module).__name__}.{name} is a plain {type(value).__name__}, so its layers are "
        "invisible to parameters() and will not be trained: use nn.ModuleList([...]) instead"
    )


_REMEDIES = {
    "child module": "for a function use the module of that name, nn.ReLU() for F.relu",
    "parameter": "write nn.Parameter(tensor); to change its values "
    "`with torch.no_grad(): parameter.copy_(tensor)`",
    "buffer": "to change its values write buffer.copy_(tensor) or buffer.fill_(number)",
}


def check_kind(what: str, kind: type, name: str, value: Any) -> None:
    """Refuse what is no child module, parameter or buffer in the place of one."""
    if not (value is None or isinstance(value, kind)):
        raise TypeError(
            f"cannot assign {type(value).__name__} as {what} {name!r} ({kind.__name__} or None expected): "
            f"{_REMEDIES[what]}"
        )
