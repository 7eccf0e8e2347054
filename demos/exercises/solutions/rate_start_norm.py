"""Exercise 4, solved. BatchNorm forgives the start, because BatchNorm(a W h) = BatchNorm(W h)."""

import math
from collections.abc import Callable, Sequence
from itertools import product
from statistics import median

import tinygrad_stab as torch
from demos.exercises.checking import examine
from demos.exercises.rate_start_norm import Key


# %% The part
def study(
    learn: Callable[..., float], rates: Sequence[float], starts: Sequence[float], norms: Sequence[str],
    seeds: Sequence[int],
) -> dict[Key, float]:  # fmt: skip
    def run(key: Key, seed: int) -> float:
        torch.manual_seed(seed)
        return learn(*key)

    return {key: median(run(key, seed) for seed in seeds) for key in product(rates, starts, norms)}


def best(found: dict[Key, float]) -> Key:
    finite = {key: loss for key, loss in found.items() if math.isfinite(loss)}
    return min(finite, key=finite.__getitem__)


def worst_start(found: dict[Key, float], norm: str) -> float:
    starts = {start for _, start, n in found if n == norm}
    losses = [
        [loss for (_, s, n), loss in found.items() if (s, n) == (start, norm) and math.isfinite(loss)]
        for start in starts
    ]
    return max(min(of_start, default=math.inf) for of_start in losses)


FORGIVES = "BatchNorm"

# %% The check
if __name__ == "__main__":
    examine("rate_start_norm", globals())
