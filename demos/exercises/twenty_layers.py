"""Exercise 3: twenty layers and more, with and without a fix.

A plain ReLU net of thirty layers, made of `nn.Linear` with PyTorch's start, learns nothing: on its way down
the gradient is multiplied by √(1/6) in every layer. Measure that, find the start which keeps the gradient,
and make a net of thirty layers learn the digits.
"""

from itertools import pairwise

import tinygrad_stab as torch
from demos.exercises.checking import examine
from tinygrad_stab import nn


# %% What is given: a plain net, and the outputs of its hidden layers
def plain(depth: int = 30, width: int = 64) -> nn.Sequential:
    """`depth` layers, a ReLU behind each but the last: 64 pixels in, ten scores out."""
    sizes = [64, *[width] * (depth - 1)]
    hidden = (m for a, b in pairwise(sizes) for m in (nn.Linear(a, b), nn.ReLU()))
    return nn.Sequential(*hidden, nn.Linear(width, 10))


def outputs(model: nn.Sequential, x: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor]:
    """What comes out of every ReLU, first to last, and the scores."""
    hidden = []
    for layer in model:
        x = layer(x)
        if isinstance(layer, nn.ReLU):
            hidden.append(x)
    return hidden, x


# %% Your part
def gradient_ratio(model: nn.Sequential, x: torch.Tensor, y: torch.Tensor) -> float:
    """‖∂L/∂h‖ of the first hidden layer over that of the last, with cross-entropy as the loss L."""
    # ↓ yours
    raise NotImplementedError
    # ↑ yours


def start(model: nn.Module) -> None:
    """Draw all weights anew, so that a layer with ReLU keeps E x²: Gaussian, Var W = 2/fan_in; biases 0."""
    # ↓ yours
    raise NotImplementedError
    # ↑ yours


def healed() -> nn.Module:
    """A net with at least thirty Linear layers that learns: by start, skip, normalization, as you like."""
    # ↓ yours
    raise NotImplementedError
    # ↑ yours


# %% The check: 400 steps of SGD with lr = 0.02, the norm of the gradient clipped at 2 or not, as is better
if __name__ == "__main__":
    examine("twenty_layers", globals())
