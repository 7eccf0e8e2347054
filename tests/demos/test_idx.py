"""The files of MNIST: read as they are handed out, and refused, by name, when they are something else."""

import gzip
import re

import numpy as np
import pytest

from demos.digits import LARGE, load_digits

NAMES = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
]
X_TRAIN, Y_TRAIN, X_TEST, Y_TEST = NAMES


def idx(entries):
    """The bytes of an IDX file, written from its description."""
    head = bytes([0, 0, 8, entries.ndim]) + b"".join(n.to_bytes(4, "big") for n in entries.shape)
    return head + entries.astype(np.uint8).tobytes()


def images(n, side=4):
    return np.arange(n * side * side).reshape(n, side, side) % 251


@pytest.fixture
def mnist(tmp_path):
    """A directory with files as those of MNIST: 30 images to train with, 20 to test, of 4 × 4 pixels."""
    for name, content in zip(NAMES, (images(30), np.arange(30) % 10, images(20) + 1, np.arange(20) % 10)):
        (tmp_path / name).write_bytes(idx(content))
    return tmp_path


def test_a_directory_keeps_its_parts_apart_and_every_image_with_its_label(mnist):
    data = load_digits(0, str(mnist))
    assert (len(data.y_train), len(data.y_test), data.pixels) == (30, 20, 16)
    assert data.x_train.mean().item() == pytest.approx(0, abs=1e-5)
    x = images(30).reshape(30, 16)
    standardized = (x - x.mean()) / x.std()
    for image, label in zip(data.x_train.numpy(), data.y_train.tolist()):
        (k,) = np.flatnonzero(np.isclose(standardized, image, atol=1e-5).all(axis=1))
        assert k % 10 == label
    assert sorted(data.y_test.tolist()) == sorted(k % 10 for k in range(20))
    again, other = load_digits(0, str(mnist)), load_digits(1, str(mnist))
    assert data.y_train.tolist() == again.y_train.tolist() != other.y_train.tolist()


@pytest.mark.parametrize("spelling", ["compressed.gz", "dotted", "dotted.gz"])
def test_other_spellings_are_read_as_well(mnist, spelling):
    plain = load_digits(0, str(mnist))
    other = mnist / "other"
    other.mkdir()
    for name in NAMES:
        content = (mnist / name).read_bytes()
        to = name.replace("-idx", ".idx") if "dotted" in spelling else name
        if spelling.endswith(".gz"):
            (other / f"{to}.gz").write_bytes(gzip.compress(content))
        else:
            (other / to).write_bytes(content)
    assert (load_digits(0, str(other)).x_train == plain.x_train).all()


def test_of_a_large_directory_so_many_are_drawn_anew_for_each_seed(mnist):
    for name, content in zip(
        NAMES, (images(9000, 1), np.arange(9000) % 10, images(3000, 1), np.arange(3000) % 10)
    ):
        (mnist / name).write_bytes(idx(content))
    first, second = (load_digits(seed, str(mnist)) for seed in (0, 1))
    assert (len(first.y_train), len(first.y_test)) == (8000, 2000) == (LARGE * 4 // 5, LARGE // 5)
    assert first.y_train.tolist() != second.y_train.tolist()


FULL, FLAT = idx(images(30)), idx(np.arange(30) % 10)
REFUSED = {  # the file, what stands in it, and what is said of it
    "missing": (X_TEST, None,
                "found t10k-labels-idx1-ubyte, train-images-idx3-ubyte, train-labels-idx1-ubyte; "
                "expected t10k-images-idx3-ubyte as well"),
    "a web page": (X_TRAIN, b"<!DOCTYPE html>",
                   "found the bytes 3c 21 44 4f at its beginning; expected the bytes 00 00 08 03, as a file "
                   "of images begins; it is no IDX file: download"),
    "no byte": (Y_TEST, b"", "found no byte at its beginning"),
    "two bytes": (Y_TEST, b"\0\0", "found the bytes 00 00 at its beginning"),
    "labels as images": (X_TRAIN, FLAT, "it is a file of labels under another name"),
    "images as labels": (Y_TRAIN, FULL, "expected the bytes 00 00 08 01, as a file of labels begins; "
                         "it is a file of images under another name"),
    "floats": (X_TEST, bytes([0, 0, 13, 3]) + FULL[4:], "its entries are floats, and only unsigned bytes"),
    "compressed, not named so": (X_TEST, gzip.compress(FULL), "it is compressed: add .gz to its name"),
    "half a head": (X_TEST, FULL[:10], "found 10 bytes; expected 16 before the images; it is truncated"),
    "truncated": (X_TRAIN, FULL[:-1],
                  "found 479 bytes of images; expected 480, for 30 × 4 × 4 images; it is truncated"),
    "too long": (Y_TRAIN, FLAT + b"\0",
                 "found 31 bytes of labels; expected 30, for 30 labels; it is too long"),
    "empty": (X_TRAIN, idx(images(0)), "found 0 × 4 × 4 images; expected at least one; it is empty"),
    "counts": (Y_TRAIN, idx(np.zeros(29)),
               "found 29 labels; expected 30, one for each image in train-images-idx3-ubyte"),
    "letters": (Y_TEST, idx(np.arange(20) + 7), "found the label 26; expected labels from 0 to 9"),
    "other sizes": (X_TEST, idx(images(20, 5)), "found images of 5 × 5; expected images of 4 × 4"),
    "blank": (X_TRAIN, idx(np.full((30, 4, 4), 7)), "found the value 7 in every pixel; expected images"),
}  # fmt: skip


@pytest.mark.parametrize("fault", REFUSED)
def test_a_file_that_cannot_be_used_is_named_with_what_was_found_and_expected(mnist, fault):
    name, content, message = REFUSED[fault]
    (mnist / name).unlink()
    if content is not None:
        (mnist / name).write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(message)) as refused:
        load_digits(0, str(mnist))
    assert str(refused.value).startswith(str(mnist / name if content is not None else mnist))
    assert str(refused.value).count(";") >= 2, "found; expected; what to do"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(FULL)[:-9], "found compressed data that break off or are damaged"),
        (
            gzip.compress(FULL)[:20] + b"\xff\xff" + gzip.compress(FULL)[22:],
            "compressed data that break off or are",
        ),
        (gzip.compress(FULL)[:-8] + b"12345678", "found compressed data that break off or are damaged"),
        (FULL, "if it is not compressed, take .gz from its name"),
        (gzip.compress(FULL[:-3]), "found 477 bytes of images; expected 480"),
    ],
    ids=["cut off", "damaged", "wrong checksum", "not compressed", "truncated inside"],
)
def test_a_compressed_file_is_checked_too(mnist, content, message):
    (mnist / X_TRAIN).unlink()
    (mnist / f"{X_TRAIN}.gz").write_bytes(content)
    with pytest.raises(ValueError, match=message) as refused:
        load_digits(0, str(mnist))
    assert str(refused.value).startswith(str(mnist / f"{X_TRAIN}.gz: "))


def test_a_directory_without_any_of_the_files_says_what_it_holds(tmp_path):
    with pytest.raises(ValueError, match="found nothing; expected train-images-idx3-ubyte as well"):
        load_digits(0, str(tmp_path))
    for k in range(9):
        (tmp_path / f"photo{k}.jpg").touch()
    with pytest.raises(ValueError, match=r"found photo0\.jpg, .*photo5\.jpg, …; expected"):
        load_digits(0, str(tmp_path))
