"""The optimizer: what it holds, and what its steps do."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..alarms import Limits
from ..probe import norm
from .examination import Examination
from .finding import Finding, detector
from .remedies import SHORTER_STEPS
from .training import train
from .wiring import named

STEPS = 10
SLOW = 5e-5  # of the loss, in ten steps

ADD_MISSING = """\
held = {id(p) for group in optimizer.param_groups for p in group["params"]}
missing = [p for p in model.parameters() if p.requires_grad and id(p) not in held]
optimizer.add_param_group({"params": missing})"""


def held(ex: Examination) -> list[Any]:
    """The parameters that the optimizer has."""
    return [p for group in ex.optimizer.param_groups for p in group["params"]]


@detector(
    "parameters not in the optimizer",
    wrong="The optimizer was given some of the parameters, or those of another model",
    tells="which parameters get a gradient and stand in none of its groups",
    limit="0: they never move. What is frozen on purpose says requires_grad = False",
    do="optimizer = Adam(model.parameters()), made after the model and its copies",
)
def not_in_the_optimizer(ex: Examination) -> Iterator[Finding]:
    """Parameters with a gradient that no step moves."""
    if ex.optimizer is None:
        return
    known = set(held(ex))
    trained = {name: p for name, p in ex.model.named_parameters() if p in ex.gradients}
    lost = [name for name, p in trained.items() if p not in known]
    if lost:
        own = known & set(ex.model.parameters())
        yield Finding(
            "parameters not in the optimizer", named(lost), f"the optimizer does not hold {len(lost)} of "
            f"{len(trained)} parameters that get a gradient", len(lost) / len(trained), 0,
            "the optimizer was made with a part of model.parameters()" if own else
            "the optimizer holds no parameter of this model: it was made for another model, or before this "
            "one",
            ADD_MISSING,
        )  # fmt: skip


@detector(
    "gradients add up",
    wrong="zero_grad() is missing: every step goes along the sum of all gradients so far",
    tells="what lies in .grad now, beside the gradient of this batch, in the same direction",
    limit="thirty times as large",
    do="optimizer.zero_grad() in every step",
)
def gradients_add_up(ex: Examination) -> Iterator[Finding]:
    """Gradients left in .grad that are far larger than that of this batch."""
    left, fresh = _left_over(ex)
    if fresh and left > 30 * fresh and math.isfinite(left):
        yield Finding(
            "gradients add up", ".grad", f"what lies in .grad has norm {left:.3g}, the gradient of this "
            f"batch "
            f"{fresh:.3g}", left / fresh, 30, "optimizer.zero_grad() is missing: each backward() adds to "
            "what is there",
            "# in the training loop: optimizer.zero_grad() before loss.backward()",
        )  # fmt: skip


@detector(
    "clipped too hard",
    wrong="clip_grad_norm_ with a bound far below the usual norm: every step is shrunk to next to nothing",
    tells="the norm of what lies in .grad is a round number far below that of this batch's gradient",
    limit="1/100, and round to 1 in 1000",
    do="a bound that is exceeded now and then: look at the usual norm (ClipLens) before choosing it",
)
def clipped_too_hard(ex: Examination) -> Iterator[Finding]:
    """Gradients left in .grad that were clipped to a round number far below that of this batch."""
    left, fresh = _left_over(ex)
    if not 0 < left < 0.01 * fresh or not math.isfinite(fresh):
        return
    mantissa = left / 10 ** math.floor(math.log10(left) + 5e-4)
    if min(abs(mantissa / round_number - 1) for round_number in (1, 2, 5, 10)) < 1e-3 or left < 1e-4 * fresh:
        yield Finding(
            "clipped too hard", ".grad", f"what lies in .grad has norm {left:.4g}, the gradient of this "
            f"batch {fresh:.3g}",
            left / fresh, 0.01, "clip_grad_norm_ with a bound far too low: every step is clipped",
            "# in the training loop: clip_grad_norm_(model.parameters(), 1.0), or none",
        )  # fmt: skip


def _left_over(ex: Examination) -> tuple[float, float]:
    """The norms of what lies in .grad, and of this batch's gradient there."""
    both = [(p._grad.array, ex.gradients[p].array) for p in ex.gradients if p._grad is not None]
    if not both or ex.optimizer is None:
        return 0.0, 0.0
    return norm(*(a for a, _ in both)) or 0.0, norm(*(b for _, b in both)) or 0.0


