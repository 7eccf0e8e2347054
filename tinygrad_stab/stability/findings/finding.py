"""One thing that is wrong with a net; and the form that every detector has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..report import column

if TYPE_CHECKING:
    from .examination import Examination


def _later(header: str, format: str = "") -> Any:
    return field(default=None, metadata={"header": header, "format": format})


@dataclass
class Finding:
    """What is wrong, where, how that shows, why, and what to do; with a proof, what that was good for.

    The evidence is `measured`, which should be on the other side of `limit`. The fix is code about `model`,
    `x`, `y`, `loss_fn` and `optimizer`; a comment where only a hand can write it. `others` are fixes to try
    if it does not help. A proof tells how the model does after the same steps, `without` and `with_fix`, in
    which `currency`; whether the finding is `gone`; whether that `helps`; and what was `tried` before in
    vain.
    """

    pathology: str = column("pathology")
    where: str = column("where")
    evidence: str = column("evidence")
    measured: float = column("measured", ".3g")
    limit: float = column("limit", ".3g")
    cause: str = column("likely cause")
    fix: str = column("fix")
    others: tuple[str, ...] = field(default=(), metadata={"header": "or else", "format": ""})
    currency: str | None = _later("judged by")
    without: float | None = _later("without fix", ".4g")
    with_fix: float | None = _later("with fix", ".4g")
    gone: bool | None = _later("gone")
    helps: bool | None = _later("helps")
    tried: tuple[str, ...] = field(default=(), metadata={"header": "tried in vain", "format": ""})

    @property
    def can_be_proved(self) -> bool:
        return not self.fix.startswith("#")


@dataclass(frozen=True)
class Detector:
    """A question that is put to every net, and what a reader should know about it."""

    pathology: str = column("pathology")
    wrong: str = column("what can go wrong")
    tells: str = column("how one tells")
    limit: str = column("the limit, and why there")
    do: str = column("what to do")
    look: Callable[[Examination], Iterator[Finding]] = field(
        repr=False, metadata={"header": "", "format": ""}, default=lambda ex: iter(())
    )

    def __call__(self, ex: Examination) -> Iterator[Finding]:
        return self.look(ex)


def detector(
    pathology: str, *, wrong: str, tells: str, limit: str, do: str
) -> Callable[[Callable[[Examination], Iterator[Finding]]], Detector]:
    """Make a detector of the function that looks."""
    return lambda look: Detector(pathology, wrong, tells, limit, do, look)
