"""The output beside the target, and the loss that compares them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...nn import ReLU, Sigmoid, Softmax, Tanh
from ..gaussian import values
from .examination import Examination, root_mean_square
from .finding import Finding, detector
from .remedies import STANDARD_TARGETS, without_last, without_softmax

FAR = 8.0  # a score that is as good as certain: σ(8) = 0.9997


@detector(
    "broadcast targets",
    wrong="Outputs (n, 1) minus targets (n) are n × n differences: the best answer is then the mean of y",
    tells="the loss changes if the target is given the output's shape",
    limit="rounding, 1e-4 of the loss; n² numbers are averaged where there should be n",
    do="y.reshape(n, 1), or output.squeeze(1)",
)
def broadcast_targets(ex: Examination) -> Iterator[Finding]:
    """Output and target of unlike shapes, from which NumPy's broadcasting makes something larger."""
    y, shape = ex.y, tuple(ex.output.shape)
    if (
        y is None
        or not ex.plain
        or y.shape == shape
        or y.array.size != ex.output.array.size
        or y.array.size < 2
    ):
        return
    try:
        joint = np.broadcast_shapes(shape, y.shape)
    except ValueError:
        return
    probe = _spread_output(ex)
    given, reshaped = ex.loss_of(probe), ex.loss_of(probe, y.reshape(shape))
    if math.prod(joint) > y.array.size and abs(given - reshaped) > 1e-4 * abs(reshaped):
        yield Finding(
            "broadcast targets", "the loss", f"outputs of shape {shape} and targets of shape "
            f"{tuple(y.shape)} are "
            f"broadcast to {joint}", math.prod(joint), y.array.size,
            "every output is compared with every target: the loss is least where all outputs are the mean "
            "of y",
            f"y = y.reshape({', '.join(map(str, shape))})",
        )  # fmt: skip


def _spread_output(ex: Examination) -> np.ndarray:
    """An output of the usual shape whose samples surely differ, within the range of what the net puts out."""
    out, rng = ex.output.array.astype(float), np.random.default_rng(0)
    if np.all(out >= 0) and np.all(out <= 1):
        p = rng.uniform(0.1, 0.9, out.shape)
        is_row = out.ndim > 1 and out.shape[-1] > 1 and np.allclose(out.sum(-1), 1, atol=1e-3)
        return p / p.sum(-1, keepdims=True) if is_row else p
    y = root_mean_square(ex.y.array) if ex.has_numbers else 1.0
    return rng.standard_normal(out.shape) * (root_mean_square(out) + y)


@detector(
    "targets ignored",
    wrong="The loss does not depend on which sample has which target",
    tells="the targets are permuted, and the loss of an output whose samples differ stays",
    limit="rounding, 1e-6 of the loss",
    do="compare output[i] with y[i]: look at shapes, and at what loss_fn does with its second argument",
)
def targets_ignored(ex: Examination) -> Iterator[Finding]:
    """Permute the targets: does the loss notice?"""
    y = ex.y
    if y is None or not ex.plain or not y.ndim or len(y) < 4 or np.all(y.array == y.array[:1]):
        return
    if len(y) != len(ex.output.array):
        return
    output, orders = _spread_output(ex), (np.random.default_rng(k).permutation(len(y)) for k in range(3))
    losses = [ex.loss_of(output)] + [ex.loss_of(output, y[order]) for order in orders]
    spread = float(np.ptp(losses))
    if spread <= 1e-6 * abs(losses[0]):
        yield Finding(
            "targets ignored", "the loss", f"with the targets permuted it stays {losses[0]:.6g}",
            spread, 1e-6 * abs(losses[0]),
            "loss_fn does not compare each output with its own target: broadcasting of unlike shapes, or a "
            "mean "
            "taken too early", "# in loss_fn: use the target of each sample, with the shape of the output",
        )  # fmt: skip


def output_range(ex: Examination) -> tuple[float, float, str]:
    """Between which numbers the last activation keeps the output, and its name; −∞, ∞ without a limit."""
    out = ex.output.array
    if out.ndim > 1 and out.shape[-1] > 1 and np.all(out >= 0) and np.allclose(out.sum(-1), 1, atol=1e-4):
        return 0.0, 1.0, "softmax"
    step = ex.calls[-1].activation
    if step is None or not ex.ends_in_layer or (ex.calls[-1].steps or [step])[-1] is not step:
        return -math.inf, math.inf, "none"
    low, left, right, high = (float(v) for v in values(step.apply, np.array([-2e3, -1e3, 1e3, 2e3])))
    return (
        min(left, right)
        if (low == left and left <= right) or (high == right and right < left)
        else -math.inf,
        max(left, right) if (high == right and left <= right) or (low == left and right < left) else math.inf,
        step.name,
    )


