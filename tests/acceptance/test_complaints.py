"""What users of PyTorch and of small autograd libraries complain of, and what this library does about it."""

import math
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pytest
from both_libraries import lib as lib

import tinygrad_stab as torch
import tinygrad_stab.nn as nn
import tinygrad_stab.nn.functional as F
from tinygrad_stab import stability

# --- 1. the order of the backward pass, and deep graphs -----------------------------------------------------


def test_a_value_used_twice_has_its_whole_gradient_before_it_is_passed_on() -> None:
    """b = a + a; c = b + b: a walk that passes on each arrival of its own gets da wrong."""
    a = torch.tensor(1.0, requires_grad=True)
    b = a + a
    arrivals: list[float] = []
    b.register_hook(lambda g: arrivals.append(g.item()))
    (b + b).backward()
    assert (a.grad.item(), arrivals) == (4, [2])


def test_a_chain_of_50_000_ops() -> None:
    x = torch.ones(1, requires_grad=True)
    y = x
    for _ in range(50_000):
        y = y + 1
    y.backward()
    assert x.grad.item() == 1


# --- 2. backward twice --------------------------------------------------------------------------------------


def test_a_second_backward_names_the_op_and_adds_nothing() -> None:
    x = torch.tensor(3.0, requires_grad=True)
    y = x * x
    y.backward()
    with pytest.raises(RuntimeError, match=r"a second time: multiply.*retain_graph=True"):
        y.backward()
    assert x.grad.item() == 6


def test_leaves_add_up_and_inner_gradients_are_not_doubled(lib) -> None:
    x = lib.tensor(3.0, requires_grad=True)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 12  # 6 + 6, where inner nodes that keep their gradient would make it 18


# --- 3. where does the NaN come from ------------------------------------------------------------------------


def test_nan_is_reported_at_its_origin() -> None:
    x = torch.tensor([4.0, -1.0], requires_grad=True)
    with torch.autograd.detect_anomaly(), np.errstate(all="ignore"), pytest.raises(RuntimeError) as caught:
        torch.log(x)  # here
    message, line = str(caught.value), "torch.log(x)  # here"
    for part in ("log", "nan at (1,)", "test_complaints.py", line, "(2,) = -1", "clamp"):
        assert part in message


def test_nan_of_the_backward_pass_is_reported_at_the_line_of_the_forward_pass() -> None:
    x = torch.tensor([4.0, 0.0], requires_grad=True)
    with torch.autograd.detect_anomaly(), np.errstate(all="ignore"):
        root = torch.sqrt(x)  # finite, but its slope at 0 is not
        with pytest.raises(RuntimeError) as caught:
            root.sum().backward()
    message = str(caught.value)
    for part in ("sqrt", "in the gradient", "inf at (1,)", "root = torch.sqrt(x)", "1e-12"):
        assert part in message


# --- 4. .grad of what is not a leaf -------------------------------------------------------------------------


def test_gradient_of_an_inner_tensor_is_none_with_the_op_and_the_remedy() -> None:
    x = torch.ones(2, requires_grad=True)
    h = x * 3
    h.sum().backward()
    with pytest.warns(UserWarning, match=r"not a leaf.*multiply.*retain_grad\(\)") as caught:
        assert h.grad is None
    assert caught[0].filename == __file__


def test_retain_grad_and_autograd_grad_give_it(lib) -> None:
    x = lib.ones(2, requires_grad=True)
    h = x * 3
    h.retain_grad()
    (h * h).sum().backward()
    assert h.grad.tolist() == [6, 6]
    h = x * 3
    assert lib.autograd.grad((h * h).sum(), h)[0].tolist() == [6, 6]


# --- 5. traps of clipping -----------------------------------------------------------------------------------


def with_gradient(*values: float) -> nn.Parameter:
    p = nn.Parameter(torch.zeros(len(values)))
    p.grad = torch.tensor(values)
    return p


def test_clipping_does_not_spread_nan_and_names_the_parameter() -> None:
    good, bad = with_gradient(3.0, 4.0), with_gradient(1.0, math.nan, 2.0)
    with pytest.warns(RuntimeWarning, match=r"parameter 1 of those with a gradient, of shape \(3,\)"):
        nn.utils.clip_grad_norm_([good, bad], 1.0)
    assert good.grad.tolist() == [3, 4]
    with pytest.raises(RuntimeError, match=r"parameter 1 .* of shape \(3,\)"):
        nn.utils.clip_grad_norm_([good, bad], 1.0, error_if_nonfinite=True)


def test_clipping_refuses_a_negative_norm() -> None:
    with pytest.raises(ValueError, match="must not be negative, got -1"):
        nn.utils.clip_grad_norm_([with_gradient(1.0)], -1.0)


