"""Optimizers: how a gradient becomes a step; and schedules of their learning rates."""

from . import lr_scheduler
from .adam import Adam
from .adamw import AdamW
from .optimizer import Optimizer
from .rmsprop import RMSprop
from .sgd import SGD

_LEFT_OUT = {"Adagrad": "RMSprop is its form with a memory that fades"}


def __getattr__(name: str) -> object:
    reason = f": left out, {_LEFT_OUT[name]}" if name in _LEFT_OUT else ""
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}{reason}")
