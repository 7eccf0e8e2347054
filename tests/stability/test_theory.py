"""The theory against closed forms, against tables, and against nets that were really run."""

import math

import numpy as np
import pytest

import tinygrad_stab as torch
from tinygrad_stab import nn
from tinygrad_stab.stability import theory

F = nn.functional


def per_layer(activation, weight_var, bias_var=0.0, depth=30, low=4, high=24):
    """The mean √χ per layer, along the length map from inputs of size 1."""
    q, factors = weight_var + bias_var, []
    for _ in range(depth - 1):
        factors.append(theory.chi(activation, weight_var, bias_var, q))
        q = theory.length_map(activation, q, weight_var, bias_var)
    return np.prod(factors[low:high]) ** (0.5 / (high - low))


def measured_factor(activation, weight_var, bias_var=0.0, depth=30, n=256, samples=128, norm=None):
    """The factor on ‖δ‖ per layer in a real net, from five sixths of its depth down to one sixth."""
    h, zs = torch.randn(samples, n, dtype=torch.float64), []
    for _ in range(depth):
        W = torch.randn(n, n, dtype=torch.float64) * (weight_var / n) ** 0.5
        z = (h @ W + torch.randn(n, dtype=torch.float64) * bias_var**0.5).requires_grad_()
        zs.append(z)
        h = activation(z if norm is None else norm(z))
    norms = [g.norm().item() for g in torch.autograd.grad(h, zs, torch.randn_like(h))]
    low, high = depth // 6, depth - depth // 6
    return (norms[low] / norms[high]) ** (1 / (high - low))


# --- chi and the length map ---------------------------------------------------------------------------


@pytest.mark.parametrize("weight_var", [1 / 3, 1, 2, 16])
@pytest.mark.parametrize("q", [1e-20, 0.3, 1, 50])
def test_chi_of_piecewise_linear_activations_is_its_closed_form(weight_var, q):
    slope = 0.2
    for activation, expected in [
        ("linear", weight_var),
        ("relu", weight_var / 2),
        (nn.LeakyReLU(slope), weight_var * (1 + slope**2) / 2),
    ]:
        assert theory.chi(activation, weight_var, q=q) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("activation", "square", "slope"),  # E φ(u)² and E φ′(u)², to the digits given
    [("relu", 0.5, 0.5), ("elu", 0.6449, 0.6681), ("selu", 1.0, 1.0716), ("tanh", 0.3943, 0.4644),
     ("sigmoid", 0.2934, 0.0448)],
)  # fmt: skip
def test_gaussian_moments(activation, square, slope):
    assert theory.length_map(activation, 1.0, 1.0) == pytest.approx(square, abs=6e-5)
    assert theory.chi(activation, 1.0, q=1.0) == pytest.approx(slope, abs=6e-5)


@pytest.mark.parametrize(
    "tanh", ["tanh", nn.Tanh(), torch.tanh, np.tanh, lambda z: 2 * torch.sigmoid(2 * z) - 1]
)
def test_an_activation_is_a_name_a_module_or_any_function(tanh):
    assert theory.chi(tanh, 1.7, 0.05) == pytest.approx(theory.chi("tanh", 1.7, 0.05), rel=1e-9)


def test_a_step_function_has_no_slope():
    assert theory.chi(np.sign, 2.0, q=1.0) == 0


RATIOS = {  # the factor on the norm, per layer: σ_w² = 1/3, 1, 2, 16
    "sigmoid": (0.1414, 0.2361, 0.3178, 0.6316),
    "tanh": (0.5773, 0.9578, 1.0500, 1.5417),
    "relu": (0.4082, 0.7071, 1.0, 2.8284),
    "elu": (0.5762, 0.9309, 1.0648, 2.8286),
    "selu": (0.8197, 1.0352, 1.1324, 2.9722),
}


@pytest.mark.parametrize("activation", RATIOS)
def test_one_number_per_activation_and_start_predicts_a_net(activation):
    """Smooth ones within 2 %, kinked ones within 3 %: four standard deviations of a net of this width."""
    for weight_var, expected in zip((1 / 3, 1, 2, 16), RATIOS[activation]):
        predicted = per_layer(activation, weight_var)
        assert predicted == pytest.approx(expected, abs=6e-5)
        measured = measured_factor(getattr(F, activation), weight_var)
        assert measured == pytest.approx(predicted, rel=0.03 if activation == "relu" else 0.02)


