"""Every experiment, in its fast form and cell by cell, as in a notebook: its claims hold, its figure draws,
nothing global is left changed."""

import re
import sys
from pathlib import Path
from types import ModuleType

import matplotlib.pyplot as plt
import pytest

import demos
import tinygrad_stab as torch
from demos.arc import scene_of
from demos.cli import every_name
from demos.corrections import CORRECTIONS
from demos.experiment import Experiment, load
from demos.page import IN_TIME
from demos.report import caption
from demos.style import STYLES, finish, style


@pytest.fixture(scope="module", params=every_name())
def performed(request):
    """Run every cell, one after the other; return what the last one performs: experiment, set-up, result."""
    path = Path(load(request.param).module.__file__)
    return notebook(
        path.read_text(encoding="utf-8").replace("present(Setup())", "present(Setup(**FAST))"), path
    )


def notebook(source, path):
    """Run the cells of a source as the program itself, whose module is called __main__."""
    module, performances, honest = ModuleType("__main__"), [], Experiment.run
    module.__file__ = str(path)

    def run(self, setup):
        performances.append((self, setup, honest(self, setup)))
        return performances[-1][-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "__main__", module)  # where a dataclass, and `present`, look for it
        patch.setattr(Experiment, "run", run)
        for cell in re.split(r"^(?=# %%)", source, flags=re.MULTILINE):
            exec(compile(cell, str(path), "exec"), vars(module))
    plt.close()
    assert len(performances) == 1, "the cell 'Here and now' performs the experiment once"
    return performances[0]


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
        for legend in figure.legends:
            assert legend.get_window_extent().x1 < figure.bbox.x1, "a legend that is cut off"
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
    assert experiment.full() != experiment.setup(), "--full is more than the usual form"
    assert len(Path(experiment.module.__file__).read_text().splitlines()) <= 150, "too long to project"


def test_last_cell_performs_the_experiment(performed):
    source = Path(performed[0].module.__file__).read_text(encoding="utf-8")
    assert source.endswith('\n\n# %% Here and now\nif __name__ == "__main__":\n    present(Setup())\n')
    assert performed[1] == performed[0].fast()


def test_a_notebook_whose_cells_are_in_the_wrong_order_fails():
    path = Path(load("weight_grad_trap").module.__file__)
    head, *cells = re.split(r"^(?=# %%)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    with pytest.raises(NameError, match="is not defined"):
        notebook("".join([head, cells[-1], *cells[:-1]]), path)


def test_present_prints_the_claims_and_says_where_a_figure_can_be_had(capsys):
    path = Path(load("weight_grad_trap").module.__file__)
    _, _, result = notebook(path.read_text(encoding="utf-8"), path)
    out = capsys.readouterr().out
    assert all(claim.what.split()[0] in out for claim in result.claims)
    assert out.count("PASS") == len(result.claims)
    assert "There is no display to show the figure on" in out


def test_corrections_rest_on_claims_that_are_made(performed):
    experiment, _, result = performed
    name = Path(experiment.module.__file__).stem
    texts = [correction.shown for correction in CORRECTIONS if correction.experiment == name]
    scene = scene_of(name)
    for text in (scene.predicts, scene.shows) if scene else ():
        assert set(re.findall(r"{(.*?)}", text)) <= {claim.what for claim in result.claims}
    for text in [*texts, *IN_TIME.get(name, ())[1:]]:
        used = re.findall(r"{(.*?)}", text)
        assert used
        assert set(used) <= {claim.what for claim in result.claims}


def test_corrections_name_experiments_that_exist():
    assert {correction.experiment for correction in CORRECTIONS} | set(IN_TIME) <= set(every_name())


def test_every_file_of_a_section_is_an_experiment():
    files = {
        path.stem for name in demos.SECTIONS for path in Path(demos.__file__).parent.glob(f"{name}/[a-z]*.py")
    }
    assert files == set(every_name())


def test_same_seed_measures_the_same():
    experiment = load("gradient_through_time")
    first, second = (experiment.run(experiment.fast()) for _ in range(2))
    assert [c.measured for c in first.claims] == [c.measured for c in second.claims]
