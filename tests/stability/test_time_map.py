"""The gradient through time: equal to that of the whole sequence, and bounded as the theory says."""

import math

import numpy as np
import pytest

import tinygrad_stab as torch
from tinygrad_stab import nn
from tinygrad_stab.stability import time_map


def norms(report, of="h", layer=0):
    return np.array([getattr(row, of) for row in report if row.layer == layer])


def tanh_rnn(n, gain, orthogonal=False):
    rnn = nn.RNN(n, n).double()
    with torch.no_grad():
        for p in rnn.parameters():
            p.zero_()
    if orthogonal:
        nn.init.orthogonal_(rnn.weight_hh_l0, gain)
    else:
        nn.init.normal_(rnn.weight_hh_l0, std=gain / n**0.5)
    nn.init.normal_(rnn.weight_ih_l0, std=0.1 / n**0.5)
    return rnn


def lstm_without_recurrence(forget_bias, n=8):
    lstm = nn.LSTM(3, n).double()
    with torch.no_grad():
        lstm.weight_hh_l0.zero_()
        lstm.bias_ih_l0.zero_()
        lstm.bias_hh_l0.zero_()
        lstm.bias_ih_l0[n : 2 * n] = forget_bias
    return lstm


@pytest.mark.parametrize(
    "rnn",
    [nn.RNN(3, 4), nn.RNN(3, 4, nonlinearity="relu"), nn.LSTM(3, 4), nn.RNN(3, 4, 2), nn.LSTM(3, 4, 2),
     nn.LSTM(3, 4, bias=False)],
)  # fmt: skip
def test_the_gradient_at_the_start_is_that_of_the_whole_sequence(rnn):
    x, layers = torch.randn(6, 2, 3), rnn.num_layers
    report = time_map(rnn, x, loss_fn=lambda out: (out**2).sum())
    start = [torch.zeros(layers, 2, 4, requires_grad=True) for _ in range(1 + isinstance(rnn, nn.LSTM))]
    out, _ = rnn(x, tuple(start) if len(start) == 2 else start[0])
    gradients = torch.autograd.grad((out**2).sum(), start)
    for layer in range(layers):
        for of, gradient in zip("hc", gradients):
            assert norms(report, of, layer)[0] == pytest.approx(gradient[layer].norm().item(), rel=1e-5)
    assert len(report) == 7 * layers


def test_every_step_equals_a_shorter_sequence():
    rnn, x = nn.LSTM(3, 4).double(), torch.randn(5, 2, 3, dtype=torch.float64)
    report = time_map(rnn, x, loss_fn=lambda out: out[-1].sum())
    with torch.no_grad():
        _, (h, c) = rnn(x[:3])
        o = h / c.tanh()
    h = o * c.requires_grad_().tanh()  # c acts through h as well
    out, _ = rnn(x[3:], (h, c))
    gh, gc = torch.autograd.grad(out[-1].sum(), (h, c))
    assert report[3].h == pytest.approx(gh.norm().item())
    assert report[3].c == pytest.approx(gc.norm().item())


def test_cells_and_batch_first_are_the_same_map():
    x = torch.randn(5, 2, 3)
    lstm = nn.LSTM(3, 4)
    first, cell = nn.LSTM(3, 4, batch_first=True), nn.LSTMCell(3, 4)
    first.load_state_dict(lstm.state_dict())
    cell.load_state_dict({name.removesuffix("_l0"): p for name, p in lstm.state_dict().items()})
    expected = time_map(lstm, x).to_rows()
    assert time_map(first, x.transpose(0, 1)).to_rows() == expected
    assert time_map(cell, x).to_rows() == expected


