"""A stretch of a recorded graph as a function: the same ops, with the same constants, on another value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.graph import Node
from ..engine.primitive import TABLE, Primitive, pick
from ..nn.hooks import gate
from ..ops import activation, elementwise, linalg, shape
from ..ops.convolution import conv2d
from .ways import Stretch

NOTHING = {gate, pick}  # these do nothing
MOVES = {shape.reshape, shape.transpose, shape.swapaxes, shape.squeeze, shape.expand_dims} | NOTHING
SUMS = {elementwise.add, elementwise.subtract, elementwise.negative}
LINEAR = SUMS | MOVES | {elementwise.astype, elementwise.copy, shape.getitem}
PRODUCTS = {elementwise.multiply, elementwise.divide, linalg.linear, linalg.matmul, conv2d}
ELEMENTWISE = {op for ops in (activation, elementwise) for op in vars(ops).values() if type(op) is Primitive}

LOST = object()  # an operand that the graph has not kept, as no rule reads it


class Earlier(int):
    """In the place of an operand: the number of the op that computes it, 0 for the value at the start."""


class Replay:
    """Applies the ops of a stretch to a value. It holds whatever else they take, but no node of the graph."""

    def __init__(self, stretch: Stretch) -> None:
        number = {node: Earlier(k) for k, node in enumerate([stretch.start, *stretch.nodes])}
        self.lines: list[tuple[Any, list[Any], dict]] = []
        for node in stretch.nodes:
            operands = [number[p] if p in number else _constant(node, k) for k, p in enumerate(node.parents)]
            self.lines.append((node.primitive, operands, node.options))
        self.keeps_shape = stretch.start.shape == stretch.end.shape

    @property
    def name(self) -> str:
        return " → ".join(op.name for op, _, _ in self.lines if op not in NOTHING)

    def __call__(self, x: Any) -> Any:
        known = [x]
        for op, operands, options in self.lines:
            inputs = [known[k] if type(k) is Earlier else k for k in operands]
            known.append(inputs[0][options["k"]] if op is pick else op(*inputs, **options))
        return known[-1]

    @property
    def complete(self) -> bool:
        """Is all at hand that it takes to run it? A Function's forward is not."""
        return all(_is_known(op) and not any(x is LOST for x in operands) for op, operands, _ in self.lines)

    @property
    def only_moves(self) -> bool:
        """Does it change no value?"""
        return all(op in MOVES for op, _, _ in self.lines)

    @property
    def affine(self) -> bool:
        """Does it no more than add up multiples of the elements, and constants?"""
        return all(is_affine(op, [type(x) is Earlier for x in operands]) for op, operands, _ in self.lines)

    @property
    def elementwise(self) -> bool | None:
        """Does what becomes of an element depend on no other, and not on its place? None if nobody knows."""
        sure = self.complete
        for op, operands, _ in self.lines:
            if _is_known(op) and op not in ELEMENTWISE | NOTHING:
                return False
            if op is elementwise.where:
                sure = False  # its condition may have been made of the value
            elif any(np.size(x) > 1 for x in operands if isinstance(x, np.ndarray)):
                return False
        return (True if sure else None) if self.keeps_shape else False


def is_affine(op: Any, moving: Sequence[bool]) -> bool:
    """Is an op affine in those of its inputs that move, all taken together?"""
    if op in PRODUCTS:
        return sum(moving) <= 1 and not (op is elementwise.divide and moving[1])
    return op in LINEAR


def _is_known(op: Primitive) -> bool:
    return op is pick or TABLE.get(op.name) is op


def _constant(node: Node, k: int) -> Any:
    """An input that was not made of the value: a number, an array, or what a parameter holds."""
    kept = node.inputs[k] if node.inputs and k < len(node.inputs) else None
    if isinstance(kept, (np.ndarray, int, float)):
        return kept
    parent = node.parents[k]
    parameter = parent.leaf() if parent is not None and parent.primitive is None else None
    return LOST if parameter is None else parameter.array
