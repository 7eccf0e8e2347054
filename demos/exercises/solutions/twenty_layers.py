"""Exercise 3, solved with He's start and a skip around every two layers. Orthogonal tanh does as well."""

import tinygrad_stab as torch
from demos.exercises.checking import examine
from demos.exercises.solutions.residual import Block, scale
from demos.exercises.twenty_layers import outputs
from tinygrad_stab import nn


# %% The part
def gradient_ratio(model: nn.Sequential, x: torch.Tensor, y: torch.Tensor) -> float:
    hidden, scores = outputs(model, x)
    loss = nn.functional.cross_entropy(scores, y)
    first, last = torch.autograd.grad(loss, [hidden[0], hidden[-1]])
    return (first.norm() / last.norm()).item()


def start(model: nn.Module) -> None:
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)


def healed() -> nn.Module:
    blocks = (Block(64, scale(14)) for _ in range(14))
    return nn.Sequential(nn.Linear(64, 64), *blocks, nn.Linear(64, 10))


# %% The check
if __name__ == "__main__":
    examine("twenty_layers", globals())
