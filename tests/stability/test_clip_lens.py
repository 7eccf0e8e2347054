"""The lens clips as clip_grad_norm_ does, and says what it did."""

import math

import numpy as np
import pytest

import tinygrad_stab as torch
from tinygrad_stab import nn
from tinygrad_stab.nn.utils import clip_grad_norm_, clip_grad_value_
from tinygrad_stab.stability import ClipLens


def parameters_with(*gradients):
    parameters = [nn.Parameter(torch.zeros(len(g), dtype=torch.float64)) for g in gradients]
    for p, g in zip(parameters, gradients):
        p.grad = torch.tensor(g, dtype=torch.float64)
    return parameters


def lens_after(norms, max_norm=1.0, **options):
    (p,) = parameters_with([0.0, 0.0])
    lens = ClipLens([p], max_norm, **options)
    for norm in norms:
        p.grad = torch.tensor([0.6 * norm, 0.8 * norm], dtype=torch.float64)
        lens.clip()
    return lens


@pytest.mark.parametrize("max_norm", [0.5, 5.0, 100.0])
def test_it_clips_as_clip_grad_norm_does(max_norm):
    gradients = [3.0, -4.0], [12.0]
    own, other = parameters_with(*gradients), parameters_with(*gradients)
    lens = ClipLens(own, max_norm)
    assert lens.clip().item() == clip_grad_norm_(other, max_norm).item() == 13
    for a, b in zip(own, other):
        np.testing.assert_array_equal(a.grad.array, b.grad.array)
    (record,) = lens.records
    assert (record.before, record.after) == pytest.approx((13, min(13, max_norm)))
    assert record.angle == pytest.approx(0, abs=1e-6)


def test_clipping_by_value_turns_the_gradient():
    parameters = parameters_with([10.0, 0.1])
    lens = ClipLens(parameters, 0.5, clip=clip_grad_value_)
    lens.clip()
    turned = math.degrees(math.atan2(0.1, 0.5) - math.atan2(0.1, 10))  # from 0.57° to 11.3°
    assert lens.records[0].angle == pytest.approx(turned)
    assert turned == pytest.approx(10.74, abs=0.005)
    np.testing.assert_array_equal(parameters[0].grad.array, [0.5, 0.1])


@pytest.mark.parametrize(
    ("norms", "clipped", "verdict"),
    [([0.1, 0.4, 0.2], 0, "never fired: the largest norm was 0.4, and max_norm is 1"),
     ([2, 3, 4], 1, "fires always, in 100% of the steps"),
     ([0.5, 2, 0.5, 0.5], 0.25, "fires in 25% of the steps")],
)  # fmt: skip
def test_the_verdict(norms, clipped, verdict):
    report = lens_after(norms).report()
    assert report.clipped == clipped
    assert report.verdict.startswith(verdict)
    assert verdict in str(report)


def test_the_suggestion_clips_a_tenth():
    norms = np.arange(1.0, 102.0)
    report = lens_after(norms).report()
    assert report.suggested_max_norm == pytest.approx(91)
    assert lens_after(norms, report.suggested_max_norm).report().clipped == pytest.approx(0.1, abs=0.011)
    assert [row.norm for row in report.printed_rows()] == pytest.approx([11, 51, 91, 100, 101])
    assert len(report.to_rows()) == 101


def test_memory_is_bounded_and_the_share_still_exact():
    lens = lens_after([0.5] * 300 + [2.0] * 100, max_records=20)
    assert len(lens.records) <= 20
    assert lens.report().clipped == 0.25


def test_a_gradient_that_is_not_finite_is_reported_and_left_alone():
    (p,) = parameters_with([1.0, 2.0])
    lens = ClipLens([p], 1.0)
    lens.clip()
    p.grad = torch.tensor([math.nan, 1.0], dtype=torch.float64)
    with pytest.warns(RuntimeWarning, match="nan"):
        lens.clip()
    assert "the gradients of 1 steps" in lens.report().notes[-1]
    assert math.isnan(p.grad.array[0])


def test_a_clip_that_writes_in_place_is_seen():
    parameters = parameters_with([10.0, 0.1])
    lens = ClipLens(parameters, 0.5, clip=lambda ps, limit: [p.grad.clamp_(-limit, limit) for p in ps])
    lens.clip()
    assert (lens.fired, lens.records[0].before) == (1, pytest.approx(math.hypot(10, 0.1)))
    assert lens.records[0].angle == pytest.approx(10.74, abs=0.005)
    assert not any("would clip" in note for note in lens.report().notes)  # norms say nothing of values


def test_what_is_told_of_all_steps_is_told_of_all_steps():
    (p,) = parameters = parameters_with([0.0])
    lens = ClipLens(parameters, 10.0, max_records=4)
    for k in range(1000):
        p.grad = torch.tensor([7.0 if k == 501 else 1.0], dtype=torch.float64)
        lens.clip()
    assert max(record.before for record in lens.records) == 1  # that step is not recorded
    assert lens.report().verdict == "never fired: the largest norm was 7, and max_norm is 10"
    p.grad = torch.tensor([11.0], dtype=torch.float64)
    lens.clip()
    assert lens.report().verdict == "fires in 0.0999% of the steps"


def test_the_suggestion_clips_what_it_says():
    report = lens_after([1.0] * 20).report()
    assert report.suggested_max_norm == 1
    assert "max_norm=1 would clip 0% of these steps." in report.notes
    assert "max_norm=90.1 would clip 10% of these steps." in lens_after(range(1, 101)).report().notes


def test_zero_gradients_and_none():
    used, unused = parameters_with([0.0], [1.0])
    unused.grad = None
    lens = ClipLens([used, unused], 1.0)
    assert lens.clip().item() == 0
    assert lens.records[0].angle == 0
    assert "Nothing clipped yet" in str(ClipLens([used], 1.0).report())


def test_huge_gradients_in_float32():
    p = nn.Parameter(torch.zeros(2))
    p.grad = torch.tensor([3e30, 4e30])
    lens = ClipLens(p, 1.0)
    lens.clip()
    assert lens.records[0].before == pytest.approx(5e30)
    assert lens.records[0].after == pytest.approx(1)
    assert lens.records[0].angle == pytest.approx(0, abs=1e-4)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="no parameters"):
        ClipLens(iter([]), 1.0)
    with pytest.raises(ValueError, match="must not be negative"):
        ClipLens(parameters_with([1.0]), -1.0)
    with pytest.raises(ValueError, match="must not be negative"):
        ClipLens(parameters_with([1.0]), math.nan)
