"""The averages of the theory: right to a known error, refused where there are none, kept where safe."""

import math
import threading

import numpy as np
import pytest

import tinygrad_stab as torch
from tinygrad_stab import nn
from tinygrad_stab.stability import gaussian, theory
from tinygrad_stab.stability.gaussian import mean, mean_product, mean_square, mean_square_slope
from tinygrad_stab.stability.quadrature import GAUSS, KRONROD, POINTS, integrate

F = nn.functional


def power_of_gaussian(p):
    """E |u|^p."""
    return 2 ** (p / 2) * math.gamma((p + 1) / 2) / math.sqrt(math.pi)


@pytest.mark.parametrize(("weights", "degree"), [(KRONROD, 22), (GAUSS, 13)])
def test_a_rule_is_exact_to_its_degree_and_no_further(weights, degree):
    for power in range(0, degree + 1, 2):
        assert weights @ POINTS**power == pytest.approx(2 / (power + 1), rel=1e-14)
    beyond = degree + 2 - degree % 2
    assert abs(weights @ POINTS**beyond - 2 / (beyond + 1)) > 1e-9


def test_several_integrals_at_once_are_each_its_own():
    which, a, b = np.array([0, 1, 1, 2]), np.array([0.0, 0, 2, 0]), np.array([1.0, 2, 3, 3])
    found = integrate(lambda k, x: (k + 1) * (x > 0.3) * x, which, a, b, 3)
    assert found == pytest.approx([0.455, 8.91, 13.365], rel=1e-8)


# --- known averages -------------------------------------------------------------------------------------


@pytest.mark.parametrize("q", [1e-20, 0.01, 1, 9, 1e4, 1e12])
@pytest.mark.parametrize("p", [0.8, 1, 1.5, 2, 3])
def test_powers(p, q):
    activation = lambda z: z.abs() ** p  # noqa: E731
    assert mean(activation, q) == pytest.approx(power_of_gaussian(p) * q ** (p / 2), rel=1e-7)
    assert mean_square(activation, q) == pytest.approx(power_of_gaussian(2 * p) * q**p, rel=1e-7)
    slope = p * p * power_of_gaussian(2 * p - 2) * q ** (p - 1)
    assert mean_square_slope(activation, q) == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("rate", [0.1, 1, 30, 1000])
@pytest.mark.parametrize("c", [-0.8, 0.5, 0.9999])
def test_waves(rate, c):
    """E sin² az = (1 − e^(−2a²))/2;  E sin az₁ sin az₂ = e^(−a²) sinh(a² c)."""
    wave = lambda z: torch.sin(rate * z)  # noqa: E731
    a2 = rate * rate
    square = (1 - math.exp(-2 * a2)) / 2
    assert mean_square(wave, 1.0) == pytest.approx(square, rel=1e-7)
    assert mean_square_slope(wave, 1.0) == pytest.approx(a2 * (1 - square), rel=1e-7)
    if rate <= 30:
        expected = (math.exp(-a2 * (1 - c)) - math.exp(-a2 * (1 + c))) / 2
        assert mean_product(wave, 1.0, c) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("at", [0, 0.37, 1, 2.4])
def test_steps_and_kinks_wherever_they_lie(at):
    above = math.erfc(at / math.sqrt(2)) / 2
    density = math.exp(-at * at / 2) / math.sqrt(2 * math.pi)
    assert mean(lambda z: (z > at) * 1.0, 1.0) == pytest.approx(above, abs=1e-7)
    ramp = lambda z: torch.relu(z - at)  # noqa: E731
    assert mean(ramp, 1.0) == pytest.approx(density - at * above, abs=1e-7)
    assert mean_square_slope(ramp, 1.0) == pytest.approx(above, abs=1e-7)
    assert mean_square_slope(lambda z: (z > at) * 1.0, 1.0) == 0


@pytest.mark.parametrize("c", [-1, -0.6, 0, 0.2, 0.95, 1])
@pytest.mark.parametrize("q", [1e-6, 1, 400])
def test_two_correlated_variables(c, q):
    """Sheppard 1899 for signs; Cho & Saul 2009, eq. 6, for ReLU; Isserlis 1918 for z²."""
    angle = math.acos(c)
    signs = lambda z: (z > 0) * 2.0 - 1  # noqa: E731
    assert mean_product(signs, q, c) == pytest.approx(1 - 2 * angle / math.pi, abs=1e-8)
    relu = q * (math.sin(angle) + (math.pi - angle) * c) / (2 * math.pi)
    assert mean_product("relu", q, c) == pytest.approx(relu, abs=1e-9 * q)
    assert mean_product(lambda z: z * z, q, c) == pytest.approx(q * q * (1 + 2 * c * c), rel=1e-8)


