"""How far the claims are from their limits, in standard deviations over many seeds.

    python -m demos.margins                            every experiment, with seeds 0 to 19
    python -m demos.margins warmup --seeds 40          those whose names begin so

A limit stands well if it is about four standard deviations away from what is measured: then one seed in some
ten thousand breaks it, whatever the machine. With `OPENBLAS_CORETYPE=Haswell` before the command, or
`Sandybridge`, the same is measured with another kernel, whose roundings make other nets in training.

What has a threshold and is positive is measured by its logarithm. What is true in exact
arithmetic or proven has no margin, and is not listed.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from collections.abc import Sequence
from dataclasses import replace

from demos.cli import choose, every_name
from demos.experiment import Claim, Within, load
from demos.report import number


def margin(claim: Claim) -> float:
    """How many standard deviations lie between the mean and the nearer limit; negative beyond it."""
    values, (low, high) = list(claim.measured), limits(claim)
    if not all(map(math.isfinite, values)):
        return -math.inf
    if min(values) > 0 and not isinstance(claim.tolerance, Within):
        values, low, high = [math.log(x) for x in values], _log(low), _log(high)
    mean, deviation = statistics.fmean(values), statistics.pstdev(values)
    distance = min(mean - low, high - mean)
    return distance / deviation if deviation else math.copysign(math.inf, distance)


def limits(claim: Claim) -> tuple[float, float]:
    """The lowest and the highest number that the claim admits."""
    if isinstance(claim.tolerance, Within):
        middle, width = float(claim.predicted), claim.tolerance.share * abs(float(claim.predicted))
        return middle - width, middle + width
    return claim.tolerance.low, claim.tolerance.high


def _log(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line for each claim; return how many have a seed that breaks them."""
    first_line = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m demos.margins", description=first_line)
    parser.add_argument("experiment", nargs="*", help="names, or beginnings of names; without any, all")
    parser.add_argument("--seeds", type=int, default=20, help="how many (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="the first (default %(default)s)")
    options, broken = parser.parse_args(arguments), 0
    for experiment in choose(options.experiment, [load(name) for name in every_name()]):
        seeds = tuple(range(options.seed, options.seed + options.seeds))
        result = experiment.run(replace(experiment.setup(), seeds=seeds))
        print(f"\n{experiment.name}, {result.seconds:.0f} s")
        for claim in (claim for claim in result.claims if claim.is_measured):
            broken += not claim.holds
            low, high = (number(x, 3) for x in (min(claim.measured), max(claim.measured)))
            needs = f"{number(claim.predicted, 3)} {claim.tolerance}"
            print(f"{margin(claim):8.1f}  {claim.what}: {low} … {high}; needs {needs}", flush=True)
    return broken


if __name__ == "__main__":
    sys.exit(main())
