"""Exercise 4: learning rate × start × normalization.

Three choices that depend on each other: which learning rate is good depends on the start, unless a
normalization stands between. A study tries every combination, and compares like with like: each run begins
with the same random numbers, several seeds tell luck from effect, and NaN, whatever `min` says, is not the
best.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import tinygrad_stab as torch
from demos.digits import load_digits
from demos.exercises.checking import examine
from demos.training import minibatches
from tinygrad_stab import nn

Key = tuple[float, float, str]  # learning rate, start, normalization


# %% What is given: one run
def learn(lr: float, start: float, norm: str) -> float:
    """The loss of a net of six layers after 60 steps, NaN if it diverges; Var W is start²/fan_in at first."""
    layers = []
    for n_in, n_out in pairwise([64] + [48] * 5):
        layers += [nn.Linear(n_in, n_out), nn.ReLU()]
        nn.init.normal_(layers[-2].weight, std=start / n_in**0.5)
        if norm == "BatchNorm":
            layers.insert(-1, nn.BatchNorm1d(n_out))
    model, losses = nn.Sequential(*layers, nn.Linear(48, 10)), []
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for x, y in minibatches(load_digits(0), 32, steps=60):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        if not loss.item() < 1e6:
            return math.nan
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses[-10:]) / 10


# %% Your part
def study(
    learn: Callable[..., float], rates: Sequence[float], starts: Sequence[float], norms: Sequence[str],
    seeds: Sequence[int],
) -> dict[Key, float]:  # fmt: skip
    """For every (lr, start, norm) the median of learn(lr, start, norm) over the seeds.

    Call torch.manual_seed(seed) before each run.
    """
    # ↓ yours
    raise NotImplementedError
    # ↑ yours


def best(found: dict[Key, float]) -> Key:
    """The combination with the lowest loss; one that is NaN or infinite does not count."""
    # ↓ yours
    raise NotImplementedError
    # ↑ yours


def worst_start(found: dict[Key, float], norm: str) -> float:
    """With this normalization: the loss from the worst start, if for each start the best rate is chosen."""
    # ↓ yours
    raise NotImplementedError
    # ↑ yours


# Which of the two forgives a bad start: "none" or "BatchNorm"? Let the study answer:
#     study(learn, (0.03, 0.3), (0.5, 1.4, 4.0), ("none", "BatchNorm"), seeds=(0,))
FORGIVES = None  # ← yours

# %% The check
if __name__ == "__main__":
    examine("rate_start_norm", globals())
