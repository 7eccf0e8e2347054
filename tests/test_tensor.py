"""What a Tensor tells about itself, how it is taken apart and copied, and what its errors say."""

import copy
import math
import operator
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
    assert repr(t[None].shape[1:]) == "Size([2, 3])"
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


def test_a_tensor_is_not_none_and_no_text() -> None:
    for other in (None, "a"):
        assert operator.eq(matrix(), other) is False
        assert operator.ne(matrix(), other) is True


def test_operators_that_count_leave_gradients_alone() -> None:
    t = matrix(requires_grad=True)
    for operation in (operator.mod, operator.floordiv):
        with pytest.raises(RuntimeError, match=r"no derivative rule.*\.detach\(\)"):
            operation(t, 2)
        assert same(operation(t.detach(), 2), operation(A, 2))
        with torch.no_grad():
            assert not operation(t, 2).requires_grad
    assert same((t > 2) ^ (t > 4), (A > 2) ^ (A > 4))


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
    with pytest.raises(TypeError, match="Tensor or None, not int"):
        t.grad = 3  # type: ignore[assignment]
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


def test_integers_beside_arrays_are_taken_first() -> None:
    x = torch.arange(24).reshape(2, 3, 4)
    every, mask = slice(None), torch.tensor([True, False, True, False])
    for last in ([0, 2], torch.tensor([0, 2]), range(0, 4, 2), mask):
        for first in ((0, every), (0, ...), (torch.tensor(0), every), (np.int64(0), every)):
            key: Any = (*first, last)
            assert x[key].tolist() == [[0, 2], [4, 6], [8, 10]]
            y = torch.zeros(2, 3, 4)
            y[key] = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
            assert y[0].tolist() == [[1, 0, 2, 0], [3, 0, 4, 0], [5, 0, 6, 0]]
            assert y[1].sum().item() == 0
    assert x[1, :, None, [3, 3]].shape == (3, 1, 2)
    assert np.shares_memory(x[torch.tensor(1)].array, x.array)


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


# --- what is left out ---------------------------------------------------------------------------------------

LEFT_OUT: dict[str, tuple[str, Any]] = {  # what the message says to write, and what that gives
    "outer": ("a[:, None] * b", np.outer(A[0], A[1])),
    "prod": ("math.prod(x.flatten())", A.prod()),
    "repeat": ("torch.cat([x] * n, dim)", np.concatenate([A, A], 1)),
    "sort": ("a.topk(len(a), largest=False)[0]", np.sort(A[0])),
    "argsort": ("np.argsort(np.asarray(a))", np.argsort(A[0])),
    "histc": ("np.histogram(np.asarray(x), bins)[0]", np.histogram(A, 2)[0]),
    "masked_select": ("x[mask]", A[A > 2]),
    "isclose": ("(a - b).abs() <= 1e-8 + 1e-5 * b.abs()", np.isclose(A[0], A[1])),
    "flip": ("np.flip(x, dim)", np.flip(A, 1)),
    "triu": ("np.where(np.triu(np.ones(x.shape)), x, 0)", np.triu(A)),
    "tril": ("np.where(np.tril(np.ones(x.shape)), x, 0)", np.tril(A)),
    "hstack": ("torch.cat([a, b], -1)", np.hstack([A[0], A[1]])),
    "bernoulli": ("(torch.rand(p.shape) < p).float()", np.ones_like(A)),
    "remainder": ("a % b", A[0] % A[1]),
    "logical_xor": ("(a != 0) ^ (b != 0)", A[0] > 9),
    "vstack": ("torch.stack([a, b])", A),
    "trace": ("x.diag().sum()", np.trace(A)),
    "addmm": ("c + a @ b", A[1] + A[0] @ A[1]),
    "tan": ("x.sin() / x.cos()", np.tan(A)),
    "expm1": ("x.exp() - 1", np.expm1(A)),
    "lerp": ("a + w * (b - a)", A.mean(0)),
    "log2": ("x.log() / math.log(2)", np.log2(A)),
    "exp2": ("2**x", np.exp2(A)),
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_left_out_says_what_to_write_instead(name: str) -> None:
    instead, expected = LEFT_OUT[name]
    x = matrix()
    names = {"x": x, "a": x[0], "b": x[1], "n": 2, "dim": 1, "mask": x > 2, "bins": 2}
    names |= {"p": x / x, "c": x[1], "w": 0.5}
    result = eval(instead, {"torch": torch, "np": np, "math": math, **names})
    np.testing.assert_allclose(np.asarray(result), expected, rtol=1e-12)
    for owner in (torch, x):
        assert not hasattr(owner, name)
        with pytest.raises(AttributeError, match="left out") as caught:
            getattr(owner, name)
        assert instead in str(caught.value)
