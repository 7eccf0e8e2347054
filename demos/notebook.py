"""Perform the experiment whose cells were just run: in a notebook, an editor with cells, or `python -m`."""

from __future__ import annotations

import sys

from demos import report
from demos.experiment import Config, Experiment
from demos.style import Figure, finish, show, style


def present(setup: Config) -> Figure:
    """Run the experiment that this set-up belongs to, print its claims, show its figure, and return it."""
    module = sys.modules[type(setup).__module__]
    experiment = Experiment(module.__name__, module)
    result = experiment.run(setup)
    print(report.table(result.claims))
    with style("paper") as chosen:
        figure = module.draw(setup, result.data)
        finish(figure, experiment.lesson, report.caption(setup), chosen)
    show("There is no display to show the figure on; `python -m demos` with its name writes it to a file.")
    return figure
