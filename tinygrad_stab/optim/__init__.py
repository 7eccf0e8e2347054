"""Optimizers: how a gradient becomes a step."""

from .adam import Adam
from .optimizer import Optimizer
from .sgd import SGD
