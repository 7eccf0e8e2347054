"""RNN and LSTM, cells and sequences, against their equations written out in NumPy; PyTorch's values stand in
`test_against_pytorch.py`."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_stab as torch
from tinygrad_stab import Tensor, nn


def sigma(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def weights(module: nn.Module, suffix: str = "") -> list[Any]:
    """W_ih, W_hh, b_ih, b_hh as arrays; 0 for a missing bias."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    values = [getattr(module, name + suffix) for name in names]
    return [0 if v is None else v.array for v in values]


def rnn_step(x: np.ndarray, h: np.ndarray, weights: list[Any], phi: Callable = np.tanh) -> np.ndarray:
    W_ih, W_hh, b_ih, b_hh = weights
    return phi(x @ W_ih.T + b_ih + h @ W_hh.T + b_hh)


def lstm_step(
    x: np.ndarray, h: np.ndarray, c: np.ndarray, weights: list[Any]
) -> tuple[np.ndarray, np.ndarray]:
    W_ih, W_hh, b_ih, b_hh = weights
    i, f, a, o = np.split(x @ W_ih.T + b_ih + h @ W_hh.T + b_hh, 4, axis=-1)
    c = sigma(f) * c + sigma(i) * np.tanh(a)
    return sigma(o) * np.tanh(c), c


def near(actual: Any, expected: Any) -> None:
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-14)


# --- cells --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("nonlinearity", "phi"), [("tanh", np.tanh), ("relu", lambda z: np.maximum(z, 0))])
def test_rnn_cell(randn: Callable, bias: bool, nonlinearity: str, phi: Callable) -> None:
    cell = nn.RNNCell(3, 4, bias=bias, nonlinearity=nonlinearity).double()
    x, h = randn(5, 3), randn(5, 4)
    near(cell(x, h), rnn_step(x.array, h.array, weights(cell), phi))
    near(cell(x), cell(x, torch.zeros(5, 4, dtype=torch.float64)))


@pytest.mark.parametrize("bias", [True, False])
def test_lstm_cell(randn: Callable, bias: bool) -> None:
    cell = nn.LSTMCell(3, 4, bias=bias).double()
    x, h, c = randn(5, 3), randn(5, 4), randn(5, 4)
    for actual, expected in zip(cell(x, (h, c)), lstm_step(x.array, h.array, c.array, weights(cell))):
        near(actual, expected)
    zeros = torch.zeros(5, 4, dtype=torch.float64)
    for actual, expected in zip(cell(x), cell(x, (zeros, zeros))):
        near(actual, expected)


def test_all_that_the_cell_state_does_to_a_loss_is_in_its_gradient(randn: Callable) -> None:
    cell = nn.LSTMCell(3, 4).double()
    x, h, c = randn(5, 3), randn(5, 4), randn(5, 4)
    h_new, c_new = cell(x, (h, c))
    o = h_new.array / np.tanh(c_new.array)
    (by_c,) = torch.autograd.grad(h_new.sum(), c_new)
    np.testing.assert_allclose(by_c, o * (1 - np.tanh(c_new.array) ** 2), rtol=1e-6)


@pytest.mark.parametrize("kind", [nn.RNNCell, nn.LSTMCell])
def test_a_cell_takes_one_sample_without_a_batch(randn: Callable, kind: type) -> None:
    cell, x = kind(3, 4).double(), randn(3)
    alone, in_batch = cell(x), cell(x.reshape(1, 3))
    for one, batch in zip(alone, in_batch) if kind is nn.LSTMCell else [(alone, in_batch)]:
        assert one.shape == (4,)
        near(one, batch.array[0])


# --- sequences ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layers", [1, 3])
def test_rnn_is_its_cell_applied_step_by_step_and_layer_by_layer(randn: Callable, layers: int) -> None:
    rnn, x, h0 = nn.RNN(3, 4, layers).double(), randn(6, 2, 3), randn(layers, 2, 4)
    output, hn = rnn(x, h0)
    sequence = x.array
    for layer in range(layers):
        h, hs = h0.array[layer], []
        for x_t in sequence:
            h = rnn_step(x_t, h, weights(rnn, f"_l{layer}"))
            hs.append(h)
        sequence = np.stack(hs)
        near(hn[layer], h)
    near(output, sequence)


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("bias", [True, False])
def test_lstm_is_its_cell_applied_step_by_step_and_layer_by_layer(
    randn: Callable, layers: int, bias: bool
) -> None:
    lstm = nn.LSTM(3, 4, layers, bias=bias).double()
    x, h0, c0 = randn(6, 2, 3), randn(layers, 2, 4), randn(layers, 2, 4)
    output, (hn, cn) = lstm(x, (h0, c0))
    sequence = x.array
    for layer in range(layers):
        h, c, hs = h0.array[layer], c0.array[layer], []
        for x_t in sequence:
            h, c = lstm_step(x_t, h, c, weights(lstm, f"_l{layer}"))
            hs.append(h)
        sequence = np.stack(hs)
        near(hn[layer], h)
        near(cn[layer], c)
    near(output, sequence)


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM])
def test_batch_first_only_swaps_two_axes(randn: Callable, kind: type) -> None:
    first, second = kind(3, 4, 2, batch_first=True).double(), kind(3, 4, 2).double()
    second.load_state_dict(first.state_dict())
    x = randn(5, 6, 3)  # 5 samples, 6 steps
    (by_batch, state), (by_time, same_state) = first(x), second(x.transpose(0, 1))
    assert by_batch.shape == (5, 6, 4)
    near(by_batch.transpose(0, 1), by_time)
    near(np.asarray(state[0]), np.asarray(same_state[0]))


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM])
def test_a_sequence_can_be_continued_from_its_last_state(randn: Callable, kind: type) -> None:
    rnn, x = kind(3, 4, 2).double(), randn(7, 2, 3)
    whole, _ = rnn(x)
    first, state = rnn(x[:4])
    rest, _ = rnn(x[4:], state)
    near(whole, np.concatenate([first.array, rest.array]))


