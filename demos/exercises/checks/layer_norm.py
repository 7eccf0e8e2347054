"""LayerNorm against BatchNorm: the axis, the root, ε, the variance; and what they do to a gradient."""

import numpy as np

import tinygrad_stab as torch
from demos.exercises.checking import Answers, NotYet, choose, compare, returned

EPS = 0.1  # so large that it matters where it stands


def standardized(x: np.ndarray, axis: int | None, eps: float = EPS) -> np.ndarray:
    return (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + eps)


def mistakes(x: np.ndarray, axis: int) -> dict[str, np.ndarray]:
    """What comes out of each, and under which words it is known."""
    mean, v = x.mean(axis, keepdims=True), x.var(axis, keepdims=True)
    unbiased = x.var(axis, keepdims=True, ddof=1)
    other = ("rows, which is LayerNorm", "columns, which is BatchNorm")[axis]
    return {
        f"it normalizes the {other}. Take mean and variance along dim={axis}.": standardized(x, 1 - axis),
        "it takes one mean and one variance of all entries. Name the dim.": standardized(x, None),
        "it divides by the variance. Take the root of v + ε.": (x - mean) / (v + EPS),
        "ε stands outside of the root. √(v + ε) has a finite slope at v = 0; √v + ε has not.":
            (x - mean) / (np.sqrt(v) + EPS),
        "its variance is the unbiased one, ÷ (n − 1). Normalization divides by n: var(unbiased=False).":
            (x - mean) / np.sqrt(unbiased + EPS),
        "its deviation is the unbiased one, and ε stands outside of the root. It is √(v + ε), v ÷ n.":
            (x - mean) / (np.sqrt(unbiased) + EPS),
        "the mean is not subtracted.": x / np.sqrt(v + EPS),
        "ε is not used; it is an argument.": standardized(x, axis, 0.0),
        "ε is fixed; it is an argument.": standardized(x, axis, 1e-5),
        "the mean is subtracted, but nothing is divided by.": x - mean,
    }  # fmt: skip


def check_layer_norm(answers: Answers) -> None:
    """layer_norm normalizes each row"""
    _check(answers["layer_norm"], "layer_norm(x)", axis=1)


def check_batch_norm(answers: Answers) -> None:
    """batch_norm normalizes each column"""
    _check(answers["batch_norm"], "batch_norm(x)", axis=0)


def _check(norm, what: str, axis: int) -> None:
    x = 3 * torch.randn(6, 4) + torch.arange(4.0) + torch.arange(6.0).reshape(6, 1)
    right, wrong = standardized(x.numpy(), axis), mistakes(x.numpy(), axis)
    compare(what, norm(x, EPS), right, wrong)


def check_gradient(answers: Answers) -> None:
    """the gradient of both goes through mean and variance as well"""
    for name, dim in (("layer_norm", 1), ("batch_norm", 0)):
        x, g = torch.randn(5, 3, requires_grad=True), torch.randn(5, 3)
        y = answers[name](x, EPS)
        returned(f"{name}(x)", y)
        if not isinstance(y, torch.Tensor) or not y.requires_grad:
            raise NotYet(f"{name} cuts the graph: compute with the tensor x, not with its NumPy array.")
        compare(
            f"∂L/∂x of {name}",
            torch.autograd.grad(y, [x], g)[0],
            _gradient(x, g, dim),
            {
                "the mean and the variance are held fixed, as detach() does. They are made of x, and "
                "the gradient goes through them as well.": _gradient(x, g, dim, fixed=("mean", "variance")),
                "the mean is held fixed; the gradient goes through it as well.": _gradient(
                    x, g, dim, fixed=("mean",)
                ),
                "the variance is held fixed; the gradient goes through it as well.": _gradient(
                    x, g, dim, fixed=("variance",)
                ),
            },
        )


def _gradient(x: torch.Tensor, g: torch.Tensor, dim: int, fixed: tuple[str, ...] = ()) -> np.ndarray:
    """∂L/∂x for ∂L/∂y = g, where some of the statistics are held fixed."""
    mean = x.mean(dim, keepdim=True)
    mean = mean.detach() if "mean" in fixed else mean
    v = ((x - mean) ** 2).mean(dim, keepdim=True)
    v = v.detach() if "variance" in fixed else v
    return torch.autograd.grad((x - mean) / (v + EPS).sqrt(), [x], g)[0].numpy()


def check_question(answers: Answers) -> None:
    """which of the two explodes"""
    hint = "Print gain_per_layer(layer_norm) and gain_per_layer(batch_norm): one of them is above 1."
    choose("EXPLODES", answers["EXPLODES"], "BatchNorm", ("LayerNorm", "BatchNorm"), hint)


CHECKS = (check_layer_norm, check_batch_norm, check_gradient, check_question)
