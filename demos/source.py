"""The code of an experiment, complete: what it measures, and all that builds and trains its net."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
MACHINERY = {"experiment", "style", "notebook", "digits", "matrix", "report"}  # of all experiments alike


class Module(NamedTuple):
    """What a file defines: names, each with its text, and from which files it takes others."""

    path: Path
    texts: dict[str, str]
    uses: dict[str, set[str]]
    imported: dict[str, str]  # name: module


def listings(path: Path) -> list[tuple[str, str]]:
    """The name and the code of every file that has a part in the experiment of this file, its own first.

    Of a file there is what the experiment uses, all but the claims and the figure.
    """
    own = _read(path)
    wanted = [name for name in own.texts if name not in ("run", "draw", "SOURCE", "FAST", "FULL")]
    used = {name for start in _measuring(path, own) for name in _reach(own, start)} | {"Setup"}
    files = [(path.name, _text(own, [name for name in wanted if name in used]))]
    return files + _helpers(own, used, {path})


def _helpers(module: Module, used: set[str], seen: set[Path]) -> list[tuple[str, str]]:
    wanted: dict[str, set[str]] = {}
    for name in used:
        for inner in module.uses.get(name, ()):
            if inner in module.imported:
                wanted.setdefault(module.imported[inner], set()).add(inner)
    files = []
    for dotted, names in sorted(wanted.items()):
        path = ROOT.joinpath(*dotted.split(".")).with_suffix(".py")
        if path in seen or dotted.split(".")[-1] in MACHINERY:
            continue
        helper = _read(path)
        reached = {inner for name in names for inner in _reach(helper, name)}
        files.append((path.name, _text(helper, [name for name in helper.texts if name in reached])))
        files += _helpers(helper, reached, seen | {path})
    return files


def _measuring(path: Path, module: Module) -> list[str]:
    """What stands in the cell of the experiment above `run`, which only makes claims of it."""
    source = path.read_text(encoding="utf-8")
    cell = source.partition("# %% The experiment\n")[2].partition("\n\n\ndef run(")[0]
    return [name for name, text in module.texts.items() if text in cell]


def _reach(module: Module, name: str) -> set[str]:
    """All names of the file that this one rests on, itself included."""
    found, open_ = set(), [name]
    while open_:
        if (name := open_.pop()) in module.texts and name not in found:
            found.add(name)
            open_ += module.uses[name]
    return found


def _text(module: Module, names: list[str]) -> str:
    """The definitions of these names, in the order of the file: lines close together, blocks apart."""
    text = ""
    for block in dict.fromkeys(module.texts[name] for name in names):
        tight = text and "\n" not in block and "\n" not in text.rpartition("\n\n\n")[2]
        text += ("\n" if tight else "\n\n\n" if text else "") + block
    return text


def _read(path: Path) -> Module:
    source = path.read_text(encoding="utf-8")
    lines, module = source.split("\n"), Module(path, {}, {}, {})
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("demos."):
            module.imported.update({alias.name: str(node.module) for alias in node.names})
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
        for name in _defined(node):
            module.texts[name] = "\n".join(lines[first - 1 : node.end_lineno])
            module.uses[name] = {x.id for x in ast.walk(node) if isinstance(x, ast.Name)}
    return module


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    return [x.id for target in targets for x in ast.walk(target) if isinstance(x, ast.Name)]
