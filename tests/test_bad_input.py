"""PyTorch's values at the edges, and errors in the reader's words where there is no value."""

from typing import Any

import numpy as np
import pytest
from both_libraries import array
from both_libraries import lib as lib

import tinygrad_stab as torch

ONES = torch.ones(2)


# --- values -------------------------------------------------------------------------------------------------


def test_a_correction_need_not_be_whole(lib: Any) -> None:
    x = lib.tensor([1.0, 2.0, 4.0], dtype=lib.float64, requires_grad=True)
    assert x.var(correction=0.5).item() == pytest.approx(14 / 3 / 2.5)
    assert x.std(0, correction=0.5).item() == pytest.approx((14 / 3 / 2.5) ** 0.5)
    x.var(correction=0.5).backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * (np.array([1, 2, 4]) - 7 / 3) / 2.5)


def test_prelu_keeps_the_shape_of_a_number(lib: Any) -> None:
    assert lib.nn.functional.prelu(lib.tensor(-2.0), lib.tensor([0.5])).tolist() == -1.0
    assert lib.nn.PReLU()(lib.tensor(-2.0)).shape == ()
    layer = lib.nn.PReLU()
    layer(lib.tensor([-2.0, 3.0])).sum().backward()
    assert layer.weight.grad.tolist() == [-2.0]


@pytest.mark.parametrize(
    ("x", "slopes"), [((2, 3), (1, 3)), ((3,), (3,)), ((3,), (2,)), ((), (3,)), ((2, 3), (2,))]
)
def test_slopes_of_another_shape_are_refused(lib: Any, x: tuple, slopes: tuple) -> None:
    with pytest.raises(RuntimeError, match=r"(?i)weight|slopes|parameter numbers|zero-dim"):
        lib.nn.functional.prelu(lib.ones(x), lib.ones(slopes))


@pytest.mark.parametrize("name", ["max", "min", "median"])
def test_a_number_has_a_dim_0_to_reduce_but_keeps_none(lib: Any, name: str) -> None:
    x = lib.tensor(3.0, requires_grad=True)
    values, index = getattr(x, name)(0, keepdim=True)
    assert values.shape == index.shape == ()
    values.backward()
    assert x.grad.item() == 1.0


def test_normal_has_the_dtype_of_its_mean_or_else_of_its_std(lib: Any) -> None:
    double = lib.ones(2, dtype=lib.float64)
    assert lib.normal(double, double).dtype == lib.normal(0.0, double).dtype == lib.float64
    assert lib.normal(lib.zeros(2), double).dtype == lib.float32
    with pytest.raises(NotImplementedError):
        lib.normal(lib.zeros(2).long(), 1.0)
    for draw in (lambda: lib.normal(0.0, -1.0, (2,)), lambda: lib.ones(2).normal_(0, -1)):
        with pytest.raises(RuntimeError, match=r"expects std >= 0.0, but found std -1"):
            draw()


def test_steps_of_a_tenth_meet_zero_as_in_pytorch(lib: Any) -> None:
    for dtype in (lib.float32, lib.float64):
        assert lib.arange(-8.0, 8.0, 0.1, dtype=dtype)[80].item() == pytest.approx(4.44e-16, rel=1e-2)
    assert array(lib.arange(-8.0, 8.0, 0.1) > 0).sum() == 80


@pytest.mark.parametrize(
    "of", [(0, 1, 0.3), (5.0, 1.0, -0.5), (5.0,), (0, 10, 3), (3, 3), (1, 0, -1), (0.0, 1e-3, 1e-4)]
)
def test_arange_gives_what_pytorch_gives(lib: Any, of: tuple) -> None:
    y = lib.arange(*of)
    exact = np.arange(*of)
    assert y.shape == exact.shape
    assert y.dtype == (lib.float32 if exact.dtype.kind == "f" else lib.int64)
    np.testing.assert_allclose(array(y), exact, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    "of", [(3, 0), (-3,), (0, 3, -1), (0.0, 1.0, -0.1), (0, 3, 0), (0.0, np.nan), (0.0, np.inf)]
)
def test_steps_that_lead_nowhere_are_refused(lib: Any, of: tuple) -> None:
    with pytest.raises(
        RuntimeError, match=r"inconsistent with step sign|step must be nonzero|unsupported range"
    ):
        lib.arange(*of)


