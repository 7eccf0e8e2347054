"""Print claims so that they can be read in eighty columns, from the back of the room."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterable, Sequence
from itertools import groupby, zip_longest
from textwrap import fill, wrap
from typing import Any

from demos.experiment import Claim, Config, Experiment, Result

WIDTH, SCREEN, NAME = 79, 40, 26  # columns, lines, and what a name takes of a line
VERDICT, CLAIM, PREDICTED, NEEDS = 6, 27, 9, 11  # columns; what was measured has the rest
INDENT = " " * VERDICT
RULE = "-" * WIDTH

Found = tuple[Experiment, Result]


def progress(k: int, n: int, experiment: Experiment) -> str:
    """The beginning of the line that says how far a run has come; `outcome` is its end."""
    return f"{f'[{k}/{n}]':>{2 * len(str(n)) + 3}} {experiment.name:{WIDTH - 42}}"


def outcome(result: Result) -> str:
    """How many claims hold, and how long it took."""
    judged = [claim for claim in result.claims if claim.judged]
    holding = (
        f"{sum(claim.holds for claim in judged)} of {len(judged)} claims hold" if judged else "not judged"
    )
    return f"{holding:>21}{result.seconds:8.1f} s"


def brief(results: Sequence[Found], lines: int) -> str:
    """What failed, then all other claims if they fit into so many lines; if not, how to see them."""
    failed, others = (
        [
            line
            for e, r in results
            for line in _group(e, [c for c in r.claims if (c.verdict == "FAIL") is wanted])
        ]
        for wanted in (True, False)
    )
    if len(failed) + len(others) <= lines:
        return "\n".join([*failed, *others])
    shown = failed if len(failed) <= lines - 2 else [*failed[: lines - 3], "…"]
    return "\n".join([*shown, "", "--verbose prints every claim, who predicts it, and why the tolerance."])


def _group(experiment: Experiment, claims: Sequence[Claim]) -> list[str]:
    rows = [line for claim in claims for line in _row(claim)]
    return ["", _heading(experiment.name), *rows] if rows else []


def failures(results: Sequence[Found]) -> str:
    """The claims that failed, by name; empty if there are none."""
    failed = [f"FAIL  {e.name}: {c.what}" for e, r in results for c in r.claims if c.verdict == "FAIL"]
    return "\n".join(fill(line, WIDTH, subsequent_indent=INDENT) for line in failed)


def header(experiment: Experiment) -> str:
    """The experiment's name, its lesson, and where it comes from."""
    source = fill(f"Source: {experiment.module.SOURCE}", WIDTH, subsequent_indent=" " * 8)
    return f"{experiment.name}\n{fill(experiment.lesson, WIDTH)}\n{source}"


def table(claims: Iterable[Claim]) -> str:
    """One row a claim; below each group, who predicts it, and why the tolerance is what it is."""
    lines = [_heading("claim"), RULE]
    for (by, why), group in groupby(claims, lambda claim: (claim.by, claim.why)):
        for claim in group:
            lines += _row(claim)
        lines += [_note(f"prediction: {by}"), _note(f"tolerance: {why}"), ""]
    return "\n".join(lines[:-1])


def _heading(name: str) -> str:
    return f"{INDENT}{name:{CLAIM}}{'predicted':>{PREDICTED}}{'tolerance':>{NEEDS}}  measured [over seeds]"


def _row(claim: Claim) -> list[str]:
    middle, low, high = number(claim.median), number(min(claim.measured), 3), number(max(claim.measured), 3)
    spread = "" if low == high else f"[{low}, {high}]"
    what = wrap(claim.what, CLAIM - 1)
    expected = f"{number(claim.predicted):>{PREDICTED}}{claim.tolerance!s:>{NEEDS}}"
    left = [f"{claim.verdict:{VERDICT}}{what[0]:{CLAIM}}{expected}  ", *(INDENT + line for line in what[1:])]
    right = [f"{middle} {spread}"]
    if len(left[0] + right[0]) > WIDTH:
        right = [middle, spread]
    return [f"{a:{len(left[0])}}{b}".rstrip() for a, b in zip_longest(left, right, fillvalue="")]


def _note(text: str) -> str:
    return fill(text, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT + "  ")


