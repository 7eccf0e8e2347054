"""What is often taught and what this run measured instead. Every number comes from a claim of the run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from demos import prose
from demos.experiment import Claim
from demos.perform import Performance


@dataclass(frozen=True)
class Correction:
    """A sentence found in course notes, and what is to be said about it.

    `{name of a claim}` in the second stands for what that claim measured.
    """

    says: str
    shown: str
    experiment: str


CORRECTIONS = (
    Correction(
        "The gradient of a sigmoid net shrinks by the largest slope, ¼, per layer: 0.25¹⁰ after ten.",
        "The slope is only half of it; the weights are the other half. The norm is multiplied per layer "
        "by {sigmoid, PyTorch default} from PyTorch's default start, by {sigmoid, Xavier} from Xavier's, "
        "and by {sigmoid, 4 × Xavier} with weights four times as large.",
        "gradient_norm_vs_depth",
    ),
    Correction(
        "Xavier's initialization is the right one for sigmoid and tanh.",
        "It was derived for φ′(0) = 1 and a mean of 0, which tanh has and sigmoid has not. From the same "
        "start tanh keeps {tanh, Xavier} of the norm per layer, sigmoid {sigmoid, Xavier}.",
        "gradient_norm_vs_depth",
    ),
    Correction(
        "The derivative of ReLU is 1, so gradients flow through it unchanged.",
        "It is 1 for half of the units and 0 for the others, and the weights count too: a layer "
        "multiplies the norm by {relu, PyTorch default}, {relu, Xavier} or {relu, He}, depending on the "
        "start alone.",
        "gradient_norm_vs_depth",
    ),
    Correction(
        "ReLU maintains a better gradient flow than tanh.",
        "From the default start of a Linear layer it is the other way round: the gradient at the first "
        "layer is {first ‖δ‖: tanh, default over ReLU, default} times as large with tanh. He's start, "
        "made for ReLU, beats that by a factor of {first ‖δ‖: ReLU, He over tanh, default}.",
        "pytorch_default_trap",
    ),
    Correction(
        "To see a gradient vanish, plot the norm of the weights' gradient for each layer.",
        "In a ReLU net without biases that plot is flat: the largest of the hidden layers is only "
        "{‖∂L/∂W‖, max over min, PyTorch default} times the smallest, while ‖δ‖ at the first layer is "
        "{‖δ‖, first over last, PyTorch default} of that at the last. Plot δ = ∂L/∂z.",
        "weight_grad_trap",
    ),
    Correction(
        "Sigmoid and tanh are not for deep networks; use ReLU.",
        "What matters is that no direction of the gradient is lost. A deep tanh net with orthogonal "
        "weights reaches an accuracy of {trained, tanh, orthogonal: accuracy}, and leads the same net "
        "with Gaussian weights, and a ReLU net from He's start, by {… its lead over tanh, Gaussian, and "
        "ReLU, He} or more.",
        "dynamical_isometry",
    ),
    Correction(
        "BatchNorm works because it reduces internal covariate shift.",
        "Shaken at every step, so that the inputs of its layers shift {shift a step: shaken over plain} "
        "times as much as in the plain net, a net with BatchNorm still comes to a loss of {BatchNorm, "
        "shaken: loss}; the plain one stays at {plain: loss}.",
        "bn_without_stability",
    ),
    Correction(
        "BatchNorm prevents vanishing and exploding gradients.",
        "At the start of a deep ReLU net it makes them explode: ‖gradient‖² grows by {relu, BatchNorm 32}"
        " per layer, where without it the factor is {relu, none}. No initialization changes that.",
        "bn_explodes",
    ),
    Correction(
        "LayerNorm is BatchNorm for small batches: the two are interchangeable.",
        "They divide by different variances. In a sigmoid net ‖gradient‖² is multiplied per layer by "
        "{sigmoid, LayerNorm} with LayerNorm and by {sigmoid, BatchNorm 32} with BatchNorm.",
        "bn_explodes",
    ),
    Correction(
        "A residual connection is a gradient highway: it adds 1 to the derivative, so nothing vanishes.",
        "True, and 1 + 1 = 2: if the branch keeps the gradient as well, the norm grows through 100 blocks"
        " by 10 to the power {s = 1, 100 blocks: growth, log₁₀}. Scaled by 1/√L, the branches together "
        "make it {s = 1/√L, 100 blocks: growth} times as large.",
        "residual_growth",
    ),
    Correction(
        "Skip connections make very deep networks trainable.",
        "If the branch starts small. With a hundred layers and s = 1 the loss begins at {s = 1: first "
        "loss} and the accuracy ends at {s = 1: accuracy}; with s = 1/√L it ends at {s = 1/√L: accuracy},"
        " and with a branch that starts at 0 at {branch 0: accuracy}.",
        "hundred_layers",
    ),
    Correction(
        "Clipping prevents exploding gradients.",
        "It bounds the step. The gradient explodes as before: while clipped at 1, norms of {longest ‖∇E‖,"
        " clip 1} were met. But the longest step falls from {longest step, not clipped} to {longest step,"
        " clip 1}, and {share that arrives, clip 1} of the starts arrive instead of {share that arrives, "
        "not clipped}.",
        "gradient_cliff",
    ),
    Correction(
        "A gradient explodes when the Jacobian of a step is larger than 1.",
        "Larger than 1 is necessary, not sufficient: recurrent weights whose largest singular value is "
        "{RNN, s ≈ 1.8: s} left 10 to the power {RNN, s ≈ 1.8: log₁₀ left} of the gradient.",
        "gradient_through_time",
    ),
    Correction(
        "The LSTM solves the vanishing gradient; clipping takes care of the exploding one.",
        "With a forget bias of 0 its cell state loses {LSTM cell, b_f = 0: log₁₀ left} powers of ten over"
        " a hundred steps, with 1 {LSTM cell, b_f = 1: log₁₀ left}, with 5 {LSTM cell, b_f = 5: log₁₀ "
        "left}. And through its recurrent weights the whole LSTM can explode, here by {LSTM, b_f = 5: "
        "log₁₀ left} powers.",
        "gradient_through_time",
    ),
    Correction(
        "An LSTM learns long-term dependencies.",
        "If its forget gate lets the gradient through from the start. Where σ(b_f)ᵀ is below 10⁻⁹ the "
        "best net reads {σ(b_f)ᵀ < 1e-09: accuracy of the best} of the sequences, where it is above 10⁻³ "
        "the worst one {σ(b_f)ᵀ > 0.001: accuracy of the worst}; a guess gets one half.",
        "latch_task",
    ),
    Correction(
        "If more than 20 % of a layer's outputs are zero, its neurons are dead.",
        "A healthy ReLU net has {He: % of zeros} % zeros, a sick one {default: % of zeros} %. What tells "
        "them apart are the units that never fire for any image: {He: % that never fire} % and {default: "
        "% that never fire} %.",
        "sparsity_is_not_death",
    ),
    Correction(
        "Leaky ReLU, or a smaller step, brings dead neurons back.",
        "They may prevent death. A net that is dead already has next to no gradient, or none: of no fix, "
        "a leak of 0.01, clipping, warm-up and weight decay the best reads {dead ReLU: none, leaky .01, "
        "clip, warm-up, decay} of the digits, where a tenth is a guess. A new start cures it: {dead or "
        "saturated: init} or more.",
        "fix_matrix",
    ),
)


def corrections(performances: Sequence[Performance]) -> str:
    """Return the corrections that this run can prove, as HTML; empty if there are none."""
    by_name = {p.experiment.name: p.result.claims for p in performances}
    rows = [row(c, by_name[c.experiment]) for c in CORRECTIONS if c.experiment in by_name]
    if not any(rows):
        return ""
    intro = (
        "These sentences stand in good course notes, and most were true of the case that their authors "
        "had in mind. Beside each is what this run measured."
    )
    return f"<p>{intro}</p>\n" + "\n".join(filter(None, rows))


def row(correction: Correction, claims: Sequence[Claim]) -> str:
    """Return one correction as HTML; empty if a claim that it rests on was not made: a knob was turned."""
    found = {claim.what: claim for claim in claims}
    used = re.findall(r"{(.*?)}", correction.shown)
    if not all(name in found for name in used):
        return ""
    text = escape(correction.shown, quote=False)
    for name in used:
        value = f"<b>{prose.figure_of(found[name].median, 3)}</b>"
        text = text.replace("{" + escape(name, quote=False) + "}", value)
    confirmed = all(found[name].verdict == "PASS" for name in used)
    doubt = "" if confirmed else " <b>Not confirmed by this run.</b>"
    link = f'<a href="#{correction.experiment}"><code>{correction.experiment}</code></a>'
    says = f'<p class="says">“{escape(correction.says, quote=False)}”</p>'
    return f'<div class="correction">{says}<p>{text}{doubt} {link}</p></div>'
