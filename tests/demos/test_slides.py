"""Slides and handout: self-contained; the prediction stands alone until a key; all fits its window."""

import re

import pytest
from browser import ask, needs_browser
from well_formed import Checker

from demos import document, page
from demos.arc import ACTS
from demos.experiment import load
from demos.handout import handout
from demos.perform import Figures, perform
from demos.slides import slides

NAMES = ("gradient_norm_vs_depth", "pytorch_default_trap", "weight_grad_trap")
SIZES = [(1280, 720), (1920, 937)]


@pytest.fixture(scope="module")
def performances(tmp_path_factory):
    figures = Figures(tmp_path_factory.mktemp("figures"), slides=True)
    return list(perform([(load(name), load(name).fast()) for name in NAMES], figures))


@pytest.fixture(scope="module")
def deck(performances):
    return slides(performances)


def test_slides_are_well_formed_and_need_nothing_else(deck):
    found = Checker(deck)
    assert not found.errors
    assert len(found.ids) == len(set(found.ids))
    assert [link for link in found.links if not link.startswith("#")] == []
    assert len(deck.encode()) < 6e6


def test_every_scene_asks_predicts_reveals_and_has_its_derivation_in_the_notes(deck, performances):
    act = ACTS[1]
    for scene, p in zip(act.scenes, performances):
        slide = deck.partition(f'data-name="{scene.experiment}"')[2].partition("</section>")[0]
        assert scene.asks.split("?")[0] in slide
        assert 'class="measured"' in slide
        assert 'class="predicted"' in slide
        assert '<aside class="notes">' in slide
        assert slide.count("<tr><th") == 1 + len(p.result.claims)
    assert act.question in deck
    assert deck.count('class="slide closing"') == 1, "the act is complete"
    assert deck.count('class="slide opening"') == 1


@needs_browser
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_slide_fits_and_its_keys_work(deck, tmp_path, width, height):
    key = "const key = (k) => document.dispatchEvent(new KeyboardEvent('keydown', {key: k, bubbles: true}));"
    look = """
      const seen = [];
      const visible = (e) => getComputedStyle(e).visibility === 'visible';
      for (let k = 0; k < 99; k++) {
        const slide = document.querySelector('.slide.now');
        const parts = [...slide.children].filter((e) => e.className !== 'notes')
          .map((e) => e.getBoundingClientRect());
        const measured = [...slide.querySelectorAll('svg .measured')];
        seen.push({name: slide.dataset.name || slide.className, hash: location.hash,
          fits: parts.every((r) => r.left >= 0 && r.top >= 0 && r.height > 0
            && r.right <= innerWidth && r.bottom <= innerHeight),
          measured: measured.length ? measured.some(visible) : null,
          predicted: [...slide.querySelectorAll('svg .predicted')].every(visible)});
        const before = location.hash;
        key('ArrowRight');
        if (location.hash === before) break;
      }
      key('Home'); const home = location.hash; key('End'); const end = location.hash; key('ArrowLeft');
      key('n'); key('d');
      return {seen, home, end, back: location.hash, root: document.documentElement.className};"""
    found = ask(deck, key.replace("dispatchEvent", "body.dispatchEvent") + look, tmp_path, width, height)
    assert len(found["seen"]) == len(re.findall('data-steps="1"', deck)) + 2 * len(
        re.findall('data-steps="2"', deck)
    )
    assert all(slide["fits"] for slide in found["seen"]), [s for s in found["seen"] if not s["fits"]]
    scenes = [slide["measured"] for slide in found["seen"] if slide["measured"] is not None]
    assert scenes == [False, True] * 3, "first the prediction alone, then the measurement"
    assert all(slide["predicted"] for slide in found["seen"])
    assert found["home"] == "#1"
    assert found["back"] != found["end"]
    assert {"notes", "js"} < set(found["root"].split())


@needs_browser
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_title_and_figure_of_every_experiment_fit_one_window(performances, tmp_path, width, height):
    question = """
      const tall = [...document.querySelectorAll('.screen')].map((s) =>
        s.querySelector('svg').getBoundingClientRect().bottom - s.getBoundingClientRect().top);
      const wide = document.documentElement.scrollWidth - innerWidth;
      const press = (key) => document.body.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
      const places = [];
      for (const key of ['j', 'j', 'k', 't']) { press(key); places.push(Math.round(scrollY)); }
      return {tall, wide, places, side: getComputedStyle(document.querySelector('nav.side')).position};"""
    found = ask(page.page(performances), question, tmp_path, width, height)
    assert len(found["tall"]) == len(performances)
    assert max(found["tall"]) <= height
    assert found["wide"] <= 0, "nothing is cut off at the right"
    first, second, back, top = found["places"]
    assert 0 < back == first < second
    assert top == 0
    assert found["side"] == "sticky"


def test_the_handout_has_every_figure_and_the_code_of_the_nets_once(performances):
    html = handout(performances)
    assert not Checker(html).errors
    assert html.count("<svg") == len(performances)
    text = re.sub("<[^>]+>", "", html)
    assert text.count("def norms_per_layer") <= 1
    assert "nn.Linear(" in text
    assert "Predicted:" in text
    assert "Measured:" in text
    assert document.TITLE in html
