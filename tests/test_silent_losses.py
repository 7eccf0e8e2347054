"""Nothing is lost silently: what is written, masked out, not a number, frozen or copied."""

import copy
import math
from typing import Any

import numpy as np
import pytest
from both_libraries import array
from both_libraries import lib as lib

import tinygrad_stab as torch

inf, nan = math.inf, math.nan


def leaf(lib: Any, values: Any) -> Any:
    return lib.tensor(values, requires_grad=True)


def gradient(x: Any, y: Any) -> list:
    x.grad = None
    y.sum().backward()
    return x.grad.tolist()


# --- index lists and other lists are kept as they were ------------------------------------------------------


@pytest.mark.parametrize("make", [list, np.array], ids=["list", "array"])
def test_an_index_may_change_after_its_use(make: Any) -> None:
    x = leaf(torch, [1.0, 2.0, 3.0])
    i = make([0])
    y = x[i] * 2
    i[0] = 2
    assert gradient(x, y) == [2.0, 0.0, 0.0]


def test_so_may_an_index_among_others_a_mask_and_the_end_of_a_slice(lib: Any) -> None:
    x = leaf(lib, [[1.0, 2.0], [3.0, 4.0]])
    i, mask, end = [0], [True, False], lib.tensor(1)
    y = x[:, i].sum() + x[mask].sum() + x[:end].sum()
    i[0], mask[1] = 1, True
    end += 1
    assert gradient(x, y) == [[3.0, 2.0], [1.0, 0.0]]


def test_so_may_the_index_of_an_assignment() -> None:
    x, i = leaf(torch, [1.0, 2.0, 3.0]), [0]
    y = x * 1
    y[i] = 5.0
    i[0] = 2
    assert gradient(x, y) == [0.0, 1.0, 1.0]


def test_so_may_what_gather_was_given() -> None:
    x, i = leaf(torch, [[1.0, 2.0]]), np.array([[0]])
    y = x.gather(1, i)
    i[...] = 1
    assert gradient(x, y) == [[1.0, 0.0]]


def test_so_may_a_list_of_axes_given_to_numpy() -> None:
    x, axes = leaf(torch, np.arange(6.0).reshape(1, 2, 3)), [2, 0, 1]
    y = np.transpose(x, axes) * np.arange(6.0).reshape(3, 1, 2)
    axes.sort()
    assert gradient(x, y) == [[[0.0, 2.0, 4.0], [1.0, 3.0, 5.0]]]


def test_a_tensor_that_was_an_index_is_watched(lib: Any) -> None:
    x, i = leaf(lib, [1.0, 2.0, 3.0]), lib.tensor([0])
    y = x[i] * 2
    i += 2
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_an_empty_list_chooses_nothing(lib: Any) -> None:
    assert lib.ones(2, 3)[[]].shape == (0, 3)


# --- one element is a view ----------------------------------------------------------------------------------


def test_writes_into_one_element_arrive(lib: Any) -> None:
    x = lib.zeros(3)
    x[0].fill_(9)
    x[-1].add_(2)
    x.view(-1)[1].copy_(lib.tensor(4.0))
    assert x.tolist() == [9.0, 4.0, 2.0]
    m = lib.zeros(2, 2)
    m[1, 0].fill_(1)
    m[1][1].sub_(3)
    m.T[1][0].add_(5)
    assert m.tolist() == [[0.0, 5.0], [1.0, -3.0]]


def test_so_do_writes_in_a_loop_and_into_a_parameter(lib: Any) -> None:
    v = lib.tensor([1.0, 2.0])
    for w in v:
        w.mul_(2)
    for w in lib.unbind(v):
        w.add_(1)
    assert v.tolist() == [3.0, 5.0]
    layer = lib.nn.Linear(1, 2)
    layer.bias.data[0].fill_(7.0)
    layer.bias.data.view(-1)[1].fill_(8.0)
    assert layer.bias.tolist() == [7.0, 8.0]


def test_a_write_into_one_element_is_noticed_by_the_backward_pass(lib: Any) -> None:
    x = leaf(lib, [1.0, 2.0])
    y = x * x
    x.data[0].fill_(9)  # through .data PyTorch does not look
    if lib is torch:
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            y.sum().backward()
    z = (x * 1).exp()
    with lib.no_grad():
        z[0].fill_(3)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


# --- what a mask takes away is 0, whatever it was -----------------------------------------------------------

MASKS = {
    "relu": lambda lib, x: x.relu(),
    "hardtanh": lambda lib, x: lib.nn.functional.hardtanh(x, 0.0, 3.0),
    "clamp": lambda lib, x: x.clamp(min=0),
    "clamp by a tensor": lambda lib, x: x.clamp(min=lib.zeros(2)),
    "where": lambda lib, x: lib.where(x < 0, lib.zeros(2), x),
    "masked_fill": lambda lib, x: x.masked_fill(x < 0, 0.0),
    "maximum": lambda lib, x: lib.maximum(x, lib.zeros(2)),
    "minimum": lambda lib, x: lib.minimum(-x, lib.zeros(2)),
    "std": lambda lib, x: (x * lib.tensor([0.0, 1.0])).reshape(2, 1).std(1, correction=0),
}


