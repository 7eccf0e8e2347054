"""Real handwritten digits that live beside the code: 1 797 of 8 × 8 pixels, or 10 000 of MNIST's 28 × 28.

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

FILES = {"digits": "digits.npz", "mnist": "mnist10k.npz"}
BLIND_LOSS, BLIND_ACCURACY = math.log(10), 0.1


class Digits(NamedTuple):
    """Images (n, pixels) and their labels (n): four fifths to train with, the rest to test."""

    x_train: torch.Tensor
    y_train: torch.Tensor
    x_test: torch.Tensor
    y_test: torch.Tensor

    @property
    def pixels(self) -> int:
        return self.x_train.shape[1]


def load_digits(seed: int, name: str = "digits") -> Digits:
    """Split the images at random, the same way for the same seed."""
    images, labels = _read(name)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed)).numpy()
    train, test = np.split(order, [len(order) * 4 // 5])
    mean, std = images[train].mean(), images[train].std()
    x = ((images - mean) / std).astype(torch.get_default_dtype())
    return Digits(*(torch.from_numpy(a) for a in (x[train], labels[train], x[test], labels[test])))


@lru_cache
def _read(name: str) -> tuple[np.ndarray, np.ndarray]:
    if name not in FILES:
        raise ValueError(f"there is no data set {name!r}: choose one of {', '.join(FILES)}")
    with np.load(Path(__file__).parent / "data" / FILES[name]) as file:
        x, y = file["x"], file["y"]
    return x.reshape(len(x), -1).astype(np.float64), y.astype(np.int64)
