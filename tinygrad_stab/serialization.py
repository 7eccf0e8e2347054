"""Save and load tensors, numbers and what is made of them, without running anything that a file says.

PyTorch's files are pickles: programs that the reader runs, so that to load a stranger's weights is to trust
the stranger. Ours are zip files of arrays, 0.npy, 1.npy, …, which `numpy.load` reads too, and a
structure.json, where numbers, strings, true, false and null are themselves, and all else has one key:

    {"tensor": [0, false]}              array 0, and whether it requires a gradient; "parameter" likewise
    {"array": 1}                        array 1, as a NumPy array
    {"list": [...]}, {"tuple": [...]}   values one after the other
    {"dict": [[key, value], ...]}       pairs, as a key may be a number: an optimizer's state has such keys
"""

from __future__ import annotations

import contextlib
import json
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import numpy as np

from .nn.parameter import Parameter
from .tensor import Tensor, rebuilt


def save(obj: Any, f: str | os.PathLike | BinaryIO) -> None:
    """Write tensors, arrays, numbers, strings, None, and lists, tuples and dicts of these to a file.

    Anything else raises a TypeError before the file is opened: of a model or optimizer save the state_dict().
    A file that is there already is replaced when all is written: on a full disk the older one remains.
    """
    arrays: list[np.ndarray] = []
    try:
        structure = json.dumps(_encoded(obj, arrays, "obj"))
    except RecursionError:
        raise ValueError("save: obj holds itself, or is nested too deeply for a file") from None
    with _beside(f) as place, zipfile.ZipFile(place, "w") as file:
        file.writestr("structure.json", structure)
        for k, array in enumerate(arrays):
            with file.open(f"{k}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)


@contextlib.contextmanager
def _beside(f: Any) -> Iterator[Any]:
    """Where to write: into an open file, or beside the one of this name, whose place it takes at the end."""
    if hasattr(f, "write"):
        yield f
        return
    target = os.path.realpath(f)
    part = f"{target}.{os.getpid()}.part"
    try:
        yield part
        os.replace(part, target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(part)


def _encoded(x: Any, arrays: list[np.ndarray], path: str) -> Any:
    """The JSON value for x; arrays are appended to a list and stand in it by their numbers."""
    if x is None or isinstance(x, (bool, int, float, str)):
        return x
    if isinstance(x, np.generic):
        return _encoded(x.item(), arrays, path)
    if isinstance(x, (Tensor, np.ndarray)) and not np.asarray(x).dtype.hasobject:
        arrays.append(np.asarray(x))
        number = len(arrays) - 1
        if isinstance(x, np.ndarray):
            return {"array": number}
        return {"parameter" if isinstance(x, Parameter) else "tensor": [number, x.requires_grad]}
    if isinstance(x, (list, tuple)):
        values = [_encoded(value, arrays, f"{path}[{k}]") for k, value in enumerate(x)]
        return {"list" if isinstance(x, list) else "tuple": values}
    if isinstance(x, dict):
        keys = [_encoded(key, arrays, f"a key of {path}") for key in x]
        return {"dict": [[key, _encoded(x[k], arrays, f"{path}[{k!r}]")] for key, k in zip(keys, x)]}
    hint = ": save its state_dict()" if hasattr(x, "state_dict") else ""
    raise TypeError(
        f"save: {path} is of type {type(x).__name__}, but a file holds tensors, arrays, numbers, strings, "
        f"None, lists, tuples and dicts{hint}"
    )


def load(f: str | os.PathLike | BinaryIO, map_location: Any = None, *, weights_only: bool = True) -> Any:
    """Read what `save` has written. A RuntimeError says of any other file what it seems to be.

    `weights_only` is taken for PyTorch's sake: nothing in a file is ever run.
    """
    if str(map_location) not in ("None", "cpu"):
        raise ValueError(f"map_location={map_location!r} is not supported: the only device is the CPU")
    with _explained(f), zipfile.ZipFile(f) as file:
        if swollen := [info.filename for info in file.infolist() if info.compress_type != zipfile.ZIP_STORED]:
            raise ValueError(f"{swollen[0]} is compressed, and may be of any size; save compresses nothing")
        structure = json.loads(file.read("structure.json"))
        return _decoded(structure, lambda k: _array(file, k))


def _array(file: zipfile.ZipFile, k: int) -> np.ndarray:
    with file.open(f"{k}.npy") as entry:
        return np.lib.format.read_array(entry, allow_pickle=False)


def _decoded(x: Any, array: Callable[[int], np.ndarray]) -> Any:
    if not isinstance(x, dict):
        return x
    ((kind, content),) = x.items()
    if kind == "array":
        return array(content)
    if kind in ("tensor", "parameter"):
        number, requires_grad = content
        return rebuilt(Parameter if kind == "parameter" else Tensor, array(number), requires_grad)
    if kind == "dict":
        return {_decoded(key, array): _decoded(value, array) for key, value in content}
    return {"list": list, "tuple": tuple}[kind](_decoded(value, array) for value in content)


@contextlib.contextmanager
def _explained(f: Any) -> Iterator[None]:
    """Say what is wrong with a file that cannot be read."""
    try:
        yield
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        KeyError,
        ValueError,
        TypeError,
        RecursionError,
    ) as error:
        raise RuntimeError(f"load: {f} was not written by save, {_diagnosis(f)} ({error})") from error


def _diagnosis(f: Any) -> str:
    with contextlib.ExitStack() as stack:
        file = f if hasattr(f, "read") else stack.enter_context(open(f, "rb"))
        file.seek(0)
        start = file.read(2)
        if not zipfile.is_zipfile(file):
            if start == b"PK":
                return "or it is incomplete: its end is missing"
            return "which makes zip files" + ("; it looks like a pickle" if start[:1] == b"\x80" else "")
        names = zipfile.ZipFile(file).namelist()
    if "structure.json" in names:
        return "or it is damaged"
    if any(name.endswith("data.pkl") for name in names):
        return (
            "but by PyTorch, as a pickle. Where PyTorch is installed, convert it: "
            "np.savez('weights.npz', **{name: t.numpy() for name, t in torch.load(...).items()})"
        )
    return "as it holds no structure.json; for a plain .npz file use numpy.load"
