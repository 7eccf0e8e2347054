"""One HTML document that needs no other file and no network: its colours, its style, its script, its text.

Styles and scripts stand in `web/`, each in the language it is written in.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from demos.experiment import Claim
from demos.inline_svg import variables
from demos.perform import Performance

TITLE = "What makes gradients vanish or explode, and what keeps them stable"
WEB = Path(__file__).with_name("web")

# fmt: off
_LIGHT = {"--line": "#d9d9d9", "--panel": "#f4f5f7", "--shade": "#00000038", "--link": "#0b57a4",
          "--good": "#d3efe3", "--pass": "#00704f", "--fail": "#b3261e",
          "--keyword": "#8b2c8b", "--string": "#8a4b00", "--name": "#0b57a4"}
_DARK = {"--line": "#383b42", "--panel": "#1e2127", "--shade": "#ffffff48", "--link": "#8cc4ff",
         "--good": "#0d4a37", "--pass": "#4fd6a6", "--fail": "#ff8a80",
         "--keyword": "#dd9ee0", "--string": "#e9b872", "--name": "#8cc4ff"}
# fmt: on
_MONO = 'ui-monospace, "DejaVu Sans Mono", "Cascadia Mono", Menlo, Consolas, monospace'


def document(title: str, body: str, styles: Sequence[str], scripts: Sequence[str] = ()) -> str:
    """Return the document; `styles` and `scripts` are names of files in `web/`."""
    css = "\n".join(_read(name) for name in styles)
    script = "".join(f"<script>\n{_read(name)}</script>\n" for name in scripts)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
{_colours()}
{css}</style>
</head>
<body>
{body}
{script}</body>
</html>
"""


def computed() -> str:
    """What the numbers come from."""
    return (
        f"Computed by <code>python -m demos</code> with Python {platform.python_version()} and "
        f"NumPy {np.__version__}. What stands under “measured” was measured by that run."
    )


def summary(performances: Sequence[Performance]) -> str:
    """How many experiments and claims there are, and whether they held."""
    claims = [claim for p in performances for claim in p.result.claims]
    judged = [claim for claim in claims if claim.judged]
    failed = sum(not claim.holds for claim in judged)
    verdict = f"{failed} of them failed." if failed else "All of them held." if judged else ""
    what = f"{count(len(judged), 'claim')} that a measurement could refute"
    words = [f"{count(len(performances), 'experiment')}, and {what}.", verdict]
    if unjudged := len(claims) - len(judged):
        words.append(f"{count(unjudged, 'claim')} were not judged: thresholds hold for the default set-up.")
    return " ".join(filter(None, words))


def score(claims: Sequence[Claim]) -> str:
    """6 of 6 claims."""
    judged = [claim for claim in claims if claim.judged]
    return f"{sum(claim.holds for claim in judged)} of {count(len(judged), 'claim')}"


def count(n: int, what: str) -> str:
    """1 claim, 2 claims."""
    return f"{n} {what}" + "s" * (n != 1)


def anchor(name: str) -> str:
    """A link that stands at a heading and leads to it."""
    return f'<a class="anchor" href="#{name}" aria-label="link to this section">#</a>'


def _read(name: str) -> str:
    return WEB.joinpath(name).read_text(encoding="utf-8")


def _colours() -> str:
    def block(style: str, more: dict[str, str]) -> str:
        return (
            "{ " + " ".join(f"{name}: {value};" for name, value in (variables(style) | more).items()) + " }"
        )

    light, dark = block("paper", _LIGHT), block("dark", _DARK)
    return (
        f":root {{ color-scheme: light dark; --mono: {_MONO}; }}\n"
        f":root, :root.light {light}\n:root.dark {dark}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root:not(.light) {dark} }}"
    )
