"""ModuleDict: modules under names, found by parameters() and printed as PyTorch prints them."""

from typing import Any

import pytest

import tinygrad_stab
from tinygrad_stab import nn
from tinygrad_stab.nn.container import ModuleDict


@pytest.fixture(params=["tinygrad_stab", "torch"])
def both(request: pytest.FixtureRequest) -> tuple[Any, type]:
    """The layers and the ModuleDict of this library and, where it is installed, of PyTorch."""
    if request.param == "tinygrad_stab":
        return nn, ModuleDict
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    return torch.nn, torch.nn.ModuleDict


def test_it_is_a_dict(both: tuple[Any, Any]) -> None:
    nn, ModuleDict = both
    heads = ModuleDict({"mean": nn.Linear(2, 1), "relu": nn.ReLU()})
    heads["std"] = nn.Linear(2, 3, bias=False)
    assert list(heads) == list(heads.keys()) == ["mean", "relu", "std"]
    assert len(heads) == 3
    assert "std" in heads
    assert "var" not in heads
    assert [type(m).__name__ for m in heads.values()] == ["Linear", "ReLU", "Linear"]
    assert dict(heads.items())["relu"] is heads["relu"]
    first = heads["mean"]
    heads.update([("mean", nn.Tanh()), ("out", first)])
    assert list(heads) == ["mean", "relu", "std", "out"]
    assert heads["out"] is first
    del heads["relu"]
    assert list(heads) == ["mean", "std", "out"]
    for missing in (
        lambda: heads["relu"],
        lambda: heads.__delitem__("relu"),
        lambda: heads.__delitem__("training"),
    ):
        with pytest.raises(KeyError):
            missing()


def test_its_parameters_are_found(both: tuple[Any, Any]) -> None:
    nn, ModuleDict = both
    heads = nn.Sequential(ModuleDict({"b": nn.Linear(2, 1), "a": nn.Linear(2, 1, bias=False)}))
    assert [name for name, _ in heads.named_parameters()] == ["0.b.weight", "0.b.bias", "0.a.weight"]
    assert list(heads.state_dict()) == ["0.b.weight", "0.b.bias", "0.a.weight"]


def test_it_prints_its_names(both: tuple[Any, Any]) -> None:
    nn, ModuleDict = both
    heads = ModuleDict([("a", nn.Linear(1, 2)), ("b", ModuleDict({"c": nn.ReLU()}))])
    assert repr(heads) == (
        "ModuleDict(\n"
        "  (a): Linear(in_features=1, out_features=2, bias=True)\n"
        "  (b): ModuleDict(\n"
        "    (c): ReLU()\n"
        "  )\n"
        ")"
    )
    assert repr(ModuleDict()) == "ModuleDict()"


def test_names_that_cannot_be_are_refused(both: tuple[Any, Any]) -> None:
    nn, ModuleDict = both
    for name, message in [("a.b", "contain"), ("", "empty"), ("keys", "attribute 'keys' already exists")]:
        with pytest.raises(KeyError, match=message):
            ModuleDict({name: nn.ReLU()})
    with pytest.raises(TypeError):
        ModuleDict({1: nn.ReLU()})
    with pytest.raises(TypeError):
        ModuleDict({"f": abs})


def test_it_computes_nothing(both: tuple[Any, Any]) -> None:
    with pytest.raises(NotImplementedError):
        both[1]()(tinygrad_stab.zeros(1))
