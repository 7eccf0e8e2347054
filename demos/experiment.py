"""What an experiment is, what it claims, and when a claim holds.

There are three kinds of claims, and each kind has its own tolerance.

    identity      true in exact arithmetic: within 1e-8 or 1e-10, or the framework is wrong
    law           true on average over random weights: within a few per cent, about four standard deviations
    separation    of two outcomes: above or below a threshold in the gap between them, never a value

How far seeds scatter depends on width, depth and data, so the limits of a law and of a separation are for the
set-up that they were measured with: with a knob turned such a claim is shown, but not judged. An identity and
a bound that is proven, are judged always. `margins.py` measures how far from its limit a claim is.

A claim holds if every seed obeys it.
"""

from __future__ import annotations

import importlib
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import tinygrad_stab as torch


@dataclass(frozen=True)
class Config:
    """The knobs that every experiment has. Its own `Setup` adds more."""

    seeds: tuple[int, ...] = (0, 1, 2)


# --- tolerances ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Within:
    """|measured − predicted| ≤ share · |predicted|."""

    share: float

    def admits(self, measured: float, predicted: Any) -> bool:
        return abs(measured - predicted) <= self.share * abs(predicted)

    def __str__(self) -> str:
        return f"±{100 * self.share:g} %" if self.share >= 1e-3 else f"±1e{math.log10(self.share):.0f}"


@dataclass(frozen=True)
class Between:
    """low < measured < high. The limits are `proven`, or lie in a gap measured with the default set-up."""

    low: float = -math.inf
    high: float = math.inf
    proven: bool = False

    def admits(self, measured: float, predicted: Any) -> bool:
        return self.low < measured < self.high

    def __str__(self) -> str:
        less, more = "≤≥" if self.proven else "<>"
        if math.isinf(self.high):
            return f"{more} {self.low:.3g}"
        return f"{less} {self.high:.3g}" if math.isinf(self.low) else f"{self.low:.3g}…{self.high:.3g}"


def above(threshold: float) -> Between:
    """A threshold that was measured: the outcome must lie above it."""
    return Between(low=threshold)


def below(threshold: float) -> Between:
    """A threshold that was measured: the outcome must lie below it."""
    return Between(high=threshold)


ROUNDING = 1e-6  # a share up to this is for rounding alone


# --- claims ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Claim:
    """One sentence that a measurement can refute."""

    what: str
    measured: Sequence[float]  # one number a seed
    predicted: float | str
    tolerance: Within | Between
    by: str  # who predicts it: the formula, or the paper and its equation
    why: str  # why this tolerance
    judged: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "measured", tuple(map(float, self.measured)))
        if not self.measured:
            raise ValueError(f"the claim {self.what!r} has no measurements: with these knobs, do not make it")

    @property
    def holds(self) -> bool:
        """Does every seed obey? NaN obeys nothing."""
        return all(self.tolerance.admits(m, self.predicted) for m in self.measured)

    @property
    def is_measured(self) -> bool:
        """Was the limit measured, with one set-up, and is neither proven nor for rounding alone?"""
        if isinstance(self.tolerance, Within):
            return self.tolerance.share > ROUNDING
        return not self.tolerance.proven

    @property
    def verdict(self) -> str:
        return ("PASS" if self.holds else "FAIL") if self.judged else "open"

    @property
    def median(self) -> float:
        return statistics.median(self.measured)


@dataclass(frozen=True)
class Result:
    """What an experiment found: its claims, and the data that its figure draws."""

    claims: list[Claim]
    data: Any
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        return not any(claim.verdict == "FAIL" for claim in self.claims)


# --- experiments -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Experiment:
    """An experiment's module, under its name."""

    name: str
    module: ModuleType

    @property
    def section(self) -> str:
        """The folder that it stands in."""
        return Path(str(self.module.__file__)).parent.name

    @property
    def lesson(self) -> str:
        """The first line of the docstring, which is also the title of the figure."""
        return (self.module.__doc__ or "").partition("\n")[0]

    @property
    def knobs(self) -> dict[str, Any]:
        """Every knob with its default."""
        return {field.name: field.default for field in fields(self.module.Setup)}

    def setup(self, **knobs: Any) -> Config:
        """The default set-up, with some knobs turned."""
        return self.module.Setup(**knobs)

    def fast(self) -> Config:
        """A set-up that takes a second or so, and supports every claim all the same."""
        return self.module.Setup(**self.module.FAST)

    def full(self) -> Config:
        """Ten seeds, or twice as many as usual, and what the experiment's own FULL makes larger."""
        seeds = tuple(range(max(10, 2 * len(self.knobs["seeds"]))))
        return self.module.Setup(**{"seeds": seeds, **getattr(self.module, "FULL", {})})

    def run(self, setup: Config) -> Result:
        """Measure, in float64, and judge what can be judged with this set-up."""
        began = time.perf_counter()
        with default_dtype(torch.float64):
            result = self.module.run(setup)
        usual = (replace(form, seeds=setup.seeds) for form in (self.setup(), self.fast(), self.full()))
        turned = setup not in usual
        claims = [replace(c, judged=not (turned and c.is_measured)) for c in result.claims]
        return replace(result, claims=claims, seconds=time.perf_counter() - began)


def load(name: str) -> Experiment:
    """Import the experiment of this name, whatever section it stands in."""
    (path,) = Path(__file__).parent.glob(f"*/{name}.py")
    return Experiment(name, importlib.import_module(f"demos.{path.parent.name}.{name}"))


def over_seeds(setup: Config, measure: Callable[..., Any], *arguments: Any) -> list[Any]:
    """measure(*arguments, setup) once for every seed."""
    results = []
    for seed in setup.seeds:
        torch.manual_seed(seed)
        results.append(measure(*arguments, setup))
    return results


@contextmanager
def default_dtype(dtype: Any) -> Iterator[None]:
    """Give new tensors this dtype until the end of the block."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
