"""Flow: every number that the page is told is that of a direct call of the library on the lines it shows."""

import math

import numpy as np
import pytest

from demos.lab import flow
from demos.lab.state import Cancelled, Refused, run
from tinygrad_stab import nn
from tinygrad_stab.stability import diagnose, probe

SMALL = "depth=6&width=16&batch=8"
STATES = [
    SMALL,
    f"{SMALL}&phi=tanh&sigma=1.5&norm=batch&data=gaussian",
    f"{SMALL}&phi=sigmoid&norm=layer&draw=orthogonal&dtype=float64&seed=3",
    f"{SMALL}&skip=1&norm=layer",
    f"{SMALL}&skip=1/√L&phi=silu",
    f"{SMALL}&skip=branch 0&phi=leaky",
    "depth=2&width=8&batch=4&phi=linear",
    "depth=100&width=16&batch=4&sigma=10&phi=elu",  # overflows
]


def same(told, measured):
    """Equal as numbers but for rounding, None and NaN where the other is."""
    if told is None or measured is None:
        return told is measured
    return math.isclose(told, measured, rel_tol=1e-4) or (math.isnan(told) and math.isnan(measured))


@pytest.mark.parametrize("address", STATES)
def test_page_is_told_what_its_lines_measure(client, address):
    told = client.answer(f"/ask/flow?{address}")
    with np.errstate(all="ignore"):
        made = run(told["lines"])
        measured = probe(made["model"], made["x"], made["y"])
        found = diagnose(made["model"], made["x"], made["y"])
    fields = dict(backward="backward", weight_grad="weight_grad", std="std", weights="weights_gain",
                  slope="slope_gain", gain="gain", predicted="predicted")  # fmt: skip
    for name, field in fields.items():
        assert all(same(a, getattr(row, field)) for a, row in zip(told[name], measured)), name
        assert len(told[name]) == len(measured)
    assert told["layers"] == [row.layer for row in measured]
    assert same(told["loss"], measured.loss)
    assert told["verdict"] == (found[0].pathology if found else "healthy")
    assert told["fix"] == (found[0].fix if found else "")


def test_lines_say_what_a_user_would_run(client, capsys):
    told = client.answer(f"/ask/flow?{SMALL}")
    exec(told["lines"], {})
    printed = capsys.readouterr().out
    assert f"Sequential with loss {told['loss']:.4g}" in printed
    assert "Diagnosis of Sequential" in printed


def test_net_has_the_depth_and_the_weights_that_the_knobs_say(client):
    made = run(flow.lines(flow.SCREEN.read("depth=12&width=64&sigma=2&skip=1")))
    layers = [m for m in made["model"].modules() if isinstance(m, nn.Linear)]
    assert len(layers) == 12
    for W in (layer.weight.array for layer in layers[:-1]):
        assert abs(W.var() * W.shape[1] / 4 - 1) < 0.15


def test_theory_is_the_product_of_predicted_gains(client):
    told = client.answer(f"/ask/flow?{SMALL}")
    down = [told["backward"][-1]]
    for gain in told["predicted"][:0:-1]:
        down.insert(0, down[0] * gain)
    assert np.allclose(told["backward_theory"], down, rtol=1e-12)
    assert np.allclose(np.log(told["signal_theory"]), np.log(told["rms"]), atol=0.8)


def test_layer_where_it_breaks_is_marked():
    rows = list(flow.SCREEN.answer(flow.SCREEN.read(STATES[-1]), lambda: None))
    told = {key: value for part in rows for key, value in part.items()}
    k = told["broken"]["forward"]
    assert 0 < k < 100
    assert f"layer {k + 1}" in told["sentence"]
    assert told["verdict"] == "non-finite"
    assert told["z"][k - 1] is not None
    assert told["z"][k] is None


@pytest.mark.parametrize(
    ("sick", "turned"),
    [
        ("phi=relu&depth=40", {"sigma"}),
        ("phi=sigmoid&depth=20", {"phi", "draw"}),
        ("phi=tanh&sigma=4&depth=20", {"draw", "sigma"}),
        ("phi=relu&norm=batch&depth=40", {"phi", "norm", "draw"}),
        ("phi=relu&skip=1&sigma=1.4&depth=30", {"skip"}),
    ],
)
def test_fix_turns_the_knobs_and_the_finding_is_gone(sick, turned):
    screen, size = flow.SCREEN, "width=64&batch=32"

    def last(address):
        parts = list(screen.answer(screen.read(address), lambda: None))
        return {key: value for part in parts for key, value in part.items()}

    found = last(f"{sick}&{size}")
    assert set(found["turns"]) == turned
    state = screen.read(f"{sick}&{size}") | found["turns"]
    assert last(screen.address(state))["verdict"] != found["verdict"]


def test_histogram_counts_everything_and_keeps_what_lies_outside():
    shown = flow.histogram(np.array([-100.0, 0.1, 0.1, 0.1]))
    assert sum(shown["shares"]) == 100
    assert shown["shares"][0] == 0  # −100 is at two root mean squares: 50 of them
    assert shown["shares"][8] == 75
    assert flow.histogram(np.zeros(3)) is None
    assert flow.histogram(np.array([np.inf, 1.0])) is None


def test_run_stops_between_layers():
    passed = []

    def go_on():
        passed.append(1)
        if len(passed) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        list(flow.SCREEN.answer(flow.SCREEN.read(SMALL), go_on))
    assert len(passed) == 3


def test_what_would_take_too_long_is_refused_beside_its_knob():
    with pytest.raises(Refused, match="take less") as refused:
        flow.SCREEN.read("depth=100&width=512&batch=512")
    assert refused.value.knob == "width"
