"""Real data: four functions, and the mistakes in them that raise no error."""

import copy

import numpy as np

import tinygrad_stab as torch
from demos.digits import load_digits
from demos.exercises.checking import Answers, NotYet, compare
from tinygrad_stab import nn


def check_standardize(answers: Answers) -> None:
    """standardize uses the mean and the deviation of the training set, for both"""
    train, test = 3 * torch.rand(40, 6), 5 * torch.rand(20, 6) + 1
    train[:, 2] = 0.0  # as at the rim of an image
    a, b = train.numpy(), test.numpy()
    mean, std, both = a.mean(), a.std(), np.concatenate([a, b])
    with np.errstate(all="ignore"):
        pixel_by_pixel = (a - a.mean(0)) / a.std(0)
    found = answers["standardize"](train, test)
    if not isinstance(found, tuple) or len(found) != 2:
        raise NotYet("standardize has to return both sets: return train, test.")
    compare("the training set", found[0], (a - mean) / std, {
        "it has pixels that are NaN. A pixel that is always 0 has no deviation; take one for all pixels.":
            pixel_by_pixel,
        "its mean and deviation are those of both sets together: in training, the test must be unknown.":
            (a - both.mean()) / both.std(),
        "the mean is subtracted, but nothing is divided by.": a - mean,
        "the mean is not subtracted.": a / std,
        "it is divided by the variance; the deviation is its root.": (a - mean) / std**2,
    }, rtol=0.02)  # fmt: skip
    compare("the test set", found[1], (b - mean) / std, {
        "it is standardized by its own mean and deviation. Take those of the training set, or equal images "
        "look different to the net.": (b - b.mean()) / b.std(),
        "it is left as it was.": b,
    }, rtol=0.02)  # fmt: skip


def check_batches(answers: Answers) -> None:
    """batches has every image once, with its own label, in random order"""
    x, y = torch.arange(50.0).reshape(25, 2), torch.arange(25)
    found = [(a.numpy(), b.numpy()) for a, b in answers["batches"](x, y, 8)]
    labels = np.concatenate([np.ravel(b) for _, b in found]).tolist()
    images = np.concatenate([a for a, _ in found])
    if [len(b) for _, b in found] == [8, 8, 8]:
        raise NotYet("the last image is never used: the last batch may be smaller.")
    if sorted(labels) != list(range(25)):
        twice = "some come twice and others never: use a permutation, torch.randperm"
        found_instead = twice if len(labels) == 25 else f"{len(labels)} labels come for 25 images"
        raise NotYet(f"an epoch has every image once; {found_instead}.")
    if images.shape != (25, 2) or (images[:, 0] != 2 * np.array(labels)).any():
        raise NotYet("images and labels are shuffled apart: use the same permutation for both.")
    if labels == list(range(25)):
        raise NotYet("the order is that of the data: shuffle it, or a batch may hold one digit only.")
    again = np.concatenate([b.numpy() for _, b in answers["batches"](x, y, 8)]).tolist()
    if again == labels:
        raise NotYet("every epoch has the same order: draw a new permutation each time.")


def _steps(zero: bool = True, softmax: bool = False, late: bool = False, ascend: bool = False) -> np.ndarray:
    """The weights after three steps, made with a mistake or without."""
    model, x, y = _patient()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for _ in range(3):
        if zero:
            optimizer.zero_grad()
        if late:
            optimizer.step()
        scores = model(x)
        loss = nn.functional.cross_entropy(scores.softmax(1) if softmax else scores, y)
        (-loss if ascend else loss).backward()
        if not late:
            optimizer.step()
    return model.weight.detach().numpy()


def _patient() -> tuple[nn.Linear, torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    return nn.Linear(5, 3), torch.randn(20, 5), torch.randint(0, 3, (20,))


def check_step(answers: Answers) -> None:
    """step descends along the gradient of this batch alone"""
    model, x, y = _patient()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    before, first_loss = model.weight.detach().numpy().copy(), nn.functional.cross_entropy(model(x), y).item()
    losses = [answers["step"](model, optimizer, x, y) for _ in range(3)]
    mistakes = {
        "they are where they were: is there a loss.backward(), and an optimizer.step() after it?": before,
        "gradients of old steps are added in: backward() adds to .grad. Call optimizer.zero_grad() first.":
            _steps(zero=False),
        "a softmax stands before cross_entropy, which applies one itself: give it the scores.":
            _steps(softmax=True),
        "the step is made before backward(), with an old gradient or none.": _steps(late=True, zero=False),
        "the step goes up the gradient: the loss grows.": _steps(ascend=True),
    }  # fmt: skip
    compare("the weights after three steps", model.weight.detach(), _steps(), mistakes, rtol=1e-7)
    if not isinstance(losses[0], float):
        raise NotYet(
            f"step returns {type(losses[0]).__name__}: return loss.item(). A tensor keeps its whole graph."
        )
    compare("the first loss", losses[0], first_loss, {"it is that after the step.": losses[1]}, rtol=1e-7)


def check_accuracy(answers: Answers) -> None:
    """accuracy counts in evaluation mode, and leaves the model as it was"""
    model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Linear(8, 4))
    x = torch.randn(60, 6)
    model(5 * torch.randn(100, 6) + 3)  # so that the running mean is another than that of x
    model.eval()
    y = model(x).argmax(1)
    y[:20] = 3 - y[:20]  # wrong for every third image
    trained = copy.deepcopy(model).train()
    as_trained = (trained(x).argmax(1) == y).double().mean().item()
    model.train()
    running = model[1].running_mean.numpy().copy()
    mistakes = {
        "the model was in training mode, so that BatchNorm used the statistics of the test images. Call "
        "model.eval() first.": as_trained,
        "it counts; divide by the number of images.": 40,
        "it is in per cent; it should be a share.": 200 / 3,
        "it is the share that is wrong.": 1 / 3,
    }
    compare("accuracy", answers["accuracy"](model, x, y), 2 / 3, mistakes, rtol=1e-6)  # float32 will do
    if (model[1].running_mean.numpy() != running).any():
        raise NotYet(
            "the test images changed the running mean of BatchNorm: call model.eval() before model(x)."
        )
    if not model.training:
        raise NotYet(
            "a model that came in training mode left in evaluation mode: put it back with model.train()."
        )
    model.eval()
    answers["accuracy"](model, x, y)
    if model.training:
        raise NotYet("a model that came in evaluation mode left in training mode: remember model.training.")


def check_together(answers: Answers) -> None:
    """a net trained with the four reads the digits"""
    data = load_digits(0)
    x_train, x_test = answers["standardize"](16 * data.x_train + 5, 16 * data.x_test + 5)
    model = nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        for x, y in answers["batches"](x_train, data.y_train, 32):
            answers["step"](model, optimizer, x, y)
    read = answers["accuracy"](model, x_test, data.y_test)
    if read < 0.85:
        more = "With the four right it is more than 90 %: solve the parts above first"
        raise NotYet(f"after three epochs it reads {read:.0%} of the test images. {more}.")


CHECKS = (check_standardize, check_batches, check_step, check_accuracy, check_together)
