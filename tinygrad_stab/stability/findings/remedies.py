"""Fixes, as lines of code. `prove` runs the very lines that the reader is shown."""

from __future__ import annotations

import math

from ...nn import BatchNorm1d, Linear, ReLU, Sequential, Sigmoid, Softmax
from ...nn.module import Module
from ..gaussian import Activation
from ..theory import critical_weight_var
from ..trace import Call
from .examination import Examination

ZERO_BIASES = """\
for name, p in model.named_parameters():
    if "bias" in name and p.ndim == 1:
        nn.init.zeros_(p)"""

LAYERNORM = """\
model = nn.Sequential(*(
    nn.LayerNorm(m.num_features) if isinstance(m, nn.BatchNorm1d) else m for m in model
))"""

FRESH = """\
for m in model.modules():
    if hasattr(m, "reset_parameters"):
        m.reset_parameters()"""

STANDARD_TARGETS = "y = (y - y.mean(0)) / (y.std(0) + 1e-8)"

SHORTER_STEPS = """\
for group in optimizer.param_groups:
    group["lr"] {}"""


def lines(*parts: str) -> str:
    """Statements one below the other."""
    return "\n".join(part for part in parts if part)


def drawn(call: str) -> str:
    """Draw all matrices of weights anew."""
    return f"for W in model.parameters():\n    if W.ndim > 1:\n        nn.init.{call}"


def with_modules(kind: str, instead: str, without: str = "") -> str:
    """Exchange the modules of a kind in a Sequential, and leave some out."""
    left_out = f"\n    if not isinstance(m, {without})" if without else ""
    each = f"    {instead} if isinstance(m, {kind}) else m for m in model{left_out}"
    return f"model = nn.Sequential(*(\n{each}\n))"


def fresh_weights(ex: Examination) -> str:
    """Weights at the edge of chaos for the activation that the net has, χ = 1; or another activation.

    He's for ReLU, orthogonal ones for what is smooth. A sigmoid has no good ones: its critical σ_w² of 103
    is critical only because everything is saturated.
    """
    step = ex.activation
    name = "linear" if step is None else step.name.lower()
    if name == "sigmoid" and has(ex.model, Sigmoid):
        return lines(with_modules("nn.Sigmoid", "nn.ELU()"), drawn("orthogonal_(W)"), ZERO_BIASES)
    if "relu" in name or step is None:
        return lines(drawn("orthogonal_(W)" if step is None else "kaiming_normal_(W)"), ZERO_BIASES)
    gain = math.sqrt(4.0**2 if name == "sigmoid" else critical(step.apply) or 2.0)
    return lines(
        drawn("orthogonal_(W)" if abs(gain - 1) < 1e-3 else f"orthogonal_(W, gain={gain:.3g})"), ZERO_BIASES
    )


def other_activations(ex: Examination) -> tuple[str, ...]:
    """What else helps a chain of layers: another activation, or LayerNorm behind every hidden layer."""
    step = ex.activation
    if not isinstance(ex.model, Sequential) or step is None:
        return ()
    own = {type(m).__name__ for m in ex.model if type(m).__name__ == step.name}
    if not own:
        return ()
    name = f"nn.{own.pop()}"
    norm = (
        "modules = []\n"
        "for m in model:\n"
        "    if isinstance(m, nn.Linear) and m is not model[-1]:\n"
        "        modules += [m, nn.LayerNorm(m.out_features)]\n"
        "    elif not isinstance(m, (nn.BatchNorm1d, nn.LayerNorm)):\n"
        "        modules.append(m)\n"
        "model = nn.Sequential(*modules)"
    )
    tanh = lines(with_modules(name, "nn.Tanh()", "nn.BatchNorm1d"), drawn("orthogonal_(W)"), ZERO_BIASES)
    relu = lines(with_modules(name, "nn.ReLU()"), drawn("kaiming_normal_(W)"), ZERO_BIASES, norm)
    return tanh, relu


