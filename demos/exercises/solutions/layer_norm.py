"""Exercise 1, solved. The mean ½ v of a ReLU stays in what LayerNorm divides by; BatchNorm takes it away."""

import tinygrad_stab as torch
from demos.exercises.checking import examine


# %% The part
def normalized(x: torch.Tensor, dim: int, eps: float) -> torch.Tensor:
    centred = x - x.mean(dim, keepdim=True)
    return centred / ((centred**2).mean(dim, keepdim=True) + eps).sqrt()


def layer_norm(x: torch.Tensor, eps: float = 1e-5) -> torch.Tensor:
    return normalized(x, 1, eps)


def batch_norm(x: torch.Tensor, eps: float = 1e-5) -> torch.Tensor:
    return normalized(x, 0, eps)


EXPLODES = "BatchNorm"  # by √(π/(π − 1)) = 1.21 a layer in a large batch, while LayerNorm keeps the gradient

# %% The check
if __name__ == "__main__":
    examine("layer_norm", globals())
