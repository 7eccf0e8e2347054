"""What a run found, for other programs to read."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from demos.experiment import Claim
from demos.perform import Performance


def rows(performances: Iterable[Performance]) -> list[dict[str, Any]]:
    """What a run found, in the words of JSON: every experiment with its set-up and its claims."""
    return [
        {
            "name": p.experiment.name,
            "lesson": p.experiment.lesson,
            "source": p.experiment.module.SOURCE,
            "setup": _plain(vars(p.setup)),
            "passed": p.result.passed,
            "seconds": round(p.result.seconds, 3),
            "figure": str(p.figure),
            "claims": [_claim(claim) for claim in p.result.claims],
        }
        for p in performances
    ]


def _claim(claim: Claim) -> dict[str, Any]:
    said = {name: getattr(claim, name) for name in ("what", "predicted", "by", "measured", "median", "why")}
    return _plain(said | {"tolerance": str(claim.tolerance), "verdict": claim.verdict})


def _plain(value: Any) -> Any:
    """Only what JSON knows: lists for tuples, and words for numbers that are not finite."""
    if isinstance(value, dict):
        return {name: _plain(x) for name, x in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(x) for x in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
