"""Conv2d and pooling: values and gradients as PyTorch's, derivatives as finite differences say, to order two.

The expected values were recorded from PyTorch 2.13.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_stab
from tinygrad_stab import Tensor, directional_check
from tinygrad_stab.autograd import grad
from tinygrad_stab.nn.convolution import AvgPool2d, Conv2d, MaxPool2d, avg_pool2d, conv2d, max_pool2d
from tinygrad_stab.ops import convolution


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch", reason="PyTorch is not installed")


def counting(*shape: int, modulo: int) -> Tensor:
    values = np.arange(math.prod(shape), dtype=np.float64).reshape(shape) % modulo
    return tinygrad_stab.tensor(values, requires_grad=True)


def values_and_gradients(
    lib: Any, function: Callable, arrays: list, upstream: Any = None
) -> list[np.ndarray]:
    """The output, and the gradients of all inputs for an upstream gradient, which is drawn if not given."""
    inputs = [lib.tensor(a, requires_grad=True) for a in arrays]
    y = function(*inputs)
    if upstream is None:
        upstream = np.random.default_rng(1).standard_normal(tuple(y.shape))
    y.backward(lib.tensor(upstream))
    return [y.detach().numpy(), *(x.grad.numpy() for x in inputs)]


def assert_same(found: list, expected: list) -> None:
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-10)


# --- convolution -----------------------------------------------------------------------------------------


def test_recorded_convolution() -> None:
    x, W = counting(1, 2, 4, 4, modulo=7), counting(2, 2, 2, 2, modulo=5)
    b = tinygrad_stab.tensor([0.5, -1.0], dtype=np.float64, requires_grad=True)
    y = conv2d(x, W - 2, b, stride=2, padding=1)
    assert y.tolist() == [
        [
            [[0.5, -0.5, -4.5], [-14.5, -18.5, -1.5], [-4.5, -13.5, 4.5]],
            [[-5.0, -7.0, 3.0], [6.0, 8.0, 3.0], [9.0, 7.0, 0.0]],
        ]
    ]
    y.backward(counting(1, 2, 3, 3, modulo=4).detach())
    assert x.grad.tolist() == [
        [
            [[-1, -4, -1, -6], [-3, 1, 2, 0], [3, -2, -1, -4], [4, -6, -3, 1]],
            [[-2, 3, -4, 4], [-6, 0, 1, 2], [0, 2, -2, 3], [-1, 6, -6, 0]],
        ]
    ]
    assert W.grad.tolist() == [
        [[[18, 22], [11, 5]], [[5, 24], [19, 13]]],
        [[[6, 21], [21, 7]], [[7, 1], [37, 15]]],
    ]
    assert b.grad.tolist() == [12, 13]


def test_every_output_is_the_sum_that_the_docstring_says() -> None:
    rng = np.random.default_rng(0)
    x, W, b = rng.standard_normal((2, 3, 5, 6)), rng.standard_normal((4, 3, 2, 3)), rng.standard_normal(4)
    (s, t), (p, q) = (2, 1), (1, 2)
    y = convolution.conv2d(x, W, b, (s, t), (p, q))
    assert y.shape == (2, 4, 3, 8)
    for n, o, i, j in np.ndindex(*y.shape):
        total = b[o]
        for c, u, v in np.ndindex(*W.shape[1:]):
            row, column = s * i + u - p, t * j + v - q
            if 0 <= row < 5 and 0 <= column < 6:
                total += W[o, c, u, v] * x[n, c, row, column]
        assert y[n, o, i, j] == pytest.approx(total)


def drawn_convolution(seed: int) -> tuple[list[np.ndarray], dict[str, Any]]:
    rng = np.random.default_rng(seed)
    n, c, o, h, w = (int(k) for k in rng.integers(1, 7, 5))
    options: dict[str, Any] = {"stride": rng.integers(1, 4, 2), "padding": rng.integers(0, 4, 2)}
    options = {name: tuple(int(k) for k in value) for name, value in options.items()}
    kh, kw = (int(rng.integers(1, m + 2 * p + 1)) for m, p in zip((h, w), options["padding"]))
    shapes = [(n, c, h, w), (o, c, kh, kw)] + ([(o,)] if rng.integers(2) else [])
    if rng.integers(2):
        options = {"stride": options["stride"][0]}
        shapes[0], shapes[1] = (n, c, h + 3, w + 3), (o, c, min(kh, h), min(kw, w))
    if rng.integers(4) == 0:
        shapes[0] = shapes[0][1:]  # one image instead of a batch
    return [rng.standard_normal(shape) for shape in shapes], options


@pytest.mark.parametrize("seed", range(40))
def test_convolution_is_that_of_pytorch(torch: Any, seed: int) -> None:
    arrays, options = drawn_convolution(seed)
    found = values_and_gradients(tinygrad_stab, lambda *xs: conv2d(*xs, **options), arrays)
    expected = values_and_gradients(torch, lambda *xs: torch.nn.functional.conv2d(*xs, **options), arrays)
    assert_same(found, expected)


@pytest.mark.parametrize("seed", range(40))
def test_convolution_agrees_with_finite_differences_to_second_order(seed: int) -> None:
    arrays, options = drawn_convolution(seed)
    inputs = [tinygrad_stab.tensor(a, requires_grad=True) for a in arrays]
    assert directional_check(lambda *xs: conv2d(*xs, **options), inputs)


PLACES = [
    ((3, 2), (1, 1), (0, 0)),
    ((3, 3), (2, 1), (1, 2)),
    ((2, 3), (3, 2), (1, 0)),
    ((1, 1), (2, 2), (0, 0)),
]


@pytest.mark.parametrize(("kernel", "stride", "padding"), PLACES)
def test_the_two_partners_agree_with_finite_differences_to_second_order(
    randn: Any, kernel: Any, stride: Any, padding: Any
) -> None:
    x, W = randn(2, 3, 7, 6), randn(4, 3, *kernel)
    g = randn(*convolution.conv2d(x, W, None, stride, padding).shape)
    assert directional_check(lambda W, g: convolution.conv2d_input(W, g, (7, 6), stride, padding), [W, g])
    assert directional_check(lambda x, g: convolution.conv2d_weight(x, g, kernel, stride, padding), [x, g])


@pytest.mark.parametrize(("kernel", "stride", "padding"), PLACES)
def test_all_three_are_derivatives_of_one_number(rng: Any, kernel: Any, stride: Any, padding: Any) -> None:
    x, W = rng.standard_normal((2, 3, 7, 6)), rng.standard_normal((4, 3, *kernel))
    y = convolution.conv2d(x, W, None, stride, padding)
    g = rng.standard_normal(y.shape)
    T = np.sum(g * y)
    assert np.sum(x * convolution.conv2d_input(W, g, (7, 6), stride, padding)) == pytest.approx(T)
    assert np.sum(W * convolution.conv2d_weight(x, g, kernel, stride, padding)) == pytest.approx(T)


def test_a_third_derivative() -> None:
    """Of (x ∗ W)³, by x, x and W: the two partners in each other's place."""
    x, W = (counting(1, 1, 3, 3, modulo=5), counting(1, 1, 2, 2, modulo=3))
    (gx,) = grad((conv2d(x, W) ** 3).sum(), x, create_graph=True)
    (gxx,) = grad((gx**2).sum(), x, create_graph=True)
    assert directional_check(
        lambda x, W: grad((conv2d(x, W) ** 3).sum(), x, create_graph=True)[0],
        [x.detach().requires_grad_(), W],
    )
    assert gxx.requires_grad


