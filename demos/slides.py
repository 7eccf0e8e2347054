"""The slides: a title, a figure and a sentence on each, told in the acts of `arc.py`, in one HTML file.

A scene is asked first: its question stands above the prediction alone. The next key lays the measurement
over it, and the question becomes the lesson. `web/slides.js` says what the keys do.
"""

from __future__ import annotations

from collections.abc import Sequence

from demos import prose
from demos.arc import ACTS, Act, Scene, label, scene_of
from demos.corrections import CORRECTIONS, filled
from demos.document import TITLE, document, summary
from demos.exhibit import claims_table, theory, title
from demos.perform import Performance

KEYS = (
    "→ next  ·  ← back  ·  F full screen  ·  N speaker’s notes  ·  A runs by itself  ·  D dark or light  ·  "
    "Home, End"
)


def slides(performances: Sequence[Performance]) -> str:
    """Return the slides of these performances; only an act that is complete has its closing sentence."""
    by_name = {p.experiment.name: p for p in performances}
    cover = f'<p class="keys">{KEYS}</p>\n<p>{summary(performances)}</p>'
    deck = [_slide("cover", TITLE, cover)]
    for act in ACTS:
        deck += _act(act, [by_name[name] for name in act.experiments if name in by_name], performances)
    return document(
        f"{TITLE}: slides",
        "\n".join(deck) + '\n<p id="place" aria-live="polite"></p>',
        ["slides.css"],
        ["slides.js"],
    )


def _act(act: Act, played: Sequence[Performance], all_: Sequence[Performance]) -> list[str]:
    if not played:
        return []
    opening = f'<p class="label">{label(act)}</p>\n<p class="question">{prose.phrase(act.question)}</p>'
    deck = [_slide("opening", act.title, opening), *map(_scene, played)]
    if act.after:  # the last act: what is often taught otherwise
        deck += _taught(all_)
    if {scene.experiment for scene in act.scenes} <= {p.experiment.name for p in played}:
        closing = f'<p class="question">{prose.phrase(act.closing)}</p>'
        deck.append(_slide("closing", "", f'<p class="label">{label(act)}: {act.title}</p>\n{closing}'))
    return deck


def _scene(performance: Performance) -> str:
    """Question and prediction; one key later, lesson and measurement."""
    experiment, claims = performance.experiment, performance.result.claims
    lesson = title(experiment)
    scene = scene_of(experiment.name) or Scene(experiment.name, experiment.lesson.rstrip("."), "", "")
    before, after = filled(scene.predicts, claims, measured=False), filled(scene.shows, claims)
    return f"""<section class="slide scene" data-name="{experiment.name}" data-steps="2">
<h2 class="swap">{_swap(prose.phrase(scene.asks), lesson)}</h2>
<figure>
{performance.slide}
</figure>
<p class="sentence swap">{_swap(before, after)}</p>
<aside class="notes">
<h3>{lesson}</h3>
{theory(experiment)}
<p class="source">Source: {prose.phrase(experiment.module.SOURCE)}</p>
{claims_table(claims)}
</aside>
</section>"""


def _taught(performances: Sequence[Performance]) -> list[str]:
    """What is often taught; one key later, what this run measured."""
    claims = {p.experiment.name: p.result.claims for p in performances}
    deck = []
    for correction in CORRECTIONS:
        shown = filled(correction.shown, claims.get(correction.experiment, ()))
        if shown and scene_of(correction.experiment):
            said = f'<p class="says">“{prose.phrase(correction.says)}”</p>'
            body = f'{said}\n<p class="measured">{shown}</p>\n<p class="source">{correction.experiment}</p>'
            deck.append(_slide("taught", "Often taught", body, steps=2))
    return deck


def _slide(kind: str, heading: str, body: str, steps: int = 1) -> str:
    heading = f"<h2>{heading}</h2>\n" if heading else ""
    return f'<section class="slide {kind}" data-steps="{steps}">\n{heading}{body}\n</section>'


def _swap(before: str, after: str) -> str:
    """Two texts in one place: the second takes it when the measurement is shown."""
    return f'<span class="before">{before}</span><span class="after">{after}</span>'
