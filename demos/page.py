"""The page: everything that a run found, told in the acts of `arc.py`, in one HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from demos import prose
from demos.arc import ACTS, APPENDIX, Act, label
from demos.chapters import chapter
from demos.corrections import corrections
from demos.document import TITLE, anchor, computed, document, score, summary
from demos.exhibit import exhibit, title
from demos.fixes import IN_TIME, fixes
from demos.perform import Performance

__all__ = ["IN_TIME", "TITLE", "page"]

KEYS = "Keys: j and k go to the next section and back, t to the top, d changes dark and light."
Entry = tuple[str, str, str]  # name, heading and score, for the contents


def page(performances: Sequence[Performance], whole: bool = False) -> str:
    """Return the page for these performances; the whole story has its chapters as well."""
    acts = [_Told(act, performances, whole) for act in ACTS]
    acts = [act for act in acts if act.entries]
    return document(
        TITLE,
        f"""<div class="frame">
<nav class="side" aria-label="Acts">
<a href="#top">{TITLE}</a>
{"".join(act.aside() for act in acts)}
</nav>
<div class="text" id="top">
<header>
<h1>{TITLE}</h1>
<p class="summary">{summary(performances)}</p>
</header>
<main>
<nav class="contents" aria-label="Contents">
{"".join(act.contents() for act in acts)}
</nav>
{"".join(act.html() for act in acts)}
</main>
<footer>
<p>{computed()}</p>
<p class="keys">{KEYS}</p>
</footer>
</div>
</div>
<a class="up" href="#top" aria-label="back to the top">↑</a>""",
        ["page.css"],
        ["page.js"],
    )


class _Told:
    """An act with the performances of a run."""

    def __init__(self, act: Act, performances: Sequence[Performance], whole: bool) -> None:
        by_name = {p.experiment.name: p for p in performances}
        self.act, self.names = act, tuple(by_name)
        self.played = [by_name[name] for name in act.experiments if name in by_name]
        self.complete = {scene.experiment for scene in act.scenes} <= set(self.names)
        self.before, self.after = (
            [(name, *chapter(name)) for name in names if whole] for names in (act.chapters, act.after)
        )
        if act.after:  # the last act, which draws the conclusions of all
            closing = (
                ("fixes", "The answers", fixes(performances)),
                (
                    "corrections",
                    "What is often taught, and what this run measured",
                    corrections(performances),
                ),
            )
            self.after += [section for section in closing if section[-1]]

    @property
    def entries(self) -> list[Entry]:
        played = [(p.experiment.name, title(p.experiment), score(p.result.claims)) for p in self.played]
        before, after = ([(name, escape(head), "") for name, head, _ in x] for x in (self.before, self.after))
        return [*before, *played, *after]

    def aside(self) -> str:
        """Its part of the contents that stay beside the text."""
        items = "\n".join(f'<li><a href="#{name}">{_short(name)}</a></li>' for name, *_ in self.entries)
        return f'<p><a href="#{self.act.name}">{self.act.title}</a></p>\n<ol>\n{items}\n</ol>\n'

    def contents(self) -> str:
        """Its part of the contents at the top."""
        heading = f'<h2><a href="#{self.act.name}">{label(self.act)}: {self.act.title}</a></h2>'
        items = "\n".join(
            f'<li><a href="#{name}">{head}</a><span>{note}</span></li>' for name, head, note in self.entries
        )
        return f"{heading}\n<p>{prose.phrase(self.act.question)}</p>\n<ol>\n{items}\n</ol>\n"

    def html(self) -> str:
        """The act: its question, what answers it, and its sentence, if all of its scenes were played."""
        act = self.act
        scenes = {scene.experiment for scene in act.scenes}
        lecture = [exhibit(p, self.names) for p in self.played if p.experiment.name in scenes]
        beside = [exhibit(p, self.names) for p in self.played if p.experiment.name not in scenes]
        closing = f'<p class="closing">{prose.phrase(act.closing)}</p>\n' if self.complete else ""
        if beside:
            beside.insert(0, '<p class="beside">Beside the lecture</p>\n')
        parts = [*map(_chapter, self.before), *lecture, *map(_chapter, self.after), closing, *beside]
        kind = "act appendix" if act is APPENDIX else "act"
        return f"""<section id="{act.name}" class="{kind}">
<p class="name">{label(act)}</p>
<h2>{act.title} {anchor(act.name)}</h2>
<p class="question">{prose.phrase(act.question)}</p>
{"".join(parts)}</section>
"""


def _chapter(section: tuple[str, str, str]) -> str:
    name, heading, body = section
    heading = f"<h3>{escape(heading)} {anchor(name)}</h3>"
    return f'<section id="{name}" class="chapter">\n{heading}\n{body}\n</section>\n'


def _short(name: str) -> str:
    return name.replace("_", "_<wbr>")
