"""PyTorch's manners over the engine: the tensor, its operators and methods, how it is made and printed."""

from . import manners  # fills the engine's slot
from .tensor import Size, Tensor, rebuilt
