"""Every rule in the table of derivatives against finite differences, to second order.

And the test of the test: every rule is replaced by a wrong one, which has to be noticed. What is drawn for a
primitive, values, shapes, options, stands in `samples.py`.
"""

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from drawn import Sample, arrays
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from samples import SAMPLES

import tinygrad_stab as torch
from tinygrad_stab.autograd import grad
from tinygrad_stab.engine.primitive import TABLE, Primitive
from tinygrad_stab.gradcheck import GradcheckError, directional_check

EXAMPLES = 20

# Their second derivatives are 0 wherever there are any: linear, or linear between kinks.
STRAIGHT = {
    "add", "subtract", "negative", "astype", "copy", "sum", "mean", "cumsum", "absolute", "maximum",
    "minimum", "max", "min", "clip", "where", "relu", "leaky_relu", "hardtanh", "reshape", "squeeze",
    "expand_dims", "broadcast_to", "transpose", "swapaxes", "flip", "concatenate", "stack", "unbind",
    "getitem", "scatter", "replace", "gate", "select",
}  # fmt: skip


def test_every_primitive_has_a_sample() -> None:
    assert not TABLE.keys() - SAMPLES.keys(), "one line in samples.py for each of these"
    assert not SAMPLES.keys() - TABLE.keys(), "these are not in the table of derivatives"


def property_test(name: str, check: Callable[[Sample, Any], None], **phases: Any) -> None:
    """Run a check over drawn samples of one primitive."""

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), **phases)
    @given(st.data())
    def run(data: st.DataObject) -> None:
        torch.manual_seed(0)
        check(data.draw(SAMPLES[name]), data)

    run()


