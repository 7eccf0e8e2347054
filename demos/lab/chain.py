"""Screen 3, Chain rule: the backward pass of a small expression, one application of one rule at a time.

What one op makes of the gradient that comes to it is found with the op alone: its inputs become leaves, g is
handed to its output, and `autograd.grad` calls the op's own rule. The formula is the rule's own line.
"""

from __future__ import annotations

import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib import import_module
from typing import Any

import tinygrad_stab as torch
from demos.lab.state import Choice, Number, Part, Screen, State, run
from tinygrad_stab import ops
from tinygrad_stab.stability import explain

Step = tuple[str, str, tuple[str, ...]]  # a name, the op that makes it, of what

PHI = ("tanh", "sigmoid", "relu", "sin", "exp", "square")
NET = (
    ("a", "multiply", ("u1", "x1")), ("b", "multiply", ("u2", "x2")), ("z1", "add", ("a", "b")),
    ("c", "multiply", ("v1", "x1")), ("d", "multiply", ("v2", "x2")), ("z2", "add", ("c", "d")),
    ("h1", "φ", ("z1",)), ("h2", "φ", ("z2",)),
    ("e", "multiply", ("w1", "h1")), ("f", "multiply", ("w2", "h2")), ("y", "add", ("e", "f")),
    ("r", "subtract", ("y", "t")), ("L", "square", ("r",)),
)  # fmt: skip
EXPRESSIONS: dict[str, tuple[Step, ...]] = {
    "net 2-2-1": NET,
    "φ(x) · x": (("h", "φ", ("x1",)), ("L", "multiply", ("h", "x1"))),
    "(x + w) / x": (("s", "add", ("x1", "w1")), ("L", "divide", ("s", "x1"))),
    "φ(φ(φ(x)))": (("h1", "φ", ("x1",)), ("h2", "φ", ("h1",)), ("L", "φ", ("h2",))),
}
WRITTEN = {"multiply": "{} * {}", "add": "{} + {}", "subtract": "{} - {}", "divide": "{} / {}"}
MIDDLE = tuple(k / 4 for k in range(-8, 9))
LEAVES = dict(x1=1.0, x2=-0.5, u1=0.5, u2=1.0, v1=-0.75, v2=0.25, w1=1.5, w2=-1.0, t=1.0)

KNOBS = (
    Choice("expression", "expression", "net 2-2-1", tuple(EXPRESSIONS)),
    Choice("phi", "φ", "tanh", PHI),
    *(Number(name, name, value, MIDDLE) for name, value in LEAVES.items()),
)


def lines(state: State) -> str:
    """The expression, an op a line; then its gradients, and the backward pass told by the library."""
    steps = EXPRESSIONS[state["expression"]]
    leaves = leaves_of(steps)
    values = "\n".join(f"{leaf} = leaf({state[leaf]:.10g})" for leaf in leaves)
    written = "\n".join(f"{name} = {_written(op, of, state)}" for name, op, of in steps)
    return f"""\
import tinygrad_stab as torch
from tinygrad_stab.stability import explain


def leaf(value):
    return torch.tensor(value, dtype=torch.float64, requires_grad=True)


{values}
{written}
print(explain(L))
gradients = torch.autograd.grad(L, [{", ".join(leaves)}])
"""


def forward(state: State) -> str:
    """The lines before the backward pass, which frees the graph."""
    return lines(state).split("print(explain")[0]


def _written(op: str, of: tuple[str, ...], state: State) -> str:
    op = state["phi"] if op == "φ" else op
    return WRITTEN.get(op, f"torch.{op}({{}})").format(*of)


def leaves_of(steps: tuple[Step, ...]) -> list[str]:
    made = {name for name, _, _ in steps}
    used = [name for _, _, of in steps for name in of]
    return [name for name in LEAVES if name in used and name not in made]


