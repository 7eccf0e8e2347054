"""The backward half of the engine: the chain rule, and nothing else.

Let y = f(x) be one step on the way to a scalar L. The chain rule carries the gradient across it, backwards:

    ∂L/∂x = (∂y/∂x)ᵀ · ∂L/∂y          a vector-Jacobian product: the rule of f, written `rule(g, y, x)`

Where x was used several times, its gradient is the sum of what comes back from each use. That is all of it;
three things make it a backward pass.

1. Order. `_sweep` always takes the youngest node that has a gradient. Everything computed from that node is
   younger still and has been taken before, so its gradient is complete: newest-first is a topological order.
   No recursion, no depth limit.
2. Shape. A rule may return its gradient before broadcasting is undone; `undo_broadcasting` does it once, for
   all rules.
3. Second derivatives. Rules are written in NumPy's words. A plain sweep hands them arrays and runs at NumPy's
   speed. With `create_graph=True` it hands them tensors: the same line records itself, and the gradient can
   be differentiated again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush
from typing import Any

import numpy as np

from .anomaly import check_backward, detect_anomaly, set_detect_anomaly
from .grad_mode import enable_grad, mode, no_grad
from .graph import PICK, Node, Parts, Primitive, TensorBase, array_of
from .hooks import RETAIN
from .memory import latest
from .sums import sum_of_rows, total

__all__ = ["backward", "detect_anomaly", "enable_grad", "grad", "no_grad", "set_detect_anomaly"]


def _sweep(gradients: dict[Node, Any], targets: set[Node] | None, retain: bool, record: bool) -> dict:
    """Carry gradients back to the targets (None: to every leaf), newest node first."""
    found: dict[Node, Any] = {}
    ours: set[Node] = set()  # whose gradient is an array made here, which nobody else has
    on_path = None if targets is None else _leading_to(targets, gradients)
    if on_path is not None:
        gradients = {node: g for node, g in gradients.items() if node in on_path}
    queue = [(-node.birth, node) for node in gradients if node.primitive]
    heapify(queue)
    while queue:
        node = heappop(queue)[1]
        g, primitive = gradients.pop(node), node.primitive
        if node.hooks:
            g = _after_hooks(node.hooks, g)
        if targets and node in targets:
            found[node] = g
        if primitive is PICK:
            _put_in_place(gradients, queue, node, g, on_path)
            continue
        y, inputs = node.as_tensors() if record else node.as_arrays()
        together = primitive.together and primitive.together(g, y, *inputs, **node.options)
        for k, parent in enumerate(node.parents):
            if parent is None or (on_path is not None and parent not in on_path):
                continue
            if latest.write > node.birth:
                node.check_unwritten(k)
            gx = together[k] if together else primitive.rules[k](g, y, *inputs, **node.options)
            if gx is None:
                continue
            if mode.detecting:
                check_backward(node, k, gx)
            if gx.shape != parent.shape:
                gx = undo_broadcasting(gx, parent.shape)
            if gx.dtype is not parent.dtype:
                gx = gx.astype(parent.dtype)
            if parent not in gradients:
                gradients[parent] = gx
                if parent.primitive:
                    heappush(queue, (-parent.birth, parent))
            elif parent in ours:
                gradients[parent] += gx
            else:  # not +=: what a rule has returned may be the gradient of two inputs
                gradients[parent] = gradients[parent] + gx
                if not record:
                    ours.add(parent)
        if not retain:
            node.free()
    for leaf, g in gradients.items():  # leaves never queue, so what is left over is theirs
        found[leaf] = _after_hooks(leaf.hooks, g) if leaf.hooks else g
    return found


def _put_in_place(gradients: dict[Node, Any], queue: list, node: Node, g: Any, on_path: set | None) -> None:
    """Give the gradient of one of several outputs its place among those of the others."""
    (whole,) = node.parents
    if on_path is None or whole in on_path:
        if whole not in gradients:
            gradients[whole] = Parts([None] * node.options["n"])
            heappush(queue, (-whole.birth, whole))
        parts, k = gradients[whole], node.options["k"]
        parts[k] = g if parts[k] is None else parts[k] + g


def _leading_to(targets: set[Node], roots: dict[Node, Any]) -> set[Node]:
    """The nodes on a way from the roots back to a target: only they need a gradient."""
    reached, stack = set(roots), list(roots)
    while stack:
        new = {parent for parent in stack.pop().parents if parent is not None} - reached
        reached |= new
        stack += new
    on_path = set(targets)
    for node in sorted(reached, key=lambda node: node.birth):
        if not on_path.isdisjoint(node.parents):
            on_path.add(node)
    return on_path


def undo_broadcasting(g: Any, shape: tuple[int, ...]) -> Any:
    """Give g the input's shape: sum it where the input was repeated, repeat it where a rule returned less."""
    new = g.ndim - len(shape)
    if new > 0:
        g = sum_of_rows(g) if g.ndim == 2 and new == 1 else total(g, tuple(range(new)))
    if g.shape == shape:
        return g
    repeated = tuple(
        axis for axis, n in enumerate(g.shape) if n != 1 and shape[len(shape) - g.ndim + axis] == 1
    )
    if repeated:
        g = total(g, repeated, keepdims=True)
    return g if g.shape == shape else np.broadcast_to(g, shape)


