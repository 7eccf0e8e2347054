"""The page: its files by the names under which a browser asks for them, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from demos.lab.screens import SCREENS, described
from demos.lab.wire import packed
from demos.style import STYLES

FOLDER = Path(__file__).parent / "page"
SCRIPTS = ["plot.js", "page.js", *(f"{name}.js" for name in SCREENS), "start.js"]
TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}


def read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def css() -> str:
    """The page's style, with the colours of the figures."""
    light, dark = _colours("slides"), _colours("dark")
    return f":root {{ {light} }}\n:root[data-theme=dark] {{ {dark} }}\n{read('lab.css')}"


def _colours(style: str) -> str:
    chosen: dict[str, Any] = STYLES[style]
    lines = [f"--c{k}: {colour};" for k, colour in enumerate(chosen["colours"])]
    return " ".join(
        [f"--ink: {chosen['ink']}; --muted: {chosen['muted']}; --paper: {chosen['paper']};", *lines]
    )


def html(recorded: bool = False) -> str:
    """The page without its scripts and its style; what the screens are stands in it as data."""
    screens = [described(screen, recorded) for screen in SCREENS.values() if screen.recorded or not recorded]
    return read("lab.html").replace("{{screens}}", packed(screens).replace("<", "\\u003c"))


def live() -> dict[str, tuple[str, bytes]]:
    """Every address of the live page, with the type and the bytes of what is there."""
    scripts = "\n".join(f'<script src="{name}"></script>' for name in SCRIPTS)
    page = (
        html().replace("{{style}}", '<link rel="stylesheet" href="lab.css">').replace("{{scripts}}", scripts)
    )
    files = {"/": ("text/html; charset=utf-8", page.encode()), "/lab.css": (TYPES[".css"], css().encode())}
    return files | {f"/{name}": (TYPES[".js"], read(name).encode()) for name in SCRIPTS}
