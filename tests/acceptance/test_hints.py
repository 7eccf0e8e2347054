"""What is left out says what to write instead, and that line works."""

from typing import Any

import numpy as np
import pytest

import tinygrad_stab as torch
import tinygrad_stab.nn as nn
import tinygrad_stab.nn.functional as F
import tinygrad_stab.optim as optim
from tinygrad_stab.utils.data import DataLoader, Subset

A = torch.tensor([[2.0, 1.0], [1.0, 3.0]])
IMAGES = torch.arange(24.0).reshape(2, 3, 2, 2)
NAMES: dict[str, Any] = {
    "torch": torch, "nn": nn, "F": F, "optim": optim, "np": np, "DataLoader": DataLoader, "Subset": Subset,
    "A": A, "b": A, "x": IMAGES, "c": 3, "o": 4, "k": 2, "p": 0.5, "n": 2, "h": 2, "w": 2, "d": 2,
    "in_features": 2, "out_features": 3, "in_channels": 3, "out_channels": 1, "kernel_size": 2,
    "num_features": 3, "count": 5, "size": 2, "q": A, "v": A, "parameters": [A.clone().requires_grad_()],
    "dataset": [0, 1, 2], "indices": [2, 0], "weights": torch.ones(3), "one": [1, 2], "other": [3],
    "samples": iter([1, 2]), "batch_size": 2, "a": A,
}  # fmt: skip

# the place of the name, and the line of its hint
HINTS = """
nn LazyLinear: nn.Linear(in_features, out_features)
nn LazyConv2d: nn.Conv2d(in_channels, out_channels, kernel_size)
nn LazyBatchNorm1d: nn.BatchNorm1d(num_features)
nn LazyBatchNorm2d: nn.BatchNorm2d(num_features)
nn Conv1d: nn.Conv2d(c, o, (1, k))
nn MaxPool1d: nn.MaxPool2d((1, k))
nn AdaptiveAvgPool2d: x.mean((2, 3), keepdim=True)
nn InstanceNorm2d: nn.GroupNorm(c, c, affine=False)
nn ReLU6: nn.Hardtanh(0, 6)
nn Softsign: x / (1 + x.abs())
nn LogSigmoid: -nn.functional.softplus(-x)
nn Mish: x * nn.functional.softplus(x).tanh()
nn Unflatten: x.reshape(n, c, h, w)
nn Dropout2d: nn.Dropout(p)
nn Embedding: nn.Parameter(torch.randn(count, size))
nn MultiheadAttention: (q @ A.transpose(-2, -1) / d**0.5).softmax(-1) @ v
nn.functional relu6: F.hardtanh(x, 0, 6)
nn.functional logsigmoid: -F.softplus(-x)
nn.functional mish: x * F.softplus(x).tanh()
nn.functional cosine_similarity: (F.normalize(a) * F.normalize(b)).sum(1)
optim Adagrad: optim.RMSprop(parameters)
optim Adadelta: optim.RMSprop(parameters)
optim LBFGS: optim.Adam(parameters)
optim NAdam: optim.SGD(parameters, momentum=0.9, nesterov=True)
linalg inv: np.linalg.inv(np.asarray(A))
linalg qr: np.linalg.qr(np.asarray(A))
linalg svd: np.linalg.svd(np.asarray(A))
linalg solve: np.linalg.solve(np.asarray(A), np.asarray(b))
linalg matrix_norm: torch.linalg.norm(A, 2)
utils.data SubsetRandomSampler: DataLoader(Subset(dataset, indices), shuffle=True)
utils.data RandomSampler: DataLoader(dataset, shuffle=True)
utils.data BatchSampler: DataLoader(dataset, batch_size)
utils.data WeightedRandomSampler: \
DataLoader(Subset(dataset, torch.multinomial(weights, n, replacement=True).tolist()))
utils.data ConcatDataset: DataLoader([*one, *other])
utils.data IterableDataset: DataLoader(list(samples))
"""


@pytest.mark.parametrize("hint", HINTS.strip().splitlines())
def test_the_line_of_a_hint_works(hint: str) -> None:
    place, line = hint.split(": ", 1)
    module, name = place.split()
    owner: Any = torch
    for part in module.split("."):
        owner = getattr(owner, part)
    with pytest.raises(AttributeError, match="left out") as caught:
        getattr(owner, name)
    assert line.replace("q @ A", "q @ k") in str(caught.value)
    eval(line, NAMES)


def test_what_a_layer_left_out_is_said_to_be_the_same_as() -> None:
    x = torch.randn(4, 3, 8)
    one, two = nn.Conv2d(3, 5, (1, 2)), IMAGES
    assert one(x.unsqueeze(2)).squeeze(2).shape == (4, 5, 7)
    same = nn.GroupNorm(3, 3, affine=False)(two)
    by_hand = (two - two.mean((2, 3), keepdim=True)) / two.var((2, 3), False, True).add(1e-5).sqrt()
    np.testing.assert_allclose(same.numpy(), by_hand.numpy(), rtol=1e-5)
    W = nn.Parameter(torch.randn(5, 2))
    W[torch.tensor([1, 1, 4])].sum().backward()
    assert W.grad.sum(1).tolist() == [0, 4, 0, 0, 2]
