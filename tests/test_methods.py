"""The methods of a Tensor against NumPy, and against facts recorded from PyTorch."""

from typing import Any

import numpy as np
import pytest

import tinygrad_stab as torch

A = np.array([[1.0, 5.0, 2.0], [4.0, 3.0, 6.0]])


def matrix(requires_grad: bool = False) -> torch.Tensor:
    return torch.tensor(A, requires_grad=requires_grad)


def same(t: torch.Tensor, expected: Any) -> bool:
    return t.shape == np.shape(expected) and np.array_equal(t.detach().numpy(), expected)


# --- reductions ---------------------------------------------------------------------------------------------


def test_spread_is_unbiased_as_a_method_and_numpys_as_numpy() -> None:
    t = torch.tensor([1.0, 2.0, 4.0], dtype=torch.float64)
    assert t.var().item() == pytest.approx(7 / 3)
    assert t.var(unbiased=False).item() == t.var(correction=0).item() == pytest.approx(14 / 9)
    assert t.std().item() == pytest.approx((7 / 3) ** 0.5)
    assert np.std(t).item() == pytest.approx((14 / 9) ** 0.5)


def test_dim_and_axis_mean_the_same() -> None:
    t = matrix()
    for name in ("sum", "mean", "var", "std"):
        method, numpys = getattr(t, name), getattr(np, name)
        options = {"ddof": 1} if name in ("var", "std") else {}
        for dim in (0, 1, -1, (0, 1)):
            expected = numpys(A, axis=dim, keepdims=True, **options)
            for y in (method(dim=dim, keepdim=True), method(axis=dim, keepdims=True)):
                assert y.shape == expected.shape
                np.testing.assert_allclose(y.numpy(), expected)
        np.testing.assert_allclose(method().numpy(), numpys(A, **options))
    assert same(t.sum(0), [5, 8, 8])
    assert same(t.sum([0, 1]), 21)


def test_functions_take_their_first_argument_by_its_name() -> None:
    assert same(torch.sum(input=matrix(), dim=0), A.sum(0))
    assert same(torch.clamp(input=matrix(), max=2), np.minimum(A, 2))
    assert torch.max(input=matrix()).item() == 6


def test_max_along_a_dim_names_the_index() -> None:
    values, indices = matrix().max(1)
    assert same(values, [5, 6])
    assert same(indices, [1, 2])
    result = matrix().min(dim=0, keepdim=True)
    assert same(result.values, [[1, 3, 2]])
    assert same(result.indices, [[0, 1, 0]])
    assert repr(matrix().max(1)).splitlines()[0] == "torch.return_types.max("
    assert repr(matrix().max(1)).endswith(",\nindices=tensor([1, 2]))")
    assert repr(result).startswith("torch.return_types.min(\nvalues=tensor([[1., 3., 2.]]")
    assert matrix().max().item() == 6
    assert same(matrix().max(torch.tensor(3.0)), np.maximum(A, 3))
    assert same(matrix().argmax(1), [1, 2])
    assert matrix().argmin().item() == 0


def test_norms() -> None:
    t = torch.tensor([[3.0, -4.0], [0.0, 12.0]], dtype=torch.float64)
    assert t.norm().item() == 13
    assert same(t.norm(dim=1), [5, 12])
    assert same(t.norm(1, dim=0), [3, 16])
    assert t.norm(float("inf")).item() == 12
    assert t.norm("fro", keepdim=True).shape == (1, 1)


@pytest.mark.parametrize("p", [0, -1, float("-inf")])
def test_a_norm_with_an_unusual_p_is_pytorchs_or_refused(p: float) -> None:
    t = torch.tensor([[3.0, -4.0], [1.0, 12.0]])
    try:
        y = t.norm(p, dim=1)
    except (ValueError, RuntimeError):
        return
    np.testing.assert_allclose(y.numpy(), np.linalg.norm(t.numpy(), p, axis=1), rtol=1e-6)


def test_gather_picks_along_a_dim() -> None:
    t = matrix(requires_grad=True)
    picked = t.gather(1, torch.tensor([[2, 2], [0, 1]]))
    assert same(picked, [[2, 2], [4, 3]])
    picked.sum().backward()
    assert same(t.grad, [[0, 0, 2], [1, 1, 0]])
    assert same(matrix()[0].gather(0, torch.tensor([1])), [5])


@pytest.mark.parametrize("wrong", [-1, 3])
def test_gather_names_the_index_that_is_not_there(wrong: int) -> None:
    with pytest.raises(RuntimeError, match=f"index {wrong} is out of bounds for dimension 1 with size 3"):
        matrix().gather(1, torch.tensor([[0, wrong], [2, 1]]))


def test_clamp_takes_numbers_or_tensors() -> None:
    t = matrix(requires_grad=True)
    assert same(t.clamp(2, 4), np.clip(A, 2, 4))
    assert same(t.clamp(min=torch.tensor([2.0, 3.0, 4.0])), np.maximum(A, [2, 3, 4]))
    assert same(t.clip(max=torch.tensor(4.0)), np.minimum(A, 4))


def test_cumulative_sum_and_logsumexp() -> None:
    assert same(matrix().cumsum(1), np.cumsum(A, 1))
    np.testing.assert_allclose(matrix().logsumexp(1).numpy(), np.log(np.exp(A).sum(1)))
    np.testing.assert_allclose(matrix().softmax(1).sum(1).numpy(), 1)


