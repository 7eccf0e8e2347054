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
from .loss import (
    BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, HuberLoss, L1Loss, MSELoss, NLLLoss, SmoothL1Loss,
)
from .module import Module
from .normalization import BatchNorm1d, BatchNorm2d, GroupNorm, LayerNorm, RMSNorm
from .parameter import Parameter
from .recurrent import LSTM, RNN, LSTMCell, RNNCell
from .stateless import Flatten

__getattr__ = names_left_out(
    __name__,
    {
        "Embedding": "W[x] is the same, of a W = nn.Parameter(torch.randn(count, size))",
        "GRU": "the LSTM shows what a gate does to the gradient",
        "GRUCell": "the LSTM shows what a gate does to the gradient",
        "KLDivLoss": "(p * (p.log() - log_q)).sum(1).mean() is its 'batchmean'",
        "LazyLinear": "write nn.Linear(in_features, out_features)",
        "LazyConv2d": "write nn.Conv2d(in_channels, out_channels, kernel_size)",
        "LazyBatchNorm1d": "write nn.BatchNorm1d(num_features)",
        "LazyBatchNorm2d": "write nn.BatchNorm2d(num_features)",
        "Conv1d": "write nn.Conv2d(c, o, (1, k)), and x.unsqueeze(2) for its input",
        "MaxPool1d": "write nn.MaxPool2d((1, k)), and x.unsqueeze(2) for its input",
        "AdaptiveAvgPool2d": "write x.mean((2, 3), keepdim=True), which is its output of size 1",
        "InstanceNorm1d": "write nn.GroupNorm(c, c, affine=False), which is the same",
        "InstanceNorm2d": "write nn.GroupNorm(c, c, affine=False), which is the same",
        "ReLU6": "write nn.Hardtanh(0, 6)",
        "Softsign": "write x / (1 + x.abs())",
        "LogSigmoid": "write -nn.functional.softplus(-x)",
        "Mish": "write x * nn.functional.softplus(x).tanh()",
        "Unflatten": "write x.reshape(n, c, h, w)",
        "Dropout2d": "write nn.Dropout(p)",
        "ParameterList": "write self.register_parameter(name, nn.Parameter(data)) for each of them",
        "MultiheadAttention": "write (q @ k.transpose(-2, -1) / d**0.5).softmax(-1) @ v",
        "DataParallel": "there is only the CPU; leave the line out",
        "modules": "layers are in nn itself; write nn.Linear, nn.Module",
    },
)
