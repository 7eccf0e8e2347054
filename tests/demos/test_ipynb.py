"""Experiments as notebooks: Jupyter's format 4, whose cells run and whose output is the run's."""

import json
from types import ModuleType

import pytest

from demos import report
from demos.experiment import load
from demos.ipynb import notebook
from demos.perform import Figures, perform


@pytest.fixture(scope="module")
def performance(tmp_path_factory):
    experiment = load("weight_grad_trap")
    (found,) = perform(
        [(experiment, experiment.setup(seeds=(3,), depth=6))], Figures(tmp_path_factory.mktemp("figures"))
    )
    return found


@pytest.fixture(scope="module")
def book(performance):
    return json.loads(notebook(performance))


def test_it_has_what_format_4_5_asks_for(book):
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    assert set(book) == {"cells", "metadata", "nbformat", "nbformat_minor"}
    ids = [cell["id"] for cell in book["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in book["cells"]:
        more = {"execution_count", "outputs"} if cell["cell_type"] == "code" else set()
        assert set(cell) == {"cell_type", "id", "metadata", "source"} | more
        assert all(isinstance(line, str) for line in cell["source"])


def test_it_has_text_code_claims_and_figure(book, performance):
    first, *_, last = book["cells"]
    assert "".join(first["source"]).startswith(
        f"# {performance.experiment.lesson}\n\n*The gradients of all weights"
    )
    assert "Source: Glorot" in "".join(first["source"])
    printed, shown = last["outputs"]
    assert "".join(printed["text"]) == report.table(performance.result.claims) + "\n"
    assert set(shown["data"]) == {"image/png"}
    assert "Setup(seeds=(3,), depth=6)" in "".join(last["source"]), "the set-up of the run"


def test_its_cells_run_one_after_the_other_and_print_what_it_shows(book, monkeypatch, capsys):
    module = ModuleType("__main__")
    monkeypatch.setitem(__import__("sys").modules, "__main__", module)
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), "cell", "exec"), vars(module))
    import matplotlib.pyplot as plt

    plt.close("all")
    assert capsys.readouterr().out.startswith("".join(book["cells"][-1]["outputs"][0]["text"]))
