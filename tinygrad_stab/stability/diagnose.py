"""Name what ails a net, show the evidence, and prescribe lines of code that cure it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from textwrap import fill, indent
from typing import Any

from ..nn.module import Module
from .findings import Examination, Finding, find
from .findings.examination import examine
from .findings.unjudged import unjudged
from .prove import prove as prove_finding
from .report import Report
from .unchanged import unchanged


@dataclass(repr=False)
class Diagnosis(Report):
    """The findings, the root of the trouble first; none for a healthy net."""

    @property
    def healthy(self) -> bool:
        return not self.rows

    @property
    def pathologies(self) -> list[str]:
        """The names of what was found."""
        return [finding.pathology for finding in self.rows]

    def __repr__(self) -> str:
        """Findings are sentences, too long for the columns of a table: a paragraph for each."""
        notes = [fill(note, 100, subsequent_indent="    ") for note in self.notes]
        return "\n".join([self.title, *map(_paragraph, self.rows), *notes])


def diagnose(
    model: Module,
    x: Any,
    y: Any = None,
    loss_fn: Callable[..., Any] | None = None,
    prove: bool = False,
    *,
    optimizer: Any = None,
    steps: int = 60,
) -> Diagnosis:
    """Examine a model in training mode on one batch, and name what is wrong with it, leaving it as it was.

    The loss is that of `probe`. With the optimizer that trains the model, its steps are judged as well, and
    what the last of them left in .grad. With `prove` every fix is run on deep copies, which are then trained
    for a few `steps` beside untreated ones, with three seeds; one that does not help is replaced by the next,
    and what was tried is told.

    What later troubles may come from is looked at first, and hides them: treat it and diagnose again. A clean
    bill says what was not judged. Raises ValueError for a model without weights to train, or a loss that is
    not a scalar.
    """
    with unchanged(model):
        examination = examine(model, x, y, loss_fn, optimizer)
        findings = find(examination)
        for finding in findings:
            if prove and finding.can_be_proved:
                prove_finding(examination, finding, steps)
    count = {0: "nothing found", 1: "1 finding"}.get(len(findings), f"{len(findings)} findings")
    title = f"Diagnosis of {type(model).__name__}, loss {examination.loss:.4g}: {count}"
    return Diagnosis(title, findings, notes=[] if findings else list(_clean_bill(examination)))


def _clean_bill(ex: Examination) -> Iterator[str]:
    yield "Numbers, wiring, data, units, gradients and loss are as they should be."
    if missing := unjudged(ex):
        yield "Not judged: " + "; ".join(missing) + "."


def _paragraph(finding: Finding) -> str:
    body = [_entry("evidence", finding.evidence), _entry("cause", finding.cause), _code("fix", finding.fix)]
    body += [_code("in vain", code) for code in finding.tried]
    if finding.with_fix is not None:
        body.append(_entry("proof", _proof(finding)))
    return "\n".join([f"• {finding.pathology}: {finding.where}", *body])


def _entry(name: str, text: str) -> str:
    return fill(text, 100, initial_indent=f"    {name:10}", subsequent_indent=" " * 14)


def _code(name: str, code: str) -> str:
    """Lines of code as they are, a comment wrapped."""
    if code.startswith("#"):
        return fill(code, 100, initial_indent=f"    {name:10}", subsequent_indent=" " * 14 + "# ")
    return f"    {name:10}" + indent(code, " " * 14).lstrip()


def _proof(finding: Finding) -> str:
    without, with_fix = (
        "it diverges" if value is None or not math.isfinite(value) else f"{finding.currency} {value:.4g}"
        for value in (finding.without, finding.with_fix)
    )
    told = f"after the same steps, the mean of three seeds: {without} without, {with_fix} with "
    if not finding.can_be_proved:
        return told + "what was tried last, and the finding remains"
    if finding.helps:
        return told + "the fix; the finding is gone"
    return told + "the fix; the finding is gone, which so few steps do not show"
