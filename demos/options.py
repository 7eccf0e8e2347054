"""What the command line may say, and what becomes of it: which experiments, with which knobs."""

from __future__ import annotations

import argparse
import difflib
import math
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from demos import report
from demos.digits import load_digits
from demos.experiment import Config, Experiment
from demos.style import STYLES
from tinygrad_stab import nn
from tinygrad_stab.stability import theory

ANY_SIGN = ("bias", "forget_bias")  # knobs that may be negative; all others may not
POSITIVE = (
    "lr",
    "sgd_lr",
    "lr_sgd",
    "lr_adam",
    "plain_lr",
    "clip",
    "std",
    "eps",
    "tolerance",
    "scale",
    "factor",
    "start",
)


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}\n")


def parser_for(experiments: Sequence[Experiment]) -> argparse.ArgumentParser:
    """The options that all experiments share, and a knob for each name that one of them has."""
    parser = _Parser(
        prog="python -m demos",
        usage="%(prog)s [experiment ...] [options]",
        description="Run the experiments of the lecture. Say what failed, of what was predicted; write the "
        "figures, and a page, index.html, with all of it. The exit code is 1 if a claim fails.",
    )
    # fmt: off
    add = parser.add_argument
    add("experiment", nargs="*", help="names, or beginnings of names; without any, the lecture")
    add("--list", action="store_true", help="say what there is, and stop; with --verbose, the knobs as well")
    add("--all", action="store_true", help="run every experiment, not only the lecture")
    add("--full", action="store_true", help="more seeds, and larger where an experiment has a larger form")
    add("--verbose", action="store_true", help="print every claim, who predicts it and why the tolerance")
    add("--seed", type=int, default=0, metavar="N", help="the first seed (default 0)")
    add("--seeds", type=int, metavar="K", help="how many seeds (default 3, in most experiments)")
    add("--data", metavar="X", dest="knob data",
        help="images to train on: digits (the default), mnist, or a directory with the four files of MNIST "
        "or Fashion-MNIST")
    add("--jobs", type=_positive, default=os.cpu_count() or 1, metavar="N",
        help="processes (default: one for each core, here %(default)s)")
    add("--save", type=Path, default=Path("figures"), metavar="DIR",
        help="for the figures and the page (default figures)")
    add("--slides", action="store_true", help="write slides.html as well, to be projected")
    add("--handout", action="store_true", help="write handout.html as well, to be printed")
    add("--ipynb", action="store_true", help="write a notebook of each experiment as well")
    add("--json", type=Path, metavar="FILE", help="write the claims as JSON as well")
    add("--format", choices=("png", "svg", "pdf"), default="png", help="of the figures (default png)")
    add("--style", choices=tuple(STYLES), default="paper", help="of the figures (default paper)")
    add("--show", action="store_true", help="show the figures in windows as well")
    add("--open", action="store_true", help="open the page, or the slides, in the browser")
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


def parse(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line. Raises ValueError for an option that there is not, with the nearest one."""
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        flags = re.findall(r"--[a-z][a-z_-]*", parser.format_help())
        raise ValueError(f"there is no option {unknown[0]!r}: {nearest(unknown[0], flags, '--help')}")
    if options.seed < 0:
        raise ValueError(f"--seed must be 0 or more, not {options.seed}")
    return options


def choose(names: Sequence[str], experiments: Sequence[Experiment]) -> list[Experiment]:
    """The experiments whose names begin like this, in the order of the lecture; without names, all of them.

    Raises ValueError for a name that none has, with the nearest one.
    """
    for name in names:
        if not any(e.name.startswith(name) for e in experiments):
            hint = nearest(name, [e.name for e in experiments], "--list")
            raise ValueError(f"there is no experiment {name!r}: {hint}")
    return [e for e in experiments if not names or e.name.startswith(tuple(names))]


def nearest(name: str, names: Sequence[str], otherwise: str) -> str:
    """Did you mean the name that looks most like it?"""
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.3)
    return f"did you mean {near[0]}?" if near else f"{otherwise} shows them all"


def check_knobs(
    options: argparse.Namespace, chosen: Sequence[Experiment], experiments: Sequence[Experiment]
) -> None:
    """Raise ValueError for a knob that no chosen experiment has, and for data that cannot be used."""
    for name, text in _turned(options):
        if not any(name in e.knobs for e in chosen):
            owners = ", ".join(e.name for e in experiments if name in e.knobs)
            raise ValueError(f"no chosen experiment has the knob {report.flag(name)}; these have: {owners}")
        if name == "data":
            load_digits(options.seed, text)  # which raises ValueError if it cannot be used


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
    for value in values:
        _check(name, value, default)
    if isinstance(default, tuple):
        return values
    if len(values) > 1:
        raise ValueError(f"{report.flag(name)} takes one value, not {len(values)}: {text!r}")
    return values[0]


def _check(name: str, value: Any, default: Any) -> None:
    """Raise ValueError for a value that no experiment could use."""
    if isinstance(value, str):
        known = name == "activation" and _is_activation(value)
        if not known and value not in default:
            raise ValueError(
                f"{report.flag(name)} takes values such as {report.shown(default)}, not {value!r}"
            )
        return
    if not math.isfinite(value):
        raise ValueError(f"{report.flag(name)} must be finite, not {value}")
    if isinstance(value, int) and value < 1:
        raise ValueError(f"{report.flag(name)} must be 1 or more, not {value}")
    if name in POSITIVE and value <= 0:
        raise ValueError(f"{report.flag(name)} must be above 0, not {value:g}")
    if name not in ANY_SIGN and value < 0:
        raise ValueError(f"{report.flag(name)} must not be negative, not {value:g}")


def _is_activation(name: str) -> bool:
    """Is there such a function, and a theory of it?"""
    try:
        theory.chi(name.lower(), 1.0, q=1.0)
    except ValueError:
        return False
    return hasattr(nn.functional, name.lower())


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, not {text}")
    return int(text)
