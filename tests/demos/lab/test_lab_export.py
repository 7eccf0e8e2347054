"""The file to take home: small, alone, and its numbers are the library's."""

import math
import re
from dataclasses import replace

import pytest

from demos.lab import __main__ as command
from demos.lab import export
from demos.lab.screens import SCREENS
from demos.lab.state import run
from tinygrad_stab.stability import probe


@pytest.fixture(scope="module")
def screens():
    """Every screen that is exported, its grid cut down to the default and one more value of every knob."""
    return [thinned(screen) for screen in SCREENS.values() if screen.recorded]


@pytest.fixture(scope="module")
def html(screens):
    return export.export(screens=screens)


def size(screen):
    return math.prod(map(len, screen.recorded.values()))


def thinned(screen):
    kept = {}
    for name, values in screen.recorded.items():
        default = next(knob for knob in screen.knobs if knob.name == name).default
        kept[name] = (default, next(value for value in values[::-1] if value != default))
    return replace(screen, recorded=kept)


def close(told, measured):
    if not isinstance(measured, float) or told is None:
        return told == measured
    if not math.isfinite(measured):
        return told == measured or (math.isnan(told) and math.isnan(measured))
    return math.isclose(told, measured, rel_tol=0.5 * 10 ** (1 - export.DIGITS))


def test_file_is_small_enough_and_needs_no_network(html, screens):
    runs, total = export.decoded(html), len(export.export(screens=[]).encode())
    for screen in screens:
        of_screen = [run for address, run in runs.items() if address.startswith(f"{screen.name}?")]
        small = len(export.compressed(of_screen))
        total += small * size(SCREENS[screen.name]) / len(of_screen)
    assert total <= export.LIMIT
    assert not re.search(r"(?:src|href)=\"(?!data:|#)", html)
    assert "{{" not in html


def test_every_state_of_the_grid_was_recorded(html, screens):
    runs = export.decoded(html)
    assert len(runs) == sum(map(size, screens))
    for screen in screens:
        for state in export.grid(screen):
            assert f"{screen.name}?{screen.address(state)}" in runs


def test_numbers_of_a_recorded_net_are_those_of_its_lines(html):
    runs = export.decoded(html)
    for address in [a for a in runs if a.startswith("flow?")][::5]:
        told = runs[address]
        made = run(told["lines"])
        measured = probe(made["model"], made["x"], made["y"])
        assert close(told["loss"], measured.loss)
        for name, field in dict(backward="backward", weight_grad="weight_grad", gain="gain").items():
            assert all(close(a, getattr(row, field)) for a, row in zip(told[name], measured)), address


def test_defaults_of_the_page_are_recorded(html):
    for screen in SCREENS.values():
        for name, values in (screen.recorded or {}).items():
            assert next(knob for knob in screen.knobs if knob.name == name).default in values


def test_command_writes_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(export, "export", lambda said: "<p>the file</p>")
    assert command.main(["--export", str(tmp_path / "new" / "lab.html")]) == 0
    assert (tmp_path / "new" / "lab.html").read_text() == "<p>the file</p>"
    assert "Wrote" in capsys.readouterr().out


def test_command_refuses_a_port_that_is_none(capsys):
    with pytest.raises(SystemExit):
        command.main(["--port", "70000"])
    assert "from 0 to 65535" in capsys.readouterr().err


def test_command_says_at_once_where_it_cannot_write(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit):
        command.main(["--export", str(tmp_path / "file" / "lab.html")])
    assert "cannot be written" in capsys.readouterr().err
