"""Data sets and batches behave as PyTorch's do."""

from collections import namedtuple
from typing import Any

import numpy as np
import pytest

import tinygrad_stab
from tinygrad_stab import Generator, Tensor
from tinygrad_stab.utils import data
from tinygrad_stab.utils.data import DataLoader, Dataset, Subset, TensorDataset, random_split

Point = namedtuple("Point", "x y")


@pytest.fixture
def torch() -> Any:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    import torch.utils.data

    return torch


def numbered(n: int) -> TensorDataset:
    """Sample k is ([k, k + 1/2], k)."""
    k = np.arange(n)
    x = np.stack([k, k + 0.5], 1).astype(np.float32)
    return TensorDataset(tinygrad_stab.from_numpy(x), tinygrad_stab.from_numpy(k))


class Squares(Dataset):
    """Sample k is k²; it counts how often it is asked."""

    def __init__(self, n: int) -> None:
        self.n, self.asked = n, 0

    def __getitem__(self, index: int) -> int:
        self.asked += 1
        return index**2

    def __len__(self) -> int:
        return self.n


# --- data sets -------------------------------------------------------------------------------------------


def test_a_tensor_dataset_gives_a_row_of_each_tensor() -> None:
    samples = numbered(4)
    assert len(samples) == 4
    x, k = samples[-1]
    assert x.tolist() == [3.0, 3.5]
    assert k.item() == 3
    with pytest.raises(AssertionError, match=r"Size mismatch between tensors.*\[2, 3\]"):
        TensorDataset(tinygrad_stab.zeros(2), tinygrad_stab.zeros(3))


def test_a_data_set_without_getitem_says_so() -> None:
    with pytest.raises(NotImplementedError, match="Empty has no __getitem__"):
        type("Empty", (Dataset,), {})()[0]


def test_a_subset_numbers_its_samples_anew() -> None:
    subset = Subset(Subset(Squares(10), [9, 3, 4]), [2, 0])
    assert [subset[0], subset[1], len(subset)] == [16, 81, 2]
    with pytest.raises(IndexError):
        subset[2]


def test_random_split_deals_every_sample_out_once() -> None:
    samples = Squares(10)
    parts = random_split(samples, [6, 3, 1], generator=Generator().manual_seed(3))
    assert [len(part) for part in parts] == [6, 3, 1]
    assert sorted(k for part in parts for k in part.indices) == list(range(10))
    assert parts[0].indices != sorted(parts[0].indices)
    again = random_split(samples, [6, 3, 1], generator=Generator().manual_seed(3))
    assert [part.indices for part in again] == [part.indices for part in parts]


@pytest.mark.parametrize(
    ("fractions", "n", "lengths"),
    [
        ([0.5, 0.5], 7, [4, 3]),
        ([0.3, 0.3, 0.4], 11, [4, 3, 4]),
        ([0.8, 0.2], 10, [8, 2]),
        ([1.0], 5, [5]),
        ([0.33, 0.56, 0.11], 100, [33, 56, 11]),  # in floats more than 1, which PyTorch refuses
    ],
)
def test_fractions_are_rounded(fractions: list[float], n: int, lengths: list[int]) -> None:
    assert [len(part) for part in random_split(Squares(n), fractions)] == lengths


def test_fractions_are_rounded_as_in_pytorch_at_random(torch: Any) -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        a, b = sorted(rng.choice(np.arange(1, 10), 2, replace=False).tolist())
        samples, fractions = range(int(rng.integers(40, 100))), [a / 10, (b - a) / 10, (10 - b) / 10]
        ours, theirs = (f(samples, fractions) for f in (random_split, torch.utils.data.random_split))
        assert [len(part) for part in ours] == [len(part) for part in theirs]


def test_lengths_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"Sum of input lengths does not equal.*6 \+ 3 is not 10"):
        random_split(Squares(10), [6, 3])
    with pytest.raises(ValueError, match="fractions lie between 0 and 1"):
        random_split(Squares(10), [1.5, -0.5])
    with pytest.warns(UserWarning, match="of 2 samples, subset 2 gets none"):
        random_split(Squares(2), [0.4, 0.4, 0.2])


