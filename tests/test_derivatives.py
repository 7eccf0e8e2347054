"""vjp, jvp, hvp, jacobian and hessian: against each other, by hand, and as PyTorch's."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tinygrad_stab.autograd.functional import hessian, hvp, jacobian, jvp, vjp

import tinygrad_stab
from tinygrad_stab import Tensor, directional_check, nn


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch", reason="PyTorch is not installed")


def draw(*shapes: tuple, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape) for shape in shapes]


def tensors(arrays: list, lib: Any = tinygrad_stab) -> Any:
    return tuple(lib.tensor(a) for a in arrays)


# --- by hand ---------------------------------------------------------------------------------------------


def test_the_jacobian_of_a_linear_map_is_its_matrix() -> None:
    W, x, v = tensors(draw((3, 4), (4,), (3,)))
    np.testing.assert_allclose(jacobian(lambda x: W @ x, x).tolist(), W.tolist())
    np.testing.assert_allclose(vjp(lambda x: W @ x, x, v)[1].tolist(), (v @ W).tolist())
    np.testing.assert_allclose(jvp(lambda x: W @ x, x, x)[1].tolist(), (W @ x).tolist())


def test_the_hessian_of_a_quadratic_form_is_its_matrix_and_its_transpose() -> None:
    A, x, v = tensors(draw((4, 4), (4,), (4,)))
    H = A + A.T
    np.testing.assert_allclose(hessian(lambda x: x @ A @ x, x).tolist(), H.tolist())
    np.testing.assert_allclose(hvp(lambda x: x @ A @ x, x, v)[1].tolist(), (H @ v).tolist())


def test_a_number_as_v_is_one_and_may_be_left_out() -> None:
    x = tinygrad_stab.tensor(2.0)
    assert [t.item() for t in vjp(lambda x: x**3, x)] == [8, 12]
    assert [t.item() for t in jvp(lambda x: x**3, x)] == [8, 12]
    assert [t.item() for t in hvp(lambda x: x**3, x)] == [8, 12]
    assert hessian(lambda x: x**3, x).item() == 12


def test_jacobians_of_layers_multiply() -> None:
    first, second = nn.Linear(4, 5).double(), nn.Linear(5, 3).double()
    (x,) = tensors(draw((4,)))
    h = first(x).tanh().detach()
    J1 = jacobian(lambda x: first(x).tanh(), x)
    np.testing.assert_allclose(
        jacobian(lambda x: second(first(x).tanh()), x).tolist(), (jacobian(second, h) @ J1).tolist()
    )
    assert first.weight.grad is None  # nothing is collected on the way


# --- as in PyTorch ---------------------------------------------------------------------------------------


def one_to_one(x: Any) -> Any:
    return (x**3).sum(1) * x[0, 0]


def two_to_one(x: Any, y: Any) -> Any:
    return (x * x).sum(1) * y


def two_to_two(x: Any, y: Any) -> Any:
    return (x.tanh() * 2, (x * x).sum() * y)


def apart(x: Any, y: Any) -> Any:
    return (y.exp(), y * 0 + 1)


CASES: list[tuple[Callable, list, Any]] = [
    (one_to_one, draw((2, 3)), [(2,)]),
    (two_to_one, draw((2, 3), (2,)), [(2,)]),
    (two_to_two, draw((2, 3), (2,)), [(2, 3), (2,)]),
    (apart, draw((2, 3), (2,)), [(2,), (2,)]),
]


def assert_same(found: Any, expected: Any) -> None:
    if isinstance(expected, tuple):
        assert isinstance(found, tuple)
        assert len(found) == len(expected)
        for one, other in zip(found, expected):
            assert_same(one, other)
    else:
        assert tuple(found.shape) == tuple(expected.shape)
        assert found.requires_grad == expected.requires_grad
        np.testing.assert_allclose(found.detach().numpy(), expected.detach().numpy(), rtol=1e-10, atol=1e-12)


def form(values: tuple) -> Any:
    return values if len(values) > 1 else values[0]


# Where outputs do not depend on inputs, PyTorch's create_graph=True marks zeros as requiring a gradient.
@pytest.mark.parametrize(
    ("func", "arrays", "outputs", "create_graph"), [(*case, False) for case in CASES] + [(*CASES[0], True)]
)
def test_first_derivatives_are_those_of_pytorch(
    torch: Any, func: Callable, arrays: list, outputs: list, create_graph: bool
) -> None:
    theirs = torch.autograd.functional
    vs, us = draw(*outputs, seed=1), draw(*(a.shape for a in arrays), seed=2)
    ours_in, theirs_in = form(tensors(arrays)), form(tensors(arrays, torch))
    for f, g, args in [(jacobian, theirs.jacobian, []), (vjp, theirs.vjp, vs), (jvp, theirs.jvp, us)]:
        given = [[form(tensors(args, lib))] if args else [] for lib in (tinygrad_stab, torch)]
        assert_same(
            f(func, ours_in, *given[0], create_graph=create_graph),  # type: ignore[operator]
            g(func, theirs_in, *given[1], create_graph=create_graph),
        )


def scalar(*xs: Any) -> Any:
    return (xs[0].tanh() ** 3).sum() * (xs[-1] ** 2).sum()


@pytest.mark.parametrize("shapes", [[(2, 3)], [(2, 3), (2,)], [(2,), (1,), ()]])
def test_second_derivatives_are_those_of_pytorch(torch: Any, shapes: list) -> None:
    arrays, vs = draw(*shapes), draw(*shapes, seed=1)
    ours_in, theirs_in = form(tensors(arrays)), form(tensors(arrays, torch))
    theirs = torch.autograd.functional
    assert_same(hessian(scalar, ours_in), theirs.hessian(scalar, theirs_in))
    assert_same(
        hvp(scalar, ours_in, form(tensors(vs))), theirs.hvp(scalar, theirs_in, form(tensors(vs, torch)))
    )


def test_all_agree_with_the_matrices() -> None:
    x, y, v, w, u = tensors(draw((2, 3), (2,), (2, 3), (2,), (2,)))
    Jx, Jy = jacobian(two_to_one, (x, y))
    assert Jx.shape == (2, 2, 3)
    assert Jy.shape == (2, 2)
    flat = Jx.reshape(2, 6)
    np.testing.assert_allclose(
        vjp(two_to_one, (x, y), u)[1][0].reshape(6).tolist(), (u @ flat).tolist(), rtol=1e-12
    )
    np.testing.assert_allclose(
        jvp(two_to_one, (x, y), (v, w))[1].tolist(), (flat @ v.reshape(6) + Jy @ w).tolist(), rtol=1e-12
    )
    ((Hxx, Hxy), (Hyx, Hyy)) = hessian(scalar, (x, y))
    np.testing.assert_allclose(Hxy.reshape(6, 2).T.tolist(), Hyx.reshape(2, 6).tolist(), rtol=1e-12)
    to_x, to_y = hvp(scalar, (x, y), (v, w))[1]
    expected = Hxx.reshape(6, 6) @ v.reshape(6) + Hxy.reshape(6, 2) @ w
    np.testing.assert_allclose(to_x.reshape(6).tolist(), expected.tolist(), rtol=1e-10)
    np.testing.assert_allclose(
        to_y.tolist(), (Hyx.reshape(2, 6) @ v.reshape(6) + Hyy @ w).tolist(), rtol=1e-10
    )


# --- create_graph, and what is refused -------------------------------------------------------------------


def test_with_create_graph_results_can_be_differentiated() -> None:
    def leaf(*shape: int) -> Tensor:
        return tinygrad_stab.tensor(draw(shape)[0], requires_grad=True)

    x, v = leaf(2, 3), leaf(2)
    assert directional_check(lambda x: jacobian(one_to_one, x, create_graph=True), [x], order=1)
    assert directional_check(lambda x, v: vjp(one_to_one, x, v, create_graph=True)[1], [x, v], order=1)
    assert directional_check(
        lambda x, u: jvp(one_to_one, x, u, create_graph=True)[1], [x, leaf(2, 3)], order=1
    )
    assert directional_check(lambda x, u: hvp(scalar, x, u, create_graph=True)[1], [x, leaf(2, 3)], order=1)
    assert directional_check(lambda x: hessian(scalar, x, create_graph=True), [x], order=1)


def test_without_it_they_are_cut_off_and_the_inputs_untouched() -> None:
    x = tinygrad_stab.tensor([1.0, 2.0], requires_grad=True)
    results = [jacobian(lambda x: x**2, x), *vjp(lambda x: x**2, x, x), hessian(lambda x: (x**2).sum(), x)]
    assert not any(r.requires_grad for r in results)
    assert x.grad is None
    with tinygrad_stab.no_grad():
        assert jacobian(lambda x: x**2, x).tolist() == [[2, 0], [0, 4]]


def test_an_empty_output_has_an_empty_jacobian() -> None:
    x = tinygrad_stab.ones(3)
    assert jacobian(lambda x: x[:0], x).shape == (0, 3)


def test_what_does_not_fit_is_refused() -> None:
    x = tinygrad_stab.ones(3)
    with pytest.raises(RuntimeError, match="v can only be None if the output is a single Tensor"):
        vjp(lambda x: x, x)
    with pytest.raises(RuntimeError, match="v can only be None if the input is a single Tensor"):
        hvp(lambda x: x.sum(), x)
    with pytest.raises(RuntimeError, match=r"v must be in the form of the output, of shape \[\(3,\)\]"):
        vjp(lambda x: x, x, tinygrad_stab.ones(2))
    for f in (hessian, lambda f, x: hvp(f, x, x)):
        with pytest.raises(RuntimeError, match="returns a single Tensor with a single element"):
            f(lambda x: x * 2, x)
