"""Writing into memory that a backward pass will read: refused where it would make a gradient wrong."""

from collections.abc import Callable

import numpy as np
import pytest
from tinygrad_stab.grad_mode import no_grad

import tinygrad_stab as torch
from tinygrad_stab import memory, nn, ops
from tinygrad_stab.autograd import grad

MODIFIED = "modified by an inplace operation"


def vector() -> torch.Tensor:
    return torch.tensor([1.0, 2.0, 3.0], requires_grad=True)


# --- a write that makes a kept value wrong is refused -------------------------------------------------------


def step(x: torch.Tensor) -> None:
    x.grad = torch.ones(3)
    torch.optim.SGD([x], lr=0.1).step()


def write_inside_no_grad(x: torch.Tensor) -> None:
    with no_grad():
        x.mul_(2)


def assign_inside_no_grad(x: torch.Tensor) -> None:
    with no_grad():
        x[1] = 5.0


def update_inside_no_grad(x: torch.Tensor) -> None:
    with no_grad():
        x -= 0.1


WRITES = {
    "inside no_grad": write_inside_no_grad,
    "an element, inside no_grad": assign_inside_no_grad,
    "-= inside no_grad": update_inside_no_grad,
    ".data": lambda x: x.data.mul_(2),
    "an element of .data": lambda x: x.data.__setitem__(0, 5.0),
    "detach()": lambda x: x.detach().zero_(),
    "a slice": lambda x: x.data[1:].zero_(),
    "a view of a view": lambda x: x.data.reshape(3, 1)[::-1].T.add_(1),
    "another tensor in the same memory": lambda x: torch.from_numpy(x.detach().numpy()[:2]).fill_(7),
    "an optimizer's step": step,
    "an initializer": nn.init.zeros_,
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_write_between_forward_and_backward_is_refused(write: Callable) -> None:
    x = vector()
    loss = (x * x).sum()
    write(x)
    x.grad = None
    with pytest.raises(RuntimeError, match=rf"shape \(3,\).*gradient of multiply.*{MODIFIED}.*clone\(\)"):
        loss.backward()
    assert x.grad is None


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_the_same_write_before_forward_is_fine(write: Callable) -> None:
    x = vector()
    write(x)
    (g,) = grad((x * x).sum(), x)
    np.testing.assert_array_equal(g.array, 2 * x.array)


def test_memory_that_numpy_owns() -> None:
    array = np.array([[1.0, 2.0], [3.0, 4.0]])
    x = torch.from_numpy(array.T).requires_grad_()
    loss = (x * x).sum()
    torch.from_numpy(array[:, :1]).zero_()
    with pytest.raises(RuntimeError, match=MODIFIED):
        loss.backward()


def test_an_output_that_the_rule_reads() -> None:
    x = vector()
    y = x.exp()
    loss = y * 2
    y.data.zero_()
    with pytest.raises(RuntimeError, match=f"gradient of exp.*{MODIFIED}"):
        loss.backward(torch.ones(3))


def test_several_outputs() -> None:
    sizes = (2, 4), (4, 1), (2, 1), (2, 1)
    inputs = [torch.randn(*size, requires_grad=True) for size in sizes]
    c, _, gates = ops.lstm_step(*inputs, None)
    gates.data.fill_(0.5)  # the rule reads them
    with pytest.raises(RuntimeError, match=f"gradient of lstm_step.*{MODIFIED}"):
        (c * 2).backward(torch.ones(2, 1))


def test_a_standardized_value() -> None:
    x = torch.randn(4, 2, requires_grad=True)
    y, _, _, _ = ops.standardize(x, 1.0, 0.0, axis=0, eps=1e-5)
    y.data.zero_()
    with pytest.raises(RuntimeError, match=f"gradient of standardize.*{MODIFIED}"):
        (y * 2).backward(torch.ones(4, 2))


def test_an_index_a_target_and_a_condition() -> None:
    x, scores = vector(), torch.randn(2, 3, requires_grad=True)
    index, target, condition = torch.tensor([0, 1]), torch.tensor([0, 1]), torch.tensor([True, False, True])
    losses = [
        x[index].sum(),
        x[:, None][index, 0].sum(),
        nn.functional.cross_entropy(scores, target),
        ops.where(condition, x, 0).sum(),
    ]
    index += 1
    target += 1
    condition.zero_()
    for loss in losses:
        with pytest.raises(RuntimeError, match=MODIFIED):
            loss.backward()


# --- a write that no gradient needs is not refused ----------------------------------------------------------

HARMLESS = {
    "add": lambda x: x + 1,
    "subtract": lambda x: 1 - x,
    "relu reads its output only": lambda x: x.relu(),
    "tanh reads its output only": lambda x: x.tanh(),
    "a product with a constant reads the constant only": lambda x: x * 3,
    "a bias": lambda x: ops.linear(torch.ones(2, 2), torch.ones(3, 2), x),
    "sum reads the shape only": lambda x: x.sum(),
    "mean reads the shape only": lambda x: x.mean(),
    "reshape": lambda x: x.reshape(3, 1) + 0,
    "squeeze": lambda x: x.squeeze() + 0,
    "indexing": lambda x: x[1:] + 0,
    "concatenate": lambda x: ops.concatenate(x, x),
    "stack": lambda x: ops.stack(x, x),
}


@pytest.mark.parametrize("compute", HARMLESS.values(), ids=HARMLESS)
def test_a_write_that_no_rule_would_see_is_allowed(compute: Callable) -> None:
    x = vector()
    (expected,) = grad(compute(x).sum(), x)
    loss = compute(x).sum()
    write_inside_no_grad(x)
    (g,) = grad(loss, x)
    np.testing.assert_array_equal(g.array, expected.array)


def test_only_the_gradients_that_are_asked_for_are_checked() -> None:
    x, w = vector(), vector()
    loss = (x * w).sum()
    x.data.zero_()
    assert grad(loss, x, retain_graph=True)[0].tolist() == [1, 2, 3]  # reads w
    with pytest.raises(RuntimeError, match=MODIFIED):
        grad(loss, w)  # reads x


def test_writing_into_other_memory_and_between_steps() -> None:
    x, other = vector(), vector()
    optimizer = torch.optim.SGD([x], lr=0.1)
    for _ in range(3):
        loss = (x * x).sum()
        other.data.zero_()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    np.testing.assert_allclose(x.detach().numpy(), 0.8**3 * np.array([1, 2, 3]), rtol=1e-6)


def test_the_note_of_a_write_goes_with_the_array() -> None:
    before = len(memory._written)
    written = [torch.zeros(3).add_(1) for _ in range(100)]
    assert len(memory._written) == before + 100
    del written
    assert len(memory._written) == before
