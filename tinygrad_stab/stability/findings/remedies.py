"""Fixes, as lines of code. `prove` runs the very lines that the reader is shown."""

from __future__ import annotations

import math

from ...nn import ReLU, Sequential, Sigmoid, Softmax
from ...nn.module import Module
from ..gaussian import Activation
from ..theory import critical_weight_var
from ..trace import Call
from .examination import Examination

ZERO_BIASES = '[nn.init.zeros_(p) for name, p in model.named_parameters() if name.endswith("bias")]'
STANDARDIZED = "x = (x - x.mean(0)) / (x.std(0) + 1e-8)"
LAYERNORM = (
    "model = nn.Sequential(*(nn.LayerNorm(m.num_features) if isinstance(m, nn.BatchNorm1d) else m "
    "for m in model))"
)

ORTHOGONAL_TANH = (
    "model = nn.Sequential(*(nn.Tanh() if isinstance(m, nn.ReLU) else m for m in model "
    "if not isinstance(m, nn.BatchNorm1d))); "
    "[nn.init.orthogonal_(W) for W in model.parameters() if W.ndim > 1]"
)


def fresh_weights(ex: Examination) -> str:
    """Weights at the edge of chaos for the activation that the net has, χ = 1; or another activation.

    He's for ReLU, orthogonal ones for what is smooth. A sigmoid has no good ones: its critical σ_w² of 103
    is critical only because everything is saturated.
    """
    step = ex.activation
    name = "linear" if step is None else step.name.lower()
    if name == "sigmoid" and _has(ex.model, Sigmoid):
        return (
            "model = nn.Sequential(*(nn.ELU() if isinstance(m, nn.Sigmoid) else m for m in model)); "
            + _drawn("orthogonal_(W)")
        )
    if "relu" in name or step is None:
        return _drawn("orthogonal_(W)" if step is None else "kaiming_normal_(W)")
    gain = math.sqrt(4.0**2 if name == "sigmoid" else critical(step.apply) or 2.0)
    return _drawn("orthogonal_(W)" if abs(gain - 1) < 1e-3 else f"orthogonal_(W, gain={gain:.3g})")


def _has(model: Module, kind: type) -> bool:
    """Can modules of this kind be exchanged in a line?"""
    return isinstance(model, Sequential) and any(isinstance(module, kind) for module in model)


def critical(activation: Activation) -> float | None:
    """σ_w² with χ = 1, None where there is none."""
    try:
        return critical_weight_var(activation)
    except ValueError:
        return None


def _drawn(call: str) -> str:
    return f"[nn.init.{call} for W in model.parameters() if W.ndim > 1]"


def without_batchnorm(ex: Examination) -> str:
    """A plain net of great depth needs orthogonal weights and a tanh; a skip connection serves as well."""
    if _has(ex.model, ReLU):
        return ORTHOGONAL_TANH
    return "# in forward(): add a skip connection around every block, x = x + block(x)"


def smaller_branches(ends: list[Call]) -> str:
    """Residual branches that start as zero, so that the net starts as the identity.

    Not where an activation comes last: at z = 0 a ReLU would let no gradient back.
    """
    if any(not step.affine for call in ends for step in call.steps or ()):
        return "# in forward(): divide every branch by the root of their number, x + block(x) / n**0.5"
    names = list(dict.fromkeys(call.layer for call in ends))
    return f"[nn.init.zeros_(model.get_submodule(name).weight) for name in {names}]"


def without_softmax(ex: Examination, then: str = "") -> str:
    """Take the last module off, if it is a softmax."""
    if isinstance(ex.model, Sequential) and isinstance(ex.model[-1], Softmax):
        return "; ".join(filter(None, ["model = model[:-1]", then]))
    return then or "# in forward(): return the scores themselves, without softmax"


def expression(model: Module, layer: str) -> str:
    """How to write a layer in code: `model[3]`, `model.encoder[0]`; `model` itself for a single layer."""
    name = layer.split(" #")[0]
    if name not in dict(model.named_modules()):
        return "model"
    return "model" + "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in name.split("."))
