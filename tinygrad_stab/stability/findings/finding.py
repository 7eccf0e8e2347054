"""One thing that is wrong with a net."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..report import column


def _later(header: str, format: str = "") -> Any:
    return field(default=None, metadata={"header": header, "format": format})


@dataclass
class Finding:
    """What is wrong, where, how that shows, why, and what to do; with a proof, what that was good for.

    The evidence is `measured`, a ratio that should be on the other side of `limit`. The fix is a line of code
    about `model`, `x`, `y`, `loss_fn` and `optimizer`; a comment where only a hand can make it. The proof is
    the loss after the same few steps `without` and `with_fix`, and whether the finding is `gone` at once.
    """

    pathology: str = column("pathology")
    where: str = column("where")
    evidence: str = column("evidence")
    measured: float = column("measured", ".3g")
    limit: float = column("limit", ".3g")
    cause: str = column("likely cause")
    fix: str = column("fix")
    without: float | None = _later("loss without fix", ".4g")
    with_fix: float | None = _later("loss with fix", ".4g")
    gone: bool | None = _later("gone")

    @property
    def can_be_proved(self) -> bool:
        return not self.fix.startswith("#")
