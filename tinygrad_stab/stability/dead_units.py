"""Which units are dead: silent on the whole data set, so that no gradient reaches their weights; and why.

A share of zeros says nothing about death. In a healthy ReLU net half of all outputs are zero: each unit is
silent for some samples, but not for all. A unit is dead if it is silent for every sample there is.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..autograd import grad
from ..nn.module import Module
from ..tensor import Tensor
from .gaussian import slopes
from .probe import leaf
from .report import Report, column
from .steps import Step
from .trace import Call, Trace, tensors_in
from .unchanged import unchanged

SILENT = 1e-4  # a slope below this lets next to no gradient pass; a leaky ReLU's 0.01 does let it pass


@dataclass
class Unit:
    """One unit: for what share of the samples it fires, that is, lets a gradient pass; and what follows."""

    layer: str = column("layer")
    unit: int = column("unit")
    fires: float = column("fires", ".1%")
    state: str = column("state")  # dead, nearly dead, sparse or healthy
    cause: str | None = column("cause")  # of death: bias, weights or input
    revivable: bool | None = column("revivable")  # by a change of the layers before it?


@dataclass
class LayerCensus:
    """A layer's units, counted by state."""

    layer: str = column("layer")
    units: int = column("units")
    zeros: float = column("zeros", ".0%")
    dead: int = column("dead")
    nearly_dead: int = column("nearly dead")
    sparse: int = column("sparse")
    healthy: int = column("healthy")
    causes: str = column("dead because of")
    revivable: int = column("revivable")


@dataclass(repr=False)
class Census(Report):
    """Every unit; printed, a count for every layer. `zeros` is the share of outputs that are 0, by layer."""

    zeros: dict[str, float]

    def printed_rows(self) -> list[LayerCensus]:
        return [self._count(layer, [u for u in self.rows if u.layer == layer]) for layer in self.zeros]

    def _count(self, layer: str, units: list[Unit]) -> LayerCensus:
        n = Counter(unit.state for unit in units)
        causes = Counter(unit.cause for unit in units if unit.cause)
        text = ", ".join(f"{cause} {times}" for cause, times in causes.most_common()) or "–"
        return LayerCensus(
            layer, len(units), self.zeros[layer], n["dead"], n["nearly dead"], n["sparse"], n["healthy"],
            causes=text, revivable=sum(bool(unit.revivable) for unit in units),
        )  # fmt: skip


def dead_units(model: Module, data: Any) -> Census:
    """Run a whole data set through the model, in evaluation mode, and judge every unit with an activation.

    data is an array or tensor of samples, or an iterable of batches x or (x, …). A unit fires for a sample if
    |φ′(z)| > 1e-4 there. It is dead if it never does, nearly dead if it does for less than 1 % of them,
    sparse if for less than 10 %.

    The cause of death is `input` if the layer receives nothing but zeros, `bias` if without its bias (or that
    of the normalization before φ) the unit would fire for some sample, else `weights`. Its own weights get no
    gradient; it is `revivable` if those of the layers before do, and can help. They cannot if all it receives
    is ≥ 0, as after a ReLU, and its weights and bias are ≤ 0.
    """
    counts: dict[str, Counts] = {}
    with unchanged(model), Trace(model) as trace:
        model.eval()
        for x in _batches(data):
            _forward_and_backward(model, x)
            producers = {call.h.node: call for call in trace.calls}
            for call in trace.calls:
                # a unit that fires in one of several calls is not dead
                counts.setdefault(call.layer, Counts()).add(call, producers.get(call.x.node))
    counts = {layer: count for layer, count in counts.items() if count.seen}
    if not counts:
        raise ValueError(
            f"dead_units found no activation to look at: are there data, and has {type(model).__name__} a "
            "layer whose output meets one, and nothing else, as in relu(layer(x))?"
        )
    units = [unit for layer, count in counts.items() for unit in count.units(layer)]
    zeros = {layer: count.zeros / count.outputs for layer, count in counts.items()}
    dead = sum(unit.state == "dead" for unit in units)
    share = sum(count.zeros for count in counts.values()) / sum(count.outputs for count in counts.values())
    notes = [f"{dead} of {len(units)} units are dead, and {share:.0%} of the outputs are 0."]
    if not_finite := sum(count.not_finite for count in counts.values()):
        notes.append(f"Not finite: {not_finite} pre-activations, counted as silent.")
    return Census(f"The units of {type(model).__name__}", units, zeros, notes=notes)