@pytest.mark.parametrize("name", SAMPLES)
def test_every_option_is_drawn(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An option that no sample uses is a line of a rule that no test has seen."""
    primitive, drawn = TABLE[name], set()
    forward = primitive.forward

    def noting_options(*inputs: Any, **options: Any) -> Any:
        drawn.update(options)
        return forward(*inputs, **options)

    monkeypatch.setattr(primitive, "forward", noting_options)
    property_test(name, lambda sample, _: sample.call(*sample.inputs))
    assert drawn == primitive.options.keys() - {"hook"}  # of a gate, which test_module_hooks.py tries


def tensors(arrays: Any) -> list[torch.Tensor]:
    """Leaves in the memory of the arrays, however it is laid out."""
    return [torch.from_numpy(x).requires_grad_() for x in arrays]


def agrees_with_differences(sample: Sample, data: Any = None) -> None:
    assert directional_check(sample.call, tensors(sample.inputs))


@pytest.mark.parametrize("name", SAMPLES)
def test_agrees_with_finite_differences_to_second_order(name: str) -> None:
    property_test(name, agrees_with_differences)


# --- the same gradient, whatever the memory and the way -----------------------------------------------------


def gradients(sample: Sample, inputs: Any, upstream: Any, record: bool = False) -> list[np.ndarray]:
    xs = tensors(inputs)
    gs = grad(sample.call(*xs), xs, [torch.from_numpy(g) for g in upstream], create_graph=record)
    return [g.array for g in gs]


def outputs(y: Any) -> tuple[torch.Tensor, ...]:
    return y if isinstance(y, tuple) else (y,)


def does_not_depend_on_the_way(sample: Sample, data: Any) -> None:
    """Not on the layout of inputs and upstream gradient, nor on whether the backward pass is recorded."""
    ys = outputs(sample.call(*tensors(sample.inputs)))
    upstream = [data.draw(arrays(y.array.shape)) for y in ys]
    found = gradients(sample, sample.inputs, upstream)
    plain = [[np.array(x, order="C") for x in group] for group in (sample.inputs, upstream)]
    for others in (gradients(sample, *plain), gradients(sample, sample.inputs, upstream, record=True)):
        for one, other in zip(found, others):
            np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)
    for x, g in zip(sample.inputs, found):
        assert g.shape == x.shape
        assert g.dtype == x.dtype


@pytest.mark.parametrize("name", SAMPLES)
def test_does_not_depend_on_memory_nor_on_recording(name: str) -> None:
    property_test(name, does_not_depend_on_the_way)


def owns_its_gradients(sample: Sample, data: Any) -> None:
    """A leaf's gradient may be changed: nobody else uses its memory. And no input has been changed."""
    before = [x.copy() for x in sample.inputs]
    xs = tensors(sample.inputs)
    ys = outputs(sample.call(*xs))
    upstream = [np.ones(y.array.shape) for y in ys]
    for record in (False, True):
        torch.autograd.backward(ys, [torch.from_numpy(g) for g in upstream], True, create_graph=record)
        memory = [x.grad.array for x in xs] + [x.array for x in xs] + [y.array for y in ys] + upstream
        for g, other in combinations(memory, 2):
            if any(g is x.grad.array for x in xs):
                assert g.flags.writeable
                assert not np.shares_memory(g, other)
        for x in xs:
            x.grad = None
    for x, original in zip(sample.inputs, before):
        np.testing.assert_array_equal(x, original)


@pytest.mark.parametrize("name", SAMPLES)
def test_gives_every_leaf_memory_of_its_own(name: str) -> None:
    property_test(name, owns_its_gradients)


def costs_only_rounding(sample: Sample, only_tensors: bool) -> None:
    """In float32, what comes out is float32, unless a float64 array went in; so is what goes back."""
    narrow = [x.astype(np.float32) for x in sample.inputs]
    ys = outputs(sample.call(*tensors(narrow)))
    assert not only_tensors or all(y.dtype == np.float32 for y in ys)
    upstream = [np.ones(y.array.shape, dtype=np.float32) for y in ys]
    in_float64 = gradients(sample, sample.inputs, [g.astype(np.float64) for g in upstream])
    for g, exact in zip(gradients(sample, narrow, upstream), in_float64):
        assert g.dtype == np.float32
        np.testing.assert_allclose(g, exact, rtol=1e-3, atol=1e-4 * (1 + np.abs(exact).max(initial=0)))


@pytest.mark.parametrize("name", SAMPLES)
def test_float32_is_only_less_precise(name: str) -> None:
    primitive = TABLE[name]
    property_test(
        name,
        lambda sample, _: costs_only_rounding(
            sample, only_tensors=primitive.any or len(primitive.inputs) == len(sample.inputs)
        ),
    )


# --- the test of the test -----------------------------------------------------------------------------------


def inputs_with_a_rule(primitive: Primitive) -> range:
    return range(1 if primitive.any else len(primitive.inputs))


def plant(monkeypatch: pytest.MonkeyPatch, primitive: Primitive, k: int, wrong: Callable) -> None:
    """Put a wrong rule in the place of the one for input k, which is given what the right one reads."""
    if primitive.joint:
        joint = primitive.joint
        wrong_kth = wrong(lambda *values: joint(*values)[k])

        def spoiled(*values: Any) -> list:
            gradients = list(joint(*values))
            gradients[k] = wrong_kth(*values)
            return gradients

        monkeypatch.setattr(primitive, "joint", spoiled)
    else:
        rules = [wrong(rule) if j == k else rule for j, rule in enumerate(primitive.rules)]
        monkeypatch.setattr(primitive, "rules", rules)


def off_by_a_thousandth(rule: Callable) -> Callable:
    return lambda *values: rule(*values) * (1 + 1e-3)


def reading_constants(rule: Callable) -> Callable:
    """The rule as it would be with y and the inputs saved as plain arrays: right, but constant."""

    def constant(x: Any) -> Any:
        return tuple(map(constant, x)) if isinstance(x, tuple) else getattr(x, "array", x)

    return lambda g, *values: rule(g, *map(constant, values))


def must_be_caught(name: str) -> None:
    with pytest.raises(GradcheckError):
        property_test(name, agrees_with_differences, phases=[Phase.generate], report_multiple_bugs=False)


RULES = [(name, k) for name, primitive in TABLE.items() for k in inputs_with_a_rule(primitive)]
for name in ("where", "select"):  # by a condition there is no derivative
    RULES.remove((name, {"where": 0, "select": 1}[name]))


@pytest.mark.parametrize(("name", "k"), RULES)
def test_a_rule_wrong_by_a_thousandth_is_caught(name: str, k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, TABLE[name], k, off_by_a_thousandth)
    must_be_caught(name)


@pytest.mark.parametrize("name", sorted(TABLE.keys() - STRAIGHT))
def test_a_rule_right_to_first_order_only_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for k in inputs_with_a_rule(TABLE[name]):
        plant(monkeypatch, TABLE[name], k, reading_constants)
    property_test(name, lambda sample, _: directional_check(sample.call, tensors(sample.inputs), order=1))
    must_be_caught(name)


@pytest.mark.parametrize("name", sorted(STRAIGHT))
def test_the_others_have_nothing_to_differentiate_twice(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for k in inputs_with_a_rule(TABLE[name]):
        plant(monkeypatch, TABLE[name], k, reading_constants)
    property_test(name, agrees_with_differences)
