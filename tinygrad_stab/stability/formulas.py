"""The formula of a derivative rule, read from the rule itself.

A rule is a line such as `lambda g, y, x: g * (1 - y * y)`, and the line is the mathematics; or a function
whose docstring states it. So nothing is written down here a second time.
"""

from __future__ import annotations

import ast
import functools
import inspect
import re
from collections.abc import Callable

from ..graph import ANY, Primitive

WIDTH = 72  # of a formula in a table
_SUBSCRIPTS = str.maketrans("0123", "₀₁₂₃")


@functools.cache
def formula(primitive: Primitive, k: int, name: str) -> str:
    """What the rule of an input of this name says, in one line: ∂L/∂x = g * (1 - y * y)."""
    rule = primitive.together or primitive.rules[k]
    try:
        text = _from_docstring(rule.__doc__, name) if rule.__doc__ else _from_source(rule, primitive, name)
    except (OSError, LookupError):  # no source at hand
        text = f"∂L/∂{name} = …"
    return text if len(text) <= WIDTH else text[: WIDTH - 2].rstrip() + " …"


def argument_names(primitive: Primitive, inputs: int) -> list[str]:
    """The names that a primitive's rule gives its inputs."""
    if primitive.arity == ANY:
        return [f"x{k}" for k in range(inputs)]
    rule = primitive.together or primitive.rules[0]
    return list(inspect.signature(rule).parameters)[2 : 2 + inputs]


def _from_docstring(text: str, name: str) -> str:
    """What it says that ∂L/∂name is, or else its first line; without the remarks after the formula."""
    written = name.translate(_SUBSCRIPTS).replace("gamma", "γ").replace("beta", "β")
    if found := re.search(rf"∂L/∂{written} = (.*?)(?: {{3}}|$)", text, re.MULTILINE):
        return f"∂L/∂{name} = {_formula_alone(' '.join(found[1].split()))}"
    line = " ".join(text.strip().splitlines()[0].split())
    if found := re.search(r"∂L/∂\S+ = (.*)", line):
        return f"∂L/∂{name} = {_formula_alone(found[1])}"
    if found := re.search(r"∂(?:\([^)]*\)|[^L(\s])\S* = .*|^∂/∂.*", line):  # a derivative of y, without g
        return _formula_alone(found[0])
    if line.startswith("∂L/∂"):  # told in words
        return line.rstrip(".")
    is_prose = re.match(r"[A-Z][a-z]+ ", line)
    return ("" if is_prose else f"∂L/∂{name} = ") + _formula_alone(line)


def _formula_alone(text: str) -> str:
    return re.split(r"[:;]|\.$|, (?=which|taken|with|whose|and|where|the\b)", text)[0].strip()


def _from_source(rule: Callable, primitive: Primitive, name: str) -> str:
    code = ast.unparse(_returned(rule, primitive))
    return f"∂L/∂{name} = " + re.sub(r"\b(np|math)\.", "", code)


def _returned(rule: Callable, primitive: Primitive) -> ast.expr:
    """The expression that a rule returns."""
    line = rule.__code__.co_firstlineno
    definitions = [node for node in ast.walk(_tree(rule.__code__.co_filename)) if _line(node) == line]
    if rule.__name__ != "<lambda>":
        last = next(node for node in definitions if isinstance(node, ast.FunctionDef)).body[-1]
        if isinstance(last, ast.Return) and last.value is not None:
            return last.value
        raise LookupError(rule)
    beside = [r for r in primitive.rules if r.__code__.co_firstlineno == line]  # several rules in one line
    lambdas = sorted((n for n in definitions if isinstance(n, ast.Lambda)), key=lambda n: n.col_offset)
    return lambdas[beside.index(rule)].body


def _line(node: ast.AST) -> int | None:
    return getattr(node, "lineno", None)


@functools.cache
def _tree(file: str) -> ast.Module:
    with open(file, encoding="utf-8") as source:
        return ast.parse(source.read())
