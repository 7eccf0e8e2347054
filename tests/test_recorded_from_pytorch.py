"""Values recorded from PyTorch 2.13, asserted everywhere; where it is installed, of PyTorch as well."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from both_libraries import flat
from both_libraries import lib as lib


def filled(layer: Any, lib: Any) -> Any:
    """A layer in float64 whose parameters are sines of their positions."""
    layer = layer.double()
    start = 1.0
    for p in layer.parameters():
        p.data = lib.sin(lib.arange(start, start + p.numel(), dtype=lib.float64)).reshape(tuple(p.shape))
        start += p.numel()
    return layer


def waves(lib: Any, *shape: int) -> Any:
    """An input in float64 that requires a gradient."""
    return lib.cos(lib.arange(float(math.prod(shape)), dtype=lib.float64)).reshape(shape).requires_grad_()


def of(lib: Any, layer: Any, *shape: int, call: Callable = lambda layer, x: layer(x)) -> list[float]:
    """L = Σ y³, ‖∂L/∂x‖₁ and, for each parameter p, ‖∂L/∂p‖₁."""
    layer = filled(layer, lib)
    x = waves(lib, *shape)
    total = sum((y**3).sum() for y in flat(call(layer, x)))
    total.backward()
    return [total.item(), *(t.grad.abs().sum().item() for t in (x, *layer.parameters()))]


def steps(lib: Any, kind: str, **settings: Any) -> list[float]:
    """Where an optimizer is after 5 steps down x² + sin 3x."""
    x = lib.tensor(np.array([1.0, -2.0]), requires_grad=True)
    optimizer = getattr(lib.optim, kind)([x], **settings)
    for _ in range(5):
        optimizer.zero_grad()
        (x**2 + lib.sin(3 * x)).sum().backward()
        optimizer.step()
    return x.tolist()


RECORDED: dict[str, tuple[Callable[[Any], list[float]], list[float]]] = {
    "GELU": (
        lambda lib: lib.nn.functional.gelu(lib.tensor(np.array([-3.0, -1.0, 0.5, 2.0]))).tolist(),
        [-0.00404969409489, -0.158655253931, 0.345731230637, 1.9544997361],
    ),
    "Linear": (
        lambda lib: of(lib, lib.nn.Linear(3, 2), 4, 3),
        [42.9747326618, 106.505132361, 101.6092794, 63.4564035815],
    ),
    "BatchNorm1d": (
        lambda lib: of(lib, lib.nn.BatchNorm1d(3), 4, 3),
        [-21.3382792813, 4.17113176017, 37.0829098462, 37.5016979841],
    ),
    "BatchNorm1d, 3-D": (
        lambda lib: of(lib, lib.nn.BatchNorm1d(3), 2, 3, 4),
        [-47.0898378603, 25.1741581163, 88.9491916221, 75.0033252933],
    ),
    "LayerNorm": (
        lambda lib: of(lib, lib.nn.LayerNorm((2, 3)), 4, 2, 3),
        [54.758913526, 72.7894640511, 107.397402183, 92.3250391712],
    ),
    "RNN": (
        lambda lib: of(lib, lib.nn.RNN(2, 3, num_layers=2), 4, 2, 2),
        [-1.84449339758, 11.0926064653, 2.12877305206, 4.47362696547, 9.64224246224,
        9.64224246224, 4.95459651492, 16.1222000199, 20.0853797849, 20.0853797849],
    ),
    "LSTMCell": (
        lambda lib: of(lib, lib.nn.LSTMCell(2, 3), 4, 2),
        [-0.0424613737068, 0.470866962082, 0.48191947536, 0, 0.397213302519, 0.397213302519],
    ),
    "LSTM": (
        lambda lib: of(lib, lib.nn.LSTM(2, 3, num_layers=2, batch_first=True), 4, 5, 2),
        [-1.62111030019, 6.7670798449, 5.40832364669, 4.36084997412, 10.7785380754,
        10.7785380754, 16.146502353, 18.9820897487, 27.9434157622, 27.9434157622],
    ),
    "CrossEntropyLoss": (
        lambda lib: of(lib, lib.nn.CrossEntropyLoss(), 3, 4, call=lambda f, x: f(x, lib.tensor([0, 3, 1]))),
        [1.92991465663, 6.29721655637],
    ),
    "BCEWithLogitsLoss": (
        lambda lib: of(lib, lib.nn.BCEWithLogitsLoss(), 5, call=lambda f, x: f(x, x.detach() ** 2)),
        [0.41111290596, 0.539870111563],
    ),
    "SGD": (
        lambda lib: steps(lib, "SGD", lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.1),
        [1.29423845673, -0.0327676794264],
    ),
    "Adam": (
        lambda lib: steps(lib, "Adam", lr=0.1, betas=(0.8, 0.9), amsgrad=True, weight_decay=0.1),
        [1.3068396415, -1.49906700367],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RECORDED)
def test_values_recorded_from_pytorch(lib: Any, name: str) -> None:
    compute, expected = RECORDED[name]
    np.testing.assert_allclose(compute(lib), expected, rtol=1e-10)