def _batches(data: Any) -> Iterator[Tensor]:
    if isinstance(data, (Tensor, np.ndarray)):
        for start in range(0, len(data), 512):
            yield leaf(data[start : start + 512])
        return
    for batch in data:
        yield leaf(batch[0] if isinstance(batch, (tuple, list)) else batch)


def _forward_and_backward(model: Module, x: Tensor) -> None:
    """With a random gradient at every output: it is enough to see where gradients arrive at all."""
    outputs = [y for y in tensors_in(model(x)) if y.requires_grad]
    if not outputs:
        raise ValueError(f"{type(model).__name__} returns no tensor that a gradient could come back from")
    rng = np.random.default_rng(0)
    directions = [Tensor(rng.standard_normal(y.shape).astype(y.dtype)) for y in outputs]
    targets = [p for p in [x, *model.parameters()] if p.requires_grad]
    grad(outputs, targets, directions, allow_unused=True)


class Counts:
    """What some batches have shown of the units of one layer; the arrays have one element a unit."""

    seen = True  # in every call, what went into the activation and what came out

    def __init__(self) -> None:
        self.fired: Any = 0  # for how many samples a unit fires,
        self.fired_without_bias: Any = 0  # and would, without its bias; NaN where that is not known
        self.can_fire: Any = False
        self.samples = self.zeros = self.outputs = self.not_finite = 0
        self.receives = self.upstream_moves = False

    def add(self, call: Call, producer: Call | None) -> None:
        phi = call.activation
        if phi is None or phi.input is None or phi.output is None:
            self.seen = False
            return
        z = _by_unit(call.z.array if phi is call.steps[0] else phi.input)  # type: ignore[index]
        bias = _bias_before(call, phi, z.shape[1])
        self.fired += _firing(phi, z)
        self.fired_without_bias += np.nan if bias is None else _firing(phi, z - bias)
        self.can_fire |= _can_fire(call, phi, bias, z.shape[1])
        self.samples += len(z)
        self.zeros += z.size - np.count_nonzero(phi.output)
        self.outputs += z.size
        self.not_finite += z.size - np.count_nonzero(np.isfinite(z))
        self.receives |= bool(np.any(call.x.array))
        self.upstream_moves |= _has_gradient(producer) if producer else not call.x.is_leaf

    def units(self, layer: str) -> Iterator[Unit]:
        revivable = self.upstream_moves & np.broadcast_to(self.can_fire, self.fired.shape)
        for k, fired in enumerate(self.fired):
            share = float(fired / self.samples)
            if fired:
                state = "nearly dead" if share < 0.01 else "sparse" if share < 0.1 else "healthy"
                yield Unit(layer, k, share, state, None, None)
            else:
                yield Unit(layer, k, share, "dead", self._cause(k), bool(revivable[k]))

    def _cause(self, k: int) -> str | None:
        if not self.receives:
            return "input"
        fired = np.broadcast_to(self.fired_without_bias, self.fired.shape)[k]
        return None if np.isnan(fired) else "bias" if fired else "weights"


def _by_unit(z: Any) -> np.ndarray:
    """(samples, units): the last axis holds the units, or axis 1 of the four that a convolution returns."""
    z = np.moveaxis(z, 1, -1) if z.ndim == 4 else z
    return z.reshape(-1, z.shape[-1])


def _firing(phi: Step, z: np.ndarray) -> np.ndarray:
    return np.count_nonzero(np.abs(slopes(phi.apply, z)) > SILENT, axis=0)


def _bias_before(call: Call, phi: Step, units: int) -> Any:
    """The bias added right before φ, by the layer or a normalization; 0 without one, None if nobody knows."""
    before = [step.apply for step in itertools.takewhile(lambda step: step is not phi, call.steps or ())]
    bias = getattr([call.module, *before][-1], "bias", False)
    if bias is None:
        return 0.0
    return bias.array if isinstance(bias, Tensor) and bias.array.shape == (units,) else None


def _can_fire(call: Call, phi: Step, bias: Any, units: int) -> Any:
    """Could units fire for an input of the sign that the layer gets? No ReLU where x ≥ 0 and W, b ≤ 0."""
    W = getattr(call.module, "weight", None)
    is_first = bool(call.steps) and call.steps[0] is phi  # type: ignore[index]
    if bias is None or W is None or len(W.array) != units or not is_first or np.any(call.x.array < 0):
        return True
    if np.any(_firing(phi, -np.geomspace(1e-6, 1e6, 50)[:, None])):
        return True
    return np.any(W.array.reshape(units, -1) > 0, axis=1) | (bias > 0)


def _has_gradient(call: Call) -> bool:
    return bool(np.any(call.gradients.get("h", 0)))
