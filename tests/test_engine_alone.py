"""The minimal framework: `engine/` and `ops/` import nothing from above, and train a net without it."""

import ast
import subprocess
import sys
from pathlib import Path

import tinygrad_stab

PACKAGE = Path(tinygrad_stab.__file__).parent
MINIMAL = [*sorted((PACKAGE / "engine").glob("*.py")), *sorted((PACKAGE / "ops").glob("*.py"))]

# What stands in for the whole package has its place, and nothing of what its __init__.py imports.
ALONE = f"""
import sys, types
package = types.ModuleType("tinygrad_stab")
package.__path__ = [{str(PACKAGE)!r}]
sys.modules["tinygrad_stab"] = package
"""

TRAIN = f"""
import numpy as np
from tinygrad_stab import ops
from tinygrad_stab.engine import grad, leaf

digits = np.load({str(PACKAGE.parent / "demos/data/digits.npz")!r})
x = digits["x"].reshape(-1, 64) / 16 - 0.3
y = digits["y"].astype(int)
rng = np.random.default_rng(0)
sizes = [64, 32, 32, 10]
weights = [leaf(rng.normal(0, m**-0.5, (n, m))) for m, n in zip(sizes, sizes[1:])]
biases = [leaf(np.zeros(n)) for n in sizes[1:]]

def scores(h):
    for W, b in zip(weights[:-1], biases):
        h = np.tanh(h @ W.T + b)
    return h @ weights[-1].T + biases[-1]

for step in range(300):
    some = rng.integers(0, 1500, 64)
    loss = ops.cross_entropy(scores(x[some]), target=y[some])
    for p, g in zip(weights + biases, grad([loss], weights + biases)):
        p.array -= 0.5 * g.array

right = np.mean(np.argmax(np.asarray(scores(x[1500:])), axis=1) == y[1500:])
"""

TWICE = """
x = leaf(np.array([0.3, -2.0]))
y = np.sum(np.exp(x) * x ** 3 - np.tanh(x[0]) / (1 + x @ x))
(g,) = grad([y], [x], record=True)
(h,) = grad([np.sum(g * g)], [x])
assert h.array.shape == (2,) and np.isfinite(h.array).all()
"""


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_net_learns_digits_without_the_rest_of_the_library() -> None:
    """Accuracy .90 to .93 over twenty seeds, alike on three BLAS kernels; chance is .1."""
    loaded = "print(right, *(name for name in sys.modules if name.startswith('tinygrad_stab.')))"
    right, *modules = run(ALONE + TRAIN + TWICE + loaded).split()
    assert float(right) > 0.8
    assert {name.split(".")[1] for name in modules} == {"engine", "ops"}
    assert len(TRAIN.strip().splitlines()) - TRAIN.strip().count("\n\n") <= 20


def test_no_function_of_the_engine_is_long_or_tangled() -> None:
    for path in sorted((PACKAGE / "engine").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                where = f"{path.name}: {node.name}"
                assert node.end_lineno - node.lineno < 30, where
                assert complexity(node) <= 10, where


def complexity(function: ast.FunctionDef) -> int:
    """McCabe's: one more than there are places where the way forks."""
    forks = (ast.If, ast.IfExp, ast.For, ast.While, ast.ExceptHandler, ast.comprehension, ast.Assert)
    return 1 + sum(
        len(node.values) - 1 if isinstance(node, ast.BoolOp) else isinstance(node, forks)
        for node in ast.walk(function)
    )
