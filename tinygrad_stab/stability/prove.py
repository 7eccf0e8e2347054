"""Is the fix one? Run its very line on a copy of the model, and train the copy beside an untreated one."""

from __future__ import annotations

import copy
import math
from typing import Any

from .. import nn, random
from ..optim import SGD
from .findings import Examination, Finding, find
from .findings.examination import examine
from .findings.training import train

RATES = (0.1, 0.01)  # without an optimizer: plain SGD, each side at the rate best for it


def prove(ex: Examination, finding: Finding, steps: int) -> None:
    """Enter into the finding what so many steps do without and with its fix, and whether that ends it.

    Both sides start from a deep copy, with the same batch and the same stream of random numbers. With the
    optimizer given, both use a copy of it; without, each takes the better of two learning rates, so that the
    fix is not credited with a step size that merely suits it. To be called inside `unchanged(model)`.
    """
    finding.without = _after(ex, "", steps)
    finding.with_fix = _after(ex, finding.fix, steps)
    treated = _treated(ex, finding.fix)
    now = examine(treated["model"], treated["x"], treated["y"], treated["loss_fn"], treated["optimizer"])
    finding.gone = finding.pathology not in [other.pathology for other in find(now)]


def _after(ex: Examination, fix: str, steps: int) -> float:
    """The loss after the steps; NaN if it diverged at every rate."""
    if ex.optimizer is not None:
        return _trained(_treated(ex, fix), steps)
    losses = []
    for rate in RATES:
        treated = _treated(ex, fix)
        treated["optimizer"] = SGD(treated["model"].parameters(), lr=rate)
        losses.append(_trained(treated, steps))
    return min(filter(math.isfinite, losses), default=math.nan)


def _treated(ex: Examination, fix: str) -> dict[str, Any]:
    """Deep copies with the fix applied, by running it."""
    random.manual_seed(0)
    model, optimizer = copy.deepcopy((ex.model, ex.optimizer))
    treated = dict(model=model, optimizer=optimizer, x=ex.x.detach(), y=ex.y, loss_fn=ex.loss_fn, nn=nn)
    exec(fix, treated)
    if optimizer is not None:
        known = {p for group in optimizer.param_groups for p in group["params"]}
        if new := [p for p in treated["model"].parameters() if p not in known]:
            optimizer.add_param_group({"params": new})
    return treated


def _trained(treated: dict[str, Any], steps: int) -> float:
    model, x, y, loss_fn = (treated[name] for name in ("model", "x", "y", "loss_fn"))
    return train(model, x, y, loss_fn, treated["optimizer"], steps)
