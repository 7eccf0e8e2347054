"""The chapters of the page: their code runs, and what they say is true of their numbers."""

import re

import numpy as np
import pytest
from well_formed import Checker

import tinygrad_stab as torch
from demos import chapters
from demos.arc import CHAPTERS
from demos.experiment import default_dtype


@pytest.fixture(scope="module")
def written():
    """Every chapter: its HTML, and what its code knew at the end."""
    found = {}
    with default_dtype(torch.float64):
        for name in CHAPTERS:
            known = {}
            found[name] = chapters.written(chapters.text(name).partition("\n")[2], known), known
    return found


@pytest.mark.parametrize("name", CHAPTERS)
def test_chapters_are_computed_and_well_formed(name, written):
    assert chapters.text(name).partition("\n")[0].istitle()
    html, _ = written[name]
    assert not Checker(html).errors
    prose_only = re.sub(r"<pre.*?</pre>", "", html, flags=re.DOTALL)
    assert not re.search(r"[{}`|]{2}|{|}", prose_only), "something was left as it stood"
    assert html.count('<pre class="output">') >= 2


def test_chapters_say_what_is_true_of_their_numbers(written):
    """The words between the numbers were written for these relations."""
    foundations, saturation, in_time, diagnosis, second_look = (written[name][1] for name in CHAPTERS)
    small, large = (saturation["found"][σ] for σ in (0.2, 5))
    assert small.saturated == 0
    assert small.gain < 0.3
    assert large.saturated > 0.5
    assert large.gain > 1
    assert saturation["slope"](torch.tanh, 20) < 1e-16
    assert saturation["healed"].saturated < 0.1
    assert foundations["difference"] < 1e-14
    assert in_time["ρ"] < 1 < in_time["s"]
    assert in_time["norm"] < 1e-2
    before, after = diagnosis["before"], diagnosis["after"]
    assert before.rows[1].backward < 0.01 * before.rows[-2].backward
    assert after.rows[1].backward > 0.1 * after.rows[-2].backward
    assert diagnosis["healed_loss"] < 1.2 < 2.2 < diagnosis["loss"]
    assert diagnosis["found"].pathologies == ["vanishing"]
    assert diagnosis["again"].healthy
    findings = diagnosis["findings"]
    assert [f.pathology for f in findings.values()] == [
        "exploding",
        "dead units",
        "saturation",
        "step too large",
    ]
    blind, blind_too, worse, diverged = (f.without for f in findings.values())
    assert (blind, blind_too) == pytest.approx((np.log(10),) * 2, abs=0.01)
    assert worse > 3
    assert np.isnan(diverged)
    assert all(f.with_fix < 2.1 and f.gone for f in findings.values())
    assert diagnosis["sick"].count("dead") > 300 > 30 > diagnosis["healthy"].count("dead")
    assert second_look["plain"] == second_look["clipped"]
    assert max(second_look["norms"]) < 1 < 1e6 < second_look["lengths"][0]
    assert not np.isfinite(second_look["thrown"][-1])
    assert second_look["tamed"][-1] < 0.5 * second_look["tamed"][0]
    ends, noise = second_look["ends"], np.var(second_look["y"].numpy())
    assert all(ends[name] == pytest.approx(noise, rel=0.01) for name in ("sigmoid", "ReLU", "tanh"))
    assert ends["ReLU, He"] < 0.1 * noise


def test_a_chapter_runs_its_code_in_order():
    body = "Text.\n\n```\nx = 2e-7\nprint('a < b')\n```\n\n## Next\n\nIt is {x:.0e}.\n\n| a | b\n| 1 | `2`\n"
    html = chapters.written(body, {})
    assert html.startswith("<p>Text.</p>\n<pre><code>x = ")
    assert '</code></pre><pre class="output">a &lt; b</pre>\n<h4>Next</h4>\n<p>It is 2·10⁻⁷.</p>' in html
    assert '<thead><tr><th scope="col">a</th><th scope="col">b</th></tr></thead>' in html
    assert "<tr><td>1</td><td><code>2</code></td></tr>" in html
