"""Optimizers: how a gradient becomes a step; and schedules of their learning rates."""

from ..tensor.left_out import names_left_out
from . import lr_scheduler
from .adaptive import Adam, AdamW, RMSprop
from .optimizer import Optimizer
from .sgd import SGD

__getattr__ = names_left_out(__name__, {"Adagrad": "RMSprop is its form with a memory that fades"})
