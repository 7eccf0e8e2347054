"""The exercises: solved they pass, untouched they say what to do, and typical mistakes are called by name."""

import math
import re
import subprocess
import sys
from importlib import import_module
from itertools import product
from pathlib import Path
from statistics import mean, median

import numpy as np
import pytest

import demos
import tinygrad_stab as torch
from demos import cli, exercises
from demos.exercises import rate_start_norm
from demos.exercises.checking import NotYet, choose, compare, examine
from demos.exercises.solutions import layer_norm as norms
from demos.exercises.solutions import rate_start_norm as study
from demos.exercises.solutions import residual, twenty_layers
from tinygrad_stab import nn

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


# --- mistakes ----------------------------------------------------------------------------------------------


class NoSkip(residual.Block):
    def forward(self, x):
        return self.s * self.second(torch.relu(self.first(x)))


class ReluAfterSum(residual.Block):
    def forward(self, x):
        return torch.relu(x + self.s * self.second(torch.relu(self.first(x))))


class ScaledSum(residual.Block):
    def forward(self, x):
        return self.s * (x + self.second(torch.relu(self.first(x))))


class InPlace(residual.Block):
    def forward(self, x):
        x += self.s * self.second(torch.relu(self.first(x)))
        return x


def standardized(x, eps, dim, unbiased=False, root=True):
    v = x.var(dim, unbiased=unbiased, keepdim=True) + eps
    return (x - x.mean(dim, keepdim=True)) / (v.sqrt() if root else v)


def weights_drawn(draw, biases=nn.init.zeros_):
    def start(model):
        for layer in model.modules():
            if isinstance(layer, nn.Linear):
                draw(layer.weight)
                biases(layer.bias)

    return start


def of_weights(model, x, y):
    loss = nn.functional.cross_entropy(model(x), y)
    layers = [layer.weight for layer in model if isinstance(layer, nn.Linear)]
    gradients = torch.autograd.grad(loss, layers)
    return (gradients[0].norm() / gradients[-1].norm()).item()


def unseeded(learn, rates, starts, names, seeds):
    return {key: median(learn(*key) for _ in seeds) for key in product(rates, starts, names)}


def averaged(learn, rates, starts, names, seeds, over=mean, pairs=product):
    def run(key, seed):
        torch.manual_seed(seed)
        return learn(*key)

    return {key: over([run(key, seed) for seed in seeds]) for key in pairs(rates, starts, names)}


def best_of_all(found, norm):
    return min(loss for (_, _, n), loss in found.items() if n == norm and math.isfinite(loss))


def a_step(zero=True, softmax=False, item=True):
    def step(model, optimizer, x, y):
        if zero:
            optimizer.zero_grad()
        scores = model(x)
        loss = nn.functional.cross_entropy(scores.softmax(1) if softmax else scores, y)
        loss.backward()
        optimizer.step()
        return loss.item() if item else loss

    return step


def in_training_mode(model, x, y):
    with torch.no_grad():
        return (model(x).argmax(1) == y).double().mean().item()


def left_in_evaluation_mode(model, x, y):
    return in_training_mode(model.eval(), x, y)


def apart(x, y, size):
    images, labels = torch.randperm(len(x)), torch.randperm(len(x))
    for first in range(0, len(x), size):
        yield x[images[first : first + size]], y[labels[first : first + size]]


def in_order(x, y, size):
    for first in range(0, len(x), size):
        yield x[first : first + size], y[first : first + size]


def with_replacement(x, y, size):
    for first in range(0, len(x), size):
        chosen = torch.randint(0, len(x), (min(size, len(x) - first),))
        yield x[chosen], y[chosen]


