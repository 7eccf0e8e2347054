"""Layers as functions, under PyTorch's names. Each stands in the file of its module; this is the index."""

from ..ops import linear
from .activation import (
    elu,
    gelu,
    leaky_relu,
    log_softmax,
    prelu,
    relu,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    tanh,
)
from .loss import binary_cross_entropy_with_logits, cross_entropy, mse_loss
from .normalization import batch_norm, layer_norm