def has(model: Module, kind: type) -> bool:
    """Can modules of this kind be exchanged in a line?"""
    return isinstance(model, Sequential) and any(isinstance(module, kind) for module in model)


def critical(activation: Activation) -> float | None:
    """σ_w² with χ = 1, None where there is none."""
    try:
        return critical_weight_var(activation)
    except ValueError:
        return None


def without_batchnorm(ex: Examination) -> str:
    """A plain net of great depth needs orthogonal weights and a tanh; a skip connection serves as well."""
    if has(ex.model, ReLU) and has(ex.model, BatchNorm1d):
        return lines(with_modules("nn.ReLU", "nn.Tanh()", "nn.BatchNorm1d"), drawn("orthogonal_(W)"))
    return "# in forward(): add a skip connection around every block, x = x + block(x)"


def with_batchnorm(layers: list[str]) -> str:
    """Nothing by hand can put a normalization into somebody's forward()."""
    how = "nn.Sequential(conv, nn.BatchNorm2d(…))"
    return f"# in __init__: a normalization behind {layers[0]} and its like, as in {how}"


def smaller_branches(ends: list[Call]) -> str:
    """Residual branches that start as zero, so that the net starts as the identity.

    Not where an activation comes last: at z = 0 a ReLU would let no gradient back.
    """
    if any(not step.affine for call in ends for step in call.steps or ()):
        return "# in forward(): divide every branch by the root of their number, x + block(x) / n**0.5"
    names = list(dict.fromkeys(call.layer for call in ends))
    return _for_each(names, "nn.init.zeros_(model.get_submodule(name).weight)")


def _for_each(names: list[str], statement: str) -> str:
    """A loop over layers, their names a few to a line."""
    rows = [", ".join(f'"{name}"' for name in names[k : k + 6]) for k in range(0, len(names), 6)]
    head = (
        f"for name in [{rows[0]}]:"
        if len(rows) == 1
        else "for name in [\n    " + ",\n    ".join(rows) + "\n]:"
    )
    return f"{head}\n    {statement}"


def without_biases(names: list[str]) -> str:
    """A layer may do without a bias."""
    return _for_each(names, 'model.get_submodule(name).register_parameter("bias", None)')


def without_last(ex: Examination, kind: type, what: str, then: str = "") -> str:
    """Take the last module off, if it is of this kind."""
    if isinstance(ex.model, Sequential) and isinstance(ex.model[-1], kind):
        return lines("model = model[:-1]", then)
    return then or f"# in forward(): return the scores themselves, without {what}"


def without_softmax(ex: Examination, then: str = "") -> str:
    """Take the last module off, if it is a softmax."""
    return without_last(ex, Softmax, "softmax", then)


def with_activations(ex: Examination) -> str:
    """A ReLU between layers, where a line can put it there."""
    if isinstance(ex.model, Sequential) and all(type(m) is Linear for m in ex.model):
        return (
            "modules = []\nfor layer in model:\n    modules += [layer, nn.ReLU()]\n"
            "model = nn.Sequential(*modules[:-1])"
        )
    return "# in forward(): a nonlinear activation between layers, as in x = self.b(F.relu(self.a(x)))"


def standardized(dims: tuple[int, ...]) -> str:
    """Features of mean 0 and standard deviation 1, each by itself."""
    if dims == (0,):
        return "x = (x - x.mean(0)) / (x.std(0) + 1e-8)"
    return f"x = (x - x.mean({dims}, keepdim=True)) / (x.std({dims}, keepdim=True) + 1e-8)"


def expression(model: Module, layer: str) -> str:
    """How to write a layer in code: `model[3]`, `model.encoder[0]`; `model` itself for a single layer."""
    name = layer.split(" #")[0]
    if name not in dict(model.named_modules()):
        return "model"
    return "model" + "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in name.split("."))
