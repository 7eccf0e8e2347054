"""What PyTorch has and this library leaves out: every refusal says why, or what to write instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# Functions and methods of tensors.
_INSTEAD = {
    "addmm baddbmm":                 "write c + a @ b",
    "einsum tensordot":              "write the sum with @, * and .sum(dim)",
    "outer ger":                     "write a[:, None] * b",
    "prod":                          "write math.prod(x.flatten())",
    "repeat tile":                   "write torch.cat([x] * n, dim), or x.expand(…), which copies nothing",
    "sort":                          "write a.topk(len(a), largest=False)[0], for a vector",
    "argsort":                       "write np.argsort(np.asarray(a))",
    "unique nonzero argwhere":       "use NumPy's, on np.asarray(x)",
    "histc histogram bincount":      "use np.histogram(np.asarray(x), bins)[0], which needs no gradient",
    "masked_select index_select take": "write x[mask], x[index]",
    "scatter_ masked_fill_":         "write x[key] = value",
    "logical_xor":                   "write (a != 0) ^ (b != 0)",
    "remainder fmod floor_divide":   "write a % b, a // b",
    "log2 exp2":                     "write x.log() / math.log(2), 2**x",
    "expm1":                         "write x.exp() - 1",
    "tan":                           "write x.sin() / x.cos()",
    "lerp":                          "write a + w * (b - a)",
    "isclose":                       "write (a - b).abs() <= 1e-8 + 1e-5 * b.abs()",
    "flip fliplr flipud":            "write np.flip(x, dim), which is differentiated too",
    "triu":                          "write np.where(np.triu(np.ones(x.shape)), x, 0)",
    "tril":                          "write np.where(np.tril(np.ones(x.shape)), x, 0)",
    "hstack":                        "write torch.cat([a, b], -1)",
    "vstack row_stack":              "write torch.stack([a, b]), of vectors; torch.cat([a, b]), of matrices",
    "bernoulli":                     "write (torch.rand(p.shape) < p).float()",
    "trace":                         "write x.diag().sum()",
    "inverse det":                   "use NumPy's, np.linalg.inv(np.asarray(x)), for the values alone",
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