def test_clipping_warns_of_a_used_up_generator() -> None:
    parameters = nn.Linear(2, 2).parameters()
    list(parameters)
    with pytest.warns(UserWarning, match=r"given no parameters: a generator.*only once"):
        nn.utils.clip_grad_norm_(parameters, 1.0)


def test_clipping_cannot_bring_back_a_vanished_gradient() -> None:
    p = with_gradient(3e-9, 4e-9)
    assert nn.utils.clip_grad_norm_([p], 1.0).item() == pytest.approx(5e-9)
    assert p.grad.tolist() == pytest.approx([3e-9, 4e-9])


# --- 6. gains, and the default initialization ---------------------------------------------------------------


def test_default_init_is_one_over_the_root_of_fan_in(lib) -> None:
    """The √5 in PyTorch's source: kaiming_uniform_ with a = √5 has bound √(6/(1 + 5)/fan_in)."""
    layer = lib.nn.Linear(400, 300)
    for p in (layer.weight, layer.bias):
        assert 0.98 / 20 < p.abs().max().item() <= 1 / 20
    w = lib.nn.init.kaiming_uniform_(lib.empty(300, 400), a=math.sqrt(5))
    assert 0.99 / 20 < w.abs().max().item() <= 1 / 20 + 1e-8
    if lib is torch:
        assert "1/√" in (nn.Linear.__doc__ or "") or "1/√" in (nn.Linear.reset_parameters.__doc__ or "")


def test_default_init_vanishes_with_relu(lib) -> None:
    """A layer keeps n Var W / 2 = 1/6 of E h², where no bias refills it: 20 layers keep 6⁻²⁰."""
    h = lib.randn(200, 200)
    for _ in range(20):
        layer = lib.nn.Linear(200, 200, bias=False)
        h = lib.nn.functional.relu(layer(h)).detach()
    assert 0.1 < h.double().pow(2).mean().item() * 6**20 < 10


def test_gains_are_explained_where_they_are_computed() -> None:
    for name in ("tanh", "selu", "sigmoid", "leaky_relu", "elu"):
        assert name in nn.init.calculate_gain.__doc__
    assert nn.init.calculate_gain("elu") == 1.2452  # PyTorch raises


def test_gain_can_be_measured() -> None:
    """1/√E φ(u)², u ~ N(0, 1), of any function, beside the table."""
    u = np.random.default_rng(0).standard_normal(1_000_000)
    for name, φ in (("relu", torch.relu), ("elu", F.elu)):
        measured = 1 / math.sqrt(float(np.mean(np.asarray(φ(torch.tensor(u))) ** 2)))
        assert measured == pytest.approx(nn.init.calculate_gain(name), rel=0.01)


def test_empirical_gain() -> None:
    assert nn.init.empirical_gain(torch.relu) == pytest.approx(math.sqrt(2), rel=1e-3)
    assert nn.init.empirical_gain(torch.tanh) == pytest.approx(1.593, abs=5e-4)  # the docstring's number


# --- 7. fan_in and fan_out ----------------------------------------------------------------------------------


def test_fans_of_a_weight_and_of_a_kernel(lib) -> None:
    fans = lib.nn.init._calculate_fan_in_and_fan_out
    assert fans(lib.empty(3, 5)) == (5, 3)
    assert fans(lib.empty(8, 4, 3, 3)) == (36, 72)


def test_a_bias_has_no_fans_and_is_told_what_to_use() -> None:
    with pytest.raises(ValueError, match=r"fewer than 2 dimensions.*\(4,\).*zeros_"):
        nn.init.kaiming_normal_(torch.empty(4))
    assert "x @ W" in (nn.init.__doc__ or "")


@pytest.mark.parametrize("mode", ["fan_in", "fan_out"])
def test_fan_in_keeps_the_signal_and_fan_out_the_gradient(lib, mode: str) -> None:
    w = lib.nn.init.kaiming_normal_(lib.empty(100, 400), mode=mode, nonlinearity="linear")
    x, g = lib.randn(2000, 400), lib.randn(2000, 100)
    forward, backward = (x @ w.T).var() / x.var(), (g @ w).var() / g.var()
    kept, other = (forward, backward) if mode == "fan_in" else (backward, forward)
    assert kept.item() == pytest.approx(1, rel=0.05)
    assert other.item() == pytest.approx(0.25 if mode == "fan_in" else 4, rel=0.05)


def test_a_transposed_weight_is_met_with_the_shapes() -> None:
    with pytest.raises(RuntimeError, match=r"4.*3.*5"):
        F.linear(torch.zeros(4, 3), torch.zeros(3, 5), torch.zeros(5))


# --- 8. (n, 1) against (n,) ---------------------------------------------------------------------------------


