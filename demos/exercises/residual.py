"""Exercise 2: residual connections.

A block adds its branch to what comes in, x + s · W₂ relu(W₁ x). The skip hands every gradient on as it is,
so that none vanishes. But it adds up: if a branch keeps the size of its input, E x² grows by 1 + s² in
every block, and so does E ‖gradient‖² on the way down. Write the block, and choose s so that neither
explodes in L blocks.
"""

import tinygrad_stab as torch
from demos.exercises.checking import examine
from tinygrad_stab import nn


# %% Your part: what the block computes, and the scale of its branch
class Block(nn.Module):
    """x + s · W₂ relu(W₁ x)."""

    def __init__(self, width: int, s: float) -> None:
        super().__init__()
        self.first, self.second, self.s = nn.Linear(width, width), nn.Linear(width, width), s
        nn.init.kaiming_normal_(self.first.weight, nonlinearity="relu")
        nn.init.kaiming_normal_(self.second.weight, nonlinearity="linear")
        nn.init.zeros_(self.first.bias)
        nn.init.zeros_(self.second.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # ↓ yours
        raise NotImplementedError
        # ↑ yours


def scale(blocks: int) -> float:
    """The s for L blocks: L to the largest power with which (1 + s²)ᴸ stays bounded."""
    # ↓ yours
    raise NotImplementedError
    # ↑ yours


# %% What it does: run this cell, and try s = 1
def growth(s: float, blocks: int = 50, width: int = 64) -> float:
    """‖gradient‖ below so many blocks, over that above them."""
    x = torch.randn(32, width).requires_grad_()
    y = nn.Sequential(*(Block(width, s) for _ in range(blocks)))(x)
    g = torch.randn_like(y)
    return (torch.autograd.grad(y, [x], g)[0].norm() / g.norm()).item()


# %% The check
if __name__ == "__main__":
    examine("residual", globals())
