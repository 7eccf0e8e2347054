"""What all tests share: the same random numbers in every run, and no window for a figure."""

import matplotlib
import pytest
from hypothesis import settings

import tinygrad_stab as torch

matplotlib.use("Agg")

# The same examples in every run; `pytest --hypothesis-profile=random` draws others.
settings.register_profile("random", deadline=None)
settings.register_profile("reproducible", derandomize=True, deadline=None)
settings.load_profile("reproducible")


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)
