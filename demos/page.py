"""The page: everything that a run found, in one HTML file that needs no other file and no network."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from demos import prose
from demos.chapters import chapter
from demos.corrections import corrections
from demos.experiment import Claim, Experiment
from demos.inline_svg import variables
from demos.perform import Performance
from demos.report import caption

TITLE = "What makes gradients vanish or explode, and what keeps them stable"
STYLE = Path(__file__).with_name("page_style.css")

# fmt: off
_LIGHT = {"--line": "#d9d9d9", "--panel": "#f4f5f7", "--link": "#0b57a4", "--good": "#d3efe3",
          "--pass": "#00704f", "--fail": "#b3261e",
          "--keyword": "#8b2c8b", "--string": "#8a4b00", "--name": "#0b57a4"}
_DARK = {"--line": "#383b42", "--panel": "#1e2127", "--link": "#8cc4ff", "--good": "#0d4a37",
         "--pass": "#4fd6a6", "--fail": "#ff8a80",
         "--keyword": "#dd9ee0", "--string": "#e9b872", "--name": "#8cc4ff"}
# fmt: on
_MONO = 'ui-monospace, "DejaVu Sans Mono", "Cascadia Mono", Menlo, Consolas, monospace'


def page(performances: Sequence[Performance], chapters: Sequence[str] = ()) -> str:
    """Return the page for these performances, with the chapters of these names."""
    names = [p.experiment.name for p in performances]
    closing = [
        *((name, *chapter(name)) for name in chapters),
        ("fixes", "Which fix for which pathology?", "".join(matrix(p) for p in performances if p.table)),
        ("corrections", "What the documents got wrong", corrections(performances)),
    ]
    closing = [section for section in closing if section[-1]]
    contents = [(p.experiment.name, _title(p.experiment), _score(p.result.claims)) for p in performances]
    contents += [(name, heading, "") for name, heading, _ in closing]
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{TITLE}</title>
<style>
{_colours()}
{STYLE.read_text(encoding="utf-8")}</style>
</head>
<body>
<header>
<h1>{TITLE}</h1>
<p class="summary">{_summary(performances)}</p>
</header>
<main>
<nav aria-label="Contents">
{_contents(contents)}
</nav>
{"".join(_experiment(p, names) for p in performances)}
{"".join(_section(*section) for section in closing)}
</main>
<footer>
<p>Computed by <code>python -m demos</code> with Python {platform.python_version()} and
NumPy {np.__version__}. What stands under “measured” was measured by that run.</p>
</footer>
</body>
</html>
"""


def _colours() -> str:
    def block(style: str, more: dict[str, str]) -> str:
        return "{" + " ".join(f"{name}: {value};" for name, value in (variables(style) | more).items()) + "}"

    return (
        f":root {{ color-scheme: light dark; --mono: {_MONO}; }}\n:root {block('paper', _LIGHT)}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {block('dark', _DARK)} }}"
    )


def _summary(performances: Sequence[Performance]) -> str:
    claims = [claim for p in performances for claim in p.result.claims if claim.judged]
    failed = sum(not claim.holds for claim in claims)
    verdict = f"{failed} of them failed." if failed else "All of them held."
    experiments = _count(len(performances), "experiment")
    return f"{experiments}, and {_count(len(claims), 'claim')} that a measurement could refute. {verdict}"


def _count(n: int, what: str) -> str:
    return f"{n} {what}" + "s" * (n != 1)


def _contents(entries: Sequence[tuple[str, str, str]]) -> str:
    items = "\n".join(
        f'<li><a href="#{name}">{escape(heading)}</a><span>{note}</span></li>'
        for name, heading, note in entries
    )
    return f'<ol class="contents">\n{items}\n</ol>'


def _title(experiment: Experiment) -> str:
    return experiment.lesson.rstrip(".")


def _score(claims: Sequence[Claim]) -> str:
    judged = [claim for claim in claims if claim.judged]
    return f"{sum(claim.holds for claim in judged)} of {_count(len(judged), 'claim')}"


def _section(name: str, heading: str, body: str) -> str:
    return f'<section id="{name}">\n<h2>{escape(heading)}</h2>\n{body}\n</section>\n'


# --- an experiment ---------------------------------------------------------------------------------------