@detector(
    "output range",
    wrong="An activation on the output keeps it from the targets: a sigmoid for targets up to 100, a ReLU "
    "for "
    "negative ones or on scores; or it is applied twice, a softmax before cross_entropy, a sigmoid before "
    "binary_cross_entropy_with_logits",
    tells="the range of the last activation beside that of the targets; the least loss within that range, "
    "beside that without it",
    limit="1 % of the targets out of reach, or a least loss above 0.3 of that of guessing",
    do="no activation behind the last layer, or targets scaled into its range",
)
def out_of_reach(ex: Examination) -> Iterator[Finding]:
    """What the best output within the range of the last activation would have for a loss."""
    low, high, name = output_range(ex)
    if ex.y is None or not ex.plain or (low == -math.inf and high == math.inf):
        return
    if ex.has_numbers:
        yield from _targets_outside(ex, low, high, name)
    if (ex.has_classes and ex.output.shape[1] > 1) or (ex.has_numbers and _is_share(ex.y.array)):
        yield from _scores_bounded(ex, low, high, name)


def _is_share(y: np.ndarray) -> bool:
    return bool(y.min() >= 0 and y.max() <= 1)


def _targets_outside(ex: Examination, low: float, high: float, name: str) -> Iterator[Finding]:
    y = ex.y.array.astype(float)
    slack = 0.02 * (high - low) if math.isfinite(high - low) else 0.02 * float(y.std())
    outside = float(np.mean((y < low - slack) | (y > high + slack)))
    if outside > 0.01:
        yield Finding(
            "output range", "the output", f"{outside:.0%} of the targets, which go from {y.min():.3g} to "
            f"{y.max():.3g}, "
            f"lie outside the range of the last activation, {name}, from {low:.3g} to {high:.3g}", outside,
            0.01,
            "the output can never reach such targets: the last layer must not have this activation",
            _without_activation(ex, name, STANDARD_TARGETS),
        )  # fmt: skip


def _scores_bounded(ex: Examination, low: float, high: float, name: str) -> Iterator[Finding]:
    bounded, free, chance = (least(ex, *limits) for limits in ((low, high), (-FAR, FAR), (0.0, 0.0)))
    is_relu = low == 0 and high == math.inf and free < 0.3 * chance
    if not (is_relu or (bounded > 0.3 * chance > 0 and bounded > 2 * max(free, 0.0))):
        return
    kind = {"softmax": "softmax twice", "Sigmoid": "sigmoid twice", "sigmoid": "sigmoid twice"}.get(
        name, "output range"
    )
    if kind == "sigmoid twice" and ex.has_classes:
        kind = "output range"
    evidence = (
        "no score can be negative, so that a class whose score is 0 for a sample gets no gradient from it"
        if is_relu
        else f"within the range of the last activation, {name}, from {low:.3g} to {high:.3g}, a loss of "
        f"{bounded:.3g} "
        f"is the least there is; guessing has {chance:.3g}"
    )  # fmt: skip
    cause = {
        "softmax twice": "cross_entropy takes scores and applies the softmax itself",
        "sigmoid twice": "binary_cross_entropy_with_logits takes scores and applies the sigmoid itself",
    }.get(kind, f"the loss takes scores of any size, and the output has a {name} as its last activation")
    ratio = bounded / chance if chance else math.inf
    yield Finding(
        kind, "the output", evidence, ratio if not is_relu else 1.0, 0.3, cause, _without_activation(ex, name)
    )


def least(ex: Examination, low: float, high: float) -> float:
    """The least loss of an output that is right for every sample, within a range."""
    y = ex.y.array
    low, high = max(low, -FAR), min(high, FAR)
    if ex.has_classes:
        tries = [np.where(np.eye(ex.output.shape[1])[y] > 0, high, low)]
    else:
        y = y.reshape(ex.output.shape)
        tries = [np.clip(y, low, high), np.clip(FAR * (2 * y - 1), low, high)]
    return min((loss for t in tries if math.isfinite(loss := ex.loss_of(t))), default=math.nan)


