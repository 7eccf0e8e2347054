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