def test_a_leaky_relu_with_the_corrected_gain_keeps_the_gradient():
    assert theory.chi(nn.LeakyReLU(0.5), nn.init.calculate_gain("leaky_relu", 0.5) ** 2) == pytest.approx(1)


def test_thirty_sigmoid_layers_from_xavier_lose_eighteen_decades():
    assert 29 * math.log10(per_layer("sigmoid", 1.0, low=0, high=29)) == pytest.approx(-18.23, abs=0.01)


def test_tanh_at_the_edge_vanishes_by_a_power_law():
    depths = np.array([10, 20, 40, 70, 100])
    ratios = [per_layer("tanh", 1.0, depth=L + 1, low=0, high=L) ** L for L in depths]
    slope = np.polyfit(np.log(depths), np.log(ratios), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.06)


# --- fixed points, order and chaos --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sigma_w", "q", "chi"),  # tanh, σ_b² = 0.05
    [(0.5, 0.0643, 0.2235), (1.0, 0.1936, 0.7590), (1.3, 0.5271, 0.9845), (1.5, 0.8894, 1.0923),
     (2.0, 2.1955, 1.3424), (3.0, 6.3671, 1.8513), (4.0, 12.5582, 2.3715)],
)  # fmt: skip
def test_order_and_chaos_of_tanh(sigma_w, q, chi):
    assert theory.fixed_point("tanh", sigma_w**2, 0.05) == pytest.approx(q, abs=6e-5)
    assert theory.chi("tanh", sigma_w**2, 0.05) == pytest.approx(chi, abs=6e-5)
    measured = measured_factor(F.tanh, sigma_w**2, 0.05) ** 2
    assert measured == pytest.approx(chi, rel=0.04)


@pytest.mark.parametrize(("sigma_w", "layers", "c"), [(1.3, 26, 0.949), (2.5, 60, 0.072), (4.0, 60, 0.017)])
def test_in_chaos_correlations_converge_below_one(sigma_w, layers, c):
    """In the ordered phase, σ_w = 1.3, they go on towards 1."""
    found = 0.9
    for _ in range(layers):
        found = theory.correlation_map("tanh", found, sigma_w**2, 0.05)
    assert found == pytest.approx(c, abs=6e-4)
    assert (theory.correlation_map("tanh", found, sigma_w**2, 0.05) > found + 1e-4) == (sigma_w == 1.3)


@pytest.mark.parametrize("c", [-1, -0.7, 0, 0.3, 0.95, 1])
def test_the_correlation_map_of_relu_is_its_closed_form(c):
    expected = (math.sqrt(1 - c * c) + (math.pi - math.acos(c)) * c) / math.pi
    assert theory.correlation_map("relu", c, 2.0) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("sigma_w", [1.2, 2.0])
def test_the_slope_of_the_correlation_map_at_one_is_chi(sigma_w):
    step = 1e-5
    slope = (1 - theory.correlation_map("tanh", 1 - step, sigma_w**2, 0.05)) / step
    assert slope == pytest.approx(theory.chi("tanh", sigma_w**2, 0.05), rel=1e-4)


def test_fixed_points_that_iterating_the_map_would_not_find():
    assert theory.fixed_point("tanh", 1.0) == 0  # where q falls as 1/(2 l)
    assert theory.fixed_point("relu", 2.0) == 1  # where every q is one
    assert theory.fixed_point("relu", 2.0, 0.1) == math.inf  # where q grows by 0.1 a layer
    assert theory.fixed_point("relu", 1.0, 0.1) == pytest.approx(0.2)
    assert theory.chi("relu", 2.0, 0.1) == pytest.approx(1)  # then χ is taken at q = 1


