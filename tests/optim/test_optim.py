"""SGD and Adam against their formulas; PyTorch's trajectories stand in `test_against_pytorch.py`."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_stab as torch
from tinygrad_stab import Tensor, nn, optim

STEPS = 12
CURVATURE = np.array([1.0, 0.1, 25.0])


def slope(x: np.ndarray) -> np.ndarray:
    """The gradient of a bowl with some waviness, so that no step is like the one before."""
    return CURVATURE * x + np.sin(5 * x)


def trajectory(make: Callable[[list[Tensor]], optim.Optimizer]) -> np.ndarray:
    """Where an optimizer goes from a fixed start, in float64."""
    x = torch.tensor(np.array([1.0, -2.0, 0.5]), requires_grad=True)
    optimizer, places = make([x]), []
    for _ in range(STEPS):
        x.grad = torch.tensor(slope(x.array))
        optimizer.step()
        places.append(x.array.copy())
    return np.array(places)


def sgd(lr=0.01, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False, maximize=False) -> Iterator:  # type: ignore
    """The equations of SGD's docstring."""
    x, v = np.array([1.0, -2.0, 0.5]), None
    for _ in range(STEPS):
        g = (-slope(x) if maximize else slope(x)) + weight_decay * x
        v = g if v is None else momentum * v + (1 - dampening) * g
        x = x - lr * (g + momentum * v if nesterov else v if momentum else g)
        yield x


def adam(lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False, maximize=False) -> Iterator:  # type: ignore
    """Algorithm 1 of Kingma & Ba; with amsgrad, v is the largest so far (Reddi et al. 2018)."""
    x, m, v, largest = np.array([1.0, -2.0, 0.5]), 0.0, 0.0, 0.0
    for t in range(1, STEPS + 1):
        g = (-slope(x) if maximize else slope(x)) + weight_decay * x
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        largest = np.maximum(largest, v)
        v_hat = (largest if amsgrad else v) / (1 - betas[1] ** t)
        x = x - lr * m / (1 - betas[0] ** t) / (np.sqrt(v_hat) + eps)
        yield x


SGD_SETTINGS: list[dict[str, Any]] = [
    {},
    {"lr": 0.05},
    {"momentum": 0.9},
    {"momentum": 0.9, "dampening": 0.3},
    {"momentum": 0.9, "nesterov": True},
    {"weight_decay": 0.1},
    {"maximize": True, "weight_decay": 0.1},
    {"lr": 0.02, "momentum": 0.5, "weight_decay": 0.1, "nesterov": True, "maximize": True},
]
ADAM_SETTINGS: list[dict[str, Any]] = [
    {},
    {"lr": 0.1},
    {"lr": 0.1, "betas": (0.5, 0.9)},
    {"lr": 0.1, "betas": (0.0, 0.0)},
    {"lr": 0.1, "eps": 0.5},
    {"lr": 0.1, "weight_decay": 0.3},
    {"lr": 0.1, "betas": (0.5, 0.6), "amsgrad": True},
    {"lr": 0.1, "maximize": True, "weight_decay": 0.1, "amsgrad": True},
]


@pytest.mark.parametrize("settings", SGD_SETTINGS, ids=str)
def test_sgd_follows_its_equations(settings: dict[str, Any]) -> None:
    expected = list(sgd(**{"lr": 0.01, **settings}))
    actual = trajectory(lambda params: optim.SGD(params, **{"lr": 0.01, **settings}))
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


@pytest.mark.parametrize("settings", ADAM_SETTINGS, ids=str)
def test_adam_follows_its_equations(settings: dict[str, Any]) -> None:
    np.testing.assert_allclose(
        trajectory(lambda params: optim.Adam(params, **settings)), list(adam(**settings)), rtol=1e-12
    )


def test_the_defaults(lib: Any) -> None:
    w = lib.nn.Parameter(lib.zeros(1))
    for name, expected in (
        ("SGD", {"lr": 1e-3, "momentum": 0, "dampening": 0, "weight_decay": 0, "nesterov": False}),
        ("Adam", {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0, "amsgrad": False}),
    ):
        (group,) = getattr(lib.optim, name)([w]).param_groups
        assert {key: group[key] for key in expected} == expected
        assert not group["maximize"]
        assert group["params"] == [w]


