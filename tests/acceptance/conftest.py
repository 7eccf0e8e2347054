"""The programs of this folder run twice: with the import lines that stand in them, and with PyTorch's."""

from collections.abc import Callable
from typing import Any

import pytest
from both_libraries import lib as lib


@pytest.fixture
def either_library(lib: Any, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put one library behind the names that the test module imports: in the first round, it is there."""
    imported = {
        "torch": lib,
        "nn": lib.nn,
        "init": lib.nn.init,
        "F": lib.nn.functional,
        "optim": lib.optim,
        "DataLoader": lib.utils.data.DataLoader,
        "TensorDataset": lib.utils.data.TensorDataset,
    }
    for name in imported.keys() & vars(request.module).keys():
        monkeypatch.setattr(request.module, name, imported[name])
    return lib


@pytest.fixture
def numbered(lib: Any) -> Callable[[Any], Any]:
    """Give a module known weights, the same in both libraries and different in each parameter; return it."""

    def number(module: Any) -> Any:
        with lib.no_grad():
            for k, p in enumerate(module.parameters()):
                p.copy_(lib.linspace(-0.5, 0.6 + 0.1 * (k % 5), p.numel()).reshape(p.shape))
        return module

    return number
