"""Exercise 1: LayerNorm against BatchNorm.

Both are y = (x − μ)/√(v + ε), where v is the mean of (x − μ)². LayerNorm takes μ and v of each row, which
is one sample; BatchNorm of each column, which is one unit, over the batch. So they differ by one number in
the code, and by much in a deep net. Write both, see what they do to a gradient, and answer the question.
"""

from collections.abc import Callable

import tinygrad_stab as torch
from demos.exercises.checking import examine


# %% Your part: LayerNorm, BatchNorm, and the question
def layer_norm(x: torch.Tensor, eps: float = 1e-5) -> torch.Tensor:
    """Normalize each row of x (n, d)."""
    # ↓ yours
    raise NotImplementedError
    # ↑ yours


def batch_norm(x: torch.Tensor, eps: float = 1e-5) -> torch.Tensor:
    """Normalize each column of x (n, d)."""
    # ↓ yours
    raise NotImplementedError
    # ↑ yours


# Which of them makes the gradient of a deep ReLU net grow from layer to layer: "LayerNorm" or "BatchNorm"?
EXPLODES = None  # ← yours


# %% What it does: run this cell before you answer
def gain_per_layer(norm: Callable, depth: int = 30, width: int = 128, batch: int = 32) -> float:
    """By what the norm of the gradient is multiplied in one layer, h → relu(norm(W h)), on its way down."""
    bottom = h = torch.randn(batch, width).requires_grad_()
    for _ in range(depth):
        W = torch.randn(width, width) * (2 / width) ** 0.5
        h = torch.relu(norm(h @ W.T))
    g = torch.randn_like(h)
    return (torch.autograd.grad(h, [bottom], g)[0].norm() / g.norm()).item() ** (1 / depth)


# %% The check
if __name__ == "__main__":
    examine("layer_norm", globals())
