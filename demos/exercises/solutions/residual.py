"""Exercise 2, solved. With s = 1/√L, (1 + 1/L)ᴸ < e: norms grow by √e at most, however deep the net is."""

import tinygrad_stab as torch
from demos.exercises import residual
from demos.exercises.checking import examine


# %% The part
class Block(residual.Block):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.s * self.second(torch.relu(self.first(x)))


def scale(blocks: int) -> float:
    return blocks**-0.5


# %% The check
if __name__ == "__main__":
    examine("residual", globals())
