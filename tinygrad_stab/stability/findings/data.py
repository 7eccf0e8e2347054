"""What the net is given: features and labels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...nn import Conv2d
from .examination import Examination, is_normalized, root_mean_square
from .finding import Finding, detector
from .remedies import standardized


@detector(
    "constant input",
    wrong="All samples are the same, or black",
    tells="x of every sample equals that of the first, or is 0",
    limit="exactly equal, for two samples or more",
    do="look at a batch: a loader that always reads the same file, a scaling of integers to 0",
)
def constant_input(ex: Examination) -> Iterator[Finding]:
    """A batch in which there is nothing to tell apart."""
    x = ex.x.array
    is_black = not np.any(x)
    if (ex.is_alike and len(x) > 1) or is_black:
        yield Finding(
            "constant input", "x", f"all of the {len(x)} samples are {'0' if is_black else 'the same'}", 0.0,
            0,
            "a mistake where the data are read or scaled: nothing distinguishes the samples",
            "# where x is prepared: look at a few samples",
        )  # fmt: skip


def _features(ex: Examination) -> tuple[np.ndarray, int]:
    """What the first layer receives, and the axis of its features or channels; x itself if it is that."""
    call = ex.calls[0]
    x = ex.x.array if ex.reads_x else call.x.array
    return x, 1 if (isinstance(call.module, Conv2d) and x.ndim == 4) or x.ndim == 4 else -1


@detector(
    "unscaled features",
    wrong="Raw data: pixels up to 255, incomes beside ages, years, prices",
    tells="mean and standard deviation of every feature or channel, as the first layer gets them",
    limit="initializers assume a mean square of 1. A factor of 30 in size, 10 between features, 10 standard "
    "deviations off 0: each makes the steepest direction of the loss 100 times steeper than others, or more",
    do="subtract the mean and divide by the standard deviation, feature by feature",
)
def unscaled_features(ex: Examination) -> Iterator[Finding]:
    """Features as the first layer gets them: of unlike sizes, far from 0, or far from size 1.

    A normalization after the first layer makes up for a common factor, but not for the differences between
    features. Features that are mostly 0, as one-hot codes and words, are small by nature: what is not 0
    counts.
    """
    x, axis = _features(ex)
    if x.dtype.kind != "f" or x.ndim < 2 or not np.all(np.isfinite(x)):
        return
    for measured, limit, evidence in _unlike(x.astype(float), axis, is_normalized(ex.calls[0])):
        if measured > limit:
            dims = tuple(k for k in range(x.ndim) if k != axis % x.ndim)
            yield Finding(
                "unscaled features", "x", evidence, measured, limit,
                "raw data: the first layer's steps must be small enough for the largest feature",
                standardized(dims if ex.reads_x else (0,)),
            )  # fmt: skip
            return


def _unlike(x: np.ndarray, axis: int, normalized: bool) -> Iterator[tuple[float, float, str]]:
    dims = tuple(k for k in range(x.ndim) if k != axis % x.ndim)
    size = 1.0 if normalized else root_mean_square(x)
    present = 1.0 if normalized else root_mean_square(x[x != 0]) or 1.0
    if len(x) > 1:
        std, mean = x.std(axis=dims), x.mean(axis=dims)
        varying = std[std > 1e-6 * np.abs(mean)]
        if varying.size:
            spread = float(varying.max() / np.median(varying)) if varying.max() > 3 else 1.0
            offset = float(np.sqrt(np.mean(mean**2) / np.mean(std**2)))
            yield spread, 10, f"one feature varies {spread:.3g} times as much as the median one"
            yield offset, 10, f"the features' means are {offset:.3g} times their standard deviations"
    yield size, 30, f"the features have a root mean square of {size:.3g}"
    yield 1 / present, 30, f"the features have a root mean square of {present:.3g}"


@detector(
    "single label",
    wrong="Every sample of the batch has the same label",
    tells="the labels of a batch of eight or more",
    limit="exactly equal: of shuffled data with two classes as frequent this happens once in 128 batches of "
    "eight",
    do="shuffle=True; look at how the labels were read",
)
def single_label(ex: Examination) -> Iterator[Finding]:
    """Labels that do not differ: the net learns to say one thing, whatever it sees."""
    if ex.has_classes and len(ex.y) >= 8 and ex.output.shape[1] > 1 and np.ptp(ex.y.array) == 0:
        yield Finding(
            "single label", "y", f"all {len(ex.y)} samples have label {ex.y.array[0]}", 0.0, 0,
            "data sorted by class and not shuffled, or labels read wrongly",
            "# where the batches are made: DataLoader(data, shuffle=True), and a look at y",
        )  # fmt: skip


@detector(
    "class imbalance",
    wrong="One class has nearly all samples: who always names it is nearly always right",
    tells="the share of the most frequent label",
    limit="95 %: of fifty samples two or three are of another class",
    do="weight the loss by 1/frequency, or draw batches evenly; judge by the recall of every class",
)
def class_imbalance(ex: Examination) -> Iterator[Finding]:
    """Labels of which one is far more frequent than all others."""
    y = None if ex.y is None else ex.y.array
    if y is None or len(ex.x) < 30 or not (ex.has_classes or _is_binary(ex)):
        return
    _, counts = np.unique(y, return_counts=True)
    share = counts.max() / counts.sum()
    if 0.95 < share < 1:
        yield Finding(
            "class imbalance", "y", f"{share:.1%} of the samples have the same label", float(share), 0.95,
            "rare classes hardly count in the loss, and accuracy does not show them",
            "# weight the loss by class: F.cross_entropy(output, y, weight=1 / frequency)",
        )  # fmt: skip


def _is_binary(ex: Examination) -> bool:
    return ex.has_numbers and ex.y.array.size == len(ex.x) and set(np.unique(ex.y.array)) <= {0.0, 1.0}
