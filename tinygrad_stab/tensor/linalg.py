"""`torch.linalg`: norms, and the singular values that say what a matrix does to a gradient."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.graph import variable
from .left_out import names_left_out
from .tensor import Tensor


def norm(A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The norm (Σ|x|ᵖ)^(1/p) of a vector, of all elements, or along a dim, for p = ord; 2 unless told.

    With an `ord`, the norm of a matrix is how much it can stretch a vector in that norm: for 2 its largest
    singular value, for 1 its largest sum of |x| down a column, for inf along a row.
    """
    of_vectors = A.ndim == 1 if dim is None else np.ndim(dim) == 0
    if ord in (None, "fro") or of_vectors:
        return A.norm(2 if ord is None else ord, dim, keepdim)
    if A.ndim != 2 or dim not in (None, (0, 1)) or keepdim or ord not in (1, 2, math.inf):
        raise RuntimeError(
            "linalg.norm: ord is for vectors, and 1, 2 and inf for one matrix; of all elements: x.norm(ord)"
        )
    return svdvals(A).max() if ord == 2 else A.abs().sum(0 if ord == 1 else 1).max()


def svdvals(A: Tensor) -> Tensor:
    """The singular values of a matrix, largest first: how much A, and Aᵀ, can stretch a vector."""
    return _values("svdvals", A, lambda a: np.linalg.svd(a, compute_uv=False))


def eigvals(A: Tensor) -> Tensor:
    """The eigenvalues; the largest of their absolute values is the spectral radius, at which Aᵗ grows."""
    return _values("eigvals", A, lambda a: np.linalg.eigvals(a).astype(np.result_type(a, np.complex64)))


def _values(name: str, A: Tensor, function: Any) -> Tensor:
    if A.requires_grad:
        raise RuntimeError(f"linalg.{name} has no derivative rule here: for the values alone pass A.detach()")
    return variable(function(A._floats(f"linalg.{name}").array))


_VALUES = "there is no derivative rule; for the values write np.linalg.{}(np.asarray(A))"
__getattr__ = names_left_out(
    __name__,
    {
        **{name: _VALUES.format(name) for name in ("inv", "qr", "svd", "det", "eigh", "eig", "cond", "pinv")},
        "solve": "for the values write np.linalg.solve(np.asarray(A), np.asarray(b))",
        "matrix_rank": _VALUES.format("matrix_rank"),
        "vector_norm": "write x.norm(p, dim)",
        "matrix_norm": "write torch.linalg.norm(A, 2)",
    },
)
