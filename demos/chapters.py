"""The chapters of the page: texts whose numbers are computed while the page is written.

A chapter is a file in `chapters/`. Its first line is the heading. Below stand paragraphs, headings that
begin with ##, tables, of which each line begins with |, formulas, which are indented, and code between two
lines of ```. The code is run, in float64, and what it prints is shown below it; an {expression} in a
paragraph is replaced by its value.
"""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout
from html import escape
from pathlib import Path
from typing import Any

import tinygrad_stab as torch
from demos import prose
from demos.experiment import default_dtype


def chapter(name: str) -> tuple[str, str]:
    """Return the heading of a chapter, and its text as HTML."""
    heading, _, body = text(name).partition("\n")
    with default_dtype(torch.float64):
        return heading, written(body, {})


def text(name: str) -> str:
    """Return a chapter as it stands in its file."""
    return Path(__file__).with_name("chapters").joinpath(f"{name}.txt").read_text(encoding="utf-8")


def written(body: str, known: dict[str, Any]) -> str:
    """Run the code of a chapter, which adds to what is `known`, and return all of it as HTML."""
    html = []
    for k, part in enumerate(re.split(r"^```\n", body, flags=re.MULTILINE)):
        html.append(_performed(part, known) if k % 2 else _paragraphs(part, known))
    return "\n".join(html)


def _performed(code: str, known: dict[str, Any]) -> str:
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(code, "chapter", "exec"), known)
    output = printed.getvalue().rstrip()
    return prose.code(code.rstrip()) + (f'<pre class="output">{escape(output)}</pre>' if output else "")


def _paragraphs(text: str, known: dict[str, Any]) -> str:
    def value(found: re.Match) -> str:
        return prose.powers(eval(f'f"""{found[0]}"""', known))

    html = prose.paragraphs(re.sub(r"{[^{}]+}", value, text))
    html = re.sub(r"<p>(\|.*?)</p>", _table, html, flags=re.DOTALL)
    return re.sub(r"<p>## (.*?)</p>", r"<h4>\1</h4>", html)


def _table(found: re.Match) -> str:
    head, *rows = (re.split(r"\s*\|\s*", line)[1:] for line in found[1].splitlines())
    names = "".join(f'<th scope="col">{name}</th>' for name in head)
    lines = "\n".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    table = f"<thead><tr>{names}</tr></thead>\n<tbody>\n{lines}\n</tbody>"
    return f'<div class="wide"><table>\n{table}\n</table></div>'
