"""What PyTorch has and this library leaves out: every refusal says why, or what to write instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# Functions and methods of tensors.
_INSTEAD = {
    "bmm mv addmm":                  "write a @ b, c + a @ b",
    "einsum tensordot":              "write the sum with @, * and .sum(dim)",
    "outer":                         "write a[:, None] * b",
    "prod":                          "write math.prod(x.flatten())",
    "repeat tile":                   "write torch.cat([x] * n, dim), or x.expand(…), which copies nothing",
    "sort argsort topk":             "write a[np.argsort(np.asarray(a))], for a vector",
    "unique nonzero":                "use NumPy's, on np.asarray(x)",
    "histc histogram":               "use np.histogram(np.asarray(x), bins)[0], which needs no gradient",
    "masked_select index_select":    "write x[mask], x[index]",
    "scatter_ masked_fill_":         "write x[key] = value",
    "logical_and logical_not":       "write mask & mask, ~mask",
    "remainder fmod floor_divide":   "write a % b, a // b",
    "log2 exp2":                     "write x.log() / math.log(2), 2**x",
}  # fmt: skip
INSTEAD = {name: remedy for names, remedy in _INSTEAD.items() for name in names.split()}


def names_left_out(owner: str, reasons: dict[str, str], otherwise: str = "") -> Callable[[str], object]:
    """The `__getattr__` of a module or an object, which is called for a name that it does not have."""

    def __getattr__(name: str) -> object:
        why = reasons.get(name, "" if name.startswith("__") else otherwise)
        reason = f": left out, {why}" if why else ""
        raise AttributeError(f"{owner!r} has no attribute {name!r}{reason}")

    return __getattr__


def refuse(owner: str, given: dict[str, Any], only: dict[str, tuple[Any, str]]) -> None:
    """Refuse arguments of PyTorch's that have another value than the `only` one they can have here."""
    for argument, value in given.items():
        if argument not in only:
            raise TypeError(f"{owner} got an unexpected keyword argument {argument!r}")
        default, why = only[argument]
        if value != default:
            raise ValueError(f"{owner}: {argument}={value!r} is not supported: {why}")