def test_a_convolution_of_one_window_is_a_linear_layer(randn: Any) -> None:
    x, W, b = randn(5, 3, 4, 2), randn(6, 3, 4, 2), randn(6)
    flat = tinygrad_stab.ops.linear(x.reshape(5, -1), W.reshape(6, -1), b)
    np.testing.assert_allclose(conv2d(x, W, b).reshape(5, 6).tolist(), flat.tolist())


def test_an_empty_batch_has_an_empty_result_and_gives_the_weight_no_gradient(randn: Any) -> None:
    x, W = tinygrad_stab.zeros(0, 2, 5, 5, dtype=np.float64, requires_grad=True), randn(3, 2, 2, 2)
    y = conv2d(x, W, stride=2)
    assert y.shape == (0, 3, 2, 2)
    y.sum().backward()
    assert x.grad.shape == (0, 2, 5, 5)
    assert W.grad.tolist() == np.zeros((3, 2, 2, 2)).tolist()


def test_float32_stays_float32() -> None:
    layer = Conv2d(2, 3, 3, padding=1)
    y = MaxPool2d(2)(AvgPool2d(2)(layer(tinygrad_stab.randn(2, 2, 8, 8))))
    y.sum().backward()
    assert {y.dtype, layer.weight.grad.dtype, layer.bias.grad.dtype} == {np.dtype("float32")}  # type: ignore[union-attr]


# --- the layer -------------------------------------------------------------------------------------------


