"""Formulas of the sources, which are written in Unicode, as MathML, which browsers set without a script.

    mathml("χ = σ_w² E φ′(z)²")        <math>…</math>
    mathml("the edge of chaos")        "", for it is not sure that this is a formula

A cell is translated whole, or not at all: a word that is no known function, a bracket that stays open or a
sign that is not known, and it stays as it was written. What stands directly at a / is its fraction, as in
(k − 1)/2h; a / between spaces takes all there is between two operators. A subscript belongs to its letter,
an exponent to its letter or its bracket.
"""

from __future__ import annotations

import re
from html import escape
from typing import NamedTuple

FUNCTIONS = set(
    re.findall(r"\w+", "arccos artanh cos diag erf exp lim ln log lr max min relu sign sin tanh BN Var")
)
OPERATORS = set("=<>≤≥≈~∝≪≫←→,;:+−-±·×…⋯*%")
CLOSING = {"(": ")", "[": "]", "⟨": "⟩", "|": "|", "‖": "‖"}
SUPERSCRIPT = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿᵀᴸᴺᴮᵗʳᵖᵏ", "0123456789−+nTLNBtrpk"))
SUBSCRIPT = dict(zip("₀₁₂₃₄₅₆₇₈₉₋₊ₜᵢₗₙₖ", "0123456789−+tilnk"))
FRACTIONS = {"½": "12", "¼": "14", "¾": "34", "⅓": "13"}
PRIMES = "′″‴"
_TOKEN = re.compile(r"\d+(?:\.\d+)?|d(?=[A-Za-z](?![A-Za-z]))|[A-Za-z]+|\S")  # dE is d and E


class NotSure(Exception):
    """This may be no formula."""


class Token(NamedTuple):
    text: str
    spaced: bool  # is there a space before it?


class Item(NamedTuple):
    """A piece of MathML, whether a space stands before it, and, of a bracket, what is in it."""

    html: str
    spaced: bool
    inside: str = ""
    operator: str = ""
    prefix: bool = False  # a function, or E: what it is of is not to be cut by a /


def mathml(text: str) -> str:
    """Return a formula as MathML; empty where it is not sure that it is one."""
    found = [Token(m[0], m.start() > 0 and text[m.start() - 1] == " ") for m in _TOKEN.finditer(text)]
    try:
        return f'<math displaystyle="true">{_row(_Reader(found).items())}</math>'
    except NotSure:
        return ""


