"""What all optimizers share: groups of parameters with settings of their own, saved state, and refusals."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_stab as torch
from tinygrad_stab import nn, optim


def test_each_group_has_settings_of_its_own(lib: Any) -> None:
    a, b, c = (lib.nn.Parameter(lib.tensor([1.0])) for _ in range(3))
    optimizer = lib.optim.SGD([{"params": [a]}, {"params": b, "lr": 0.5, "weight_decay": 1.0}], lr=0.1)
    optimizer.add_param_group({"params": iter([c]), "lr": 0.0})
    for p in (a, b, c):
        p.grad = lib.tensor([1.0])
    optimizer.step()
    assert [p.item() for p in (a, b, c)] == pytest.approx([0.9, 0.0, 1.0])
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.5, 0.0]
    optimizer.param_groups[0]["lr"] = 1.0
    optimizer.step()
    assert a.item() == pytest.approx(-0.1, abs=1e-6)


def test_a_group_may_have_a_name(lib: Any) -> None:
    optimizer = lib.optim.SGD([{"params": lib.nn.Linear(1, 1).parameters(), "name": "head", "lr": 0.5}])
    assert [group["name"] for group in optimizer.param_groups if group["lr"] == 0.5] == ["head"]
    assert optimizer.state_dict()["param_groups"][0]["name"] == "head"
    assert "    name: head\n" in repr(optimizer)


def test_state_survives_a_round_trip(make: Callable) -> None:
    """Saved after 3 steps and loaded into another optimizer, it goes on as if nothing had happened."""
    rng = np.random.default_rng(0)
    gradients = rng.standard_normal((6, 2, 4))

    def step(optimizer: optim.Optimizer, parameters: list[nn.Parameter], g: np.ndarray) -> None:
        for p, row in zip(parameters, g):
            p.grad = torch.tensor(row)
        optimizer.step()

    def start() -> list[nn.Parameter]:
        return [nn.Parameter(torch.ones(4, dtype=torch.float64)) for _ in range(2)]

    first, second = start(), start()
    original = make(first)
    for g in gradients[:3]:
        step(original, first, g)
    saved = original.state_dict()
    for p, q in zip(first, second):
        q.data = p.array.copy()
    resumed = type(original)(second, lr=99.0)
    resumed.load_state_dict(saved)
    for g in gradients[3:]:
        step(original, first, g)
        step(resumed, second, g)
    for p, q in zip(first, second):
        assert p.tolist() == q.tolist()
    assert resumed.param_groups[0]["lr"] == 0.1


def test_a_saved_state_does_not_move_on(make: Callable) -> None:
    w = nn.Parameter(torch.ones(2))
    optimizer = make([w])
    w.grad = torch.ones(2)
    optimizer.step()
    saved = optimizer.state_dict()
    before = repr(saved)
    optimizer.step()
    optimizer.param_groups[0]["lr"] = 7.0
    assert repr(saved) == before
    optimizer.load_state_dict(saved)
    optimizer.step()
    assert repr(saved) == before


def test_a_state_with_other_groups_is_refused_and_nothing_changed() -> None:
    a, b = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    saved = optim.SGD([a, b], lr=5.0).state_dict()
    optimizer = optim.SGD([a], lr=0.1)
    with pytest.raises(ValueError, match="parameter groups of other sizes"):
        optimizer.load_state_dict(saved)
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_it_prints_its_settings() -> None:
    text = repr(optim.Adam([nn.Parameter(torch.ones(1))], lr=0.5))
    assert text.startswith("Adam (\nParameter Group 0\n    amsgrad: False\n    betas: (0.9, 0.999)\n")
    assert "    lr: 0.5\n" in text


# --- mistakes -----------------------------------------------------------------------------------------------


@pytest.fixture
def w(lib: Any) -> Any:
    return lib.nn.Parameter(lib.ones(1))


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_no_parameters_are_refused(lib: Any, kind: str) -> None:
    parameters = lib.nn.Linear(1, 1).parameters()
    list(parameters)
    for nothing in ([], parameters):
        with pytest.raises(ValueError, match="optimizer got an empty parameter list"):
            getattr(lib.optim, kind)(nothing)


def test_the_refusal_names_the_usual_reasons() -> None:
    with pytest.raises(ValueError, match=r"generator that has been used up.*nn.ModuleList"):
        optim.SGD([])


def test_what_cannot_be_optimized_is_refused(lib: Any, w: Any) -> None:
    SGD = lib.optim.SGD
    with pytest.raises(TypeError, match=r"params.* should be an iterable of Tensors or dicts"):
        SGD(w)
    with pytest.raises(TypeError, match="can only optimize Tensors"):
        SGD([w, 3.0])
    with pytest.raises(ValueError, match="can't optimize a non-leaf Tensor"):
        SGD([w * 2])
    with pytest.raises(ValueError, match="appear in more than one parameter group"):
        SGD([{"params": [w]}, {"params": [w]}])


def test_a_parameter_twice_in_one_group_is_warned_about(lib: Any, w: Any) -> None:
    """It would take two steps in one."""
    with pytest.warns(UserWarning, match="duplicate parameters"):
        lib.optim.SGD([w, w])


@pytest.mark.parametrize(("kind", "setting"), [
    ("SGD", {"lr": -0.1}), ("SGD", {"momentum": -1}), ("SGD", {"weight_decay": -1}),
    ("Adam", {"lr": -0.1}), ("Adam", {"eps": -1e-8}), ("Adam", {"weight_decay": -1}),
    ("Adam", {"betas": (1.0, 0.9)}), ("Adam", {"betas": (0.9, -0.1)}),
])  # fmt: skip
def test_settings_out_of_range_are_refused(lib: Any, w: Any, kind: str, setting: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Invalid"):
        getattr(lib.optim, kind)([w], **setting)


@pytest.mark.parametrize("settings", [{}, {"momentum": 0.9, "dampening": 0.1}])
def test_nesterov_needs_momentum_and_no_dampening(lib: Any, w: Any, settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Nesterov momentum requires a momentum and zero dampening"):
        lib.optim.SGD([w], nesterov=True, **settings)
