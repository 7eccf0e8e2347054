"""Sequential and ModuleList: each test runs on both libraries."""

from collections import OrderedDict
from typing import Any

import pytest

from tinygrad_stab import nn


@pytest.fixture
def layers(lib: Any) -> list[Any]:
    return [lib.nn.Linear(2, 3), lib.nn.Tanh(), lib.nn.Linear(3, 4), lib.nn.ReLU()]


def names(container: Any) -> list[str]:
    return [name for name, _ in container.named_children()]


def test_sequential_applies_one_after_the_other(lib: Any, layers: list[Any]) -> None:
    x = lib.randn(5, 2)
    expected = layers[3](layers[2](layers[1](layers[0](x))))
    assert lib.nn.Sequential(*layers)(x).tolist() == expected.tolist()
    assert lib.nn.Sequential()(x) is x


@pytest.mark.parametrize("container", ["Sequential", "ModuleList"])
def test_indexing_length_and_iteration(lib: Any, layers: list[Any], container: str) -> None:
    model = lib.nn.Sequential(*layers) if container == "Sequential" else lib.nn.ModuleList(layers)
    assert len(model) == 4
    assert list(model) == layers
    assert [model[k] for k in (0, 3, -1, -4)] == [layers[k] for k in (0, 3, -1, -4)]
    assert list(model[1:3]) == layers[1:3]
    assert list(model[:-1]) == layers[:-1]
    assert list(model[::2]) == layers[::2]
    assert type(model[:2]).__name__ == container
    assert model[:1][0] is layers[0]  # a slice shares its modules
    assert [k for k, _ in enumerate(model)] == [0, 1, 2, 3]
    for k in (4, -5):
        with pytest.raises(IndexError):
            model[k]


@pytest.mark.parametrize("container", ["Sequential", "ModuleList"])
def test_replacing_and_appending(lib: Any, layers: list[Any], container: str) -> None:
    model = lib.nn.Sequential(*layers[:2]) if container == "Sequential" else lib.nn.ModuleList(layers[:2])
    assert model.append(layers[2]) is model
    model[-1] = layers[3]
    model[0] = layers[2]
    assert list(model) == [layers[2], layers[1], layers[3]]
    assert names(model) == ["0", "1", "2"]


def test_sequential_of_an_ordered_dict_keeps_its_names(lib: Any, layers: list[Any]) -> None:
    model = lib.nn.Sequential(OrderedDict(first=layers[0], act=layers[1], last=layers[2]))
    assert names(model) == ["first", "act", "last"]
    assert model.act is model[1] is layers[1]
    assert list(model.state_dict()) == ["first.weight", "first.bias", "last.weight", "last.bias"]
    assert names(model[1:]) == ["act", "last"]
    model[0] = layers[3]
    assert model.first is layers[3]
    model.append(lib.nn.Identity())
    assert names(model) == ["first", "act", "last", "3"]


def test_slices_of_a_sequential_compute(lib: Any, layers: list[Any]) -> None:
    model, x = lib.nn.Sequential(*layers), lib.randn(5, 2)
    assert model[2:](model[:2](x)).tolist() == model(x).tolist()


def test_module_list_insert_renumbers(lib: Any, layers: list[Any]) -> None:
    model = lib.nn.ModuleList(layers[1:3])
    model.insert(0, layers[0])
    model.insert(3, layers[3])
    assert list(model) == layers
    assert names(model) == ["0", "1", "2", "3"]
    assert list(model.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]


def test_module_list_extend(lib: Any, layers: list[Any]) -> None:
    model = lib.nn.ModuleList()
    assert len(model) == 0
    assert model.extend(layers[:2]) is model
    model.extend(iter(layers[2:]))
    assert list(model) == layers


@pytest.mark.parametrize("container", ["Sequential", "ModuleList"])
def test_modules_come_and_go_and_the_others_are_numbered_anew(
    lib: Any, layers: list[Any], container: str
) -> None:
    a, b, c, d = layers
    model = lib.nn.Sequential(*layers) if container == "Sequential" else lib.nn.ModuleList(layers)
    del model[1]
    assert list(model) == [a, c, d]
    assert list(model.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    assert model.pop(-1) is d
    model.insert(1, b)
    assert list(model) == [a, b, c]
    before = model
    model += model[:0].extend([d, d])  # PyTorch's Sequential takes another, no list
    assert model is before
    del model[1:4]
    assert list(model) == [a, d]
    assert names(model) == ["0", "1"]
    for change in (lambda m: m.__delitem__(2), lambda m: m.pop(2)):
        with pytest.raises(IndexError):
            change(model)


def test_a_sequential_is_extended_by_another_and_loses_its_names_where_it_is_renumbered(
    lib: Any, layers: list[Any]
) -> None:
    a, b, c, d = layers
    model = lib.nn.Sequential(OrderedDict(first=a, act=b))
    assert model.extend(lib.nn.Sequential(c)) is model
    assert names(model) == ["first", "act", "2"]
    del model[1]
    assert names(model) == ["0", "1"]
    assert model.insert(-1, d) is model
    assert list(model) == [a, d, c]


def test_what_is_inserted_is_a_module_or_nothing_happens() -> None:
    layers = [nn.Linear(1, 1), nn.ReLU()]
    for model in (nn.ModuleList(layers), nn.Sequential(*layers)):
        with pytest.raises(TypeError, match="not a Module"):
            model.insert(0, nn.functional.relu)
        assert list(model) == layers


def test_module_list_of_a_generator(lib: Any) -> None:
    model = lib.nn.ModuleList(lib.nn.Linear(n, n + 1) for n in (1, 2, 3))
    assert [layer.in_features for layer in model] == [1, 2, 3]
    assert len(list(model.parameters())) == 6


def test_module_list_computes_nothing(lib: Any, layers: list[Any]) -> None:
    with pytest.raises(NotImplementedError):
        lib.nn.ModuleList(layers)(lib.ones(1, 2))


def test_a_function_among_the_layers_is_refused(lib: Any, layers: list[Any]) -> None:
    """Sequential(Linear, F.relu) must not become a net without its ReLU."""
    with pytest.raises(TypeError, match="not a Module"):
        lib.nn.Sequential(layers[0], lib.nn.functional.relu)
    with pytest.raises(TypeError, match="not a Module"):
        lib.nn.Sequential(layers)  # the star is missing
    with pytest.raises(TypeError, match="not a Module"):
        lib.nn.ModuleList([lib.nn.functional.relu])
