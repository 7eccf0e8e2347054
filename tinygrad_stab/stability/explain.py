"""The backward pass, told in the order in which it happens: which rule, what came in, what went on.

    loss = loss_fn(model(x), y)
    print(explain(loss, model))         # the graph stays as it is; loss.backward() can follow

Each line is one application of the chain rule: the gradient of an op's output comes in, its rule turns it
into the gradient of one of its inputs, and the norm changes by the local gain. Of a long graph the blocks are
told, a layer with what follows it; `expand(k)` tells one of them op by op.
"""

from __future__ import annotations

import html
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..engine.graph import Node
from ..nn.module import Module
from ..tensor import Tensor
from .formulas import argument_names
from .links import Link, backward_links, inputs_of
from .report import Report, column

LONG = 30  # lines; beyond that, blocks


@dataclass
class Block:
    """Ops from one that reads a matrix of weights up to the next, and what they did to the gradient.

    x is the input of the last op, biases apart, from which the gradient goes on; with several, as in a step
    of an LSTM, no single number is given. Several blocks alike in a row, as in a recurrent layer, are one;
    its ‖∂L/∂x‖ is the last there is, as the state before the first step needs no gradient.
    """

    block: int = column("block")
    of: str = column("of")
    times: int = column("times")
    ops: str = column("backward through")
    norm_in: float = column("‖∂L/∂y‖", ".3e")
    norm_out: float | None = column("‖∂L/∂x‖", ".3e")
    gain: float | None = column("gain", ".3g")


@dataclass(repr=False)
class Explanation(Report):
    """All links, in order; printed in full if they are few, else by blocks."""

    blocks: list[Block] = field(default_factory=list, kw_only=True)
    members: list[list[Link]] = field(default_factory=list, kw_only=True)

    def printed_rows(self) -> list[Any]:
        return self.rows if len(self.rows) <= LONG else self.blocks

    def expand(self, block: int) -> Report:
        """Tell one block op by op."""
        if not 0 <= block < len(self.blocks):
            raise IndexError(f"there are blocks 0 to {len(self.blocks) - 1}, not {block}")
        return Report(f"Block {block}, {self.blocks[block].of}", self.members[block])

    def _repr_html_(self) -> str:
        """In a notebook, blocks open at a click."""
        if len(self.rows) <= LONG:
            return super()._repr_html_()
        details = [
            f"<details><summary>{html.escape(_headline(block))}</summary>{self.expand(k)._repr_html_()}</details>"
            for k, block in enumerate(self.blocks)
        ]
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        return f"<p>{html.escape(self.title)}</p>{''.join(details)}{notes}"


def explain(loss: Tensor, model: Module | None = None) -> Explanation:
    """Tell the backward pass of a loss, without changing its graph or anybody's `.grad`.

    The model lends its names to the weights. Hooks are not called, so a gradient that a hook would change is
    told as it was before. Raises ValueError if the loss is no scalar or was computed from nothing that
    requires a gradient, and RuntimeError if backward() has already freed the graph.
    """
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        raise ValueError(f"explain wants a loss, with one element, not of shape {np.shape(loss)}")
    if loss.grad_fn is None:
        raise ValueError("this loss has no history: nothing that it was computed from requires a gradient")
    names = {p.node: name for name, p in model.named_parameters()} if model is not None else {}
    ops = backward_links(loss, names)
    links = [link for _, links_of_op in ops for link in links_of_op]
    blocks, members = _merged([_block(part, names) for part in _parts(ops)])
    title = f"The backward pass of a loss of {loss.item():.4g}: {len(ops)} ops, {len(links)} rules"
    notes = [f"Told by blocks; expand(0) … expand({len(blocks) - 1}) tell one each."]
    return Explanation(title, links, blocks=blocks, members=members, notes=notes if len(links) > LONG else [])


# --- blocks ------------------------------------------------------------------------------------------------

Op = tuple[Node, list[Link]]


def _parts(ops: list[Op]) -> list[list[Op]]:
    """Cut behind every op that reads a matrix of weights."""
    parts: list[list[Op]] = [[]]
    for op in ops:
        parts[-1].append(op)
        if any(map(_is_matrix, op[0].parents)):
            parts.append([])
    return [part for part in parts if part]


def _is_matrix(node: Node | None) -> bool:
    return node is not None and node.primitive is None and len(node.shape) >= 2


def _block(part: list[Op], names: dict[Any, str]) -> tuple[Block, list[Link]]:
    last, last_links = part[-1]
    links = [link for _, links_of_op in part for link in links_of_op]
    matrices = sorted(filter(_is_matrix, last.parents), key=lambda node: node not in names)
    of = names.get(matrices[0], f"a matrix {tuple(matrices[0].shape)}") if matrices else "the rest"
    arguments = argument_names(last.primitive, len(last.parents))
    onward = [
        link.norm_out
        for link, k in zip(last_links, inputs_of(last))
        if last.parents[k].primitive is not None and not (arguments[k] == "b" and k > 1)
    ]
    norm_out = onward[0] if len(onward) == 1 else None
    ops = _counted([node.primitive.name for node, _ in part])
    of, norm_in = of.removesuffix(".weight"), links[0].norm_in
    return Block(0, of, 1, ops, norm_in, norm_out, _ratio(norm_out, norm_in)), links


def _counted(ops: list[str]) -> str:
    """All ops in their order; if they are many, each one once, with how often it occurs."""
    if len(ops) <= 6:
        return " → ".join(ops)
    return " → ".join(op if n == 1 else f"{op} × {n}" for op, n in Counter(ops).items())


def _merged(blocks: list[tuple[Block, list[Link]]]) -> tuple[list[Block], list[list[Link]]]:
    """One block for several alike in a row."""
    merged: list[Block] = []
    members: list[list[Link]] = []
    for block, links in blocks:
        if merged and (merged[-1].of, merged[-1].ops) == (block.of, block.ops):
            run = merged[-1]
            run.times += 1
            run.norm_out = block.norm_in if block.norm_out is None else block.norm_out
            run.gain = _ratio(run.norm_out, run.norm_in)
            members[-1] = members[-1] + links
        else:
            block.block = len(merged)
            merged.append(block)
            members.append(links)
    return merged, members


def _ratio(above: float | None, below: float) -> float | None:
    return None if above is None or not below else above / below


def _headline(block: Block) -> str:
    out = "" if block.norm_out is None else f", ‖∂L/∂·‖ {block.norm_in:.2e} → {block.norm_out:.2e}"
    gain = "" if block.gain is None else f", × {block.gain:.3g}"
    times = f" × {block.times}" if block.times > 1 else ""
    return f"{block.block}  {block.of}{times}: {block.ops}{out}{gain}"
