"""no_grad and enable_grad, as blocks and as decorators, nested; detach."""

from collections.abc import Iterator

import numpy as np
import pytest
from tinygrad_stab.grad_mode import enable_grad, is_grad_enabled, no_grad, set_grad_enabled

import tinygrad_stab as torch


def test_nothing_is_recorded_inside_no_grad() -> None:
    x = torch.ones(2, requires_grad=True)
    with no_grad():
        assert not is_grad_enabled()
        y = x * 2
    assert is_grad_enabled()
    assert not y.requires_grad
    assert (x * 2).requires_grad


def test_blocks_nest_and_end_with_an_exception_too() -> None:
    with no_grad():
        with enable_grad():
            assert is_grad_enabled()
            with no_grad():
                assert not is_grad_enabled()
            assert is_grad_enabled()
        assert not is_grad_enabled()
    with pytest.raises(KeyError), no_grad():
        raise KeyError
    assert is_grad_enabled()


def test_one_object_may_be_entered_again() -> None:
    switch = no_grad()
    with switch:
        with enable_grad(), switch:
            assert not is_grad_enabled()
        assert not is_grad_enabled()
    assert is_grad_enabled()


def test_set_grad_enabled_is_a_statement_or_the_head_of_a_block() -> None:
    for training in (True, False):
        with set_grad_enabled(training):
            assert is_grad_enabled() == training
        assert is_grad_enabled()
    with pytest.raises(KeyError), set_grad_enabled(False):
        raise KeyError
    assert is_grad_enabled()
    set_grad_enabled(False)
    assert not is_grad_enabled()
    with set_grad_enabled(mode=True):
        assert is_grad_enabled()
    assert not is_grad_enabled()
    set_grad_enabled(True)
    assert is_grad_enabled()


def test_as_decorators_of_a_function_that_calls_itself() -> None:
    seen: list[bool] = []

    @no_grad()
    def descend(n: int) -> None:
        seen.append(is_grad_enabled())
        if n:
            enable_grad()(descend)(n - 1)
            seen.append(is_grad_enabled())

    descend(3)
    assert seen == [False] * 7
    assert is_grad_enabled()

    @enable_grad()
    def recording() -> bool:
        return is_grad_enabled()

    with no_grad():
        assert recording()
        assert not is_grad_enabled()


def test_the_decorator_without_brackets() -> None:
    @no_grad
    def recording() -> bool:
        return is_grad_enabled()

    assert not recording()
    assert is_grad_enabled()


def test_a_generator_looks_for_anomalies_while_it_computes() -> None:
    x = torch.zeros(1, requires_grad=True)

    @torch.autograd.detect_anomaly()
    def logarithms() -> Iterator[torch.Tensor]:
        yield x + 1
        yield x.log()

    values = logarithms()
    next(values)
    with np.errstate(divide="ignore"):
        x.log()  # out here nobody looks
        with pytest.raises(RuntimeError, match="detect_anomaly: log produced"):
            next(values)


def test_detach_shares_memory_and_cuts_the_graph() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    h = x * x
    cut = h.detach()
    assert not cut.requires_grad
    assert np.shares_memory(cut.array, h.array)
    (h * cut).sum().backward()  # the second factor counts as a constant
    assert x.grad.tolist() == [2 * 1, 2 * 2 * 4]


def test_clone_copies_and_keeps_the_graph() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x.clone()
    assert not np.shares_memory(x.array, y.array)
    (y * 3).sum().backward()
    assert x.grad.tolist() == [3, 3]


def test_requires_grad_can_be_switched_off_for_a_leaf() -> None:
    x = torch.ones(2, requires_grad=True)
    assert x.requires_grad_(False) is x
    assert not (x * 2).requires_grad
    assert x.requires_grad_().requires_grad


def test_a_generator_function_computes_without_recording() -> None:
    x = torch.ones(1, requires_grad=True)

    @no_grad()
    def doubles() -> Iterator[torch.Tensor]:
        yield x * 2
        yield x * 4

    for y in doubles():
        assert not y.requires_grad
        assert is_grad_enabled()  # out here it is recorded all the same
