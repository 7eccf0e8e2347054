"""Of two images in a batch BatchNorm keeps only which is larger; LayerNorm takes each by itself.

BatchNorm asks the batch for mean and variance, and of B samples it gets them with an error. For Gaussian z,

    deviation of the mean         1/√B
    deviation of the variance     √(2/(B − 1))              unbiased, and both in units of the true ones

so every sample is shaken by those that happen to be beside it. And of few samples little is left at all:

    B = 1       z − mean = 0: the output is β, whatever went in, and no gradient comes back
    B = 2       z₁ and z₂ become +1 and −1: what remains is which of the two was larger

LayerNorm is the same function of the transposed batch, BN(Z) = LN(Zᵀ)ᵀ: it asks the units of one sample, and
what becomes of that sample does not depend on the others. The nets here are trained with a learning rate in
proportion to √B, and a number of steps to 1/√B.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

import tinygrad_stab as torch
from demos.digits import BLIND_ACCURACY, load_digits
from demos.experiment import Between, Claim, Config, Result, Within, above, below, over_seeds
from demos.notebook import present
from demos.style import Figure, band, legend, panels, prediction
from demos.training import accuracy, train
from tinygrad_stab import nn

SOURCE = "Ioffe & Szegedy 2015, Alg. 1; Ba, Kiros & Hinton 2016, sec. 3"


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    batch: tuple[int, ...] = (2, 4, 32)  # B
    depth: int = 3
    width: int = 64
    lr: float = 0.06  # at B = 32, as are the
    steps: int = 120
    data: str = "digits"


FAST = dict(seeds=(0,), batch=(2, 32))
ZEROS = {  # and why
    "BatchNorm less LayerNorm of the transposed": "one function on two axes",
    "B = 1: output, and gradient of the input": "z − mean = 0",
    "B = 2: |output| less 1": "(z₁ − z₂)/|z₁ − z₂|",
    "LayerNorm: output for a sample among others less alone": "each sample by itself",
}
LAWS = {"mean": ("1/√B", lambda B: B**-0.5), "variance": ("√(2/(B − 1))", lambda B: (2 / (B - 1)) ** 0.5)}
NORMS = {"BatchNorm": nn.BatchNorm1d, "LayerNorm": nn.LayerNorm, "no norm": nn.Identity}


def network(norm: str, pixels: int, setup: Setup) -> nn.Sequential:
    """Linear, normalization, ReLU, so many times, from He's start; then Linear."""
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise([pixels, *[setup.width] * setup.depth]):
        layers += [nn.Linear(n_in, n_out, bias=False), NORMS[norm](n_out), nn.ReLU()]
        nn.init.kaiming_normal_(layers[-3].weight, nonlinearity="relu")
    return nn.Sequential(*layers, nn.Linear(setup.width, 10))


# %% The experiment
def learn(seed: int, norm: str, batch: int, setup: Setup) -> float:
    """The accuracy on the test images, in evaluation mode."""
    torch.manual_seed(seed)
    data, share = load_digits(seed, setup.data), (batch / 32) ** 0.5
    model = network(norm, data.pixels, setup)
    train(model, data, lr=setup.lr * share, batch=batch, steps=round(setup.steps / share))
    return accuracy(model.eval(), data.x_test, data.y_test)


def deviations(batch: int, setup: Setup) -> tuple[float, float]:
    """Of the mean and of the unbiased variance of a batch, over many batches."""
    z = torch.randn(500_000 // batch, batch)
    return z.mean(1).std().item(), z.var(1).std().item()


def batchnorm(z: torch.Tensor, eps: float = 0.0) -> torch.Tensor:
    """As nn.BatchNorm1d, which refuses a single sample: LayerNorm of the transposed batch."""
    return nn.LayerNorm(len(z), eps, elementwise_affine=False)(z.T).T


def zeros(setup: Setup) -> list[float]:
    """What ought to be 0, in the order of `ZEROS`."""
    batch, layernorm = torch.randn(8, setup.width), nn.LayerNorm(setup.width)
    output = batchnorm(alone := batch[:1].clone().requires_grad_(), eps=1e-5)
    found = (
        nn.BatchNorm1d(setup.width, eps=0.0)(batch) - batchnorm(batch),
        torch.cat([output, *torch.autograd.grad(output, [alone], batch[1:2])]),
        batchnorm(batch[:2]).abs() - 1,
        layernorm(batch)[0] - layernorm(batch[:1])[0],
    )
    return [x.abs().max().item() for x in found]


def run(setup: Setup) -> Result:
    cells = [(norm, B) for norm in NORMS for B in setup.batch]
    read = {cell: [learn(seed, *cell, setup) for seed in setup.seeds] for cell in cells}
    found = {B: np.array(over_seeds(setup, deviations, B)) for B in setup.batch}
    few, many, spread = min(setup.batch), max(setup.batch), "four standard deviations"
    two, gap = "of two, BatchNorm keeps which is larger, LayerNorm each", "between these and the others"
    # fmt: off
    claims = [
        *(Claim(what, values, 0, Between(high=1e-10, proven=True), why, "an identity")
          for (what, why), values in zip(ZEROS.items(), np.transpose(over_seeds(setup, zeros)))),
        *(Claim(f"B = {B}: deviation of the {name}", found[B][:, k], law(B), Within(0.03), formula, spread)
          for k, (name, (formula, law)) in enumerate(LAWS.items()) for B in setup.batch),
        Claim(f"B = {few}, BatchNorm: accuracy", read["BatchNorm", few], "poor", below(0.7), two, gap),
        Claim(f"B = {few}, LayerNorm: accuracy", read["LayerNorm", few], "good", above(0.77), two, gap),
        Claim(f"B = {many}, BatchNorm: accuracy", read["BatchNorm", many], "good", above(0.8),
              "with many samples the error is small", gap),
    ]
    # fmt: on
    return Result(claims, (read, found))


# %% The figure
def draw(setup: Setup, data: tuple) -> Figure:
    read, found = data
    figure, (left, middle, right) = panels(3)
    for norm in NORMS:
        band(left, setup.batch, 100 * np.transpose([read[norm, B] for B in setup.batch]), label=norm)
    B = np.linspace(min(setup.batch), max(setup.batch), 200)
    prediction(left, B, 0 * B + 100 * BLIND_ACCURACY, label="theory (left: blind guess)")
    left.set(title="test accuracy, %", ylim=(0, 100))
    for k, (name, (_, law)) in enumerate(LAWS.items()):
        medians = [np.median(found[B][:, k]) for B in setup.batch]
        middle.plot(setup.batch, medians, "C0" + "os"[k], label=f"… {name}")
        prediction(middle, B, law(B))
    middle.set(title="deviation of a batch's …", ylim=(0, 1.5))
    middle.legend()
    for ax in (left, middle):
        ax.set(xscale="log", xlabel="batch size B")
        ax.set_xticks(setup.batch, map(str, setup.batch))
        ax.minorticks_off()
    for B, look in ((2, "C3D-"), (4, "C4v-"), (32, "C5p-")):
        outputs = np.sort(batchnorm(torch.randn(B, 4000)).numpy().ravel())
        right.plot(outputs, np.linspace(0, 100, len(outputs)), look, markevery=0.1, label=f"B = {B}")
    right.set(title="outputs below x, %", xlim=(-2.5, 2.5), xlabel="x, an output of BatchNorm")
    right.legend()
    legend(figure, left)
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
