"""Who wrote into which memory, and when.

A backward pass reads values that the forward pass kept. If one of them is overwritten in between, the
gradient would be silently wrong, so a write is noted here, and the backward pass refuses a value written
after it was kept. NumPy itself knows which arrays share memory (`array.base`), so views need no bookkeeping
of their own.
"""

import itertools
import threading
import weakref

import numpy as np

# One clock for writes and for births of nodes, so that "written after it was kept" is a comparison.
clock = itertools.count(1)


class _Latest:
    __slots__ = ("write",)

    def __init__(self) -> None:
        self.write = 0  # while no node is older than this, nothing needs a closer look


latest = _Latest()
_noting = threading.Lock()  # or another thread's earlier write could be taken for the latest
_written: dict[int, int] = {}  # id of the array that owns the memory → time of its last write
_alive: dict[int, weakref.ref] = {}


def note_write(array: np.ndarray) -> None:
    """Note that the memory of `array`, and of all its views, has just been written in place."""
    owner = array if array.base is None else _owner(array)
    key = id(owner)
    if key not in _written:  # forget the entry together with the array: Python uses an id again
        _alive[key] = weakref.ref(owner, lambda _: (_written.pop(key, None), _alive.pop(key, None)))
    with _noting:
        _written[key] = latest.write = next(clock)


def written_since(array: np.ndarray, time: int) -> bool:
    """Was the memory of `array` written in place after `time`?"""
    return _written.get(id(_owner(array)), 0) > time


def _owner(array: np.ndarray) -> np.ndarray:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


# glibc gives the memory of large arrays back to the kernel when they are dropped, and the next training step
# pays for every page of it anew, up to 1.7 times its time; it stops doing so once one block as large as this
# has been freed. The block is never written to, so it costs nothing. Other allocators do not notice.
np.empty(2**25 - 2**16, np.uint8)
