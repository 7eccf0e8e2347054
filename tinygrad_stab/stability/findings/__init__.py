"""What can ail a net, and how each is told: one function a pathology, in the order in which they are asked.

Later groups hold what earlier ones may cause: features of very different sizes saturate units, dead units
leave no gradient, without a gradient the loss stays where it is. So `GROUPS` are asked in turn, and the first
in which something is found is the last. A limit is a ratio: of one layer to another, to what theory expects
of such a net, or of a loss to that of the best constant guess. So it is the same for every width, depth,
batch size and unit of the loss.

    examination.py    what is measured, once, for all of them
    numbers.py        values that are not finite
    mistakes.py       how the net, its input and its loss are put together
    units.py          dead and saturated units
    gradients.py      vanishing and exploding, over layers and over time
    outcome.py        the loss, and steps of the optimizer
    remedies.py       fixes, as lines of code
"""

from collections.abc import Callable, Iterator

from .examination import Examination
from .finding import Finding
from .gradients import exploding, through_time, vanishing
from .mistakes import (
    bias_before_batchnorm,
    disconnected_parameters,
    softmax_twice,
    symmetric_weights,
    tiny_batch,
    unscaled_features,
)
from .numbers import not_finite
from .outcome import loss_above_chance, loss_at_chance, step_size
from .units import dead_units, saturation

Detector = Callable[[Examination], Iterator[Finding]]

GROUPS: list[list[Detector]] = [
    [not_finite],
    [disconnected_parameters, symmetric_weights, softmax_twice, tiny_batch, unscaled_features],
    [dead_units, saturation],
    [vanishing, exploding, through_time],
    [loss_above_chance, loss_at_chance],
    [step_size],
]
ALWAYS: list[Detector] = [bias_before_batchnorm]  # wasteful, not harmful: it causes none of the others


def find(examination: Examination) -> list[Finding]:
    """The findings of the first group that has any, and those that are no cause of others."""
    found: list[Finding] = []
    for group in GROUPS:
        found = [finding for detector in group for finding in detector(examination)]
        if found:
            break
    return found + [finding for detector in ALWAYS for finding in detector(examination)]
