"""The backward pass as it is told, beside the one that happens."""

import math

import numpy as np
import pytest
from tinygrad_stab.graph import ANY, TABLE

import tinygrad_stab as torch
from tinygrad_stab import nn
from tinygrad_stab.nn import functional as F
from tinygrad_stab.stability.explain import explain
from tinygrad_stab.stability.formulas import WIDTH, argument_names, formula


@pytest.fixture
def net_and_loss():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 3))
    loss = F.cross_entropy(model(torch.randn(16, 4)), torch.randint(0, 3, (16,)))
    return model, loss


def norm_of(tensor) -> float:
    return float(np.linalg.norm(tensor.array))


def test_norms_are_those_of_backward(net_and_loss):
    model, loss = net_and_loss
    told = {row.goes_to: row.norm_out for row in explain(loss, model)}
    loss.backward()
    for name, p in model.named_parameters():
        np.testing.assert_allclose(told[name], norm_of(p.grad), rtol=1e-5, atol=1e-7)


def test_what_goes_out_of_an_op_comes_into_the_next(net_and_loss):
    rows = explain(net_and_loss[1]).rows
    came_in = {row.step: row.norm_in for row in rows}
    onward = [row for row in rows if row.goes_to.startswith("step")]
    assert len(onward) == 4
    for row in onward:
        assert came_in[int(row.goes_to.split()[1])] == pytest.approx(row.norm_out, rel=1e-6)
        assert row.gain == pytest.approx(row.norm_out / row.norm_in)


def test_the_order_is_newest_first(net_and_loss):
    rows = explain(net_and_loss[1]).rows
    assert [row.step for row in rows] == sorted(row.step for row in rows)
    assert list(dict.fromkeys(row.op for row in rows)) == [
        "cross_entropy", "linear", "tanh", "batch_norm"
    ]  # fmt: skip


def test_gradients_of_two_uses_are_told_apart_and_added():
    x = torch.tensor([3.0, 4.0], requires_grad=True)
    rows = explain((x * x).sum() + 2 * x.sum()).rows
    into_x = [row.norm_out for row in rows if row.goes_to == "leaf (2,)"]
    np.testing.assert_allclose(into_x, [2 * math.sqrt(2), 5, 5])  # 2·1, and x twice; together 2 + 2x


def test_broadcasting_is_undone():
    b = torch.tensor([1.0], requires_grad=True)
    (row,) = [row for row in explain((b + torch.ones(5, 3)).sum()) if row.goes_to == "leaf (1,)"]
    assert row.norm_out == 15


def test_the_graph_and_the_gradients_are_left_alone(net_and_loss):
    model, loss = net_and_loss
    calls = []
    handle = model[0].weight.register_hook(lambda g: calls.append(1))
    hidden = model[0](torch.randn(5, 4))
    hidden.retain_grad()
    once = hidden.square().sum()
    explain(once)
    assert hidden._grad is None
    explain(loss, model)
    assert not calls
    assert all(p.grad is None for p in model.parameters())
    loss.backward()
    assert calls == [1]
    handle.remove()
    once.backward()
    np.testing.assert_allclose(hidden.grad.array, 2 * hidden.array)


# --- formulas -----------------------------------------------------------------------------------------------


def test_every_rule_of_the_table_has_a_formula():
    for primitive in TABLE.values():
        inputs = 2 if primitive.arity == ANY else int(primitive.arity)
        for k, name in enumerate(argument_names(primitive, inputs)):
            text = formula(primitive, k, name)
            assert 0 < len(text) <= WIDTH
            assert text not in (f"∂L/∂{name} = ", f"∂L/∂{name} = …"), primitive.name


@pytest.mark.parametrize(
    ("name", "k", "wanted"),
    [
        ("tanh", 0, "∂L/∂x = g * (1 - y * y)"),
        ("relu", 0, "∂L/∂x = select(g, y > 0)"),
        ("divide", 1, "∂L/∂b = -g * y / b"),
        ("multiply", 0, "∂L/∂a = g * b"),
        ("multiply", 1, "∂L/∂b = g * a"),
        ("matmul", 1, "∂L/∂b = Aᵀ G"),
        ("softmax", 0, "∂L/∂x = y (g − Σ g y)"),
        ("cross_entropy", 0, "∂L/∂x = g (softmax(x) − onehot(target)) / n"),
        ("batch_norm", 1, "∂L/∂gamma = Σ g x̂"),
        ("batch_norm", 2, "∂L/∂beta = Σ g"),
        ("lstm_step", 2, "∂L/∂h = δ_z W"),
        ("lstm_sequence", 3, "∂L/∂c0 = δ_c"),
        ("mean", 0, "∂L/∂x = g / n"),
        ("linear", 1, "∂L/∂W = Gᵀ X"),
        ("where", 0, "∂L/∂condition = 0"),
        ("leaky_relu", 0, "∂L/∂x = select(g, x > 0) + slope * select(g, x <= 0)"),
    ],
)
def test_formulas_are_read_from_the_rules(name, k, wanted):
    primitive = TABLE[name]
    assert formula(primitive, k, argument_names(primitive, k + 1)[k]) == wanted


