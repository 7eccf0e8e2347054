"""Fixtures for the tests of layers: random numbers, and derivatives against finite differences."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from both_libraries import lib as lib

import tinygrad_stab as torch
from tinygrad_stab import Tensor, nn


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def randn(rng: np.random.Generator) -> Callable[..., Tensor]:
    """Standard normal numbers in float64 that require a gradient."""
    return lambda *shape: torch.tensor(rng.standard_normal(shape), requires_grad=True)


@pytest.fixture
def check_derivatives() -> Callable[..., None]:
    """Compare a layer's first and second derivatives, by inputs and parameters, with finite differences.

    `call(module, *inputs)` says how to call it, if not just with the inputs, and returns all its outputs.
    """

    def check(module: nn.Module, *inputs: Tensor, call: Callable[..., Any] = nn.Module.__call__) -> None:
        module = copy.deepcopy(module).double()  # its parameters will be replaced by tensors
        places = [
            (m, name)
            for m in module.modules()
            for name, value in vars(m).items()
            if isinstance(value, nn.Parameter)
        ]
        parameters = [getattr(m, name).detach().clone().requires_grad_() for m, name in places]

        def outputs(*tensors: Tensor) -> Any:
            for (m, name), tensor in zip(places, tensors[len(inputs) :]):
                vars(m)[name] = tensor  # not by setattr, which refuses a tensor in a parameter's place
            return call(module, *tensors[: len(inputs)])

        assert torch.directional_check(outputs, [*inputs, *parameters])

    return check


@pytest.fixture
def normal_mean() -> Callable[[Callable[[Tensor], Tensor]], float]:
    """E f(u) for standard normal u, by the trapezoidal rule on ±12, where the tail is below 1e-32."""
    u = np.linspace(-12, 12, 48_001)
    density = np.exp(-u * u / 2) / np.sqrt(2 * np.pi)
    return lambda f: float(np.sum(np.asarray(f(torch.tensor(u))) * density) * (u[1] - u[0]))
