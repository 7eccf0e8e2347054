"""The steps of an LSTM, one by one or a whole sequence."""

import numpy as np

from ..engine.primitive import primitive
from ..engine.sums import rows, sum_of_rows
from .activation import sigmoid


def _quarters(x):
    d = x.shape[-1] // 4
    return x[..., :d], x[..., d : 2 * d], x[..., 2 * d : 3 * d], x[..., 3 * d :]


def _gates(z):
    """Turn pre-activations into gates, in their memory: σ for i, f and o, tanh for the candidate a."""
    quarters = _quarters(z)
    candidate = np.tanh(quarters[2])
    np.exp(np.negative(z, out=z), out=z)
    z += 1
    np.reciprocal(z, out=z)
    quarters[2][...] = candidate
    return quarters


def _slopes(gates):
    """σ′ = σ (1 − σ) of the gates i, f, o and tanh′ = 1 − tanh² of the candidate, side by side."""
    slopes, (_, _, a, _) = gates * (1 - gates), _quarters(gates)
    of_i, of_f, _, of_o = _quarters(slopes)
    return np.concatenate([of_i, of_f, 1 - a * a, of_o], axis=-1)


def _plus(total, part):
    return total if part is None else total + part


@np.errstate(over="ignore")  # as in sigmoid
def _lstm_step(zx, W, h, c, b=None):
    """One step of the cell, from z = zx + h Wᵀ + b, where zx is what the input contributes:

        i, f, o = σ(zᵢ), σ(z_f), σ(zₒ)      input, forget and output gate
        a       = tanh(z_a)                 the candidate (PyTorch calls it g); in z the order is i, f, a, o
        c′      = f c + i a                 the cell state: the forget gate decides how much of it stays

    zx is (…, 4 d), W (4 d, d), h and c (…, d), b (4 d). Returns c′ and o, and with them all gates side by
    side, which the rule reads. The hidden state, h′ = o tanh(c′), is computed from what is returned, so that
    ∂L/∂c′ arrives complete, with what c′ does by way of h′.
    """
    gates = np.dot(h, W.T) + zx
    gates = gates if b is None else gates + b
    i, f, a, o = _gates(gates)
    return f * c + i * a, o, gates


def _lstm_step_rule(g, y, W, h, c):
    """The chain rule leads from c′ = f c + i a and o to z, and from there to all that z is made of:

        δ_z    = (∂L/∂c′ a σ′, ∂L/∂c′ c σ′, ∂L/∂c′ i tanh′, ∂L/∂o σ′)      for the gates i, f, a, o
        ∂L/∂zx = δ_z
        ∂L/∂W = δ_zᵀ h
        ∂L/∂h = δ_z W
        ∂L/∂c = ∂L/∂c′ f
        ∂L/∂b = Σₙ δ_z

    with σ′ = i (1 − i) for the gate i, likewise for f and o, and tanh′ = 1 − a². Over many steps the direct
    way, from cell to cell, is multiplied by forget gates alone; where f ≈ 1, the gradient travels.
    """
    g_c, g_o, g_gates = g  # the last comes from second derivatives only
    _, _, gates = y
    i, f, a, _ = _quarters(gates)
    g_c, g_o = (np.zeros_like(c) if part is None else part for part in (g_c, g_o))
    to_gates = _plus(np.concatenate([g_c * a, g_c * c, g_c * i, g_o], axis=-1), g_gates)
    delta = to_gates * _slopes(gates)
    return delta, np.dot(rows(delta).T, rows(h)), np.dot(delta, W), g_c * f, sum_of_rows(delta)


lstm_step = primitive(_lstm_step, joint=_lstm_step_rule, inputs="zx W h c b")


def _lstm_hidden(o, c):
    """h = o tanh(c): what the output gate lets be seen of the cell state."""
    return o * np.tanh(c)


lstm_hidden = primitive(
    _lstm_hidden, o=lambda g, c: g * np.tanh(c), c=lambda g, o, c: g * o * (1 - np.square(np.tanh(c)))
)


def lstm_cell_composed(zx, W, h, c, b):
    """The same cell, (h, c) → (h′, c′), in a textbook's five lines."""
    i, f, a, o = _quarters(zx + h @ W.T + b)
    i, f, a, o = sigmoid(i), sigmoid(f), np.tanh(a), sigmoid(o)
    c = f * c + i * a
    h = o * np.tanh(c)
    return h, c


