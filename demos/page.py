"""The page: everything that a run found, in one HTML file that needs no other file and no network."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from html import escape
from importlib import import_module
from itertools import groupby
from pathlib import Path

import numpy as np

from demos import LECTURE, SECTIONS, prose
from demos.chapters import chapter
from demos.corrections import corrections, filled
from demos.experiment import Claim, Experiment
from demos.inline_svg import variables
from demos.perform import Performance
from demos.report import caption

TITLE = "What makes gradients vanish or explode, and what keeps them stable"
STYLE = Path(__file__).with_name("page_style.css")

# fmt: off
_LIGHT = {"--line": "#d9d9d9", "--panel": "#f4f5f7", "--shade": "#00000038", "--link": "#0b57a4",
          "--good": "#d3efe3", "--pass": "#00704f", "--fail": "#b3261e",
          "--keyword": "#8b2c8b", "--string": "#8a4b00", "--name": "#0b57a4"}
_DARK = {"--line": "#383b42", "--panel": "#1e2127", "--shade": "#ffffff48", "--link": "#8cc4ff",
         "--good": "#0d4a37", "--pass": "#4fd6a6", "--fail": "#ff8a80",
         "--keyword": "#dd9ee0", "--string": "#e9b872", "--name": "#8cc4ff"}
# fmt: on
_MONO = 'ui-monospace, "DejaVu Sans Mono", "Cascadia Mono", Menlo, Consolas, monospace'


def page(performances: Sequence[Performance], chapters: Sequence[str] = ()) -> str:
    """Return the page for these performances, with the chapters of these names."""
    names = [p.experiment.name for p in performances]
    closing = [
        *((name, *chapter(name)) for name in chapters),
        ("fixes", "Which fix for which pathology?", _fixes(performances)),
        ("corrections", "What is often taught, and what this run measured", corrections(performances)),
    ]
    closing = [section for section in closing if section[-1]]
    parts = _by_section(performances)
    after = [(name, heading, "") for name, heading, _ in closing]
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
{"".join(_contents(*part) for part in parts)}
{_list(after)}
</nav>
{"".join(_part(*part, names) for part in parts)}
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


def _by_section(performances: Sequence[Performance]) -> list[tuple[str, list[Performance]]]:
    """The lecture is told in its own order, under no heading; what is more than that, section by section."""
    if len(performances) <= len(LECTURE):
        return [("", list(performances))]
    parts = ((name, [p for p in performances if p.experiment.section == name]) for name in SECTIONS)
    return [part for part in parts if part[1]]


def _contents(section: str, performances: Sequence[Performance]) -> str:
    entries = [(p.experiment.name, _title(p.experiment), _score(p.result.claims)) for p in performances]
    if not section:
        return _list(entries)
    heading = f'<h3><a href="#{section}">{section.capitalize()}</a></h3>'
    return f"{heading}\n<p>{_about(section)}</p>\n{_list(entries)}\n"


def _list(entries: Sequence[tuple[str, str, str]]) -> str:
    items = "\n".join(
        f'<li><a href="#{name}">{escape(heading)}</a><span>{note}</span></li>'
        for name, heading, note in entries
    )
    return f'<ol class="contents">\n{items}\n</ol>'


def _part(section: str, performances: Sequence[Performance], names: Sequence[str]) -> str:
    experiments = "".join(_experiment(p, names) for p in performances)
    if not section:
        return experiments
    heading = f"<h2>{section.capitalize()}</h2>\n<p>{_about(section)}</p>"
    return f'<div id="{section}" class="part">\n{heading}\n</div>\n{experiments}'


def _about(section: str) -> str:
    return prose.phrase(import_module(f"demos.{section}").__doc__ or "")


def _title(experiment: Experiment) -> str:
    return experiment.lesson.rstrip(".")


def _score(claims: Sequence[Claim]) -> str:
    judged = [claim for claim in claims if claim.judged]
    return f"{sum(claim.holds for claim in judged)} of {_count(len(judged), 'claim')}"


def _section(name: str, heading: str, body: str) -> str:
    return f'<section id="{name}">\n<h2>{escape(heading)}</h2>\n{body}\n</section>\n'


IN_TIME = {  # what the matrix cannot say, as its nets are not recurrent
    "gradient_cliff": (
        "a cliff in time",
        "clipping: {share that arrives, clip 1} % of the starts arrive, without it "
        "{share that arrives, not clipped} %",
    ),
    "latch_task": (
        "vanishing in time",
        "a forget gate that starts open: with σ(b_f)ᵀ above 10⁻³ the worst net reads "
        "{σ(b_f)ᵀ > 0.001: accuracy of the worst} % of the sequences, below 10⁻⁹ the best "
        "{σ(b_f)ᵀ < 1e-09: accuracy of the best} %",
    ),
}


def _fixes(performances: Sequence[Performance]) -> str:
    claims = {p.experiment.name: p.result.claims for p in performances}
    answers = [
        f'<b>{pathology}:</b> {html} <a href="#{name}"><code>{name}</code></a>'
        for name, (pathology, answer) in IN_TIME.items()
        if name in claims and (html := filled(answer, claims[name]))
    ]
    matrices = ((p.matrix, p.experiment) for p in performances if p.matrix)
    return "".join(matrix.html(e.lesson, e.name, answers) for matrix, e in matrices)


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
<figcaption>{prose.phrase(caption(performance.setup))}</figcaption>
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
        note = prose.phrase(f"prediction: {by}; tolerance: {why}")
        rows.append(f'<tr class="why"><td colspan="6">{note}</td></tr>')
    body = "\n".join(rows)
    return f'<div class="wide"><table class="claims">\n{_HEAD}\n<tbody>\n{body}\n</tbody>\n</table></div>'


def _row(claim: Claim) -> str:
    low, high = prose.figure_of(min(claim.measured), 3), prose.figure_of(max(claim.measured), 3)
    spread = "" if low == high else f"{low} … {high}"
    return (
        f'<tr><td class="what">{prose.phrase(claim.what)}</td>'
        f'<td class="number" data-label="predicted">{prose.figure_of(claim.predicted)}</td>'
        f'<td class="number" data-label="measured">{prose.figure_of(claim.median)}</td>'
        f'<td class="range" data-label="over the seeds">{spread}</td>'
        f'<td class="number" data-label="tolerance">{escape(prose.powers(str(claim.tolerance)))}</td>'
        f'<td class="verdict {claim.verdict}">{claim.verdict}</td></tr>'
    )
