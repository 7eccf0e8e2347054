from typing import Any

import pytest
from both_libraries import lib as lib

from tinygrad_stab import optim

MAKE = {
    "SGD": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda p: optim.Adam(p, lr=0.1, amsgrad=True, weight_decay=0.01),
}


@pytest.fixture(params=MAKE.values(), ids=MAKE)
def make(request: pytest.FixtureRequest) -> Any:
    """How to make an optimizer, of each kind, from its parameters; with much to remember."""
    return request.param
