"""Products of matrices. Differentiating Y = A B gives back products: ∂L/∂A = G Bᵀ and ∂L/∂B = Aᵀ G."""

import math
import operator

import numpy as np

from ..engine.numpy_words import ANSWERS
from ..engine.primitive import primitive
from ..engine.sums import rows


def _T(x):
    return np.swapaxes(x, -1, -2)


def _rows_times(x, M):
    return np.dot(x, M) if x.ndim == 2 else x @ M  # of two matrices the same, but np.dot begins earlier


def _matmul_a(g, a_shape, b):
    """∂L/∂a = G Bᵀ; a vector b counts as one column, a vector a as one row, as in the forward product."""
    if b.ndim == 1:
        return np.expand_dims(g, -1) * b
    if len(a_shape) == 1:
        return np.squeeze(b @ np.expand_dims(g, -1), -1)
    return g @ _T(b)


def _matmul_b(g, a, b_shape):
    """∂L/∂b = Aᵀ G, with the same reading of vectors."""
    if a.ndim == 1:
        return a * g if len(b_shape) == 1 else np.expand_dims(a, -1) * np.expand_dims(g, -2)
    if len(b_shape) == 1:
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
    y = a @ b
    _refuse_bools("matmul", y)
    return y


def _refuse_bools(name, y):
    if y.dtype == bool:
        raise RuntimeError(f"{name} of bools would not count: give it x.float() or x.long()")


matmul = primitive(_matmul, a=_matmul_a, b=_matmul_b, numpy=np.matmul)


def _dot(a, b):
    """np.dot, for a matrix or vector b: there it is the same as np.matmul."""
    if np.ndim(b) > 2 or 0 in (np.ndim(a), np.ndim(b)):
        raise TypeError("np.dot of a tensor takes vectors and matrices; for stacks of matrices use a @ b")
    return matmul(a, b)


ANSWERS[np.dot] = _dot


def _linear(x, W, b=None):
    """y = x Wᵀ + b, for x (…, d_in), W (d_out, d_in), b (d_out)."""
    if W.ndim != 2:
        raise RuntimeError(f"linear: the weight must have shape (d_out, d_in), not {W.shape}")
    try:
        y = _rows_times(x, W.T)
    except ValueError:
        mat1 = "x".join(map(str, (math.prod(x.shape[:-1]), *x.shape[-1:])))
        raise RuntimeError(
            "linear: mat1 and mat2 shapes cannot be multiplied "
            f"({mat1} and {W.shape[1]}x{W.shape[0]}): input of shape {x.shape} meets a weight that takes "
            f"{W.shape[1]} features; change in_features, or the layer before"
        ) from None
    _refuse_bools("linear", y)
    if b is None:
        return y
    return operator.iadd(y, b) if y.dtype is b.dtype else y + b


def _linear_x(g, W):
    """∂L/∂x = G W: yₙₒ = Σᵢ xₙᵢ Wₒᵢ, so ∂L/∂xₙᵢ = Σₒ gₙₒ Wₒᵢ."""
    return _rows_times(g, W)


def _linear_W(g, x):
    """∂L/∂W = Gᵀ X: ∂L/∂Wₒᵢ = Σₙ gₙₒ xₙᵢ."""
    return np.dot(rows(g).T, rows(x))


linear = primitive(_linear, x=_linear_x, W=_linear_W, b=lambda g: g)  # the engine sums: ∂L/∂bₒ = Σₙ gₙₒ


def linear_composed(x, W, b):
    """`linear` in a textbook's words; what is fused saves a transpose, a product's temporary and a node."""
    return x @ W.T + b