def test_the_layer_has_pytorchs_shapes_names_and_repr(torch: Any) -> None:
    for args, options in [
        ((3, 8, 3), {"padding": 1}),
        ((3, 8, (3, 5)), {"stride": 2, "bias": False}),
        ((1, 2, 3), {"padding": "same"}),
        ((1, 2, (1, 3)), {"stride": (2, 1), "padding": "valid", "padding_mode": "zeros", "groups": 1}),
    ]:
        ours, theirs = Conv2d(*args, **options), torch.nn.Conv2d(*args, **options)
        assert repr(ours) == repr(theirs)
        assert [(n, tuple(p.shape)) for n, p in ours.named_parameters()] == [
            (n, tuple(p.shape)) for n, p in theirs.named_parameters()
        ]
        x = np.random.default_rng(0).standard_normal((2, args[0], 7, 9)).astype(np.float32)
        theirs.load_state_dict({n: torch.tensor(p.detach().numpy()) for n, p in ours.named_parameters()})
        np.testing.assert_allclose(
            ours(tinygrad_stab.tensor(x)).detach().numpy(),
            theirs(torch.tensor(x)).detach().numpy(),
            atol=1e-5,
        )


def test_reprs() -> None:
    assert (
        repr(Conv2d(3, 8, 3, padding=1)) == "Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))"
    )
    assert repr(Conv2d(3, 8, (3, 5), stride=2, bias=False)) == (
        "Conv2d(3, 8, kernel_size=(3, 5), stride=(2, 2), bias=False)"
    )
    assert repr(MaxPool2d(2)) == "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)"
    assert repr(AvgPool2d((2, 3), 1, 1)) == "AvgPool2d(kernel_size=(2, 3), stride=1, padding=1)"


def test_pooling_reprs_are_those_of_pytorch(torch: Any) -> None:
    for args in [(2,), ((2, 3), 1, 1), (3, (2, 1))]:
        assert repr(MaxPool2d(*args)) == repr(torch.nn.MaxPool2d(*args))
        assert repr(AvgPool2d(*args)) == repr(torch.nn.AvgPool2d(*args))


def test_the_weights_start_uniform_within_one_over_root_fan_in() -> None:
    layer = Conv2d(16, 64, (3, 5))
    bound = 1 / math.sqrt(16 * 15)
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()  # type: ignore[union-attr]
    assert 0.99 * bound < np.abs(weight).max() <= bound
    assert 0.8 * bound < np.abs(bias).max() <= bound
    assert np.std(weight) == pytest.approx(bound / math.sqrt(3), rel=0.02)


def test_the_layers_derivatives_by_input_and_parameters(randn: Any, check_derivatives: Callable) -> None:
    check_derivatives(Conv2d(2, 3, 3, stride=2, padding=1), randn(2, 2, 5, 5))
    check_derivatives(Conv2d(2, 3, (1, 3), padding="same", bias=False), randn(2, 2, 3, 4))


def test_same_padding_keeps_the_size() -> None:
    assert Conv2d(1, 1, (3, 5), padding="same")(tinygrad_stab.zeros(1, 1, 6, 7)).shape == (1, 1, 6, 7)


# --- pooling ---------------------------------------------------------------------------------------------


def test_what_was_pooled_is_no_view() -> None:
    x = tinygrad_stab.randn(1, 1, 4, 4, requires_grad=True)
    y = max_pool2d(x, 2)
    y += 1
    y.sum().backward()
    assert x.grad.sum().item() == 4


def test_recorded_max_pooling() -> None:
    x = counting(1, 2, 4, 4, modulo=7)
    y = max_pool2d(x, 2, stride=1)
    assert y.tolist() == [[[[5, 6, 6], [5, 6, 6], [6, 6, 4]], [[6, 4, 5], [6, 5, 6], [4, 5, 6]]]]
    y.sum().backward()
    assert x.grad.tolist() == [
        [
            [[0, 0, 0, 0], [0, 2, 4, 0], [0, 0, 0, 1], [0, 2, 0, 0]],
            [[0, 0, 1, 1], [2, 0, 0, 0], [0, 1, 2, 2], [0, 0, 0, 0]],
        ]
    ]


def test_recorded_average_pooling() -> None:
    x = counting(1, 2, 4, 4, modulo=7)
    y = avg_pool2d(x, (2, 3), stride=2, padding=1)
    expected = [[[[1, 6], [12, 20], [11, 7]], [[5, 12], [13, 18], [1, 6]]]]
    np.testing.assert_allclose(y.tolist(), np.array(expected) / 6)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.tolist(), np.broadcast_to(np.array([1, 2, 1, 1]) / 6, (1, 2, 4, 4)))