def test_critical_weight_variances():
    assert math.sqrt(theory.critical_weight_var("tanh", 0.05)) == pytest.approx(1.3270, abs=5e-5)
    assert theory.fixed_point("tanh", theory.critical_weight_var("tanh", 0.05), 0.05) == pytest.approx(
        0.5700, abs=5e-5
    )
    assert math.sqrt(theory.critical_weight_var("sigmoid")) == pytest.approx(10.149, abs=5e-4)
    assert theory.fixed_point("sigmoid", theory.critical_weight_var("sigmoid")) == pytest.approx(
        45.6, abs=0.05
    )
    for activation, expected in [("relu", 2), ("linear", 1), ("tanh", 1), (nn.LeakyReLU(0.5), 1.6)]:
        assert theory.critical_weight_var(activation) == pytest.approx(expected)


def test_what_a_signal_does_not_come_to_is_told_and_not_returned():
    """GELU without biases dies or grows; with few, it stays where it is only if it starts below 1."""
    with pytest.raises(ValueError, match=r"no critical weight variance.*elsewhere for σ_w² = 4 at q = 0"):
        theory.critical_weight_var("gelu")
    (point,) = theory.critical_points("gelu", 0.05)
    assert not point.reached
    assert theory.chi("gelu", point.weight_var, 0.05, point.q) == pytest.approx(1)
    assert theory.length_map("gelu", point.q, point.weight_var, 0.05) == pytest.approx(point.q)
    nowhere = [("relu", 0.1), ("softplus", 0.0), (np.sign, 0.0), (torch.zeros_like, 1.0)]
    assert [theory.critical_points(*case) for case in nowhere] == [[]] * 4
    with pytest.raises(ValueError, match=r"comes to$"):
        theory.critical_weight_var("relu", 0.1)  # χ = 1 only where q is infinite


def mish(z):
    return z * torch.tanh(F.softplus(z))


def hardswish(z):
    return z * F.hardtanh(z + 3, 0, 6) / 6


@pytest.mark.parametrize(
    ("activation", "weight_var", "q"),
    [
        ("gelu", 1.97668, 82.313),
        ("silu", 1.96704, 39.395),
        (mish, 1.96219, 50.684),
        (hardswish, 1.88331, 11.301),
    ],
)
def test_smooth_relus_are_critical_at_large_fixed_points(activation, weight_var, q):
    (point,) = theory.critical_points(activation, 1.0)
    assert point == (pytest.approx(weight_var, rel=1e-5), pytest.approx(q, rel=1e-4), True)
    assert theory.fixed_point(activation, point.weight_var, 1.0) == pytest.approx(point.q)
    below, above = (theory.chi(activation, point.weight_var + step, 1.0) for step in (-0.02, 0.004))
    assert below < 1 < above


def test_critical_points_in_closed_form():
    """z²: E z⁴ = 3q², E (2z)² = 4q: χ = 4 (q − σ_b²)/(3q), 1 at q = 4 σ_b². Sine: E sin² = (1 − e⁻²ᵠ)/2."""
    (point,) = theory.critical_points(lambda z: z * z, 0.05)
    assert point == (pytest.approx(1.25), pytest.approx(0.2), False)
    (point,) = theory.critical_points(np.sin, 1.0)  # q − σ_b² = tanh q
    assert point.q - 1 == pytest.approx(math.tanh(point.q))
    for activation, limit in [("elu", 1), (nn.Hardtanh(), 1), (lambda z: torch.sin(4 * z), 1 / 16)]:
        assert theory.critical_points(activation)[0] == (pytest.approx(limit, rel=1e-9), 0, True)


@pytest.mark.parametrize(
    ("sigma_w", "six"), [(0.8, 9.69), (1.0, 21.76), (1.33, 3554), (1.8, 27.6), (2.5, 12.86)]
)
def test_depth_scale(sigma_w, six):
    assert 6 * theory.depth_scale("tanh", sigma_w**2, 0.05) == pytest.approx(six, rel=1e-3)


def test_depth_scale_is_infinite_at_the_edge():
    assert theory.depth_scale("relu", 2.0) == math.inf


# --- normalization ------------------------------------------------------------------------------------


