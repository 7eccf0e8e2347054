"""Deep ReLU nets make all inputs alike: LayerNorm lets it happen, BatchNorm does not.

Two inputs whose vectors in one layer have the cosine c have in the next one, from He's start,

    J(c) = (√(1 − c²) + (π − arccos c) c)/π > c          so that deep down, in layer l, their angle is 3π/l

LayerNorm changes the length of a vector, not its direction, and so it changes nothing here. BatchNorm takes
away what the B samples have in common, and leaves them with a mean cosine of −1/(B − 1); after the ReLU that
is J(−1/(B − 1)), or 1/π for large B, in every layer. It pays with exploding gradients: `bn_explodes`.

Either way a deep net forgets who was similar to whom. Without BatchNorm all images become the same, with it
all become equally different.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

import tinygrad_stab as torch
from demos.digits import load_digits
from demos.experiment import Claim, Config, Result, Within, above, below, over_seeds
from demos.notebook import present
from demos.style import Figure, band, legend, panels, prediction
from tinygrad_stab import nn
from tinygrad_stab.stability import theory

SOURCE = "Yang et al. 2019; Daneshmand et al. 2020; J: Cho & Saul 2009"

NORMS = {
    "no norm": lambda n: nn.Identity(),
    "LayerNorm": partial(nn.LayerNorm, elementwise_affine=False),
    "BatchNorm": partial(nn.BatchNorm1d, affine=False),
}


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    depth: int = 30
    width: int = 256
    batch: int = 64
    data: str = "digits"


FAST = dict(seeds=(0,))


# %% The experiment
def cosines(norm: str, setup: Setup) -> tuple[np.ndarray, np.ndarray]:
    """The cosine of every two images, in the input and in every layer; and the images' classes."""
    data = load_digits(0, setup.data)
    classes = data.y_train.numpy()[: setup.batch]
    order = np.argsort(classes, kind="stable")
    h, found = data.x_train[order], []
    with torch.no_grad():
        for _ in range(setup.depth):
            found.append(cosine(h))
            layer = nn.Linear(h.shape[1], setup.width, bias=False)
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            h = NORMS[norm](setup.width)(layer(h)).relu()
    return np.array([*found, cosine(h)]), classes[order]


def cosine(h: torch.Tensor) -> np.ndarray:
    h = h / h.norm(dim=1, keepdim=True)
    return (h @ h.T).numpy()


def mean_over_pairs(matrices: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """The mean cosine of the chosen pairs of two different images, by layer."""
    return matrices[:, chosen & ~np.eye(len(chosen), dtype=bool)].mean(axis=1)


def same_minus_other(matrices: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """By how much the mean cosine is larger for images of the same digit, by layer."""
    same = classes[:, None] == classes
    return mean_over_pairs(matrices, same) - mean_over_pairs(matrices, ~same)


def predicted(norm: str, setup: Setup, first: float) -> np.ndarray:
    """The mean cosine by layer: J applied again and again to that of the input, or J(−1/(B − 1))."""
    c = [first]
    for _ in range(setup.depth):
        before = -1 / (setup.batch - 1) if norm == "BatchNorm" else c[-1]
        c.append(theory.correlation_map("relu", before, weight_var=2))
    return np.array(c)


def run(setup: Setup) -> Result:
    found = {norm: over_seeds(setup, cosines, norm) for norm in NORMS}
    every = np.ones((setup.batch, setup.batch), bool)
    curves = {norm: np.array([mean_over_pairs(c, every) for c, _ in runs]) for norm, runs in found.items()}
    laws = {norm: predicted(norm, setup, curves[norm][0, 0]) for norm in NORMS}
    similar = {norm: [same_minus_other(*run) for run in runs] for norm, runs in found.items()}
    last = f"layer {setup.depth}"
    iterated, gap = "J, applied in every layer", "far above the input's, and BatchNorm's"
    fixed, chance = "J(−1/(B − 1))", "four standard deviations, and finite width"
    equal, between = "the limit is the same for all pairs", "between the input and the last layer"
    # fmt: off
    claims = [
        *(Claim(f"{norm}: mean cosine, {last}", curves[norm][:, -1], laws[norm][-1], above(0.8),
                iterated, gap) for norm in ("no norm", "LayerNorm")),
        Claim(f"BatchNorm: mean cosine, {last}", curves["BatchNorm"][:, -1], laws["BatchNorm"][-1],
              Within(0.05), fixed, chance),
        Claim("same digit minus other, images", [s[0] for s in similar["no norm"]], "> 0", above(0.1),
              equal, between),
        *(Claim(f"same digit minus other, {norm}, {last}", [s[-1] for s in similar[norm]], 0, below(0.05),
                equal, between) for norm in NORMS),
    ]
    # fmt: on
    return Result(claims, (curves, laws, {norm: runs[0][0] for norm, runs in found.items()}))


# %% The figure
def draw(setup: Setup, data: tuple) -> Figure:
    curves, laws, matrices = data
    figure, (left, *maps) = panels(4, width_ratios=[2, 1, 1, 1])
    layers = np.arange(setup.depth + 1)
    for norm in NORMS:
        band(left, layers, curves[norm], label=norm, markevery=5)
        prediction(left, layers, laws[norm])
    left.lines[-1].set_label("theory")
    left.set(title="mean cosine of two images", xlabel="layer", ylim=(0, 1.05))
    last = setup.depth
    for ax, norm, layer in zip(maps, ("no norm", "LayerNorm", "BatchNorm"), (0, last, last)):
        image = ax.imshow(matrices[norm][layer], vmin=0, vmax=1, aspect="auto", cmap="cividis")
        ax.set(title=norm if layer else "images", xlabel=f"layer {layer}", xticks=[], yticks=[])
    maps[0].set_ylabel("images, 0 to 9")
    figure.colorbar(image, ax=maps).ax.set_xlabel("cosine")
    legend(figure, left)
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
