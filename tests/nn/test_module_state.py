"""state_dict and load_state_dict: the values of a model by name, taken whole or not at all."""

from collections import OrderedDict
from typing import Any

import pytest

import tinygrad_stab as torch
from tinygrad_stab import Tensor, nn


def model_of(lib: Any) -> Any:
    return lib.nn.Sequential(lib.nn.Linear(2, 3), lib.nn.BatchNorm1d(3), lib.nn.Linear(3, 1, bias=False))


def filled_with(value: float, model: Any) -> dict[str, Any]:
    return {name: (tensor * 0 + value).detach() for name, tensor in model.state_dict().items()}


def snapshot(model: Any) -> list[Any]:
    return [tensor.tolist() for tensor in model.state_dict().values()]


def test_names_and_order(lib: Any) -> None:
    assert list(model_of(lib).state_dict()) == [
        "0.weight", "0.bias",
        "1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked",
        "2.weight",
    ]  # fmt: skip


def test_the_values_share_the_model_s_memory_but_not_its_graph(lib: Any) -> None:
    model = model_of(lib)
    state = model.state_dict()
    assert not any(tensor.requires_grad for tensor in state.values())
    with lib.no_grad():
        model[0].bias.fill_(3.0)
    assert state["0.bias"].tolist() == [3, 3, 3]
    model(lib.randn(5, 2))
    assert state["1.running_mean"].tolist() == model[1].running_mean.tolist() != [0, 0, 0]
    assert state["1.running_var"].tolist() == model[1].running_var.tolist() != [1, 1, 1]
    assert state["1.num_batches_tracked"].item() == 1


def test_it_prints_as_the_ordered_dict_that_it_is(lib: Any) -> None:
    state = lib.nn.Linear(1, 1, bias=False).double().state_dict()
    assert repr(state) == repr(OrderedDict(weight=state["weight"]))


def test_what_did_not_match_prints_under_pytorchs_name(lib: Any) -> None:
    found = lib.nn.Linear(1, 1).load_state_dict({"weight": lib.ones(1, 1), "w": lib.ones(1)}, strict=False)
    assert repr(found) == "_IncompatibleKeys(missing_keys=['bias'], unexpected_keys=['w'])"


def test_loading_copies_into_the_same_parameters(lib: Any) -> None:
    model = model_of(lib)
    parameters, state = list(model.parameters()), filled_with(2.0, model)
    result = model.load_state_dict(state)
    assert repr(result) == "<All keys matched successfully>"
    assert all((tensor == 2).all() for tensor in model.state_dict().values())
    assert all(p is q for p, q in zip(parameters, model.parameters(), strict=True))
    assert all(p.requires_grad for p in parameters)
    state["0.bias"].fill_(9.0)
    assert model[0].bias.tolist() == [2, 2, 2]


def test_a_loaded_model_computes_the_same(lib: Any) -> None:
    model, twin, x = model_of(lib), model_of(lib), lib.randn(5, 2)
    model(x)  # moves the running statistics
    twin.load_state_dict(model.state_dict())
    assert twin.eval()(x).tolist() == model.eval()(x).tolist()
    assert twin[1].num_batches_tracked.item() == 1


def test_loading_keeps_the_model_s_dtype(lib: Any) -> None:
    state = {"weight": lib.full((1, 2), 0.1, dtype=lib.float64), "bias": lib.zeros(1, dtype=lib.float64)}
    layer = lib.nn.Linear(2, 1)
    layer.load_state_dict(state)
    assert layer.weight.dtype == lib.float32
    assert layer.weight[0, 0].item() == pytest.approx(0.1, rel=1e-7)


def test_loading_between_forward_and_backward_is_noticed(lib: Any) -> None:
    model = lib.nn.Sequential(lib.nn.Linear(2, 2), lib.nn.Linear(2, 1))
    loss = model(lib.ones(1, 2)).sum()
    model.load_state_dict(filled_with(1.0, model))
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("strict", [True, False])
def test_a_shape_that_does_not_fit_is_always_refused(lib: Any, strict: bool) -> None:
    model = model_of(lib)
    state = filled_with(1.0, model)
    state["0.weight"] = lib.zeros(2, 3)
    with pytest.raises(RuntimeError, match=r"size mismatch.*0\.weight"):
        model.load_state_dict(state, strict=strict)


def test_names_that_do_not_fit_are_refused_or_reported(lib: Any) -> None:
    model = model_of(lib)
    state = filled_with(1.0, model)
    del state["1.bias"]
    state["3.weight"] = lib.zeros(1)
    with pytest.raises(RuntimeError, match=r"loading state_dict for Sequential") as refusal:
        model.load_state_dict(state)
    for words in ("Missing key", "1.bias", "Unexpected key", "3.weight"):
        assert words in str(refusal.value)
    result = model.load_state_dict(state, strict=False)
    assert result.missing_keys == ["1.bias"]
    assert result.unexpected_keys == ["3.weight"]
    assert model[0].bias.tolist() == [1, 1, 1]
    assert model[1].bias.tolist() == [0, 0, 0]


# PyTorch copies what fits before it raises; here loading is all or nothing.
UNFIT: dict[str, dict[str, Any]] = {
    "a wrong shape in the last parameter": {"2.weight": torch.zeros(3, 1)},
    "a scalar where a row belongs": {"2.weight": torch.tensor(1.0)},
    "a name too many": {"3.weight": torch.zeros(1)},
    "None for a number": {"1.num_batches_tracked": None},
    "a word for a number": {"1.num_batches_tracked": "many"},
}


@pytest.mark.parametrize("change", UNFIT.values(), ids=UNFIT)
def test_what_does_not_fit_changes_nothing(change: dict[str, Tensor]) -> None:
    model = model_of(torch)
    before = snapshot(model)
    with pytest.raises(RuntimeError, match="Nothing was changed"):
        model.load_state_dict({**filled_with(5.0, model), **change})
    assert snapshot(model) == before


def test_every_misfit_is_listed_with_both_shapes() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    other = nn.Sequential(nn.Linear(2, 4), nn.Linear(4, 1))
    with pytest.raises(RuntimeError) as refusal:
        model.load_state_dict(other.state_dict())
    lines = str(refusal.value).splitlines()
    misfits = {"0.weight": ([4, 2], [3, 2]), "0.bias": ([4], [3]), "1.weight": ([1, 4], [1, 3])}
    for name, shapes in misfits.items():
        assert any(name in line and all(f"torch.Size({n})" in line for n in shapes) for line in lines)
    assert "1.bias" not in str(refusal.value)
