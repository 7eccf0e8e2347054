"""Read the files in which MNIST and Fashion-MNIST are handed out; refuse, by name, what is not one of them.

bytes 0 and 1    0
byte 2           the type of the entries, 8 for unsigned bytes
byte 3           the number of dimensions: 3 for images, 1 for labels
4 bytes each     their sizes, the highest byte first
the rest         the entries
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

CONTENTS = {3: "images", 1: "labels"}  # by the number of dimensions
OTHER_TYPES = {9: "signed bytes", 11: "short integers", 12: "integers", 13: "floats", 14: "doubles"}
AGAIN = "download the file again"


class Part(NamedTuple):
    """Images (n, height, width) and their labels (n), as bytes."""

    images: np.ndarray
    labels: np.ndarray


def read_directory(directory: Path) -> tuple[Part, Part]:
    """The part to train with, and the part to test with.

    Raises ValueError for a file that is missing, damaged or not what its name says: it names the file, what
    was found, what was expected, and what to do.
    """
    train, test = _part(directory, "train"), _part(directory, "t10k")
    if train.images.shape[1:] != test.images.shape[1:]:
        found, expected = (f"images of {_sizes(part.images.shape[1:])}" for part in (test, train))
        same = "take all four files from the same set"
        raise _refused(_find(directory, "t10k-images", 3), found, f"{expected}, as those to train with", same)
    return train, test


def _part(directory: Path, name: str) -> Part:
    images_path, labels_path = (_find(directory, f"{name}-{CONTENTS[d]}", d) for d in (3, 1))
    images, labels = read(images_path, 3), read(labels_path, 1)
    if len(labels) != len(images):
        expected = f"{len(images)}, one for each image in {images_path.name}"
        raise _refused(labels_path, f"{len(labels)} labels", expected, "take both files from the same set")
    if labels.max() > 9:
        other = "the nets have ten outputs, so a set with other classes cannot be used"
        raise _refused(labels_path, f"the label {labels.max()}", "labels from 0 to 9", other)
    if images.min() == images.max():
        raise _refused(images_path, f"the value {images.max()} in every pixel", "images", AGAIN)
    return Part(images, labels)


def read(path: Path, dimensions: int) -> np.ndarray:
    """The entries of one file, in an array of so many dimensions. Raises ValueError as `read_directory`."""
    content, what = _content(path), CONTENTS[dimensions]
    _check_kind(path, content[:4], dimensions)
    head = 4 + 4 * dimensions
    if len(content) < head:
        raise _refused(
            path, f"{len(content)} bytes", f"{head} before the {what}", f"it is truncated: {AGAIN}"
        )
    shape = tuple(map(int, np.frombuffer(content[4:head], ">u4")))
    found, expected = len(content) - head, math.prod(shape)
    if not expected:
        raise _refused(path, f"{_sizes(shape)} {what}", "at least one", f"it is empty: {AGAIN}")
    if found != expected:
        wrong = "truncated" if found < expected else "too long"
        entries = f"{expected}, for {_sizes(shape)} {what}"
        raise _refused(path, f"{found} bytes of {what}", entries, f"it is {wrong}: {AGAIN}")
    return np.frombuffer(content, np.uint8, offset=head).reshape(shape)


def _find(directory: Path, name: str, dimensions: int) -> Path:
    spellings = [f"{name}{c}idx{dimensions}-ubyte{end}" for c in "-." for end in ("", ".gz")]
    for spelling in spellings:
        if (directory / spelling).is_file():
            return directory / spelling
    there = sorted(path.name for path in directory.iterdir())
    found = ", ".join([*there[:6], *["…"] * (len(there) > 6)]) or "nothing"
    belong = "the four files of MNIST or Fashion-MNIST belong there, as they are or as .gz"
    raise _refused(directory, found, f"{spellings[0]} as well", belong)


def _content(path: Path) -> bytes:
    content = path.read_bytes()
    if path.suffix != ".gz":
        return content
    if content[:2] != b"\x1f\x8b":
        remedy = f"if it is not compressed, take .gz from its name; else {AGAIN}"
        raise _refused(path, f"{_beginning(content)} at its beginning", "1f 8b, as gzip begins", remedy)
    try:
        return gzip.decompress(content)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        damaged = "compressed data that break off or are damaged"
        raise _refused(path, damaged, "a whole compressed file", AGAIN) from None


def _check_kind(path: Path, begin: bytes, dimensions: int) -> None:
    right = bytes((0, 0, 8, dimensions))
    if begin == right:
        return
    if begin[:2] == b"\x1f\x8b":
        remedy = "it is compressed: add .gz to its name"
    elif begin[:3] == right[:3] and begin[3:] and begin[3] in CONTENTS:
        remedy = f"it is a file of {CONTENTS[begin[3]]} under another name"
    elif begin[:2] == right[:2] and begin[2:] and begin[2] in OTHER_TYPES:
        remedy = f"its entries are {OTHER_TYPES[begin[2]]}, and only unsigned bytes are read"
    else:
        remedy = f"it is no IDX file: {AGAIN}, and see that what comes is no error page"
    expected = f"{_beginning(right)}, as a file of {CONTENTS[dimensions]} begins"
    raise _refused(path, f"{_beginning(begin)} at its beginning", expected, remedy)


def _beginning(content: bytes) -> str:
    return f"the bytes {content[:4].hex(' ')}" if content else "no byte"


def _sizes(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


def _refused(path: Path, found: str, expected: str, remedy: str) -> ValueError:
    return ValueError(f"{path}: found {found}; expected {expected}; {remedy}")
