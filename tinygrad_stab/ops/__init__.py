"""The table of derivatives, one file a family: one line an op, or one named rule with its derivation."""

# fmt: off
# isort: off
from .activation import elu, gelu, hardtanh, leaky_relu, prelu, relu, selu, sigmoid, silu, softplus, tanh
from .convolution import conv2d, conv2d_input, conv2d_weight
from .elementwise import (
    absolute, add, astype, clip, copy, cos, cosh, divide, erf, exp, log, log1p, log10, maximum, minimum,
    multiply, negative, power, select, sin, sinh, sqrt, square, subtract, where,
)
from .linalg import linear, matmul
from .loss import bce_with_logits, binary_cross_entropy, cross_entropy, mse
from .normalization import batch_norm, rest, rms_normalize, standardize
from .recurrent import lstm_hidden, lstm_sequence, lstm_step
from .reduction import cumsum, log_softmax, logsumexp, mean, norm, softmax, std, var
from .reduction import max_ as max, min_ as min, sum_ as sum
from .shape import (
    broadcast_to, concatenate, expand_dims, flip, getitem, replace, reshape, scatter, squeeze, stack,
    swapaxes, transpose, unbind,
)
