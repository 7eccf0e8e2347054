"""The page: complete, valid, escaped, self-contained; every number in its corrections is one of the run's."""

import re
from dataclasses import replace
from html import escape
from importlib import import_module
from pathlib import Path

import pytest
from well_formed import Checker

from demos import SECTIONS, exhibit, inline_svg, page, prose
from demos.arc import ACTS, CHAPTERS
from demos.cli import every_name
from demos.corrections import CORRECTIONS, Correction, read, row
from demos.experiment import Claim, Result, Within, above, load
from demos.matrix import Cell, Matrix
from demos.perform import Figures, matrix_of, perform

NAMES = ("weight_grad_trap", "pytorch_default_trap")


@pytest.fixture(scope="module")
def performances(tmp_path_factory):
    figures = Figures(save=tmp_path_factory.mktemp("figures"))
    return list(perform([(load(name), load(name).fast()) for name in NAMES], figures))


@pytest.fixture(scope="module")
def html(performances):
    return page.page(performances)


NEAR = Within(0.1)
MATRIX = Matrix(
    ["none", "BatchNorm"],
    {"vanishing, in time": [Cell(0.1), Cell(0.95, "*")], "<dead>": [Cell(float("nan")), Cell(0.3)]},
    "share read; * with a tenth of the step",
)


def claim(what, measured=(2.0,), tolerance=NEAR):
    return Claim(what, measured, 2.0, tolerance, "a formula", "a reason")


def test_page_is_well_formed_and_its_ids_are_unique(html):
    found = Checker(html)
    assert not found.errors
    assert len(found.ids) == len(set(found.ids))


def test_nothing_that_may_stand_on_the_page_shares_an_id():
    ids = [*every_name(), *(act.name for act in ACTS), *CHAPTERS, "fixes", "corrections", "top"]
    assert len(ids) == len(set(ids))


def test_the_checker_can_fail():
    assert Checker("<p><b>x</p></b>").errors
    assert Checker("<div>").errors == ["<div> stays open"]


def test_page_needs_no_network_and_no_other_file(html):
    links = Checker(html).links
    assert links
    outside = [link for link in links if not link.startswith(("#", "data:"))]
    assert outside == []
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)
    assert not re.search("<script [^>]*src|<link|fetch|XMLHttp", html)


def test_every_link_has_a_target(html):
    found = Checker(html)
    assert {link[1:] for link in found.links if link.startswith("#")} <= set(found.ids)


def test_page_shows_all_of_every_experiment(html, performances):
    text = re.sub(r"<[^>]+>", "", html)
    for p in performances:
        assert f'<a href="#{p.experiment.name}">' in html
        title = re.sub(r"<[^>]+>", "", exhibit.title(p.experiment))
        assert text.count(title) >= 2, "in the contents and above the experiment"
        assert prose.phrase(p.experiment.module.SOURCE) in html
        source = Path(p.experiment.module.__file__).read_text()
        assert escape(source) in text, "the whole source"
        for c in p.result.claims:
            assert prose.figure_of(c.median) in html
    assert html.count('class="verdict PASS"') == sum(len(p.result.claims) for p in performances)
    assert html.count("<svg") == len(performances)


def test_page_follows_the_system_and_prints(html):
    assert "@media screen and (prefers-color-scheme: dark)" in html
    assert "@media print" in html
    assert "max-width: 44rem" in html
    assert html.count("--paper: #ffffff") == 1
    assert html.count("--paper: #15171c") == 2, "because the system is dark, and because the reader says so"


def test_words_of_an_experiment_are_escaped():
    evil = replace(claim("a < b & <script>"), by="1 < 2 & `x<y`")
    table = exhibit.claims_table([evil, claim("fails", [9.0])])
    assert "<script" not in table
    assert "a &lt; b &amp; &lt;script&gt;" in table
    assert "prediction: 1 &lt; 2 &amp; <code>x&lt;y</code>; tolerance" in table
    assert '<td class="verdict FAIL">FAIL</td>' in table
    assert not Checker(table).errors


