"""An experiment on the page: title and figure in one window, then theory, claims and the complete code."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby
from pathlib import Path

from demos import prose
from demos.document import anchor
from demos.experiment import Claim, Experiment
from demos.perform import Performance
from demos.report import caption
from demos.source import listings


def exhibit(performance: Performance, names: Sequence[str], more: str = "") -> str:
    """Return the section. `code` that names one of these experiments becomes a link; `more` comes next."""
    experiment, module = performance.experiment, performance.experiment.module
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    return f"""<section id="{experiment.name}" class="experiment">
<div class="screen">
<p class="name">{experiment.name}</p>
<h3>{title(experiment)} {anchor(experiment.name)}</h3>
<figure>
{performance.svg}
<figcaption>{prose.phrase(caption(performance.setup))}</figcaption>
</figure>
</div>
{more}{theory(experiment, names)}
<p class="source">Source: {prose.phrase(module.SOURCE, names)}</p>
{claims_table(performance.result.claims)}
<h4>The experiment</h4>
{code(experiment)}
<details><summary>the whole of {experiment.name}.py</summary>
{prose.code(source)}
</details>
</section>
"""


def title(experiment: Experiment) -> str:
    """The lesson as HTML, without its full stop."""
    return prose.phrase(experiment.lesson.rstrip("."))


def theory(experiment: Experiment, names: Sequence[str] = ()) -> str:
    """All of the docstring but its first line."""
    return prose.paragraphs((experiment.module.__doc__ or "").partition("\n")[2], names)


def code(experiment: Experiment) -> str:
    """What is measured, and all that builds and trains the net, whatever file it stands in."""
    own, *others = listings(Path(str(experiment.module.__file__)))
    html = [prose.code(own[1])]
    for name, text in others:
        html.append(f"<p>It calls, from <code>{name}</code>:</p>\n{prose.code(text)}")
    return "\n".join(html)


_HEAD = (
    '<th scope="col">claim</th><th scope="col" class="number">predicted</th>'
    '<th scope="col" class="number">measured</th><th scope="col">over the seeds</th>'
    '<th scope="col" class="number">tolerance</th><th scope="col">verdict</th>'
)


def claims_table(claims: Sequence[Claim]) -> str:
    """Return claims as a table: what was predicted, measured and tolerated, and the verdict."""
    rows: list[str] = []
    for (by, why), group in groupby(claims, lambda claim: (claim.by, claim.why)):
        rows += map(_row, group)
        note = prose.phrase(f"prediction: {by}; tolerance: {why}")
        rows.append(f'<tr class="why"><td colspan="6">{note}</td></tr>')
    head, body = f"<thead><tr>{_HEAD}</tr></thead>", "\n".join(rows)
    return f'<div class="wide"><table class="claims">\n{head}\n<tbody>\n{body}\n</tbody>\n</table></div>'


def _row(claim: Claim) -> str:
    low, high = prose.figure_of(min(claim.measured), 3), prose.figure_of(max(claim.measured), 3)
    spread = "" if low == high else f"{low} … {high}"
    return (
        f'<tr><th scope="row" class="what">{prose.phrase(claim.what)}</th>'
        f'<td class="number" data-label="predicted">{prose.figure_of(claim.predicted)}</td>'
        f'<td class="number" data-label="measured">{prose.figure_of(claim.median)}</td>'
        f'<td class="range" data-label="over the seeds">{spread}</td>'
        f'<td class="number" data-label="tolerance">{escape(prose.powers(str(claim.tolerance)))}</td>'
        f'<td class="verdict {claim.verdict}">{claim.verdict}</td></tr>'
    )
