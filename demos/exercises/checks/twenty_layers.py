"""Twenty layers and more: the gradient measured, the start that keeps it, a net that learns."""

import copy

import numpy as np

import tinygrad_stab as torch
from demos.digits import Digits, load_digits
from demos.exercises import twenty_layers
from demos.exercises.checking import Answers, NotYet, compare
from demos.training import accuracy, train
from tinygrad_stab import nn

LEARNS = 0.35  # of the test images, after 400 steps: what learns reads half or more, a blind net a tenth


def check_ratio(answers: Answers) -> None:
    """gradient_ratio is ‖∂L/∂h‖ of the first hidden layer over that of the last"""
    data, model = load_digits(0), twenty_layers.plain(depth=6)
    x, y = data.x_train[:50], data.y_train[:50]
    hidden, scores = twenty_layers.outputs(model, x)
    linear = [layer for layer in model if isinstance(layer, nn.Linear)]
    wanted = [*hidden, *(layer.weight for layer in linear)]
    gradients = torch.autograd.grad(nn.functional.cross_entropy(scores, y), wanted)
    norms = [g.norm().item() for g in gradients]
    h, W = norms[: len(hidden)], norms[len(hidden) :]
    mistakes = {
        "it is the last over the first. The gradient comes from above: first over last.": h[-1] / h[0],
        "it compares ‖∂L/∂W‖, which can stay flat while ∂L/∂h vanishes. Take those of h.": W[0] / W[-1],
        "it compares ‖∂L/∂W‖, first over last hidden layer. Take the gradient of h.": W[0] / W[-2],
        "it is the norm of the first alone; divide by that of the last.": h[0],
        "it compares the outputs h, not their gradients.": (hidden[0].norm() / hidden[-1].norm()).item(),
    }
    compare("gradient_ratio", answers["gradient_ratio"](model, x, y), h[0] / h[-1], mistakes)


def check_start(answers: Answers) -> None:
    """start draws Gaussian weights with variance 2/fan_in, and sets the biases to 0"""
    model = nn.Sequential(nn.Linear(400, 100), nn.ReLU(), nn.Linear(100, 300))
    before = model[0].weight.detach().numpy().copy()
    if answers["start"](model) is not None:
        raise NotYet("start returns something; it has to change the weights of the model in place.")
    for layer in (model[0], model[2]):
        _check_weights(layer.weight.detach().numpy(), layer.bias.detach().numpy(), before)


def _check_weights(W: np.ndarray, b: np.ndarray, before: np.ndarray) -> None:
    (fan_out, fan_in), var = W.shape, W.var()
    known = {
        "Xavier's, 2/(fan_in + fan_out). It was made for tanh; a ReLU halves E x², hence a 2": 2
        / (fan_in + fan_out),
        "1/fan_in, which a linear layer needs. A ReLU halves E x², hence a 2": 1 / fan_in,
        "that of PyTorch's default, 1/(3 fan_in)": 1 / (3 * fan_in),
        "2/fan_out. W has the shape (fan_out, fan_in), so fan_in is W.shape[1]": 2 / fan_out,
        "(2/fan_in)²: the deviation is √(2/fan_in)": (2 / fan_in) ** 2,
        "a third of it: U(−a, a) has the variance a²/3": 2 / (3 * fan_in),
    }
    if np.array_equal(before, W):
        raise NotYet("start leaves the weights of the first layer as they were.")
    if var == 0:
        raise NotYet("all weights of a layer are equal: then all its units are, and stay, one unit.")
    if abs(var * fan_in / 2 - 1) > 0.05:
        name = next(
            (name for name, v in known.items() if abs(var / v - 1) < 0.05), f"{var * fan_in:.3g}/fan_in"
        )
        raise NotYet(
            f"the variance of the weights {W.shape} is {name}; it should be 2/fan_in = {2 / fan_in:.3g}."
        )
    if np.abs(W).max() < 2 * W.std():
        raise NotYet(
            "the weights have the right variance, but not from a Gaussian: kaiming_normal_, not uniform."
        )
    if b.any():
        raise NotYet(f"biases are left as they were, up to {np.abs(b).max():.2g}: set them to 0.")


def check_healed(answers: Answers) -> None:
    """the healed net of thirty layers learns the digits"""
    model, data = answers["healed"](), load_digits(0)
    if not isinstance(model, nn.Module):
        raise NotYet(f"healed() returns {type(model).__name__}; it has to return a model.")
    layers = sum(isinstance(module, nn.Linear) for module in model.modules())
    if layers < 30:
        raise NotYet(f"it has {layers} Linear layers; thirty were asked for.")
    ratio, read, loss = _bottom_over_top(model, data), 0.0, np.nan
    for clip in (2.0, None):  # He's start needs the clip; BatchNorm bears, and needs, long steps
        candidate = copy.deepcopy(model)
        losses = train(candidate, data, lr=0.02, steps=400, clip=clip)
        found = accuracy(candidate.eval(), data.x_test, data.y_test)
        if found >= read:
            read, loss = found, float(np.mean(losses[-20:]))
        if read >= LEARNS:
            return
    raise NotYet(
        f"after 400 steps its loss is {loss:.3g} (a blind guess has 2.303), and it reads {read:.0%} of the "
        f"test images; {LEARNS:.0%} would do. Untrained, ‖∂L/∂W‖ of its first layer over that of its last is "
        f"{ratio:.2g}: {_diagnosis(ratio)}"
    )


def _bottom_over_top(model: nn.Module, data: Digits) -> float:
    loss = nn.functional.cross_entropy(model(data.x_train[:100]), data.y_train[:100])
    weights = [module.weight for module in model.modules() if isinstance(module, nn.Linear)]
    first, *_, last = (g.norm().item() for g in torch.autograd.grad(loss, weights))
    return first / last if last else 0.0


def _diagnosis(ratio: float) -> str:
    if ratio > 10:
        return "the gradient explodes on its way down. A smaller start, or a skip in each block, keeps it."
    if ratio < 0.1:
        return "the gradient vanishes on its way down. What does gradient_ratio say of it?"
    return "these are alike, which a ReLU net's can be while it vanishes. What does gradient_ratio say of it?"


CHECKS = (check_ratio, check_start, check_healed)
