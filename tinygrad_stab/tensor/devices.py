"""The names of devices, which the first lines of most scripts ask for; there is only the CPU.

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

gives the CPU. What would make PyTorch compute the same in every run is accepted: NumPy always does.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from .left_out import names_left_out

KINDS = ("cpu", "cuda", "mps", "xpu", "meta")


class device:
    """The name of a device: device("cpu"), device("cuda:0"), device("cuda", 0). Tensors are on the CPU."""

    __slots__ = ("type", "index")

    def __init__(self, type: Any = "cpu", index: int | None = None) -> None:
        kind, _, number = str(type).partition(":")
        if kind not in KINDS or not (number.isdigit() or not number):
            raise RuntimeError(
                f"Expected one of {', '.join(KINDS)} device type at start of device string: {type}; "
                'there is only torch.device("cpu")'
            )
        self.type, self.index = kind, int(number) if number else index

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type={self.type!r}{index})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __enter__(self) -> device:
        only_the_cpu(self)
        return self

    def __exit__(self, *exception: Any) -> None:
        """Tensors made in a block `with device("cpu"):` are on the CPU, as all are."""


CPU = device("cpu")


def only_the_cpu(wanted: Any) -> None:
    """Refuse every device but the CPU; None is wherever tensors are."""
    if wanted is None or wanted == "cpu" or wanted is CPU:
        return
    if not isinstance(wanted, (str, device)) or device(wanted).type != "cpu":
        raise RuntimeError(
            f"Torch not compiled with {str(wanted).partition(':')[0].upper()} enabled: there is no device "
            f"{str(wanted)!r} here: this library computes with NumPy, on the CPU. "
            'Write device = torch.device("cuda" if torch.cuda.is_available() else "cpu")'
        )


def set_default_device(device: Any) -> None:
    """Make new tensors on this device: the CPU."""
    only_the_cpu(device)


def get_default_device() -> device:
    """Where new tensors are made: on the CPU."""
    return CPU


def set_num_threads(n: int) -> None:
    """Leave it at what NumPy does: the variable OMP_NUM_THREADS is read before NumPy is imported."""


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Leave it at what NumPy does, which computes the same in every run."""


def set_float32_matmul_precision(precision: str) -> None:
    """Leave it at full precision."""


def _no(*_: Any, **__: Any) -> bool:
    """False: there is only the CPU."""
    return False


def _none(*_: Any, **__: Any) -> None:
    """Do nothing: there is only the CPU."""


def _zero(*_: Any, **__: Any) -> int:
    """0: there is only the CPU."""
    return 0


def _module(name: str, **names: Any) -> Any:
    """A module that can be imported, `from torch.backends import cudnn`, and given settings."""
    full = f"{__package__.split('.')[0]}.{name}"
    module = sys.modules[full] = ModuleType(full, "There is only the CPU: nothing here has an effect.")
    vars(module).update(names, __path__=[], __getattr__=names_left_out(full, {}, "there is only the CPU"))
    return module


_device = {"is_available": _no, "device_count": _zero, "manual_seed": _none, "manual_seed_all": _none,
           "seed": _none, "seed_all": _none, "empty_cache": _none, "is_initialized": _no}  # fmt: skip
_memory = {f"{kind}_{what}": _zero for kind in ("memory", "max_memory") for what in ("allocated", "reserved")}
_settings = {"is_available": _no, "is_built": _no, "version": _none, "enabled": False, "deterministic": True,
             "benchmark": False, "allow_tf32": False}  # fmt: skip

cuda = _module("cuda", **_device, **_memory, reset_peak_memory_stats=_none)
mps, xpu = _module("mps", **_device), _module("xpu", **_device)
accelerator = _module("accelerator", **_device, current_accelerator=_none)
backends = _module("backends", **{
    name: _module(f"backends.{name}", **_settings, **more)
    for name, more in {"cudnn": {}, "mps": {}, "cuda": {"matmul": ModuleType("matmul")}}.items()
})  # fmt: skip
