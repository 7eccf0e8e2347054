"""One test, two libraries: what is asserted of this one holds for PyTorch, where it is installed."""

from typing import Any

import numpy as np
import pytest

import tinygrad_stab

try:
    import torch as pytorch
except ImportError:
    pytorch = None

needs_pytorch = [] if pytorch else [pytest.mark.skip(reason="PyTorch is not installed")]


@pytest.fixture(params=[tinygrad_stab, pytest.param(pytorch, marks=needs_pytorch)], ids=["here", "PyTorch"])
def lib(request: pytest.FixtureRequest) -> Any:
    """The library under test: this one and, where it is installed, PyTorch."""
    request.param.manual_seed(0)
    return request.param


def array(tensor: Any) -> np.ndarray:
    """The values of a tensor of either library."""
    return tensor.detach().numpy()


def flat(outputs: Any) -> list[Any]:
    """All tensors of nested tuples."""
    return [t for part in outputs for t in flat(part)] if isinstance(outputs, (tuple, list)) else [outputs]
