"""An initializer is tested by what it promises: a variance that survives 50 layers, forward or backward."""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import tinygrad_stab as torch
from tinygrad_stab import Tensor, nn
from tinygrad_stab.nn import functional as F
from tinygrad_stab.nn import init

DEPTH = 50


def kept(
    initialize: Callable[[Tensor], Any],
    phi: Callable[[Tensor], Tensor],
    sizes: Sequence[int] = (256,) * (DEPTH + 1),
) -> tuple[float, float]:
    """By which factor one layer changes E z² going forward, and E δ² going backward.

    From the first pre-activation z to the last, and back: each layer in between has φ before its weights. The
    geometric mean over 5 seeds is taken, for this is a product of random factors.
    """
    logs = []
    for seed in range(5):
        torch.manual_seed(seed)
        layers = [nn.Linear(n, m, bias=False) for n, m in itertools.pairwise(sizes)]
        for layer in layers:
            initialize(layer.weight)
        zs = [layers[0](torch.randn(64, sizes[0]))]
        for layer in layers[1:]:
            zs.append(layer(phi(zs[-1])))
        top = torch.randn(*zs[-1].shape)
        (bottom,) = torch.autograd.grad(zs[-1], zs[0], top)
        power = [(t**2).mean().item() for t in (zs[0], zs[-1], top, bottom)]
        logs.append((math.log(power[1] / power[0]), math.log(power[3] / power[2])))
    forward, backward = np.exp(np.mean(logs, axis=0) / (len(sizes) - 2))
    return float(forward), float(backward)


# --- the promise --------------------------------------------------------------------------------------------
# A factor off by 3 % a layer is one of 4.4 after 50. At width 256 the mean logarithm lies 1 % below 0 for
# ReLU, because E log < log E, and scatters by less.


@pytest.mark.parametrize("draw", [init.kaiming_normal_, init.kaiming_uniform_])
def test_he_with_relu_keeps_the_variance_through_50_layers(draw: Callable) -> None:
    forward, backward = kept(lambda w: draw(w, nonlinearity="relu"), F.relu)
    assert forward == pytest.approx(1, abs=0.03)
    assert backward == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("slope", [0.01, 0.2, 0.5, 1.0])
def test_he_with_leaky_relu_keeps_it_when_told_the_slope(slope: float) -> None:
    def initialize(w: Tensor) -> Tensor:
        return init.kaiming_normal_(w, a=slope, nonlinearity="leaky_relu")

    forward, backward = kept(initialize, lambda z: F.leaky_relu(z, slope))
    assert forward == pytest.approx(1, abs=0.03)
    assert backward == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("draw", [init.xavier_normal_, init.xavier_uniform_])
def test_xavier_keeps_it_in_a_linear_net(draw: Callable) -> None:
    forward, backward = kept(draw, lambda z: z)
    assert forward == pytest.approx(1, abs=0.03)
    assert backward == pytest.approx(1, abs=0.03)


def test_orthogonal_keeps_it_exactly_in_a_linear_net() -> None:
    forward, backward = kept(init.orthogonal_, lambda z: z, (64,) * (DEPTH + 1))
    assert forward == pytest.approx(1, abs=1e-6)
    assert backward == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(("mode", "expected"), [("fan_in", (1, 1.1)), ("fan_out", (1 / 1.1, 1))])
def test_where_widths_grow_he_keeps_one_direction(mode: str, expected: tuple) -> None:
    """Each of 20 layers is 1.1 times as wide as the one before: fan_in keeps E z², fan_out keeps E δ²."""
    sizes = [round(40 * 1.1**k) for k in range(21)]
    measured = kept(lambda w: init.kaiming_normal_(w, mode=mode, nonlinearity="relu"), F.relu, sizes)
    assert measured == pytest.approx(expected, abs=0.04)


