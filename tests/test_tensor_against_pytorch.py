"""The same line, run here and in PyTorch: the same values, shapes, dtypes, gradients, and kinds of error."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_stab as ours

# T is this library or PyTorch; x has three dims, of two to four elements, the last of one to four.
LINES = """
x.sum(); x.sum(0); x.sum(dim=-1, keepdim=True); x.sum((0, 2)); x.sum([0, 1]); x.sum(axis=1); x.sum(1, True);
x.mean(); x.mean(dim=(0, 1)); x.mean(-1, keepdim=True); x.var(); x.var(0); x.var(dim=1, unbiased=False);
x.var((0, 1), correction=0); x.std(); x.std(1); x.std(1, unbiased=False);
x.std(dim=0, correction=0, keepdim=True); x.amax(1); x.amin((0, 2)); x.amax(dim=0, keepdim=True); x.max();
x.min(); x.max(1); x.min(dim=-1); x.max(0, keepdim=True); x.max(x * 0); x.min(x * 0 + 0.5); x.argmax();
x.argmax(1); x.argmin(dim=0, keepdim=True); x.argmin(-1); x.norm(); x.norm(1); x.norm(3, dim=0); x.norm(INF);
x.norm(p='fro'); x.norm(2, dim=1); x.norm(dim=1, keepdim=True); x.norm(2, (0, 2)); x.norm(INF, dim=-1);
x.logsumexp(1); x.logsumexp((0, 1)); x.logsumexp(dim=0, keepdim=True); x.softmax(-1); x.softmax(dim=0);
x.log_softmax(1); x.cumsum(1); x.cumsum(dim=-1); x.reshape(-1); x.view(-1, x.size(2));
x.reshape((x.size(0), -1)); x.flatten(); x.flatten(1); x.flatten(0, 1); x.flatten(-2);
x.flatten(start_dim=2); x.sum().flatten(); x.transpose(0, 2); x.transpose(-1, 1); x.permute(2, 0, 1);
x.permute((1, 2, 0)); x.permute(-1, 0, 1); x.swapaxes(0, 1); x[0].t(); x[:, 0].T; x.permute(1, -1, 0);
x.squeeze(); x[:1].squeeze(0); x.squeeze(-1); x.unsqueeze(0); x.unsqueeze(-2); x.sum().squeeze(0);
x.expand(2, -1, -1, -1); x[:, :1].expand(-1, 5, -1); x.expand(3, *x.shape); x.sum().expand(2, 3); x[0];
x[-1]; x[:, 0]; x[..., -1]; x[0, 0, 0]; x[:, None]; x[None, ..., 0]; x[1:]; x[::2]; x[[0, 0]]; x[:, [0, -1]];
x[x > 0]; x[(0, 0), :]; x[0][x[0] > 0]; x[:, [0, 0], 0]; x[T.tensor([0, -1])]; x[:, T.tensor([[0, 0]])];
x[T.tensor(0)]; x[x[:, 0, 0] > 0]; x.gather(1, x.argmax(1, keepdim=True)); x.gather(-1, (x > 0).long() * 0);
x.clamp(-0.5, 0.5); x.clamp(min=0); x.clamp(max=0.25); x.clip(0, 1); x.abs(); x.exp(); x.abs().log();
x.abs().sqrt(); x.abs().log1p(); x.abs().log10(); x.square(); x.sin(); x.cos(); x.tanh(); x.sigmoid();
x.relu(); x.isnan(); x.isfinite(); x.pow(2); x ** 3; x.abs() ** 0.5; 2 ** x; x.abs() ** x; 1 - x; 1 / x;
x - 1; 3 * x; x / 3; -x; abs(x); x + x[0]; x * x[:, :1]; x / x.norm(); x @ x.transpose(1, 2);
x[0].matmul(x[0].t()); x[0, 0].dot(x[0, 0]); x @ x[0, 0]; x[0, 0] @ x.transpose(1, 2); x > 0; x <= x[0];
x == x; x != 0; ~(x > 0); (x > 0) & (x < 1); (x > 0) | (x < -1); (x > 0).sum(); (x > 0).any();
(x > 0).all(0); (x > 0).float().mean(); (x > 0).any(dim=1); x.isinf().any(); x.float(); x.double(); x.long();
x.int(); x.bool(); x.to(T.float32); x.to('cpu'); x.to(dtype=T.int64); T.arange(3) * 0.5; T.arange(3) / 2;
T.exp(T.arange(3)); x.float() * T.arange(x.size(2)); x.float() ** T.tensor(2); x.float() + T.tensor(True);
T.arange(3) + 1; x.clone(); x.detach(); x.cpu(); T.where(x > 0, x, x * 2); T.maximum(x, x[0]);
T.cat([x, x], dim=1); T.stack([x, x], -1); T.softmax(x, dim=0); T.sum(x, dim=1); T.mean(x); T.std(x, 0);
T.norm(x); T.logsumexp(x, 1); T.clamp(x, 0, 1); T.flatten(x, 1); T.argmax(x, 1); T.transpose(x, 0, 1);
T.reshape(x, (-1,)); T.mm(x[0], x[0].t()); T.isfinite(x); T.max(x, 1);
T.squeeze(x[:1], 0); T.abs(x); T.pow(x, 2); T.var(x, 1, unbiased=False); T.sum(x);
x[0, :, [0, 0]]; x[0, ..., T.tensor([0, 0])]; x[0, :, x[0, 0] > 0]; x[:, None, 0, [0, 0]];
x[[0, 1], :, 0]; x[T.tensor(0), :, [0, 0]]; x[[1, 0], 0]; x[0, x[0] > 0]; x[-1, None, [1, 0]];
x.argmax(axis=1); x.argmin(axis=0, keepdims=True); x.max(axis=1, keepdims=True); x.min(axis=-1);
x.amax(axis=(0, 1)); x.amin(axis=0, keepdims=True); x.mean(axis=0, keepdims=True); x.var(axis=1);
x.std(axis=0, keepdims=True); x.logsumexp(axis=1, keepdims=True); x.softmax(axis=1); x.log_softmax(axis=0);
x.cumsum(axis=1); (x > 0).any(axis=1, keepdims=True); (x > 0).all(1, True); x[:1].squeeze(axis=0);
x.unsqueeze(axis=1); x.gather(axis=1, index=(x > 0).long()); T.cat([x, x], axis=1); T.stack([x, x], axis=1);
x.sum().sum(0); x.sum().mean(-1); x.sum().max(0); x.sum().min(dim=-1); x.sum().amax(0); x.sum().argmax(0);
x.sum().cumsum(0); x.sum().softmax(-1); x.sum().log_softmax(0); x.sum().logsumexp(0); x.sum().norm(dim=0);
T.cat([T.tensor([]), x[0], x[1]]); T.cat([T.tensor([]), x[0, 0]]); T.cat([x[0, 0, :0]] * 2);
x.view_as(x * 2); x[0].expand_as(x); x.masked_fill(x > 0, 0.5); x.split(1); x.split(2, dim=1);
x[:2].split([1, 1]); x[:2].split([1, 1], -3); x.chunk(2); x.chunk(3, dim=1); T.split(x, 2, -1);
T.chunk(x, 2, 1); x.eq(x[0]);
x.ne(0); x.lt(x * x); x.le(0.5); x.gt(0); T.ge(x, 0); T.dot(x[0, 0], x[0, 0]); T.clip(x, 0, 1);
x.detach().round(); T.round(x.detach(), decimals=1); x.detach().floor(); T.ceil(x.detach()); x.detach() % 2;
x.detach() // 0.5; T.arange(5) % 2; T.arange(5) // 2; (x > 0) ^ (x < 1); T.arange(3) ^ 1;
x[0].t().contiguous(); x[:1].expand(2, -1, -1).contiguous(); x.contiguous(); x[0, 0].t(); (x * 2).detach_();
T.linalg.norm(x[0]); T.linalg.norm(x[0], 'fro'); T.linalg.norm(x[0], 1); T.linalg.norm(x[0], INF);
T.linalg.norm(x[0].detach(), 2); T.linalg.norm(x[0, 0], 1); T.linalg.norm(x, 2, 1); T.linalg.norm(x);
T.linalg.norm(x[0], 1, dim=0, keepdim=True); T.Tensor([1, 2]); T.Tensor([[True]]); T.Tensor()
"""

# What both refuse.
REFUSED = """
x.sum(5); x.mean(dim=-4); x.transpose(0, 3); x.reshape(99); x.view(-1, -1); x[99]; x[:, 99]; x[0, 0, 0, 0];
x[[99]]; x.item(); float(x); int(x); bool(x); len(x.sum()); list(x.sum()); x.expand(2, 2); x + T.ones(7);
x @ T.ones(7, 7); x.gather(0, T.tensor(99)); x.softmax(3); x.max(7); x.numpy(); x.squeeze(8); x.unsqueeze(9);
x.permute(0, 1); x.permute(0, 0, 1); x[0].dot(x[0]); x.backward(); x.backward(T.ones(7));
x.detach().backward(); x.detach().register_hook(print); T.tensor([1, 2], requires_grad=True);
T.tensor([[1.0], [1.0, 2.0]]); x.norm(dim=5); x.argmax(9); x.flatten(5); T.ones(2, 3) @ T.ones(2, 3);
T.ones(3) @ T.ones(4); T.ones(2, requires_grad=True).mul_(2); x.t(); x.mm(x); x[0].mm(x[0, 0]);
x[0, 0].mm(x[0]); x[0].dot(x[0, 0]); T.mm(x, x); x.sum(0, 1); x.mean(0, 1); x.amax(0, 1); (x > 0).mean();
T.arange(3).mean(); T.arange(3).std(); T.arange(3).var(); T.arange(3).norm(); T.arange(3).softmax(0);
T.arange(3).log_softmax(0); x.softmax(); x.cumsum(); x.log_softmax(); x.unsqueeze(); x.sum(dims=0); T.cat([]);
x.split([1, 9]); T.arange(3).add_(1.5); T.arange(2).div_(2); T.linalg.norm(x, 2); x.sum().max(1);
x.sum().sum(1); T.Tensor(2).numel(3); type(x).grad.__set__(x, 3); x[0, :, [9]]
"""


def statements(text: str) -> list[str]:
    return [line.strip() for line in text.replace("\n", " ").split(";")]


def run(T: Any, line: str, array: np.ndarray) -> tuple[Any, Any]:
    """What the line gives, and the tensor x that it was given."""
    x = T.tensor(array, requires_grad=True)
    return eval(line, {"T": T, "x": x, "INF": float("inf")}), x


def described(y: Any) -> list:
    """The results of one line, in NumPy's words."""
    if isinstance(y, tuple):
        return [part for one in y for part in described(one)]
    return [np.asarray(y.detach()), str(y.dtype).removeprefix("torch."), y.requires_grad]


