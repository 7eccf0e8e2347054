"""Exercise 5, solved."""

from collections.abc import Iterator

import tinygrad_stab as torch
from demos.exercises.checking import examine
from tinygrad_stab import nn


# %% The part
def standardize(train: torch.Tensor, test: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    mean, std = train.mean(), train.std()
    return (train - mean) / std, (test - mean) / std


def batches(x: torch.Tensor, y: torch.Tensor, size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    order = torch.randperm(len(x))
    for first in range(0, len(x), size):
        chosen = order[first : first + size]
        yield x[chosen], y[chosen]


def step(model: nn.Module, optimizer: torch.optim.SGD, x: torch.Tensor, y: torch.Tensor) -> float:
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.item()


def accuracy(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    training = model.training
    model.eval()
    with torch.no_grad():
        right = (model(x).argmax(1) == y).double().mean().item()
    model.train(training)
    return right


# %% The check
if __name__ == "__main__":
    examine("real_data", globals())
