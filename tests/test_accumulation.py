"""What ends up in `.grad`: each leaf's own memory, summed with what was there, in the leaf's own dtype."""

import numpy as np
import pytest

import tinygrad_stab as torch
from tinygrad_stab.autograd import grad

ONES = torch.ones(2)


def leaf(*values: float) -> torch.Tensor:
    return torch.tensor(values or (1.0, 2.0), requires_grad=True)


def test_a_hook_that_writes_into_one_gradient_does_not_reach_another() -> None:
    a, b = leaf(), leaf()
    a.register_post_accumulate_grad_hook(lambda t: t.grad.mul_(10))
    (a + b).backward(ONES)  # both get the same array from the rule
    assert a.grad.tolist() == [10, 10]
    assert b.grad.tolist() == [1, 1]


def test_further_uses_are_added_to_a_copy_of_what_another_input_got_too() -> None:
    a, b = leaf(), leaf()
    (2 * a + 3 * a + 4 * a + (a + b)).backward(ONES)  # a + b comes first on the way back
    assert a.grad.tolist() == [10, 10]
    assert b.grad.tolist() == [1, 1]


def test_a_gradient_that_a_hook_has_kept_is_not_the_one_in_grad() -> None:
    a, kept = leaf(), []

    def doubled(g: torch.Tensor) -> torch.Tensor:
        kept.append(2 * g)
        return kept[-1]

    a.register_hook(doubled)
    (a * 2).sum().backward()
    a.grad.zero_()
    assert kept[0].tolist() == [4, 4]


def test_a_plain_backward_keeps_the_graph_of_the_gradient_that_is_there() -> None:
    a = leaf()
    (a**3).sum().backward(create_graph=True)
    (a * 2).sum().backward()
    (second,) = grad((a.grad**2).sum() + a.sum(), a)  # (3a² + 2)² + a
    assert second.tolist() == [61, 337]


def test_gradients_with_a_graph_are_added_with_a_graph_even_under_no_grad() -> None:
    a = leaf(2.0)
    losses = [(a**3).sum(), (a**3).sum()]
    with torch.no_grad():
        for loss in losses:
            loss.backward(create_graph=True)
    assert grad(a.grad, a)[0].tolist() == [24]


def test_a_receiver_that_retains_its_gradient_gets_it_once() -> None:
    h = leaf() * 1
    h.retain_grad()
    (h * h).sum().backward(inputs=[h])
    assert h.grad.tolist() == [2, 4]


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("start", [torch.tensor([1, 2]), torch.tensor([1.0, 2.0], dtype=torch.float64)])
def test_the_gradient_to_start_from_takes_the_dtype_of_the_output(
    start: torch.Tensor, create_graph: bool
) -> None:
    a = leaf()
    a.backward(start, create_graph=create_graph)
    assert a.grad.dtype == torch.float32
    assert a.grad.tolist() == [1, 2]


@pytest.mark.parametrize("join", [torch.stack, torch.cat])
def test_any_number_of_tensors_is_joined(join: object) -> None:
    parts = [leaf(float(k)) for k in range(1500)]
    joined = join(parts).reshape(-1)  # type: ignore[operator]
    joined.backward(torch.arange(1500.0))
    assert [part.grad.item() for part in parts] == list(range(1500))


def test_a_list_of_tensors_is_not_a_tensor() -> None:
    a = leaf()
    with pytest.raises(TypeError, match="a list is not a tensor: put tensors together with"):
        a * [a, a]
    with pytest.raises(TypeError, match=r"a tuple is not a tensor.*`output, \(h, c\) = lstm\(x\)`"):
        torch.nn.Linear(2, 2)((a, a))
    assert (a * [3, 4]).tolist() == [3, 8]


def test_the_bias_of_linear_may_have_rows() -> None:
    b = torch.zeros(2, 2, requires_grad=True)
    y = torch.nn.functional.linear(ONES.expand(2, 2), ONES.expand(2, 2), b)
    (y * torch.tensor([[1.0, 2.0], [3.0, 4.0]])).sum().backward()
    assert b.grad.tolist() == [[1, 2], [3, 4]]
    with pytest.raises(RuntimeError, match=r"the weight must have shape \(d_out, d_in\), not \(2,\)"):
        torch.nn.functional.linear(ONES, ONES)


# --- float16, whose ones add up to 2048 at most -------------------------------------------------------------


def half(*shape: int, scale: float = 1.0) -> torch.Tensor:
    return torch.from_numpy((scale * np.random.default_rng(0).standard_normal(shape)).astype(np.float16))


@pytest.mark.parametrize("shape", [(8, 1024, 3), (8192, 3)])
def test_broadcasting_is_undone_in_float32(shape: tuple[int, ...]) -> None:
    b = torch.zeros(3, dtype=torch.float16, requires_grad=True)
    y = b + torch.zeros(*shape, dtype=torch.float16)
    y.backward(torch.ones(*shape, dtype=torch.float16))
    assert b.grad.tolist() == [8192] * 3
    assert b.grad.dtype == torch.float16


def test_sums_and_convolutions_count_beyond_2048() -> None:
    ones = torch.ones(4096, 1, 1, 1, dtype=torch.float16)
    assert ones.sum(0).item() == 4096
    w, b = (torch.ones(1, *s, dtype=torch.float16).requires_grad_() for s in ((1, 1, 1), ()))
    torch.nn.functional.conv2d(ones, w, b).backward(ones)
    assert w.grad.item() == b.grad.item() == 4096


def test_squares_that_float16_cannot_add_up() -> None:
    x = torch.zeros(10_000, dtype=torch.float16)
    x[::2] = 40
    loss = torch.nn.functional.mse_loss(x, torch.full_like(x, 20.0))
    for value, expected in ((x.var(), 400), (x.std(), 20), (np.var(x), 400), (loss, 400)):
        assert value.dtype == torch.float16
        assert value.item() == expected
    x = torch.tensor([300.0, -300.0], dtype=torch.float16, requires_grad=True)
    (x.std() + torch.nn.functional.gelu(x, approximate="tanh").sum()).backward()
    np.testing.assert_allclose(x.grad.numpy(), [1 + 0.5**0.5, -(0.5**0.5)], rtol=1e-3)


@pytest.mark.parametrize(
    ("norm", "x"),
    [
        (torch.nn.LayerNorm(512), half(4, 512, scale=30)),
        (torch.nn.BatchNorm1d(3), half(20_000, 3)),
        (torch.nn.BatchNorm2d(3), half(16, 3, 32, 32, scale=2)),
    ],
    ids=["LayerNorm", "BatchNorm1d", "BatchNorm2d"],
)
def test_normalization_of_float16(norm: torch.nn.Module, x: torch.Tensor) -> None:
    y = norm(x)
    assert np.std(y.detach().numpy().astype(float)) == pytest.approx(1, rel=1e-2)


def test_integers_through_an_activation_are_floats_of_the_default_dtype() -> None:
    for x in (torch.tensor([200, 1], dtype=torch.uint8), torch.tensor([True, False])):
        for φ in (torch.sigmoid, torch.tanh):
            y = φ(x)
            assert y.dtype == torch.float32
            np.testing.assert_allclose(y.numpy(), φ(x.float()).numpy(), rtol=1e-3)  # np.tanh takes float16
    assert (torch.ones(2, dtype=torch.float16) * torch.tensor([1, 2])).dtype == torch.float16
