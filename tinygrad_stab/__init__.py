"""Why gradients vanish or explode in deep networks, and what keeps them stable: a framework small enough to
be read.

Read it in this order. Each file is one idea and imports only from those above it.

    engine/      automatic differentiation: a value that remembers how it was made, and the chain rule
    ops/         the table of derivatives, one file a family
    tensor/      PyTorch's manners over these two: the tensor, its methods, how it is made and printed
    nn/          layers; init.py opens with the variance argument, utils.py is clipping
    optim/       optimizers and learning-rate schedules
    stability/   what all this is for: see it, explain it, name it

    derivatives.py, gradcheck.py, function.py     whole Jacobians; is a gradient right? a step of your own

The names are PyTorch's: `import tinygrad_stab as torch` and go on.
"""

import importlib
import sys
from math import e, inf, nan, pi
from typing import TYPE_CHECKING

# isort: off
# fmt: off
from . import autograd, nn, optim, utils
from .tensor import linalg, random
from .tensor.creation import (
    BoolTensor, ByteTensor, DoubleTensor, FloatTensor, IntTensor, LongTensor, arange, as_tensor, empty,
    empty_like, eye, from_numpy, full, full_like, linspace, logspace, multinomial, normal, ones,
    ones_like, rand, rand_like, randint, randn, randn_like, randperm, tensor, zeros, zeros_like,
)
from .tensor.dtypes import (
    bool, double, float, float16, float32, float64, get_default_dtype, half, int, int32, int64, long,
    set_default_dtype, uint8,
)
from .tensor.devices import (
    accelerator, backends, cuda, device, get_default_device, mps, set_default_device,
    set_float32_matmul_precision, set_num_threads, use_deterministic_algorithms, xpu,
)
from .function import Function
from .tensor.functions import (
    abs, add, all, allclose, amax, amin, any, argmax, argmin, bmm, cat, ceil, chunk, clamp, clamp_max,
    clamp_min, clip, clone, concat, concatenate, cos, cosh, cumsum, diag, div, dot, eq, equal, erf, exp,
    flatten, floor, gather, ge, gt, is_tensor, isfinite, isinf, isnan, le, log, log10, log1p,
    log_softmax, logical_and, logical_not, logical_or, logsumexp, lt, masked_fill, matmul, max, maximum,
    mean, median, meshgrid, min, minimum, mm, mul, mv, ne, neg, norm, numel, permute, pow, quantile,
    reciprocal, relu, reshape, round, rsqrt, sigmoid, sign, sin, sinh, softmax, split, sqrt, square,
    squeeze, stack, std, sub, sum, swapaxes, t, tanh, topk, transpose, unbind, unsqueeze, var, where,
)
from .tensor.grad_mode import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from .gradcheck import directional_check, gradcheck
from .tensor.left_out import INSTEAD, names_left_out
from .tensor.printing import set_printoptions
from .tensor.random import Generator, manual_seed
from .tensor import Size, Tensor

# fmt: on
# isort: on

if TYPE_CHECKING:
    from . import stability
    from .serialization import load, save

__version__ = "0.1.0"  # pyproject.toml reads it here

_left_out = names_left_out(
    __name__,
    {
        **INSTEAD,
        "compile": "there is nothing to compile; leave the line out",
        "jit": "there is nothing to compile; leave the line out",
        "amp": "numbers stay as precise as they are; leave autocast and GradScaler out",
        "autocast": "numbers stay as precise as they are; leave the line out",
        "bfloat16": "write torch.float32, or torch.float16 to see numbers underflow",
        "distributions": "write torch.randn, torch.rand or torch.multinomial",
        "Parameter": "write torch.nn.Parameter",
        "vmap": "layers and functions take whole batches; torch.autograd.functional has Jacobians",
    },
)


def __getattr__(name: str) -> object:
    if name == "stability":  # loaded when first used, as are save and load, for the sake of a quick import
        return importlib.import_module(".stability", __name__)
    if name in ("save", "load"):
        return getattr(importlib.import_module(".serialization", __name__), name)
    return _left_out(name)


def __dir__() -> list[str]:
    return sorted({*globals(), "load", "save", "stability"})


# Where modules were before `engine/` and `tensor/` had their rooms; linalg and random are PyTorch's places.
_FORMER = {
    "graph": "engine.primitive", "hooks": "engine.hooks", "memory": "engine.memory", "sums": "engine.sums",
    "numpy_protocol": "engine.numpy_words", "grad_mode": "tensor.grad_mode", "misfit": "tensor.messages",
    **{name: f"tensor.{name}" for name in (
        "anomaly", "creation", "dtypes", "functions", "inplace", "left_out", "linalg", "methods", "printing",
        "random", "user_code",
    )},
}  # fmt: skip
for _name, _place in _FORMER.items():
    globals()[_name] = sys.modules[f"{__name__}.{_name}"] = importlib.import_module(f".{_place}", __name__)
