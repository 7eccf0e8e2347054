"""Hooks see a gradient when it is complete, in order, and may replace it; retain_grad keeps it."""

from typing import Any

import numpy as np
import pytest

import tinygrad_stab as torch
from tinygrad_stab.autograd import grad


def pair(requires_grad: bool = True) -> torch.Tensor:
    return torch.tensor([1.0, 2.0], requires_grad=requires_grad)


def test_a_hook_sees_the_complete_gradient_once() -> None:
    seen: list[Any] = []
    h = pair() * 1
    h.register_hook(lambda g: seen.append(g.tolist()))
    (h + h * 3).sum().backward()
    assert seen == [[4, 4]]


def test_what_a_hook_returns_takes_the_place_of_the_gradient() -> None:
    x = pair()
    h = x * 1
    h.register_hook(lambda g: g * 10)
    h.register_hook(lambda g: g + 1)
    h.sum().backward()
    assert x.grad.tolist() == [11, 11]


def test_what_a_hook_writes_into_the_gradient_counts() -> None:
    x, kept = pair(), []

    def without_the_first(g: torch.Tensor) -> None:
        g[0] = 0
        kept.append(g)

    x.register_hook(without_the_first)
    (x * 3).sum().backward()
    assert x.grad.tolist() == [0, 3]
    x.grad.zero_()
    assert kept[0].tolist() == [0, 3]


def test_a_hook_on_a_leaf_changes_what_is_added_to_its_grad() -> None:
    x = pair()
    x.register_hook(lambda g: g * 10)
    (x + x).sum().backward()
    (x + x).sum().backward()
    assert x.grad.tolist() == [40, 40]


def test_hooks_run_from_the_loss_backwards_each_in_order_of_registration() -> None:
    order: list[str] = []
    first = pair() * 1
    second = first * 1
    for name, h in {"first": first, "second": second}.items():
        h.register_hook(lambda g, name=name: order.append(name + " a"))
        h.register_hook(lambda g, name=name: order.append(name + " b"))
    second.sum().backward()
    assert order == ["second a", "second b", "first a", "first b"]


def test_hooks_take_part_in_grad_and_in_second_derivatives() -> None:
    x = pair()
    h = x * x
    h.register_hook(lambda g: g * g)
    (g,) = grad((h * 3).sum(), x, create_graph=True)
    assert g.tolist() == [9 * 2, 9 * 4]
    assert grad(g.sum(), x)[0].tolist() == [18, 18]


@pytest.mark.parametrize("create_graph", [False, True])
def test_what_a_hook_computes_is_recorded_only_with_the_gradient(create_graph: bool) -> None:
    recorded: list[bool] = []
    x = pair()
    h = x * 2
    h.register_hook(lambda g: recorded.append((x * g).requires_grad))
    h.sum().backward(create_graph=create_graph)
    assert recorded == [create_graph]


def test_a_removed_hook_does_not_run() -> None:
    seen: list[str] = []
    x = pair()
    handle = x.register_hook(lambda g: seen.append("removed"))
    with x.register_hook(lambda g: seen.append("inside")):
        x.sum().backward()
    handle.remove()
    handle.remove()
    x.sum().backward()
    assert seen == ["removed", "inside"]


def test_a_hook_that_removes_itself_does_not_hide_the_next() -> None:
    seen: list[str] = []
    x = pair()

    def once(g: torch.Tensor) -> None:
        seen.append("once")
        handle.remove()

    handle = x.register_hook(once)
    x.register_hook(lambda g: seen.append("always"))
    for _ in range(2):
        x.sum().backward()
    assert seen == ["once", "always", "always"]


def test_a_handle_removes_one_of_two_like_hooks() -> None:
    seen: list[str] = []
    x = pair()

    def hook(g: torch.Tensor) -> None:
        seen.append("ran")

    handle = x.register_hook(hook)
    x.register_hook(hook)
    handle.remove()
    x.sum().backward()
    assert seen == ["ran"]


def test_changing_a_gradient_inside_a_hook_reaches_no_other_tensor() -> None:
    a, b = pair(), pair()
    h, k = a * 1, b * 1
    h.register_hook(lambda g: g.mul_(2))
    k.register_hook(lambda g: g.add_(1))
    ((h + k) * torch.ones(2)).sum().backward()
    assert a.grad.tolist() == [2, 2]
    assert b.grad.tolist() == [2, 2]


def test_what_hooks_refuse() -> None:
    with pytest.raises(RuntimeError, match="requires_grad_"):
        pair(requires_grad=False).register_hook(print)
    for wrong in (lambda g: g.sum(), lambda g: g.double()):  # another shape, another dtype
        x = pair()
        x.register_hook(wrong)
        with pytest.raises(RuntimeError, match="hook"):
            x.sum().backward()
        assert x.grad is None


# --- retain_grad --------------------------------------------------------------------------------------------


def test_retain_grad_keeps_the_gradient_of_a_computed_tensor() -> None:
    h = pair() * 1
    assert not h.retains_grad
    h.retain_grad()
    h.retain_grad()
    assert h.retains_grad
    loss = (h * h).sum()
    loss.backward(retain_graph=True)
    assert h.grad.tolist() == [2, 4]
    loss.backward()
    assert h.grad.tolist() == [4, 8]


def test_retain_grad_on_a_leaf_changes_nothing() -> None:
    x = pair()
    x.retain_grad()
    x.sum().backward()
    assert x.grad.tolist() == [1, 1]
    assert not x.retains_grad


def test_retain_grad_keeps_what_hooks_made_of_the_gradient() -> None:
    h = pair() * 1
    h.retain_grad()
    h.register_hook(lambda g: g * 10)
    h.sum().backward()
    assert h.grad.tolist() == [10, 10]


def test_retained_gradients_share_no_memory() -> None:
    x = pair()
    h, k = x * 1, x * 1
    h.retain_grad()
    k.retain_grad()
    ((h + k) * torch.ones(2)).sum().backward()
    h.grad.mul_(5)
    assert k.grad.tolist() == [1, 1]
    assert not np.shares_memory(h.grad.array, x.grad.array)


def test_the_grad_of_a_computed_tensor_warns_and_says_what_to_do() -> None:
    h = pair().tanh()
    h.sum().backward()
    with pytest.warns(UserWarning, match=r"result of tanh.*retain_grad\(\)"):
        assert h.grad is None


def test_a_hook_returns_a_tensor_or_nothing() -> None:
    x = pair()
    x.register_hook(lambda g: g.array)
    with pytest.raises(TypeError, match="tensor or None, not ndarray"):
        x.sum().backward()
