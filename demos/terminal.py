"""What is printed reaches its reader: in colour on a terminal, spelled out where letters are missing, and if
the reader has left, as `head` does, the program ends as quietly."""

from __future__ import annotations

import codecs
import os
import re
import sys
import unicodedata
from typing import TextIO

_COLOURS = {"PASS": "32", "FAIL": "1;31", "open": "33"}
_SPELLED = {"√": "sqrt", "∛": "cbrt", "∂": "d", "∇": "grad ", "‖": "|", "⟨": "<", "⟩": ">", "∞": "inf",
            "−": "-", "≤": "<=", "≥": ">=", "≈": "~", "→": "->", "←": "<-", "≪": "<<", "≫": ">>", "ᵀ": "^T",
            "′": "'", "⋯": "...", "─": "-", "│": "|"}  # fmt: skip


def prepare() -> None:
    """Let no letter that a terminal does not have stop the program: σ becomes sigma, √ sqrt."""
    codecs.register_error("spelled", _spelled)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="spelled")


def _spelled(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    missing = error.object[error.start : error.end]
    return "".join(map(_spell, missing)), error.end


def _spell(letter: str) -> str:
    if letter in _SPELLED:
        return _SPELLED[letter]
    plain = unicodedata.normalize("NFKD", letter).replace("−", "-").encode("ascii", "ignore").decode()
    greek = re.fullmatch("GREEK (SMALL|CAPITAL) LETTER (?:FINAL )?([A-Z]+)", unicodedata.name(letter, ""))
    if greek:
        return greek[2].lower() if greek[1] == "SMALL" else greek[2].capitalize()
    return plain or "?"


def say(text: str, end: str = "\n") -> None:
    """Print; on a terminal the verdict that begins a line has its colour."""
    print(_coloured(text) if has_colours(sys.stdout) else text, end=end, flush=True)


def has_colours(stream: TextIO) -> bool:
    """Is it a terminal that shows colours, and nobody said NO_COLOR?"""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return stream.isatty() and not plain and (os.name != "nt" or "WT_SESSION" in os.environ)


def _coloured(text: str) -> str:
    def colour(verdict: re.Match) -> str:
        return f"\x1b[{_COLOURS[verdict[0]]}m{verdict[0]}\x1b[0m"

    return re.sub(r"^(PASS|FAIL|open)\b", colour, text, flags=re.MULTILINE)


def leave_quietly() -> int:
    """The reader has left: let nothing more be written; return the exit code that a shell expects."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141
