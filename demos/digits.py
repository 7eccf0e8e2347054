"""Real handwritten digits that live beside the code: 1 797 of 8 × 8 pixels, or 10 000 of MNIST's 28 × 28.

A third choice is a directory with the four original files of MNIST or Fashion-MNIST, which `idx.py` checks.

Pixels are standardized with one mean and one deviation for all of them: E x² = 1, and what was dark stays
dark. A blind guess is right once in ten times, and costs ln 10 = 2.303.
"""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

import tinygrad_stab as torch
from demos import idx

FILES = {"digits": "digits.npz", "mnist": "mnist10k.npz"}
LARGE = 10_000  # images: of a larger directory so many are drawn, 8 000 to train with and 2 000 to test
BLIND_LOSS, BLIND_ACCURACY = math.log(10), 0.1


class Digits(NamedTuple):
    """Images (n, pixels) and their labels (n): those to train with, and those to test."""

    x_train: torch.Tensor
    y_train: torch.Tensor
    x_test: torch.Tensor
    y_test: torch.Tensor

    @property
    def pixels(self) -> int:
        return self.x_train.shape[1]


def load_digits(seed: int, name: str = "digits") -> Digits:
    """Split `digits` or `mnist` at random, four to one, the same way for the same seed.

    Of a directory, both parts are kept apart, and shuffled. Raises ValueError for a name that is neither,
    and for a file in the directory that cannot be used.
    """
    generator = torch.Generator().manual_seed(seed)
    images, labels, n_train = _read(name)
    if name in FILES:
        order = _shuffled(len(labels), generator)
        train, test = np.split(order, [n_train])
    else:
        train = _shuffled(n_train, generator)[: LARGE * 4 // 5]
        test = n_train + _shuffled(len(labels) - n_train, generator)[: LARGE // 5]
    mean, std = images[train].mean(), images[train].std()
    x_train, x_test = (((images[k] - mean) / std).astype(torch.get_default_dtype()) for k in (train, test))
    return Digits(*map(torch.from_numpy, (x_train, labels[train], x_test, labels[test])))


def _shuffled(n: int, generator: torch.Generator) -> np.ndarray:
    return torch.randperm(n, generator=generator).numpy()


@lru_cache
def _read(name: str) -> tuple[np.ndarray, np.ndarray, int]:
    """All images (n, pixels), all labels (n), and how many of them, from the first, are to train with."""
    if name in FILES:
        with np.load(Path(__file__).parent / "data" / FILES[name]) as file:
            x, y = file["x"], file["y"]
        n_train = len(y) * 4 // 5
    elif Path(name).is_dir():
        train, test = idx.read_directory(Path(name))
        x, y = (np.concatenate(both) for both in zip(train, test))
        n_train = len(train.labels)
    else:
        known = ", ".join(FILES)
        raise ValueError(
            f"there is no data set {name!r}: choose one of {known}, or name a directory with the four files "
            "of MNIST or Fashion-MNIST"
        )
    return x.reshape(len(x), -1), y.astype(np.int64), n_train
