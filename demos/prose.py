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

from demos.report import number


def paragraphs(text: str, known: Iterable[str] = ()) -> str:
    """Paragraphs of a docstring; what is indented keeps its lines. `code` that is `known` becomes a link."""
    blocks = []
    for block in re.split(r"\n\s*\n", dedent(text).strip("\n")):
        for indented, lines in groupby(block.split("\n"), lambda line: line.startswith("    ")):
            part = "\n".join(lines)
            if indented:
                blocks.append(f'<pre class="formula">{escape(dedent(part))}</pre>')
            elif part.strip():
                blocks.append(f"<p>{phrase(part, known)}</p>")
    return "\n".join(blocks)


def phrase(text: str, known: Iterable[str] = ()) -> str:
    """One paragraph: escaped, with `code` in backquotes, which is a link if it names the file of a known
    experiment, and with the indices of letters, σ_w or h_(l−1), set lower."""

    def marked(found: re.Match) -> str:
        code, letter, index = found.groups()
        if letter:
            return f"{letter}<sub>{index.strip('()')}</sub>"
        html, name = f"<code>{code}</code>", code.removesuffix(".py")
        return f'<a href="#{name}">{html}</a>' if name in known else html

    return re.sub(rf"`([^`]+)`|{_INDEXED}", marked, escape(text, quote=False))


_INDEXED = r"(?<![A-Za-z_])([A-Za-zα-ωΑ-Ω])_([A-Za-z0-9](?![A-Za-z0-9_])|\([^()]*\))"  # a letter, its index


def figure_of(x: float | str, digits: int = 4) -> str:
    """A number as a book prints it, 2.6·10⁻⁵ or −1.5, or a word, escaped."""
    return escape(x) if isinstance(x, str) else powers(number(x, digits))


def powers(text: str) -> str:
    """Numbers as a book prints them: < 1e-08 becomes < 10⁻⁸."""
    return re.sub(r"\b(?:1e|([\d.]+)e)([+-]?\d+)", _power, text).replace("-", "−")


def _power(found: re.Match) -> str:
    mantissa, exponent = found[1], str(int(found[2]))
    return (f"{mantissa}·" if mantissa else "") + "10" + exponent.translate(_SUPERSCRIPT)


_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


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
