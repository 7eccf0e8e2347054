"""The engine: order, depth, memory, what it refuses. That the rules are right is tested in test_table.py."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_stab as torch
from tinygrad_stab.autograd import backward, grad


def leaf(*values: float) -> torch.Tensor:
    """A float64 leaf that requires a gradient; a scalar for one value."""
    return torch.tensor(values if len(values) > 1 else values[0], dtype=torch.float64, requires_grad=True)


def equal(g: torch.Tensor, expected: Any) -> bool:
    return np.array_equal(g.detach().numpy(), expected)


# --- order and depth ----------------------------------------------------------------------------------------


def test_a_chain_of_50_000_ops() -> None:
    x = leaf(3.0)
    y = x
    for _ in range(25_000):
        y = -(y + 1)
    (to_x,) = grad(y, x, retain_graph=True)
    y.backward()
    assert equal(to_x, 1)
    assert equal(x.grad, 1)


def test_a_chain_of_50_000_ops_can_be_dropped_unused() -> None:
    y = leaf(3.0)
    for _ in range(50_000):
        y = y + 1
    del y


def test_a_diamond_60_deep() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(60):
        y = y + y  # 2⁶⁰ ways back to x: nobody may walk them one by one
    y.backward()
    assert equal(x.grad, 2.0**60)


def test_a_value_is_done_before_what_it_was_made_of() -> None:
    a = leaf(3.0)
    b = a + a
    c = b + b * a  # c = 2a + 2a²
    c.backward()
    assert equal(a.grad, 2 + 4 * 3)


def test_outputs_of_which_one_was_computed_from_the_other() -> None:
    x = leaf(1.0)
    h = x * 2
    y = h * 3
    for outputs in ([h, y], [y, h]):
        assert equal(grad(outputs, x, retain_graph=True)[0], 2 + 6)
    backward([h, y, y])
    assert equal(x.grad, 2 + 6 + 6)


BINARY = {"+": np.add, "−": np.subtract, "×": np.multiply}


@given(
    st.lists(st.tuples(st.sampled_from(sorted(BINARY)), st.integers(0, 99), st.integers(0, 99)), max_size=12)
)
def test_any_graph_agrees_with_the_derivative_carried_forward(steps: list[tuple[str, int, int]]) -> None:
    """Forward mode carries a tangent along beside each value, by the product rule."""
    inputs = [leaf(0.7), leaf(-1.1)]
    u = [0.3, 0.9]
    nodes = list(zip(inputs, u))
    for name, i, j in steps:
        (a, da), (b, db) = nodes[i % len(nodes)], nodes[j % len(nodes)]
        tangent = {"+": da + db, "−": da - db, "×": da * b.item() + a.item() * db}[name]
        nodes.append((BINARY[name](a, b), tangent))
    y, forward_mode = nodes[-1]
    gs = grad(y, inputs, allow_unused=True)
    reverse_mode = sum(g.item() * du for g, du in zip(gs, u) if g is not None)
    assert reverse_mode == pytest.approx(forward_mode, rel=1e-9, abs=1e-9)


# --- backward -----------------------------------------------------------------------------------------------


def test_a_second_backward_is_refused_with_the_remedy() -> None:
    x = leaf(1.0, 2.0)
    loss = x.exp().sum()
    loss.backward()
    with pytest.raises(RuntimeError, match=r"sum has freed its values.*retain_graph=True"):
        loss.backward()
    assert equal(x.grad, np.exp([1.0, 2.0]))


def test_a_part_shared_by_two_losses_is_freed_by_the_first_backward() -> None:
    h = leaf(1.0, 2.0).exp()
    first, second = h.sum(), (h * h).sum()
    first.backward()
    with pytest.raises(RuntimeError, match="second time: exp"):
        second.backward()


def test_retain_graph_and_accumulation() -> None:
    x = leaf(1.0, 2.0)
    loss = (x * x).sum()
    loss.backward(retain_graph=True)
    first = x.grad
    loss.backward(retain_graph=True)
    loss.backward()
    assert equal(x.grad, [6, 12])
    assert equal(first, [2, 4])  # what was handed out is never changed


def test_gradients_of_several_losses_add_up() -> None:
    x = leaf(1.0, 2.0)
    backward([x.sum(), (x * x).sum()])
    assert equal(x.grad, [3, 5])


def test_backward_of_a_leaf_and_of_one_element() -> None:
    x, y = leaf(5.0), torch.ones(1, 1, requires_grad=True)
    x.backward()
    y.backward()
    assert equal(x.grad, 1)
    assert equal(y.grad, [[1]])


def test_backward_to_chosen_inputs_only() -> None:
    a, b = leaf(2.0), leaf(3.0)
    h = a * b
    (h * h).backward(inputs=[h, b])
    assert a.grad is None
    assert equal(b.grad, 24)
    assert equal(h.grad, 12)


@pytest.mark.parametrize("inputs", [[], [torch.ones(2)]], ids=["none", "one that requires no gradient"])
def test_backward_to_inputs_that_can_have_none(inputs: list) -> None:
    with pytest.raises(RuntimeError):
        leaf(1.0, 2.0).sum().backward(inputs=inputs)


def test_the_gradient_to_start_from_stays_the_users() -> None:
    for create_graph in (False, True):
        for compute in (lambda x: x, lambda x: x + 0, lambda x: x.reshape(2)):
            x, start = leaf(1.0, 2.0), torch.ones(2, dtype=torch.float64)
            compute(x).backward(start, create_graph=create_graph)
            assert not np.shares_memory(x.grad.array, start.array)


def test_a_gradient_to_start_from() -> None:
    x = leaf(1.0, 2.0)
    (x * 3).backward(torch.tensor([1.0, 10.0]))
    assert equal(x.grad, [3, 30])
    assert x.grad.dtype == torch.float64
    with pytest.raises(RuntimeError, match=r"shape \(3,\), but the output \(2,\)"):
        (x * 3).backward(torch.ones(3))


def test_what_backward_refuses() -> None:
    with pytest.raises(RuntimeError, match=r"scalar outputs.*\(2,\).*\.sum\(\) or \.mean\(\)"):
        (leaf(1.0, 2.0) * 2).backward()
    with pytest.raises(RuntimeError, match=r"does not require grad.*requires_grad=True"):
        torch.ones(1).backward()
    with pytest.raises(RuntimeError, match=r"int64.*call \.float\(\)"):
        torch.tensor([1, 2], requires_grad=True)
    with pytest.raises(RuntimeError, match=r"leaf variables.*detach"):
        (leaf(1.0) * 2).requires_grad_(False)


def test_a_backward_that_is_refused_changes_nothing() -> None:
    x = leaf(1.0, 2.0)
    y = x * x
    with pytest.raises(RuntimeError):
        y.backward()
    y.sum().backward()
    assert equal(x.grad, [2, 4])


# --- grad ---------------------------------------------------------------------------------------------------


def test_grad_of_hidden_values_leaves_dot_grad_alone() -> None:
    x = leaf(0.5)
    hs = [x]
    for _ in range(3):
        hs.append(hs[-1] * 2)
    assert [g.item() for g in grad(hs[-1], hs)] == [8, 4, 2, 1]
    assert x.grad is None


def test_grad_of_what_was_not_used() -> None:
    x, unused = leaf(1.0), leaf(1.0)
    y = x * 2
    with pytest.raises(RuntimeError, match=r"not used.*allow_unused=True"):
        grad(y, [x, unused], retain_graph=True)
    assert grad(y, [unused, x], retain_graph=True, allow_unused=True)[0] is None
    assert grad(y, [unused, x], only_inputs=True, materialize_grads=True)[0].item() == 0
    with pytest.raises(RuntimeError, match="requires_grad_"):
        grad(leaf(1.0) * 2, torch.ones(1))


def test_grad_with_given_output_gradients() -> None:
    x = leaf(1.0, 2.0)
    (g,) = grad([x * 2, (x * x).sum()], x, grad_outputs=[torch.tensor([1.0, 0.0]), None])
    assert equal(g, [2 + 2, 4])
    rows = [grad(x.exp(), x, row)[0].numpy() for row in np.eye(2)]
    np.testing.assert_allclose(rows, np.diag(np.exp([1, 2])))


def test_third_order() -> None:
    x = leaf(0.3, -0.7)
    y = x.tanh()
    derivatives = []
    for _ in range(3):
        (y,) = grad(y.sum(), x, create_graph=True)
        derivatives.append(y.detach().numpy())
    t = np.tanh([0.3, -0.7])
    slope = 1 - t**2
    np.testing.assert_allclose(derivatives, [slope, -2 * t * slope, (6 * t**2 - 2) * slope], rtol=1e-12)


def test_fourth_power_down_to_zero() -> None:
    x = leaf(2.0)
    y, found = x**4, []
    for _ in range(4):
        (y,) = grad(y, x, create_graph=True)
        found.append(y.item())
    assert found == [32, 48, 48, 24]


def test_backward_of_a_gradient_penalty() -> None:
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (g,) = grad((w * x * x).sum(), x, create_graph=True)  # 2 w x
    (g * g).sum().backward()  # Σ 4 w² x²
    assert equal(x.grad, 8 * np.array([9 * 1.0, 16 * 2.0]))
    assert equal(w.grad, 8 * np.array([3 * 1.0, 4 * 4.0]))


def test_a_plain_gradient_is_not_recorded() -> None:
    x = leaf(2.0)
    (g,) = grad(x**3, x)
    assert not g.requires_grad
    x_grad = grad(x**3, x, create_graph=True)[0]
    assert x_grad.requires_grad


def test_a_way_that_has_been_freed_is_noticed_when_inputs_are_named() -> None:
    x = leaf(2.0)
    y = x * x
    grad(y.sum(), x)
    with pytest.raises(RuntimeError, match="a second time: multiply has freed"):
        grad(x.sum() + (2 * y).sum(), x)
    with pytest.raises(RuntimeError, match="a second time: multiply has freed"):
        (x.sum() + (2 * y).sum()).backward(inputs=[x])


def test_an_output_that_does_not_lead_to_the_inputs_is_left_alone() -> None:
    x, w, seen = leaf(2.0), leaf(1.0), []
    u = w * w
    u.register_hook(seen.append)
    assert grad([x * 3, u], x)[0].item() == 3
    assert not seen
    u.backward()
    assert w.grad.item() == 2