def test_the_page_is_told_in_acts(performances):
    elsewhere = replace(performances[0], experiment=load("gradient_cliff"))
    html = page.page([elsewhere, performances[0], performances[1]])
    found = Checker(html)
    assert not found.errors
    assert {link[1:] for link in found.links if link.startswith("#")} <= set(found.ids)
    assert '<h2><a href="#product">Act 2: A product of Jacobians</a></h2>' in html
    assert "Beside the lecture" not in html
    order = ["product", *reversed(NAMES), "time", "gradient_cliff"]
    assert [name for name in found.ids if name in order] == order
    assert "closing" not in re.sub("<style.*?</style>", "", html, flags=re.DOTALL), "acts are incomplete"


def test_an_act_that_was_played_to_its_end_closes_and_then_comes_what_stands_beside_it(performances):
    names = ("gradcheck_v_curve", "gradient_underflow")
    html = page.page([replace(p, experiment=load(name)) for p, name in zip(performances, names)])
    act = ACTS[-1]
    closing = prose.phrase(act.closing)
    marks = (act.question, 'id="gradcheck_v', closing, "Beside the lecture", 'id="gradient_u')
    places = [html.index(text) for text in marks]
    assert places[1:] == sorted(places[1:])
    assert html.count(act.question) == 2, "in the contents and where the act opens"


def test_every_folder_of_experiments_is_a_section_with_a_line_about_it():
    folders = {path.parent.name for path in Path(page.__file__).parent.glob("*/[a-z]*.py")}
    assert folders - {"exercises", "lab", "steps"} == {*SECTIONS}
    for name in SECTIONS:
        assert re.fullmatch(r"[A-Z].{20,}\.", import_module(f"demos.{name}").__doc__)


def test_failures_are_announced_at_the_top(performances):
    bad = replace(performances[0], result=Result([claim("fails", [9.0]), claim("holds")], None))
    html = page.page([bad])
    assert "2 claims that a measurement could refute. 1 of them failed." in html
    assert "1 of 2 claims" in html


def test_a_matrix_that_a_result_carries_is_shown_and_answers(performances):
    html = page.page([replace(performances[0], matrix=MATRIX)])
    assert ">The answers <" in html
    assert '<td class="good">95*</td>' in html
    assert "Share read; * with a tenth of the step; – the loss diverges." in html
    assert '<td class="lost">–</td>' in html
    assert "<b>vanishing, in time:</b> BatchNorm (95\N{NO-BREAK SPACE}%)</li>" in html
    assert "<b>&lt;dead&gt;:</b> nothing here; best is BatchNorm (30\N{NO-BREAK SPACE}%)</li>" in html
    assert "<b>most of them:</b> BatchNorm, 1 of 2</li>" in html
    assert not Checker(html).errors
    assert "The answers" not in page.page(performances)


def test_answers_in_time_stand_below_the_matrix_if_the_run_has_them(performances):
    cliff = replace(performances[0], experiment=load("gradient_cliff"))
    arrive = [claim("share that arrives, clip 1", [1.0]), claim("share that arrives, not clipped", [0.25])]
    for claims, shown in ((arrive, True), (arrive[:1], False)):
        html = page.page(
            [replace(cliff, result=Result(claims, None)), replace(performances[1], matrix=MATRIX)]
        )
        said = html.replace("\N{NO-BREAK SPACE}", " ")
        assert ("<b>100 %</b> of the starts arrive, without it <b>25 %</b>" in said) is shown
        assert not Checker(html).errors


def test_the_matrix_is_found_in_the_data_of_a_result():
    assert matrix_of(Result([], {"matrix": MATRIX})) is MATRIX
    assert matrix_of(Result([], {"runs": 3})) is None
    assert matrix_of(Result([], (1, 2))) is None