# --- shapes -------------------------------------------------------------------------------------------------


def test_shapes_that_methods_give() -> None:
    t = torch.zeros(2, 3, 4)
    shapes = {
        (6, 4): [t.reshape(6, 4), t.view(-1, 4), t.reshape((6, -1)), t.flatten(0, 1), t.flatten(end_dim=1)],
        (24,): [t.flatten(), t.reshape(-1)],
        (2, 12): [t.flatten(1), t.flatten(-2)],
        (4, 3, 2): [t.transpose(0, 2), t.permute(2, 1, 0), t.T, t.swapaxes(-1, 0)],
        (4, 2, 3): [t.permute(2, 0, 1), t.permute((-1, 0, 1))],
        (2, 1, 3, 4): [t.unsqueeze(1), t[:, None], t.unsqueeze(-3)],
        (2, 3, 4): [t.squeeze(), t.squeeze(1), t.unsqueeze(0).squeeze(0), t.unsqueeze(-1).squeeze()],
        (5, 2, 3, 4): [t.expand(5, -1, -1, -1), t.expand(5, 2, 3, 4)],
    }
    for shape, results in shapes.items():
        assert [y.shape for y in results] == [shape] * len(results)
    assert torch.tensor(1.0).flatten().shape == (1,)
    assert torch.zeros(2, 1).expand(2, 7).shape == (2, 7)


def test_reshapes_and_slices_share_memory_as_numpys_do() -> None:
    t = torch.zeros(2, 3)
    for view in (
        t.reshape(6),
        t.T,
        t[1:],
        t[:, 0],
        t.squeeze(),
        t.unsqueeze(0),
        t.detach(),
        t.data,
        t.expand(2, 2, 3),
    ):
        assert np.shares_memory(view.array, t.array)
    t.view(6)[5] = 7.0
    assert t[1, 2].item() == 7
    for copy_of_t in (t.clone(), t[[0]], t + 0):
        assert not np.shares_memory(copy_of_t.array, t.array)


# --- dtypes -------------------------------------------------------------------------------------------------


def test_conversions() -> None:
    t = torch.tensor([1.7, -0.2], requires_grad=True)
    assert t.double().dtype == t.to(torch.float64).dtype == t.to(dtype=torch.float64).dtype == torch.float64
    assert t.long().tolist() == [1, 0]
    assert t.int().dtype == torch.int32
    assert t.bool().tolist() == [True, True]
    assert t.to("cpu") is t.cpu() is t
    assert t.to(torch.zeros(1, dtype=torch.float64)).dtype == torch.float64
    t.double().sum().backward()
    assert t.grad.dtype == torch.float32
    for device in ("cuda", "cuda:0", "mps"):
        with pytest.raises(RuntimeError, match="computes with NumPy, on the CPU"):
            t.to(device)


def test_the_mean_of_bools_is_a_share() -> None:
    assert (matrix() > 2).float().mean().item() == pytest.approx(4 / 6)
    assert (matrix() > 2).sum().item() == 4


def test_the_place_of_the_largest_of_nothing() -> None:
    with pytest.raises(IndexError, match="argmax does not fit"):
        torch.zeros(0, 3).argmax(0)


def test_stretches_along_a_dim() -> None:
    x = torch.arange(7)
    assert [part.tolist() for part in x.split(3)] == [[0, 1, 2], [3, 4, 5], [6]]
    assert [part.tolist() for part in x.split([2, 0, 5])] == [[0, 1], [], [2, 3, 4, 5, 6]]
    assert [part.shape for part in torch.zeros(0, 2).split(2)] == [(0, 2)]
    assert [part.shape for part in torch.zeros(2, 0).chunk(3, 1)] == [(2, 0)]
    for sizes in (0, -1, [5, -1], [3, 3]):
        with pytest.raises(RuntimeError, match="split: sizes in dim 0"):
            x.split(sizes)
    with pytest.raises(RuntimeError, match="at least one"):
        x.chunk(0)


def test_masked_fill_keeps_the_dtype() -> None:
    assert torch.tensor([1, 2]).masked_fill(torch.tensor([True, False]), 7.9).tolist() == [7, 2]


def test_no_dims_are_all_dims() -> None:
    assert torch.ones(2, 3).sum(()).item() == torch.ones(2, 3).sum(dim=[]).item() == 6
    assert torch.tensor(3.0).mean(dim=(0,)).item() == 3
    assert torch.zeros(1, 3, 1).squeeze((0, 2)).shape == (3,)


def test_what_is_refused_names_the_op_and_the_remedy() -> None:
    x = torch.ones(2, 2, 2)
    for call, error, message in (
        (torch.tensor([1, 2]).std, NotImplementedError, r"std is not for int64: give it x.float\(\)"),
        (x.softmax, TypeError, r"softmax\(\) missing required argument 'dim'"),
        (x.t, RuntimeError, r"t expects 2D tensors, not shapes \(2, 2, 2\): .*transpose"),
        (lambda: x.mm(x), RuntimeError, r"mm expects 2D tensors, not shapes .* x @ y"),
    ):
        with pytest.raises(error, match=message):
            call()


def test_the_biased_deviation_by_position() -> None:
    x = torch.tensor([1.0, 3.0])
    assert x.std(False).item() == x.var(False).item() == 1
    assert (+x).tolist() == [1, 3]
