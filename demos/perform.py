"""Perform experiments, in this process or in several at once, and draw their figures."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import active_children, get_context
from pathlib import Path

from demos import inline_svg, report
from demos.experiment import Config, Experiment, Result, load
from demos.files import put
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


class CannotRun(Exception):
    """With these knobs the experiment cannot be run; the message says which, and why not."""


def perform(planned: Sequence[Planned], figures: Figures, jobs: int = 1) -> Iterator[Performance]:
    """Yield the performances in the order of the plan, whatever the number of processes.

    Figures that are to be shown must be drawn in this process, so then there is only this one. Only this
    process writes files. Where it stops early, the others are ended at once. Raises CannotRun.
    """
    work = partial(_perform, figures=figures)
    plan = [(experiment.name, setup) for experiment, setup in planned]
    jobs = 1 if figures.show else min(jobs, len(plan))
    with _others(jobs) if jobs > 1 else nullcontext(map) as run:
        for (experiment, setup), (drawn, *found) in zip(planned, run(work, plan)):
            path = figures.save / f"{experiment.name}.{figures.format}"
            put(path, drawn)
            yield Performance(experiment, setup, found[0], path, *found[1:])


@contextmanager
def _others(jobs: int) -> Iterator[Callable]:
    """A `map` that works in so many other processes, which do not outlive the block."""
    before = set(active_children())

    def run(work: Callable, plan: Sequence) -> Iterator:
        with _deaf():
            return pool.map(work, plan)

    with _one_thread_each(), ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        try:
            yield run
        except BaseException:
            for process in set(active_children()) - before:
                process.terminate()
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _deaf() -> Iterator[None]:
    """Keep Ctrl-C waiting to the end of the block; processes that start in it never hear of it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows, where they do
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _perform(planned: tuple[str, Config], figures: Figures) -> tuple[bytes, Result, str, str, Matrix | None]:
    """Run and draw; return what can be sent from one process to another, which a module cannot."""
    name, setup = planned
    experiment = load(name)
    try:
        result = experiment.run(setup)
    except Exception as error:
        if turned := report.turned(experiment, setup):
            raise CannotRun(f"{name} cannot run with {turned}: {_reason(error)}") from error
        raise
    drawn = _draw(experiment, setup, result, figures)
    svg = inline_svg.drawing(experiment, setup, result)
    slide = inline_svg.drawing(experiment, setup, result, "slides") if figures.slides else ""
    return drawn, replace(result, data=None), svg, slide, matrix_of(result)


def _reason(error: Exception) -> str:
    kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
    return kind + " ".join(str(error).split())


def matrix_of(result: Result) -> Matrix | None:
    """The matrix of fixes and pathologies that a result's data may carry."""
    return result.data.get("matrix") if isinstance(result.data, dict) else None


def _draw(experiment: Experiment, setup: Config, result: Result, figures: Figures) -> bytes:
    import matplotlib
    import matplotlib.pyplot as plt

    if not figures.show:
        matplotlib.use("Agg")  # needs no display
    file = io.BytesIO()
    with style(figures.style) as chosen:
        figure = experiment.module.draw(setup, result.data)
        finish(figure, experiment.lesson, caption(setup), chosen)
        figure.savefig(file, format=figures.format)
    if not figures.show:
        plt.close(figure)
    return file.getvalue()


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