@np.errstate(over="ignore")
def _lstm_sequence(zx, W, h0, c0):
    """All T steps of a layer: zₜ = zxₜ + hₜ₋₁ Wᵀ, the gates, cₜ = fₜ cₜ₋₁ + iₜ aₜ and hₜ = oₜ tanh(cₜ).

    zx (T, n, 4 d) is what inputs and biases contribute; W is (4 d, d), h₀ and c₀ are (n, d). Returns h and c
    of every step, (T, n, d) each, and with them gates and tanh c, which the rule reads.
    """
    gates = np.empty(zx.shape, np.result_type(zx, W, h0, c0))
    hs, cs, tanh_c = (np.empty((*zx.shape[:2], W.shape[1]), gates.dtype) for _ in range(3))
    transposed = np.array(W.T, dtype=gates.dtype, order="C")  # it is read T times
    h, c = h0, c0
    for z, zx_t, h_t, c_t, tanh_t in zip(gates, zx, hs, cs, tanh_c):
        np.add(np.dot(h, transposed), zx_t, out=z)
        i, f, a, o = _gates(z)
        np.add(f * c, i * a, out=c_t)
        np.multiply(o, np.tanh(c_t, out=tanh_t), out=h_t)
        h, c = h_t, c_t
    return hs, cs, gates, tanh_c


def _lstm_sequence_rule(g, y, W, h0, c0):
    """Backpropagation through time, written out: from the last step to the first,

        δ_h ← ∂L/∂hₜ + δ_h                       what the loss, and the steps after t, say about hₜ
        δ_c ← ∂L/∂cₜ + δ_c + δ_h oₜ tanh′(cₜ)    and about the cell state cₜ
        δ_z = (δ_c aₜ σ′, δ_c cₜ₋₁ σ′, δ_c iₜ tanh′, δ_h tanh(cₜ) σ′)    for the gates i, f, a, o
        δ_c ← δ_c fₜ                             back through the cell: times the forget gate
        δ_h ← δ_z W                              back through the weights: times W, the same at every step

    The last two lines are the lesson. The path by h is multiplied by W and slopes T times, and vanishes or
    explodes like that of any RNN; the path by c is multiplied by forget gates only. All steps share W:

        ∂L/∂zx = δ_z of all steps
        ∂L/∂W = Σₜ δ_zₜᵀ hₜ₋₁
        ∂L/∂h₀ = δ_h
        ∂L/∂c₀ = δ_c
    """
    hs, cs, gates, tanh_c = y
    h_before, c_before = (np.concatenate([np.expand_dims(x0, 0), xs[:-1]]) for x0, xs in ((h0, hs), (c0, cs)))
    (i, f, a, o), slopes, tanh_slope = _quarters(gates), _slopes(gates), 1 - tanh_c * tanh_c
    to_c, to_z = o * tanh_slope, np.concatenate([a, c_before, i, tanh_c], axis=-1) * slopes
    g_h, g_c, g_gates, g_tanh = g  # the last two come from second derivatives only
    side_z = None if g_gates is None else g_gates * slopes
    side_c = None if g_tanh is None else g_tanh * tanh_slope
    T = len(gates)
    g_h, g_c, side_c, side_z = ([None] * T if x is None else x for x in (g_h, g_c, side_c, side_z))
    delta_h, delta_c, deltas = np.zeros_like(h0), np.zeros_like(c0), []
    for t in reversed(range(T)):
        delta_h = _plus(delta_h, g_h[t])
        delta_c = _plus(_plus(delta_c, g_c[t]), side_c[t]) + delta_h * to_c[t]
        delta_z = _plus(np.concatenate([delta_c, delta_c, delta_c, delta_h], axis=-1) * to_z[t], side_z[t])
        deltas.append(delta_z)
        delta_c = delta_c * f[t]
        delta_h = np.dot(delta_z, W)
    delta = np.stack(deltas[::-1])
    return delta, np.dot(rows(delta).T, rows(h_before)), delta_h, delta_c


lstm_sequence = primitive(_lstm_sequence, joint=_lstm_sequence_rule, inputs="zx W h0 c0")