@pytest.mark.parametrize("forget_bias", [0.0, 1.0, 3.0, 5.0])
def test_without_recurrent_weights_the_cell_gradient_is_the_product_of_forget_gates(forget_bias):
    """∂c_t/∂c_{t−1} = f_t, and without input f = σ(b_f): 100 steps lose −100 log₁₀ σ(b_f) decades."""
    lstm = lstm_without_recurrence(forget_bias)
    report = time_map(lstm, torch.zeros(101, 2, 3, dtype=torch.float64))
    decades = 100 * math.log10(1 / (1 + math.exp(-forget_bias)))
    c, product = norms(report, "c"), norms(report, "forget_product")
    assert math.log10(c[0] / c[100]) == pytest.approx(decades, abs=1e-9)
    assert math.log10(product[0] / product[100]) == pytest.approx(decades, abs=1e-9)
    assert decades == pytest.approx({0: -30.1, 1: -13.6, 3: -2.1, 5: -0.29}[forget_bias], abs=0.05)
    assert [row.forget for row in report[1:]] == pytest.approx([10 ** (decades / 100)] * 101)


def test_the_forget_gates_follow_the_input():
    lstm, x = lstm_without_recurrence(1.0, n=1), torch.randn(20, 1, 3, dtype=torch.float64)
    report = time_map(lstm, x)
    c, forget = norms(report, "c"), np.array([row.forget for row in report[1:]])
    np.testing.assert_allclose(c[:-2] / c[1:-1], forget[:-1], rtol=1e-12)
    np.testing.assert_allclose(norms(report, "forget_product")[0], np.prod(forget), rtol=1e-12)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_singular_values_bound_and_the_gain_decides(seed):
    torch.manual_seed(seed)
    x = torch.randn(100, 4, 64, dtype=torch.float64)
    small, middle, large = (time_map(tanh_rnn(64, gain), x) for gain in (0.45, 0.9, 2.0))
    decades = [math.log10(norms(r)[0] / norms(r)[-1]) for r in (small, middle, large)]
    assert small.largest_singular_value[0] < 1
    assert decades[0] < 100 * math.log10(small.largest_singular_value[0])
    assert middle.largest_singular_value[0] > 1  # which is necessary for an explosion, not sufficient
    assert decades[1] < -4
    assert decades[2] > 3


def test_the_size_of_the_recurrent_matrix():
    rnn = tanh_rnn(16, 0.7, orthogonal=True)
    report = time_map(rnn, torch.randn(3, 1, 16, dtype=torch.float64))
    assert report.spectral_radius == pytest.approx([0.7])
    assert report.largest_singular_value == pytest.approx([0.7])
    lstm = lstm_without_recurrence(0.0)
    with torch.no_grad():
        lstm.weight_hh_l0[16:24] = 2 * torch.eye(8)  # the block of the candidate
    assert time_map(lstm, torch.zeros(2, 1, 3, dtype=torch.float64)).spectral_radius == pytest.approx([2])


@pytest.mark.parametrize(("steps", "printed"), [(5, 6), (19, 20), (100, 17)])
def test_a_long_map_is_printed_in_part_and_exported_whole(steps, printed):
    report = time_map(nn.RNN(2, 2), torch.randn(steps, 1, 2))
    assert len(report.to_rows()) == steps + 1
    assert len(report.printed_rows()) == printed
    assert report.printed_rows()[-1] is report[-1]


def test_the_layer_stays_as_it_was(snapshot):
    rnn = nn.LSTM(3, 4)
    before = snapshot(rnn)
    torch.manual_seed(4)
    time_map(rnn, torch.zeros(3, 2, 3))
    assert snapshot(rnn) == before
    after = torch.randn(1).item()
    torch.manual_seed(4)
    assert torch.randn(1).item() == after


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: time_map(nn.Linear(3, 3), torch.zeros(2, 1, 3)), TypeError, "not Linear"),
        (
            lambda: time_map(nn.RNN(3, 3), torch.zeros(2, 3)),
            ValueError,
            r"\(T, n, input_size\), got \(2, 3\)",
        ),
        (lambda: time_map(nn.RNN(3, 3), torch.zeros(0, 1, 3)), ValueError, "got"),
        (lambda: time_map(nn.RNN(3, 3), torch.zeros(2, 1, 5)), RuntimeError, "expected 3"),
        (lambda: time_map(nn.RNN(3, 3), torch.zeros(2, 1, 3), lambda out: out), RuntimeError, "scalar"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
