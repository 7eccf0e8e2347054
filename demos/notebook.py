"""Perform the experiment whose cells were just run: in a notebook, an editor with cells, or `python -m`."""

from __future__ import annotations

import sys

from demos import report
from demos.experiment import Config, Experiment
from demos.style import Figure, finish, style


def present(setup: Config) -> Figure:
    """Run the experiment that this set-up belongs to, print its claims, and return its figure, drawn."""
    module = sys.modules[type(setup).__module__]
    experiment = Experiment(module.__name__, module)
    result = experiment.run(setup)
    print(f"{report.table(result.claims)}")
    with style("paper") as chosen:
        figure = module.draw(setup, result.data)
        finish(figure, experiment.lesson, report.caption(setup), chosen)
    return figure
