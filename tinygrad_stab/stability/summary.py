"""The layers of a model, the shapes of what they return, and their parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.switches import no_grad
from ..nn.module import Module
from ..tensor.creation import zeros
from ..tensor.dtypes import get_default_dtype
from .report import Report, column
from .trace import first_tensor
from .unchanged import unchanged


@dataclass
class LayerShape:
    """A module that computes something itself: in the order of the calls, and then what was never called."""

    layer: str = column("layer")
    kind: str = column("kind")
    output: tuple[int, ...] | None = column("output shape")
    parameters: int = column("parameters", ",")
    trainable: int = column("trainable", ",")


@dataclass(repr=False)
class Summary(Report):
    """The modules of a model, and the number of its parameters."""

    parameters: int
    trainable: int


def summary(model: Module, input_size: Sequence[int]) -> Summary:
    """Run the model on zeros of shape input_size, batch included, and list its layers; nothing changes.

    It runs in evaluation mode, so a batch of 1 will do. What several modules share is counted where it comes
    first. Raises ValueError for an input_size that is not a shape, or does not fit the model.
    """
    if not (np.iterable(input_size) and all(isinstance(n, (int, np.integer)) and n > 0 for n in input_size)):
        raise ValueError(f"input_size is a shape, the batch included, such as (1, 64): got {input_size}")
    names = {module: name or type(module).__name__ for name, module in model.named_modules()}
    shapes = _output_shapes(model, input_size, names)
    called = {module for module, _ in shapes}
    unused = [module for module in names if _computes(module) and module not in called]
    counted: set[int] = set()
    rows = [
        _row(names[module], module, shape, counted)
        for module, shape in [*shapes, *((m, None) for m in unused)]
    ]
    total, trainable = sum(row.parameters for row in rows), sum(row.trainable for row in rows)
    notes = [f"{total:,} parameters, {trainable:,} of them trainable"]
    if unused:
        notes.append(f"Never called: {', '.join(names[module] for module in unused)}")
    title = f"{type(model).__name__} on an input of shape {tuple(input_size)}"
    return Summary(title, rows, total, trainable, notes=notes)


def _output_shapes(model: Module, input_size: Sequence[int], names: dict[Module, str]) -> list[tuple]:
    """(module, shape of its output) for every call of a module that computes something."""
    shapes: list[tuple[Module, tuple[int, ...] | None]] = []

    def note(module: Module, inputs: tuple, output: Any) -> None:
        tensor = first_tensor(output)
        shapes.append((module, None if tensor is None else tuple(tensor.shape)))

    handles = [module.register_forward_hook(note) for module in names if _computes(module)]
    dtype = next((p.dtype for p in model.parameters()), get_default_dtype())
    try:
        with unchanged(model), no_grad():
            model.eval()
            model(zeros(*input_size, dtype=dtype))
    except (RuntimeError, ValueError, IndexError) as error:
        reached = f"after {names[shapes[-1][0]]}" if shapes else "at its first layer"
        raise ValueError(
            f"an input of shape {tuple(input_size)} does not fit {type(model).__name__}, "
            f"which fails {reached}: {error}"
        ) from error
    finally:
        for handle in handles:
            handle.remove()
    return shapes


def _computes(module: Module) -> bool:
    """Has it parameters of its own, or no children to do the work?"""
    return any(True for _ in module.parameters(recurse=False)) or not any(True for _ in module.children())


def _row(name: str, module: Module, shape: tuple[int, ...] | None, counted: set[int]) -> LayerShape:
    new = [p for p in module.parameters(recurse=False) if id(p) not in counted]
    counted.update(map(id, new))
    trainable = sum(p.numel() for p in new if p.requires_grad)
    return LayerShape(name, type(module).__name__, shape, sum(p.numel() for p in new), trainable)
