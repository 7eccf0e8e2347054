"""`python -m demos`: run experiments, say what failed, write figures and a page; 1 if a claim fails."""

from __future__ import annotations

import argparse
import webbrowser
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import demos
from demos import LECTURE, outputs, report
from demos.experiment import load
from demos.files import put
from demos.options import check_knobs, choose, parse, parser_for, setup_for
from demos.perform import CannotRun, Figures, Performance, Planned, perform
from demos.style import show
from demos.terminal import leave_quietly, prepare, say


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; return the exit code."""
    prepare()
    try:
        return _main(arguments)
    except KeyboardInterrupt:
        say("\nStopped. What was written is whole.")
        return 130
    except BrokenPipeError:
        return leave_quietly()


def _main(arguments: Sequence[str] | None) -> int:
    experiments = [load(name) for name in every_name()]
    parser = parser_for(experiments)
    try:
        options = parse(parser, arguments)
        everything = options.all or options.list or options.experiment
        chosen = choose(options.experiment, experiments if everything else experiments[: len(LECTURE)])
        check_knobs(options, chosen, experiments)
        planned = [(experiment, setup_for(experiment, options)) for experiment in chosen]
        if not options.list:
            outputs.check(options)
    except ValueError as error:
        parser.error(str(error))
    if options.list:
        say(report.knobs(chosen) if options.verbose else report.listing(chosen))
        return 0
    try:
        return _present(planned, options)
    except CannotRun as error:
        if options.verbose:
            raise
        say("")
        parser.error(str(error))


def every_name() -> list[str]:
    """The experiments of the lecture, in its order, then all others that stand beside them."""
    paths = sorted(Path(demos.__file__).parent.glob("*/[a-z]*.py"))
    others = [path.stem for path in paths if "\n# %% The experiment\n" in path.read_text(encoding="utf-8")]
    return [*LECTURE, *(name for name in others if name not in LECTURE)]


def _present(planned: Sequence[Planned], options: argparse.Namespace) -> int:
    figures = Figures(options.save, options.format, options.style, options.show, options.slides)
    performances: list[Performance] = []
    with closing(perform(planned, figures, options.jobs)) as coming:
        for k, (experiment, _) in enumerate(planned, 1):
            say(report.progress(k, len(planned), experiment), end="")
            performances.append(next(coming))
            say(report.outcome(performances[-1].result))
    results = [(p.experiment, p.result) for p in performances]
    if options.verbose:
        for p in performances:
            say(f"\n{report.header(p.experiment)}\n\n{report.table(p.result.claims)}\n")
            say((f"{p.matrix.text()}\n\n" if p.matrix else "") + f"      figure: {p.figure}")
        say(f"\n{report.failures(results)}".rstrip())
    else:
        say(report.brief(results, report.SCREEN - len(planned) - 6))
    say(f"\n{report.summary(results)}")
    _write(performances, options)
    if options.show:
        show("There is no display to show the figures on; they are in the files named above.")
    return 0 if all(result.passed for _, result in results) else 1


def _write(performances: Sequence[Performance], options: argparse.Namespace) -> None:
    if performances:
        one = performances[0].figure
        say(
            f"Wrote {one}" if len(performances) == 1 else f"Wrote {len(performances)} figures to {one.parent}"
        )
    files = outputs.texts(performances, options)
    for path, text in files.items():
        put(path, text)
        if path.suffix != ".ipynb":
            say(f"Wrote {path}")
    if options.ipynb:
        say(f"Wrote {len(performances)} notebooks to {options.save / 'notebooks'}")
    if options.open:
        page = options.save / ("slides.html" if options.slides else "index.html")
        if not webbrowser.open(page.resolve().as_uri()):
            say(f"No browser could be started; open {page} in one.")
