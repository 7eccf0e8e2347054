"""What a clean bill says nothing about."""

from __future__ import annotations

from .examination import Examination
from .outcome import chance


def unjudged(ex: Examination) -> list[str]:
    """What could not be asked of this model and batch, and what would make it possible."""
    n, out = len(ex.x.array) if ex.x.array.ndim else 1, ex.output.array
    missing = {
        "the size of steps, and what the optimizer holds (pass optimizer=)": ex.optimizer is None,
        "targets and loss (pass y)": ex.y is None,
        "the loss beside guessing": ex.y is not None and chance(ex) is None,
        "features beside each other, and samples (one sample)": n < 2,
        "features (integers)": ex.x.dtype.kind != "f",
        "whether samples mix (the batch cannot be told from other axes)": n > 1
        and (not out.ndim or len(out) != n),
        "units (no activation of single numbers was seen)": bool(ex.hidden) and ex.activation is None,
        "gradients over the depth (fewer than two hidden layers)": len(ex.hidden) < 3,
        "evaluation mode (no running statistics yet)": bool(ex.normalized) and ex.eval_loss is None,
    }
    return [what for what, is_missing in missing.items() if is_missing] + [
        "other batches, and a whole run (GradientMonitor)"
    ]