def test_mse_of_a_column_and_a_row_warns_with_the_shape_and_the_remedy() -> None:
    with pytest.warns(UserWarning, match=r"\(8, 8\).*reshape\(-1, 1\)") as caught:
        nn.MSELoss()(torch.zeros(8, 1), torch.zeros(8))
    assert caught[0].filename == __file__


def test_the_warning_can_be_made_an_error() -> None:
    """Strict mode is Python's own: a filter."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning):
            F.mse_loss(torch.zeros(8, 1), torch.zeros(8))


# --- 9. layers that no optimizer sees -----------------------------------------------------------------------


def test_layers_in_a_list_are_warned_about_and_an_empty_optimizer_says_why() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = [nn.Linear(2, 2), nn.Linear(2, 2)]

    with pytest.warns(UserWarning, match=r"Net.blocks is a plain list.*nn.ModuleList"):
        model = Net()
    with pytest.raises(ValueError, match=r"empty parameter list.*plain Python list"):
        torch.optim.SGD(model.parameters(), lr=0.1)


# --- 10. plotting -------------------------------------------------------------------------------------------


def test_numpy_raises_as_in_pytorch(lib) -> None:
    with pytest.raises(RuntimeError, match="Can't call numpy"):
        lib.ones(2, requires_grad=True).numpy()


def test_tensors_that_require_grad_can_be_plotted() -> None:
    w = torch.tensor([1.0, 4.0, 9.0], requires_grad=True)
    seen = np.asarray(w)
    with pytest.raises(ValueError, match="read-only"):
        seen[0] = 0
    figure, ax = plt.subplots()
    ax.plot(w)
    ax.plot([(w * k).sum() for k in range(3)])  # a list of losses
    assert [line.get_ydata().tolist() for line in ax.lines] == [[1, 4, 9], [0, 14, 28]]
    plt.close(figure)


# --- 11. dead units, and a monitor that neither slows nor leaks ---------------------------------------------


def test_monitor_is_bounded_sparse_and_removes_its_hooks() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with stability.GradientMonitor(model, every=2, max_records=10) as monitor:
        for _ in range(100):
            optimizer.zero_grad()
            loss = model(torch.randn(16, 4)).pow(2).mean()
            loss.backward()
            optimizer.step()
            monitor.step(loss)
    assert len(monitor.records) <= 10
    assert all((record.step % 2) == 0 for record in monitor.records)
    assert "of the time" in str(monitor.report())
    assert not any(m._forward_hooks or m._forward_pre_hooks or m._backward_hooks for m in model.modules())


def test_dead_units_are_told_from_sparse_ones() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    nn.init.eye_(model[0].weight)
    with torch.no_grad():
        model[0].weight[3] = 1.0
        model[0].bias.copy_(torch.tensor([0.0, 0.0, 0.0, -100.0]))
    census = stability.dead_units(model, torch.randn(500, 3))
    assert [unit.state for unit in census.rows] == ["healthy", "healthy", "healthy", "dead"]
    assert census.rows[3].cause == "bias"


# --- 12. backward hooks -------------------------------------------------------------------------------------


def test_full_backward_hook_sees_the_gradients_of_input_and_output_only(lib) -> None:
    layer, seen = lib.nn.Linear(3, 2), {}
    layer.register_full_backward_hook(lambda module, gi, go: seen.update(gi=gi, go=go))
    x = lib.ones(4, 3, requires_grad=True)
    layer(x).sum().backward()
    assert [tuple(g.shape) for g in (*seen["gi"], *seen["go"])] == [(4, 3), (4, 2)]
    assert seen["gi"][0].tolist() == x.grad.tolist()


def test_a_tensor_hook_on_a_parameter_sees_its_gradient_before_it_is_added(lib) -> None:
    w, seen = lib.ones(2, requires_grad=True), []
    w.register_hook(lambda g: seen.append((g.tolist(), w.grad)))
    (3 * w).sum().backward()
    assert seen == [([3, 3], None)]


def test_post_accumulate_hook_sees_the_gradient_in_its_place() -> None:
    w, seen = torch.ones(2, requires_grad=True), []
    handle = w.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.tolist()))
    (3 * w).sum().backward()
    handle.remove()
    (3 * w).sum().backward()
    assert seen == [[3, 3]]


# --- 13. gradcheck ------------------------------------------------------------------------------------------


def test_gradcheck_refuses_float32_with_the_reason() -> None:
    with pytest.raises(ValueError, match=r"needs float64.*rounding error.*\.double\(\)"):
        torch.autograd.gradcheck(torch.tanh, torch.ones(2, requires_grad=True))


def test_gradcheck_recognizes_a_kink() -> None:
    x = torch.tensor([1.0, 0.0], dtype=torch.float64, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"at \(1,\) is 0, but.* 0\.5\b.*crossed a kink"):
        torch.autograd.gradcheck(torch.relu, x)


def test_gradcheck_names_the_worst_element() -> None:
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * x * torch.tensor([2.0, -2.0, 2.0], dtype=torch.float64)

    x = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"input 0 at \(1,\) is -4, but finite differences say 4.*sign"):
        torch.autograd.gradcheck(Wrong.apply, x)


# --- 14. the two variances of BatchNorm, and which axes -----------------------------------------------------


def test_batchnorm_divides_by_n_and_remembers_n_minus_1(lib) -> None:
    bn, x = lib.nn.BatchNorm1d(1, eps=1e-12, momentum=1.0), lib.tensor([[1.0], [2.0], [6.0]])
    assert bn(x)[2].item() == pytest.approx(3 / math.sqrt(14 / 3))
    assert bn.running_var.item() == pytest.approx(7)


def test_both_variances_stand_in_the_docstring() -> None:
    text = F.batch_norm.__doc__ or ""
    assert "biased" in text
    assert "unbiased" in text


def test_a_batch_of_one_gets_three_remedies() -> None:
    with pytest.raises(ValueError, match=r"more than 1 value.*eval\(\).*drop_last.*LayerNorm"):
        nn.BatchNorm1d(3)(torch.ones(1, 3))


def test_layernorm_says_which_axes_it_wants() -> None:
    with pytest.raises(RuntimeError, match=r"normalized_shape=\[4\].*\[\*, 4\].*\[2, 3\]"):
        nn.LayerNorm(4)(torch.ones(2, 3))


def test_a_normalization_explains_its_axes() -> None:
    assert "axis" in str(nn.LayerNorm([4, 5]).explain(torch.randn(2, 3, 4, 5)))


# --- 15. summary, shapes, readable statistics ---------------------------------------------------------------


def test_summary_lists_shapes_and_parameters() -> None:
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10), nn.Softmax(dim=1))
    summary = stability.summary(model, (1, 64))
    assert [row.output for row in summary.rows] == [(1, 128), (1, 128), (1, 10), (1, 10)]
    assert summary.parameters == 64 * 128 + 128 + 128 * 10 + 10
    assert "(1, 128)" in str(summary)
    assert "<table" in summary._repr_html_()


def test_repr_is_pytorchs(lib) -> None:
    assert repr(lib.tensor([[1.0, -2.5], [1e-3, 4.0]])) == (
        "tensor([[ 1.0000e+00, -2.5000e+00],\n        [ 1.0000e-03,  4.0000e+00]])"
    )


def test_statistics_of_a_tensor() -> None:
    text = str(torch.tensor([1.0, 3.0, math.nan]).stats())
    assert "nan" in text


# --- also ---------------------------------------------------------------------------------------------------


def test_a_misspelled_layer_is_told_what_was_meant() -> None:
    model = nn.Module()
    model.fc1, model.bn1 = nn.Linear(4, 4), nn.BatchNorm1d(4)
    with pytest.raises(AttributeError, match=r"no attribute 'bc1'. Did you mean.*'bn1'"):
        _ = model.bc1


def test_forget_bias() -> None:
    bias = nn.LSTM(2, 3, forget_bias=1.0).bias_ih_l0
    assert (bias[3:6] > 0.4).all()
    assert (bias[:3].abs() < 0.6).all()


def test_sigmoid_does_not_warn_of_overflow() -> None:
    x = torch.tensor([-1e4, 0.0, 1e4], requires_grad=True)
    y = torch.sigmoid(x)
    y.sum().backward()
    assert (y.tolist(), x.grad.tolist()) == ([0, 0.5, 1], [0, 0.25, 0])


def test_in_place_on_a_leaf_says_what_to_write() -> None:
    w = torch.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"leaf Variable.*in-place.*no_grad"):
        w[0] = 3.0


def test_initializers_take_a_generator() -> None:
    for name in ("kaiming_uniform_", "kaiming_normal_", "xavier_uniform_", "xavier_normal_", "normal_",
                 "uniform_", "orthogonal_", "trunc_normal_"):  # fmt: skip
        initialize = getattr(nn.init, name)
        first, second = (
            initialize(torch.empty(3, 4), generator=torch.Generator().manual_seed(5)) for _ in range(2)
        )
        assert torch.equal(first, second)


def test_gradient_of_a_norm_at_zero(lib) -> None:
    x = lib.zeros(3, requires_grad=True)
    x.norm().backward()
    assert x.grad.tolist() == [0, 0, 0]


def test_dot(lib) -> None:
    assert lib.tensor([1.0, 2.0]).dot(lib.tensor([3.0, 4.0])).item() == 11
