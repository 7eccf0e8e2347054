"""What a module owns: registration by attributes, names and their order, and what is done to all of it."""

import copy
from typing import Any

import numpy as np
import pytest

from tinygrad_stab import Tensor, nn, zeros


def perceptron(lib: Any) -> Any:
    """The model of the tests: a parameter, a buffer, a child, and a child that has children."""

    class Perceptron(lib.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = lib.nn.Sequential(lib.nn.Linear(3, 4), lib.nn.Tanh())
            self.scale = lib.nn.Parameter(lib.ones(1))
            self.register_buffer("steps", lib.zeros(2))
            self.out = lib.nn.Linear(4, 2, bias=False)

        def forward(self, x: Any) -> Any:
            return self.scale * self.out(self.hidden(x))

    return Perceptron()


def names(pairs: Any) -> list[str]:
    return [name for name, _ in pairs]


# --- names and their order ----------------------------------------------------------------------------------


def test_what_is_assigned_is_found_in_the_order_of_assignment(lib: Any) -> None:
    model = perceptron(lib)
    assert names(model.named_parameters()) == ["scale", "hidden.0.weight", "hidden.0.bias", "out.weight"]
    assert names(model.named_buffers()) == ["steps"]
    assert names(model.named_children()) == ["hidden", "out"]
    assert names(model.named_modules()) == ["", "hidden", "hidden.0", "hidden.1", "out"]
    assert names(model.named_parameters(prefix="net")) == [
        "net.scale", "net.hidden.0.weight", "net.hidden.0.bias", "net.out.weight",
    ]  # fmt: skip
    assert names(model.named_parameters(recurse=False)) == ["scale"]
    assert [id(p) for p in model.parameters()] == [id(p) for _, p in model.named_parameters()]


def test_a_name_keeps_its_place_when_it_is_assigned_again(lib: Any) -> None:
    model = perceptron(lib)
    model.hidden = lib.nn.Linear(3, 4, bias=False)
    assert names(model.named_children()) == ["hidden", "out"]
    assert names(model.named_parameters()) == ["scale", "hidden.weight", "out.weight"]


def test_register_parameter_and_add_module_are_assignments(lib: Any) -> None:
    module = lib.nn.Module()
    module.register_parameter("w", lib.nn.Parameter(lib.zeros(2)))
    module.register_parameter("absent", None)
    module.add_module("relu", lib.nn.ReLU())
    assert names(module.named_parameters()) == ["w"]
    assert module.absent is None
    assert names(module.named_children()) == ["relu"]


def test_what_is_deleted_or_set_to_none_is_no_longer_found(lib: Any) -> None:
    model = perceptron(lib)
    del model.out
    del model.steps
    model.scale = None
    assert names(model.named_parameters()) == ["hidden.0.weight", "hidden.0.bias"]
    assert names(model.named_children()) == ["hidden"]
    assert names(model.named_buffers()) == []
    assert list(model.state_dict()) == ["hidden.0.weight", "hidden.0.bias"]


def test_a_shared_module_is_listed_once(lib: Any) -> None:
    layer = lib.nn.Linear(2, 2)
    model = lib.nn.Sequential(layer, lib.nn.Tanh(), layer)
    assert names(model.named_parameters()) == ["0.weight", "0.bias"]
    assert names(model.named_modules()) == ["", "0", "1"]
    assert names(model.named_children()) == ["0", "1"]
    assert len(list(model.children())) == 2
    assert len(model) == len(list(model)) == 3  # but it is computed twice


def test_both_names_of_what_is_shared_on_request(lib: Any) -> None:
    layer = lib.nn.Linear(2, 2, bias=False)
    model = lib.nn.Sequential(layer, layer)
    assert names(model.named_modules(remove_duplicate=False)) == ["", "0", "1"]
    assert names(model.named_parameters(remove_duplicate=False)) == ["0.weight", "1.weight"]
    assert list(model.state_dict()) == ["0.weight", "1.weight"]


def test_a_parameter_with_two_names_is_listed_under_the_first(lib: Any) -> None:
    model = lib.nn.Sequential(lib.nn.Linear(2, 2, bias=False), lib.nn.Linear(2, 2, bias=False))
    model[1].weight = model[0].weight
    assert names(model.named_parameters()) == ["0.weight"]
    assert list(model.state_dict()) == ["0.weight", "1.weight"]


def test_get_submodule_follows_the_dots(lib: Any) -> None:
    model = perceptron(lib)
    assert model.get_submodule("hidden.1") is model.hidden[1]
    assert model.get_submodule("") is model


def test_a_buffer_is_no_parameter(lib: Any) -> None:
    module = lib.nn.Module()
    module.register_buffer("kept", lib.zeros(2))
    module.register_buffer("passing", lib.ones(1), persistent=False)
    module.register_buffer("absent", None)
    assert names(module.named_parameters()) == []
    assert names(module.named_buffers()) == ["kept", "passing"]
    assert list(module.state_dict()) == ["kept"]
    module.kept = lib.full((2,), 5.0)
    assert module.state_dict()["kept"].tolist() == [5, 5]


def test_a_parameter_in_a_buffers_place_is_a_buffer_no_more(lib: Any) -> None:
    module = lib.nn.Module()
    module.register_buffer("scale", lib.ones(1))
    module.scale = lib.nn.Parameter(lib.ones(1))
    assert names(module.named_parameters()) == ["scale"]
    assert names(module.named_buffers()) == []


def test_a_property_is_set_through_its_setter(lib: Any) -> None:
    class Halved(lib.nn.Module):
        @property
        def rate(self) -> float:
            return self._rate

        @rate.setter
        def rate(self, value: float) -> None:
            self._rate = value / 2

    module = Halved()
    module.rate = 3
    assert module.rate == 1.5


# --- done to all of it --------------------------------------------------------------------------------------


def test_apply_goes_to_the_children_first(lib: Any) -> None:
    model, seen = perceptron(lib), []
    assert model.apply(seen.append) is model
    assert [type(m).__name__ for m in seen] == ["Linear", "Tanh", "Sequential", "Linear", "Perceptron"]


def test_apply_visits_a_shared_child_once(lib: Any) -> None:
    layer, seen = lib.nn.Linear(2, 2), []
    lib.nn.Sequential(layer, layer).apply(seen.append)
    assert [type(m).__name__ for m in seen] == ["Linear", "Sequential"]


def test_train_and_eval_reach_every_module(lib: Any) -> None:
    model = perceptron(lib)
    assert all(m.training for m in model.modules())
    assert model.eval() is model
    assert not any(m.training for m in model.modules())
    model.hidden.train()
    assert [m.training for m in model.modules()] == [False, True, True, True, False]
    assert model.train(False).train() is model
    assert all(m.training for m in model.modules())


def test_a_module_that_overrides_train_is_asked(lib: Any) -> None:
    """PyTorch's idiom for frozen statistics: BatchNorm stays in evaluation mode while the model trains."""

    class Frozen(lib.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = lib.nn.BatchNorm1d(2)

        def train(self, mode: bool = True) -> Any:
            super().train(mode)
            self.norm.eval()
            return self

    model = lib.nn.Sequential(Frozen()).train()
    assert model[0].training
    assert not model[0].norm.training


def test_requires_grad_freezes_every_parameter(lib: Any) -> None:
    model = perceptron(lib)
    assert model.requires_grad_(False) is model
    assert not any(p.requires_grad for p in model.parameters())
    assert not model(lib.ones(1, 3)).requires_grad


def test_zero_grad_forgets_or_zeroes(lib: Any) -> None:
    model = perceptron(lib)
    model(lib.ones(1, 3)).sum().backward()
    model.zero_grad(set_to_none=False)
    assert all((p.grad == 0).all() for p in model.parameters())
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())


def test_zero_grad_zeroes_what_is_not_finite(lib: Any) -> None:
    layer = lib.nn.Linear(1, 2)
    layer.bias.grad = lib.tensor([np.nan, np.inf])
    layer.zero_grad(set_to_none=False)
    assert layer.bias.grad.tolist() == [0, 0]


def test_double_converts_parameters_and_buffers_but_no_integers(lib: Any) -> None:
    norm = lib.nn.BatchNorm1d(2)
    assert norm.double() is norm
    assert {norm.weight.dtype, norm.running_mean.dtype} == {lib.float64}
    assert norm.num_batches_tracked.dtype == lib.int64
    assert norm(lib.randn(4, 2, dtype=lib.float64)).dtype == lib.float64
    assert norm.float().bias.dtype == lib.float32
    assert norm.to("cpu") is norm
    assert norm.to(lib.float64).half().running_var.dtype == lib.float16
    assert norm.num_batches_tracked.dtype == lib.int64


def test_gradients_are_converted_too_and_integers_refused(lib: Any) -> None:
    layer = lib.nn.Linear(1, 1)
    layer(lib.ones(1, 1)).sum().backward()
    assert layer.double().weight.grad.dtype == lib.float64
    with pytest.raises(TypeError, match=r"nn\.Module\.to only accepts floating point"):
        layer.to(lib.int64)
    assert layer.weight.dtype == layer.bias.dtype == lib.float64


def test_there_is_no_other_device() -> None:
    for move in (lambda m: m.to("cuda"), lambda m: m.cuda()):
        with pytest.raises(RuntimeError, match="no device 'cuda'"):
            move(nn.Linear(1, 1))


def test_completion_offers_what_can_be_written(lib: Any) -> None:
    model = lib.nn.Sequential(lib.nn.Linear(1, 1))
    assert not any(name[0].isdigit() for name in dir(model))
    assert {"weight", "in_features", "forward"} <= set(dir(model[0]))


def test_a_deep_copy_shares_nothing_with_its_model(lib: Any) -> None:
    model = perceptron(lib)
    model.tied = model.out.weight
    model.hidden.eval()
    before = model.out.weight.tolist()
    twin = copy.deepcopy(model)
    assert names(twin.named_parameters()) == names(model.named_parameters())
    assert all(p is not q and p.tolist() == q.tolist() for p, q in zip(model.parameters(), twin.parameters()))
    assert all(p.requires_grad for p in twin.parameters())
    assert twin.tied is twin.out.weight
    assert [m.training for m in twin.modules()] == [m.training for m in model.modules()]
    with lib.no_grad():
        twin.out.weight.zero_()
        twin.steps.fill_(7)
    assert model.out.weight.tolist() == before
    assert model.steps.tolist() == [0, 0]
    twin(lib.ones(1, 3)).sum().backward()
    assert all(p.grad is None for p in model.parameters())
    assert all(p.grad is not None for p in twin.parameters())


def test_a_deep_copy_starts_without_gradients(lib: Any) -> None:
    model = perceptron(lib)
    model(lib.ones(1, 3)).sum().backward()
    assert all(p.grad is None for p in copy.deepcopy(model).parameters())


def test_a_module_whose_init_was_not_called_says_so() -> None:
    class Forgetful(nn.Module):
        def __init__(self) -> None:
            self.width = 3

        def forward(self, x: Tensor) -> Tensor:
            return x

    for use in (lambda m: m(zeros(1)), lambda m: m.register_buffer("b", zeros(1))):
        with pytest.raises(AttributeError, match=r"begin Forgetful.__init__ with super\(\).__init__\(\)"):
            use(Forgetful())
