"""Typical mistakes in the exercises are called by name: a table of them, with what is said about each."""

import math
from importlib import import_module
from itertools import product
from statistics import mean, median

import numpy as np
import pytest

import tinygrad_stab as torch
from demos import exercises
from demos.exercises.checking import examine
from demos.exercises.solutions import layer_norm as norms
from demos.exercises.solutions import residual, twenty_layers
from tinygrad_stab import nn


def solved(name):
    return vars(import_module(f"demos.exercises.solutions.{name}"))


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


def held_fixed(x, eps, dim, mean=True, v=True):
    center = x.mean(dim, keepdim=True)
    center = center.detach() if mean else center
    square = ((x - center) ** 2).mean(dim, keepdim=True)
    return (x - center) / ((square.detach() if v else square) + eps).sqrt()


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
    (NORM, "layer_norm", lambda x, eps=0.1: held_fixed(x, eps, 1), "the mean and the variance are held"),
    (NORM, "batch_norm", lambda x, eps=0.1: held_fixed(x, eps, 0, mean=False), "the variance is held fixed"),
    (NORM, "batch_norm", lambda x, eps=0.1: held_fixed(x, eps, 0, v=False), "the mean is held fixed"),
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
        assert not examine(name, solved(name) | untrained | {part: wrong})
    assert words in " ".join(capsys.readouterr().out.split())


def test_a_missing_return_is_not_taken_for_a_cut_graph(capsys):
    assert not examine("layer_norm", solved("layer_norm") | dict(layer_norm=lambda x, eps=0.1: None))
    said = capsys.readouterr().out
    assert said.count("layer_norm(x) is None: a `return` is missing") == 2
    assert "cuts the graph" not in said


def test_a_net_that_does_not_learn_is_told_so(capsys):
    plain = import_module("demos.exercises.twenty_layers").plain
    assert not examine("twenty_layers", solved("twenty_layers") | dict(healed=plain))
    said = " ".join(capsys.readouterr().out.split())
    assert "its loss is 2.3 (a blind guess has 2.303)" in said
    assert "What does gradient_ratio say of it?" in said


def deep(norm):
    """Thirty layers, with this normalization before each ReLU, from He's start."""
    hidden = []
    for _ in range(29):
        hidden += [nn.Linear(64, 64), norm(64), nn.ReLU()]
    model = nn.Sequential(*hidden, nn.Linear(64, 10))
    twenty_layers.start(model)
    return model


@pytest.mark.parametrize("norm", [nn.Identity, nn.BatchNorm1d, nn.LayerNorm])
def test_every_textbook_answer_heals(norm, capsys):
    assert examine("twenty_layers", solved("twenty_layers") | dict(healed=lambda: deep(norm)))
    assert "All of it is right." in capsys.readouterr().out
