"""A computation graph, drawn without any graph library: inputs at the bottom, the loss at the top."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from ...engine.graph import Node
from ...engine.primitive import pick
from ...nn.module import Module
from ...tensor import Tensor
from .style import Axes, canvas, current

MOST = 80  # boxes; more cannot be read


def plot_graph(loss: Tensor, model: Module | None = None, ax: Axes | None = None) -> Axes:
    """Draw how a tensor was computed: ops in rounded boxes, leaves in square ones, with the model's names.

    Raises ValueError for a tensor without history, or with more than 80 boxes in it.
    """
    if loss.grad_fn is None:
        raise ValueError("this tensor has no history: it was not computed from what requires a gradient")
    parents = _parents(loss.node)  # type: ignore[arg-type]
    if len(parents) > MOST:
        raise ValueError(
            f"a graph of {len(parents)} boxes cannot be read: draw a smaller one (fewer layers or steps), or "
            "print(explain(loss, model))"
        )
    names = {p.node: name for name, p in model.named_parameters()} if model is not None else {}
    places = _places(parents)
    levels = 1 + max(y for _, y in places.values())
    with canvas(ax, max(0.6, levels / 6)) as ax:
        boxes = {node: _box(ax, place, node, names) for node, place in places.items()}
        for node, inputs in parents.items():
            for parent in inputs:
                _arrow(ax, places[parent], places[node], boxes[parent], boxes[node])
        widest = max(abs(x) for x, _ in places.values())
        ax.set_xlim(-widest - 0.7, widest + 0.7)
        ax.set_ylim(-0.6, levels - 0.4)
        ax.axis("off")
    return ax


def _parents(end: Node) -> dict[Node, list[Node]]:
    """Every node with the nodes it was computed from, newest first; a picked output stands for its op."""
    found: dict[Node, list[Node]] = {}
    waiting = [end]
    while waiting:
        node = waiting.pop()
        if node in found:
            continue
        found[node] = list(dict.fromkeys(_whole(parent) for parent in node.parents if parent is not None))
        waiting += found[node]
    return dict(sorted(found.items(), key=lambda item: -item[0].birth))


def _whole(node: Node) -> Node:
    return node.parents[0] if node.primitive is pick else node


def _places(parents: dict[Node, list[Node]]) -> dict[Node, tuple[float, float]]:
    """Ops by the longest way up to them, leaves right below what uses them; beside each other in a level."""
    height: dict[Node, int] = {}
    for node in reversed(parents):  # oldest first: inputs before outputs
        ops = [height[parent] for parent in parents[node] if parent.primitive is not None]
        leaves = any(parent.primitive is None for parent in parents[node])
        height[node] = max([level + 1 for level in ops] + [1 if leaves else 0])
    for node, above in parents.items():  # newest first, so the lowest user has the last word
        for parent in above:
            if parent.primitive is None:
                height[parent] = height[node] - 1
    levels: dict[int, list[Node]] = defaultdict(list)
    for node in parents:
        levels[height[node]].append(node)
    places: dict[Node, tuple[float, float]] = {}
    for level in sorted(levels, reverse=True):
        users: dict[Node, list[float]] = defaultdict(list)
        for node, above in parents.items():
            for parent in above:
                if node in places:
                    users[parent].append(places[node][0])
        row = sorted(levels[level], key=lambda n: (_mean(users[n]), n.primitive is None))
        center = _mean([_mean(users[n]) for n in row if n.primitive is not None or row[0].primitive is None])
        for k, node in enumerate(row):
            places[node] = (center + k - (len(row) - 1) / 2, float(level))
    return places


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _box(ax: Axes, place: tuple[float, float], node: Node, names: dict[Any, str]) -> Any:
    chosen, is_leaf = current(), node.primitive is None
    shape = str(tuple(node.shape)) if node.shape is not None else "several"
    name = names.get(node, "leaf") if is_leaf else node.primitive.name
    text = ax.text(
        *place, f"{name}\n{shape}", ha="center", va="center", fontsize="small", color=chosen.ink, zorder=3,
        bbox={"boxstyle": "square" if is_leaf else "round", "facecolor": chosen.paper,
              "edgecolor": chosen.colours[2 if is_leaf else 0], "linewidth": chosen.line},
    )  # fmt: skip
    return text.get_bbox_patch()


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], tail: Any, head: Any) -> None:
    """From box to box; around what lies between. Boxes get their size when drawn, so arrows come later."""
    chosen = current()
    bend = 0.0 if end[1] - start[1] < 1.5 else 0.5 if start[0] <= end[0] else -0.5
    arrow = {
        "arrowstyle": "-|>", "color": chosen.muted, "lw": chosen.line / 2, "patchA": tail, "patchB": head,
        "connectionstyle": f"arc3,rad={-bend}", "shrinkA": 0, "shrinkB": 1,
    }  # fmt: skip
    ax.annotate("", end, start, arrowprops=arrow, zorder=4)
