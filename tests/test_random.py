"""The same seed gives the same numbers, in every place that draws them, and in no other stream."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tinygrad_stab.random import numpy_generator

import tinygrad_stab as torch
from tinygrad_stab import Tensor, nn

DRAW: dict[str, Callable[..., Any]] = {
    "rand": lambda **options: torch.rand(5, **options),
    "randn": lambda **options: torch.randn(5, **options),
    "rand_like": lambda **options: torch.rand_like(torch.zeros(5), **options),
    "randn_like": lambda **options: torch.randn_like(torch.zeros(5), **options),
    "randint": lambda **options: torch.randint(0, 1_000_000, (5,), **options),
    "randperm": lambda **options: torch.randperm(50, **options),
    "normal": lambda **options: torch.normal(0.0, 1.0, (5,), **options),
    "normal_": lambda **options: torch.zeros(5).normal_(**options),
    "uniform_": lambda **options: torch.zeros(5).uniform_(**options),
}
each_draw = pytest.mark.parametrize("draw", DRAW.values(), ids=DRAW)


@each_draw
def test_the_seed_decides(draw: Callable[..., Tensor]) -> None:
    def after(seed: int) -> list:
        torch.manual_seed(seed)
        return draw().tolist()

    assert after(1) == after(1)
    assert after(1) != after(2)
    assert draw().tolist() != draw().tolist()


@each_draw
def test_a_generator_is_a_stream_of_its_own(draw: Callable[..., Tensor]) -> None:
    torch.manual_seed(3)
    expected = torch.randn(4).tolist()
    torch.manual_seed(3)
    first = draw(generator=torch.Generator().manual_seed(7)).tolist()
    assert torch.randn(4).tolist() == expected
    assert draw(generator=torch.Generator().manual_seed(7)).tolist() == first
    assert draw(generator=torch.Generator().manual_seed(8)).tolist() != first


def test_generators_without_a_seed_differ() -> None:
    assert (
        torch.randn(4, generator=torch.Generator()).tolist()
        != torch.randn(4, generator=torch.Generator()).tolist()
    )


def test_a_generator_goes_on_where_it_stopped() -> None:
    whole = torch.randn(6, generator=torch.Generator().manual_seed(1)).tolist()
    generator = torch.Generator().manual_seed(1)
    parts = [torch.randn(n, generator=generator).tolist() for n in (2, 4)]
    assert parts[0] + parts[1] == whole


def test_manual_seed_returns_the_generator_behind_everything() -> None:
    generator = torch.manual_seed(5)
    assert generator.numpy is numpy_generator(None)
    first = torch.randn(3, generator=generator).tolist()
    torch.manual_seed(5)
    assert torch.randn(3).tolist() == first


def test_numpy_s_global_stream_is_neither_used_nor_moved() -> None:
    before = np.random.get_state()[1].tolist()  # noqa: NPY002 (this is the stream that must be left alone)
    torch.manual_seed(0)
    nn.Linear(3, 4)(torch.randn(2, 3))
    torch.randperm(9)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_a_model_and_its_data_are_the_same_bytes_for_the_same_seed() -> None:
    def run() -> bytes:
        torch.manual_seed(42)
        model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.LSTMCell(4, 2))
        h, _ = model(torch.randn(5, 3))
        return h.array.tobytes()

    assert run() == run()


# --- the distributions --------------------------------------------------------------------------------------


def test_means_and_variances() -> None:
    """Within 5 standard errors for 100 000 draws."""
    n = 100_000
    for x, mean, variance in (
        (torch.rand(n), 1 / 2, 1 / 12),
        (torch.randn(n), 0, 1),
        (torch.normal(3.0, 2.0, (n,)), 3, 4),
        (torch.zeros(n).uniform_(-1, 3), 1, 16 / 12),
        (torch.zeros(n).normal_(1, 0.5), 1, 0.25),
        (torch.randint(10, (n,)), 4.5, 99 / 12),
    ):
        values = x.array.astype(float)
        assert abs(values.mean() - mean) < 5 * (variance / n) ** 0.5
        assert values.var() == pytest.approx(variance, rel=5 * (2 / n) ** 0.5)


def test_bounds() -> None:
    uniform, integers = torch.rand(10_000).array, torch.randint(-2, 3, (10_000,)).array
    assert 0 <= uniform.min() <= uniform.max() < 1
    assert set(integers.tolist()) == {-2, -1, 0, 1, 2}
    assert sorted(torch.randperm(100).tolist()) == list(range(100))


def test_float32_uniform_numbers_stay_below_one() -> None:
    """A float64 just below 1 must not be rounded to a float32 of exactly 1."""

    class AlmostOne:
        def random(self, shape: tuple, dtype: type = np.float64) -> np.ndarray:
            return np.full(shape, np.nextafter(dtype(1), dtype(0)))

    generator = torch.Generator()
    generator._numpy = AlmostOne()  # type: ignore[assignment]
    assert torch.rand(1, generator=generator).item() < 1


def test_normal_takes_tensors_of_means_and_deviations() -> None:
    x = torch.normal(torch.tensor([0.0, 100.0]), torch.tensor([0.0, 1.0]))
    assert x[0].item() == 0
    assert x[1].item() == pytest.approx(100, abs=6)
