"""Name what ails a net, show the evidence, and prescribe a line of code that cures it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from textwrap import fill
from typing import Any

from ..nn.module import Module
from .findings import Finding, find
from .findings.examination import examine
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
        return "\n".join([self.title, *map(_paragraph, self.rows), *self.notes])


def diagnose(
    model: Module,
    x: Any,
    y: Any = None,
    loss_fn: Callable[..., Any] | None = None,
    prove: bool = False,
    *,
    optimizer: Any = None,
    steps: int = 30,
) -> Diagnosis:
    """Examine a model in training mode on one batch, and name what is wrong with it, leaving it as it was.

    The loss is that of `probe`. With the optimizer that trains the model, its steps are judged as well. With
    `prove` every fix is run on a deep copy, which is then trained for a few `steps` beside an untreated one.

    What later troubles may come from is looked at first, and hides them: treat it and diagnose again. Raises
    ValueError for a model without weights to train, or a loss that is not a scalar.
    """
    with unchanged(model):
        examination = examine(model, x, y, loss_fn, optimizer)
        findings = find(examination)
        for finding in findings:
            if prove and finding.can_be_proved:
                prove_finding(examination, finding, steps)
    count = {0: "nothing found", 1: "1 finding"}.get(len(findings), f"{len(findings)} findings")
    title = f"Diagnosis of {type(model).__name__}, loss {examination.loss:.4g}: {count}"
    notes = [] if findings else [_clean_bill(optimizer)]
    return Diagnosis(title, findings, notes=notes)


def _clean_bill(optimizer: Any) -> str:
    steps = "" if optimizer else " The size of steps was not judged: pass optimizer= for that."
    return "Numbers, wiring, features, units, gradients and loss are as theory would have them." + steps


def _paragraph(finding: Finding) -> str:
    lines = [("evidence", finding.evidence), ("cause", finding.cause), ("fix", finding.fix)]
    if finding.with_fix is not None:
        lines.append(("proof", _proof(finding)))
    body = [
        fill(text, 100, initial_indent=f"    {name:10}", subsequent_indent=" " * 14) for name, text in lines
    ]
    return "\n".join([f"• {finding.pathology}: {finding.where}", *body])


def _proof(finding: Finding) -> str:
    without, with_fix = (
        "it diverges" if loss is None or not math.isfinite(loss) else f"a loss of {loss:.4g}"
        for loss in (finding.without, finding.with_fix)
    )
    gone = "is gone" if finding.gone else "remains"
    return f"after the same steps: {without} without the fix, {with_fix} with it; the finding {gone}"