def _without_activation(ex: Examination, name: str, then: str = "") -> str:
    kinds: dict[str, Any] = {"sigmoid": Sigmoid, "relu": ReLU, "tanh": Tanh, "softmax": Softmax}
    kind = kinds.get(name.lower())
    if kind is Softmax:
        return without_softmax(ex)
    code = without_last(ex, kind or Sigmoid, name)
    return code if code.startswith("#") or not then else f"{code}\n{then}"


@detector(
    "missing logarithm",
    wrong="nll_loss is given probabilities or raw scores: it takes their logarithms",
    tells="the loss is proportional to the output, and exp(output) does not add up to 1",
    limit="1 %: Σ exp(output) = 1 for log_softmax",
    do="cross_entropy of the scores, or log_softmax before nll_loss",
)
def missing_logarithm(ex: Examination) -> Iterator[Finding]:
    """A loss that has no least value: it falls as long as the output grows."""
    if not ex.has_classes or ex.output.shape[1] < 2:
        return
    q = np.random.default_rng(0).standard_normal(ex.output.shape)
    once, twice, back = (ex.loss_of(k * q) for k in (1, 2, -1))
    is_linear = abs(twice - 2 * once) + abs(back + once) <= 1e-4 * abs(once)
    total = float(np.mean(np.exp(ex.output.array.astype(float)).sum(1)))
    if is_linear and abs(total - 1) > 0.01:
        yield Finding(
            "missing logarithm", "the output", f"the loss is proportional to the output, whose exponentials "
            f"add up to "
            f"{total:.3g} a sample and not to 1", abs(total - 1), 0.01,
            "nll_loss takes log-probabilities; of probabilities or scores it has no sensible least value",
            without_softmax(ex, "loss_fn = nn.functional.cross_entropy"),
        )  # fmt: skip


@detector(
    "constant output",
    wrong="A softmax over a single output is always 1; cross_entropy of a single column is always 0",
    tells="an output with one column, the same for every sample, and no gradient at all",
    limit="exactly equal",
    do="a sigmoid for one output, or two outputs for two classes",
)
def one_column(ex: Examination) -> Iterator[Finding]:
    """One output over which a softmax is taken, in the model or in the loss."""
    out = ex.output.array
    if out.ndim < 2 or out.shape[-1] != 1 or any(np.any(g.array) for g in ex.gradients.values()):
        return
    is_softmax = (
        len(out) > 1 and bool(np.all(out == 1.0) or np.all(out == 0.0)) and np.any(ex.calls[-1].z.array)
    )
    if is_softmax or ex.has_classes:
        yield Finding(
            "constant output", "the output", f"it has one column, and {'is' if is_softmax else 'a loss of'} "
            f"{out.flat[0] if is_softmax else ex.loss:g} whatever the input is; every gradient is 0", 0.0, 0,
            "a softmax over a single number is always 1: no gradient comes back through it",
            "# a sigmoid for a single output, with binary_cross_entropy; or two outputs and cross_entropy",
        )  # fmt: skip


@detector(
    "unscaled targets",
    wrong="Raw targets, such as prices: the loss and its gradient are as large as their square",
    tells="the size of the targets beside that of the outputs",
    limit="1000, and ten times the outputs: at a mean square of 10⁶ a step of ordinary size throws the "
    "weights away",
    do="y = (y - y.mean(0)) / y.std(0), and the inverse for answers",
)
def unscaled_targets(ex: Examination) -> Iterator[Finding]:
    """Targets of thousands, for a net whose outputs begin at about one."""
    if not ex.has_numbers:
        return
    size, out = root_mean_square(ex.y.array), root_mean_square(ex.output.array)
    if size > 1000 and size > 10 * out:
        mean, std = float(ex.y.array.mean()), float(ex.y.array.std())
        yield Finding(
            "unscaled targets", "y", f"the targets have mean {mean:.3g} and standard deviation {std:.3g}, "
            f"the outputs "
            f"a size of {out:.3g}: the loss is {ex.loss:.3g}", size, 1000,
            "raw targets of large size: gradients grow with them, and the first steps throw the weights far "
            "away",
            STANDARD_TARGETS,
        )  # fmt: skip
