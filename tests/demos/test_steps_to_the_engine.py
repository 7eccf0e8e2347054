"""The seven steps to the engine: each small, each true, and none of them may drift from the library."""

import ast
import math
import re
import runpy
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import tinygrad_stab as torch
from tinygrad_stab.autograd import grad
from tinygrad_stab.engine.primitive import TABLE

FOLDER = Path(__file__).parents[2] / "demos" / "steps"
STEPS = sorted(path.stem for path in FOLDER.glob("step*.py"))


def test_there_are_seven_each_of_at_most_fifty_lines_and_built_on_those_before() -> None:
    assert [name[:5] for name in STEPS] == [f"step{k}" for k in range(1, 8)]
    for k, name in enumerate(STEPS):
        source = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
        assert len(source.splitlines()) <= 50, name
        assert k == 0 or re.search(rf"demos\.steps.*step{k}_|demos\.steps\.step[1-{k}]_", source), name
        assert not re.search(rf"step[{k + 2}-9]_", source), name


@pytest.mark.parametrize("name", STEPS)
def test_a_step_runs_and_prints_every_number_of_its_docstring(
    name: str, capsys: pytest.CaptureFixture
) -> None:
    runpy.run_module(f"demos.steps.{name}", run_name="__main__")
    printed = capsys.readouterr().out
    text = import_module(f"demos.steps.{name}").__doc__ or ""
    numbers = re.findall(r"\d+(?: \d{3})+|\d+\.\d+(?:e-?\d+)?|\d\d+", text.partition("\n")[2])
    for number in numbers:
        assert number in printed
    assert numbers or name in ("step1_chain", "step4_table")


def random_formula(rng: np.random.Generator, x: list, tanh) -> object:
    """A formula of a dozen sums, products and tanhs, in which values are used again."""
    for _ in range(12):
        a, b = (x[k] for k in rng.integers(0, len(x), 2))
        x.append([a + b, a * b, tanh(a)][rng.integers(3)])
    return x[-1] * x[-2] + x[-3]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", ["step2_memory", "step3_order"])
def test_random_formulas_have_the_librarys_gradients(name: str, seed: int) -> None:
    step = import_module(f"demos.steps.{name}")
    numbers = np.random.default_rng(seed).normal(size=3).tolist()
    ours = [step.Value(number) for number in numbers]
    step.backward(random_formula(np.random.default_rng(seed), [*ours], lambda v: v.tanh()))
    theirs = [torch.tensor(number, dtype=torch.float64, requires_grad=True) for number in numbers]
    random_formula(np.random.default_rng(seed), [*theirs], torch.tanh).backward()
    for v, t in zip(ours, theirs):
        assert math.isclose(v.grad, 0.0 if t.grad is None else t.grad.item(), rel_tol=1e-12, abs_tol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_arrays_have_the_librarys_gradients_also_where_they_were_repeated(seed: int) -> None:
    step, order = import_module("demos.steps.step4_table"), import_module("demos.steps.step3_order")
    rng = np.random.default_rng(seed)
    arrays = [rng.normal(size=shape) for shape in ((3, 2), (2,), (3, 1), (1, 1), ())]
    ours = [order.Value(x) for x in arrays]
    a, b, c, d, e = ours
    y = step.tanh(step.add(step.multiply(step.add(a, b), c), d))
    order.backward(step.multiply(y, step.add(e, a)), np.ones((3, 2)), step.hand_on)
    theirs = [torch.tensor(x, requires_grad=True) for x in arrays]
    a, b, c, d, e = theirs
    (((a + b) * c + d).tanh() * (e + a)).sum().backward()
    for v, t in zip(ours, theirs):
        np.testing.assert_allclose(v.grad, t.grad, rtol=1e-12, atol=1e-12)


def test_twice_is_the_librarys_second_derivative() -> None:
    step = import_module("demos.steps.step5_twice")
    x = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    (slope,) = grad(x * x.tanh(), x, create_graph=True)
    (twice,) = grad(slope, x)
    assert math.isclose(step.second(TABLE["tanh"]), twice.item(), rel_tol=1e-14)


def lambdas(path: Path) -> dict[str, dict[str, str]]:
    """By the name of a primitive, its rules that are lambdas, as Python reads them."""
    found: dict[str, dict[str, str]] = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            rules = [k for k in node.value.keywords if isinstance(k.value, ast.Lambda)]
            found[ast.unparse(node.targets[0])] = {str(k.arg): ast.unparse(k.value) for k in rules}
    return found


def test_the_rules_of_the_table_are_the_librarys_own() -> None:
    ops = Path(torch.__file__).parent / "ops"
    library = {**lambdas(ops / "elementwise.py"), **lambdas(ops / "activation.py")}
    ours = {name: rules for name, rules in lambdas(FOLDER / "step4_table.py").items() if rules}
    assert ours.keys() == {"add", "multiply", "tanh"}
    for name, rules in ours.items():
        assert rules == library[name]
