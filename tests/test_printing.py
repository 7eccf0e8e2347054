"""Tensors print as PyTorch prints them. The expected strings were recorded from PyTorch 2.13."""

from collections.abc import Iterator
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tinygrad_stab.dtypes import float64, set_default_dtype
from tinygrad_stab.printing import grad_fn_name, set_printoptions, tensor_repr

import tinygrad_stab

INF, NAN = np.inf, np.nan


@pytest.fixture(autouse=True)
def default_options() -> Iterator[None]:
    set_printoptions(profile="default")
    yield
    set_printoptions(profile="default")


def float32(values: object) -> np.ndarray:
    return np.asarray(values, dtype=np.float32)


def counting(*shape: int) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.int64).reshape(shape)


NOTATION = [
    # one number
    (float32(1.23456),                   "tensor(1.2346)"),
    (float32(3.0),                       "tensor(3.)"),
    (float32(-0.0),                      "tensor(-0.)"),
    (float32(1e-5),                      "tensor(1.0000e-05)"),
    (np.array(7),                        "tensor(7)"),
    # integers, bools, whole floats
    (np.array([True, False]),            "tensor([ True, False])"),
    (np.array([[1, -20], [300, 4]]),     "tensor([[  1, -20],\n        [300,   4]])"),
    (float32([1, -2, 30]),               "tensor([ 1., -2., 30.])"),
    (float32([99999999]),                "tensor([100000000.])"),
    # each bound of scientific notation, from both sides
    (float32([1, 1000]),                 "tensor([   1., 1000.])"),
    (float32([1, 1001]),                 "tensor([1.0000e+00, 1.0010e+03])"),
    (float32([1e8, 100000008]),          "tensor([1.0000e+08, 1.0000e+08])"),
    (np.array([1e-4]),                   "tensor([0.0001], dtype=torch.float64)"),
    (float32([1e-4]),                    "tensor([1.0000e-04])"),  # in float32 it is just below 10⁻⁴
    # zeros and non-finite values do not widen the columns
    (float32([0.5, NAN, -INF]),          "tensor([0.5000,    nan,   -inf])"),
    (float32([1, NAN, -INF]),            "tensor([1., nan, -inf])"),
    (float32([NAN, -0.0]),               "tensor([nan, -0.])"),
    (float32([0, 1e-8]),                 "tensor([0.0000e+00, 1.0000e-08])"),
    # what follows the numbers
    (float32([]),                        "tensor([])"),
    (float32(np.zeros((0, 3))),          "tensor([], size=(0, 3))"),
    (np.zeros((2, 0)),                   "tensor([], size=(2, 0), dtype=torch.float64)"),
    (np.array([], dtype=bool),           "tensor([], dtype=torch.bool)"),
    (np.array([1, 2], dtype=np.uint8),   "tensor([1, 2], dtype=torch.uint8)"),
    (np.array(1.0, dtype=np.float16),    "tensor(1., dtype=torch.float16)"),
]  # fmt: skip


@pytest.mark.parametrize(("array", "expected"), NOTATION, ids=[expected for _, expected in NOTATION])
def test_notation(array: np.ndarray, expected: str) -> None:
    assert tensor_repr(array) == expected


LAYOUT = {
    "blank lines between matrices": (counting(2, 2, 2), """\
tensor([[[0, 1],
         [2, 3]],

        [[4, 5],
         [6, 7]]])"""),
    "two blank lines between blocks of matrices": (counting(2, 2, 1, 2), """\
tensor([[[[0, 1]],

         [[2, 3]]],


        [[[4, 5]],

         [[6, 7]]]])"""),
    "a long row wraps": (counting(30), """\
tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,
        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29])"""),
    "zeros are taken for one column wide, and overrun": (float32(np.zeros(30)), """\
tensor([0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0., 0.,
        0., 0., 0., 0., 0., 0.])"""),
    "a long vector is summarised": (counting(1001), """\
tensor([   0,    1,    2,  ...,  998,  999, 1000])"""),
    "a summarised row wraps, too": (float32(counting(20, 100)), """\
tensor([[0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., 9.7000e+01, 9.8000e+01,
         9.9000e+01],
        [1.0000e+02, 1.0100e+02, 1.0200e+02,  ..., 1.9700e+02, 1.9800e+02,
         1.9900e+02],
        [2.0000e+02, 2.0100e+02, 2.0200e+02,  ..., 2.9700e+02, 2.9800e+02,
         2.9900e+02],
        ...,
        [1.7000e+03, 1.7010e+03, 1.7020e+03,  ..., 1.7970e+03, 1.7980e+03,
         1.7990e+03],
        [1.8000e+03, 1.8010e+03, 1.8020e+03,  ..., 1.8970e+03, 1.8980e+03,
         1.8990e+03],
        [1.9000e+03, 1.9010e+03, 1.9020e+03,  ..., 1.9970e+03, 1.9980e+03,
         1.9990e+03]])"""),
    "a short axis of a summarised tensor is shown whole": (counting(501, 1, 2), """\
tensor([[[   0,    1]],

        [[   2,    3]],

        [[   4,    5]],

        ...,

        [[ 996,  997]],

        [[ 998,  999]],

        [[1000, 1001]]])"""),
}  # fmt: skip


@pytest.mark.parametrize(("array", "expected"), LAYOUT.values(), ids=LAYOUT)
def test_layout(array: np.ndarray, expected: str) -> None:
    assert tensor_repr(array) == expected


def test_the_default_dtype_goes_without_saying() -> None:
    set_default_dtype(float64)
    try:
        assert tensor_repr(np.ones(1)) == "tensor([1.])"
        assert tensor_repr(float32([1])) == "tensor([1.], dtype=torch.float32)"
        assert tensor_repr(np.ones(0)) == "tensor([])"
        assert tensor_repr(np.ones(0, int)) == "tensor([], dtype=torch.int64)"
        assert tensor_repr(np.ones(1, int)) == "tensor([1])"
    finally:
        set_default_dtype(np.float32)


