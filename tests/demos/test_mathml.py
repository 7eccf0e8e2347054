"""Formulas as MathML: what is sure is translated, with the structure that it has, and nothing else is."""

import re

import pytest
from well_formed import Checker

from demos.cli import every_name
from demos.experiment import load
from demos.mathml import mathml


def shape(text):
    """The formula in one line: [a/b] a fraction, _{…} and ^{…} scripts, √{…} a root."""
    html = mathml(text)
    assert not Checker(html).errors
    html = re.sub(r"<math[^>]*>|</math>|<m[ino][^>]*>|</m[ino]>|<mspace[^>]*></mspace>", "", html)
    html = re.sub(r"</?mrow>", lambda tag: "}" if "/" in tag[0] else "{", html)
    for tag, sign in (
        ("mfrac", "frac"),
        ("msup", "sup"),
        ("msub", "sub"),
        ("msubsup", "both"),
        ("msqrt", "√"),
    ):
        html = html.replace(f"<{tag}>", f"{sign}(").replace(f"</{tag}>", ")")
    return html


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2ᴸ", "sup(2{L})"),
        ("xₜ₋₁", "sub(x{t−1})"),
        ("σ_w²", "both(σ{w}{2})"),
        ("h_(l−1)", "sub(h{l−1})"),
        ("2^(−L/2)", "sup(2{−L/2})"),
        ("∂L/∂h", "frac({∂L}{∂h})"),
        ("lr ∂L/∂h W", "lrfrac({∂L}{∂h})W"),
        ("(a + b)/(k − 1)", "frac({a+b}{k−1})"),
        ("φ′(z) W / 2h", "frac({{φ′}{(z)}W}{2h})"),
        ("1/√n", "frac({1}{√({n})})"),
        ("√(2/n)", "√({frac({2}{n})})"),
        ("dE/db = ½", "frac({dE}{db})=frac(12)"),
        ("x_c⁻²", "both(x{c}{−2})"),
    ],
)
def test_what_is_sure_has_the_structure_that_it_means(text, found):
    assert shape(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "the edge of chaos",  # words
        "1 for ReLU",
        "(a + b",  # a bracket that stays open
        "a) + b",
        "√ε²",  # is the power under the root?
        "artanh 0.97/√(2q)",  # of what is artanh?
        "/ 2",
        "x_",
        "a → `b`",
        "",
    ],
)
def test_what_is_not_sure_stays_text(text):
    assert mathml(text) in ("", '<math displaystyle="true"></math>' if not text else "")


def test_most_formulas_of_the_sources_are_set():
    lines = [line for name in every_name() for line in load(name).module.__doc__.splitlines()]
    cells = [cell for line in lines if line.startswith("    ") for cell in re.split(" {2,}", line.strip())]
    formulas = [cell for cell in cells if "=" in cell and not re.search("[A-Za-z]{4}", cell)]
    assert len(formulas) > 30
    assert sum(bool(mathml(cell)) for cell in formulas) > 0.9 * len(formulas)
