"""Imports run downwards only, those inside functions and those for type checkers included."""

import ast
from graphlib import TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path

from tinygrad_stab import stability

ROOT = Path(stability.__file__).parent


def module_of(file: Path) -> str:
    parts = file.relative_to(ROOT.parents[1]).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


FILES = {module_of(file): file for file in ROOT.rglob("*.py")}


def imported_by(name: str) -> set[str]:
    file = FILES[name]
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            source = resolve_name("." * node.level + (node.module or ""), package)
            inside = {f"{source}.{alias.name}" for alias in node.names} & FILES.keys()
            found |= inside or {source} & FILES.keys()
    return found


def test_no_two_files_import_each_other_not_even_by_way_of_others():
    order = [*TopologicalSorter({name: imported_by(name) for name in FILES}).static_order()]  # or CycleError
    assert len(order) == len(FILES) > 30
    assert order.index("tinygrad_stab.stability.plots") < order.index("tinygrad_stab.stability.monitor")
