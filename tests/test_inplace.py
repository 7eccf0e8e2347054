"""Operations in place: recorded where there is a graph, written into the memory where there is none."""

from collections.abc import Callable

import numpy as np
import pytest
from tinygrad_stab.grad_mode import no_grad

import tinygrad_stab as torch
from tinygrad_stab.autograd import grad


def vector() -> torch.Tensor:
    return torch.tensor([1.0, 2.0, 3.0], requires_grad=True)


OPERATIONS = {
    "add_": (lambda h, w: h.add_(w), lambda h, w: h + w),
    "add_ alpha": (lambda h, w: h.add_(w, alpha=3), lambda h, w: h + 3 * w),
    "sub_": (lambda h, w: h.sub_(w), lambda h, w: h - w),
    "sub_ alpha": (lambda h, w: h.sub_(w, alpha=3), lambda h, w: h - 3 * w),
    "mul_": (lambda h, w: h.mul_(w), lambda h, w: h * w),
    "div_": (lambda h, w: h.div_(w), lambda h, w: h / w),
    "pow_": (lambda h, w: h.pow_(2) + w, lambda h, w: h**2 + w),
    "neg_": (lambda h, w: h.neg_() + w, lambda h, w: -h + w),
    "clamp_": (lambda h, w: h.clamp_(1.5, 7.0) + w, lambda h, w: h.clamp(1.5, 7.0) + w),
    "copy_": (lambda h, w: h.copy_(w), lambda h, w: w + 0 * h),
    "zero_": (lambda h, w: h.zero_() + w, lambda h, w: 0 * h + w),
    "+=": (lambda h, w: h.__iadd__(w), lambda h, w: h + w),
    "-=": (lambda h, w: h.__isub__(w), lambda h, w: h - w),
    "*=": (lambda h, w: h.__imul__(w), lambda h, w: h * w),
    "/=": (lambda h, w: h.__itruediv__(w), lambda h, w: h / w),
}


@pytest.mark.parametrize(("in_place", "out_of_place"), OPERATIONS.values(), ids=OPERATIONS)
def test_a_recorded_write_has_the_gradient_of_the_same_without_it(
    in_place: Callable, out_of_place: Callable
) -> None:
    results = []
    for operation in (in_place, out_of_place):
        x, w = vector(), vector()
        h = x * x
        before = h * 10  # made from the old value: the write must not reach it
        y = operation(h, w)
        loss = (y * y).sum() + before.sum()
        results.append([y.tolist(), *(g.tolist() for g in grad(loss, [x, w]))])
    assert results[0] == results[1]


def test_a_buffer_filled_step_by_step() -> None:
    x = vector()
    states = torch.zeros(4, 3)
    h = x
    for t in range(4):
        h = h * 2
        states[t] = h
    (states * torch.tensor([[1.0], [10.0], [100.0], [1000.0]])).sum().backward()
    assert x.grad.tolist() == [2 * 1 + 4 * 10 + 8 * 100 + 16 * 1000] * 3
    assert states[2].tolist() == [8, 16, 24]


def test_a_recorded_write_takes_the_integers_of_a_key_first() -> None:
    x, value = torch.ones(2, 3, 4, requires_grad=True), torch.ones(3, 2, requires_grad=True)
    y = x * 1
    y[0, :, [0, 2]] = value * 5
    (y * torch.arange(24.0).reshape(2, 3, 4)).sum().backward()
    assert y[0].tolist() == [[5, 1, 5, 1]] * 3
    assert value.grad.tolist() == [[0, 10], [20, 30], [40, 50]]
    assert x.grad[0].tolist() == [[0, 1, 0, 3], [0, 5, 0, 7], [0, 9, 0, 11]]


