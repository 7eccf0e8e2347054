"""Ward: what is shown is what the lines train, the vote comes before the cause, and the cures cure."""

import math

import numpy as np
import pytest

from demos.lab import ward
from demos.lab.state import run
from tinygrad_stab.stability import probe


def told(**changes):
    state = ward.SCREEN.read("") | changes
    answer = {"lines": ward.lines(state)}
    with np.errstate(all="ignore"):
        for part in ward.SCREEN.answer(state, lambda: None):
            answer |= part
    return answer


def patient_with(cause, severity=2):
    return next(
        seed for seed in range(1, 41) if ward.patient({"seed": seed, "severity": severity})[0] == cause
    )


def test_nothing_tells_the_cause_before_the_vote():
    answer = told(seed=patient_with("rate too high"))
    assert "truth" not in answer
    assert "diagnosis" not in answer
    assert answer["lines"] == ward.HIDDEN


@pytest.mark.parametrize("cause", ["weights too small", "features unscaled"])
def test_curves_are_those_of_the_lines(cause):
    answer = told(seed=patient_with(cause), cause=cause, fix=ward.CURES[cause])
    assert answer["right"]
    sick, treated = answer["lines"].split("# --- the same with the fix")
    with np.errstate(all="ignore"):
        made = run(sick)
    np.testing.assert_allclose(made["losses"], answer["untreated"], rtol=1e-3)
    np.testing.assert_allclose(run(treated.split("\n", 1)[1])["losses"], answer["treated"], rtol=1e-3)
    made = run(sick.split("losses =")[0])
    rows = probe(made["model"], made["x"], made["y"]).rows
    for name in ("backward", "zero"):
        found = [getattr(row, name) for row in rows]
        assert [x is None for x in found] == [x is None for x in answer[name]]
        pairs = [(x, y) for x, y in zip(found, answer[name]) if x is not None]
        np.testing.assert_allclose(*zip(*pairs), rtol=1e-3)


@pytest.mark.parametrize("cause", ward.CAUSES)
def test_cure_lets_the_net_learn_where_it_did_not(cause):
    answer = told(seed=patient_with(cause, 3), severity=3, cause=cause, fix=ward.CURES[cause])
    end, cured = (sum(answer[name][-20:]) / 20 for name in ("untreated", "treated"))
    assert cured < 1.5
    assert not end < cured + 0.4


def test_every_cause_is_among_the_patients():
    drawn = {ward.patient({"seed": seed, "severity": 1})[0] for seed in range(1, 41)}
    assert drawn == set(ward.CAUSES) == set(ward.CURES)
    assert all(len(spoiled) == 3 for spoiled in ward.CAUSES.values())


def test_wrong_vote_is_told_what_it_is():
    answer = told(seed=patient_with("saturation"), cause="dead units")
    assert answer["sentence"] == "No: it is saturation. Which fix?"
    assert "saturat" in answer["diagnosis"]


def test_net_that_diverges_is_shown_as_what_it_is(client):
    seed = patient_with("rate too high", 3)
    answer = client.answer(f"/ask/ward?seed={seed}&severity=3&cause=rate too high")
    assert len(answer["untreated"]) == ward.STEPS
    assert not all(loss < 10 for loss in answer["untreated"] if math.isfinite(loss)) or not all(
        map(math.isfinite, answer["untreated"])
    )
