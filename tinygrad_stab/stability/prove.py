"""Is the fix one? Run its very lines on a copy of the model, and train the copy beside an untreated one."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import nn, random
from ..engine.switches import no_grad
from ..optim import SGD
from .findings import Examination, Finding, find
from .findings.examination import examine
from .findings.training import train
from .trace import first_tensor

SEEDS = 3
RATES = (0.1, 0.01)  # of plain SGD, where no optimizer is given: each side takes the one that suits it best
Treated = dict[str, Any]  # the names that a fix may use


def prove(ex: Examination, finding: Finding, steps: int) -> None:
    """Enter into the finding what so many steps do without and with its fix; one that does not help is
    replaced.

    Both sides start from deep copies, with the same batch, and with the same random numbers for each of three
    seeds. With the optimizer given, both use a copy of it, to which nothing is added but parameters that the
    fix has made; without, each side takes the better of two rates of SGD, so that the fix is not credited
    with steps that merely suit it. Both are judged alike: by accuracy where the output scores classes, by R²
    for other targets whose scale the fix changes, else by the user's own loss. To be called inside
    `unchanged(model)`.

    A fix helps if the finding is gone, and the result is better by more than twice the standard error over
    the seeds. If it is gone and the result is much the same, that is said. If no fix makes it go, what was
    tried is told, and none is shown.
    """
    untreated = [_best(ex, "", steps, seed) for seed in range(SEEDS)]
    tried: list[str] = []
    for fix in (finding.fix, *finding.others):
        if fix.startswith("#"):
            continue
        outcome = _Outcome(ex, finding, fix, untreated, steps)
        if outcome.gone and not outcome.is_worse:
            break
        tried.append(fix)
    else:
        finding.fix = "# none of the lines that were tried on copies cured it"
        if by_hand := next((other for other in finding.others if other.startswith("#")), None):
            finding.fix = by_hand
        fix = finding.fix
    finding.fix, finding.tried = fix, tuple(tried)
    finding.currency, finding.without, finding.with_fix = outcome.currency, outcome.without, outcome.with_fix
    finding.gone, finding.helps = outcome.gone and not fix.startswith("#"), outcome.is_better


class _Outcome:
    """What a fix does, over the seeds."""

    def __init__(
        self, ex: Examination, finding: Finding, fix: str, untreated: list[tuple[Treated, float]], steps: int
    ) -> None:
        with_it = [_best(ex, fix, steps, seed) for seed in range(SEEDS)]
        scale_changes = any(
            after["y"] is not ex.y or after["loss_fn"] is not ex.loss_fn for after, _ in with_it
        )
        self.currency, judge = _currency(ex, scale_changes)
        without, with_fix = ([judge(after, loss) for after, loss in side] for side in (untreated, with_it))
        self.without, self.with_fix = _mean(without), _mean(with_fix)
        sign = -1 if self.currency == "loss" else 1
        gains = [
            sign * (b - a) if math.isfinite(a) else sign * (b - _worst(sign))
            for a, b in zip(without, with_fix)
        ]
        error = float(np.std(gains) / math.sqrt(SEEDS - 1)) if np.all(np.isfinite(gains)) else math.inf
        gain = float(np.mean(gains)) if np.all(np.isfinite(gains)) else -math.inf
        small = 0.01 * abs(self.without) if math.isfinite(self.without) else 0.0
        self.is_better = gain > max(2 * error, small) if math.isfinite(gain) else False
        self.is_worse = not math.isfinite(self.with_fix) or gain < -max(
            2 * error, 0.05 * abs(self.without) + 0.02
        )
        self.gone = all(_is_gone(ex, finding, fix, seed) for seed in range(SEEDS))


def _worst(sign: int) -> float:
    """What stands for a run that diverged."""
    return 1e6 if sign < 0 else -1.0


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if np.all(np.isfinite(values)) else math.nan


def _is_gone(ex: Examination, finding: Finding, fix: str, seed: int) -> bool:
    after = treated(ex, fix, seed)
    try:
        now = examine(after["model"], after["x"], after["y"], after["loss_fn"], after["optimizer"])
    except (ValueError, RuntimeError):
        return False
    return finding.pathology not in [other.pathology for other in find(now)]


def _best(ex: Examination, fix: str, steps: int, seed: int) -> tuple[Treated, float]:
    """The state after the steps with the loss there; NaN if it diverged every time."""
    results = []
    for rate in [None] if ex.optimizer is not None else RATES:
        after = treated(ex, fix, seed)
        if rate is not None:
            after["optimizer"] = SGD(after["model"].parameters(), lr=rate)
        model, x, y, loss_fn, optimizer = (
            after[name] for name in ("model", "x", "y", "loss_fn", "optimizer")
        )
        results.append((after, train(model, x, y, loss_fn, optimizer, steps)))
    finite = [result for result in results if math.isfinite(result[1])]
    return min(finite, key=lambda result: result[1]) if finite else (results[0][0], math.nan)


def treated(ex: Examination, fix: str, seed: int) -> Treated:
    """Deep copies with the fix applied, by running it; the optimizer gets the parameters that the fix has
    made."""
    random.manual_seed(seed)
    model, optimizer = copy.deepcopy((ex.model, ex.optimizer))
    before = set(model.parameters())
    after = dict(model=model, optimizer=optimizer, x=ex.x.detach(), y=ex.y, loss_fn=ex.loss_fn, nn=nn)
    exec(fix, after)
    if optimizer is not None and after["optimizer"] is optimizer:
        known = {p for group in optimizer.param_groups for p in group["params"]}
        if made := [p for p in after["model"].parameters() if p not in before and p not in known]:
            optimizer.add_param_group({"params": made})
    return after


# --- one currency for both sides ----------------------------------------------------------------------------


def _currency(ex: Examination, scale_changes: bool) -> tuple[str, Callable[[Treated, float], float]]:
    if ex.has_classes and scale_changes:
        return "accuracy", _accuracy
    if ex.has_numbers and scale_changes:
        return "R²", _explained
    return "loss", lambda after, loss: loss


def _answers(after: Treated) -> np.ndarray:
    with no_grad():
        output = first_tensor(after["model"](after["x"]))
    return np.zeros(0) if output is None else output.array.astype(float)


def _accuracy(after: Treated, loss: float) -> float:
    return float(np.mean(_answers(after).argmax(axis=-1) == after["y"].array)) if math.isfinite(loss) else 0.0


def _explained(after: Treated, loss: float) -> float:
    """R² = 1 − Σ(y − ŷ)²/Σ(y − ȳ)²: 1 is perfect, 0 is the mean; it does not depend on the unit of y."""
    y = after["y"].array.astype(float).ravel()
    residual = float(np.sum((y - _answers(after).ravel()) ** 2))
    return 1 - residual / float(np.sum((y - y.mean()) ** 2)) if math.isfinite(loss + residual) else math.nan