def test_what_is_overwritten_gets_no_gradient() -> None:
    a, b = vector(), torch.tensor(1.0, requires_grad=True)
    y = a * 1
    y[1:] = b  # broadcast, so b collects from both places
    y[y < 0] = 0.0
    (y * torch.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert a.grad.tolist() == [1, 0, 0]
    assert b.grad.item() == 5


def test_the_tensor_keeps_its_dtype() -> None:
    h = vector() * 1
    h += torch.ones(3, dtype=torch.float64)
    h[0] = torch.ones(1, dtype=torch.float64, requires_grad=True)[0]
    assert h.dtype == torch.float32


def test_a_recorded_write_is_named_after_what_was_done() -> None:
    h = vector() * 1
    assert h.add_(1).grad_fn.name() == "AddBackward0"
    assert h.mul_(torch.tensor(2.0)).grad_fn.name() == "MulBackward0"
    h[0] = 5.0
    assert h.grad_fn.name() == "CopySlices"


def test_what_is_copied_stays_what_it_was() -> None:
    source = torch.ones(3)
    h = (vector() * 1).copy_(source)
    source.zero_()
    assert h.tolist() == [1, 1, 1]


def test_a_result_that_is_no_view_of_the_users_may_be_changed() -> None:
    x = torch.ones(2, 3, requires_grad=True)
    largest = [x.max(1).values, x.min(0).values, x.max(0, keepdim=True).values]
    for reduced in (x.norm(dim=1), x.logsumexp(1), x.sum(), x.mean(dim=0), x.relu(), x.std(dim=0), *largest):
        reduced.mul_(2)


def test_retain_grad_follows_a_recorded_write() -> None:
    h = vector() * 1
    h.retain_grad()
    h.mul_(3)
    (h * h).sum().backward()
    assert h.grad.tolist() == [6, 12, 18]


def test_what_recorded_writes_refuse() -> None:
    x = vector()
    h = x * 1
    with pytest.raises(RuntimeError, match=r"leaf Variable.*no_grad\(\)"):
        x.mul_(2)
    with pytest.raises(RuntimeError, match=r"leaf Variable.*no_grad\(\)"):
        x[0] = 1.0
    for view in (h[1:], h.reshape(3, 1), next(iter(h))):
        with pytest.raises(RuntimeError, match="view"):
            view.mul_(2)
    with pytest.raises(RuntimeError, match=r"\(3,\).*\(2, 3\)"):
        h.add_(torch.ones(2, 3))
    with pytest.raises(RuntimeError, match=r"output with shape \[3\]"), no_grad():
        h.add_(torch.ones(2, 3))
    for target in (h, h.detach()):
        with pytest.raises(RuntimeError, match=r"\(3,\).*\(2,\)"):
            target[:2] = torch.ones(3)
    assert h.tolist() == x.tolist() == [1, 2, 3]


def test_what_an_index_of_arrays_has_taken_is_no_view() -> None:
    x = vector()
    for taken in (x[torch.tensor([0, 1])], x[x > 1]):
        taken *= 2
        taken.sum().backward()
    assert x.grad.tolist() == [2, 4, 2]


def test_integers_take_no_fractions() -> None:
    counts = torch.tensor([1, 2])
    with pytest.raises((RuntimeError, TypeError), match="int64"):
        counts.mul_(0.5)
    with pytest.raises(RuntimeError, match=r"result type float32 can't be cast.*int64"):
        counts += torch.ones(2, requires_grad=True)
    assert counts.tolist() == [1, 2]


def test_contiguous_is_a_place_of_its_own_unless_it_is_there_already() -> None:
    x = torch.arange(6.0).reshape(2, 3).requires_grad_()
    assert x.contiguous() is x
    for other, values in ((x.t(), [0, 3, 1, 4, 2, 5]), (x[:1].expand(2, 3), [0, 1, 2] * 2)):
        own = other.contiguous()
        (own * own).sum().backward()
        flat = own.detach().view(-1)
        assert flat.tolist() == values
        flat.zero_()
        assert own.tolist() == np.zeros(own.shape).tolist()
    assert x.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert x.grad.tolist() == [[0, 6, 12], [6, 8, 10]]


def test_detach_cuts_in_place() -> None:
    h = vector() * 2
    assert h.detach_() is h
    assert h.is_leaf
    assert not h.requires_grad


def test_plain_writes_change_the_memory_itself() -> None:
    array = np.zeros(3)
    t = torch.from_numpy(array)
    t += 1
    t[0] = 5
    t.mul_(2)
    assert array.tolist() == [10, 2, 2]
    assert t.zero_() is t
    assert t.copy_(torch.ones(1)).tolist() == [1, 1, 1]
