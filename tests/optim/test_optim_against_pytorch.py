"""Optimizers, clipping and whole trainings in this library and in PyTorch, in float64."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from both_libraries import array, needs_pytorch, pytorch
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_stab

pytestmark = needs_pytorch

seeds = st.integers(0, 2**32 - 1)
shapes = hnp.array_shapes(min_dims=1, max_dims=3, max_side=4)


def options(**choices: Sequence[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({name: st.sampled_from(values) for name, values in choices.items()})


def sgd_settings() -> st.SearchStrategy[dict[str, Any]]:
    chosen = options(
        lr=[1e-3, 0.1], momentum=[0, 0.5, 0.9], dampening=[0, 0.3], weight_decay=[0, 0.1],
        nesterov=[True, False], maximize=[True, False],
    )  # fmt: skip
    return chosen.filter(lambda s: not s["nesterov"] or (s["momentum"] and not s["dampening"]))


def adam_settings() -> st.SearchStrategy[dict[str, Any]]:
    return options(
        lr=[1e-3, 0.1], betas=[(0.9, 0.999), (0.5, 0.6), (0.0, 0.0)], eps=[1e-8, 0.1], weight_decay=[0, 0.1],
        amsgrad=[True, False], maximize=[True, False],
    )  # fmt: skip


@pytest.mark.parametrize(("kind", "drawn"), [("SGD", sgd_settings()), ("Adam", adam_settings())])
@given(data=st.data(), seed=seeds)
@settings(max_examples=20)
def test_optimizers_take_the_same_way(kind: str, drawn: Any, data: st.DataObject, seed: int) -> None:
    rng, chosen = np.random.default_rng(seed), data.draw(drawn)
    start = [rng.standard_normal(shape) for shape in data.draw(st.lists(shapes, min_size=1, max_size=3))]
    ways = []
    for library in (tinygrad_stab, pytorch):
        gradients = np.random.default_rng(seed)
        parameters = [library.nn.Parameter(library.tensor(x)) for x in start]
        optimizer = getattr(library.optim, kind)(parameters, **chosen)
        way = []
        for _ in range(8):
            for p in parameters:
                p.grad = library.tensor(gradients.standard_normal(tuple(p.shape)))
            optimizer.step()
            way += [array(p).copy() for p in parameters]
        ways.append(way)
    for actual, expected in zip(*ways, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("norm_type", [1.0, 2.0, 3.0, math.inf])
@given(data=st.data(), seed=seeds)
@settings(max_examples=20)
def test_clipping_gives_the_same_norm_and_the_same_gradients(
    norm_type: float, data: st.DataObject, seed: int
) -> None:
    """PyTorch divides by the norm plus 1e-6, and so clips to a little less."""
    rng, max_norm = np.random.default_rng(seed), data.draw(st.sampled_from([0.5, 2.0, 100.0]))
    gradients = [rng.standard_normal(shape) for shape in data.draw(st.lists(shapes, min_size=1, max_size=3))]
    clipped = []
    for library in (tinygrad_stab, pytorch):
        parameters = [library.nn.Parameter(library.tensor(g)) for g in gradients]
        for p, g in zip(parameters, gradients):
            p.grad = library.tensor(g)
        norm = library.nn.utils.clip_grad_norm_(parameters, max_norm, norm_type)
        clipped.append([np.array(norm.item()), *(array(p.grad) for p in parameters)])
        for p, g in zip(parameters, gradients):
            p.grad = library.tensor(g)
        library.nn.utils.clip_grad_value_(parameters, 0.3)
        clipped[-1] += [array(p.grad) for p in parameters]
    tolerance = 2e-6 / clipped[0][0]
    for actual, expected in zip(*clipped, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=max(tolerance, 1e-12))


# --- whole trainings ----------------------------------------------------------------------------------------


def perceptron(nn: Any) -> Any:
    return nn.Sequential(
        nn.Linear(3, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU(),
        nn.Linear(8, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 4),
    )  # fmt: skip


def trained(library: Any, model: Any, optimizer: Any, seed: int) -> list[np.ndarray]:
    """Every parameter and buffer after 30 steps on a small classification."""
    rng = np.random.default_rng(seed)
    for _ in range(30):
        x, y = library.tensor(rng.standard_normal((16, 3))), library.tensor(rng.integers(0, 4, 16))
        optimizer.zero_grad()
        library.nn.CrossEntropyLoss()(model(x), y).backward()
        library.nn.utils.clip_grad_norm_(model.parameters(), 1e3)
        optimizer.step()
    return [array(t) for t in model.state_dict().values()]


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda library, p: library.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-3),
        lambda library, p: library.optim.Adam(p, lr=0.01),
    ],
    ids=["SGD", "Adam"],
)
@given(seed=seeds)
@settings(max_examples=8)
def test_a_training_ends_in_the_same_place(optimizer: Callable, seed: int) -> None:
    ours, theirs = perceptron(tinygrad_stab.nn).double(), perceptron(pytorch.nn).double()
    theirs.load_state_dict({name: pytorch.tensor(t.array) for name, t in ours.state_dict().items()})
    pairs = zip(
        trained(tinygrad_stab, ours, optimizer(tinygrad_stab, ours.parameters()), seed),
        trained(pytorch, theirs, optimizer(pytorch, theirs.parameters()), seed),
        strict=True,
    )
    for actual, expected in pairs:
        np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-8)
