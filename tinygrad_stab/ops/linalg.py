"""Products of matrices. Differentiating Y = A B gives back products: ∂L/∂A = G Bᵀ and ∂L/∂B = Aᵀ G."""

import numpy as np

from ..graph import primitive


def _T(x):
    return np.swapaxes(x, -1, -2)


def _matmul_a(g, y, a, b):
    """G Bᵀ; a vector b counts as one column, a vector a as one row, as in the forward product."""
    if b.ndim == 1:
        return np.expand_dims(g, -1) * b
    if a.ndim == 1:
        return np.squeeze(b @ np.expand_dims(g, -1), -1)
    return g @ _T(b)


def _matmul_b(g, y, a, b):
    """Aᵀ G, with the same reading of vectors."""
    if a.ndim == 1:
        return a * g if b.ndim == 1 else np.expand_dims(a, -1) * np.expand_dims(g, -2)
    if b.ndim == 1:
        return np.squeeze(_T(a) @ np.expand_dims(g, -1), -1)
    return _T(a) @ g


def _matmul(a, b):
    """A B for matrices, vectors and stacks of matrices, as np.matmul reads them."""
    if np.ndim(a) == 2 and np.ndim(b) == 2 and a.shape[1] != b.shape[0]:
        raise RuntimeError(
            f"matmul: mat1 and mat2 shapes cannot be multiplied ({a.shape[0]}x{a.shape[1]} and "
            f"{b.shape[0]}x{b.shape[1]}): {a.shape[1]} columns meet {b.shape[0]} rows; transpose one of them "
            "with .T, or change a layer's size"
        )
    return a @ b


matmul = primitive(_matmul, _matmul_a, _matmul_b, numpy=np.matmul)


def _linear(x, W, b=None):
    """y = x Wᵀ + b, for x (…, d_in), W (d_out, d_in), b (d_out)."""
    if x.shape[-1:] != W.shape[1:]:
        rows = "x".join(map(str, (int(np.prod(x.shape[:-1])), *x.shape[-1:])))
        raise RuntimeError(
            f"linear: mat1 and mat2 shapes cannot be multiplied ({rows} and {W.shape[1]}x{W.shape[0]}): "
            f"input of shape {x.shape} ends in {x.shape[-1] if x.ndim else 'nothing'}, but weight of shape "
            f"{W.shape} takes {W.shape[1]} features; change in_features, or the layer before"
        )
    y = x @ W.T
    if b is not None:
        y += b
    return y


def _linear_W(g, y, x, W, b):
    """yₙₒ = Σᵢ xₙᵢ Wₒᵢ, so ∂L/∂Wₒᵢ = Σₙ gₙₒ xₙᵢ = Gᵀ X."""
    if g.ndim != 2:
        g, x = np.reshape(g, (-1, g.shape[-1])), np.reshape(x, (-1, x.shape[-1]))
    return g.T @ x


# fmt: off
#                          ∂L/∂x                        ∂L/∂W      ∂L/∂b, summed over the batch by the engine
linear = primitive(_linear, lambda g, y, x, W, b: g @ W, _linear_W, lambda g, y, x, W, b: g)
# fmt: on