@pytest.mark.parametrize(("gain", "phi"), [(1.0, F.relu), (math.sqrt(2), lambda z: z)])
def test_the_wrong_gain_does_not_keep_it(gain: float, phi: Callable) -> None:
    """Without the √2 a ReLU net loses a factor 2 a layer, 2⁻⁵⁰ in all; with it, a linear net gains one."""
    forward, backward = kept(lambda w: init.xavier_normal_(w, gain=gain), phi)
    expected = gain**2 * (0.5 if phi is F.relu else 1)
    assert forward == pytest.approx(expected, rel=0.03)
    assert backward == pytest.approx(expected, rel=0.03)


def test_a_truncated_normal_that_is_not_corrected_loses_nearly_all_of_it() -> None:
    """The docstring's numbers: a factor 0.774 a layer, 2.7e-6 after 50."""
    measured = kept(
        lambda w: init.trunc_normal_(w, std=1 / 8, a=-1 / 4, b=1 / 4), lambda z: z, (64,) * (DEPTH + 1)
    )
    assert measured == pytest.approx((0.774, 0.774), rel=0.03)
    assert math.pow(0.774, 50) == pytest.approx(2.7e-6, rel=0.02)


# --- variance of each distribution --------------------------------------------------------------------------

N, M = (
    300,
    500,
)  # fan_in, fan_out: 150 000 weights; the relative sd of their variance is √(2/N) = 0.4 % at most
VARIANCES: dict[str, tuple[Callable[[Tensor], Tensor], float]] = {
    "xavier_normal_":          (init.xavier_normal_,                                   2 / (N + M)),
    "xavier_uniform_":         (init.xavier_uniform_,                                  2 / (N + M)),
    "xavier, gain 5/3":        (lambda w: init.xavier_normal_(w, gain=5 / 3),          25 / 9 * 2 / (N + M)),
    "kaiming_normal_":         (init.kaiming_normal_,                                  2 / N),
    "kaiming_uniform_":        (init.kaiming_uniform_,                                 2 / N),
    "kaiming, fan_out":        (lambda w: init.kaiming_normal_(w, mode="fan_out"),     2 / M),
    "kaiming, slope 0.5":      (lambda w: init.kaiming_uniform_(w, a=0.5),             2 / 1.25 / N),
    "kaiming, slope ignored":  (lambda w: init.kaiming_normal_(w, a=0.5, nonlinearity="relu"), 2 / N),
    "kaiming, sigmoid":        (lambda w: init.kaiming_uniform_(w, nonlinearity="sigmoid"),    1 / N),
    "normal_":                 (lambda w: init.normal_(w, 0.0, 0.3),                   0.09),
    "uniform_":                (lambda w: init.uniform_(w, -0.6, 0.6),                 0.12),
    "trunc_normal_":           (init.trunc_normal_,                                    0.7737),
    "orthogonal_":             (init.orthogonal_,                                      1 / M),
}  # fmt: skip


@pytest.mark.parametrize(("initialize", "variance"), VARIANCES.values(), ids=VARIANCES)
def test_mean_and_variance(initialize: Callable, variance: float) -> None:
    w = torch.empty(M, N)
    assert initialize(w) is w
    assert w.dtype == torch.float32
    assert abs(w.array.mean()) < 5 * math.sqrt(variance / w.numel())
    assert w.array.var(dtype=float) == pytest.approx(variance, rel=0.02)


def test_uniform_forms_keep_their_bounds() -> None:
    for w, bound in (
        (init.xavier_uniform_(torch.empty(M, N)), math.sqrt(6 / (N + M))),
        (init.kaiming_uniform_(torch.empty(M, N)), math.sqrt(6 / N)),
    ):
        assert 0.999 * bound < np.abs(w.array).max() <= bound * (1 + 1e-6)


def test_normal_and_uniform_have_a_mean() -> None:
    assert init.normal_(torch.empty(M, N), mean=3.0).mean().item() == pytest.approx(3, abs=0.02)
    w = init.uniform_(torch.empty(M, N), 2.0, 4.0)
    assert w.mean().item() == pytest.approx(3, abs=0.02)
    assert w.min().item() >= 2
    assert w.max().item() <= 4


