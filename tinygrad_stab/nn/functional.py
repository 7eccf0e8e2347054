"""Layers as functions, under PyTorch's names. Each stands in the file of its module; this is the index."""

# fmt: off
# isort: off
from ..tensor.left_out import names_left_out
from .activation import (
    elu, gelu, hardtanh, leaky_relu, log_softmax, prelu, relu, selu, sigmoid, silu, softmax, softplus, tanh,
)
from .convolution import avg_pool2d, conv2d, max_pool2d
from .dropout import dropout
from .linear import linear
from .loss import (
    binary_cross_entropy, binary_cross_entropy_with_logits, cross_entropy, huber_loss, l1_loss, mse_loss,
    nll_loss, one_hot, smooth_l1_loss,
)
from .normalization import batch_norm, group_norm, layer_norm, normalize, rms_norm

__getattr__ = names_left_out(
    __name__,
    {
        "kl_div": "(p * (p.log() - log_q)).sum(1).mean() is its 'batchmean'",
        "embedding": "write W[x]",
        "relu6": "write F.hardtanh(x, 0, 6)",
        "softsign": "write x / (1 + x.abs())",
        "logsigmoid": "write -F.softplus(-x)",
        "mish": "write x * F.softplus(x).tanh()",
        "adaptive_avg_pool2d": "write x.mean((2, 3), keepdim=True), which is its output of size 1",
        "conv1d": "write F.conv2d(x.unsqueeze(2), W.unsqueeze(2)).squeeze(2)",
        "cosine_similarity": "write (F.normalize(a) * F.normalize(b)).sum(1)",
    },
)
