"""From samples to batches.

A data set is anything with a length whose samples are numbered from 0. A DataLoader visits each of them once
whenever it is iterated over, in order or shuffled, and stacks every `batch_size` of them into tensors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from ..ops import stack
from ..tensor import Tensor
from ..tensor.creation import randperm, tensor
from ..tensor.left_out import names_left_out, refuse
from ..tensor.random import Generator
from ..tensor.user_code import warn


class Dataset:
    """Base class: `__getitem__` says what sample number `index` is, and `__len__` how many there are."""

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(
            f"{type(self).__name__} has no __getitem__: define `def __getitem__(self, index)`"
        )


class TensorDataset(Dataset):
    """Sample k is row k of each tensor: `TensorDataset(x, y)[k]` is `(x[k], y[k])`."""

    def __init__(self, *tensors: Tensor) -> None:
        rows = [len(t) for t in tensors]
        if len(set(rows)) != 1:
            raise AssertionError(f"Size mismatch between tensors: they must be equally long, not {rows}")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(t[index] for t in self.tensors)

    def __len__(self) -> int:
        return len(self.tensors[0])


class Subset(Dataset):
    """Some samples of a data set: number k is its sample `indices[k]`."""

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, index: int) -> Any:
        return self.dataset[self.indices[index]]

    def __len__(self) -> int:
        return len(self.indices)


def random_split(dataset: Any, lengths: Sequence[float], generator: Generator | None = None) -> list[Subset]:
    """Deal the samples out at random, to subsets of the given lengths or, if they add up to 1, fractions."""
    n = len(dataset)
    counts = _from_fractions(lengths, n) if math.isclose(sum(lengths), 1) else list(map(int, lengths))
    if sum(counts) != n:
        raise ValueError(
            "Sum of input lengths does not equal the length of the input dataset! "
            f"{' + '.join(map(str, lengths))} is not {n}"
        )
    order = randperm(n, generator=generator).tolist()
    return [Subset(dataset, order[end - count : end]) for count, end in zip(counts, accumulate(counts))]


def _from_fractions(fractions: Sequence[float], n: int) -> list[int]:
    """Round all down, and give what is left to the first ones."""
    if any(not 0 <= fraction <= 1 for fraction in fractions):
        raise ValueError(f"random_split: fractions lie between 0 and 1, got {list(fractions)}")
    lengths = [math.floor(n * fraction) for fraction in fractions]
    for k in range(n - sum(lengths)):
        lengths[k] += 1
    if 0 in lengths:
        warn(f"random_split: of {n} samples, subset {lengths.index(0)} gets none")
    return lengths


class DataLoader:
    """Iterate over a data set in batches.

    The last batch holds what remains, unless `drop_last`: BatchNorm, for one, refuses a batch of one sample.
    `generator` decides how samples are shuffled, `collate_fn` makes a batch of a list of them. How
    batches are fetched (num_workers, pin_memory, …) changes nothing.
    """

    def __init__(
        self, dataset: Any, batch_size: int = 1, shuffle: bool | None = False, *,
        collate_fn: Callable[[list], Any] | None = None, drop_last: bool = False,
        generator: Generator | None = None, **left_out: Any,
    ) -> None:  # fmt: skip
        if isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)) or batch_size <= 0:
            raise ValueError(
                f"batch_size should be a positive integer value, but got batch_size={batch_size}"
            )
        refuse("DataLoader", {k: v for k, v in left_out.items() if k not in _NO_MATTER}, _ONLY)
        self.dataset, self.batch_size, self.drop_last = dataset, int(batch_size), drop_last
        self.shuffle, self.generator = shuffle, generator
        self.collate_fn = default_collate if collate_fn is None else collate_fn

    def __len__(self) -> int:
        """The number of batches."""
        n = len(self.dataset)
        return n // self.batch_size if self.drop_last else math.ceil(n / self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        n = len(self.dataset)
        order = randperm(n, generator=self.generator).tolist() if self.shuffle else list(range(n))
        for k in range(len(self)):
            yield self._batch(order[k * self.batch_size : (k + 1) * self.batch_size])

    def _batch(self, numbers: list[int]) -> Any:
        dataset = self.dataset
        while type(dataset) is Subset:
            dataset, numbers = dataset.dataset, [dataset.indices[k] for k in numbers]
        if type(dataset) is TensorDataset and self.collate_fn is default_collate:
            return [t[numbers] for t in dataset.tensors]  # the same, without a tensor for each sample
        return self.collate_fn([dataset[k] for k in numbers])


_CHOICE = "shuffle, generator and a Subset choose the samples: write DataLoader(Subset(dataset, indices))"
_ONLY = {"sampler": (None, _CHOICE), "batch_sampler": (None, _CHOICE)}
# How PyTorch fetches batches, in other processes and into page-locked memory. The batches are the same.
_NO_MATTER = {"num_workers", "pin_memory", "persistent_workers", "prefetch_factor", "timeout",
              "worker_init_fn", "multiprocessing_context", "pin_memory_device", "in_order"}  # fmt: skip


def default_collate(batch: Sequence[Any]) -> Any:
    """Stack samples, part by part: tensors, arrays and numbers become tensors, strings stay as they are."""
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(*batch)
    if isinstance(first, (np.ndarray, np.generic)):
        return Tensor(np.stack(batch))
    if isinstance(first, (float, int)):
        return tensor(batch, dtype=np.float64 if isinstance(first, float) else None)
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Mapping):
        return {name: default_collate([sample[name] for sample in batch]) for name in first}
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        parts = [default_collate(part) for part in zip(*batch)]
        return type(first)(*parts) if hasattr(first, "_fields") else parts
    raise TypeError(
        f"default_collate: found {type(first).__name__}, but samples are made of tensors, arrays, numbers, "
        "strings, dicts and sequences: give DataLoader a collate_fn that makes a batch of a list of samples"
    )


_DRAWN = "write DataLoader(Subset(dataset, torch.multinomial(weights, n, replacement=True).tolist()))"
__getattr__ = names_left_out(
    __name__,
    {
        "SubsetRandomSampler": "write DataLoader(Subset(dataset, indices), shuffle=True)",
        "RandomSampler": "write DataLoader(dataset, shuffle=True)",
        "SequentialSampler": "write DataLoader(dataset)",
        "BatchSampler": "write DataLoader(dataset, batch_size)",
        "WeightedRandomSampler": _DRAWN,
        "ConcatDataset": "write DataLoader([*one, *other])",
        "IterableDataset": "write DataLoader(list(samples))",
        "get_worker_info": "batches are made in this process; leave the line out",
    },
)
