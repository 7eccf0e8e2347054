"""PyTorch's manners in the engine's slot: dtypes, what is an operand, words for what does not fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine.graph import Node, Variable
from ..engine.manners import manners
from ..engine.primitive import pick
from .anomaly import check_backward, check_forward
from .dtypes import KINDS, get_default_dtype, numbers
from .messages import misfit
from .printing import grad_fn_name


class GradFn(Node):
    """How a tensor was made, as `tensor.grad_fn` shows it: with PyTorch's names."""

    __slots__ = ()

    def name(self) -> str:
        """What PyTorch calls this step in its backward pass."""
        if self.primitive is None:
            return "AccumulateGrad"
        maker = self.parents[0] if self.primitive is pick else self
        return grad_fn_name(maker.primitive.name)  # type: ignore[union-attr]

    @property
    def next_functions(self) -> tuple:
        """The steps that the gradient goes on to, in PyTorch's form."""
        return tuple((parent, 0) for parent in self.parents)

    def __repr__(self) -> str:
        return f"<{self.name()}>"


def operand(x: Any, inputs: Sequence[Any]) -> Any:
    """A Python number takes the dtype of the tensor it meets; np.sqrt(2.), float64, would impose its own."""
    if isinstance(x, np.generic):
        return numbers(x).item() if any(isinstance(other, Variable) for other in inputs) else x
    if isinstance(x, (tuple, list)) and any(isinstance(part, Variable) for part in x):
        raise TypeError(
            f"a {type(x).__name__} is not a tensor: put tensors together with torch.stack or torch.cat, and "
            "take apart what a layer returns, as in `output, (h, c) = lstm(x)`"
        )
    return numbers(np.asarray(x))


def output(y: Any, forward: Callable, arrays: Sequence[Any], options: dict) -> Any:
    """NumPy makes floats of integers by their size; in PyTorch integers and bools have no say in that."""
    dtypes = [x.dtype for x in arrays if isinstance(x, np.ndarray)]
    if y.dtype.kind not in KINDS and any(dtype.kind in KINDS for dtype in dtypes):
        numbers(y, getattr(forward, "__name__", "").strip("_"))
    if y.dtype == np.int8 and np.int8 not in dtypes:  # NumPy's smallest, of bools
        return y.astype(np.int64)
    floats = [dtype for dtype in dtypes if dtype.kind == "f"]
    if y.dtype.kind != "f" or len(floats) == len(dtypes) or y.dtype in floats:
        return y
    if not floats and y.dtype != np.float64:  # of bools NumPy computes in float16, to three digits
        y = forward(*[x.astype(np.float64) if isinstance(x, np.ndarray) else x for x in arrays], **options)
    return y.astype(np.result_type(*floats) if floats else get_default_dtype())


manners.node = GradFn
manners.operand, manners.output = operand, output  # type: ignore[method-assign]
manners.misfit = misfit  # type: ignore[method-assign]
manners.check_forward, manners.check_backward = check_forward, check_backward  # type: ignore[method-assign]