# --- batches ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 5, 6, 7])
@pytest.mark.parametrize("drop_last", [False, True])
def test_batches_in_order(n: int, drop_last: bool) -> None:
    loader = DataLoader(numbered(n) if n else Squares(0), batch_size=3, drop_last=drop_last)
    batches = list(loader)
    assert len(batches) == len(loader)
    sizes = [3] * (n // 3) + ([n % 3] if n % 3 and not drop_last else [])
    assert [len(k) for _, k in batches] == sizes
    assert [k.item() for _, ks in batches for k in ks] == list(range(sum(sizes)))
    assert all(x.shape == (size, 2) and x.dtype == np.float32 for (x, _), size in zip(batches, sizes))


def test_shuffled_batches_hold_every_sample_once_in_an_order_that_the_generator_decides() -> None:
    def orders(generator: Generator | None, epochs: int = 2) -> list[list[int]]:
        loader = DataLoader(numbered(20), batch_size=6, shuffle=True, generator=generator)
        return [[k.item() for _, ks in loader for k in ks] for _ in range(epochs)]

    first, second = orders(Generator().manual_seed(1))
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second != list(range(20)) != first
    assert orders(Generator().manual_seed(1)) == [first, second]
    tinygrad_stab.manual_seed(5)
    default = orders(None)
    tinygrad_stab.manual_seed(5)
    assert orders(None) == default


def test_each_sample_stays_together_when_shuffled() -> None:
    for x, k in DataLoader(numbered(50), batch_size=7, shuffle=True):
        np.testing.assert_array_equal(x.numpy(), np.stack([k.numpy(), k.numpy() + 0.5], 1))


def test_rows_taken_at_once_are_the_batches_that_samples_one_by_one_give() -> None:
    class OneByOne(TensorDataset):
        pass

    samples = numbered(11)
    parts = random_split(samples, [9, 2])
    slow = Subset(OneByOne(*samples.tensors), parts[0].indices)
    for fast_batch, slow_batch in zip(DataLoader(parts[0], 4), DataLoader(slow, 4), strict=True):
        assert type(fast_batch) is type(slow_batch) is list
        for fast, one_by_one in zip(fast_batch, slow_batch, strict=True):
            np.testing.assert_array_equal(fast.numpy(), one_by_one.numpy())
            assert fast.dtype == one_by_one.dtype


def test_a_batch_does_not_share_memory_with_the_data() -> None:
    samples = numbered(4)
    for x, _ in DataLoader(samples, batch_size=4):
        x.zero_()
    assert samples.tensors[0].sum().item() != 0


def test_a_data_set_that_changes_its_samples_is_asked_for_each() -> None:
    class Doubled(TensorDataset):
        def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
            return tuple(2 * t for t in super().__getitem__(index))

    (batch,) = DataLoader(Doubled(tinygrad_stab.tensor([1.0, 2.0])), batch_size=2)
    assert batch[0].tolist() == [2.0, 4.0]
    squares = Squares(5)
    assert [b.tolist() for b in DataLoader(squares, batch_size=2)] == [[0, 1], [4, 9], [16]]
    assert squares.asked == 5


def test_a_collate_fn_sees_the_samples() -> None:
    batches = list(DataLoader(numbered(4), batch_size=3, collate_fn=lambda batch: [type(s) for s in batch]))
    assert batches == [[tuple] * 3, [tuple]]


SAMPLES: dict[str, list] = {
    "floats": [1.5, 2.5],
    "ints": [1, 2],
    "bools": [True, False],
    "strings": ["a", "b"],
    "arrays": [np.float32([1, 2]), np.float32([3, 4])],
    "array numbers": [np.float32(1), np.float32(2)],
    "tuples": [(1, 2.0, "a"), (3, 4.0, "b")],
    "lists": [[1, [2.0]], [3, [4.0]]],
    "dicts": [{"x": 1.0, "y": (1, 2)}, {"x": 2.0, "y": (3, 4)}],
    "namedtuples": [Point(1, 2.0), Point(3, 4.0)],
}


def described(x: Any) -> Any:
    """What a batch is made of, so that it can be compared with another library's."""
    if hasattr(x, "tolist"):
        return "tensor", str(x.dtype).removeprefix("torch."), x.tolist()
    if isinstance(x, dict):
        return {name: described(value) for name, value in x.items()}
    return x if isinstance(x, str) else (type(x).__name__, [described(part) for part in x])


@pytest.mark.parametrize("kind", SAMPLES)
def test_collating_is_as_in_pytorch(torch: Any, kind: str) -> None:
    assert described(data.default_collate(SAMPLES[kind])) == described(
        torch.utils.data.default_collate(SAMPLES[kind])
    )


def test_collated_by_hand() -> None:
    found = {kind: described(data.default_collate(samples)) for kind, samples in SAMPLES.items()}
    assert found["floats"] == ("tensor", "float64", [1.5, 2.5])
    assert found["tuples"] == (
        "list",
        [("tensor", "int64", [1, 3]), ("tensor", "float64", [2.0, 4.0]), ("tuple", ["a", "b"])],
    )
    assert found["arrays"] == ("tensor", "float32", [[1.0, 2.0], [3.0, 4.0]])
    assert found["dicts"]["x"] == ("tensor", "float64", [1.0, 2.0])
    assert found["namedtuples"][0] == "Point"


def test_what_cannot_be_collated_is_named() -> None:
    with pytest.raises(TypeError, match=r"found set.*give DataLoader a collate_fn"):
        data.default_collate([{1}, {2}])
    with pytest.raises(RuntimeError, match="each element in list of batch should be of equal size"):
        data.default_collate([[1], [1, 2]])


@pytest.mark.parametrize("batch_size", [0, -1, 2.0, True, None])
def test_the_batch_size_is_a_positive_integer(batch_size: Any) -> None:
    with pytest.raises(ValueError, match="batch_size should be a positive integer value"):
        DataLoader(Squares(3), batch_size)


def test_how_pytorch_fetches_batches_does_not_change_them() -> None:
    plain = [batch.tolist() for batch in DataLoader(Squares(5), 2)]
    for options in (
        {"num_workers": 2, "persistent_workers": True, "worker_init_fn": print, "timeout": 9},
        {"pin_memory": True, "prefetch_factor": 2},
        {"shuffle": None, "sampler": None, "batch_sampler": None},
    ):
        assert [batch.tolist() for batch in DataLoader(Squares(5), 2, **options)] == plain


def test_a_sampler_is_refused_with_a_remedy_that_works() -> None:
    with pytest.raises(ValueError, match=r"sampler.*write DataLoader\(Subset\(dataset, indices\)\)"):
        DataLoader(Squares(3), sampler=[0])
    batches = DataLoader(data.Subset(Squares(3), [2, 0]))
    assert [batch.tolist() for batch in batches] == [[4], [0]]


def test_an_unknown_argument_is_refused() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'pin'"):
        DataLoader(Squares(3), pin=False)
