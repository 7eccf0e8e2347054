"""A finite difference calls a correct gradient wrong where its step crosses a kink.

A central difference does not measure a slope, but the mean of all slopes from z − h to z + h. For a ReLU
whose input is nearer to the kink than h, that is

    (relu(z + h) − relu(z − h)) / 2h = (z + h) / 2h          between 0 and 1, where relu′(z) is 0 or 1

To check one weight is to move it by h, and z by h x. With B samples, the check looks at B units z, and fails
if any of them has |z| < h |x|. For normal x and z, both of variance 1, this happens to a share of the weights
of

    1 − (1 − 2h/π)ᴮ ≈ (2/π) B h

So a few failures are no error in the code. Take a smaller step, and fewer samples: the kinks then vanish in
proportion, an error stays. A smooth function fails too, but only at steps at which its curvature counts.
"""

from dataclasses import dataclass

import numpy as np

import tinygrad_stab as torch
from demos.experiment import Claim, Config, Result, Within, above, below, over_seeds
from demos.notebook import present
from demos.style import Figure, legend, panels, prediction
from tinygrad_stab.gradcheck import GradcheckError

SOURCE = (
    "the mean of the slopes is the fundamental theorem of calculus; tolerances: `torch.autograd.gradcheck`"
)

STEPS = (1e-6, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)  # the first is gradcheck's own
ATOL, RTOL = 1e-5, 1e-3


# %% The set-up
@dataclass(frozen=True)
class Setup(Config):
    batch: tuple[int, ...] = (1, 16, 128)
    inputs: int = 16
    pre_activations: int = 50_000  # samples times units, the same for every batch


FAST = dict(seeds=(0,))


# %% The experiment
def failures(activation: str, batch: int, setup: Setup) -> np.ndarray:
    """For every step, the share of one layer's weights whose gradient fails its check."""
    φ = getattr(torch, activation)
    x = torch.randn(batch, setup.inputs)
    W = torch.randn(setup.inputs, setup.pre_activations // batch) / setup.inputs**0.5
    W.requires_grad_()
    (gradient,) = torch.autograd.grad(φ(x @ W).mean(0).sum(), [W])
    z, shares = (x @ W).detach(), []
    for h in STEPS:
        x_i = x.T.reshape(setup.inputs, batch, 1)  # moving W_ij by h moves z_nj by h x_ni, for all j at once
        up, down = (
            np.array([φ(z + sign * h * column).mean(0).numpy() for column in x_i]) for sign in (1, -1)
        )
        numeric = (up - down) / (2 * h)
        shares.append((abs(gradient.numpy() - numeric) > ATOL + RTOL * abs(numeric)).mean())
    return np.array(shares)


def near_the_kink(z: np.ndarray, h: float) -> tuple[np.ndarray, np.ndarray]:
    """relu′(z) by the graph, and by a central difference."""
    x = torch.tensor(z).requires_grad_()
    (slope,) = torch.autograd.grad(torch.relu(x).sum(), [x])
    up, down = torch.relu(torch.tensor(z + h)), torch.relu(torch.tensor(z - h))
    return slope.numpy(), ((up - down) / (2 * h)).numpy()


def explained() -> float:
    """Of 20 points nearer to the kink than h, the share for which gradcheck fails and says why."""
    messages = []
    for z in np.linspace(-0.9, 0.9, 20) * STEPS[0]:
        try:
            torch.autograd.gradcheck(torch.relu, torch.tensor(z, requires_grad=True), eps=STEPS[0])
        except GradcheckError as error:
            messages.append(str(error))
    return sum("crossed a kink" in message for message in messages) / 20


def expected(batch: int) -> np.ndarray:
    """For every step, the share of weights of which at least one sample crosses the kink."""
    return 1 - (1 - 2 * np.array(STEPS) / np.pi) ** batch


def run(setup: Setup) -> Result:
    z, h = np.array([1e-7, 0.0]), 1e-5
    by_graph, central = near_the_kink(z, h)
    relu = {B: np.array(over_seeds(setup, failures, "relu", B)) for B in setup.batch}
    most = max(setup.batch)
    tanh = np.array(over_seeds(setup, failures, "tanh", most))
    own, fine, coarse = 0, STEPS.index(1e-3), STEPS.index(1e-2)
    slope, mean = "relu′(z) = 1 for z > 0, and 0 for z ≤ 0", "(z + h)/2h, the mean of the slopes"
    kinks, identity = "1 − (1 − 2h/π)ᴮ, |z| < h |x| for one of B samples", "an identity"
    gap = "between a kinked and a smooth function"
    # fmt: off
    claims = [
        Claim("relu′ at z = 1e-7, by the graph", by_graph[:1], 1.0, Within(1e-10), slope, identity),
        Claim("relu′ at z = 0, by the graph", by_graph[1:], 0.0, Within(1e-10), slope, identity),
        Claim("relu′ at z = 1e-7, by steps of 1e-5", central[:1], (z[0] + h) / (2 * h), Within(1e-10), mean,
              identity),
        Claim("relu′ at z = 0, by steps of 1e-5", central[1:], 0.5, Within(1e-10), mean, identity),
        Claim("failures near the kink that gradcheck explains", [explained()], 1.0, Within(1e-10),
              "left and right slope differ, and one of them is the gradient", identity),
        *(Claim(f"h = 1e-2, batch of {B}: share that fails", relu[B][:, coarse], expected(B)[coarse],
                Within(0.25), kinks, "four standard deviations of one seed, whose inputs are few")
          for B in setup.batch),
        Claim(f"h = 1e-3, batch of {most}: share that fails", relu[most][:, fine], expected(most)[fine],
              above(0.04), kinks, gap),
        Claim("… the same with tanh", tanh[:, fine], "none: no kink", below(0.005), kinks, gap),
        Claim(f"h = 1e-6, batch of {most}: share that fails", relu[most][:, own], expected(most)[own],
              below(0.005), kinks, gap),
    ]
    # fmt: on
    return Result(claims, (relu, tanh))


# %% The figure
def draw(setup: Setup, data: tuple) -> Figure:
    relu, tanh = data
    figure, (left, right) = panels(2)
    z = np.linspace(-2, 2, 402)
    by_graph, central = near_the_kink(z, 1.0)
    left.plot(z, by_graph, label="graph", markevery=40)
    left.plot(z, central, label="central difference", markevery=40)
    prediction(left, [-2, -1, 1, 2], [0, 0, 1, 1], label="mean slope")
    left.set(title="slope of one ReLU", xlabel="z / h", ylabel="slope")
    left.legend(loc="upper left")
    for φ, B, shares in (*(("ReLU", B, relu[B]) for B in setup.batch), ("tanh", max(setup.batch), tanh)):
        percent = 100 * shares.mean(axis=0)  # 0 has no place on a logarithmic axis
        right.plot(STEPS, np.where(percent > 0, percent, np.nan), label=f"{φ}, batch of {B}")
    for B in setup.batch:
        prediction(right, STEPS, 100 * expected(B))
    right.set(title="correct gradients that fail, %", xscale="log", yscale="log", xlabel="step h")
    right.set(xlim=(7e-4, 0.13), ylim=(0.02, 200))  # at smaller steps there is next to nothing to count
    right.lines[-1].set_label("theory")
    legend(figure, right)
    return figure


# %% Here and now
if __name__ == "__main__":
    present(Setup())
