"""The page in a real browser: every screen at three sizes, every knob, keys only, a server that is gone."""

import re
import threading
from dataclasses import replace

import pytest
from window import CHROMIUM, DRIVER, Browser

from demos.lab import export, server, wire
from demos.lab.screens import SCREENS

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="no chromium with chromedriver is installed"
)

ANSWERED = "lab.answer && (lab.answer.done || lab.recorded) && !document.querySelector('#stage.busy')"
SMALL = {"flow": "depth=6&width=16&batch=16", "train": "depth=4&steps=20", "time": "T=10&size=8"}
SIZES = [(390, 844), (1280, 720), (1920, 1080)]


@pytest.fixture(scope="module")
def browser():
    with Browser() as running:
        yield running


@pytest.fixture
def page(browser, lab):
    """Opens a screen of the live lab; at the end nothing was complained of, and nobody else was asked."""
    browser.open("about:blank")
    browser.errors(), browser.requested()

    def opened(screen="flow", address=""):
        browser.open("about:blank")
        browser.open(f"{lab.url}#{screen}?{address or SMALL.get(screen, '')}")
        browser.until(ANSWERED)
        return browser

    yield opened
    assert browser.errors() == []
    foreign = [
        url for url in browser.requested() if not url.startswith((lab.url, "data:", "about:", "chrome"))
    ]
    assert foreign == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("screen", SCREENS)
def test_screen_fits_every_window(page, screen, size):
    browser = page(screen)
    browser.resize(*size)
    width, inner_width, height, inner_height = browser.run(
        "const e = document.documentElement; return [e.scrollWidth, innerWidth, e.scrollHeight, innerHeight]"
    )
    assert width <= inner_width
    assert size[0] < 800 or height <= inner_height
    assert browser.run("return $('say').textContent.length") > 10
    browser.resize(1280, 720)


@pytest.mark.parametrize("screen", SCREENS)
def test_every_knob_turns_and_its_address_reproduces_it(page, screen):
    browser = page(screen)
    for knob in sorted(SCREENS[screen].knobs, key=lambda knob: knob.name in ("cause", "fix")):  # votes last
        values = [wire.unpacked(wire.packed(value)) for value in knob.values]
        value = next(v for v in values if str(v) != str(browser.run(f"return lab.state['{knob.name}']")))
        field = f".knob[data-name='{knob.name}']"
        browser.run(
            f"""const field = document.querySelector("{field}"), value = arguments[0];
            const radio = [...field.querySelectorAll("[type=radio]")].find((r) => r.value === value);
            if (radio) return radio.click();
            const other = field.querySelector("select") ?? field.querySelector("[type=text]");
            other.value = value;
            other.dispatchEvent(new Event("change"));""",
            str(value),
        )
        browser.until(ANSWERED)
        assert browser.run(f"return lab.state['{knob.name}']") == str(value)
        assert browser.run(f'return document.querySelector("{field} .refusal").textContent') == ""
    state, drawn = browser.run("return [lab.state, $('stage').innerHTML.length]")
    address = browser.run("return location.href")
    browser.open("about:blank")
    browser.open(address)
    browser.until(ANSWERED)
    assert browser.run("return lab.state") == state
    assert drawn > 500


def test_numbers_on_the_page_are_those_of_the_answer(page, lab):
    browser = page()
    answer = wire.unpacked(wire.packed(browser.run("return lab.answer")))
    told = {}
    screen = SCREENS["flow"]
    for part in screen.answer(screen.read(SMALL["flow"]), lambda: None):
        told |= part
    assert all(answer[name] == value for name, value in told.items())
    caption = browser.run("return document.querySelectorAll('figcaption')[3].textContent")
    shown = float(re.search(r"‖∂L/∂h‖ ([\d.e-]+)", caption)[1])
    assert abs(shown / told["backward"][0] - 1) < 0.05


def test_impossible_setting_is_refused_beside_its_knob(page):
    browser = page()
    browser.run("turn({depth: '1000'})")
    refusal = 'document.querySelector(".knob[data-name=depth] .refusal").textContent'
    assert "from 2 to 100" in browser.until(refusal)
    browser.run("turn({depth: '5'})")
    browser.until(f"{refusal} === '' && lab.answer.layers.length === 5")
    assert all(
        "400" in message for message in browser.errors()
    )  # the browser notes the refusal; nothing else


def test_keys_are_enough(page):
    browser = page("flow", "depth=40&width=16&batch=16")
    assert browser.run("return lab.answer.verdict") == "vanishing"
    browser.press("\ue014", "\ue014", "\ue012")  # right, right, left
    assert browser.run("return lab.at") == 1
    browser.press("x")
    browser.until("lab.answer.verdict === 'healthy'")
    browser.press("p")
    assert "kaiming" not in browser.run("return document.querySelector('#python[open] pre').textContent")
    browser.press("\ue00c", "?")
    assert browser.run("return $('keys').open && !$('python').open")
    browser.press("\ue00c", "t")
    assert browser.run("return document.documentElement.dataset.theme") in ("dark", "light")
    browser.press("r")
    browser.until("lab.state.depth === '30'")
    focus = "document.activeElement.closest('.knob')?.dataset.name"
    for _ in range(20):
        browser.press("\ue004")
        if browser.run(f"return {focus}") == "phi":
            break
    browser.press("\ue015")  # down, in the list of activations
    browser.until("lab.state.phi === 'tanh'")


