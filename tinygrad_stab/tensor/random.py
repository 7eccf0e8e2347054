"""Where random numbers come from: one `Generator` behind `manual_seed`, or one that is passed as
`generator=`.

The same seed gives the same numbers, though not PyTorch's, whose bit stream is another.
"""

from __future__ import annotations

from typing import Any

import numpy as np


class Generator:
    """A stream of random numbers of its own, independent of `manual_seed`."""

    def __init__(self, device: str = "cpu") -> None:
        self._numpy: np.random.Generator | None = None

    @property
    def numpy(self) -> np.random.Generator:
        """NumPy's generator, made when it is first needed: loading numpy.random takes a while."""
        if self._numpy is None:
            self._numpy = np.random.default_rng()
        return self._numpy

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream that belongs to this seed."""
        self._numpy = np.random.default_rng(seed)
        return self


_default = Generator()


def manual_seed(seed: int) -> Generator:
    """Start the stream that everything uses which is given no generator."""
    return _default.manual_seed(seed)


def numpy_generator(generator: Generator | None) -> np.random.Generator:
    """NumPy's generator inside the given one, or inside the default."""
    return (generator or _default).numpy


def uniform(
    generator: Generator | None, shape: tuple[int, ...], low: float, high: float, dtype: Any
) -> np.ndarray:
    """Uniform on [low, high), drawn in the precision of the dtype: rounded afterwards, 1 − 1e-9 becomes 1."""
    rng = numpy_generator(generator)
    if dtype == np.float32:
        return low + (high - low) * rng.random(shape, np.float32)
    return low + (high - low) * rng.random(shape).astype(dtype)
