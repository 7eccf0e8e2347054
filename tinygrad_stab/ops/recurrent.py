"""One time step of an LSTM, from the pre-activations of its gates to the new state."""

import numpy as np

from ..graph import primitive
from .activation import _sigmoid


def _lstm_step(z, c):
    """From z = x Wᵢᵀ + h Wₕᵀ + b, shape (n, 4 d), and the old cell state c, shape (n, d):

        i, f, o = σ(zᵢ), σ(z_f), σ(zₒ)      input, forget and output gate
        a       = tanh(z_a)                 the candidate (PyTorch calls it g); in z the order is i, f, a, o
        c′      = f c + i a                 the cell state: the forget gate decides how much of it stays
        h′      = o tanh(c′)                the hidden state

    Returns h′ and c′, and with them the gates (i, f, a, o side by side) and tanh c′, which the rules read.
    """
    d = c.shape[-1]
    gates = _sigmoid(z)
    gates[..., 2 * d : 3 * d] = np.tanh(z[..., 2 * d : 3 * d])
    i, f, a, o = (gates[..., k * d : (k + 1) * d] for k in range(4))
    c_new = f * c + i * a
    squashed = np.tanh(c_new)
    return o * squashed, c_new, gates, squashed


def _quarters(x):
    d = x.shape[-1] // 4
    return x[..., :d], x[..., d : 2 * d], x[..., 2 * d : 3 * d], x[..., 3 * d :]


def _cell_gradient(g, y):
    """∂L/∂c′, directly and through h′ = o tanh c′:  δ_c = g_c + (g_h o + g_s)(1 − tanh² c′)."""
    (g_h, g_c, _, g_s), (_, _, gates, squashed) = g, y
    delta = 0 * squashed if g_h is None else g_h * _quarters(gates)[3]
    if g_s is not None:
        delta = delta + g_s
    delta = delta * (1 - squashed * squashed)
    return delta if g_c is None else delta + g_c


def _lstm_z(g, y, z, c):
    """∂L/∂z: the gradient of each gate times the gate's slope.

    ∂L/∂i = δ_c a        ∂L/∂f = δ_c c        ∂L/∂a = δ_c i        ∂L/∂o = g_h tanh c′
    σ′ = y (1 − y)       tanh′ = 1 − y²
    """
    g_h, _, g_gates, _ = g
    _, _, gates, squashed = y
    i, f, a, o = _quarters(gates)
    delta = _cell_gradient(g, y)
    open_o = 0 * o if g_h is None else g_h * squashed
    to_gates = np.concatenate([delta * a, delta * c, delta * i, open_o], axis=-1)
    if g_gates is not None:
        to_gates = to_gates + g_gates
    slopes = np.concatenate([i * (1 - i), f * (1 - f), 1 - a * a, o * (1 - o)], axis=-1)
    return to_gates * slopes


def _lstm_c(g, y, z, c):
    """∂L/∂c = δ_c f: over many steps a product of forget gates alone; where f ≈ 1, the gradient travels."""
    return _cell_gradient(g, y) * _quarters(y[2])[1]


lstm_step = primitive(_lstm_step, _lstm_z, _lstm_c)


def _lstm_sequence(zx, W, h0, c0):
    """All T steps of a layer: zₜ = zxₜ + hₜ₋₁ Wᵀ, then hₜ, cₜ = lstm_step(zₜ, cₜ₋₁).

    zx (T, n, 4 d) is what inputs and biases contribute; W is (4 d, d), h₀ and c₀ are (n, d). Returns h and c
    of every step, (T, n, d) each, and with them gates and tanh c, which the rule reads.
    """
    steps, n, _ = zx.shape
    d = W.shape[1]
    dtype = np.result_type(zx, W, h0, c0)
    hs, cs, squashed = (np.empty((steps, n, d), dtype) for _ in range(3))
    gates = np.empty((steps, n, 4 * d), dtype)
    h, c = h0, c0
    for t in range(steps):
        z = h @ W.T
        z += zx[t]
        h, c, gates[t], squashed[t] = _lstm_step(z, c)
        hs[t], cs[t] = h, c
    return hs, cs, gates, squashed


def _lstm_sequence_rule(g, y, zx, W, h0, c0):
    """Backpropagation through time, written out: from the last step to the first,

        δ_h ← ∂L/∂hₜ + δ_h                       what the loss, and the steps after t, say about hₜ
        δ_c ← ∂L/∂cₜ + δ_c + δ_h oₜ tanh′(cₜ)    and about the cell state cₜ
        δ_z = (δ_c aₜ σ′, δ_c cₜ₋₁ σ′, δ_c iₜ tanh′, δ_h tanh(cₜ) σ′)     for the gates i, f, a, o
        δ_c ← δ_c fₜ                             back through the cell: times the forget gate
        δ_h ← δ_z W                              back through the weights: times W, the same at every step

    with σ′ = y (1 − y) and tanh′ = 1 − y². The last two lines are the lesson. The path by h is multiplied by
    W and slopes T times, and vanishes or explodes like that of any RNN; the path by c is multiplied by forget
    gates only. All steps share W, so ∂L/∂W = Σₜ δ_zₜᵀ hₜ₋₁.
    """
    hs, cs, gates, squashed = y
    g_h, g_c, g_gates, g_s = ([None] * len(zx) if part is None else part for part in g)
    i, f, a, o = _quarters(gates)
    slopes = np.concatenate([i * (1 - i), f * (1 - f), 1 - a * a, o * (1 - o)], axis=-1)
    through_tanh = o * (1 - squashed * squashed)
    delta_h, delta_c, deltas = 0 * h0, 0 * c0, []
    for t in reversed(range(len(zx))):
        delta_h = _plus(delta_h, g_h[t])
        delta_c = _plus(delta_c, g_c[t]) + delta_h * through_tanh[t]
        if g_s[t] is not None:
            delta_c = delta_c + g_s[t] * (1 - squashed[t] * squashed[t])
        before = cs[t - 1] if t else c0
        to_gates = [delta_c * a[t], delta_c * before, delta_c * i[t], delta_h * squashed[t]]
        delta_z = _plus(np.concatenate(to_gates, axis=-1), g_gates[t]) * slopes[t]
        deltas.append(delta_z)
        delta_c = delta_c * f[t]
        delta_h = delta_z @ W
    delta = np.stack(deltas[::-1])
    hs_before = np.concatenate([np.expand_dims(h0, 0), hs[:-1]])
    rows = delta.shape[0] * delta.shape[1]
    delta_W = np.reshape(delta, (rows, len(W))).T @ np.reshape(hs_before, (rows, W.shape[1]))
    return delta, delta_W, delta_h, delta_c


def _plus(total, part):
    return total if part is None else total + part


lstm_sequence = primitive(_lstm_sequence, _lstm_sequence_rule, together=4)