def test_rnn_with_relu(randn: Callable) -> None:
    rnn, x = nn.RNN(3, 4, nonlinearity="relu").double(), randn(2, 5, 3)
    h = np.zeros((5, 4))
    for x_t in x.array:
        h = rnn_step(x_t, h, weights(rnn, "_l0"), lambda z: np.maximum(z, 0))
    near(rnn(x)[1][0], h)


# --- names, starts ------------------------------------------------------------------------------------------


def test_names_and_shapes_of_the_weights(lib: Any) -> None:
    def shapes(module: Any) -> dict[str, tuple]:
        return {name: tuple(p.shape) for name, p in module.named_parameters()}

    assert shapes(lib.nn.LSTM(3, 4, num_layers=2)) == {
        "weight_ih_l0": (16, 3), "weight_hh_l0": (16, 4), "bias_ih_l0": (16,), "bias_hh_l0": (16,),
        "weight_ih_l1": (16, 4), "weight_hh_l1": (16, 4), "bias_ih_l1": (16,), "bias_hh_l1": (16,),
    }  # fmt: skip
    assert shapes(lib.nn.RNN(3, 4, bias=False)) == {"weight_ih_l0": (4, 3), "weight_hh_l0": (4, 4)}
    assert list(shapes(lib.nn.RNNCell(3, 4))) == ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]
    assert shapes(lib.nn.LSTMCell(3, 4, bias=False)) == {"weight_ih": (16, 3), "weight_hh": (16, 4)}


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "RNNCell", "LSTMCell"])
def test_all_weights_start_uniform_within_one_over_root_hidden(lib: Any, kind: str) -> None:
    for parameter in getattr(lib.nn, kind)(7, 400).parameters():
        largest = parameter.detach().abs().max().item()
        assert 0.98 / 20 < largest <= 1 / 20 * (1 + 1e-7)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.LSTMCell])
def test_forget_bias_raises_the_forget_gate_and_nothing_else(kind: type) -> None:
    torch.manual_seed(1)
    plain = kind(3, 4)
    torch.manual_seed(1)
    raised = kind(3, 4, forget_bias=1.5)
    for (name, p), (_, q) in zip(plain.named_parameters(), raised.named_parameters()):
        difference = q.array - p.array
        if name.startswith("bias_ih"):
            np.testing.assert_allclose(difference[4:8], 1.5, rtol=1e-6)
            difference[4:8] = 0
        assert not difference.any()


def test_forget_bias_reaches_every_layer() -> None:
    lstm = nn.LSTM(3, 400, num_layers=2, forget_bias=1.0)
    lstm.reset_parameters()  # it belongs to the start, and so comes back with it
    for bias in (lstm.bias_ih_l0, lstm.bias_ih_l1):
        assert bias.array[400:800].min() > 0.9
        assert np.abs(bias.array[:400]).max() <= 0.05


@pytest.mark.parametrize("kind", [nn.LSTM, nn.LSTMCell])
def test_forget_bias_needs_a_bias(kind: type) -> None:
    with pytest.raises(ValueError, match="forget_bias needs bias=True"):
        kind(3, 4, bias=False, forget_bias=1.0)


def test_forget_bias_is_given_by_name_for_pytorch_has_dropout_in_its_place() -> None:
    with pytest.raises(TypeError):
        nn.LSTM(3, 4, 2, True, False, 0.0, False, 0.5)
    with pytest.raises(TypeError):
        nn.LSTMCell(3, 4, True, 0.5)


# --- gradients ----------------------------------------------------------------------------------------------