class _Reader:
    """Reads tokens from left to right."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens, self.place = tokens, 0

    @property
    def next(self) -> str:
        return self.tokens[self.place].text if self.place < len(self.tokens) else ""

    def take(self) -> Token:
        if not self.next:
            raise NotSure
        self.place += 1
        return self.tokens[self.place - 1]

    def items(self, end: str = "") -> list[Item]:
        """All items up to this closing bracket, which is taken as well, or up to the end."""
        found: list[Item] = []
        while self.next != end:
            if not self.next:
                raise NotSure
            found.append(self.scripted())
        if end:
            self.take()
        return found

    def scripted(self) -> Item:
        """An atom, and what stands at its right above and below."""
        atom = self.atom()
        primes = ""
        while self.next and self.next in PRIMES:
            primes += self.take().text
        if primes:
            prime = f'<mo lspace="0" rspace="0">{primes}</mo>'
            atom = Item(f"<mrow>{atom.html}{prime}</mrow>", atom.spaced)
        below, above = self.below(), self.above()
        below = below or self.below()  # x²_k as well as x_k²
        if not (below or above):
            return atom
        if atom.operator and atom.operator not in "ΣΠ":
            raise NotSure
        tag = "msubsup" if below and above else "msub" if below else "msup"
        return Item(f"<{tag}>{atom.html}{below}{above}</{tag}>", atom.spaced)

    def below(self) -> str:
        if self.next == "_":
            self.take()
            return self.argument()
        return self.marks(SUBSCRIPT)

    def above(self) -> str:
        if self.next == "^":
            self.take()
            return self.argument()
        return self.marks(SUPERSCRIPT) or ("<mo>*</mo>" if self.star() else "")

    def star(self) -> bool:
        """q* is a fixed point."""
        found = self.next == "*" and not self.tokens[self.place].spaced
        self.place += found
        return found

    def marks(self, known: dict[str, str]) -> str:
        signs = ""
        while self.next and self.next in known:
            signs += known[self.take().text]
        return f"<mrow>{''.join(map(_sign, re.findall('[0-9]+|.', signs)))}</mrow>" if signs else ""

    def argument(self) -> str:
        """What follows _ or ^: the inside of a bracket, a root, a number or a short word."""
        if self.next == "(":
            self.take()
            return f"<mrow>{_row(self.items(')'), built=False)}</mrow>"
        sign = _sign(self.take().text) if self.next in ("−", "-") else ""
        if self.next.isalpha() and len(self.next) <= 3:
            return f"<mrow>{sign}<mi>{self.take().text}</mi></mrow>"
        return f"<mrow>{sign}{self.atom().html}</mrow>"

    def atom(self) -> Item:
        text, spaced = self.take()
        if text in CLOSING:
            inside = _row(self.items(CLOSING[text]))
            opening, closing = (f'<mo stretchy="true">{x}</mo>' for x in (text, CLOSING[text]))
            return Item(f"<mrow>{opening}{inside}{closing}</mrow>", spaced, inside if text == "(" else "")
        if text in "√∛":
            return self.root(text, spaced)
        if text in FRACTIONS:
            above, below = FRACTIONS[text]
            return Item(f"<mfrac><mn>{above}</mn><mn>{below}</mn></mfrac>", spaced)
        if text in OPERATORS or text == "/":
            return Item(f"<mo>{escape(text)}</mo>", spaced, operator=text)
        if text in "ΣΠ":
            return Item(f'<mo largeop="true">{"∑" if text == "Σ" else "∏"}</mo>', spaced, operator=text)
        if text in "∂∇Δ":
            return Item(f'<mi mathvariant="normal">{text}</mi>', spaced)
        return Item(_sign(text), spaced, prefix=text in FUNCTIONS - {"lr"} or text == "E")

    def root(self, sign: str, spaced: bool) -> Item:
        under = self.atom()
        html = (under.inside or under.html) + self.below()
        if self.next and (self.next in SUPERSCRIPT or self.next == "^"):
            raise NotSure  # is the power under the root?
        html = f"<mrow>{html}</mrow>"
        return Item(f"<msqrt>{html}</msqrt>" if sign == "√" else f"<mroot>{html}<mn>3</mn></mroot>", spaced)


def _sign(text: str) -> str:
    """A number, a letter or the name of a function."""
    if text[0].isdigit():
        return f"<mn>{text}</mn>"
    if text in ("−", "-", "+"):
        return f"<mo>{'−' if text == '-' else text}</mo>"
    if text == "∞" or (text.isalpha() and len(text) == 1) or text in FUNCTIONS:
        return f"<mi>{text}</mi>"
    raise NotSure


def _row(items: list[Item], built: bool = True) -> str:
    """Items side by side, with their fractions built: a numerator and a denominator for each /."""
    done: list[Item] = []
    k = 0
    while k < len(items):
        if items[k].operator != "/" or not built:
            done.append(items[k])
            k += 1
            continue
        start, end = _numerator(done, items[k].spaced), _denominator(items, k)
        if start == len(done) or end == k + 1 or (start and done[start - 1].prefix):
            raise NotSure
        above, below = _part(done[start:]), _part(items[k + 1 : end])
        done[start:] = [Item(f"<mfrac>{above}{below}</mfrac>", done[start].spaced)]
        k = end
    return _beside(done)


def _numerator(done: list[Item], wide: bool) -> int:
    """Where the numerator begins that ends here."""
    start = len(done)
    while start and not done[start - 1].operator and (wide or start == len(done) or not done[start].spaced):
        start -= 1
    return start


def _denominator(items: list[Item], slash: int) -> int:
    """Where the denominator ends that begins after this /."""
    wide, end = items[slash].spaced, slash + 1
    while (
        end < len(items) and not items[end].operator and (wide or end == slash + 1 or not items[end].spaced)
    ):
        end += 1
    return end


def _part(items: list[Item]) -> str:
    """Numerator or denominator; a bracket that is all of it is not needed."""
    alone = items[0].inside if len(items) == 1 else ""
    return f"<mrow>{alone or _beside(items)}</mrow>"


def _beside(items: list[Item]) -> str:
    """Items with a thin space where one stands in the source and no operator makes its own."""
    html = ""
    for k, item in enumerate(items):
        gap = k and item.spaced and not (item.operator or items[k - 1].operator)
        html += ('<mspace width="0.2em"></mspace>' if gap else "") + item.html
    return html
