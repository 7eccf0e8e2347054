"""`torch.autograd`: PyTorch's names for the chain rule, which is to be read in `engine/`."""

import sys

from . import derivatives as functional
from .engine.switches import enable_grad, no_grad
from .function import Function
from .gradcheck import directional_check, gradcheck
from .tensor.anomaly import detect_anomaly, set_detect_anomaly
from .tensor.autograd import Variable, backward, grad
from .tensor.grad_mode import inference_mode, set_grad_enabled

__all__ = [
    "Function", "Variable", "backward", "detect_anomaly", "directional_check", "enable_grad", "functional",
    "grad", "gradcheck", "inference_mode", "no_grad", "set_detect_anomaly", "set_grad_enabled",
]  # fmt: skip

sys.modules[f"{__name__}.functional"] = functional  # for `import torch.autograd.functional`
