"""With BatchNorm, larger weights compute the same; they only learn more slowly.

BatchNorm divides by whatever factor is in W, and takes away whatever a bias adds. So, up to its ε,

    BN(a W h + b) = BN(W h)         for a > 0: the same outputs, the same loss L
    ∂L/∂(a W) = (1/a) ∂L/∂W         larger weights, smaller gradient
    ⟨W, ∂L/∂W⟩ = 0                  along W nothing changes: the gradient is at right angles to it
    ∂L/∂b = 0

A step of SGD turns W by the angle lr ‖∂L/∂W‖/‖W‖, which goes as lr/‖W‖²: that is the learning rate that
counts. Started from a W, the net learns as if lr were a² times smaller; started from a W with a² lr, it
computes at every step what the net from W does. So hardly any start is wrong, but each has its own pace.
Only where the variance of W h falls below ε, the usual 1e-5, does BatchNorm no longer make up for a.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

import tinygrad_stab as torch
from demos.digits import BLIND_LOSS, load_digits
from demos.experiment import Between, Claim, Config, Result, Within, above, below
from demos.notebook import present
from demos.style import Figure, band, legend, panels, prediction
from demos.training import smooth, train
from tinygrad_stab import nn
from tinygrad_stab.optim import SGD

SOURCE = "Ioffe & Szegedy 2015, sec. 3.3; van Laarhoven 2017 (the learning rate that counts)"


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    factor: tuple[float, ...] = (3.0, 10.0)  # a; 1 is always there
    depth: int = 8
    width: int = 48
    lr: float = 0.1
    steps: int = 100
    data: str = "digits"


FAST = dict(seeds=(0,))
EPS = {"0": 0.0, "10⁻⁵": 1e-5}  # none, and the usual one


def network(seed: int, a: float, setup: Setup, eps: float = 0.0) -> nn.Sequential:
    """Linear, BatchNorm, ReLU, so many times, with a times He's weights; then Linear."""
    torch.manual_seed(seed)
    pixels, layers = load_digits(seed, setup.data).pixels, []
    for n_in, n_out in pairwise([pixels, *[setup.width] * setup.depth]):
        linear = nn.Linear(n_in, n_out)
        nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
        linear.weight.data = a * linear.weight.data
        layers += [linear, nn.BatchNorm1d(n_out, eps=eps), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(setup.width, 10))


# %% The experiment
@dataclass
class Start:
    """The loss of one batch, before training, and what its gradient is like."""

    loss: float
    norm: float  # ‖∂L/∂W‖, over all W before a BatchNorm
    cosine: float  # |cos(W, ∂L/∂W)|, of the layer where it is largest
    bias: float  # the largest |∂L/∂b| before BatchNorm, in units of the largest |∂L/∂β| behind it


def look(seed: int, a: float, setup: Setup, eps: float) -> Start:
    """What a net is like that starts from a W."""
    model, data = network(seed, a, setup, eps), load_digits(seed, setup.data)
    loss = nn.CrossEntropyLoss()(model(data.x_train[:100]), data.y_train[:100])
    loss.backward()
    linears, norms = list(model)[:-1:3], list(model)[1::3]
    Ws, Gs = [m.weight.data for m in linears], [m.weight.grad for m in linears]
    cosines = [abs((W * G).sum().item()) / (W.norm() * G.norm()).item() for W, G in zip(Ws, Gs)]
    b, β = (max(m.bias.grad.abs().max().item() for m in kind) for kind in (linears, norms))
    return Start(loss.item(), nn.utils.get_total_norm(Gs).item(), max(cosines), b / β)


def learn(seed: int, a: float, power: int, setup: Setup) -> np.ndarray:
    """The loss at every step, averaged, from a W, with the learning rate aᵖ lr for W."""
    model, data = network(seed, a, setup), load_digits(seed, setup.data)
    Ws = {m.weight for m in list(model)[:-1:3]}
    others = [p for p in model.parameters() if p not in Ws]
    groups = [{"params": [*Ws], "lr": a**power * setup.lr}, {"params": others}]
    losses = train(model, data, lr=setup.lr, steps=setup.steps, optimizer=lambda _, lr: SGD(groups, lr))
    return smooth(losses, 10)


