"""PyTorch's functions and classes, called as PyTorch takes them."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest
from both_libraries import lib as lib

import tinygrad_stab as torch
import tinygrad_stab.nn as nn

CALLS: dict[str, Callable[[Any], Any]] = {
    "Parameter": lambda T: T.nn.Parameter(T.ones(2), requires_grad=False),
    "Sequential of an OrderedDict": lambda T: T.nn.Sequential(OrderedDict(a=T.nn.ReLU())).a,
    "ModuleDict": lambda T: T.nn.ModuleDict({"a": T.nn.ReLU()})["a"],
    "randn": lambda T: T.randn(2, 3, requires_grad=True, generator=None, dtype=T.float64),
    "randn of a tuple": lambda T: T.randn((2, 3)),
    "tensor": lambda T: T.tensor([1.0], dtype=T.float64, requires_grad=True),
    "zeros on the CPU": lambda T: T.zeros(2, device="cpu"),
    "randint": lambda T: T.randint(0, 5, (3,)) + T.randint(5, (3,)) + T.randint(low=0, high=5, size=(3,)),
    "normal": lambda T: T.normal(mean=0.0, std=1.0, size=(2,)),
    "arange": lambda T: T.arange(0, 10, 2),
    "linspace": lambda T: T.linspace(0, 1, steps=5),
    "full": lambda T: T.full((2, 2), 7.0),
    "cat, stack": lambda T: (T.cat([T.ones(1)] * 2, dim=0), T.stack([T.ones(1)] * 2, dim=1)),
    "sums": lambda T: (T.sum(T.ones(2, 2), dim=1, keepdim=True), T.ones(2, 2).sum((0, 1))),
    "NumPy's words": lambda T: T.ones(2, 2).sum(axis=0, keepdims=True),
    "std": lambda T: (T.ones(4, 2).std(dim=0, unbiased=False), T.ones(4, 2).std(0, correction=0)),
    "max": lambda T: (T.ones(2, 2).max(dim=1).values, T.ones(2, 2).max(dim=1).indices),
    "norm": lambda T: (T.ones(2).norm(), T.ones(2).norm(2), T.ones(2).norm(p=1), T.ones(2, 2).norm(dim=1)),
    "linalg": lambda T: (T.linalg.norm(T.ones(2)), T.linalg.svdvals(T.ones(2, 2))),
    "to": lambda T: (T.ones(2).to("cpu"), T.ones(2).to(T.float64), T.nn.Linear(1, 1).to("cpu")),
    "no_grad as a decorator": lambda T: T.no_grad()(lambda: T.ones(1, requires_grad=True) * 2)(),
    "inference_mode": lambda T: T.inference_mode()(lambda: T.ones(1, requires_grad=True) * 2)(),
    "Generator": lambda T: T.rand(2, generator=T.Generator().manual_seed(0)),
    "leaky_relu": lambda T: T.nn.functional.leaky_relu(T.ones(2), negative_slope=0.1, inplace=True),
    "linear": lambda T: T.nn.functional.linear(T.ones(1, 2), T.ones(3, 2)),
    "conv2d": lambda T: T.nn.functional.conv2d(T.ones(1, 1, 3, 3), T.ones(1, 1, 2, 2), stride=1, padding=1),
    "prelu": lambda T: T.nn.functional.prelu(T.ones(2), T.ones(1)),
    "DataLoader": lambda T: list(
        T.utils.data.DataLoader(
            T.utils.data.TensorDataset(T.ones(5)),
            batch_size=2,
            shuffle=True,
            drop_last=True,
            generator=T.Generator(),
        )
    ),
    "groups": lambda T: T.optim.SGD([{"params": T.nn.Linear(1, 1).parameters(), "lr": 1}], lr=0.1),
    "closure": lambda T: T.optim.SGD([T.ones(1, requires_grad=True)], lr=0.1).step(lambda: T.ones(1)),
    "data by keyword": lambda T: [
        T.nn.MSELoss()(input=T.ones(2), target=T.ones(2)),
        T.nn.CrossEntropyLoss()(T.ones(2, 2), target=T.tensor([0, 1])),
        T.nn.ReLU()(input=T.ones(2)), T.nn.ELU()(input=T.ones(2)), T.nn.Softmax(dim=0)(input=T.ones(2)),
        T.nn.Sequential(T.nn.Linear(1, 1), T.nn.Flatten())(input=T.ones(1, 1)),
        T.nn.LSTMCell(1, 1)(input=T.ones(1, 1), hx=None), T.nn.BatchNorm1d(1)(input=T.ones(2, 1)),
    ],
    "relu inplace": lambda T: T.nn.functional.relu(T.ones(2), inplace=True),
    "linear without bias, backward": lambda T: (
        T.nn.functional.linear(T.ones(1, 2, requires_grad=True), T.ones(3, 2)).sum().backward()
    ),
    "randn on the CPU": lambda T: T.randn(2, device="cpu"),
    "full on the CPU": lambda T: T.full((2,), 1.0, device="cpu"),
    "arange on the CPU": lambda T: T.arange(3, device="cpu"),
    "linspace on the CPU": lambda T: T.linspace(0, 1, 3, device="cpu"),
    "eye on the CPU": lambda T: T.eye(3, device="cpu"),
    "zeros_like on the CPU": lambda T: T.zeros_like(T.ones(2), device="cpu"),
    "Linear on the CPU": lambda T: T.nn.Linear(1, 1, device="cpu"),
    "LSTM dropout=0": lambda T: T.nn.LSTM(2, 3, dropout=0),
    "LSTM bidirectional=False": lambda T: T.nn.LSTM(2, 3, bidirectional=False),
    "BatchNorm bias": lambda T: T.nn.BatchNorm1d(2, bias=True),
    "randint dtype": lambda T: T.randint(0, 5, (3,), dtype=T.int64),
}  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
def test_call(lib: Any, call: str) -> None:
    CALLS[call](lib)


REFUSED: dict[str, Callable[[], Any]] = {
    "device 'cuda'": lambda: torch.zeros(2, device="cuda"),
    "groups=2": lambda: nn.Conv2d(2, 2, 3, groups=2),
    "padding_mode='reflect'": lambda: nn.Conv2d(2, 2, 3, padding_mode="reflect"),
}


@pytest.mark.parametrize("argument", REFUSED)
def test_what_is_refused_says_why(argument: str) -> None:
    with pytest.raises((ValueError, RuntimeError), match=f"{argument}.*:"):
        REFUSED[argument]()


@pytest.mark.parametrize("option", [{"bidirectional": True}, {"dropout": 0.5}])
def test_lstm_refuses_with_a_reason(option: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="is not supported:"):
        nn.LSTM(2, 3, **option)
