"""The handout: the lecture on a few printed pages, with each figure, what was found, and the nets' code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from demos import prose
from demos.arc import ACTS, Act, label, scene_of
from demos.corrections import filled
from demos.document import TITLE, computed, document, summary
from demos.exhibit import title
from demos.fixes import fixes
from demos.perform import Performance
from demos.source import listings


def handout(performances: Sequence[Performance]) -> str:
    """Return the handout of these performances, act by act, and at the end the nets' code."""
    by_name = {p.experiment.name: p for p in performances}
    acts = [_act(act, [by_name[name] for name in act.experiments if name in by_name]) for act in ACTS]
    answers = fixes(performances)
    table = f"<section><h2>Which fix for which pathology?</h2>\n{answers}</section>\n" if answers else ""
    body = f"""<header>
<h1>{TITLE}</h1>
<p>{summary(performances)}</p>
</header>
{"".join(acts)}{table}{_nets(performances)}<p class="note">{computed()}</p>"""
    return document(f"{TITLE}: handout", body, ["handout.css"])


def _act(act: Act, played: Sequence[Performance]) -> str:
    if not played:
        return ""
    told = {p.experiment.name for p in played} >= {scene.experiment for scene in act.scenes}
    closing = f'<p class="closing">{prose.phrase(act.closing)}</p>\n' if told else ""
    return f"""<section>
<h2>{label(act)}: {act.title}</h2>
<p class="question">{prose.phrase(act.question)}</p>
{"".join(map(_scene, played))}{closing}</section>
"""


def _scene(performance: Performance) -> str:
    """Lesson, figure, and a sentence each of what was predicted and what was found."""
    experiment, claims = performance.experiment, performance.result.claims
    scene = scene_of(experiment.name)
    said = (
        (filled(scene.predicts, claims, measured=False), filled(scene.shows, claims)) if scene else ("", "")
    )
    lines = "".join(
        f"<p><i>{word}:</i> {text}</p>\n" for word, text in zip(("Predicted", "Measured"), said) if text
    )
    return f"""<div class="scene">
<h3>{title(experiment)}</h3>
{performance.svg}
{lines}</div>
"""


def _nets(performances: Sequence[Performance]) -> str:
    """Every function of the helpers once, and then of each experiment the code that builds its net."""
    shared: dict[str, str] = {}
    for p in performances:
        for name, text in listings(Path(str(p.experiment.module.__file__)))[1:]:
            for block in text.split("\n\n\n"):
                shared.setdefault(block, name)
    own = {
        block: p.experiment.name
        for p in performances
        for block in listings(Path(str(p.experiment.module.__file__)))[0][1].split("\n\n\n")
        if "nn.Linear(" in block or "nn.LSTM" in block or "plain_net(" in block
    }
    code = "".join(
        f'<div class="net"><p class="note">{name}</p>\n{prose.code(block)}</div>\n'
        for block, name in [*shared.items(), *own.items()]
    )
    return f'<section><h2>The nets</h2>\n<div class="nets">\n{code}</div></section>\n'