def test_gradient_rates_of_large_batches():
    assert theory.batchnorm_gradient_rate("relu") == pytest.approx(math.pi / (math.pi - 1), rel=1e-7)
    assert theory.batchnorm_gradient_rate("linear") == pytest.approx(1)
    assert theory.batchnorm_gradient_rate("sigmoid") == pytest.approx(1.034, abs=5e-4)
    assert theory.layernorm_gradient_rate("relu") == pytest.approx(1)
    assert theory.layernorm_gradient_rate("sigmoid") == pytest.approx(0.1528, abs=5e-5)
    assert theory.layernorm_gradient_rate("tanh") == pytest.approx(1.178, abs=5e-4)
    assert theory.batchnorm_gradient_rate("tanh") == pytest.approx(
        theory.layernorm_gradient_rate("tanh")
    )  # odd


@pytest.mark.parametrize("batch", [4, 8, 32, 64, 256])
def test_gradient_rates_of_finite_batches_have_closed_forms(batch):
    c = -1 / (batch - 1)
    J, slope = (math.sqrt(1 - c * c) + (math.pi - math.acos(c)) * c) / math.pi, 1 - math.acos(c) / math.pi
    relu = (slope + batch - 1) / ((batch - 3) * (1 - J)) - 1 / (batch - 3)
    assert theory.batchnorm_gradient_rate("relu", batch) == pytest.approx(relu, rel=1e-4)
    assert theory.batchnorm_gradient_rate("linear", batch) == pytest.approx((batch - 2) / (batch - 3))


@pytest.mark.parametrize(("activation", "batch"), [("relu", 32), ("tanh", 64), ("sigmoid", 64)])
def test_batchnorm_explodes_as_predicted(activation, batch):
    def norm(z):
        return F.batch_norm(z, None, None, training=True)

    measured = measured_factor(getattr(F, activation), 1.0, samples=batch, depth=24, norm=norm) ** 2
    assert measured == pytest.approx(theory.batchnorm_gradient_rate(activation, batch), rel=0.03)
    assert measured > 1.02


@pytest.mark.parametrize(("activation", "tolerance"), [("relu", 0.06), ("tanh", 0.03), ("sigmoid", 0.05)])
def test_layernorm_behaves_as_predicted(activation, tolerance):
    measured = (
        measured_factor(getattr(F, activation), 1.0, depth=24, norm=lambda z: F.layer_norm(z, (256,))) ** 2
    )
    assert measured == pytest.approx(theory.layernorm_gradient_rate(activation), rel=tolerance)


def test_large_batches_are_the_limit_of_finite_ones():
    for activation in ("relu", "tanh", "sigmoid"):
        limit = theory.batchnorm_gradient_rate(activation)
        assert theory.batchnorm_gradient_rate(activation, 5000) == pytest.approx(limit, rel=1e-3)


# --- bad input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.chi("swich", 1.0), "unknown activation 'swich'"),
        (lambda: theory.chi(nn.ReLU, 1.0), "unknown activation"),
        (lambda: theory.chi("relu", -1.0), "must be finite and not negative"),
        (lambda: theory.chi("relu", 1.0, bias_var=math.nan, q=1.0), "must be finite and not negative"),
        (lambda: theory.chi("relu", 1.0, q=-1.0), "must be a finite number ≥ 0"),
        (lambda: theory.chi(lambda z: z.sum(), 1.0, q=1.0), "element by element"),
        (lambda: theory.chi(lambda z: z.tolist(), 1.0, q=1.0), "element by element"),
        (lambda: theory.correlation_map("relu", 1.5, 2.0), "between −1 and 1"),
        (lambda: theory.correlation_map("tanh", 0, 0, 0), "no correlation"),
        (lambda: theory.correlation_map(lambda z: 0 * z, 0.5, 1.0, q=1), "no correlation"),
        (lambda: theory.layernorm_gradient_rate(lambda z: 0 * z), "is constant"),
        (lambda: theory.batchnorm_gradient_rate(lambda z: 0 * z + 2), "is constant"),
        (lambda: theory.batchnorm_gradient_rate(lambda z: 0 * z + 2, 8), "is constant"),
        (lambda: theory.batchnorm_gradient_rate("relu", 3), "infinite for a batch of 3"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
