"""The one slot that a layer above fills: how the engine deals with its user.

Here NumPy speaks for itself: its dtypes stand, and its errors. `tinygrad_stab/tensor/` puts PyTorch's manners
in the place of these. The mathematics is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


class Manners:
    """What may be replaced, one by one: `manners.misfit = …`."""

    variable: type  # the class of what a primitive returns; graph.py sets its own
    node: type  # the class of how it was made

    @staticmethod
    def operand(x: Any, inputs: Sequence[Any]) -> Any:
        """An input that is neither a variable, nor an array, nor a Python number."""
        return np.asarray(x)

    @staticmethod
    def output(y: Any, forward: Callable, arrays: Sequence[Any], options: dict) -> Any:
        """What forward(*arrays, **options) has computed, where that is not float32."""
        return y

    @staticmethod
    def misfit(name: str, arrays: Sequence[Any], error: Exception) -> Exception:
        """What to raise when NumPy has refused the shapes, or an index."""
        return error

    @staticmethod
    def check_forward(name: str, arrays: Sequence[Any], y: Any) -> str:
        """Look at what has been computed, while `switches.detecting`; the user's line, for the node."""
        return ""

    @staticmethod
    def check_backward(node: Any, k: int, gx: Any) -> None:
        """Look at the gradient of the node's input k, while `switches.detecting`."""


manners = Manners()