@detector(
    "weight decay too large",
    wrong="Weight decay outweighs the loss: weights shrink, whatever the data say",
    tells="λ‖W‖ beside ‖∂L/∂W‖; in AdamW λ times the weights' root mean square beside 1, the size of its "
    "step",
    limit="2: decay wins where it is larger, and the weights shrink by half and more before the loss is "
    "heard",
    do="λ of 1e-4, or 0.01 in AdamW",
)
def decay_wins(ex: Examination) -> Iterator[Finding]:
    """Weight decay that is larger than the gradient."""
    if ex.optimizer is None:
        return
    for group in ex.optimizer.param_groups:
        decay = group.get("weight_decay", 0)
        params = [p for p in group["params"] if p in ex.gradients]
        size, gradient = (
            norm(*(a.array for a in of)) or 0.0 for of in (params, [ex.gradients[p] for p in params])
        )
        count = sum(p.array.size for p in params)
        if not decay or not count or not gradient:
            continue
        is_decoupled = type(ex.optimizer).__name__ == "AdamW"
        ratio = decay * size / math.sqrt(count) if is_decoupled else decay * size / gradient
        limit = 0.5 if is_decoupled else 2.0
        if ratio > limit:
            beside = "the size 1 of a step of AdamW" if is_decoupled else f"the gradient's {gradient:.3g}"
            pull = decay * size / math.sqrt(count) if is_decoupled else decay * size
            yield Finding(
                "weight decay too large", f"weight_decay = {decay:g}", f"it pulls with {pull:.3g}, beside "
                f"{beside}",
                ratio, limit, "weight decay outweighs the loss: the weights shrink towards 0, whatever the "
                "data say",
                'for group in optimizer.param_groups:\n    group["weight_decay"] = 1e-4',
            )  # fmt: skip
            return


@detector(
    "step too large",
    wrong="A step passes over the valley and up the other side, lr > 2/curvature, or overwrites the weights",
    tells="ten steps on this very batch, on a copy, beside ten steps a tenth, a hundredth, a thousandth as "
    "long",
    limit="a loss that does not fall while shorter steps lower it; or a single step half as long as the "
    "weights",
    do="a learning rate a tenth or a hundredth as large",
)
def step_too_large(ex: Examination) -> Iterator[Finding]:
    """Ten steps of the optimizer on this very batch, on a copy, beside ten shorter ones."""
    taken = _taken(ex)
    if taken is None or taken.change < Limits().slow or not math.isfinite(ex.loss):
        return
    overwrites = taken.longest > 0.5
    if taken.loss <= ex.loss and not overwrites:
        return
    for shorter in (0.1, 0.01, 1e-3, 1e-4):
        trial = Trial(ex, shorter)
        if trial.loss < ex.loss and not taken.loss <= trial.loss:
            yield Finding(
                "step too large", _rates(ex), f"ten steps on one batch take its loss from {ex.loss:.4g} to "
                f"{taken.loss:.4g}, steps {shorter:g} times as long to {trial.loss:.4g}; a single step "
                f"changes the "
                f"weights by up to {taken.longest:.2g} of their size", taken.longest if overwrites else
                taken.loss / ex.loss, 0.5 if overwrites else 1, "a step passes over the valley and up the "
                "other side: "
                "lr > 2/curvature", SHORTER_STEPS.format(f"*= {shorter:g}"),
                tuple(SHORTER_STEPS.format(f"*= {further:g}") for further in (shorter / 10, shorter / 100)),
            )  # fmt: skip
            return


