"""Optimizers: how a gradient becomes a step; and schedules of their learning rates."""

from ..tensor.left_out import names_left_out
from . import lr_scheduler
from .adaptive import Adam, AdamW, RMSprop
from .optimizer import Optimizer
from .sgd import SGD

__getattr__ = names_left_out(
    __name__,
    {
        "Adagrad": "RMSprop is its form with a memory that fades; write optim.RMSprop(parameters)",
        "Adadelta": "RMSprop is its form with a learning rate; write optim.RMSprop(parameters)",
        "LBFGS": "write optim.Adam(parameters), whose step needs no closure",
        "NAdam": "write optim.Adam(parameters), or optim.SGD(parameters, momentum=0.9, nesterov=True)",
        "RAdam": "write optim.Adam(parameters), with lr_scheduler.LinearLR to warm up",
        "Adamax": "write optim.Adam(parameters)",
        "Rprop": "write optim.RMSprop(parameters), which is its form for batches",
    },
)