NORM, SKIP, DEEP, STUDY, DATA = exercises.NAMES
MISTAKES = [  # the exercise, the part, what is wrong with it, and what is said
    (NORM, "layer_norm", norms.batch_norm, "it normalizes the columns, which is BatchNorm"),
    (NORM, "batch_norm", norms.layer_norm, "it normalizes the rows, which is LayerNorm"),
    (NORM, "layer_norm", lambda x, eps=0.1: standardized(x, eps, 1, unbiased=True), "÷ (n − 1)"),
    (NORM, "layer_norm", lambda x, eps=0.1: standardized(x, eps, 1, root=False), "Take the root of"),
    (NORM, "layer_norm", lambda x, eps=0.1: norms.layer_norm(x), "ε is fixed; it is an argument"),
    (NORM, "layer_norm", lambda x, eps=0.1: None, "layer_norm(x) is None: a `return` is missing"),
    (NORM, "layer_norm", lambda x, eps=0.1: x.mean(1), "has the shape (6,); it should have (6, 4)"),
    (NORM, "layer_norm", lambda x, eps=0.1: norms.layer_norm(x, eps) + 1, "it should be"),
    (NORM, "layer_norm", lambda x, eps=0.1: norms.layer_norm(x.detach(), eps), "cuts the graph"),
    (NORM, "layer_norm", lambda x, eps=0.1: x / 0, "24 of 24 values that are not finite"),
    (NORM, "layer_norm", lambda x, eps=0.1: x @ x, "It stops with RuntimeError"),
    (NORM, "EXPLODES", "LayerNorm", "EXPLODES is not 'LayerNorm'. Print gain_per_layer(layer_norm)"),
    (NORM, "EXPLODES", "both", "choose one of 'LayerNorm', 'BatchNorm'"),
    (SKIP, "Block", NoSkip, "there is no skip: x has to be added"),
    (SKIP, "Block", ReluAfterSum, "a ReLU follows the sum"),
    (SKIP, "Block", ScaledSum, "s scales the sum"),
    (SKIP, "Block", InPlace, "changes x itself, as += does"),
    (SKIP, "scale", lambda blocks: -0.5, "that is the exponent"),
    (SKIP, "scale", lambda blocks: 1.0, "s = 1 makes (1 + s²)ᴸ = 2ᴸ"),
    (SKIP, "scale", lambda blocks: 1 / blocks, "s = 1/L is smaller than needed"),
    (SKIP, "scale", lambda blocks: blocks**-0.3, "Through 50 blocks its norm becomes"),
    (DEEP, "gradient_ratio", of_weights, "it compares ‖∂L/∂W‖, which can stay flat"),
    (DEEP, "gradient_ratio", lambda *a: 1 / twenty_layers.gradient_ratio(*a), "first over last"),
    (DEEP, "start", weights_drawn(nn.init.xavier_normal_), "is Xavier's, 2/(fan_in + fan_out)"),
    (DEEP, "start", weights_drawn(lambda W: nn.init.kaiming_normal_(W, mode="fan_out")), "2/fan_out"),
    (DEEP, "start", weights_drawn(lambda W: W.data.normal_(0, 2 / W.shape[1])), "is √(2/fan_in)"),
    (DEEP, "start", weights_drawn(nn.init.zeros_), "stay, one unit"),
    (DEEP, "start", weights_drawn(nn.init.kaiming_uniform_), "but not from a Gaussian"),
    (DEEP, "start", weights_drawn(nn.init.kaiming_normal_, lambda b: b), "biases are left"),
    (DEEP, "start", lambda model: None, "leaves the weights of the first layer as they were"),
    (DEEP, "healed", lambda: nn.Linear(64, 10), "it has 1 Linear layers; thirty were asked for"),
    (DEEP, "healed", lambda: None, "healed() returns NoneType; it has to return a model"),
    (STUDY, "study", unseeded, "the study compares luck as well as choices"),
    (STUDY, "study", averaged, "it is the mean. One run that diverges makes it NaN"),
    (STUDY, "study", lambda *a: averaged(*a, over=min), "That is luck, which the median is not"),
    (STUDY, "study", lambda *a: averaged(*a, pairs=zip), "itertools.product takes each with each"),
    (STUDY, "best", lambda found: min(found, key=found.get), "NaN won: nothing is smaller than NaN"),
    (STUDY, "best", lambda found: 0.3, "that is the loss; return the combination"),
    (STUDY, "worst_start", best_of_all, "it is the best of all"),
    (STUDY, "worst_start", lambda found, norm: math.nan, "leave out runs that diverged"),
    (STUDY, "FORGIVES", "none", "FORGIVES is not 'none'. Compare worst_start"),
    (DATA, "standardize", lambda a, b: ((a - a.mean()) / a.std(), (b - b.mean()) / b.std()),
     "it is standardized by its own mean and deviation"),
    (DATA, "standardize", lambda a, b: ((a - a.mean(0)) / a.std(0), b), "A pixel that is always 0"),
    (DATA, "standardize", lambda a, b: (a - a.mean()) / a.std(), "has to return both sets"),
    (DATA, "batches", apart, "images and labels are shuffled apart"),
    (DATA, "batches", in_order, "the order is that of the data"),
    (DATA, "batches", with_replacement, "some come twice and others never"),
    (DATA, "step", a_step(zero=False), "gradients of old steps are added in"),
    (DATA, "step", a_step(softmax=True), "a softmax stands before cross_entropy"),
    (DATA, "step", a_step(item=False), "return loss.item()"),
    (DATA, "step", lambda *a: 1.0, "is there a loss.backward(), and an optimizer.step() after it?"),
    (DATA, "accuracy", in_training_mode, "the model was in training mode"),
    (DATA, "accuracy", left_in_evaluation_mode, "put it back with model.train()"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "part", "wrong", "words"), MISTAKES)
def test_mistakes_are_called_by_name(name, part, wrong, words, capsys):
    untrained = {"healed": None} if name == DEEP else {}  # which saves the time to train it
    with np.errstate(all="ignore"):  # some of the mistakes divide by 0
        assert not examine(name, answers(name) | untrained | {part: wrong})
    assert words in " ".join(capsys.readouterr().out.split())


def test_a_missing_return_is_not_taken_for_a_cut_graph(capsys):
    assert not examine("layer_norm", answers("layer_norm") | dict(layer_norm=lambda x, eps=0.1: None))
    said = capsys.readouterr().out
    assert said.count("layer_norm(x) is None: a `return` is missing") == 2
    assert "cuts the graph" not in said


def test_an_accuracy_in_float32_is_right(capsys):
    def in_float32(model, x, y):
        training = model.training
        share = (model.eval()(x).argmax(1) == y).float().mean().item()
        model.train(training)
        return share

    assert examine("real_data", answers("real_data") | dict(accuracy=in_float32))


def test_a_net_that_does_not_learn_is_told_so(capsys):
    plain = import_module("demos.exercises.twenty_layers").plain
    assert not examine("twenty_layers", answers("twenty_layers") | dict(healed=plain))
    said = " ".join(capsys.readouterr().out.split())
    assert "its loss is 2.3 (a blind guess has 2.303)" in said
    assert "What does gradient_ratio say of it?" in said


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
