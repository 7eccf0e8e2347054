"""A figure as SVG that stands in an HTML page and takes its colours from it: ink becomes var(--ink)."""

from __future__ import annotations

import io
import re
from html import escape

from demos.experiment import Config, Experiment, Result
from demos.style import PREDICTED, STYLES, Figure, finish, style


def drawing(experiment: Experiment, setup: Config, result: Result, geometry: str = "paper") -> str:
    """Draw the experiment's figure, without the title and the caption, which the page says itself."""
    import matplotlib.pyplot as plt

    file = io.StringIO()
    with style(geometry) as chosen, plt.rc_context(_svg(f"{geometry} {experiment.name}")):
        if geometry == "slides":
            plt.rcParams["figure.figsize"] = SLIDE
        figure = experiment.module.draw(setup, result.data)
        finish(figure, "", "", chosen)
        _mark_measured(figure)
        figure.savefig(file, format="svg", transparent=True, bbox_inches="tight", metadata={"Date": None})
        plt.close(figure)
    return embedded(file.getvalue(), f"{geometry}-{experiment.name}", experiment.lesson)


def _svg(salt: str) -> dict[str, str]:
    """Text stays text, and ids are the same in every run."""
    return {"svg.fonttype": "none", "svg.hashsalt": salt}


SLIDE = (13.33, 5.6)  # inches: what a title and a sentence leave of a slide


def _mark_measured(figure: Figure) -> None:
    """Tell what was measured from what was predicted, so that a slide can show the latter alone."""
    for ax in figure.axes:
        for artist in [*ax.lines, *ax.collections, *ax.patches, *ax.images, *ax.texts]:
            if artist.get_gid() != PREDICTED:
                artist.set_gid("measured")


def embedded(document: str, name: str, label: str) -> str:
    """Make an SVG document part of a page: ids that no other figure has, colours that follow the page's."""
    _, opening, body = re.split(r"(<svg[^>]*>)", document, maxsplit=1)
    _, box, _ = re.split(r'viewBox="([^"]*)"', opening)
    body = re.sub(r"<(metadata|style).*?</\1>\s*|<!--.*?-->\s*|\n\s*(?=<)", "", body, flags=re.DOTALL)
    body = re.sub(f'id="(measured|{PREDICTED})"', r'class="\1"', body)
    body = re.sub(r'\bid="|href="#|url\(#', lambda found: f"{found[0]}{name}-", body)
    body = re.sub(r" ?font-family: [^;\"]*;", "", body)  # the page says it, with a choice for other systems
    body = re.sub("|".join(_VARIABLE), lambda found: f"var({_VARIABLE[found[0]]})", body)
    return f'<svg role="img" aria-label="{escape(label)}" viewBox="{box}">{body.strip()}'


def variables(name: str) -> dict[str, str]:
    """The colours of a style, under the names that they have on the page."""
    chosen = STYLES[name]
    colours = {f"--c{k}": colour for k, colour in enumerate(chosen["colours"])}
    return {"--ink": chosen["ink"], "--muted": chosen["muted"], "--paper": chosen["paper"]} | colours


_VARIABLE = {colour: name for name, colour in variables("paper").items() if name != "--paper"}
