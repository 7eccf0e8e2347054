"""Every experiment, in its fast form: its claims hold, its figure draws, nothing global is left changed."""

from pathlib import Path

import matplotlib.pyplot as plt
import pytest

import demos
import tinygrad_stab as torch
from demos.cli import every_name
from demos.experiment import load
from demos.report import caption
from demos.style import STYLES, finish, style


@pytest.fixture(scope="module", params=every_name())
def performed(request):
    experiment = load(request.param)
    setup = experiment.fast()
    return experiment, setup, experiment.run(setup)


def test_claims_hold(performed):
    _, _, result = performed
    verdicts = {claim.what: (claim.verdict, claim.measured) for claim in result.claims}
    assert verdicts
    assert not {what: found for what, found in verdicts.items() if found[0] != "PASS"}


@pytest.mark.parametrize("name", STYLES)
def test_figure_draws_in_every_style(performed, name):
    experiment, setup, result = performed
    with style(name) as chosen:
        figure = experiment.module.draw(setup, result.data)
        finish(figure, experiment.lesson, caption(setup), chosen)
        figure.draw_without_rendering()
    plt.close(figure)
    for ax in figure.axes:
        assert ax.get_xlabel() or ax.get_title(loc="left"), "a panel without a word"
    assert not plt.get_fignums()


def test_default_dtype_is_restored(performed):
    assert torch.get_default_dtype() == torch.float32


def test_module_says_what_it_shows(performed):
    experiment, _, _ = performed
    assert experiment.lesson.endswith(".")
    assert len(experiment.lesson) <= 105, "the lesson is the title of a slide"
    assert experiment.module.SOURCE
    assert len(Path(experiment.module.__file__).read_text().splitlines()) <= 150, "too long to project"


def test_every_file_of_a_section_is_an_experiment():
    files = {path.stem for path in Path(demos.__file__).parent.glob("*/[a-z]*.py")}
    assert files == set(every_name())


def test_same_seed_measures_the_same():
    experiment = load("gradient_through_time")
    first, second = (experiment.run(experiment.fast()) for _ in range(2))
    assert [c.measured for c in first.claims] == [c.measured for c in second.claims]
