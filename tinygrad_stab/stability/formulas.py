"""The formula of a derivative rule, read from the rule itself.

A rule is a line such as `x=lambda g, y: g * (1 - y * y)`, and the line is the mathematics; or a function
whose docstring states it in a line of its own, `∂L/∂x = …`. So nothing is written down here a second time.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable

from ..engine.primitive import Primitive

WIDTH = 72  # of a formula in a table
_GREEK = {"gamma": "γ", "beta": "β"}
_SUBSCRIPTS = str.maketrans("0123", "₀₁₂₃")


@functools.cache
def formula(primitive: Primitive, k: int, name: str) -> str:
    """What the rule of input k, of this name, says, in one line: ∂L/∂x = g * (1 - y * y)."""
    rule = primitive.joint or primitive.rules[k]
    said = _in_docstring(rule, name) if rule.__doc__ else _in_source(rule, name)
    text = f"∂L/∂{name} = {said or '…'}"
    return text if len(text) <= WIDTH else text[: WIDTH - 2].rstrip() + " …"


def argument_names(primitive: Primitive, inputs: int) -> list[str]:
    """The names of a primitive's inputs; x0, x1, … where there may be any number of them."""
    return [f"x{k}" for k in range(inputs)] if primitive.any else primitive.inputs


def _in_docstring(rule: Callable, name: str) -> str:
    """What follows `∂L/∂name =` there, or `∂L/∂x =`, without the remarks after it."""
    written = _GREEK.get(name, name).translate(_SUBSCRIPTS)
    for letter in (written, "x"):
        if found := re.search(
            rf"∂L/∂{letter} = ([^:;\n]*?)(?:[:;]|, | {{3}}|\.?$)", rule.__doc__ or "", re.MULTILINE
        ):
            return found[1].strip()
    return ""


def _in_source(rule: Callable, name: str) -> str:
    """The expression of a lambda: one that is given by the name of its input, or under `joint`."""
    code = getattr(rule, "__code__", None)
    if code is None:
        return ""
    for node in ast.walk(_tree(code.co_filename)):
        if not (isinstance(node, ast.keyword) and isinstance(node.value, ast.Lambda)):
            continue
        if node.value.lineno == code.co_firstlineno and node.arg in (name, "joint"):
            return re.sub(r"\b(np|math)\.", "", ast.unparse(node.value.body))
    return ""


@functools.cache
def _tree(file: str) -> ast.Module:
    try:
        with open(file, encoding="utf-8") as source:
            return ast.parse(source.read())
    except OSError:  # no source at hand
        return ast.Module([], [])
