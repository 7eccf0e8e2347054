"""Perform experiments, in this process or in several at once, and draw their figures."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from demos import inline_svg
from demos.experiment import Config, Experiment, Result, load
from demos.matrix import Matrix
from demos.report import caption
from demos.style import finish, style

Planned = tuple[Experiment, Config]


@dataclass(frozen=True)
class Performance:
    """What an experiment leaves: its findings, and its figure, as a file and as SVG for the page."""

    experiment: Experiment
    setup: Config
    result: Result
    figure: Path
    svg: str
    slide: str = ""  # the figure for the slides, if there are to be any
    matrix: Matrix | None = None


@dataclass(frozen=True)
class Figures:
    """Where figures go, and what they look like."""

    save: Path = Path("figures")
    format: str = "png"
    style: str = "paper"
    show: bool = False
    slides: bool = False  # draw each for the slides as well


def perform(planned: Sequence[Planned], figures: Figures, jobs: int = 1) -> Iterator[Performance]:
    """Yield the performances in the order of the plan, whatever the number of processes.

    Figures that are to be shown must be drawn in this process, so then there is only this one.
    """
    work = partial(_perform, figures=figures)
    plan = [(experiment.name, setup) for experiment, setup in planned]
    jobs = 1 if figures.show else min(jobs, len(plan))
    if jobs == 1:
        yield from (Performance(e, setup, *work((e.name, setup))) for e, setup in planned)
        return
    with _one_thread_each(), ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        try:
            for (experiment, setup), found in zip(planned, pool.map(work, plan)):
                yield Performance(experiment, setup, *found)
        finally:
            pool.shutdown(cancel_futures=True)


def _perform(planned: tuple[str, Config], figures: Figures) -> tuple[Result, Path, str, str, Matrix | None]:
    """Run and draw; return what can be sent from one process to another, which a module cannot."""
    name, setup = planned
    experiment = load(name)
    result = experiment.run(setup)
    path = _draw(experiment, setup, result, figures)
    svg = inline_svg.drawing(experiment, setup, result)
    slide = inline_svg.drawing(experiment, setup, result, "slides") if figures.slides else ""
    return replace(result, data=None), path, svg, slide, matrix_of(result)


def matrix_of(result: Result) -> Matrix | None:
    """The matrix of fixes and pathologies that a result's data may carry."""
    return result.data.get("matrix") if isinstance(result.data, dict) else None


def _draw(experiment: Experiment, setup: Config, result: Result, figures: Figures) -> Path:
    import matplotlib
    import matplotlib.pyplot as plt

    if not figures.show:
        matplotlib.use("Agg")  # needs no display
    path = figures.save / f"{experiment.name}.{figures.format}"
    with style(figures.style) as chosen:
        figure = experiment.module.draw(setup, result.data)
        finish(figure, experiment.lesson, caption(setup), chosen)
        figure.savefig(path)
    if not figures.show:
        plt.close(figure)
    return path


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let NumPy use one thread in each of the processes that start in this block; they are enough."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
