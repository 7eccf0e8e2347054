"""Train: what is streamed is what the lines train, also with a change in mid-run, or diverging."""

import math

import numpy as np
import pytest

from demos.lab import train
from demos.lab.state import Refused, run

SMALL = "depth=4&steps=20&switch=10"


@pytest.mark.parametrize(
    "change", ["", "&clip2=0.1&optimizer2=Adam&lr2=0.001", "&norm=batch&clip=0.3&seed=2"]
)
def test_curves_are_those_of_the_lines(client, change):
    answer = client.answer(f"/ask/train?{SMALL}{change}")
    made = run(answer["lines"])
    records = list(made["monitor"].records)
    of_lines = {
        "loss": made["losses"],
        "norm": made["norms"],
        "clipped": [record.total_norm for record in records],
        "backward": [[row.backward for row in record.layers] for record in records],
    }
    for name, curve in of_lines.items():  # where arrays lie in memory may change the last digit of a product
        np.testing.assert_allclose(answer[name], curve, rtol=1e-3, err_msg=name)
    assert len(answer["accuracy"]) == 4


def test_settings_change_at_the_step_that_the_knob_says(client):
    plain, clipped = (client.answer(f"/ask/train?{SMALL}{change}") for change in ("", "&clip2=0.01"))
    assert np.allclose(plain["loss"][:11], clipped["loss"][:11], rtol=1e-5)
    assert not np.allclose(plain["loss"][11], clipped["loss"][11], rtol=1e-5)
    assert all(math.isclose(norm, 0.01, rel_tol=1e-4) for norm in clipped["clipped"][10:])
    assert np.allclose(clipped["clipped"][:10], clipped["norm"][:10], rtol=1e-5)


def test_run_that_diverges_is_shown_as_what_it_is(client):
    answer = client.answer("/ask/train?depth=10&steps=20&lr=3&sigma=3")
    broken = next(k for k, loss in enumerate(answer["loss"]) if not math.isfinite(loss))
    assert answer["sentence"] == f"It diverged: the loss is not finite from step {broken + 1} on."
    assert client.answer(f"/ask/train?{SMALL}")["done"]


def test_parts_come_while_it_runs():
    with np.errstate(all="ignore"):
        lengths = [len(part["loss"]) for part in train.SCREEN.answer(train.SCREEN.read(SMALL), lambda: None)]
    assert len(lengths) == 4


def test_too_long_a_run_is_refused_beside_its_knob():
    with pytest.raises(Refused, match="too long") as refused:
        train.SCREEN.read("depth=30&steps=300")
    assert refused.value.knob == "steps"