def test_the_fans_of_a_convolution_count_its_kernel(lib: Any) -> None:
    fans = lib.nn.init._calculate_fan_in_and_fan_out
    assert fans(lib.zeros(8, 3, 5, 5)) == (75, 200)
    assert fans(lib.zeros(8, 3)) == (3, 8)


# --- constants and structured matrices ----------------------------------------------------------------------


def test_constants(lib: Any) -> None:
    init = lib.nn.init
    assert init.constant_(lib.empty(2), 0.5).tolist() == [0.5, 0.5]
    assert init.zeros_(lib.empty(2)).tolist() == [0, 0]
    assert init.ones_(lib.empty(1, 2)).tolist() == [[1, 1]]
    assert init.eye_(lib.empty(2, 3)).tolist() == [[1, 0, 0], [0, 1, 0]]


@pytest.mark.parametrize("shape", [(6, 6), (4, 9), (9, 4), (4, 3, 2, 2)])
def test_orthogonal_has_all_singular_values_equal_to_its_gain(shape: tuple) -> None:
    w = init.orthogonal_(torch.empty(*shape, dtype=torch.float64), gain=1.5)
    singular_values = np.linalg.svd(w.array.reshape(shape[0], -1), compute_uv=False)
    np.testing.assert_allclose(singular_values, 1.5, rtol=1e-13)


def test_orthogonal_is_uniform_so_its_diagonal_has_no_sign() -> None:
    """QR alone gives R a diagonal of fixed signs, and Q one that leans to one side."""
    diagonals = [np.diagonal(init.orthogonal_(torch.empty(3, 3)).array) for _ in range(2000)]
    assert abs(np.mean(diagonals)) < 5 / math.sqrt(3 * 3 * 2000)


def test_truncated_normal_stays_within_its_bounds() -> None:
    w = init.trunc_normal_(torch.empty(M, N), mean=1.0, std=2.0, a=0.0, b=2.5)
    assert w.min().item() >= 0
    assert w.max().item() <= 2.5


def test_the_variance_of_a_truncated_normal() -> None:
    """Cut at ±2: 1 − 2·2 φ(2)/(2 Φ(2) − 1) = 0.774."""
    phi = math.exp(-2) / math.sqrt(2 * math.pi)
    assert 1 - 4 * phi / math.erf(2 / math.sqrt(2)) == pytest.approx(0.774, abs=5e-4)


class Exhausted(Exception):
    """A generator was asked far more often than a sensible algorithm needs."""


class CountingGenerator:
    """Stands for NumPy's generator, and gives up after a while where a loop would not."""

    def __init__(self) -> None:
        self.numpy, self.rng, self.calls = self, np.random.default_rng(0), 0

    def __getattr__(self, name: str) -> Callable:
        def draw(*arguments: Any, **options: Any) -> Any:
            self.calls += 1
            if self.calls > 1000:
                raise Exhausted
            return getattr(self.rng, name)(*arguments, **options)

        return draw


def test_bounds_far_from_the_mean_do_not_take_forever() -> None:
    w = init.trunc_normal_(torch.empty(100), a=6.0, b=7.0, generator=CountingGenerator())  # type: ignore[arg-type]
    assert 6 <= w.min().item() <= w.max().item() <= 7


def test_bounds_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ValueError, match=r"a=2.*b=-2|a ≤ b|a < b"):
        init.trunc_normal_(torch.empty(3), a=2.0, b=-2.0, generator=CountingGenerator())  # type: ignore[arg-type]


@pytest.mark.parametrize(("sparsity", "zeros"), [(0.0, 0), (0.1, 1), (0.5, 5), (1.0, 10)])
def test_sparse_zeroes_a_share_of_every_column(lib: Any, sparsity: float, zeros: int) -> None:
    w = lib.nn.init.sparse_(lib.empty(10, 7), sparsity=sparsity)
    assert (w == 0).sum(0).tolist() == [zeros] * 7
    if zeros < 10:
        assert 0.003 < w[w != 0].std().item() < 0.03