@detector(
    "step too small",
    wrong="Nothing moves, or so slowly that a run ends before anything is learned",
    tells="ten steps on this very batch, on a copy, beside steps 10, 100 and 1000 times as long",
    limit="the loss falls by less than 1/20 000 in ten steps, so 200 000 make it e times smaller, while "
    "longer ones "
    "gain 30 times as much, and 1 % or more",
    do="a learning rate that is larger by this factor",
)
def step_too_small(ex: Examination) -> Iterator[Finding]:
    """Ten steps that hardly change the loss, where longer ones do."""
    taken = _taken(ex)
    if taken is None or not math.isfinite(ex.loss) or ex.loss <= 0:
        return
    gain = (ex.loss - taken.loss) / ex.loss
    if not abs(gain) < SLOW or _is_warming_up(ex):
        return
    if taken.change == 0:
        yield Finding(
            "step too small", _rates(ex), "ten steps change no weight", 0.0, Limits().slow,
            "a learning rate of 0, or far below the rounding of the weights",
            'for group in optimizer.param_groups:\n    group["lr"] = 1e-2',
        )  # fmt: skip
        return
    for longer in (1e3, 1e4, 1e2, 1e5, 1e7):
        trial = Trial(ex, longer)
        won = (ex.loss - trial.loss) / ex.loss if math.isfinite(trial.loss) else -1.0
        if won > max(0.01, 30 * abs(gain)):
            yield Finding(
                "step too small", _rates(ex), f"ten steps take the loss from {ex.loss:.6g} to "
                f"{taken.loss:.6g}, and the "
                f"weights by {taken.change:.1e} of their size; steps {longer:g} times as long take it to "
                f"{trial.loss:.4g}",
                max(gain, 0.0), SLOW, "a learning rate far below what this net could take",
                SHORTER_STEPS.format(f"*= {longer:g}"),
            )  # fmt: skip
            return


def _is_warming_up(ex: Examination) -> bool:
    """Does a schedule begin with smaller steps?"""
    return any(group["lr"] < group.get("initial_lr", group["lr"]) for group in ex.optimizer.param_groups)


@detector(
    "layer that does not move",
    wrong="Some weights stay exactly where they are, while others move",
    tells="which matrices ten steps on a copy leave unchanged, though they stand in the optimizer",
    limit="exactly 0",
    do="look at the learning rate of their group, and at what cuts off or zeroes their gradient",
)
def layer_at_rest(ex: Examination) -> Iterator[Finding]:
    """Weights that ten steps leave exactly as they were."""
    taken = _taken(ex)
    if taken is None or not taken.change:
        return
    rates = {p: group["lr"] for group in ex.optimizer.param_groups for p in group["params"]}
    still = [name for name in taken.still if rates.get(dict(ex.model.named_parameters())[name]) is not None]
    if still:
        first = dict(ex.model.named_parameters())[still[0]]
        is_slow = rates[first] < 1e-3 * max(rates.values())
        yield Finding(
            "layer that does not move", named(still), f"ten steps leave {len(still)} matrices exactly as "
            f"they were, "
            "and move others", float(len(still)), 0,
            f"the learning rate of their group is {rates[first]:g}" if is_slow else "their gradient is "
            "exactly 0",
            'rate = max(group["lr"] for group in optimizer.param_groups)\nfor group in '
            'optimizer.param_groups:\n'
            '    group["lr"] = rate' if is_slow else "# in forward(): see what is multiplied by 0 behind "
            "these layers",
        )  # fmt: skip


def _rates(ex: Examination) -> str:
    return "lr = " + ", ".join(f"{group['lr']:g}" for group in ex.optimizer.param_groups)


def _taken(ex: Examination) -> Trial | None:
    """Ten steps as they are; made once."""
    if ex.optimizer is None:
        return None
    if ex.trial is None:
        ex.trial = Trial(ex, 1.0)
    return ex.trial


class Trial:
    """Ten steps on a copy: the loss after them, and ‖ΔW‖/‖W‖ of all weights together."""

    def __init__(self, ex: Examination, factor: float) -> None:
        model, optimizer = copy.deepcopy((ex.model, ex.optimizer))
        for group in optimizer.param_groups:
            group["lr"] *= factor
        names = [name for name, p in model.named_parameters() if p in set(_all(optimizer))]
        params = [p for p in model.parameters() if p in set(_all(optimizer))]
        before = [p.array.copy() for p in params]
        size = norm(*before) or 1.0
        self.longest = 0.0  # of a single step, relative to the weights at the start

        def compare() -> None:
            self.longest = max(
                self.longest, (norm(*(p.array - old for p, old in zip(params, before))) or 0.0) / size
            )

        self.loss = train(model, ex.x, ex.y, ex.loss_fn, optimizer, STEPS, after_first=compare)
        self.change = (norm(*(p.array - old for p, old in zip(params, before))) or 0.0) / size
        self.still = [
            name for name, p, old in zip(names, params, before) if p.ndim > 1 and np.array_equal(p.array, old)
        ]


def _all(optimizer: Any) -> Iterator[Any]:
    for group in optimizer.param_groups:
        yield from group["params"]
