"""Exercise 5: real data.

Between a net that can learn and one that does stand four small functions, and in each a mistake that no
error message tells: the test images helped to scale the others, images and labels were shuffled apart,
gradients of old steps were added in, BatchNorm was tested in training mode. Write the four; the check
trains a net with them.
"""

from collections.abc import Iterator

import tinygrad_stab as torch
from demos.exercises.checking import examine
from tinygrad_stab import nn


# %% Your part
def standardize(train: torch.Tensor, test: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Both sets (n, pixels), minus the mean and over the deviation of all pixels of the training set."""
    # ↓ yours
    raise NotImplementedError
    # ↑ yours


def batches(x: torch.Tensor, y: torch.Tensor, size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """One epoch: every image once, with its label, in random order, `size` at a time, at last fewer."""
    # ↓ yours
    raise NotImplementedError
    # ↑ yours


def step(model: nn.Module, optimizer: torch.optim.SGD, x: torch.Tensor, y: torch.Tensor) -> float:
    """One step with cross-entropy; returns the loss before the step, as a number."""
    # ↓ yours
    raise NotImplementedError
    # ↑ yours


def accuracy(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    """The share of images read correctly, in evaluation mode; the model is then put back in its mode."""
    # ↓ yours
    raise NotImplementedError
    # ↑ yours


# %% The check
if __name__ == "__main__":
    examine("real_data", globals())