@pytest.mark.parametrize("g", [1e-12, 1e-8, 1e-3, 5.0, -1e6])
def test_adam_s_first_step_does_not_know_how_long_the_gradient_is(g: float) -> None:
    """lr · g / (|g| + ε): lr for |g| ≫ ε, and half at |g| = ε; until there a vanishing gradient is hidden."""
    x = torch.tensor(np.array([0.0]), requires_grad=True)
    x.grad = torch.tensor(np.array([g]))
    optim.Adam([x], lr=0.1).step()
    assert x.item() == pytest.approx(-0.1 * g / (abs(g) + 1e-8), rel=1e-12)


def test_one_step_by_hand() -> None:
    """x = 3, loss x², gradient 6: with lr 0.1 to 2.4; then, with momentum 0.5, to 2.4 − 0.1 (3 + 4.8)."""
    x = torch.tensor([3.0], requires_grad=True)
    optimizer = optim.SGD([x], lr=0.1, momentum=0.5)
    for expected in (2.4, 1.62):
        optimizer.zero_grad()
        (x**2).sum().backward()
        optimizer.step()
        assert x.item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    "make", [lambda p: optim.SGD(p, lr=0.5), lambda p: optim.Adam(p, lr=0.1)], ids=["SGD", "Adam"]
)
def test_a_small_regression_is_solved(make: Callable) -> None:
    w = torch.tensor([[2.0, -3.0]])
    x = torch.randn(64, 2)
    model = nn.Linear(2, 1)
    optimizer = make(model.parameters())
    for _ in range(300):
        optimizer.zero_grad()
        loss = nn.MSELoss()(model(x), x @ w.T + 1)
        loss.backward()
        optimizer.step()
    assert loss.item() < 1e-6
    np.testing.assert_allclose(model.weight, w, atol=1e-2)


# --- what a step touches ------------------------------------------------------------------------------------


def test_float32_parameters_stay_float32_in_the_same_memory(make: Callable) -> None:
    w = nn.Parameter(torch.ones(3))
    array, optimizer = w.array, make([w])
    for _ in range(3):
        w.grad = torch.tensor([1.0, 0.0, -1.0])
        optimizer.step()
    assert w.array is array
    assert w.dtype == torch.float32
    assert all(v.dtype == np.float32 for v in optimizer.state[w].values() if isinstance(v, np.ndarray))
    assert w.requires_grad
    assert w.is_leaf


def test_a_gradient_is_read_not_written(make: Callable) -> None:
    """It may be shared with another tensor, or looked at after the step."""
    w = nn.Parameter(torch.ones(2))
    optimizer = make([w])
    w.grad = torch.tensor([1.0, 2.0])
    for _ in range(3):
        optimizer.step()
    assert w.grad.tolist() == [1, 2]


def test_a_gradient_zeroed_in_place_afterwards_is_remembered_as_it_was() -> None:
    """p.grad.zero_(), instead of zero_grad(), must not reach into the momentum."""
    w = nn.Parameter(torch.ones(1))
    optimizer = optim.SGD([w], lr=0.1, momentum=0.5)
    w.grad = torch.tensor([1.0])
    optimizer.step()
    w.grad.zero_()
    optimizer.step()
    assert w.item() == pytest.approx(1 - 0.1 - 0.1 * 0.5, rel=1e-6)


def test_without_a_gradient_nothing_moves(make: Callable) -> None:
    moving, still = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    optimizer = make([moving, still])
    moving.grad = torch.ones(2)
    optimizer.step()
    assert still.tolist() == [1, 1]
    assert moving.tolist() != [1, 1]
    assert set(optimizer.state) == {moving}


def test_a_step_between_forward_and_backward_is_refused_by_backward(make: Callable) -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    optimizer = make(model.parameters())
    model(torch.ones(1, 2)).sum().backward()
    loss = model(torch.ones(1, 2)).sum()
    optimizer.step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_zero_grad_forgets_or_zeroes() -> None:
    w = nn.Parameter(torch.ones(2))
    optimizer = optim.SGD([w], lr=0.1)
    w.grad = torch.tensor([math.nan, math.inf])
    optimizer.zero_grad(set_to_none=False)
    assert w.grad.tolist() == [0, 0]
    optimizer.zero_grad()
    assert w.grad is None


def test_a_closure_computes_the_loss_anew(lib: Any) -> None:
    w = lib.nn.Parameter(lib.tensor([3.0]))
    optimizer = lib.optim.SGD([w], lr=0.1)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (w**2).sum()
        loss.backward()
        return loss

    with lib.no_grad():  # the closure may compute gradients all the same
        assert optimizer.step(closure).item() == 9
    assert w.item() == pytest.approx(2.4, rel=1e-6)
    assert optimizer.step() is None
