"""`python -m demos`: run experiments, print claims, write figures and a page; exit code 1 if one fails."""

from __future__ import annotations

import argparse
import difflib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import demos
from demos import LECTURE, as_json, report
from demos.digits import load_digits
from demos.experiment import Config, Experiment, load
from demos.perform import Figures, Performance, Planned, perform
from demos.style import STYLES, show


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; return the exit code."""
    experiments = [load(name) for name in every_name()]
    parser = _parser(experiments)
    options, unknown = parser.parse_known_args(arguments)
    everything = options.all or options.list or options.experiment
    try:
        if unknown:
            flags = re.findall(r"--[a-z][a-z_-]*", parser.format_help())
            raise ValueError(f"there is no option {unknown[0]!r}: {_nearest(unknown[0], flags, '--help')}")
        chosen = choose(options.experiment, experiments if everything else experiments[: len(LECTURE)])
        _check_knobs(options, chosen, experiments)
        planned = [(experiment, setup_for(experiment, options)) for experiment in chosen]
    except ValueError as error:
        parser.error(str(error))
    if options.list:
        print(report.listing(chosen))
        return 0
    return _present(planned, options)


def every_name() -> list[str]:
    """The experiments of the lecture, in its order, then all others that stand beside them."""
    paths = sorted(Path(demos.__file__).parent.glob("*/[a-z]*.py"))
    others = [path.stem for path in paths if "\n# %% The experiment\n" in path.read_text(encoding="utf-8")]
    return [*LECTURE, *(name for name in others if name not in LECTURE)]


def _present(planned: Sequence[Planned], options: argparse.Namespace) -> int:
    options.save.mkdir(parents=True, exist_ok=True)
    figures = Figures(options.save, options.format, options.style, options.show, bool(options.slides))
    coming = perform(planned, figures, options.jobs)
    performances: list[Performance] = []
    for k, (experiment, _) in enumerate(planned, 1):
        print(report.progress(k, len(planned), experiment), end="", flush=True)
        performances.append(next(coming))
        print(report.outcome(performances[-1].result), flush=True)
    for p in performances:
        print(f"\n{report.header(p.experiment)}\n\n{report.table(p.result.claims)}\n")
        if p.matrix:
            print(f"{p.matrix.text()}\n")
        print(f"      figure: {p.figure}")
    print(f"\n{report.summary([(p.experiment, p.result) for p in performances])}")
    _write(performances, options)
    if options.show:
        show("There is no display to show the figures on; they are in the files named above.")
    return 0 if all(p.result.passed for p in performances) else 1


def _write(performances: Sequence[Performance], options: argparse.Namespace) -> None:
    from demos import page

    html = page.page(performances, whole=not options.experiment)
    files = {options.save / f"{p.experiment.name}.csv": p.matrix.csv() for p in performances if p.matrix}
    files[options.save / "index.html"] = html
    if options.slides:
        from demos import slides

        files[options.save / "slides.html"] = slides.slides(performances)
    if options.json:
        files[options.json] = json.dumps(as_json.rows(performances), ensure_ascii=False, indent=1) + "\n"
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"Wrote {path}")


# --- what the command line says --------------------------------------------------------------------------


def _parser(experiments: Sequence[Experiment]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m demos",
        usage="%(prog)s [experiment ...] [options]",
        description="Run the experiments of the lecture. Print what each claims, what was predicted and what "
        "was measured; write the figures, and a page, index.html, with all of it. The exit code is 1 if a "
        "claim fails.",
    )
    # fmt: off
    add = parser.add_argument
    add("experiment", nargs="*", help="names, or beginnings of names; without any, the lecture")
    add("--list", action="store_true", help="say what there is, and stop")
    add("--all", action="store_true", help="run every experiment, not only the lecture")
    add("--full", action="store_true", help="more seeds, and larger where an experiment has a larger form")
    add("--seed", type=int, default=0, metavar="N", help="the first seed (default 0)")
    add("--seeds", type=int, metavar="K", help="how many seeds (default 3, in most experiments)")
    add("--data", metavar="X", dest="knob data",
        help="images to train on: digits (the default), mnist, or a directory with the four files of MNIST "
        "or Fashion-MNIST")
    add("--jobs", type=_positive, default=os.cpu_count() or 1, metavar="N",
        help="processes (default: one for each core, here %(default)s)")
    add("--save", type=Path, default=Path("figures"), metavar="DIR",
        help="for the figures and the page (default figures)")
    add("--json", type=Path, metavar="FILE", help="write the claims as JSON as well")
    add("--format", choices=("png", "svg", "pdf"), default="png", help="of the figures (default png)")
    add("--style", choices=tuple(STYLES), default="paper", help="of the figures (default paper)")
    add("--slides", action="store_true", help="write the slides as well, slides.html")
    add("--show", action="store_true", help="show the figures in windows as well")
    # fmt: on
    knobs = parser.add_argument_group(
        "knobs",
        "Each with the experiments that have it, and its default there; several values are separated by "
        "commas. With a knob turned, a claim whose threshold was measured for the default is shown, but not "
        "judged.",
    )
    for name in sorted({name for e in experiments for name in e.knobs} - {"seeds", "data"}):
        owners = [f"{e.name} {report.shown(e.knobs[name])}" for e in experiments if name in e.knobs]
        knobs.add_argument(report.flag(name), dest=f"knob {name}", metavar="X", help="; ".join(owners))
    return parser


def choose(names: Sequence[str], experiments: Sequence[Experiment]) -> list[Experiment]:
    """The experiments whose names begin like this, in the order of the lecture; without names, all of them.

    Raises ValueError for a name that none has, with the nearest one.
    """
    for name in names:
        if not any(e.name.startswith(name) for e in experiments):
            hint = _nearest(name, [e.name for e in experiments], "--list")
            raise ValueError(f"there is no experiment {name!r}: {hint}")
    return [e for e in experiments if not names or e.name.startswith(tuple(names))]


def _nearest(name: str, names: Sequence[str], otherwise: str) -> str:
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.3)
    return f"did you mean {near[0]}?" if near else f"{otherwise} shows them all"


def setup_for(experiment: Experiment, options: argparse.Namespace) -> Config:
    """The experiment's set-up, with those knobs turned that it has.

    Raises ValueError for a value that a knob does not take.
    """
    knobs = experiment.knobs
    form = experiment.full() if options.full else experiment.setup()
    count = len(form.seeds) if options.seeds is None else options.seeds
    if count < 1:
        raise ValueError(f"--seeds must be 1 or more, not {count}")
    seeds = tuple(range(options.seed, options.seed + count))
    turned = {name: _value(name, text, knobs[name]) for name, text in _turned(options) if name in knobs}
    return replace(form, **turned, seeds=seeds)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, not {text}")
    return int(text)


def _turned(options: argparse.Namespace) -> list[tuple[str, str]]:
    given = vars(options).items()
    return [(key.removeprefix("knob "), text) for key, text in given if key.startswith("knob ") and text]


def _value(name: str, text: str, default: Any) -> Any:
    if isinstance(default, str):
        return text
    kind = type(default[0] if isinstance(default, tuple) else default)
    try:
        values = tuple(kind(part) for part in text.split(","))
    except ValueError:
        example = f"{kind.__name__} values such as {report.shown(default)}"
        raise ValueError(f"{report.flag(name)} takes {example}, not {text!r}") from None
    if isinstance(default, tuple):
        return values
    if len(values) > 1:
        raise ValueError(f"{report.flag(name)} takes one value, not {len(values)}: {text!r}")
    return values[0]


def _check_knobs(
    options: argparse.Namespace, chosen: Sequence[Experiment], experiments: Sequence[Experiment]
) -> None:
    for name, text in _turned(options):
        if not any(name in e.knobs for e in chosen):
            owners = ", ".join(e.name for e in experiments if name in e.knobs)
            raise ValueError(f"no chosen experiment has the knob {report.flag(name)}; these have: {owners}")
        if name == "data":
            load_digits(options.seed, text)  # which raises ValueError if it cannot be used
