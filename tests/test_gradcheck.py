"""The gradient check itself: it passes what is right, and says in words what is wrong."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_stab as torch
from tinygrad_stab.engine.primitive import Primitive
from tinygrad_stab.gradcheck import GradcheckError, directional_check, gradcheck


def vector(*values: float) -> torch.Tensor:
    return torch.tensor(values or (0.3, -0.7, 1.1), dtype=torch.float64, requires_grad=True)


def with_rule(rule: Callable) -> Primitive:
    """x², with the rule that is given for its derivative; not in the table."""

    def squared(x: Any) -> Any:
        return x * x

    return Primitive(squared, {"x": rule})


right = with_rule(lambda g, x: 2 * g * x)
wrong_sign = with_rule(lambda g, x: -2 * g * x)
factor_two = with_rule(lambda g, x: g * x)
one_element_wrong = with_rule(lambda g, x: g * (2 * x + 0.5 * (np.arange(np.size(x)) == 1)))
not_finite = with_rule(lambda g, x: g * x * np.nan)


def saving_a_constant(g: Any, x: Any) -> Any:
    return 2 * g * np.asarray(x)  # right, but to a second derivative x is now a number


@pytest.mark.parametrize("check", [gradcheck, directional_check])
def test_passes_what_is_right(check: Callable) -> None:
    W = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    constant = torch.randn(2, dtype=torch.float64)
    assert check(right, vector())
    assert check(lambda x, W, c: (W @ x).tanh() * c, (vector(), W, constant))
    assert check(lambda x: (x.exp(), x.sum(), torch.ones(2)), [vector()])
    assert check(lambda x, y: x * 2 + 0 * y, (vector(), vector()))
    assert check(lambda x: x[:0], vector())
    assert check(torch.tanh, torch.tensor(0.3, dtype=torch.float64, requires_grad=True))
    assert check(lambda x: x.detach() * 0, vector())


@pytest.mark.parametrize("wrong", [wrong_sign, factor_two, one_element_wrong, not_finite])
@pytest.mark.parametrize("check", [gradcheck, directional_check])
def test_finds_what_is_wrong(check: Callable, wrong: Primitive) -> None:
    with pytest.raises(GradcheckError):
        check(wrong, vector())


def test_a_missing_path_is_found() -> None:
    with pytest.raises(GradcheckError, match=r"graph was cut: detach\(\), no_grad\(\)"):
        gradcheck(lambda x: x.detach() * x.detach(), vector())


def test_names_the_worst_element_with_both_values() -> None:
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64, requires_grad=True)
    spoiled = with_rule(lambda g, x: 2 * g * x + g * np.array([[0, 0.1], [0.5, 0]]))
    message = (
        r"output 0 with respect to input 1 at \(1, 0\) is 6\.5, but finite differences say 6: 0\.9231 times"
    )
    with pytest.raises(GradcheckError, match=message):
        gradcheck(lambda c, x: spoiled(x), (torch.ones(1), x))


def test_names_the_output() -> None:
    with pytest.raises(GradcheckError, match="output 1 with respect to input 0"):
        gradcheck(lambda x: (x * x, wrong_sign(x)), vector())


def test_says_that_the_sign_is_wrong() -> None:
    with pytest.raises(GradcheckError, match=r"the sign is wrong$"):
        gradcheck(wrong_sign, vector())


def test_says_by_which_factor() -> None:
    with pytest.raises(GradcheckError, match=r"but finite differences say .*: 2 times as much$"):
        gradcheck(factor_two, vector())


@pytest.mark.parametrize(
    "f", [torch.relu, torch.abs, lambda x: torch.maximum(x, -x)], ids=["relu", "abs", "maximum"]
)
def test_recognises_a_kink_that_the_step_crosses(f: Callable) -> None:
    x = vector(1.0, 3e-7, -1.0)  # nearer to the kink at 0 than the step of 1e-6
    with pytest.raises(
        GradcheckError, match=r"at \(1,\).*left and 1 on the right.*1e-06 crossed a kink"
    ) as caught:
        gradcheck(f, x)
    assert "smaller eps" in str(caught.value)
    assert gradcheck(f, x, eps=1e-8)
    assert gradcheck(f, vector(1.0, 3e-3, -1.0))


def test_a_wrong_rule_is_not_excused_as_a_kink() -> None:
    for wrong in (wrong_sign, factor_two):
        with pytest.raises(GradcheckError) as caught:
            gradcheck(wrong, vector(1e-3, 1.0))
        assert "kink" not in str(caught.value)


def test_tells_without_raising() -> None:
    assert gradcheck(right, vector(), raise_exception=False) is True
    assert gradcheck(wrong_sign, vector(), raise_exception=False) is False


@pytest.mark.parametrize("check", [gradcheck, directional_check])
def test_refuses_inputs_with_which_it_could_tell_nothing(check: Callable) -> None:
    with pytest.raises(ValueError, match=r"float64 inputs, not float32.*1e-4.*\.double\(\)"):
        check(right, torch.ones(2, requires_grad=True))
    with pytest.raises(ValueError, match=r"requires_grad_\(\)"):
        check(right, torch.ones(2, dtype=torch.float64))


@pytest.mark.parametrize("check", [gradcheck, directional_check])
def test_leaves_the_inputs_as_they_were(check: Callable) -> None:
    x = vector()
    check(right, x)
    assert x.tolist() == [0.3, -0.7, 1.1]
    assert x.grad is None
    with torch.no_grad():
        assert check(right, x)


def test_the_second_order_finds_what_the_first_cannot() -> None:
    constant = with_rule(saving_a_constant)
    assert gradcheck(constant, vector())
    assert directional_check(constant, vector(), order=1)
    with pytest.raises(
        GradcheckError, match=r"second derivative by input 0 at \(\d,\) is 0, but finite differences"
    ):
        directional_check(constant, vector())


def test_the_upstream_gradient_is_random() -> None:
    """The sum of a softmax is 1, whatever comes in: with a gradient of ones, many wrong rules look right."""
    spoiled = Primitive(
        lambda x: np.exp(x) / np.exp(x).sum(), {"x": lambda g, y: y * (g - (2 * g * y).sum())}
    )
    with pytest.raises(GradcheckError):
        directional_check(spoiled, vector())


def test_a_thousandth_is_found_among_many_elements() -> None:
    x = torch.randn(300, 300, dtype=torch.float64, requires_grad=True)
    slightly_wrong = with_rule(lambda g, x: 2.002 * g * x)
    assert directional_check(right, x)
    with pytest.raises(GradcheckError):
        directional_check(slightly_wrong, x)


def test_the_errors_that_the_docstring_gives_for_the_best_step() -> None:
    """h ≈ ∛ε: an error of about 1e-10 in float64 and 1e-4 in float32."""
    for dtype, error in ((np.float64, 1e-10), (np.float32, 1e-4)):
        x = np.linspace(0.5, 1.5, 1000).astype(dtype)
        h = dtype(np.cbrt(np.finfo(dtype).eps))
        quotient = (np.exp(x + h) - np.exp(x - h)) / (2 * h)
        found = np.abs(quotient - np.exp(x.astype(np.float64))).max()
        assert 0.1 * error < found < 10 * error


def test_the_generator_decides_the_direction() -> None:
    messages = set()
    for seed in (0, 0, 1):
        with pytest.raises(GradcheckError) as caught:
            directional_check(factor_two, vector(), generator=torch.Generator().manual_seed(seed))
        messages.add(str(caught.value))
    assert len(messages) == 2