def test_the_steps_before_are_in_pytorchs_order(lib: Any) -> None:
    x = lib.ones(2, requires_grad=True)
    for y in (2 * x, 2 + x, x * 2):
        assert [step is not None for step, _ in y.grad_fn.next_functions] == [True, False]


def test_softplus_is_x_itself_above_the_threshold(lib: Any) -> None:
    x = lib.tensor([3.0, 0.5], dtype=lib.float64, requires_grad=True)
    y = lib.nn.functional.softplus(x, 2.0, 4.0)
    np.testing.assert_allclose(array(y), [3.0, np.log1p(np.e) / 2])
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [1.0, 1 / (1 + np.exp(-1))])
    assert lib.nn.Softplus(threshold=1.0)(lib.tensor([2.0])).item() == 2.0


@pytest.mark.parametrize("shape", [(1,), (1, 1)])
@pytest.mark.parametrize("recorded", [False, True])
def test_one_element_takes_a_loss_of_one_element(lib: Any, shape: tuple, recorded: bool) -> None:
    losses, loss = lib.zeros(3), lib.full(shape, 2.0, requires_grad=recorded)
    losses[1] = loss * 2
    assert losses.tolist() == [0.0, 4.0, 0.0]
    rows = lib.zeros(2, 2)
    rows[0] = lib.ones(1, 2)
    rows[lib.tensor([False, True])] = lib.full((1, 1, 1), 3.0)
    assert rows.tolist() == [[1.0, 1.0], [3.0, 3.0]]
    if recorded:
        losses.sum().backward()
        assert loss.grad.tolist() == lib.full(shape, 2.0).tolist()


def test_what_cannot_be_added_in_place_names_the_line_that_works() -> None:
    x = torch.ones(2, requires_grad=True)
    y = x * 1
    with pytest.raises(RuntimeError, match=r"`x\[i\] = x\[i\] \+ v` in the place of `x\[i\] \+= v`"):
        y[0] += x[1]
    y[0] = y[0] + x[1]
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 2.0]


# --- bounds, settings and parts of every kind ---------------------------------------------------------------


def test_clamp_in_place_takes_tensors(lib: Any) -> None:
    x = lib.tensor([-1.0, 5.0])
    x.clamp_(min=lib.tensor(0.0), max=lib.tensor([1.0, 2.0]))
    assert x.tolist() == [0.0, 2.0]


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop"])
def test_a_learning_rate_may_be_a_tensor_and_change(lib: Any, name: str) -> None:
    steps = []
    for make in (float, lib.tensor):
        p = lib.ones(2, requires_grad=True)
        rate = make(0.1)
        optimizer = getattr(lib.optim, name)([p], lr=rate)
        for k in range(2):
            p.grad = lib.tensor([1.0, -2.0])
            optimizer.step()
            if k == 0:
                optimizer.param_groups[0]["lr"] = make(0.05)
        steps.append(array(p))
    np.testing.assert_allclose(steps[0], steps[1], rtol=1e-6)


def test_a_learning_rate_for_each_element_is_refused(lib: Any) -> None:
    with pytest.raises(ValueError, match="Tensor lr must be 1-element"):
        lib.optim.SGD([lib.ones(2, requires_grad=True)], lr=lib.tensor([0.1, 0.2]))


def test_an_optimizer_takes_named_parameters(lib: Any) -> None:
    net = lib.nn.Linear(1, 1)
    optimizer = lib.optim.SGD(net.named_parameters(), lr=1.0)
    assert optimizer.param_groups[0]["params"][0] is net.weight
    before = net.bias.item()
    net(lib.zeros(1, 1)).sum().backward()
    optimizer.step()
    assert net.bias.item() == pytest.approx(before - 1)
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    with pytest.raises(TypeError, match="can only optimize Tensors"):
        lib.optim.SGD([("weight", 3)], lr=1.0)


def test_a_pair_may_be_one_number_in_a_tuple(lib: Any) -> None:
    f, x = lib.nn.functional, lib.ones(1, 1, 4, 4)
    assert f.conv2d(x, lib.ones(1, 1, 2, 2), stride=(2,), padding=[0]).shape == (1, 1, 2, 2)
    assert f.max_pool2d(x, (2,)).shape == f.avg_pool2d(x, [2]).shape == (1, 1, 2, 2)


@pytest.mark.parametrize("stride", [(2, 1, 1), 2.5, "2", (None, 1)])
def test_no_pair_is_anything_else(stride: Any) -> None:
    with pytest.raises(ValueError, match="expected one whole number, or two"):
        torch.nn.functional.conv2d(torch.ones(1, 1, 4, 4), torch.ones(1, 1, 2, 2), stride=stride)


