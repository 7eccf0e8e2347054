"""When a claim holds, when it is judged, and how it is printed."""

import math
from types import SimpleNamespace

import pytest

import tinygrad_stab as torch
from demos import report
from demos.cli import every_name
from demos.experiment import (
    Between,
    Claim,
    Config,
    Experiment,
    Result,
    Within,
    above,
    below,
    default_dtype,
    load,
    over_seeds,
)

LIMIT = Between(high=1.0, proven=True)


def claim(measured, tolerance, predicted=2.0, **more):
    return Claim("a thing", measured, predicted, tolerance, "a formula", "a reason", **more)


@pytest.mark.parametrize(
    ("measured", "tolerance", "holds"),
    [
        ([2.02, 1.98], Within(0.0101), True),
        ([2.02, 1.97], Within(0.0101), False),  # one seed is enough to refute
        ([-2.0], Within(0.1), False),
        ([1.0], above(0.9), True),
        ([1.0, 0.8], above(0.9), False),
        ([1.0], below(0.9), False),
        ([0.5], Between(0.4, 0.6), True),
        ([math.nan], below(9.0), False),
        ([math.nan], Within(9.0), False),
        ([math.inf], above(1.0), False),  # infinite is not an answer
    ],
)
def test_a_claim_holds_if_every_seed_obeys(measured, tolerance, holds):
    assert claim(measured, tolerance).holds is holds
    assert claim(measured, tolerance).verdict == ("PASS" if holds else "FAIL")


def test_negative_predictions_have_a_tolerance_too():
    assert claim([-2.02], Within(0.02), predicted=-2.0).holds


def test_a_claim_without_measurements_cannot_be_made():
    with pytest.raises(ValueError, match="the claim 'a thing' has no measurements: with these knobs, do not"):
        claim([], above(0.0))


def test_one_failing_claim_fails_the_result_and_an_open_one_does_not():
    good, bad = claim([2.0], Within(0.1)), claim([3.0], Within(0.1))
    assert Result([good], None).passed
    assert not Result([good, bad], None).passed
    assert Result([good, claim([3.0], Within(0.1), judged=False)], None).passed


def experiment_claiming(*claims):
    """An experiment with one knob, `size`: 1, in its fast form 2, in its full form 4."""
    from dataclasses import dataclass

    @dataclass(frozen=True)
    class Setup(Config):
        size: int = 1

    found = Result(list(claims), None)
    module = SimpleNamespace(Setup=Setup, FAST=dict(size=2), FULL=dict(size=4), run=lambda setup: found)
    return Experiment("planted", module)


@pytest.mark.parametrize(("size", "open_"), [(1, False), (2, False), (3, True), (4, False)])
def test_turned_knobs_leave_measured_thresholds_open(size, open_):
    experiment = experiment_claiming(claim([0.0], above(1)), claim([0.0], LIMIT), claim([2.0], Within(0.1)))
    result = experiment.run(experiment.setup(size=size, seeds=(7,)))
    assert [c.verdict for c in result.claims] == ["open" if open_ else "FAIL", "PASS", "PASS"]


def test_experiments_run_in_float64_and_restore_the_default_on_error():
    def run(setup):
        assert torch.zeros(1).dtype == torch.float64
        raise KeyError("planted")

    experiment = experiment_claiming()
    experiment.module.run = run
    with pytest.raises(KeyError, match="planted"):
        experiment.run(experiment.setup())
    assert torch.get_default_dtype() == torch.float32
    with default_dtype(torch.float16):
        assert torch.zeros(1).dtype == torch.float16


def test_over_seeds_starts_each_seed_anew():
    first = over_seeds(Config(seeds=(3, 4)), lambda setup: torch.randn(1).item())
    second = over_seeds(Config(seeds=(4, 3)), lambda setup: torch.randn(1).item())
    assert first == second[::-1]
    assert first[0] != first[1]


def test_a_caption_says_what_the_text_says():
    from dataclasses import dataclass

    @dataclass(frozen=True)
    class Setup(Config):
        weight_std: tuple[float, ...] = (0.5, 1 / 3)
        bias: tuple[float, ...] = (0.0, -1.0)
        loss_scale: float = 2.0**15
        eps: float = 1e-5

    said = report.caption(Setup()).replace("\N{NO-BREAK SPACE}", " ")
    assert said == "σ_w 0.5, 0.333  ·  bias 0, −1  ·  loss scale 32768  ·  ε 10⁻⁵  ·  seeds 0 to 2"
    assert report.caption(Setup(seeds=(4,))).endswith("seed\N{NO-BREAK SPACE}4")