def answer(state: State, go_on: Callable[[], None]) -> Iterator[Part]:
    phi, expression = state["phi"], EXPRESSIONS[state["expression"]]
    steps = [(name, phi if op == "φ" else op, of) for name, op, of in expression]
    made = run(forward(state))
    names = [*leaves_of(tuple(steps)), *(name for name, _, _ in steps)]
    gradients = torch.autograd.grad(made["L"], [made[name] for name in names], allow_unused=True)
    go_on()
    yield {
        "nodes": placed(names, steps, made),
        "steps": list(applied(steps, made)),
        "gradients": {name: g.item() for name, g in zip(names, gradients)},
        "sentence": f"L = {made['L'].item():.5g}. Space, or →, takes one step back.",
    }
    yield {"differences": differences(state, names)}


def placed(names: list[str], steps: list[Step], made: dict[str, Any]) -> list[Part]:
    """Every value with its place: a column further than what it is made of; leaves stand before their use."""
    ops_of = {name: (op, of) for name, op, of in steps}
    column: dict[str, int] = {}
    for name, (_, of) in ops_of.items():
        column[name] = 1 + max(column.get(part, 0) for part in of)
    for leaf in names:
        if leaf not in ops_of:
            column[leaf] = min(column[name] for name, (_, of) in ops_of.items() if leaf in of) - 1
    nodes = []
    for name in names:
        op, of = ops_of.get(name, ("", ()))
        row = sum(column[other] == column[name] for other in names[: names.index(name)])
        count = sum(column[other] == column[name] for other in names)
        nodes.append(dict(name=name, value=made[name].item(), op=op, of=list(of), column=column[name],
                          row=row, rows=count))  # fmt: skip
    return nodes


def applied(steps: list[Step], made: dict[str, Any]) -> Iterator[Part]:
    """From L down: g arrives at an op, its rules are called, and what they return is added to its inputs."""
    g = {"L": 1.0}
    for name, op, of in reversed(steps):
        inputs = [made[part].detach().requires_grad_() for part in of]
        output = getattr(ops, op)(*inputs)
        formulas = [link.rule for link in explain(output)]
        found = torch.autograd.grad(output, inputs, torch.tensor(g[name], dtype=torch.float64))
        products = []
        for part, formula, product in zip(of, formulas, found):
            before = g.get(part)
            g[part] = (before or 0.0) + product.item()
            products.append(dict(to=part, rule=formula, product=product.item(), before=before, total=g[part]))
        yield {"at": name, "op": op, "g": g[name], "line": source_line(op), "products": products}


@lru_cache
def source_line(op: str) -> str:
    """The line of `ops/` in which a primitive stands with its derivative; "" if it takes more than one."""
    for module in pkgutil.iter_modules(ops.__path__):
        source = inspect.getsource(import_module(f"{ops.__name__}.{module.name}"))
        if found := re.search(rf"^{op} *= primitive\(.*$", source, re.MULTILINE):
            return f"{re.sub(' {2,}', '  ', found[0])}        ops/{module.name}.py"
    return ""


def differences(state: State, names: list[str], h: float = 1e-6) -> dict[str, float]:
    """The same derivatives without any rule: (L(x + h) − L(x − h))/2h for every leaf x."""
    code = forward(state)

    def loss(leaf: str, by: float) -> float:
        return run(re.sub(rf"^{leaf} = leaf\((.*)\)$", rf"{leaf} = leaf(\1 + {by})", code, flags=re.M))[
            "L"
        ].item()

    leaves = leaves_of(EXPRESSIONS[state["expression"]])
    return {leaf: (loss(leaf, h) - loss(leaf, -h)) / (2 * h) for leaf in leaves}


RECORDED = {"expression": tuple(EXPRESSIONS), "phi": PHI[:4], "x1": (-1.0, 0.0, 1.0)}
SCREEN = Screen("chain", "Chain rule", KNOBS, lines, answer, recorded=RECORDED)
