"""`torch.linalg`: norms, and the singular values that say what a matrix does to a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from .tensor import Tensor


def norm(A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The vector norm (Σ|x|ᵖ)^(1/p) of all elements, or along a dim, for p = ord; 2 unless told."""
    return A.norm(2 if ord is None else ord, dim, keepdim)


def svdvals(A: Tensor) -> Tensor:
    """The singular values of a matrix, largest first: how much A, and Aᵀ, can stretch a vector."""
    return _values("svdvals", A, lambda a: np.linalg.svd(a, compute_uv=False))


def eigvals(A: Tensor) -> Tensor:
    """The eigenvalues; the largest of their absolute values is the spectral radius, at which Aᵗ grows."""
    return _values("eigvals", A, np.linalg.eigvals)


def _values(name: str, A: Tensor, function: Any) -> Tensor:
    if A.requires_grad:
        raise RuntimeError(f"linalg.{name} has no derivative rule here: for the values alone pass A.detach()")
    return Tensor(function(A.array))