def test_every_term_is_that_of_a_knob():
    assert set(report.TERMS) <= {knob for name in every_name() for knob in load(name).knobs}


# --- the printed table -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "text"),
    [(1.0, "1.000"), (0.14142, "0.1414"), (2.6e-5, "2.600e-5"), (12345.6, "1.235e4"),
     (1000.0, "1000"), (0.0, "0.000"), (-29.64, "-29.64"), (3, "3"),
     ("learns", "learns"), (math.inf, "inf"), (math.nan, "nan")],
)  # fmt: skip
def test_numbers_without_noise(x, text):
    assert report.number(x) == text


@pytest.mark.parametrize(
    ("tolerance", "text"),
    [(Within(0.02), "±2 %"), (Within(1e-10), "±1e-10"), (above(1.5), "> 1.5"), (below(0.25), "< 0.25"),
     (Between(0.44, 0.52), "0.44…0.52"), (LIMIT, "≤ 1"), (Between(low=1, proven=True), "≥ 1")],
)  # fmt: skip
def test_tolerances_in_words(tolerance, text):
    assert str(tolerance) == text


def test_table_fits_eighty_columns():
    many_words = "a claim about something that takes rather many words to say"
    measured, by = [1.2345e-12, 9.87654e-11], "a very long formula " * 6
    long = Claim(many_words, measured, 1.2345e-12, above(2e-12), by, "many reasons " * 9)
    text = report.table([long, claim([2.0], Within(0.1))])
    assert max(map(len, text.splitlines())) <= 79
    assert "a very long formula a very" in text
    assert "FAIL  a claim about something" in text
    assert "    [1.23e-12, 9.88e-11]" in text


def test_columns_of_the_table_do_not_touch():
    wide = Claim("w" * 30, [-1e-12], "nearly none", Between(-0.02, 0.02), "a formula", "a reason")
    _, _, row, *_ = report.table([wide]).splitlines()
    assert "nearly none -0.02…0.02  -1.000e-12" in row


def test_claims_with_one_predictor_share_its_line():
    text = report.table([claim([2.0], Within(0.1)), claim([2.1], Within(0.1))])
    assert text.count("PASS") == 2
    assert text.count("prediction: a formula") == 1


def test_summary_counts_and_names_failures():
    experiment = experiment_claiming()
    bad = Claim("the moon", [9.0], 2.0, Within(0.1), "a formula", "a reason")
    results = [(experiment, Result([claim([2.0], Within(0.1)), bad], None, 1.25))]
    assert report.summary(results) == "1 of 2 claims failed."
    assert report.failures(results) == "FAIL  planted: the moon"
    held = [(experiment, Result([claim([2.0], Within(0.1))], None))]
    assert report.summary(held) == "Every claim held: 1 of 1."
    assert report.failures(held) == ""


def test_claims_that_were_not_judged_are_never_said_to_hold():
    unjudged = Claim("the moon", [9.0], 2.0, Within(0.1), "a formula", "a reason", judged=False)
    some, none = (
        [(experiment_claiming(), Result([*more, unjudged], None))]
        for more in ([claim([2.0], Within(0.1))], [])
    )
    assert report.summary(some).startswith("Every claim held: 1 of 1.\nNot judged: 1; thresholds")
    assert report.summary(none).startswith("No claim was judged, of 1: thresholds")
    assert "not judged" in report.outcome(none[0][1])


def test_briefly_what_failed_stands_first_and_nothing_is_longer_than_a_screen():
    bad = Claim("the moon", [9.0], 2.0, Within(0.1), "a formula", "a reason")
    good = claim([2.0], Within(0.1))
    few = report.brief([(experiment_claiming(), Result([good, bad], None))], 20)
    assert [line[:4] for line in few.splitlines()] == ["", "    ", "FAIL", "", "    ", "PASS"]
    many = report.brief([(experiment_claiming(), Result([good] * 30 + [bad], None))], 20)
    assert "PASS" not in many
    assert "FAIL  the moon" in many
    assert "--verbose prints every claim" in many
    assert len(report.brief([(experiment_claiming(), Result([bad] * 90, None))], 20).splitlines()) <= 20