def everything(module: nn.Module, x: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
    """All outputs of a cell or a sequence, flat."""
    output, end = module(x, state if "LSTM" in type(module).__name__ else state[0])
    return (output, *end) if isinstance(end, tuple) else (output, end)


@pytest.mark.parametrize("layers", [1, 2])
def test_rnn_to_second_order(randn: Callable, check_derivatives: Callable, layers: int) -> None:
    check_derivatives(nn.RNN(2, 3, layers), randn(3, 2, 2), randn(layers, 2, 3), call=everything)


@pytest.mark.parametrize("layers", [1, 2])
def test_lstm_to_second_order(randn: Callable, check_derivatives: Callable, layers: int) -> None:
    states = randn(layers, 2, 3), randn(layers, 2, 3)
    check_derivatives(nn.LSTM(2, 3, layers, forget_bias=1.0), randn(3, 2, 2), *states, call=everything)


def test_cells_to_second_order(randn: Callable, check_derivatives: Callable) -> None:
    check_derivatives(nn.LSTMCell(2, 3), randn(4, 2), randn(4, 3), randn(4, 3), call=everything)
    check_derivatives(nn.RNNCell(2, 3), randn(4, 2), randn(4, 3))


@pytest.mark.parametrize("part", [0, 1, 2], ids=["output", "last h", "last c"])
def test_lstm_differentiated_through_one_of_its_outputs_alone(
    randn: Callable, check_derivatives: Callable, part: int
) -> None:
    def call(module: nn.Module, *inputs: Tensor) -> Tensor:
        return everything(module, *inputs)[part]

    check_derivatives(nn.LSTM(2, 3), randn(3, 2, 2), randn(1, 2, 3), randn(1, 2, 3), call=call)


def test_float32_stays_float32() -> None:
    lstm = nn.LSTM(2, 3)
    output, (h, c) = lstm(torch.randn(4, 5, 2))
    (output.sum() + h.sum() + c.sum()).backward()
    assert {t.dtype for t in (output, h, c, *(p.grad for p in lstm.parameters()))} == {torch.float32}


# --- mistakes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "RNNCell", "LSTMCell"])
def test_another_number_of_features_is_refused(lib: Any, kind: str) -> None:
    shape = (2, 5) if kind.endswith("Cell") else (6, 2, 5)
    with pytest.raises(RuntimeError, match=r"(?i)expected.* 3.*got.*5|got 5 expected 3"):
        getattr(lib.nn, kind)(3, 4)(lib.zeros(*shape))


@pytest.mark.parametrize(
    ("batch_first", "order"), [(False, r"\(T, n, input_size\)"), (True, r"\(n, T, input_size\)")]
)
def test_a_sequence_has_three_dims(batch_first: bool, order: str) -> None:
    with pytest.raises(RuntimeError, match=rf"LSTM: expected input of shape {order}.*got \(2, 3, 4, 3\)"):
        nn.LSTM(3, 4, batch_first=batch_first)(torch.zeros(2, 3, 4, 3))


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM])
def test_an_empty_sequence_is_refused(kind: type) -> None:
    with pytest.raises(RuntimeError, match=r"time steps?.*\(0, 2, 3\)|\(0, 2, 3\).*time steps?"):
        kind(3, 4)(torch.zeros(0, 2, 3))


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "RNNCell", "LSTMCell"])
def test_a_state_of_another_shape_is_refused(lib: Any, kind: str) -> None:
    """Also where it would broadcast, or where layers of it would be left over."""
    if kind.endswith("Cell"):
        model, x = getattr(lib.nn, kind)(3, 4), lib.zeros(2, 3)
        misfits = [(1, 4), (3, 4), (2, 1), (2, 5)]
    else:
        model, x = getattr(lib.nn, kind)(3, 4, num_layers=2), lib.zeros(6, 2, 3)
        misfits = [(1, 2, 4), (3, 2, 4), (2, 5, 4), (2, 1, 4), (2, 2, 1), (2, 2, 3)]
    for shape in misfits:
        state = lib.zeros(*shape)
        with pytest.raises(RuntimeError, match=r"(?i)hidden|hx|state"):
            model(x, (state, state) if "LSTM" in kind else state)


@pytest.mark.parametrize("kind", ["LSTM", "LSTMCell"])
def test_an_lstm_wants_both_states(lib: Any, kind: str) -> None:
    """h alone is refused, even where it is one number whose truth value could pass for "not given"."""
    x, h = (lib.zeros(4, 1, 2), lib.zeros(1, 1, 1)) if kind == "LSTM" else (lib.zeros(1, 2), lib.zeros(1, 1))
    with pytest.raises((RuntimeError, IndexError, TypeError, ValueError)):
        getattr(lib.nn, kind)(2, 1)(x, h)


def test_an_unknown_nonlinearity_is_refused(lib: Any) -> None:
    with pytest.raises(ValueError, match="Unknown nonlinearity 'sine'"):
        lib.nn.RNN(3, 4, nonlinearity="sine")


def test_a_cell_refuses_an_unknown_nonlinearity_when_it_is_made() -> None:
    with pytest.raises(ValueError, match="Unknown nonlinearity 'sine': choose 'tanh' or 'relu'"):
        nn.RNNCell(3, 4, nonlinearity="sine")


@pytest.mark.parametrize("kind", ["RNN", "LSTM"])
def test_no_layer_is_no_network(lib: Any, kind: str) -> None:
    with pytest.raises(ValueError, match="num_layers must be greater than zero"):
        getattr(lib.nn, kind)(3, 4, num_layers=0)