def test_groups_of_nothing_and_of_a_vector(lib: Any) -> None:
    f = lib.nn.functional
    assert f.group_norm(lib.ones(0, 4), 2).shape == (0, 4)
    assert f.group_norm(lib.ones(0, 4, 3), 2, lib.ones(4), lib.zeros(4)).shape == (0, 4, 3)
    with pytest.raises(RuntimeError, match="Expected at least 2 dimensions"):
        f.group_norm(lib.ones(4), 2)
    with pytest.raises((RuntimeError, IndexError), match=r"dimension|Dimension"):
        f.batch_norm(lib.ones(4), None, None, training=True)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, of a mean of nothing
@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss"])
def test_a_loss_of_nothing_is_no_number_and_its_gradient_empty(lib: Any, name: str) -> None:
    x = lib.ones(0, requires_grad=True)
    loss = getattr(lib.nn.functional, name)(x, lib.ones(0))
    assert np.isnan(loss.item())
    loss.backward()
    assert x.grad.shape == (0,)


def test_an_error_inside_a_property_keeps_its_name(lib: Any) -> None:
    class Net(lib.nn.Module):
        @property
        def width(self) -> int:
            return self.layr.out_features

    if lib is torch:
        with pytest.raises(AttributeError, match="'Net' object has no attribute 'layr'"):
            _ = Net().width
    with pytest.raises(AttributeError, match="has no attribute 'heigth'"):
        _ = Net().heigth


MESSAGES = {
    "sum": (lambda: ONES.sum(dimm=0), TypeError, r"^sum\(\) got an unexpected argument dimm: .*dim=0"),
    "std": (lambda: ONES.std(dimm=0), TypeError, r"^std\(\) got an unexpected argument dimm"),
    "max": (lambda: ONES.max(dimm=0), TypeError, r"^max\(\) got an unexpected argument dimm"),
    "softmax": (lambda: ONES.softmax(dimm=0), TypeError, r"^softmax\(\) got an unexpected argument dimm"),
    "squeeze": (lambda: ONES.squeeze(dimm=0), TypeError, r"^squeeze\(\) got an unexpected argument dimm"),
    "torch.sum": (lambda: torch.sum(ONES, dimm=0), TypeError, r"^sum\(\) got an unexpected argument dimm"),
    "too many": (lambda: ONES.sum(0, True, 1), TypeError, r"^sum\(\) got an unexpected argument 1"),
    "median": (lambda: ONES.median(dim=(0, 1)), TypeError, r"^median\(\) goes along one dim"),
    "quantiles": (lambda: ONES.quantile([0.1, 0.9]), ValueError, "one number between 0 and 1"),
    "no median": (lambda: torch.ones(0).median(), RuntimeError, r"^median\(\) of no elements"),
    "nuc": (lambda: torch.ones(2, 2).norm("nuc"), RuntimeError, r"^norm: there is no 'nuc'.*svdvals"),
    "cat": (lambda: torch.cat((ONES, None)), TypeError, "^cat: expected Tensor as element 1.*NoneType"),
    "cat of one": (lambda: torch.cat(ONES), TypeError, r"^cat\(\): .*must be tuple of Tensors, not Tensor"),
    "stack": (lambda: torch.stack((ONES, [1.0])), TypeError, "^stack: expected Tensor as element 1.*list"),
    "BatchNorm": (
        lambda: torch.nn.BatchNorm1d(3, eps=-1.0),
        ValueError,
        "^BatchNorm1d eps must not be negative",
    ),
    "LayerNorm": (lambda: torch.nn.LayerNorm(3, eps=-1.0), ValueError, "^LayerNorm eps must not be negative"),
    "GroupNorm": (lambda: torch.nn.GroupNorm(0, 4), ValueError, r"num_channels \(4\) must be divisible"),
    "LSTM": (lambda: torch.nn.LSTM(3, 0), ValueError, "^LSTM: hidden_size must be greater than zero, got 0"),
    "RNN": (lambda: torch.nn.RNN(-1, 2), ValueError, "^RNN: input_size must be greater than zero, got -1"),
}


@pytest.mark.parametrize("case", MESSAGES)
def test_an_error_names_the_op_and_the_remedy(case: str) -> None:
    call, kind, message = MESSAGES[case]
    with pytest.raises(kind, match=message):
        call()
