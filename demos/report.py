"""Print claims so that they can be read in eighty columns, from the back of the room."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby, zip_longest
from textwrap import fill, wrap
from typing import Any

from demos.experiment import Claim, Config, Experiment, Result

WIDTH = 79
VERDICT, CLAIM, PREDICTED, NEEDS = 6, 27, 9, 11  # columns; what was measured has the rest
INDENT = " " * VERDICT
RULE = "-" * WIDTH


def progress(k: int, n: int, experiment: Experiment) -> str:
    """The beginning of the line that says how far a run has come; `outcome` is its end."""
    return f"{f'[{k}/{n}]':>{2 * len(str(n)) + 3}} {experiment.name:{WIDTH - 42}}"


def outcome(result: Result) -> str:
    """How many claims hold, and how long it took."""
    judged = [claim for claim in result.claims if claim.judged]
    holding = f"{sum(claim.holds for claim in judged)} of {len(judged)} claims hold"
    return f"{holding:>21}{result.seconds:8.1f} s"


def header(experiment: Experiment) -> str:
    """The experiment's name, its lesson, and where it comes from."""
    source = fill(f"Source: {experiment.module.SOURCE}", WIDTH, subsequent_indent=" " * 8)
    return f"{experiment.name}\n{fill(experiment.lesson, WIDTH)}\n{source}"


def table(claims: Iterable[Claim]) -> str:
    """One row a claim; below each group, who predicts it, and why the tolerance is what it is."""
    heading = f"{'claim':{CLAIM}}{'predicted':>{PREDICTED}}{'needs':>{NEEDS}}  measured [over seeds]"
    lines = [INDENT + heading, RULE]
    for (by, why), group in groupby(claims, lambda claim: (claim.by, claim.why)):
        for claim in group:
            lines += _row(claim)
        lines += [_note(f"prediction: {by}"), _note(f"tolerance: {why}"), ""]
    return "\n".join(lines[:-1])


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


def summary(results: Sequence[tuple[Experiment, Result]]) -> str:
    """How many claims of each experiment hold, and which do not."""
    name = WIDTH - 22
    lines = [f"{'experiment':{name}}{'claims hold':>12}{'seconds':>10}", RULE]
    for experiment, result in results:
        judged = [claim for claim in result.claims if claim.judged]
        score = f"{sum(claim.holds for claim in judged)} of {len(judged)}"
        lines.append(f"{experiment.name:{name}}{score:>12}{result.seconds:10.1f}")
    failed = [f"FAIL  {e.name}: {c.what}" for e, r in results for c in r.claims if c.verdict == "FAIL"]
    lines += ["", *(fill(line, WIDTH, subsequent_indent=INDENT) for line in failed)]
    judged = sum(claim.judged for _, result in results for claim in result.claims)
    held = "Every claim that was judged held." if judged else "No claim was judged."
    unjudged = sum(not claim.judged for _, result in results for claim in result.claims)
    if judged and not unjudged:
        held = "Every claim held."
    lines.append(f"{len(failed)} of the claims failed." if failed else held)
    if unjudged:
        lines.append(f"Not judged: {unjudged}; their thresholds were measured for the default set-up.")
    return "\n".join(lines)


# --- set-ups ---------------------------------------------------------------------------------------------


def listing(experiments: Iterable[Experiment]) -> str:
    """What there is: every name with its lesson, and the knobs that can be turned."""
    lines = []
    for experiment in experiments:
        knobs = [f"{flag(k)} {shown(v)}" for k, v in experiment.knobs.items() if k != "seeds"]
        lines += [experiment.name, _paragraph(experiment.lesson), _paragraph("  ".join(knobs))]
    return "\n".join(lines)


def _paragraph(text: str) -> str:
    return fill(text, WIDTH, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)


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
