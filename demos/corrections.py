"""What is often taught and what this run measured instead. Every number comes from a claim of the run.

`corrections.txt` has them: a sentence found in course notes; indented, what is to be said about it, where
{name of a claim} stands for what that claim measured, {name of a claim} % for the same in per cent; behind an
arrow, the experiment that makes the claims.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from demos import prose
from demos.experiment import Claim
from demos.perform import Performance


@dataclass(frozen=True)
class Correction:
    """A sentence found in course notes, what is to be said about it, and the experiment that shows it."""

    says: str
    shown: str
    experiment: str


def read(text: str) -> list[Correction]:
    """Return the corrections of a text, which are separated by empty lines."""
    found = []
    for block in re.split(r"\n\s*\n", text.strip()):
        says, rest = block.split("\n    ", maxsplit=1)
        shown, _, experiment = rest.rpartition("→")
        found.append(Correction(*(" ".join(part.split()) for part in (says, shown, experiment))))
    return found


CORRECTIONS = read(Path(__file__).with_suffix(".txt").read_text(encoding="utf-8"))


def corrections(performances: Sequence[Performance]) -> str:
    """Return the corrections that this run can prove, as HTML; empty if there are none."""
    by_name = {p.experiment.name: p.result.claims for p in performances}
    rows = [row(c, by_name[c.experiment]) for c in CORRECTIONS if c.experiment in by_name]
    if not any(rows):
        return ""
    intro = (
        "These sentences stand in good course notes, and most were true of the case that their authors "
        "had in mind. Beside each is what this run measured."
    )
    return f"<p>{intro}</p>\n" + "\n".join(filter(None, rows))


def row(correction: Correction, claims: Sequence[Claim]) -> str:
    """Return one correction as HTML; empty if a claim that it rests on was not made: a knob was turned."""
    shown = filled(correction.shown, claims)
    if not shown:
        return ""
    link = f'<a href="#{correction.experiment}"><code>{correction.experiment}</code></a>'
    says = f'<p class="says">“{prose.phrase(correction.says)}”</p>'
    return f'<div class="correction">{says}<p>{shown} {link}</p></div>'


def filled(text: str, claims: Sequence[Claim], measured: bool = True) -> str:
    """Return a text as HTML, with what was measured for the claims it names, or what was predicted.

    It is empty if one of them was not made.
    """
    found = {claim.what: claim for claim in claims}
    used = re.findall(r"{(.*?)}", text)
    if not all(name in found for name in used):
        return ""
    html = prose.phrase(text)
    for name in used:
        place = "{" + prose.phrase(name) + "}"
        value = found[name].median if measured else float(found[name].predicted)
        html = html.replace(f"{place} %", f"<b>{_number(100 * value)}\N{NO-BREAK SPACE}%</b>")
        html = html.replace(place, f"<b>{_number(value)}</b>")
    confirmed = all(found[name].verdict == "PASS" for name in used)
    return html if confirmed or not measured else f"{html} <b>Not confirmed by this run.</b>"


def _number(x: float) -> str:
    """To three digits; what is counted, 9 layers, without decimals."""
    return prose.figure_of(int(x) if x.is_integer() and x != 1 and abs(x) < 1e5 else x, 3)
