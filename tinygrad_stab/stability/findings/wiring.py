"""How the net is put together: what it is made of, and whether it is connected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ...engine.switches import enable_grad
from ...nn import Linear
from ...nn.module import Module
from ...tensor import Tensor
from ..trace import Call, Trace
from .examination import Examination, is_batchnorm, root_mean_square
from .finding import Finding, detector
from .remedies import expression, fresh_weights, with_activations


def named(names: list[str]) -> str:
    """The first four, and how many more."""
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


@detector(
    "disconnected parameters",
    wrong="Parameters that the loss does not depend on",
    tells="no way leads back to them in the recorded graph",
    limit="0: they stay as they are for ever",
    do="compute with tensors all the way, without .detach(), .data, .numpy() or no_grad(); use every layer",
)
def disconnected_parameters(ex: Examination) -> Iterator[Finding]:
    """Parameters that the loss does not depend on, as far as the graph knows."""
    names = [name for name, p in ex.model.named_parameters() if p.requires_grad]
    lost = [name for name, p in ex.model.named_parameters() if p.requires_grad and p not in ex.gradients]
    if lost:
        yield Finding(
            "disconnected parameters", named(lost), f"no gradient reaches {len(lost)} of {len(names)} "
            f"parameters",
            len(lost) / len(names), 0,
            "the graph is cut, by .detach(), .data, .numpy() or no_grad(), or forward() does not use them",
            "# in forward(): compute with tensors all the way, and use every layer that __init__ makes",
        )  # fmt: skip


@detector(
    "unregistered parameters",
    wrong="Layers in a plain Python list or dict, or a weight that is a tensor and no nn.Parameter",
    tells="the output is computed from tensors that require a gradient and are not in parameters()",
    limit="0: no optimizer that is given parameters() moves them, and state_dict() forgets them",
    do="nn.ModuleList, nn.ModuleDict, nn.Parameter",
)
def unregistered_parameters(ex: Examination) -> Iterator[Finding]:
    """What the output is made of and parameters() lacks; whatever the optimizer was given by hand is
    meant."""
    held = (
        set() if ex.optimizer is None else {p for group in ex.optimizer.param_groups for p in group["params"]}
    )
    lost = [t for t in ex.strangers if t not in held]
    if lost:
        places = list(_plain_containers(ex.model))
        total = len(lost) + sum(1 for _ in ex.model.parameters())
        yield Finding(
            "unregistered parameters", named(places) or "forward()",
            f"the output depends on {len(lost)} tensors that require a gradient, and parameters() lacks them",
            len(lost) / total, 0,
            "layers in a plain Python list are not registered" if places else
            "a tensor that is no nn.Parameter, or a module that is no attribute, is not registered",
            "\n".join(_as_module(place, ex.model) for place in places) or
            "# in __init__: self.weight = nn.Parameter(…), and layers as attributes or in an nn.ModuleList",
        )  # fmt: skip


def _plain_containers(model: Module) -> Iterator[str]:
    """Lists, tuples and dicts that hold modules which the model does not know."""
    known = set(model.modules())
    for name, module in model.named_modules():
        for attribute, value in vars(module).items():
            if not isinstance(value, (list, tuple, Mapping)) or isinstance(value, Module):
                continue
            held = value.values() if isinstance(value, Mapping) else value
            if any(isinstance(m, Module) and m not in known for m in held):
                yield f"{expression(model, name) if name else 'model'}.{attribute}"


def _as_module(place: str, model: Module) -> str:
    owner, attribute = place.rsplit(".", 1)
    value = getattr(model if owner == "model" else model.get_submodule(owner[6:].replace("[",
    "").replace("]", "")),
                    attribute)  # fmt: skip
    kind = "ModuleDict" if isinstance(value, Mapping) else "ModuleList"
    return f"{place} = nn.{kind}({place})"


@detector(
    "no activation",
    wrong="Linear layers one after the other: together they are one linear layer",
    tells="the model's last layer answers to (x + x′)/2 with the mean of its answers to x and x′",
    limit="1e-4 of its size, rounding; not where a narrow layer between them restricts the rank on purpose",
    do="a ReLU, or another nonlinear activation, between layers",
)
def no_activation(ex: Examination) -> Iterator[Finding]:
    """Layers in a row that together are one affine function of the input."""
    layers = list(dict.fromkeys(call.module for call in ex.calls))
    if len(layers) < 2 or any(call.activation for call, _ in ex.hidden) or ex.x.dtype.kind != "f":
        return
    if not all(call.product for call in ex.calls) or (
        len(layers) == 2 and getattr(layers[0], "bias", 1) is None
    ):
        return  # a table of word vectors and a layer
    widths = [m.weight.shape[0] for m in layers[:-1] if type(m) is Linear]
    if widths and min(widths) < min(ex.calls[0].x.shape[-1], ex.calls[-1].z.shape[-1]):
        return
    error = _curvature(ex)
    if error is not None and error < 1e-4:
        yield Finding(
            "no activation", f"between {ex.calls[0].name} and {ex.calls[-1].name}",
            f"the last layer's answer to a mean of two inputs is the mean of its answers, up to {error:.1e}",
            error, 1e-4, f"no nonlinear activation between {len(layers)} layers: together they are one "
            f"linear layer",
            with_activations(ex),
        )  # fmt: skip


def _curvature(ex: Examination) -> float | None:
    """How far f((x + x′)/2) is from (f(x) + f(x′))/2, beside the size of f; for inputs of size 30."""
    x = ex.x.array.astype(float)
    other = np.random.default_rng(0).standard_normal(x.shape)
    a, b = (30 * v / (root_mean_square(v) or 1.0) for v in (x, other))
    answers = [_last_layer(ex, v.astype(ex.x.array.dtype)) for v in (a, b, (a + b) / 2)]
    if any(z is None or not np.all(np.isfinite(z)) for z in answers):
        return None
    za, zb, middle = answers
    spread = root_mean_square(za - zb)  # type: ignore[operator]
    return root_mean_square(middle - (za + zb) / 2) / spread if spread else None  # type: ignore[operator]


def _last_layer(ex: Examination, x: np.ndarray) -> np.ndarray | None:
    """What the last layer puts out, before a softmax or the like, in evaluation mode."""
    modes = [(module, module.training) for module in ex.model.modules()]
    ex.model.eval()
    try:
        with enable_grad(), Trace(ex.model) as trace:
            ex.model(Tensor(x))
    finally:
        for module, mode in modes:
            module.training = mode
    return trace.calls[-1].z.array.astype(float) if trace.calls else None


@detector(
    "samples mix",
    wrong="The answer to one sample depends on the others: a reshape that tears samples apart, a softmax "
    "over "
    "the wrong dim, batches (n, T, d) given to an LSTM that takes (T, n, d)",
    tells="one sample is exchanged, in evaluation mode, and the answers to others change",
    limit="1e-3 of the change of its own answer; only where the batch can be told from other axes",
    do="batch_first=True, softmax(dim=-1), reshape(len(x), -1)",
)
def samples_mix(ex: Examination) -> Iterator[Finding]:
    """Exchange one sample: whose answers change?"""
    x, n = ex.x.array, len(ex.x.array) if ex.x.array.ndim > 1 else 0
    answer = ex.answer(x) if n > 1 else np.zeros(0)
    if answer.ndim < 1 or len(answer) != n or not np.all(np.isfinite(answer)) or ex.is_alike:
        return
    if ex.y is not None and ex.y.ndim and len(ex.y) != n:
        return
    as_function = any(is_batchnorm(step) and not isinstance(step.apply, Module) for step in _steps(ex))
    if as_function or any(getattr(m, "track_running_stats", True) is False for m in ex.model.modules()):
        return  # such a BatchNorm means it
    share = _share_of_others(ex, answer, 0, 0)
    elsewhere = [
        _share_of_others(ex, answer, i, k)
        for i, k in ((1, 0), (1, 1))
        if x.ndim > 2
        and answer.ndim > k
        and x.shape[i] == answer.shape[k]
        and (k == 0 or ex.y is None or ex.y.ndim > 1)
    ]
    if share is None or share <= 1e-3 or any(other is not None and other <= 1e-3 for other in elsewhere):
        return
    rnn = next(
        (name for name, m in ex.model.named_modules() if getattr(m, "batch_first", None) is False), None
    )
    where = "forward()" if rnn is None else expression(ex.model, rnn)
    yield Finding(
        "samples mix", where, f"with one sample exchanged, the answers to other samples change, by "
        f"{share:.2g} of "
        "the change of its own", share, 1e-3,
        "an operation across the batch: a reshape or a transpose that tears samples apart, or a softmax "
        "over the "
        "wrong dim" if rnn is None else
        f"{where} takes (T, n, features), time first, and gets (n, T, features): it runs across the batch, "
        f"and "
        "every sample is mixed with those before it",
        "# in forward(): keep the batch the first dim in every reshape, and softmax(dim=-1)"
        if rnn is None else
        f"{where}.batch_first = True",
    )  # fmt: skip


def _steps(ex: Examination) -> Iterator[Any]:
    for call in ex.calls:
        yield from call.steps or ()


def _share_of_others(ex: Examination, answer: np.ndarray, axis: int, out: int) -> float | None:
    """By how much other answers change if one sample does, beside its own; None if nothing changes."""
    x = np.moveaxis(ex.x.array.copy(), axis, 0)
    j = len(x) // 2
    others = [k for k in range(len(x)) if not np.array_equal(x[k], x[j])]
    if not others:
        return None
    x[j] = x[others[0]]
    changed = ex.answer(np.moveaxis(x, 0, axis))
    if changed.shape != answer.shape:
        return None
    difference = np.abs(np.moveaxis(changed - answer, out, 0)).reshape(len(x), -1).max(axis=1)
    own, rest = difference[j], float(np.delete(difference, j).max())
    if rest <= 1e-5 * root_mean_square(answer):
        rest = 0.0
    return None if own == rest == 0 else rest / own if own else np.inf


@detector(
    "symmetric weights",
    wrong="Units of a layer that compute the same, and will after every step, as their gradients are the "
    "same",
    tells="all rows of W are equal, and all rows of ∂L/∂W",
    limit="rounding, 1e-5 of the gradient",
    do="draw weights at random: He's for ReLU, orthogonal or Xavier's for others",
)
def symmetric_weights(ex: Examination) -> Iterator[Finding]:
    """Units of a layer that compute the same, and will after every step, as their gradients are the same."""
    layers = [call.name for call, _ in ex.hidden if _is_symmetric(call, ex.gradients)]
    if layers:
        yield Finding(
            "symmetric weights", expression(ex.model, layers[0]),
            f"in {len(layers)} of {len(ex.hidden)} hidden layers all units have the same weights, and the "
            "same gradient: each is a layer of one unit", len(layers) / len(ex.hidden), 0,
            "weights that all start from one value", fresh_weights(ex),
        )  # fmt: skip


def _is_symmetric(call: Call, gradients: Mapping[Any, Tensor]) -> bool:
    W = call.matrices[0]
    g = gradients[W].array if W in gradients else np.zeros_like(W.array)
    same = np.ptp(W.array, axis=0).max() == 0 and np.ptp(g, axis=0).max() <= 1e-5 * np.abs(g).max()
    return len(W) > 1 and bool(same)