def test_the_matrix_as_text_and_as_csv():
    assert MATRIX.text().splitlines() == [
        "          vanishing",
        "            in time    <dead>",
        "none            10  diverges",
        "BatchNorm       95*       30",
        "(share read; * with a tenth of the step)",
    ]
    assert MATRIX.csv().splitlines() == [
        "pathology,fix,accuracy,mark",
        '"vanishing, in time",none,0.1000,',
        '"vanishing, in time",BatchNorm,0.9500,*',
        "<dead>,none,nan,",
        "<dead>,BatchNorm,0.3000,",
    ]


def test_the_whole_story_has_its_chapters_where_they_are_needed(performances, monkeypatch):
    monkeypatch.setattr(page, "chapter", lambda name: (f"About {name} & more", f"<p>{name}</p>"))
    html = page.page(performances, whole=True)
    assert '<a href="#foundations">About foundations &amp; more</a>' in html
    order = ("foundations", NAMES[1], NAMES[0], "foundations_in_time", "diagnosis", "corrections")
    order = [html.index(f'<section id="{name}"') for name in order]
    assert order == sorted(order)
    assert "About" not in page.page(performances)


# --- what is often taught -------------------------------------------------------------------------------


def test_corrections_are_read_from_their_text():
    assert read(
        "It is so,\nthey say.\n    It is {a →\n    b}.\n    → demo\n\nNo.\n    Yes.\n    → other\n"
    ) == [Correction("It is so, they say.", "It is {a → b}.", "demo"), Correction("No.", "Yes.", "other")]
    assert len({c.says for c in CORRECTIONS}) == len(CORRECTIONS)


def test_numbers_of_a_correction_come_from_the_run():
    correction = replace(CORRECTIONS[0], shown="It is {a & b}, not {c}.", experiment="demo")
    found = row(correction, [claim("a & b", [3.25, 3.26, 4.0]), claim("c", [1e-7], above(0))])
    assert "It is <b>3.26</b>, not <b>1.00·10⁻⁷</b>." in found
    assert "Not confirmed" in found, "3.26 is far from 2"
    assert row(correction, [claim("a & b")]) == "", "a claim is missing"
    share = replace(correction, shown="{a, b_f} % of them, {zero} % of these.")
    found = row(share, [claim("a, b_f", [0.1234]), claim("zero", [0.0])])
    assert "<b>12.3\N{NO-BREAK SPACE}%</b> of them, <b>0\N{NO-BREAK SPACE}%</b> of these." in found
    counted = replace(correction, shown="`x < y` holds for {n} of {m}.")
    found = row(counted, [claim("n", [9.0]), claim("m", [1.0])])
    assert "<code>x &lt; y</code> holds for <b>9</b> of <b>1.00</b>." in found
    assert "Not confirmed" not in row(correction, [claim("a & b"), claim("c")])
    indexed = replace(correction, shown="With σ_w = 2 it is {σ_w = 2: χ}.")
    assert "With σ<sub>w</sub> = 2 it is <b>9</b>." in row(indexed, [claim("σ_w = 2: χ", [9.0])])


def test_corrections_appear_only_for_experiments_of_the_run(html):
    assert "ReLU maintains a better gradient flow than tanh." in html
    assert "The LSTM solves" not in html


def test_figures_take_their_colours_from_the_page(performances):
    for p in performances:
        assert "var(--ink)" in p.svg
        assert "var(--c0)" in p.svg
        assert not set(inline_svg.variables("paper").values()) & set(re.findall("#[0-9a-f]{6}", p.svg))
        assert "xmlns" not in p.svg
        assert "<text" in p.svg, "text stays text, which can be searched"
        assert "font-family" not in p.svg
        assert 'class="measured"' in p.svg
        assert 'class="predicted"' in p.svg
        assert "<style" not in p.svg, "a style inside an SVG holds for the whole page"
