"""What can ail a net, and how each is told: one detector a pathology, in the order in which they are asked.

Later groups hold what earlier ones may cause: features of very different sizes saturate units, dead units
leave no gradient, without a gradient the loss stays where it is. So `GROUPS` are asked in turn, and the first
in which something is found is the last. A limit is a ratio: of one layer to another, to what theory expects
of such a net, or of a loss to that of the best constant guess. So it is the same for every width, depth,
batch size and unit of the loss.

    examination.py    what is measured, once, for all of them
    numbers.py        values that are not finite
    wiring.py         how the net is put together
    statistics.py     normalizations and dropout
    data.py           features and labels
    targets.py        the output beside the target, and the loss between them
    units.py          dead and saturated units
    gradients.py      vanishing and exploding, over the layers
    in_time.py        the same over time
    outcome.py        the loss beside that of guessing
    stepping.py       the optimizer and its steps
    remedies.py       fixes, as lines of code

`chapter()` is all of them as a table: what can go wrong, how one tells, what to do.
"""

from __future__ import annotations

from ..report import Report
from .data import class_imbalance, constant_input, single_label, unscaled_features
from .examination import Examination
from .finding import Detector, Finding
from .gradients import exploding, vanishing
from .in_time import exploding_through_time, vanishing_through_time
from .numbers import not_finite, not_finite_data
from .outcome import loss_above_chance, loss_at_chance
from .statistics import bias_before_batchnorm, single_values, stale_statistics, strong_dropout, tiny_batch
from .stepping import (
    clipped_too_hard,
    decay_wins,
    gradients_add_up,
    layer_at_rest,
    not_in_the_optimizer,
    step_too_large,
    step_too_small,
)
from .targets import (
    broadcast_targets,
    missing_logarithm,
    one_column,
    out_of_reach,
    targets_ignored,
    unscaled_targets,
)
from .units import dead_units, saturation
from .wiring import (
    disconnected_parameters,
    no_activation,
    samples_mix,
    symmetric_weights,
    unregistered_parameters,
)

GROUPS: list[list[Detector]] = [
    [not_finite_data],
    [broadcast_targets],
    [not_finite],
    [constant_input, single_label, one_column],
    [disconnected_parameters, unregistered_parameters, not_in_the_optimizer, samples_mix],
    [symmetric_weights, out_of_reach, missing_logarithm, targets_ignored, tiny_batch, single_values,
    strong_dropout,
     unscaled_features, unscaled_targets],
    [stale_statistics, gradients_add_up, clipped_too_hard, decay_wins],
    [dead_units, saturation],
    [exploding_through_time, vanishing_through_time],
    [vanishing, exploding],
    [loss_above_chance, loss_at_chance],
    [step_too_large, step_too_small],
    [layer_at_rest],
    [class_imbalance],
]  # fmt: skip
ALWAYS: list[Detector] = [no_activation, bias_before_batchnorm]  # these cause none of the others


def find(examination: Examination) -> list[Finding]:
    """The findings of the first group that has any, and those that are no cause of others."""
    found: list[Finding] = []
    for group in GROUPS:
        found = [finding for detector in group for finding in detector(examination)]
        if found:
            break
    return found + [finding for detector in ALWAYS for finding in detector(examination)]


def chapter() -> Report:
    """All that is asked of a net, in order: what can go wrong, how one tells, where the limit is, what to
    do."""
    return Report(
        "What can go wrong, how one tells, and what to do", [d for group in [*GROUPS, ALWAYS] for d in group]
    )
