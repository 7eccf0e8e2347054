"""`python -m demos`: run experiments, print claims, write figures; the exit code is 1 if a claim fails."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from demos import LECTURE, report
from demos.experiment import Config, Experiment, Result, load
from demos.style import STYLES, finish, style


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; return the exit code."""
    experiments = [load(name) for name in LECTURE]
    parser = _parser(experiments)
    options = parser.parse_args(arguments)
    try:
        chosen = choose(options.experiment, experiments)
        _check_knobs(options, chosen, experiments)
        setups = [setup_for(experiment, options) for experiment in chosen]
    except ValueError as error:
        parser.error(str(error))
    if options.list:
        print(report.listing(chosen))
        return 0
    return _present(list(zip(chosen, setups)), options)


def _present(planned: list[tuple[Experiment, Config]], options: argparse.Namespace) -> int:
    import matplotlib

    if not options.show:
        matplotlib.use("Agg")  # needs no display
    options.save.mkdir(parents=True, exist_ok=True)
    results: list[tuple[Experiment, Result]] = []
    for k, (experiment, setup) in enumerate(planned, 1):
        print(f"[{k}/{len(planned)}] {report.header(experiment)}\n", flush=True)
        result = experiment.run(setup)
        print(report.table(result.claims), flush=True)
        print(f"\n      figure: {_save_figure(experiment, setup, result, options)}\n", flush=True)
        results.append((experiment, result))
    print(report.summary(results))
    if options.show:
        _show()
    return 0 if all(result.passed for _, result in results) else 1


def _save_figure(experiment: Experiment, setup: Config, result: Result, options: argparse.Namespace) -> Path:
    import matplotlib.pyplot as plt

    path = options.save / f"{experiment.name}.{options.format}"
    with style(options.style) as chosen:
        figure = experiment.module.draw(setup, result.data)
        finish(figure, experiment.lesson, report.caption(setup), chosen)
        figure.savefig(path)
    if not options.show:
        plt.close(figure)
    return path


def _show() -> None:
    import matplotlib.pyplot as plt

    if plt.get_backend().lower() == "agg":
        print("There is no display to show the figures on; they are in the files named above.")
    else:
        plt.show()


# --- what the command line says --------------------------------------------------------------------------


def _parser(experiments: Sequence[Experiment]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m demos",
        usage="%(prog)s [experiment ...] [options]",
        description="Run the experiments of the lecture. Each prints what it claims, what was predicted and "
        "what it measured, and writes a figure. The exit code is 1 if a claim fails.",
    )
    # fmt: off
    add = parser.add_argument
    add("experiment", nargs="*", help="names, or beginnings of names; without any, all experiments")
    add("--list", action="store_true", help="say what there is, and stop")
    add("--seed", type=int, default=0, metavar="N", help="the first seed (default 0)")
    add("--seeds", type=int, metavar="K", help="how many seeds (default 3, in most experiments)")
    add("--save", type=Path, default=Path("figures"), metavar="DIR", help="for the figures (default figures)")
    add("--format", choices=("png", "svg", "pdf"), default="png", help="of the figures (default png)")
    add("--style", choices=tuple(STYLES), default="paper", help="of the figures (default paper)")
    add("--show", action="store_true", help="show the figures in windows as well")
    # fmt: on
    knobs = parser.add_argument_group(
        "knobs",
        "Each with the experiments that have it, and its default there; several values are separated by "
        "commas. With a knob turned, a claim whose threshold was measured for the default is shown, but not "
        "judged.",
    )
    for name in sorted({name for e in experiments for name in e.knobs} - {"seeds"}):
        owners = [f"{e.name} {report.shown(e.knobs[name])}" for e in experiments if name in e.knobs]
        knobs.add_argument(report.flag(name), dest=f"knob {name}", metavar="X", help="; ".join(owners))
    return parser


def choose(names: Sequence[str], experiments: Sequence[Experiment]) -> list[Experiment]:
    """The experiments whose names begin like this, in the order of the lecture; without names, all of them.

    Raises ValueError for a name that none has, with the nearest one.
    """
    for name in names:
        if not any(e.name.startswith(name) for e in experiments):
            near = difflib.get_close_matches(name, [e.name for e in experiments], n=1, cutoff=0.3)
            hint = f"did you mean {near[0]}?" if near else "--list shows them all"
            raise ValueError(f"there is no experiment {name!r}: {hint}")
    return [e for e in experiments if not names or e.name.startswith(tuple(names))]


def setup_for(experiment: Experiment, options: argparse.Namespace) -> Config:
    """The experiment's set-up, with those knobs turned that it has.

    Raises ValueError for a value that a knob does not take.
    """
    knobs = experiment.knobs
    count = len(knobs["seeds"]) if options.seeds is None else options.seeds
    if count < 1:
        raise ValueError(f"--seeds must be 1 or more, not {count}")
    seeds = tuple(range(options.seed, options.seed + count))
    turned = {name: _value(name, text, knobs[name]) for name, text in _turned(options) if name in knobs}
    return experiment.setup(seeds=seeds, **turned)


def _turned(options: argparse.Namespace) -> list[tuple[str, str]]:
    given = vars(options).items()
    return [(key.removeprefix("knob "), text) for key, text in given if key.startswith("knob ") and text]


def _value(name: str, text: str, default: Any) -> Any:
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
    for name, _ in _turned(options):
        if not any(name in e.knobs for e in chosen):
            owners = ", ".join(e.name for e in experiments if name in e.knobs)
            raise ValueError(f"no chosen experiment has the knob {report.flag(name)}; these have: {owners}")
