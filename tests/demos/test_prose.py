"""Words, numbers and code as the page sets them."""

import re
from html import escape
from pathlib import Path

import pytest

from demos import prose
from demos.mathml import mathml


def test_docstrings_become_paragraphs_formulas_and_links():
    text = "He's & two\nlines, `x < 'y'`.\n\n    the a & b   y_1\n    no word\n\nSee `other.py`.\n"
    assert prose.paragraphs(text, ["other"]) == (
        "<p>He’s &amp; two\nlines, <code>x &lt; 'y'</code>.</p>\n"
        '<div class="formula"><span style="grid-area: 1 / 1">the a &amp; b</span>\n'
        f'<span style="grid-area: 1 / 2">{mathml("y_1")}</span>\n'
        '<span style="grid-area: 2 / 1">no word</span></div>\n'
        '<p>See <a href="#other"><code>other.py</code></a>.</p>'
    )


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("σ_w² = 2", "σ<sub>w</sub>² = 2"),
        ("∂L/∂h_t, σ(b_f)ᵀ", "∂L/∂h<sub>t</sub>, σ(b<sub>f</sub>)ᵀ"),
        ("W_l h_(l−1)", "W<sub>l</sub> h<sub>l−1</sub>"),
        ("W_ij, λ_max, χ²_k", "W<sub>ij</sub>, λ<sub>max</sub>, χ²<sub>k</sub>"),
        ("fan_in, kaiming_normal_, `x_1`", "fan_in, kaiming_normal_, <code>x_1</code>"),
        ("2^(−L/2), L^−0.73, e^√5.", "2<sup>−L/2</sup>, L<sup>−0.73</sup>, e<sup>√5</sup>."),
        ("b = -3, 1e-5, 16-bit, `1e-5`", "b = −3, 10⁻⁵, 16-bit, <code>1e-5</code>"),
    ],
)
def test_indices_exponents_and_numbers_are_set_as_mathematics(text, html):
    assert prose.phrase(text) == html


def test_a_diagram_stays_as_it_is():
    found = prose.paragraphs("See\n\n    a ── yes ─→ b\n      │ no")
    assert found == '<p>See</p>\n<pre class="formula">a ── yes ─→ b\n  │ no</pre>'


@pytest.mark.parametrize(
    ("x", "html"), [(2.6e-11, "2.600·10⁻¹¹"), (-1.5, "−1.500"), ("a < b", "a &lt; b"), (1e6, "1.000·10⁶")]
)
def test_numbers_as_in_a_book(x, html):
    assert prose.figure_of(x) == html


def test_powers_in_tolerances():
    assert prose.powers("< 1e-08") == "< 10⁻⁸"
    assert prose.powers("±1e-10") == "±10⁻¹⁰"
    assert prose.powers("> 5.5e+05") == "> 5.5·10⁵"


def test_code_keeps_every_character_and_marks_names():
    source = Path(prose.__file__).read_text()
    html = prose.code(source)
    assert re.sub(r"<[^>]+>", "", html) == escape(source)
    assert '<span class="k">def</span> <span class="d">paragraphs</span>' in html


def test_cell_ends_where_the_next_begins():
    source = "# %% A\na = 1\n\n\ndef run(): ...\n\n\n# %% B\nb = 2\n"
    assert prose.cell(source, "A") == "a = 1\n\n\ndef run(): ..."
    assert prose.cell(source, "B") == "b = 2"
    assert prose.cell(source, "C") == ""