def drawn_pooling(seed: int) -> tuple[np.ndarray, dict[str, Any]]:
    rng = np.random.default_rng(seed)
    kernel = [int(k) for k in rng.integers(1, 5, 2)]
    options: dict[str, Any] = {"kernel_size": tuple(kernel)}
    if rng.integers(2):
        options["stride"] = tuple(int(s) for s in rng.integers(1, 4, 2))
    if rng.integers(2):
        options["padding"] = tuple(int(rng.integers(0, k // 2 + 1)) for k in kernel)
    shape = (*rng.integers(1, 4, 2), *(k + rng.integers(0, 5) for k in kernel))
    return rng.standard_normal(shape[rng.integers(2) :]), options


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("pool", [max_pool2d, avg_pool2d])
def test_pooling_is_that_of_pytorch(torch: Any, pool: Callable, seed: int) -> None:
    x, options = drawn_pooling(seed)
    theirs = getattr(torch.nn.functional, pool.__name__)
    for values in (x, np.round(x)):  # rounded, several elements of a window are largest
        found = values_and_gradients(tinygrad_stab, lambda x: pool(x, **options), [values])
        assert_same(found, values_and_gradients(torch, lambda x: theirs(x, **options), [values]))


@pytest.mark.parametrize("seed", range(15))
@pytest.mark.parametrize("pool", [max_pool2d, avg_pool2d])
def test_pooling_agrees_with_finite_differences_to_second_order(pool: Callable, seed: int) -> None:
    x, options = drawn_pooling(seed)
    assert directional_check(lambda x: pool(x, **options) ** 3, [tinygrad_stab.tensor(x, requires_grad=True)])


def test_padding_never_wins_a_maximum() -> None:
    x = tinygrad_stab.tensor([[[-2.0, -3.0], [-math.inf, -math.inf]]], requires_grad=True)
    y = max_pool2d(x, (1, 2), stride=1, padding=(0, 1))
    assert y.tolist() == [[[-2.0, -2.0, -3.0], [-math.inf] * 3]]
    y[:, 0].sum().backward()
    assert x.grad.tolist() == [[[2.0, 1.0], [0.0, 0.0]]]
    assert max_pool2d(tinygrad_stab.tensor([[[1.0, math.nan]]]), (1, 2)).isnan().item()


# --- what is refused -------------------------------------------------------------------------------------


def test_variants_are_refused_with_the_reason() -> None:
    for make, why in [
        (lambda: Conv2d(2, 2, 3, dilation=2), "dilation=.*gaps"),
        (lambda: Conv2d(2, 2, 3, groups=2), "groups=2.*side by side"),
        (lambda: Conv2d(2, 2, 3, padding_mode="reflect"), "padding_mode='reflect'.*counts as 0"),
        (lambda: Conv2d(2, 2, 2, padding="same"), "odd kernel_size"),
        (lambda: Conv2d(2, 2, 3, padding="same", stride=2), "not supported for strided convolutions"),
        (lambda: Conv2d(2, 2, 3, padding="full"), "Invalid padding string 'full'"),
        (lambda: MaxPool2d(2, ceil_mode=True), "ceil_mode=True"),
        (lambda: MaxPool2d(2, return_indices=True), "return_indices=True"),
        (lambda: MaxPool2d(2, dilation=2), "dilation=2"),
        (lambda: AvgPool2d(2, count_include_pad=False), "count_include_pad=False"),
        (lambda: AvgPool2d(2, divisor_override=3), "divisor_override=3"),
    ]:
        with pytest.raises(ValueError, match=why):
            make()


@pytest.mark.parametrize("name", ["ours", "theirs"])
def test_shapes_that_do_not_fit_are_refused_as_in_pytorch(request: pytest.FixtureRequest, name: str) -> None:
    if name == "theirs":
        lib = request.getfixturevalue("torch")
        nn, zeros = lib.nn, lib.zeros
        functional = lib.nn.functional
    else:
        from tinygrad_stab.nn import convolution

        zeros = tinygrad_stab.zeros
        nn = functional = convolution
    pool = functional.max_pool2d
    with pytest.raises(RuntimeError, match=r"\[1, 4, 8, 8\] to have 3 channels, but got 4 channels instead"):
        nn.Conv2d(3, 8, 3)(zeros(1, 4, 8, 8))
    with pytest.raises(
        RuntimeError, match=r"\(2 x 4\). Kernel size: \(3 x 3\). Kernel size can't be greater"
    ):
        nn.Conv2d(1, 1, 3)(zeros(1, 1, 2, 4))
    with pytest.raises(RuntimeError, match=r"Expected 3D \(unbatched\) or 4D \(batched\) input to conv2d"):
        nn.Conv2d(1, 1, 3)(zeros(1, 8))
    with pytest.raises(RuntimeError, match="stride"):
        nn.Conv2d(1, 1, 3, stride=0)(zeros(1, 1, 8, 8))
    with pytest.raises(RuntimeError, match="pad should be at most half of effective kernel size"):
        pool(zeros(1, 1, 8, 8), 2, padding=2)
