"""Docstrings, numbers and source code as HTML. Whatever comes from outside is escaped here."""

from __future__ import annotations

import io
import keyword
import re
import tokenize
from collections.abc import Iterable
from html import escape
from itertools import groupby
from textwrap import dedent

from demos.mathml import mathml
from demos.report import number, powers


def paragraphs(text: str, known: Iterable[str] = ()) -> str:
    """Paragraphs of a docstring; what is indented keeps its lines. `code` that is `known` becomes a link."""
    blocks = []
    for block in re.split(r"\n\s*\n", dedent(text).strip("\n")):
        for indented, lines in groupby(block.split("\n"), lambda line: line.startswith("    ")):
            part = "\n".join(lines)
            if indented:
                blocks.append(_formulas(dedent(part)))
            elif part.strip():
                blocks.append(f"<p>{phrase(part, known)}</p>")
    return "\n".join(blocks)


def _formulas(text: str) -> str:
    """Lines of a docstring that are indented: a diagram as it stands, all else cell by cell."""
    if re.search("[─│→]", text) and "│" in text:
        return f'<pre class="formula">{escape(text, quote=False)}</pre>'
    return f'<div class="formula">{formula(text)}</div>'


def phrase(text: str, known: Iterable[str] = ()) -> str:
    """One paragraph: escaped, with `code` in backquotes, which is a link if it names the file of a known
    experiment; all else is set as mathematics."""
    parts = re.split("`([^`]+)`", escape(text, quote=False))
    return "".join(_code(part, known) if k % 2 else mathematics(part) for k, part in enumerate(parts))


def _code(text: str, known: Iterable[str]) -> str:
    html, name = f"<code>{text}</code>", text.removesuffix(".py")
    return f'<a href="#{name}">{html}</a>' if name in known else html


def mathematics(text: str) -> str:
    """Indices are set lower, σ_w and h_(l−1), exponents higher, 2^(−L/2), numbers as in a book, ' as ’."""
    text = text.replace("'", "’")
    text = re.sub(_INDEX, lambda found: f"{found[1]}<sub>{found[2].strip('()')}</sub>", powers(text))
    return re.sub(_EXPONENT, lambda found: f"<sup>{found[1].strip('()')}</sup>", text)


_INDEX = r"(?<![A-Za-z_])([A-Za-zα-ωΑ-Ω]²?)_([A-Za-z0-9]{1,3}(?![A-Za-z0-9_])|\([^()]*\))"  # of a letter
_EXPONENT = r"\^(\([^()]*\)|[−√]?\w+(?:\.\d+)?)"


def formula(text: str) -> str:
    """Lines of cells, which two spaces or more part, in their columns; what surely is a formula as MathML."""
    lines = [list(re.finditer(r"\S(?:.*?\S)??(?= {2,}|$)", line)) for line in text.split("\n")]
    starts = sorted({cell.start() for line in lines for cell in line})

    def placed(row: int, cell: re.Match) -> str:
        html = mathml(cell[0]) or phrase(cell[0])
        return f'<span style="grid-area: {row} / {starts.index(cell.start()) + 1}">{html}</span>'

    return "\n".join(placed(row, cell) for row, line in enumerate(lines, 1) for cell in line)


def figure_of(x: float | str, digits: int = 4) -> str:
    """A number as a book prints it, 2.6·10⁻⁵ or −1.5, or a word, escaped."""
    return escape(x) if isinstance(x, str) else powers(number(x, digits))


def cell(source: str, title: str) -> str:
    """The `# %% title` cell of a module in percent format, without that line; empty if there is none."""
    found = re.search(rf"^# %% {re.escape(title)}\n(.*?)(?=^# %%|\Z)", source, re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else ""


def code(source: str) -> str:
    """Python as HTML, with keywords, strings, numbers, comments and the names of definitions marked."""
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    html, done, before = [], 0, ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        kind = _kind(token, before)
        if token.string.strip():
            before = token.string
        if kind:
            start, end = (starts[row - 1] + column for row, column in (token.start, token.end))
            marked = f'<span class="{kind}">{escape(source[start:end])}</span>'
            html += [escape(source[done:start]), marked]
            done = end
    return f"<pre><code>{''.join(html)}{escape(source[done:])}</code></pre>"


def _kind(token: tokenize.TokenInfo, before: str) -> str:
    if token.type == tokenize.NAME and keyword.iskeyword(token.string):
        return "k"
    if token.type == tokenize.NAME and before in ("def", "class"):
        return "d"
    kinds = {tokenize.STRING: "s", tokenize.NUMBER: "n", tokenize.COMMENT: "c"}
    return kinds.get(token.type, "")