@pytest.mark.parametrize("case", MASKS)
def test_an_infinite_gradient_is_masked_out(lib: Any, case: str) -> None:
    x = leaf(lib, [-1.0, 4.0])
    MASKS[case](lib, x).backward(lib.tensor([inf, 1.0]))
    assert x.grad[0].item() == 0.0


def test_so_it_is_by_prelu_in_both_gradients(lib: Any) -> None:
    x, a = leaf(lib, [-1.0, 4.0]), leaf(lib, [0.0])
    lib.nn.functional.prelu(x, a).backward(lib.tensor([1.0, inf]))
    assert x.grad.tolist() == [0.0, inf]
    assert a.grad.tolist() == [-1.0]


def test_so_it_is_by_the_largest_and_the_smallest() -> None:  # PyTorch's amax multiplies
    x = leaf(torch, [[1.0, 2.0]])
    for y in (x.max(), x.max(1).values, x.amax(1), torch.nn.functional.max_pool2d(x[None], (1, 2))):
        assert gradient(x, y * inf) == [[0.0, inf]]
    for y in (x.min(), x.min(1).values, x.amin(1), x.median(), x.median(1).values):
        assert gradient(x, y * inf) == [[inf, 0.0]]


def test_so_it_is_by_dropout_and_so_is_an_infinite_input() -> None:
    x = leaf(torch, [1.0] * 100)
    y = torch.nn.functional.dropout(x, 0.5)
    dropped = y.detach().numpy() == 0
    assert 20 < dropped.sum() < 80
    y.backward(torch.full((100,), inf))
    np.testing.assert_array_equal(x.grad.numpy(), np.where(dropped, 0, inf))
    assert torch.nn.functional.dropout(torch.full((9,), inf), 1.0).tolist() == [0.0] * 9


def test_smooth_l1_has_a_slope_at_an_infinite_distance(lib: Any) -> None:
    x = leaf(lib, [inf])
    assert gradient(x, lib.nn.functional.smooth_l1_loss(x, lib.zeros(1), reduction="none")) == [1.0]


# --- not a number -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("f", ["max", "min", "median"])
def test_a_nan_is_found_and_gets_the_gradient(lib: Any, f: str) -> None:
    x = leaf(lib, [1.0, nan, 2.0])
    y = getattr(x, f)()
    assert math.isnan(y.item())
    assert gradient(x, y) == [0.0, 1.0, 0.0]
    values, index = getattr(x, f)(0)
    assert math.isnan(values.item())
    assert index.item() == 1


def test_quantiles_know_nan_and_infinities(lib: Any) -> None:
    x = leaf(lib, [1.0, nan, 2.0])
    assert math.isnan(x.quantile(0.25).item())
    assert gradient(x, x.quantile(0.25)) == [0.0, 1.0, 0.0]
    assert lib.tensor([1.0, 2.0, inf]).quantile(0.5).item() == 2.0
    assert lib.tensor([-inf, 2.0, inf]).quantile(0.25).item() == -inf


def test_between_a_number_and_infinity_lies_infinity() -> None:
    assert torch.tensor([1.0, 2.0, inf]).quantile(0.75).item() == inf  # PyTorch: NaN, as ∞ − ∞
    assert torch.tensor([inf, inf]).quantile(0.5).item() == inf


def test_ranks_along_a_dim(lib: Any) -> None:
    x = leaf(lib, [[3.0, 1.0, 2.0, 9.0], [nan, 5.0, 0.0, 7.0]])
    values, indices = x.median(1)
    np.testing.assert_array_equal(array(values), [2.0, nan])
    assert indices.tolist() == [2, 0]
    assert x.median(dim=0, keepdim=True).values.shape == (1, 4)
    np.testing.assert_allclose(array(x.quantile(0.5, dim=1)), [2.5, nan])
    assert x.quantile(0.1, 1, keepdim=True).shape == (2, 1)
    assert gradient(x, x.quantile(0.5, dim=0)[1:]) == [[0.0, 0.5, 0.5, 0.5], [0.0, 0.5, 0.5, 0.5]]
    assert lib.tensor(3.0).median(0).indices.item() == 0


@pytest.mark.parametrize("f", ["maximum", "minimum"])
def test_beside_a_nan_both_get_the_gradient(lib: Any, f: str) -> None:
    a, b = leaf(lib, [1.0, nan, 2.0, 3.0]), leaf(lib, [nan, 1.0, 2.0, 1.0])
    getattr(lib, f)(a, b).sum().backward()
    assert a.grad.tolist()[:3] == [1.0, 1.0, 0.5]
    assert b.grad.tolist()[:3] == [1.0, 1.0, 0.5]