def run(setup: Setup) -> Result:
    a, seeds, sizes = max(setup.factor), setup.seeds, np.geomspace(1e-4, 10, 11)
    norms = {ε: [[look(seed, x, setup, EPS[ε]).norm for x in sizes] for seed in seeds] for ε in EPS}
    small, large, usual, large_usual = (
        [look(seed, factor, setup, ε) for seed in seeds] for ε in EPS.values() for factor in (1.0, a)
    )
    starts, powers = (1.0, *setup.factor), (0, 2)
    runs = {(x, p): np.array([learn(seed, x, p, setup) for seed in seeds]) for x in starts for p in powers}
    slow, fast, paced = runs[a, 0][:, -1], runs[1.0, 0], runs[a, 2]
    scale, identity = "BN(a W h) = BN(W h)", "an identity"
    nearly, gap = Between(high=1e-10, proven=True), "between the slowest run from W and the fastest from a W"
    pace = "the learning rate that counts, lr/‖W‖²"
    # fmt: off
    claims = [
        Claim(f"{a:g} W: loss over that of W", [y.loss / x.loss for x, y in zip(small, large)], 1.0,
              Within(1e-10), scale, identity),
        Claim(f"{a:g} W: ‖∂L/∂W‖ over that of W", [y.norm / x.norm for x, y in zip(small, large)], 1 / a,
              Within(1e-10), "∂L/∂(a W) = (1/a) ∂L/∂W", identity),
        Claim("… with ε = 1e-5, as usual", [y.norm / x.norm for x, y in zip(usual, large_usual)], 1 / a,
              Within(1e-3), "∂L/∂(a W) = (1/a) ∂L/∂W", "ε adds about 1e-5 to a variance of 1 or more"),
        Claim("|cos(W, ∂L/∂W)|", [x.cosine for x in small], 0, nearly, "Euler: L(a W) = L(W)", identity),
        Claim("bias before BatchNorm: |∂L/∂b| / |∂L/∂β|", [x.bias for x in small], 0, nearly,
              "BN(z + b) = BN(z)", identity),
        Claim(f"trained from {a:g} W with {a * a:g} lr: loss over that from W", paced[:, -1] / fast[:, -1],
              1.0, Within(1e-8), pace, "an identity, at every step"),
        Claim("trained from W: loss", fast[:, -1], "learns", below(0.8), pace, gap),
        Claim(f"trained from {a:g} W: loss", slow, "slower", above(1.1), pace, gap),
    ]
    # fmt: on
    return Result(claims, (sizes, norms, runs))


# %% The figure
def draw(setup: Setup, data: tuple) -> Figure:
    sizes, norms, runs = data
    figure, (left, middle, right) = panels(3)
    for ε, marker in zip(EPS, "vD"):
        band(left, sizes, norms[ε], color="C5", marker=marker, label=f"ε = {ε}")
    prediction(left, sizes, np.median(norms["0"], axis=0)[-1] * sizes[-1] / sizes)
    left.set(title="untrained: ‖∂L/∂W‖", xscale="log", yscale="log", xlabel="a, factor on W")
    left.legend(loc="upper right")
    for ax, power in ((middle, 0), (right, 2)):
        for k, a in enumerate((1.0, *setup.factor)):
            name = f"from {a:g} W" if k else "from W"
            band(ax, np.arange(setup.steps), runs[a, power], label=name, markevery=(8 * k, 24))
        prediction(ax, [0, setup.steps], [BLIND_LOSS] * 2, label="blind guess, ln 10")
        ax.set(xlabel="step", ylim=(0, 2.9))
    middle.set(title="loss, with lr")
    right.set(title="loss, with a² lr for W")
    legend(figure, middle)
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