def _experiment(performance: Performance, names: Sequence[str]) -> str:
    experiment, module = performance.experiment, performance.experiment.module
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    _, _, theory = (module.__doc__ or "").partition("\n")
    return f"""<section id="{experiment.name}" class="experiment">
<p class="name">{experiment.name}</p>
<h2>{escape(_title(experiment))}</h2>
{prose.paragraphs(theory, names)}
<p class="source">Source: {prose.phrase(module.SOURCE, names)}</p>
<figure>
{performance.svg}
<figcaption>{escape(caption(performance.setup))}</figcaption>
</figure>
{claims_table(performance.result.claims)}
<h3>The experiment</h3>
{prose.code(experiment_cell(source))}
<details><summary>the whole of {experiment.name}.py</summary>
{prose.code(source)}
</details>
</section>
"""


_HEAD = (
    '<thead><tr><th>claim</th><th class="number">predicted</th><th class="number">measured</th>'
    '<th>over the seeds</th><th class="number">tolerance</th><th>verdict</th></tr></thead>'
)


def experiment_cell(source: str) -> str:
    """Return the lines that are the experiment: its cell as far as `run`, which only makes claims of it."""
    cell = prose.cell(source, "The experiment")
    measuring, _, _ = cell.partition("\n\n\ndef run(")
    return measuring


def claims_table(claims: Sequence[Claim]) -> str:
    """Return claims as a table: what was predicted, measured and tolerated, and the verdict."""
    rows: list[str] = []
    for (by, why), group in groupby(claims, lambda claim: (claim.by, claim.why)):
        rows += map(_row, group)
        note = prose.phrase(f"predicted by {by}; tolerance: {why}")
        rows.append(f'<tr class="why"><td colspan="6">{note}</td></tr>')
    body = "\n".join(rows)
    return f'<div class="wide"><table class="claims">\n{_HEAD}\n<tbody>\n{body}\n</tbody>\n</table></div>'


def _row(claim: Claim) -> str:
    low, high = prose.figure_of(min(claim.measured), 3), prose.figure_of(max(claim.measured), 3)
    spread = "" if low == high else f"{low} … {high}"
    return (
        f'<tr><td class="what">{escape(claim.what)}</td>'
        f'<td class="number" data-label="predicted">{prose.figure_of(claim.predicted)}</td>'
        f'<td class="number" data-label="measured">{prose.figure_of(claim.median)}</td>'
        f'<td class="range">{spread}</td>'
        f'<td class="number" data-label="tolerance">{escape(prose.powers(str(claim.tolerance)))}</td>'
        f'<td class="verdict {claim.verdict}">{claim.verdict}</td></tr>'
    )


# --- the matrix ------------------------------------------------------------------------------------------

CURED = 0.75  # accuracy


def matrix(performance: Performance) -> str:
    """Return a table that an experiment brought along, and what it answers: which fix cures which pathology.

    Its first row and column are names. A cell is an accuracy; one that is not finite has diverged.
    """
    (corner, *fixes), *rows = performance.table or [[""]]
    heads = "".join(f'<th scope="col">{escape(fix)}</th>' for fix in [corner, *fixes])
    lines = "\n".join(
        f'<tr><th scope="row">{escape(name)}</th>{"".join(map(_matrix_cell, cells))}</tr>'
        for name, *cells in rows
    )
    return f"""<p>{escape(performance.experiment.lesson)} Marked is what reaches {CURED:g}.
<a href="#{performance.experiment.name}">How it was measured</a></p>
<div class="wide"><table class="matrix">
<thead><tr>{heads}</tr></thead>
<tbody>
{lines}
</tbody>
</table></div>
<ul>
{_answers(fixes, rows)}
</ul>"""


def _matrix_cell(value: float) -> str:
    if not np.isfinite(value):
        return '<td class="lost">diverged</td>'
    good = ' class="good"' if value >= CURED else ""
    return f"<td{good}>{value:.2f}</td>"


def _answers(fixes: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """For every pathology the fixes that cure it, the best first; then what cures most pathologies."""
    items = []
    for name, *cells in rows:
        order = sorted(zip(cells, fixes), key=lambda pair: -np.nan_to_num(pair[0]))
        cures = ", ".join(f"{fix} ({value:.2f})" for value, fix in order if value >= CURED)
        best = f"nothing here; best is {order[0][1]} ({order[0][0]:.2f})"
        items.append(f"<li><b>{escape(name)}:</b> {escape(cures or best)}</li>")
    counts = {fix: sum(row[k] >= CURED for row in rows) for k, fix in enumerate(fixes, 1)}
    most = max(counts.values())
    winners = ", ".join(fix for fix, count in counts.items() if count == most)
    items.append(f"<li><b>most of them:</b> {escape(winners)}, {most} of {len(rows)}</li>")
    return "\n".join(items)
