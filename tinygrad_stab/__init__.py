"""Why gradients vanish or explode in deep networks, and what keeps them stable: a framework small enough to
be read.

Read it in this order. Each file is one idea and imports only from those above it.

    memory.py, grad_mode.py, rules.py, sums.py …  the chores, kept out of the way
    graph.py                                      a value that remembers how it was made
    autograd.py                                   the chain rule
    ops/                                          the table of derivatives, one file a family
    inplace.py, methods.py, tensor.py             PyTorch's names for all that
    creation.py, functions.py, linalg.py
    nn/                                           layers; init.py opens with the variance argument,
                                                  utils.py is clipping
    optim/                                        optimizers and learning-rate schedules
    derivatives.py, gradcheck.py, function.py     whole Jacobians; is a gradient right? a step of your own
    stability/                                    what all this is for: see it, explain it, name it

The names are PyTorch's: `import tinygrad_stab as torch` and go on.
"""

import importlib
import sys
from math import e, inf, nan, pi

# isort: off
# fmt: off
from . import autograd, derivatives, linalg, nn, optim, utils
from .creation import (
    arange, as_tensor, empty, empty_like, eye, from_numpy, full, full_like, linspace, logspace,
    normal, ones, ones_like, rand, rand_like, randint, randn, randn_like, randperm, tensor, zeros,
    zeros_like,
)
from .dtypes import (
    bool, double, float, float16, float32, float64, get_default_dtype, half, int, int32, int64, long,
    set_default_dtype, uint8,
)
from .function import Function
from .functions import (
    abs, add, all, allclose, amax, amin, any, argmax, argmin, cat, ceil, chunk, clamp, clip, cos, cumsum,
    div, dot, eq, equal, erf, exp, flatten, floor, gather, ge, gt, is_tensor, isfinite, isinf, isnan, le,
    log, log1p, log10, log_softmax, logsumexp, lt, masked_fill, matmul, max, maximum, mean, median, min,
    minimum, mm, mul, ne, neg, norm, permute, pow, quantile, relu, reshape, round, sigmoid, sign, sin,
    softmax, split, sqrt, square, squeeze, stack, std, sub, sum, tanh, transpose, unbind, unsqueeze, var,
    where,
)
from .grad_mode import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from .gradcheck import directional_check, gradcheck
from .left_out import INSTEAD, names_left_out
from .printing import set_printoptions
from .random import Generator, manual_seed
from .tensor import Size, Tensor

# fmt: on
# isort: on

inference_mode = no_grad

_left_out = names_left_out(
    __name__,
    {
        **INSTEAD,
        "device": "there is only the CPU; device='cpu' is accepted as a string",
        "cuda": "there is only the CPU; write device = 'cpu'",
        "compile": "there is nothing to compile; leave the line out",
        "vmap": "layers and functions take whole batches; torch.autograd.functional has Jacobians",
        "backends": "NumPy computes the same in every run; leave the line out",
    },
)


def __getattr__(name: str) -> object:
    if name == "stability":  # loaded when first used, as are save and load, for the sake of a quick import
        return importlib.import_module(".stability", __name__)
    if name in ("save", "load"):
        return getattr(importlib.import_module(".serialization", __name__), name)
    return _left_out(name)


# PyTorch keeps these under torch.autograd, whose file, the chain rule, is read before theirs here.
vars(autograd).update(
    Function=Function, functional=derivatives, gradcheck=gradcheck, directional_check=directional_check
)
sys.modules[f"{__name__}.autograd.functional"] = derivatives  # for `import torch.autograd.functional`