def number(x: float | str, digits: int = 4) -> str:
    """A number to so many digits, without noise: 1.000, 0.1414, 2.6e-5. Words and integers as they are."""
    if isinstance(x, (str, int)):
        return str(x)
    mantissa, e, exponent = f"{x:#.{digits}g}".partition("e")
    return mantissa.rstrip(".") + (f"e{int(exponent)}" if e else "")


def powers(text: str) -> str:
    """Numbers as a book prints them: < 1e-08 becomes < 10⁻⁸, and -3 becomes −3."""
    return re.sub(r"(?<!\w)-(?=\d)", "−", re.sub(r"\b(?:1e|([\d.]+)e)([+-]?\d+)", _power, text))


def _power(found: re.Match) -> str:
    mantissa, exponent = found[1], str(int(found[2]))
    return (f"{mantissa}·" if mantissa else "") + "10" + exponent.translate(_SUPERSCRIPT)


_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def summary(results: Sequence[Found]) -> str:
    """How many claims hold, how many do not, and how many were not judged."""
    claims = [claim for _, result in results for claim in result.claims]
    judged = [claim for claim in claims if claim.judged]
    failed = [claim for claim in judged if not claim.holds]
    unjudged = len(claims) - len(judged)
    reason = "thresholds were measured for the default set-up"
    if not judged:
        return f"No claim was judged, of {len(claims)}: {reason}."
    n = len(judged)
    held = f"{len(failed)} of {n} claims failed." if failed else f"Every claim held: {n} of {n}."
    return f"{held}\nNot judged: {unjudged}; {reason}." if unjudged else held


# --- set-ups ---------------------------------------------------------------------------------------------


def listing(experiments: Iterable[Experiment]) -> str:
    """What there is, one line each; on a terminal no line is longer than it is wide."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    lines = [f"{e.name:{NAME}} {e.lesson}" for e in experiments]
    return "\n".join(line if not width or len(line) <= width else f"{line[: width - 1]}…" for line in lines)


def knobs(experiments: Iterable[Experiment]) -> str:
    """What there is: every name with its lesson, and the knobs that can be turned."""
    lines = []
    for experiment in experiments:
        knobs = [f"{flag(k)} {shown(v)}" for k, v in experiment.knobs.items() if k != "seeds"]
        lines += [experiment.name, _paragraph(experiment.lesson), _paragraph("  ".join(knobs))]
    return "\n".join(lines)


def _paragraph(text: str) -> str:
    return fill(text, WIDTH, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)


def turned(experiment: Experiment, setup: Config) -> str:
    """The knobs that are not at their default, as on the command line; empty if all are."""
    usual = {**vars(experiment.full()), **experiment.knobs}
    return " ".join(f"{flag(k)} {shown(v)}" for k, v in vars(setup).items() if k != "seeds" and v != usual[k])


TERMS = {  # what the text calls a knob, where that is not its name
    "weight_std": "σ_w", "sigma_w": "σ_w", "weight_var": "σ_w²", "bias_var": "σ_b²", "forget_bias": "b_f",
    "radius": "ρ", "eps": "ε", "time": "T", "decay": "λ", "factor": "a", "scale": "s", "start": "x₀",
    "tolerance": "ε", "std": "std of W", "input_std": "std of the inputs", "top": "δ at the top",
    "every": "steps between looks", "lr_sgd": "SGD's lr", "lr_adam": "Adam's lr", "sgd_lr": "SGD's lr",
    "cut": "% cut", "loud": "loud noise", "warm_up": "warm-up", "pre_activations": "pre-activations",
}  # fmt: skip
_TIED = "\N{NO-BREAK SPACE}"


def caption(setup: Config) -> str:
    """The set-up in one line, for readers: every knob, then the seeds."""
    knobs = [
        f"{TERMS.get(name, name.replace('_', ' '))} ".replace(" ", _TIED) + powers(_listed(value))
        for name, value in vars(setup).items()
        if name != "seeds"
    ]
    first, last = setup.seeds[0], setup.seeds[-1]
    seeds = f"seed {first}" if first == last else f"seeds {first} to {last}"
    return "  ·  ".join([*knobs, seeds.replace(" ", _TIED)])


def _listed(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_listed, value))
    return f"{value:.3g}" if isinstance(value, float) and value < 1000 else shown(value)


def flag(knob: str) -> str:
    """How a knob is called on the command line."""
    return "--" + knob.replace("_", "-")


def shown(value: Any) -> str:
    """A knob's value, as it is written on the command line."""
    if isinstance(value, tuple):
        return ",".join(map(shown, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