@pytest.mark.parametrize(
    "activation", ["tanh", nn.Hardtanh(-0.7, 1.3), nn.ELU(), "gelu", lambda z: (z > 0.4) * z]
)
@pytest.mark.parametrize("c", [-0.9, 0.3, 0.97])
def test_averages_are_those_of_random_numbers(activation, c):
    u, v = np.random.default_rng(0).standard_normal((2, 400_000)) * 1.7
    φ = gaussian.values(activation, u)
    slope = gaussian.slopes(activation, u)
    product = φ * gaussian.values(activation, c * u + math.sqrt(1 - c * c) * v)
    for drawn, found in [
        (φ, mean(activation, 1.7**2)),
        (φ**2, mean_square(activation, 1.7**2)),
        (slope**2, mean_square_slope(activation, 1.7**2)),
        (product, mean_product(activation, 1.7**2, c)),
    ]:
        assert found == pytest.approx(drawn.mean(), abs=4 * drawn.std() / math.sqrt(drawn.size) + 1e-12)


# --- refused --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("activation", "q", "message"),
    [
        (lambda z: torch.exp(z * z), 1.0, "it grows too fast"),
        (lambda z: torch.exp(z * z), 1e4, "not finite"),
        (lambda z: torch.exp(z), 1e6, "not finite"),
        (lambda z: 1 / z, 1.0, "pole"),
        (lambda z: torch.sin(1e7 * z), 1.0, "oscillate too fast"),
        (lambda z: torch.sqrt(z), 1.0, "not finite"),  # of negative numbers
        (nn.Softmax(dim=-1), 1.0, "element by element"),
        (nn.Softmax(dim=1), 1.0, "does not take a row of numbers"),
        (lambda z: z - z.mean(), 1.0, "element by element"),
        (lambda z: torch.cumsum(z, 0) if hasattr(torch, "cumsum") else z.flip(0), 1.0, "element by element"),
        (nn.Dropout(0.5), 1.0, "or on chance"),
        (nn.LayerNorm(3), 1.0, "does not take a row of numbers"),
    ],
)
def test_what_has_no_average_is_refused(activation, q, message):
    with pytest.raises(ValueError, match=message):
        mean_square(activation, q)


def test_a_slope_may_have_no_average_where_the_values_have():
    root = lambda z: z.abs() ** 0.5  # noqa: E731
    assert mean_square(root, 1.0) == pytest.approx(power_of_gaussian(1))
    with pytest.raises(ValueError, match="pole"):
        mean_square_slope(root, 1.0)


def test_the_correlation_map_of_a_fast_wave_is_right_or_refused():
    wave = lambda z: torch.sin(30 * z)  # noqa: E731
    c = 0.999
    expected = math.exp(-900 * (1 - c)) - math.exp(-900 * (1 + c))
    assert theory.correlation_map(wave, c, 1.0, q=1.0) == pytest.approx(expected, abs=1e-7)
    with pytest.raises(ValueError, match="oscillate too fast"):
        theory.correlation_map(lambda z: torch.sin(1e6 * z), c, 1.0, q=1.0)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_function_in_lower_precision_is_averaged_to_that_precision(dtype):
    rounded = lambda z: torch.tanh(torch.tensor(z.numpy().astype(dtype)))  # noqa: E731
    assert mean_square(rounded, 1.0) == pytest.approx(
        mean_square("tanh", 1.0), rel=10 * float(np.finfo(dtype).eps)
    )


# --- kept -----------------------------------------------------------------------------------------------


def counted(monkeypatch):
    computed = []
    original = gaussian.gaussian_average
    monkeypatch.setattr(gaussian, "gaussian_average", lambda *a: computed.append(a) or original(*a))
    gaussian.forget()
    return computed


@pytest.mark.parametrize(
    "make", [lambda: "tanh", nn.Tanh, lambda: F.gelu, lambda: np.tanh, lambda: nn.LeakyReLU(0.2)]
)
def test_the_average_of_what_cannot_change_is_computed_once(make, monkeypatch):
    computed = counted(monkeypatch)
    assert mean_square(make(), 0.7) == mean_square(make(), 0.7)
    assert len(computed) == 1
    mean_square(make(), 0.8)
    mean_square_slope(make(), 0.7)
    assert len(computed) == 3


def test_what_may_change_is_never_served_stale():
    prelu, leaky = nn.PReLU(), nn.LeakyReLU(0.1)
    slope = [0.1]
    formula = lambda z: torch.where(z > 0, z, slope[0] * z)  # noqa: E731
    mine = type("Mine", (nn.LeakyReLU,), {"forward": lambda self, z: formula(z)})()
    for a in (0.1, 0.5, 0.9):
        slope[0] = leaky.negative_slope = a
        with torch.no_grad():
            prelu.weight.fill_(a)
        for activation in (prelu, leaky, formula, mine):
            assert mean_square(activation, 1.0) == pytest.approx((1 + a * a) / 2, rel=1e-6)


def test_what_is_kept_is_bounded(monkeypatch):
    monkeypatch.setattr(gaussian, "_MOST", 10)
    for q in np.linspace(0.1, 1, 40):
        mean_square("tanh", float(q))
        assert len(gaussian._kept) <= 10


def test_threads_share_what_is_kept(monkeypatch):
    monkeypatch.setattr(gaussian, "_MOST", 7)
    gaussian.forget()
    expected = {q: mean_square("tanh", q) for q in (0.1, 0.2, 0.3, 0.4, 0.5)}
    wrong = []

    def work():
        for _ in range(40):
            wrong.extend(
                q for q in expected if mean_square("tanh", q) != expected[q] or mean("tanh", q) > 1e-9
            )

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