def test_a_bound_that_is_nan_is_not_passed_over(lib: Any) -> None:
    x, bound = lib.ones(2), lib.tensor([nan, 1.0])
    for y in (x.clamp(min=bound), x.clamp(max=bound), lib.ones(2).clamp_(min=bound)):
        np.testing.assert_array_equal(array(y), [nan, 1.0])


# --- frozen, thawed, copied ---------------------------------------------------------------------------------


def test_hooks_survive_freezing(lib: Any) -> None:
    w, calls = leaf(lib, [1.0]), []
    w.register_hook(lambda g: g * 10)
    w.register_post_accumulate_grad_hook(calls.append)
    w.requires_grad_(False)
    assert not (w * 2).requires_grad
    w.requires_grad = True
    assert gradient(w, w * 2) == [20.0]
    assert len(calls) == 1


def test_a_graph_made_before_brings_a_frozen_leaf_nothing_and_a_thawed_one_its_gradient(lib: Any) -> None:
    w, v = leaf(lib, [1.0]), leaf(lib, [1.0])
    y = w * v * 3
    w.requires_grad_(False)
    y.sum().backward(retain_graph=True)
    assert w.grad is None
    assert v.grad.tolist() == [3.0]
    w.requires_grad_(True)
    y.sum().backward()
    assert w.grad.tolist() == [3.0]


def test_so_with_whole_modules(lib: Any) -> None:
    net = lib.nn.Linear(2, 1)
    loss, seen = net(lib.ones(1, 2)).sum(), []
    net.weight.register_hook(lambda g: seen.append(g))
    net.requires_grad_(False)
    loss.backward(retain_graph=True)
    assert net.weight.grad is None
    net.requires_grad_(True)
    net(lib.ones(1, 2)).sum().backward()
    assert net.weight.grad.tolist() == [[1.0, 1.0]]
    assert seen[-1].tolist() == [[1.0, 1.0]]


def test_a_leaf_may_get_other_values_while_it_is_frozen() -> None:
    w = leaf(torch, [1.0])
    w.requires_grad_(False)
    w.data = torch.ones(2, dtype=torch.float64)
    w.requires_grad_(True)
    assert gradient(w, w * 2) == [2.0, 2.0]


def test_detaching_a_leaf_in_place_freezes_it(lib: Any) -> None:
    w = leaf(lib, [1.0])
    y = w * 2
    w.detach_()
    y.sum().backward()
    assert w.grad is None


def test_a_copied_leaf_is_a_leaf_of_its_own(lib: Any) -> None:
    x = leaf(lib, [1.0, 2.0])
    other = copy.copy(x)
    assert other.is_leaf
    assert other.requires_grad
    (other * 3).sum().backward()
    assert x.grad is None
    assert other.grad.tolist() == [3.0, 3.0]
    with lib.no_grad():
        other[0] = 9.0
    assert x.tolist() == [9.0, 2.0]  # the memory is one
    assert not copy.copy(lib.ones(1)).requires_grad


def test_a_copied_parameter_is_a_parameter(lib: Any) -> None:
    p = lib.nn.Parameter(lib.ones(2))
    for other in (copy.copy(p), copy.deepcopy(p)):
        assert type(other) is lib.nn.Parameter
        assert other.requires_grad
    assert not copy.copy(lib.nn.Parameter(lib.ones(2), requires_grad=False)).requires_grad


def test_a_copy_of_what_was_computed_keeps_its_graph() -> None:
    x = leaf(torch, [1.0])
    assert gradient(x, copy.copy(x * 2)) == [2.0]  # PyTorch makes a leaf of it


# --- recording is what it was before ------------------------------------------------------------------------


def test_set_grad_enabled_may_stand_above_a_function(lib: Any) -> None:
    @lib.set_grad_enabled(False)
    def quiet(x: Any) -> Any:
        return x * 2

    assert lib.is_grad_enabled()
    assert not quiet(leaf(lib, [1.0])).requires_grad
    assert lib.is_grad_enabled()


def test_inference_mode_may_be_off(lib: Any) -> None:
    with lib.inference_mode(mode=False):
        assert lib.is_grad_enabled()
    with lib.inference_mode():
        assert not lib.is_grad_enabled()


def test_a_generator_under_no_grad_can_be_sent_values_and_exceptions(lib: Any) -> None:
    @lib.no_grad()
    def echo() -> Any:
        received = None
        while True:
            try:
                received = yield lib.is_grad_enabled(), received
            except KeyError:
                received = "caught"

    generator = echo()
    assert next(generator) == (False, None)
    assert lib.is_grad_enabled()
    assert generator.send(3) == (False, 3)
    assert generator.throw(KeyError) == (False, "caught")
    assert lib.is_grad_enabled()
    generator.close()
