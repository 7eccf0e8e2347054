"""Time: every number is that of `time_map` on the lines shown; the cliff is that of the formula."""

import math

import numpy as np
import pytest

from demos.lab import through_time
from demos.lab.state import Refused, run
from tinygrad_stab.stability import time_map


def told(address):
    state = through_time.SCREEN.read(address)
    with np.errstate(all="ignore"):
        parts = list(through_time.SCREEN.answer(state, lambda: None))
        made = run(through_time.lines(state))
    return {key: value for part in parts for key, value in part.items()}, made


@pytest.mark.parametrize(
    "address", ["T=12&size=8", "cell=LSTM&forget=2&T=9&size=4", "phi=relu&radius=3&T=200&size=8"]
)
def test_page_is_told_what_its_lines_measure(address):
    answer, made = told(address)
    with np.errstate(all="ignore"):
        found = time_map(made["rnn"], made["x"])
    for name in ("h", "c", "forget_product"):
        measured = [getattr(row, name) for row in found]
        assert [x is None for x in answer[name]] == [x is None for x in measured]
        assert [x or 0 for x in answer[name]] == pytest.approx([x or 0 for x in measured], rel=1e-4)
    assert answer["radius"] == pytest.approx(found.spectral_radius[0])
    assert answer["singular"] == pytest.approx(found.largest_singular_value[0])


def test_spectral_radius_is_what_the_knob_says():
    for cell in ("RNN", "LSTM"):
        answer, _ = told(f"cell={cell}&radius=1.3&T=5")
        assert math.isclose(answer["radius"], 1.3, rel_tol=1e-5)
        assert math.isclose(max(math.hypot(*z) for z in answer["eigenvalues"]), 1.3, rel_tol=1e-5)


def test_gradient_vanishes_below_one_and_the_open_forget_gate_keeps_it():
    left = {}
    for name in ("radius=0.5", "cell=LSTM&forget=-1", "cell=LSTM&forget=5"):
        answer, _ = told(f"{name}&T=60")
        left[name] = (answer["c"] if answer["c"][0] is not None else answer["h"])[0] / answer["h"][-1]
    assert left["radius=0.5"] < 1e-12
    assert left["cell=LSTM&forget=-1"] < 1e-12
    assert left["cell=LSTM&forget=5"] > 0.05


@pytest.mark.parametrize("b", [-3.0, through_time.WALL, -1.9])
def test_cliff_has_the_slope_of_differences_and_clipping_bounds_the_step(b):
    answer, made = told(f"T=5&size=4&b={b}&clip=0.3")
    E, h = made["E"], 1e-7
    b_ = made["b"].detach()
    assert math.isclose(answer["g"], ((E(b_ + h) - E(b_ - h)) / (2 * h)).item(), rel_tol=1e-3, abs_tol=1e-6)
    (start, _), (step, _), (clipped, _) = answer["start"], answer["step"], answer["clipped"]
    assert math.isclose(step - start, -0.05 * answer["g"], rel_tol=1e-9, abs_tol=1e-15)
    assert abs(clipped - start) <= 0.05 * 0.3 * (1 + 1e-9)
    assert len(answer["E"]) == len(answer["places"]) == 201


def test_too_long_a_sequence_is_refused_beside_its_knob():
    with pytest.raises(Refused, match="take less") as refused:
        through_time.SCREEN.read("T=200&size=128")
    assert refused.value.knob == "size"
