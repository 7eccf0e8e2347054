"""The exercises: solved they pass, untouched they say what to do; and what they check answers with."""

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import demos
import tinygrad_stab as torch
from demos import cli, exercises
from demos.exercises import rate_start_norm
from demos.exercises.checking import NotYet, choose, compare, examine
from demos.exercises.solutions import layer_norm as norms
from demos.exercises.solutions import rate_start_norm as study

FOLDER = Path(exercises.__file__).parent


def answers(name, folder="demos.exercises.solutions"):
    return vars(import_module(f"{folder}.{name}"))


@pytest.mark.parametrize("name", exercises.NAMES)
def test_solution_is_right(name, capsys):
    assert examine(name, answers(name)), capsys.readouterr().out
    assert "All of it is right." in capsys.readouterr().out


@pytest.mark.parametrize("name", exercises.NAMES)
def test_untouched_exercise_says_what_to_do(name, capsys):
    assert not examine(name, answers(name, "demos.exercises"))
    out = capsys.readouterr().out
    checks = import_module(f"demos.exercises.checks.{name}").CHECKS
    assert out.count("This part is still empty: write it where the file says “yours”.") == len(checks)
    assert f"0 of {len(checks)} parts are right." in out


@pytest.mark.parametrize("name", exercises.NAMES)
def test_exercise_marks_the_students_part_and_has_a_solution_to_all_of_it(name):
    source = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    assert (
        source.count("# ↓ yours")
        == source.count("# ↑ yours")
        == source.count("raise NotImplementedError")
        > 0
    )
    assert source.count("\n# %% ") >= 2
    assert len(source.splitlines()) <= 80
    assert re.search(rf"^    {name} ", exercises.__doc__, re.MULTILINE)


def test_exercises_are_no_experiments():
    assert not set(exercises.NAMES) & set(cli.every_name())


def test_an_accuracy_in_float32_is_right(capsys):
    def in_float32(model, x, y):
        training = model.training
        share = (model.eval()(x).argmax(1) == y).float().mean().item()
        model.train(training)
        return share

    assert examine("real_data", answers("real_data") | dict(accuracy=in_float32))


def test_what_the_study_finds_is_the_answer_to_its_question():
    found = study.study(rate_start_norm.learn, (0.03, 0.3), (0.5, 1.4, 4.0), ("none", "BatchNorm"), (0,))
    assert study.worst_start(found, "BatchNorm") < 1.2 < 2 < study.worst_start(found, "none")


def test_what_the_gains_say_is_the_answer_to_the_question_about_norms():
    gain = import_module("demos.exercises.layer_norm").gain_per_layer
    assert gain(norms.layer_norm) < 1.05 < 1.15 < gain(norms.batch_norm)


# --- the plumbing ------------------------------------------------------------------------------------------


def test_an_error_is_told_with_the_line_of_the_students_file(tmp_path, capsys):
    file = tmp_path / "mine.py"
    source = "def layer_norm(x, eps=1e-5):\n    return x.nothing\n"
    found = answers("layer_norm") | {"__file__": str(file)}
    exec(compile(source, str(file), "exec"), found)
    assert not examine("layer_norm", found)
    said = " ".join(capsys.readouterr().out.split())
    assert "It stops with AttributeError" in said
    assert "from line 2 of your file." in said


def test_compare_tells_nothing_of_what_is_right():
    compare("x", torch.tensor([1.0, 2.0]), np.array([1.0, 2.0]), {"a mistake": np.array([2.0, 1.0])})
    compare("x", 1.0, 1.0, {"not a mistake here, as it leads to the same": 1.0})
    with pytest.raises(NotYet, match=r"x is 2 at \(1,\); it should be 3\."):
        compare("x", [1.0, 2.0], [1.0, 3.0], {})
    with pytest.raises(NotYet, match=r"x is 0\.33333334\d*; it should be 0\.33333333"):
        compare("x", 1 / 3 + 1e-8, 1 / 3, {})


def test_an_unanswered_question_is_empty():
    with pytest.raises(NotImplementedError):
        choose("WHICH", None, "a", ("a", "b"), "")


def test_it_runs_as_a_module_and_stops_with_1_while_something_is_left():
    root = Path(demos.__file__).parent.parent
    for module, code in (("demos.exercises.layer_norm", 0), ("demos.exercises", 1)):
        command = [sys.executable, "-W", "error", "-m", module]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        assert done.returncode == code
        assert done.stderr == ""
        assert "0 of 4 parts are right." in done.stdout
    assert "0 of 5 exercises are done." in done.stdout
