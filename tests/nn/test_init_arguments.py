"""Initializers: the generator, the graph that does not see them, and arguments that do not fit."""

from collections.abc import Callable
from typing import Any

import pytest

import tinygrad_stab as torch
from tinygrad_stab import Tensor, nn
from tinygrad_stab.nn import init

RANDOM: dict[str, Callable[..., Tensor]] = {
    "uniform_": init.uniform_,
    "normal_": init.normal_,
    "trunc_normal_": init.trunc_normal_,
    "xavier_uniform_": init.xavier_uniform_,
    "xavier_normal_": init.xavier_normal_,
    "kaiming_uniform_": init.kaiming_uniform_,
    "kaiming_normal_": init.kaiming_normal_,
    "orthogonal_": init.orthogonal_,
    "sparse_": lambda w, **options: init.sparse_(w, 0.3, **options),
}
each_random = pytest.mark.parametrize("initialize", RANDOM.values(), ids=RANDOM)


@each_random
def test_the_same_generator_gives_the_same_weights(initialize: Callable) -> None:
    def draw(seed: int) -> list:
        return initialize(torch.empty(4, 5), generator=torch.Generator().manual_seed(seed)).tolist()

    assert draw(7) == draw(7)
    assert draw(7) != draw(8)


@each_random
def test_a_generator_leaves_the_default_one_alone(initialize: Callable) -> None:
    torch.manual_seed(3)
    expected = initialize(torch.empty(4, 5)).tolist()
    torch.manual_seed(3)
    initialize(torch.empty(4, 5), generator=torch.Generator().manual_seed(7))
    assert initialize(torch.empty(4, 5)).tolist() == expected


@each_random
def test_a_parameter_is_filled_unseen_by_the_graph(initialize: Callable) -> None:
    w = nn.Parameter(torch.zeros(4, 5))
    assert initialize(w) is w
    assert w.is_leaf
    assert w.requires_grad
    assert w.array.any()


# --- mistakes -----------------------------------------------------------------------------------------------

OF_MATRICES = ["xavier_uniform_", "xavier_normal_", "kaiming_uniform_", "kaiming_normal_"]


@pytest.mark.parametrize("name", OF_MATRICES)
def test_a_bias_has_no_fans(lib: Any, name: str) -> None:
    with pytest.raises(
        ValueError, match="Fan in and fan out can not be computed for tensor with fewer than 2 dim"
    ):
        getattr(lib.nn.init, name)(lib.zeros(3))


def test_the_refusal_says_what_a_bias_wants() -> None:
    with pytest.raises(ValueError, match=r"shape \(3,\).*zeros_"):
        init.kaiming_uniform_(torch.zeros(3))


def test_orthogonal_and_eye_want_matrices(lib: Any) -> None:
    with pytest.raises(ValueError, match="2 or more dimensions"):
        lib.nn.init.orthogonal_(lib.zeros(3))
    with pytest.raises(ValueError, match="2 dimensions"):
        lib.nn.init.eye_(lib.zeros(3))


NEED_A_TENSOR: dict[str, Callable[..., Tensor]] = {
    **RANDOM,
    "constant_": lambda w: init.constant_(w, 1.0),
    "zeros_": init.zeros_,
    "ones_": init.ones_,
    "eye_": init.eye_,
}


@pytest.mark.parametrize("initialize", NEED_A_TENSOR.values(), ids=NEED_A_TENSOR)
def test_the_bias_of_a_layer_without_bias_is_no_tensor(initialize: Callable) -> None:
    with pytest.raises(ValueError, match=r"there is no tensor to initialize.*bias=False"):
        initialize(nn.Linear(2, 2, bias=False).bias)


def test_an_unknown_nonlinearity_is_refused(lib: Any) -> None:
    with pytest.raises(ValueError, match="Unsupported nonlinearity swish"):
        lib.nn.init.kaiming_normal_(lib.zeros(2, 2), nonlinearity="swish")


def test_an_unknown_mode_is_refused_and_nothing_changed(lib: Any) -> None:
    w = lib.zeros(2, 2)
    with pytest.raises(ValueError, match=r"(?i)mode fan_average not supported.*fan_in.*fan_out"):
        lib.nn.init.kaiming_normal_(w, mode="fan_average")
    assert w.tolist() == [[0, 0], [0, 0]]
