"""Layers. The mathematics is in `ops/`; here are the weights, their names, and the order of computation."""

from . import functional, init, utils
from .activation import (
    ELU,
    GELU,
    SELU,
    Hardtanh,
    LeakyReLU,
    LogSoftmax,
    PReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from .classification_loss import BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, NLLLoss
from .container import ModuleList, Sequential
from .convolution import Conv2d
from .dropout import Dropout
from .flatten import Flatten
from .group_norm import GroupNorm
from .linear import Identity, Linear
from .module import Module
from .module_dict import ModuleDict
from .normalization import BatchNorm1d, BatchNorm2d, LayerNorm
from .parameter import Parameter
from .pooling import AvgPool2d, MaxPool2d
from .recurrent import LSTM, RNN, LSTMCell, RNNCell
from .regression_loss import L1Loss, MSELoss, SmoothL1Loss
from .rms_norm import RMSNorm

_LEFT_OUT = {
    "Embedding": "no part of gradient stability; one_hot(x) @ W is the same",
    "GRU": "the LSTM shows what a gate does to the gradient",
    "GRUCell": "the LSTM shows what a gate does to the gradient",
}


def __getattr__(name: str) -> object:
    reason = f": left out, {_LEFT_OUT[name]}" if name in _LEFT_OUT else ""
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}{reason}")
