"""The story that the page, the slides and the handout tell: six acts and an appendix.

An act opens with its question and closes with one sentence. Between them stand its chapters, its scenes,
which are the experiments of the lecture, and, with `--all`, the experiments beside the lecture. For the
slides each scene has a question, what is predicted and what was found. Where {name of a claim} stands, what
was measured for it is filled in; in `predicts` it is what was predicted.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scene:
    """An experiment of the lecture: the audience is asked, the prediction is shown, then the measurement."""

    experiment: str
    asks: str
    predicts: str
    shows: str


@dataclass(frozen=True)
class Act:
    """A question, what answers it, and the answer in one sentence."""

    name: str
    title: str
    question: str
    closing: str
    scenes: tuple[Scene, ...]
    chapters: tuple[str, ...] = ()  # files of chapters/, told before the scenes
    after: tuple[str, ...] = ()  # and those told after them
    beside: tuple[str, ...] = ()  # experiments that only `--all` runs

    @property
    def experiments(self) -> tuple[str, ...]:
        """All its experiments, those of the lecture first."""
        return (*(scene.experiment for scene in self.scenes), *self.beside)


HOOK = Act(
    "hook",
    "A factor that decides",
    "Can a constant factor in the first weights decide whether a net learns?",
    "A factor of √2 per layer, thirty times over, is the difference between learning and blind guessing.",
    (
        Scene(
            "he_vs_xavier_depth",
            "Thirty ReLU layers, every weight smaller by √2: what becomes of the training?",
            "ReLU halves the mean square in every layer: without He’s factor 2 the scores of thirty layers "
            "shrink to {30 layers, untrained: ‖scores‖ from Xavier's start over He's} of their size.",
            "With thirty layers Xavier’s weights read {30 layers, Xavier: accuracy} % of the test images, "
            "which is chance level, and He’s read {30 layers, He: accuracy} %.",
        ),
    ),
)

PRODUCT = Act(
    "product",
    "A product of Jacobians",
    "What decides how much of the gradient reaches the first layer, and where can one see it?",
    "Per layer the gradient is multiplied by √χ, weights times slopes; it shows in ∂L/∂z, not in the "
    "gradients of the weights.",
    (
        Scene(
            "gradient_norm_vs_depth",
            "By what does one layer multiply the gradient, and how much is left after thirty?",
            "√χ per layer: {sigmoid, Xavier} for sigmoid and {ReLU, Xavier} for ReLU with Xavier’s weights, "
            "{ReLU, He} for ReLU with He’s.",
            "One layer leaves {sigmoid, Xavier} of it for sigmoid and {ReLU, Xavier} for ReLU with Xavier’s "
            "weights, {ReLU, He} for ReLU with He’s.",
        ),
        Scene(
            "pytorch_default_trap",
            "A layer as PyTorch makes it: does ReLU or tanh keep more of the gradient?",
            "PyTorch’s weights have a third of Xavier’s variance: per layer {tanh, default: per layer} is "
            "left with tanh, {ReLU, default: per layer} with ReLU.",
            "With tanh {first ‖δ‖: tanh, default over ReLU, default} times as much gradient arrives as with "
            "ReLU; it is the weights, not ReLU, that keep it.",
        ),
        Scene(
            "weight_grad_trap",
            "The gradients of all weights are of one size: has this net a vanishing gradient?",
            "⟨W, ∂L/∂W⟩ is the same number for every layer of a ReLU net: flat, whatever the weights.",
            "From last to first layer ‖∂L/∂W‖ changes by {‖∂L/∂W‖, max over min, PyTorch default}, while "
            "of ‖∂L/∂z‖ a share of {‖δ‖, first over last, PyTorch default} is left.",
        ),
    ),
    chapters=("foundations",),
    beside=("sigmoid_needs_gain", "glorot_histograms", "tanh_power_law", "random_gradients"),
)

DIRECTIONS = Act(
    "directions",
    "Size is not all",
    "If the gradient keeps its size, is all well?",
    "What has to survive depth is every direction, and every unit: look at singular values and at units that "
    "never fire, not at averages.",
    (
        Scene(
            "dynamical_isometry",
            "The average size is kept: is every direction?",
            "Of a product of fifty Gaussian matrices the median singular value is 2⁻²⁵, of orthogonal ones "
            "it is 1.",
            "Fifty orthogonal tanh layers read {trained, tanh, orthogonal: accuracy} % of the test images; "
            "the median direction of Gaussian ones is shrunk to {tanh, Gaussian: median s}.",
        ),
        Scene(
            "sparsity_is_not_death",
            "Half of all outputs are zero: is this net sick?",
            "Half of the outputs of any ReLU layer are zero, in a healthy net as in a sick one.",
            "Both have {He: share of zeros} % zeros; but of the healthy net {He: share that never fires} % "
            "of the units never fire, of the sick one {default: share that never fires} %.",
        ),
    ),
    chapters=("gradient_saturation",),
    beside=("order_and_chaos", "trainability", "mean_shift", "saturation", "born_dead", "dying_relu"),
)

CURES = Act(
    "cures",
    "Cures and their price",
    "What do normalization and skip connections cure, and what do they cost?",
    "BatchNorm and skips cure vanishing and pay with growth: a branch that starts small bounds both.",
    (
        Scene(
            "ioffe_fig1",
            "Three sigmoid layers with small weights: what does BatchNorm change?",
            "Without normalization every image gives a sigmoid nearly the same input, so that it stays at "
            "chance level; with it the inputs differ.",
            "After 50 steps the net with BatchNorm reads {50 steps, BatchNorm: accuracy} % of the test "
            "images, the one without {50 steps, no norm: accuracy} %.",
        ),
        Scene(
            "bn_without_stability",
            "Is it because distributions keep still? Let us shake them at every step.",
            "If stable distributions were the reason, the shaken net would learn as badly as the plain one.",
            "Shaken {shift a step: shaken over plain} times as much as the plain net, it ends at a loss of "
            "{BatchNorm, shaken: loss}; BatchNorm at rest ends at {BatchNorm: loss}.",
        ),
        Scene(
            "bn_explodes",
            "With BatchNorm in every layer: can the gradient still explode?",
            "Per ReLU layer BatchNorm multiplies the square of the gradient by π/(π − 1) = 1.47, and by more "
            "in small batches.",
            "It does: by {ReLU, BatchNorm of 256} per layer in batches of 256, by {ReLU, BatchNorm of 8} in "
            "batches of 8.",
        ),
        Scene(
            "residual_growth",
            "A skip hands the gradient on as it is: what does the sum of both paths do?",
            "1 + 1 = 2: the square doubles in every block; with the branch times 1/√L it grows by less than "
            "e in all.",
            "A hundred blocks multiply the gradient by 10 to the power {s = 1, 100 blocks: growth, log₁₀}; "
            "scaled by 1/√L, by {s = 1/√L, 100 blocks: growth}.",
        ),
        Scene(
            "hundred_layers",
            "A hundred layers: which of these nets learns?",
            "Plain, all images come out alike; with s = 1 the signal explodes; a branch that starts small "
            "does neither.",
            "Plain reads {plain: accuracy} %, a bare skip {s = 1: accuracy} %, a skip with a branch scaled "
            "by 1/√L {s = 1/√L: accuracy} % of the test images.",
        ),
    ),
    beside=(
        "lr_by_init",
        "bn_scale_invariance",
        "bn_smooths_the_loss",
        "bn_vs_ln_batch_size",
        "layernorm_by_the_book",
        "feature_scaling",
        "rank_collapse",
        "shattered_gradients",
        "adam_masks_vanishing",
        "update_to_data_ratio",
        "warmup",
        "weight_decay",
    ),
)

TIME = Act(
    "time",
    "Through time",
    "What changes if every layer is the same layer?",
    "One matrix over and over vanishes or explodes without fail: a gate that starts open keeps the gradient, "
    "clipping keeps the step.",
    (
        Scene(
            "gradient_through_time",
            "A hundred steps through the same matrix: what is left, and what does an LSTM change?",
            "An RNN with singular values of at most 0.9 keeps less than 0.9ᴺ; along the cell state of an "
            "LSTM it is σ(b_f)ᴺ.",
            "In powers of ten: {RNN, s = 0.9: log₁₀ left} for the RNN, {LSTM cell, b_f = 1: log₁₀ left} for "
            "a forget bias of 1, {LSTM cell, b_f = 5: log₁₀ left} for one of 5.",
        ),
        Scene(
            "gradient_cliff",
            "There is a wall in the loss: what does clipping do about it?",
            "The wall stands where the start is a fixed point, and its slope grows as kᴺ: a plain step from "
            "it is lr times that long.",
            "Clipped, {share that arrives, clip 1} % of the starts arrive, not clipped "
            "{share that arrives, not clipped} %; the gradient explodes all the same.",
        ),
        Scene(
            "latch_task",
            "Remember the sign of the first input: which LSTMs learn it?",
            "Those whose forget gates let through a gradient, σ(b_f)ᴺ, that can be seen beside the noise.",
            "With σ(b_f)ᴺ above 10⁻³ the worst net answers {σ(b_f)ᵀ > 0.001: accuracy of the worst} % right, "
            "below 10⁻⁹ the best {σ(b_f)ᵀ < 1e-09: accuracy of the best} %.",
        ),
    ),
    chapters=("foundations_in_time",),
    beside=("spectral_radius", "remembering_without_gates", "clip_norm_vs_value", "clipping_accelerates"),
)

FIXES = Act(
    "which_fix",
    "Which fix for which pathology?",
    "Which fix cures which pathology, and what is often taught otherwise?",
    "Name the pathology first: every fix cures some, none cures all, and several do harm elsewhere.",
    (
        Scene(
            "fix_matrix",
            "Seven sick nets and fourteen fixes: which cell would you bet on?",
            "A fix cures what it acts on: weights the wrong size of weights, clipping steps that are too "
            "long, scaled features unscaled ones.",
            "In the worst of six pathologies BatchNorm still reads {worst of six: BN} % of the test images; "
            "no fix without it cures all six.",
        ),
    ),
    after=("diagnosis", "second_look"),
)

APPENDIX = Act(
    "appendix",
    "Numerics",
    "How far can a computed gradient be trusted?",
    "Check gradients in float64, with a central difference, at a step of about ε^(1/3), away from kinks.",
    (
        Scene(
            "gradcheck_v_curve",
            "A smaller step h: is the finite difference better?",
            "Down to h ≈ √ε, or ∛ε for the central one; below it rounding, ε/h, takes over.",
            "The best a central difference does is {central: best error} in float64 and "
            "{central, float32: best error} in float32.",
        ),
    ),
    beside=("gradcheck_relu_kink", "gradient_underflow"),
)

ACTS = (HOOK, PRODUCT, DIRECTIONS, CURES, TIME, FIXES, APPENDIX)
LECTURE = tuple(scene.experiment for act in ACTS for scene in act.scenes)
CHAPTERS = tuple(name for act in ACTS for name in (*act.chapters, *act.after))


def label(act: Act) -> str:
    """Act 1 to Act 6, and Appendix."""
    return "Appendix" if act is APPENDIX else f"Act {ACTS.index(act) + 1}"


def scene_of(experiment: str) -> Scene | None:
    """The scene of an experiment; None if it stands beside the lecture."""
    return next((scene for act in ACTS for scene in act.scenes if scene.experiment == experiment), None)
