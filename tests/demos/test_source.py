"""The code on the page: complete, so that nothing that builds a net is hidden behind a name."""

import ast
import builtins
from pathlib import Path

import pytest

from demos.cli import every_name
from demos.experiment import load
from demos.source import MACHINERY, listings


@pytest.mark.parametrize("name", every_name())
def test_every_name_that_the_code_uses_is_shown_or_imported_from_what_everybody_knows(name):
    path = Path(load(name).module.__file__)
    shown = listings(path)
    tree = ast.parse("\n".join(code for _, code in shown))
    bound = {x.id for x in ast.walk(tree) if isinstance(x, ast.Name) and isinstance(x.ctx, ast.Store)}
    named = (ast.FunctionDef, ast.ClassDef, ast.ExceptHandler)
    bound |= {node.name for node in ast.walk(tree) if isinstance(node, named)}
    bound |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - bound - set(vars(builtins))
    files = [p for p in path.parent.parent.glob("**/*.py") if p.name in {name for name, _ in shown}]
    known = set()
    for node in (node for p in files for node in ast.parse(p.read_text(encoding="utf-8")).body):
        if isinstance(node, ast.Import) or (
            isinstance(node, ast.ImportFrom)
            and not (node.module.startswith("demos.") and node.module.rpartition(".")[2] not in MACHINERY)
        ):
            known |= {alias.asname or alias.name for alias in node.names}
    assert used <= known
    assert shown[0][0] == path.name
    assert "class Setup(Config):" in shown[0][1]
    assert not {"def run(", "def draw("} & {line[:9] for line in shown[0][1].splitlines()}


def test_it_shows_what_builds_and_trains_the_net():
    own, training = listings(Path(load("he_vs_xavier_depth").module.__file__))
    assert own[1].startswith("INITS = {")
    assert "FAST" not in own[1]
    assert training[0] == "training.py"
    assert "def plain_net(" in training[1]
    assert "def minibatches(" in training[1], "which train calls"