def gradient(T: Any, y: Any, x: Any) -> Any:
    y = y[0] if isinstance(y, tuple) else y
    if not y.requires_grad:
        return None
    weights = np.cos(np.arange(np.prod(tuple(y.shape)))).reshape(tuple(y.shape))
    return np.asarray(T.autograd.grad((y * T.tensor(weights)).sum(), x)[0])


@pytest.fixture(scope="module")
def pytorch() -> Any:
    return pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")


@pytest.mark.parametrize("line", statements(LINES))
@settings(max_examples=4)
@given(
    shape=st.tuples(st.integers(2, 4), st.integers(2, 4), st.integers(1, 4)), seed=st.integers(0, 2**32 - 1)
)
def test_gives_what_pytorch_gives(pytorch: Any, line: str, shape: tuple[int, ...], seed: int) -> None:
    array = np.random.default_rng(seed).standard_normal(shape)
    (y, x), (their_y, their_x) = run(ours, line, array), run(pytorch, line, array)
    for one, other in zip(described(y), described(their_y), strict=True):
        if isinstance(one, np.ndarray):
            assert one.shape == other.shape
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)
        else:
            assert one == other
    g, their_g = gradient(ours, y, x), gradient(pytorch, their_y, their_x)
    assert (g is None) == (their_g is None)
    if g is not None:
        np.testing.assert_allclose(g, their_g, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("line", statements(REFUSED))
def test_refuses_what_pytorch_refuses_with_the_same_kind_of_error(pytorch: Any, line: str) -> None:
    array = np.random.default_rng(0).standard_normal((2, 3, 4))
    with pytest.raises(Exception) as theirs:  # noqa: PT011
        run(pytorch, line, array)
    with pytest.raises(theirs.type):
        run(ours, line, array)
