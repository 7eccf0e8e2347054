"""Why gradients vanish or explode in deep networks, and what keeps them stable: a framework small enough to
be read.

Read it in this order. Each file is one idea and imports only from those above it.

    memory.py, grad_mode.py, numpy_protocol.py    three chores, out of the way
    graph.py                                      a value that remembers how it was made
    autograd.py                                   the chain rule
    ops/                                          the table of derivatives, one file a family
    tensor.py, inplace.py, creation.py            PyTorch's names for all that
    nn/                                           layers; init.py opens with the variance argument,
                                                  utils.py is clipping
    optim/                                        SGD and Adam
    gradcheck.py                                  is it right? finite differences, in words

The names are PyTorch's: `import tinygrad_stab as torch` and go on.
"""

from . import autograd, nn, optim
from .creation import (
    arange,
    as_tensor,
    empty,
    eye,
    from_numpy,
    full,
    full_like,
    linspace,
    logspace,
    normal,
    ones,
    ones_like,
    rand,
    rand_like,
    randint,
    randn,
    randn_like,
    randperm,
    tensor,
    zeros,
    zeros_like,
)
from .dtypes import (
    bool,
    double,
    float16,
    float32,
    float64,
    get_default_dtype,
    int32,
    int64,
    long,
    set_default_dtype,
    uint8,
)
from .grad_mode import enable_grad, is_grad_enabled, no_grad
from .gradcheck import directional_check, gradcheck
from .ops import (
    absolute as abs,
)
from .ops import (
    add,
    clip,
    cos,
    exp,
    log,
    log1p,
    log10,
    matmul,
    maximum,
    minimum,
    relu,
    sigmoid,
    sin,
    sqrt,
    square,
    tanh,
    where,
)
from .printing import set_printoptions
from .random import Generator, manual_seed
from .tensor import Size, Tensor
