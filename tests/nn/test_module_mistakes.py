"""The mistakes that everyone makes once with a module, and what they are told."""

import warnings
from typing import Any

import pytest

import tinygrad_stab as torch
from tinygrad_stab import nn


def test_a_tensor_is_refused_in_a_parameters_place(lib: Any) -> None:
    layer = lib.nn.Linear(2, 1)
    before = layer.weight
    with pytest.raises(TypeError, match=r"as parameter 'weight'.*Parameter or None expected"):
        layer.weight = lib.zeros(1, 2)
    assert layer.weight is before


def test_a_number_is_refused_in_a_buffers_place(lib: Any) -> None:
    norm = lib.nn.BatchNorm1d(2)
    with pytest.raises(TypeError, match=r"as buffer 'running_mean'.*Tensor or None expected"):
        norm.running_mean = 3
    assert norm.running_mean.tolist() == [0, 0]
    norm.running_mean = lib.ones(2)
    norm.running_var = None
    assert [name for name, _ in norm.named_buffers()] == ["running_mean", "num_batches_tracked"]


def test_what_is_registered_must_be_of_its_kind(lib: Any) -> None:
    module = lib.nn.Module()
    with pytest.raises(TypeError, match="parameter 'scale'"):
        module.register_parameter("scale", lib.ones(1))
    with pytest.raises(TypeError, match="buffer 'steps'"):
        module.register_buffer("steps", 3)
    with pytest.raises(TypeError, match=r"is not a Module|as child module 'act'"):
        module.add_module("act", lib.nn.functional.relu)
    assert list(module.state_dict()) == []
    assert not hasattr(module, "steps")


def test_a_buffer_takes_no_other_attributes_name(lib: Any) -> None:
    layer = lib.nn.Linear(2, 1)
    for name in ("weight", "in_features", "forward"):
        with pytest.raises(KeyError, match=f"attribute '{name}' already exists"):
            layer.register_buffer(name, lib.ones(1))
    layer.register_buffer("mask", lib.ones(1))
    layer.register_buffer("mask", lib.zeros(1))
    assert list(layer.state_dict()) == ["weight", "bias", "mask"]


def test_a_function_is_refused_in_a_layers_place(lib: Any) -> None:
    """Otherwise the layer would be gone, and nothing would say so."""
    model = lib.nn.Sequential(lib.nn.Linear(2, 1))
    before = model[0]
    with pytest.raises(TypeError, match=r"as child module '0'.*Module or None expected"):
        model[0] = lib.nn.functional.relu
    holder = lib.nn.Module()
    holder.act = before
    with pytest.raises(TypeError, match=r"as child module 'act'"):
        holder.act = lib.nn.functional.relu
    assert model[0] is holder.act is before


def test_forgotten_super_init_is_named(lib: Any) -> None:
    class Forgetful(lib.nn.Module):
        def __init__(self) -> None:
            self.layer = lib.nn.Linear(1, 1)

    with pytest.raises(AttributeError, match=r"before Module.__init__\(\) call"):
        Forgetful()


def test_forgotten_super_init_says_what_to_write() -> None:
    class Forgetful(nn.Module):
        def __init__(self) -> None:
            self.weight = nn.Parameter(torch.ones(1))

    with pytest.raises(AttributeError, match=r"begin Forgetful.__init__ with super\(\).__init__\(\)"):
        Forgetful()


def test_plain_values_may_be_assigned_before_super_init(lib: Any) -> None:
    class Net(lib.nn.Module):
        def __init__(self) -> None:
            self.width = 3
            super().__init__()
            self.layer = lib.nn.Linear(self.width, 1)

    assert Net().width == 3


def test_an_unknown_attribute_is_an_attribute_error(lib: Any) -> None:
    layer = lib.nn.Linear(1, 1)
    assert not hasattr(layer, "wieght")
    with pytest.raises(AttributeError, match="'Linear' object has no attribute 'wieght'"):
        _ = layer.wieght


def test_a_near_miss_is_told_what_was_meant() -> None:
    layer = nn.Linear(1, 1)
    layer.bn1 = nn.BatchNorm1d(1)
    with pytest.raises(AttributeError, match=r"no attribute 'bc1'. Did you mean: 'bn1'\?"):
        _ = layer.bc1
    with pytest.raises(
        AttributeError, match=r"no attribute 'named_parameter'. Did you mean: 'named_parameters'\?"
    ):
        _ = layer.named_parameter
    with pytest.raises(AttributeError, match=r"no attribute 'xyzzy'$"):
        _ = layer.xyzzy


@pytest.mark.parametrize("kind", [list, tuple])
def test_layers_in_a_plain_list_are_warned_about(kind: type) -> None:
    class Hidden(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = kind([nn.Linear(2, 2)])

    with pytest.warns(
        UserWarning, match=f"Hidden.layers is a plain {kind.__name__}.*nn.ModuleList"
    ) as caught:
        model = Hidden()
    assert caught[0].filename == __file__
    assert list(model.parameters()) == []


def test_other_lists_are_nobody_s_business() -> None:
    module = nn.Module()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        module.sizes, module.empty, module.layers = [1, 2], [], nn.ModuleList([nn.Linear(1, 1)])


def test_forward_that_returns_nothing_is_warned_about() -> None:
    class Net2(nn.Module):
        def forward(self, x: torch.Tensor) -> None:
            x * 2

    model = Net2()
    with pytest.warns(
        UserWarning, match=r"forward\(\) of Net2 returned None: is a `return` missing"
    ) as caught:
        assert model(torch.ones(1)) is None
    assert caught[0].filename == __file__
    model.register_forward_hook(lambda module, inputs, output: None)
    with pytest.warns(UserWarning, match="Net2 returned None"):
        model(torch.ones(1))


def test_a_module_without_forward_says_so(lib: Any) -> None:
    with pytest.raises(NotImplementedError, match="forward"):
        lib.nn.Module()(lib.ones(1))