# --- long graphs --------------------------------------------------------------------------------------------


def test_a_long_graph_is_told_by_layers():
    torch.manual_seed(0)
    model = nn.Sequential(*[m for _ in range(12) for m in (nn.Linear(8, 8), nn.Tanh())])
    told = explain(model(torch.randn(5, 8)).square().mean(), model)
    blocks = told.printed_rows()
    assert [block.of for block in blocks] == [str(k) for k in range(22, -1, -2)]
    assert blocks[3].ops == "tanh → linear"
    np.testing.assert_allclose([b.norm_out for b in blocks[:-1]], [b.norm_in for b in blocks[1:]], rtol=1e-6)
    assert sum(len(told.expand(k)) for k in range(12)) == len(told.rows) == len(told.to_rows())
    assert [row.op for row in told.expand(3)] == ["tanh", "linear", "linear", "linear"]
    assert told._repr_html_().count("<details>") == 12
    with pytest.raises(IndexError, match="0 to 11"):
        told.expand(12)


def test_steps_of_a_recurrent_layer_are_one_block():
    torch.manual_seed(0)
    rnn = nn.RNN(3, 8)
    told = explain(rnn(torch.randn(30, 5, 3))[0][-1].sum(), rnn)
    block = told.blocks[1]
    assert (block.of, block.times, block.ops) == ("weight_hh_l0", 29, "tanh → add → linear")
    steps = [row.norm_in for row in told.expand(1) if row.op == "tanh"]
    assert block.norm_out == steps[-1] < 1e-3 * block.norm_in  # the state before the first step is a constant
    last = [(block.of, block.ops) for block in told.blocks[2:]]
    assert last == [("weight_ih_l0", "unbind → linear"), ("the rest", "add")]  # biases first


def test_an_lstm_is_one_op_with_several_outputs():
    torch.manual_seed(0)
    lstm = nn.LSTM(3, 8)
    output, (_, c) = lstm(torch.randn(6, 2, 3))
    loss = output.sum() + c.square().sum()
    told = {row.goes_to: row.norm_out for row in explain(loss, lstm)}
    loss.backward()
    for name, p in lstm.named_parameters():
        assert told[name] == pytest.approx(norm_of(p.grad), rel=1e-5)


def test_of_several_ways_on_a_block_tells_none():
    """A step of an LSTM sends the gradient to its input, h and c; a layer sends it to x, not to its bias."""
    cell = nn.LSTMCell(3, 4)

    def loss(x):
        state = torch.zeros(5, 4), torch.zeros(5, 4)
        for _ in range(4):
            state = cell(x, state)
        return state[0].sum()

    blocks = {k: b.norm_out for k, b in enumerate(explain(loss(torch.randn(5, 3)), cell).blocks)}
    assert [k for k, norm in blocks.items() if norm is not None] == [6]  # the first step: to its input alone
    rnn = nn.RNN(3, 4)
    last = explain(rnn(torch.randn(30, 5, 3))[0].sum(), rnn).blocks[-2]
    assert (last.of, last.norm_out) == ("weight_ih_l0", None)


def test_a_block_has_the_name_of_its_weight_and_not_of_the_input():
    W, x = nn.Parameter(torch.randn(4, 4)), torch.randn(4, 4, requires_grad=True)
    model = nn.Sequential()
    model.W = W
    told = explain((W @ x).sum(), model)
    assert told.blocks[0].of == "W"


def test_a_function_of_ones_own_is_told():
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        def backward(ctx, g):
            return 2 * g

    x = torch.ones(4, requires_grad=True)
    (row,) = [row for row in explain(Double.apply(x).sum()) if row.op == "Double"]
    assert (row.norm_in, row.norm_out) == (2, 4)


# --- text and errors ----------------------------------------------------------------------------------------


def test_text_and_html(net_and_loss):
    told = explain(net_and_loss[1], net_and_loss[0])
    assert "∂L/∂x = g * (1 - y * y)" in repr(told)
    assert "(16, 8) → (16, 8)" in repr(told)
    assert "3.weight" in repr(told)
    assert "<td" in told._repr_html_()


def test_errors(net_and_loss):
    model, loss = net_and_loss
    with pytest.raises(ValueError, match="one element"):
        explain(model(torch.randn(4, 4)))
    with pytest.raises(ValueError, match="no history"):
        explain(torch.tensor(1.0))
    loss.backward()
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        explain(loss)