def _after_hooks(hooks: dict[float, Callable], g: Any) -> Any:
    """Show a gradient to hooks, as a tensor of their own; what a hook returns, or writes there, counts."""
    for _, hook in sorted(hooks.items()):
        if isinstance(g, Parts):  # a gate, whose hook returns one for each part
            g = Parts(map(_replaced, g, hook(tuple(map(_as_tensor, map(_copy, g))))))
        else:
            shown = _as_tensor(_copy(g))
            returned = hook(shown)
            g = _replaced(g, shown if returned is None else returned)
    return g


def _replaced(g: Any, new: Any) -> Any:
    """What a hook has returned, if it fits where g was; g if it has returned nothing."""
    if new is None:
        return g
    if not isinstance(new, TensorBase):
        raise TypeError(f"a hook must return a tensor or None, not {type(new).__name__}")
    if g is not None and (new.array.shape, new.array.dtype) != (g.shape, g.dtype):
        raise RuntimeError(
            f"a hook has returned {new.array.dtype} of shape {new.array.shape} for a gradient that is "
            f"{g.dtype} of shape {tuple(g.shape)}: they must be alike"
        )
    return _copy(new) if isinstance(g, TensorBase) else new.array.copy()  # the hook may have kept it


def _start(outputs: Sequence[Any], gradients: Sequence[Any], record: bool) -> dict[Node, Any]:
    """∂L/∂output for every output: 1 for a scalar, else what is given."""
    start: dict[Node, Any] = {}
    for y, g in zip(outputs, gradients, strict=True):
        if y.node is None:
            raise RuntimeError(
                "this tensor does not require grad and does not have a grad_fn: nothing it was computed "
                "from has requires_grad=True, or it was detached or computed under no_grad(), or it is the "
                "derivative of a function in straight pieces, which is constant"
            )
        if g is None and y.array.size != 1:
            raise RuntimeError(
                "grad can be implicitly created only for scalar outputs, and this one has shape "
                f"{y.array.shape}: reduce it first, with .sum() or .mean(), or pass the gradient to start "
                "from"
            )
        if not isinstance(g, TensorBase):
            g = Primitive.result(np.ones_like(y.array) if g is None else np.array(g, y.array.dtype))
        if g.array.shape != y.array.shape:
            raise RuntimeError(
                f"the gradient to start from has shape {g.array.shape}, but the output {y.array.shape}"
            )
        array = g.array.astype(y.array.dtype)
        g = Primitive.result(array, g.node) if record else array
        start[y.node] = start[y.node] + g if y.node in start else g
    return start