def test_every_control_has_a_name_and_text_has_contrast(page):
    browser = page()
    nameless = browser.run(
        """const named = (e) => e.textContent.trim() || e.ariaLabel || e.labels?.[0]?.textContent.trim();
        const controls = [...document.querySelectorAll("button, a, input, select")];
        return controls.filter((e) => !named(e)).map((e) => e.outerHTML)"""
    )
    assert nameless == []
    for theme in ("light", "dark"):
        worst = browser.run(
            """setTheme(arguments[0]);
            const style = getComputedStyle(document.documentElement);
            const light = (name) => {
              const hex = style.getPropertyValue(name).trim().match(/[0-9a-f]{2}/gi);
              const parts = hex.map((h) => parseInt(h, 16) / 255);
              const c = parts.map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
              return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2];
            };
            const ratio = (a, b) => ((high, low) => (high + 0.05) / (low + 0.05))(
              ...[light(a), light(b)].sort((a, b) => b - a));
            return Math.min(...["--ink", "--muted", "--bad"].flatMap(
              (a) => ["--paper", "--panel"].map((b) => ratio(a, b))))""",
            theme,
        )
        assert worst >= 4.5


def test_page_goes_on_when_the_server_is_started_again(browser):
    def start(port):
        running = server.serve(port)
        threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        return running

    first = start(0)
    browser.open(f"{first.url}#flow?{SMALL['flow']}")
    browser.until(ANSWERED)
    first.shutdown(), first.server_close()
    browser.run("turn({depth: '9'})")
    browser.until("$('say').textContent.includes('does not answer')")
    second = start(first.server_address[1])
    browser.until("lab.answer.layers.length === 9 && lab.answer.done")
    second.shutdown(), second.server_close()
    browser.errors()


def test_exported_file_works_alone(browser, tmp_path):
    screens = [replace(s, recorded=dict.fromkeys(s.recorded, ())) for s in SCREENS.values() if s.recorded]
    for screen in screens:
        for knob in screen.knobs:
            if knob.name in screen.recorded:
                screen.recorded[knob.name] = (knob.default,)
    path = tmp_path / "lab.html"
    path.write_text(export.export(screens=screens), encoding="utf-8")
    browser.errors(), browser.requested()
    for screen in screens:
        browser.open("about:blank")
        browser.open(f"{path.as_uri()}#{screen.name}?nothing=known")
        browser.until("lab.answer")
        assert browser.run("return $('say').textContent.length") > 10
        assert browser.run("return $('stage').innerHTML.length") > 500
    assert browser.errors() == []
    assert not [url for url in browser.requested() if url.startswith("http")]


def test_space_takes_a_step_of_the_chain_rule_and_plays_a_run(page):
    browser = page("chain")
    browser.press(" ", " ", " ")
    assert browser.run("return lab.at") == 3
    assert "Step 3 of 13" in browser.run("return $('say').textContent")
    assert browser.run("return document.querySelectorAll('rect.lit').length") == 1
    browser = page("train")
    browser.press(" ")
    browser.until("lab.at > 3")
    browser.press(" ")
    paused = browser.run("return lab.at")
    browser.press("\ue014")
    assert browser.run("return lab.at") == paused + 1


def test_start_on_the_cliff_can_be_dragged(page):
    browser = page("time")
    box = browser.run(
        """const b = document.querySelectorAll('.drawing')[3].getBoundingClientRect();
        return [b.x, b.y, b.width, b.height]"""
    )
    x, y = (round(box[k] + box[k + 2] / 2) for k in (0, 1))
    actions = [
        {"type": "pointerMove", "x": x, "y": y}, {"type": "pointerDown", "button": 0},
        {"type": "pointerMove", "x": x + 60, "y": y, "duration": 50}, {"type": "pointerUp", "button": 0},
    ]  # fmt: skip
    browser.call("POST", "/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": actions}]})
    browser.until("lab.state.b !== '-2.6123' && lab.answer.done")
    assert browser.run("return Math.abs(lab.answer.start[0] - lab.state.b)") < 1e-9


def test_two_pages_at_once_do_not_cancel_each_other(page, lab):
    browser = page()
    with Browser() as other:
        other.open(f"{lab.url}#ward?seed=3")
        browser.run("turn({depth: '50'})")
        other.until(ANSWERED)
        browser.until(f"{ANSWERED} && lab.answer.layers.length === 50")
        assert other.run("return lab.answer.cancelled") is None


def test_another_patient_is_not_told_by_the_vote_on_the_last(page):
    browser = page("ward", "seed=3&cause=saturation&fix=Adam")
    assert browser.run("return lab.answer.truth")
    browser.run("turn({seed: '4'})")
    browser.until(f"{ANSWERED} && lab.state.cause === '?'")
    assert browser.run("return [lab.answer.truth, lab.state.fix]") == [None, "?"]


def test_layer_where_numbers_end_is_marked(page):
    browser = page("flow", "depth=60&width=16&batch=8&sigma=10")
    start = browser.run("return lab.answer.broken.forward") + 1
    marks = browser.run("return [...document.querySelectorAll('text.bad')].map((e) => e.textContent)")
    assert f"not finite: {start}" in marks
