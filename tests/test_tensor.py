"""What a Tensor tells about itself, how it is taken apart and copied, and what its errors say."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import tinygrad_stab as torch
from tinygrad_stab.tensor import Size

A = np.array([[1.0, 5.0, 2.0], [4.0, 3.0, 6.0]])


def matrix(requires_grad: bool = False) -> torch.Tensor:
    return torch.tensor(A, requires_grad=requires_grad)


def same(t: torch.Tensor, expected: Any) -> bool:
    return t.shape == np.shape(expected) and np.array_equal(t.detach().numpy(), expected)


# --- the array ----------------------------------------------------------------------------------------------


def test_shape_size_and_dtype() -> None:
    t = matrix()
    assert t.shape == t.size() == (2, 3)
    assert repr(t.shape) == "Size([2, 3])"
    assert isinstance(t.shape, Size)
    assert t.shape.numel() == t.numel() == 6
    assert t.size(-1) == 3
    assert t.ndim == t.dim() == 2
    assert t.dtype == torch.float64
    assert torch.tensor(1.0).shape == ()


def test_one_element_becomes_a_python_number() -> None:
    t = torch.tensor([[2.5]], requires_grad=True)
    assert t.item() == float(t) == 2.5
    assert type(t.item()) is float
    assert int(t) == 2
    assert bool(t)
    assert not torch.tensor(0.0)
    assert list("abc")[torch.tensor(1)] == "b"
    assert matrix().tolist() == A.tolist()


def test_several_elements_do_not() -> None:
    for convert, error in (
        (float, ValueError),
        (int, ValueError),
        (bool, RuntimeError),
        (torch.Tensor.item, RuntimeError),
    ):
        with pytest.raises(error, match=r"6 elements.*\(2, 3\).*\.sum\(\), \.mean\(\)"):
            convert(matrix())
    with pytest.raises(RuntimeError, match="0 elements"):
        torch.zeros(0).item()


def test_formats_like_a_number() -> None:
    t = torch.tensor(3.14159, requires_grad=True)
    assert f"{t:.2f} {t.mean():8.3f}| {t:.1e}" == "3.14    3.142| 3.1e+00"
    assert f"{torch.tensor([1.0, 2.0])}" == "tensor([1., 2.])"
    with pytest.raises(TypeError):
        f"{torch.tensor([1.0, 2.0]):.2f}"


def test_length_and_iteration() -> None:
    t = matrix(requires_grad=True)
    assert len(t) == 2
    rows = list(t)
    assert [row.tolist() for row in rows] == A.tolist()
    (rows[1] * 3).sum().backward()
    assert same(t.grad, [[0, 0, 0], [3, 3, 3]])
    first, _ = t
    assert same(first, A[0])
    for refused in (len, iter):
        with pytest.raises(TypeError, match="0-d tensor"):
            refused(torch.tensor(1.0))


def test_comparisons_give_bools_and_identity_hashes() -> None:
    t = matrix()
    assert same(t == A, A == A)
    assert same(t != 5, A != 5)
    assert same(t < t.T.reshape(2, 3), A.T.reshape(2, 3) > A)
    assert same((t > 1) & ~(t >= 5), (A > 1) & ~(A >= 5))
    assert same((t <= 1) | (t > 5), (A <= 1) | (A > 5))
    assert (t > 0).dtype == torch.bool
    assert 5.0 in t
    assert 7.0 not in t
    assert len({t, t, t.clone()}) == 2


def test_results_of_comparisons_are_never_recorded() -> None:
    t = matrix(requires_grad=True)
    for y in (t > 0, t == t, ~(t > 0), t.argmax(1), t.isnan(), t.sign(), (t > 0).any(), (t > 0).all()):
        assert not y.requires_grad


def test_integers_and_bools_require_no_gradient() -> None:
    t = matrix(requires_grad=True)
    for y in (t.long(), t.int(), t.bool(), t.to(torch.int64)):
        assert not y.requires_grad
    assert t.float().requires_grad
    assert t.double() is t


# --- copies -------------------------------------------------------------------------------------------------


def test_data_is_the_same_memory_without_the_graph() -> None:
    t = matrix(requires_grad=True)
    t.data *= 2
    assert same(t, 2 * A)
    t.data = torch.zeros(4, dtype=torch.float64)
    assert t.shape == (4,)
    (t + 1).sum().backward()
    assert same(t.grad, np.ones(4))


def test_deepcopy_copies_leaves_and_their_gradients() -> None:
    t = matrix(requires_grad=True)
    t.sum().backward()
    twin = copy.deepcopy(t)
    assert twin.requires_grad
    assert same(twin, A)
    assert same(twin.grad, t.grad.numpy())
    twin.data.zero_()
    twin.grad.zero_()
    assert same(t, A)
    assert same(t.grad, np.ones((2, 3)))
    with pytest.raises(RuntimeError, match=r"detach\(\)\.clone\(\)"):
        copy.deepcopy(t * 2)


def test_a_gradient_of_another_shape_cannot_be_assigned() -> None:
    t = matrix()
    t.grad = torch.ones(2, 3)
    with pytest.raises(RuntimeError, match=r"\(3,\).*\(2, 3\)"):
        t.grad = torch.ones(3)
    assert t.grad.shape == (2, 3)


# --- indexing -----------------------------------------------------------------------------------------------

KEYS: list[Any] = [
    0, -1, slice(1, None), slice(None, None, -1), (slice(None), 1), (..., 0), None, (0, 2), [1, 0], [0, 0],
    (slice(None), [0, 2, 0]), ([0, 1], [2, 2]), (0, 0), ((0, 0), slice(None)), np.array([[0, 1]]), A > 2,
    (slice(None), A[0] > 1), (None, 1, None, slice(0, 2)), np.int64(1), True, (),
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_indexing(key: Any) -> None:
    t = matrix(requires_grad=True)
    y = t[key]
    expected = np.asarray(A[key])
    assert same(y, expected)
    weights = np.arange(1.0, expected.size + 1).reshape(expected.shape)
    (y * weights).sum().backward()
    by_hand = np.zeros_like(A)
    np.add.at(by_hand, key, weights)
    assert same(t.grad, by_hand)


def test_indexing_by_tensors() -> None:
    t = matrix()
    assert same(t[torch.tensor([1, 0])], A[[1, 0]])
    assert same(t[t > 2], A[A > 2])
    assert same(t[:, torch.tensor(1)], A[:, 1])
    assert same(t[torch.tensor([0, 1]), torch.tensor([2, 0])], A[[0, 1], [2, 0]])


# --- errors name the op and the shapes ----------------------------------------------------------------------


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(RuntimeError, match=r"add.*\(2, 3\) and \(2,\)"):
        matrix() + torch.ones(2)
    with pytest.raises(RuntimeError, match=r"mat1 and mat2 shapes cannot be multiplied \(2x3 and 2x3\).*\.T"):
        matrix() @ matrix()
    with pytest.raises(RuntimeError, match=r"matmul.*\(2, 3\) and \(2,\)"):
        matrix() @ torch.ones(2)
    with pytest.raises(RuntimeError, match=r"reshape.*\(2, 3\)"):
        matrix().reshape(4)
    with pytest.raises(IndexError, match=r"getitem.*\(2, 3\).*index 2"):
        matrix()[2]
    with pytest.raises(IndexError, match=r"sum.*\(2, 3\).*out of range.* \[-2, 1\], but got 2\)"):
        matrix().sum(2)
    with pytest.raises(RuntimeError, match=r"concatenate.*\(2, 3\) and \(3, 2\)"):
        np.concatenate([matrix(), matrix().T])


def test_a_leaf_can_be_pickled() -> None:
    for leaf in (torch.ones(2, requires_grad=True), torch.nn.Parameter(torch.ones(2)), torch.arange(3)):
        copy = pickle.loads(pickle.dumps(leaf))
        assert (type(copy), copy.requires_grad, copy.tolist()) == (
            type(leaf),
            leaf.requires_grad,
            leaf.tolist(),
        )
    with pytest.raises(RuntimeError, match="detach"):
        pickle.dumps(torch.ones(2, requires_grad=True) * 2)
