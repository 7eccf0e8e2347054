"""Layers. The mathematics is in `ops/`; here are the weights, their names, and the order of computation."""

# fmt: off
# isort: off
from ..tensor.left_out import names_left_out
from . import functional, init, utils
from .activation import (
    ELU, GELU, SELU, Hardtanh, LeakyReLU, LogSoftmax, PReLU, ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh,
)
from .container import ModuleDict, ModuleList, Sequential
from .convolution import AvgPool2d, Conv2d, MaxPool2d
from .dropout import Dropout
from .linear import Identity, Linear
from .loss import BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, L1Loss, MSELoss, NLLLoss, SmoothL1Loss
from .module import Module
from .normalization import BatchNorm1d, BatchNorm2d, GroupNorm, LayerNorm, RMSNorm
from .parameter import Parameter
from .recurrent import LSTM, RNN, LSTMCell, RNNCell
from .stateless import Flatten

__getattr__ = names_left_out(
    __name__,
    {
        "Embedding": "no part of gradient stability; one_hot(x) @ W is the same",
        "GRU": "the LSTM shows what a gate does to the gradient",
        "GRUCell": "the LSTM shows what a gate does to the gradient",
        "KLDivLoss": "(p * (p.log() - log_q)).sum(1).mean() is its 'batchmean'",
    },
)