def _run(
    outputs: Any, grad_outputs: Any, targets: set[Node] | None, retain: bool | None, record: bool
) -> dict[Node, Any]:
    outputs = _as_list(outputs)
    start = _start(outputs, [None] * len(outputs) if grad_outputs is None else _as_list(grad_outputs), record)
    with enable_grad() if record else no_grad():
        return _sweep(start, targets, record if retain is None else retain, record)


def grad(
    outputs: Any, inputs: Any, grad_outputs: Any = None, retain_graph: bool | None = None,
    create_graph: bool = False, only_inputs: bool = True, allow_unused: bool | None = None,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:  # fmt: skip
    """Return ∂(Σ outputs)/∂x for each x of the inputs, any tensors of the graph: `grad(loss, hiddens)`.

    An input that the outputs do not depend on is an error, or with allow_unused None, or with
    materialize_grads zeros. `only_inputs` has no effect, in PyTorch neither.
    """
    nodes = [x.node for x in _as_list(inputs)]
    if None in nodes:
        raise RuntimeError(
            "one of the inputs does not require grad: call x.requires_grad_() before computing with it"
        )
    found = _run(outputs, grad_outputs, set(nodes), retain_graph, create_graph)
    if materialize_grads:
        found = {**{node: np.zeros(node.shape, node.dtype) for node in nodes}, **found}
    if not allow_unused and not found.keys() >= set(nodes):
        raise RuntimeError(
            "one of the inputs was not used to compute the outputs; allow_unused=True gives None for it, "
            "materialize_grads=True zeros. (The derivative of a function in straight pieces, as of relu, "
            "does not depend on its input.)"
        )
    return tuple(_as_tensor(_copy(found[node])) if node in found else None for node in nodes)


def backward(
    tensors: Any, grad_tensors: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
    inputs: Any = None,
) -> None:  # fmt: skip
    """Add ∂(Σ tensors)/∂x to `x.grad` for every leaf x that they depend on, or only for the `inputs`."""
    receivers = None if inputs is None else {x.node: x for x in _as_list(inputs)}
    if receivers is not None and (None in receivers or not receivers):
        raise RuntimeError(
            "backward(inputs=…): there must be at least one input, and each must require a gradient"
        )
    found = _run(
        tensors, grad_tensors, None if receivers is None else set(receivers), retain_graph, create_graph
    )
    handed_out: set[int] = set()
    waiting = []
    for node, g in found.items():
        tensor = node.leaf() if receivers is None else receivers.get(node)
        if tensor is None or (node.primitive and node.hooks and RETAIN in node.hooks):
            continue  # the leaf itself is gone, or its hook has kept the gradient already
        before = tensor._grad
        tensor._grad = _own(g, handed_out) if before is None else _sum(before, g, create_graph)
        if node.primitive is None and node.afterwards:
            waiting.append((tensor, node.afterwards))
    for tensor, hooks in waiting:
        for hook in list(hooks.values()):
            hook(tensor)


def _own(g: Any, handed_out: set[int]) -> Any:
    """What a leaf keeps must be nobody else's: a rule may have handed on what it got, or a view of it."""
    if isinstance(g, TensorBase) or g.base is not None or id(g) in handed_out:
        g = _copy(g)
    handed_out.add(id(g))
    return _as_tensor(g)


def _sum(before: Any, g: Any, create_graph: bool) -> Any:
    """The gradient so far and the new one, recorded with create_graph, or if the first has a graph."""
    if not create_graph and before.node is None:
        return _as_tensor(before.array + array_of(g))
    with enable_grad():
        return before + g


def _copy(g: Any) -> Any:
    if isinstance(g, TensorBase):
        return Primitive.result(g.array.copy(), g.node)
    return None if g is None else g.copy()


def _as_tensor(g: Any) -> Any:
    return g if g is None or isinstance(g, TensorBase) else Primitive.result(g)


def _as_list(x: Any) -> list:
    return [x] if isinstance(x, (TensorBase, np.ndarray)) else list(x)