def test_tells_where_the_tensor_came_from() -> None:
    x = float32([1, 2])
    assert tensor_repr(x, requires_grad=True) == "tensor([1., 2.], requires_grad=True)"
    made = tensor_repr(x.astype(np.float64), requires_grad=True, grad_fn=grad_fn_name("add"))
    assert made == "tensor([1., 2.], dtype=torch.float64, grad_fn=<AddBackward0>)"


def test_a_note_that_does_not_fit_goes_to_the_next_line() -> None:
    assert tensor_repr(np.full(13, 10, dtype=np.uint8)) == (
        "tensor([10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10], dtype=torch.uint8)"
    )
    assert tensor_repr(float32([1] * 13), requires_grad=True) == (
        "tensor([1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1.],\n       requires_grad=True)"
    )
    assert tensor_repr(np.ones(8), requires_grad=True) == (
        "tensor([1., 1., 1., 1., 1., 1., 1., 1.], dtype=torch.float64,\n       requires_grad=True)"
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"precision": 2}, "tensor([0.12, 1.00, 2.00, 3.00, 4.00])"),
        ({"sci_mode": True, "precision": 0}, "tensor([1e-01, 1e+00, 2e+00, 3e+00, 4e+00])"),
        ({"threshold": 3, "edgeitems": 1}, "tensor([0.1250,  ..., 4.0000])"),
        ({"threshold": 3, "edgeitems": 0}, "tensor([...], size=(5,))"),
        ({"linewidth": 32}, "tensor([0.1250, 1.0000, 2.0000,\n        3.0000, 4.0000])"),
        ({"profile": "short", "threshold": 3}, "tensor([0.12, 1.00,  ..., 3.00, 4.00])"),
    ],
    ids=str,
)
def test_options(options: dict, expected: str) -> None:
    set_printoptions(**options)
    assert tensor_repr(float32([0.125, 1, 2, 3, 4])) == expected


def test_options_last_but_for_sci_mode() -> None:
    set_printoptions(precision=1, sci_mode=True)
    assert tensor_repr(float32([0.5])) == "tensor([5.0e-01])"
    set_printoptions(linewidth=120)
    assert tensor_repr(float32([0.5])) == "tensor([0.5])"


def test_sci_mode_can_be_forbidden() -> None:
    set_printoptions(sci_mode=False)
    assert tensor_repr(float32([1e-8, 1000])) == "tensor([   0.0000, 1000.0000])"


def test_a_thousand_elements_are_shown_and_more_with_the_full_profile() -> None:
    assert tensor_repr(counting(1000)).count(",") == 999
    set_printoptions(profile="full")
    assert tensor_repr(counting(1001)).count(",") == 1000


def test_unknown_profile_is_refused() -> None:
    with pytest.raises(ValueError, match="'long'; choose one of default, short, full"):
        set_printoptions(profile="long")


@pytest.mark.parametrize(
    ("op", "name"),
    [
        ("tanh", "TanhBackward0"),
        ("leaky_relu", "LeakyReluBackward0"),
        ("log1p", "Log1PBackward0"),
        ("multiply", "MulBackward0"),
        ("matmul", "MmBackward0"),
        ("clip", "ClampBackward1"),
        ("cross_entropy", "NllLossBackward0"),
    ],
)
def test_grad_fn_name(op: str, name: str) -> None:
    assert grad_fn_name(op) == name


def test_one_of_several_outputs_is_called_after_the_step_that_made_them() -> None:
    y = tinygrad_stab.nn.BatchNorm1d(3)(tinygrad_stab.randn(4, 3))
    assert "grad_fn=<NativeBatchNormBackward0>" in repr(y)


DTYPES: list[Any] = [np.float32, np.float64, np.float16, np.int64, np.int32, np.uint8, np.bool_]
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "precision": st.integers(0, 8),
        "threshold": st.integers(0, 60),
        "edgeitems": st.integers(0, 4),
        "linewidth": st.integers(10, 120),
        "sci_mode": st.booleans(),
        "profile": st.sampled_from(["default", "short", "full"]),
    },
)


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray:
    """Numbers of one magnitude, 1e-8 to 1e12, whole or not, with zeros, nan or infinities strewn in."""
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    x = np.asarray(rng.normal(size=shape) * 10.0 ** draw(st.integers(-8, 12)))
    if draw(st.booleans()):
        x = np.round(x)
    strewn = draw(st.sampled_from([0.0, -0.0, NAN, INF, -INF, 1e-4, 1e8]))
    x = np.where(rng.random(shape) < draw(st.sampled_from([0.0, 0.2, 1.0])), strewn, x)
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    if dtype.kind in "iu":
        low, high = (-1e15, 1e15) if dtype == np.int64 else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        x = np.clip(np.nan_to_num(x), low, high)
    with np.errstate(over="ignore"):  # float16 ends at 65504
        return np.asarray(x.astype(dtype))


@settings(deadline=None)
@given(array=arrays(), options=OPTIONS, requires_grad=st.booleans())
def test_prints_what_pytorch_prints(array: np.ndarray, options: dict, requires_grad: bool) -> None:
    torch = pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")
    t = torch.tensor(array, requires_grad=requires_grad and array.dtype.kind == "f")
    set_printoptions(profile="default")
    set_printoptions(**options)
    torch.set_printoptions(profile="default")
    torch.set_printoptions(**options)
    try:
        assert tensor_repr(array, requires_grad=t.requires_grad) == repr(t)
    finally:
        torch.set_printoptions(profile="default")
