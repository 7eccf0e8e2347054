"""The part of PyTorch that exists here: names, argument names in order, and defaults.

The table is written after PyTorch 2.13, and where that is installed it is compared with it, too. Left out are
devices and dtypes of layers, and what asks for other machinery (foreach, fused, …).
"""

import inspect
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from both_libraries import lib as lib
from both_libraries import pytorch

import tinygrad_stab as torch
import tinygrad_stab.nn as nn
import tinygrad_stab.nn.functional as F
import tinygrad_stab.nn.init as init
import tinygrad_stab.optim as optim

SIGNATURES = """
nn.Module.apply(fn)
nn.Module.parameters(recurse=True)
nn.Module.named_parameters(prefix='', recurse=True, remove_duplicate=True)
nn.Module.named_buffers(prefix='', recurse=True, remove_duplicate=True)
nn.Module.modules()
nn.Module.named_modules(memo=None, prefix='', remove_duplicate=True)
nn.Module.train(mode=True)
nn.Module.eval()
nn.Module.register_forward_hook(hook, *, prepend=False, with_kwargs=False, always_call=False)
nn.Module.register_forward_pre_hook(hook, *, prepend=False, with_kwargs=False)
nn.Module.register_full_backward_hook(hook, prepend=False)
nn.Module.extra_repr()
nn.Module.children()
nn.Module.named_children()
nn.Module.buffers(recurse=True)
nn.Module.register_buffer(name, tensor, persistent=True)
nn.Module.register_parameter(name, param)
nn.Module.add_module(name, module)
nn.Module.get_submodule(target)
nn.Module.zero_grad(set_to_none=True)
nn.Module.requires_grad_(requires_grad=True)
nn.Module.state_dict()
nn.Module.load_state_dict(state_dict, strict=True)
nn.ModuleList(modules=None)
nn.ModuleList.append(module)
nn.ModuleList.extend(modules)
nn.ModuleList.insert(index, module)
nn.ModuleDict(modules=None)
nn.Flatten(start_dim=1, end_dim=-1)
nn.Dropout(p=0.5, inplace=False)
nn.Linear(in_features, out_features, bias=True)
nn.ReLU(inplace=False)
nn.LeakyReLU(negative_slope=0.01, inplace=False)
nn.PReLU(num_parameters=1, init=0.25)
nn.ELU(alpha=1.0, inplace=False)
nn.Softmax(dim=None)
nn.LogSoftmax(dim=None)
nn.SELU(inplace=False)
nn.GELU(approximate='none')
nn.SiLU(inplace=False)
nn.Softplus(beta=1.0, threshold=20.0)
nn.Hardtanh(min_val=-1.0, max_val=1.0, inplace=False)
nn.BatchNorm1d(num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True)
nn.BatchNorm2d(num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True)
nn.LayerNorm(normalized_shape, eps=1e-5, elementwise_affine=True, bias=True)
nn.GroupNorm(num_groups, num_channels, eps=1e-5, affine=True)
nn.RMSNorm(normalized_shape, eps=None, elementwise_affine=True)
nn.Conv2d(in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True, \
padding_mode='zeros')
nn.MaxPool2d(kernel_size, stride=None, padding=0)
nn.AvgPool2d(kernel_size, stride=None, padding=0)
nn.LSTM(input_size, hidden_size, num_layers=1, bias=True, batch_first=False)
nn.LSTMCell(input_size, hidden_size, bias=True)
nn.RNN(input_size, hidden_size, num_layers=1, nonlinearity='tanh', bias=True, batch_first=False)
nn.RNNCell(input_size, hidden_size, bias=True, nonlinearity='tanh')
nn.MSELoss(*, reduction='mean')
nn.CrossEntropyLoss(weight=None, *, ignore_index=-100, reduction='mean', label_smoothing=0.0)
nn.BCELoss(weight=None, *, reduction='mean')
nn.BCEWithLogitsLoss(*, reduction='mean')
nn.NLLLoss(weight=None, *, ignore_index=-100, reduction='mean')
nn.L1Loss(*, reduction='mean')
nn.SmoothL1Loss(*, reduction='mean', beta=1.0)
nn.functional.relu(input, inplace=False)
nn.functional.elu(input, alpha=1.0, inplace=False)
nn.functional.leaky_relu(input, negative_slope=0.01, inplace=False)
nn.functional.sigmoid(input)
nn.functional.tanh(input)
nn.functional.softmax(input, dim=None)
nn.functional.log_softmax(input, dim=None)
nn.functional.mse_loss(input, target, *, reduction='mean')
nn.functional.cross_entropy(input, target, weight=None, *, ignore_index=-100, reduction='mean', \
label_smoothing=0.0)
nn.functional.layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5)
nn.functional.batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, \
momentum=0.1, eps=1e-5)
nn.functional.dropout(input, p=0.5, training=True, inplace=False)
nn.functional.normalize(input, p=2.0, dim=1, eps=1e-12)
nn.init.kaiming_uniform_(tensor, a=0, mode='fan_in', nonlinearity='leaky_relu', generator=None)
nn.init.kaiming_normal_(tensor, a=0, mode='fan_in', nonlinearity='leaky_relu', generator=None)
nn.init.xavier_uniform_(tensor, gain=1.0, generator=None)
nn.init.xavier_normal_(tensor, gain=1.0, generator=None)
nn.init.normal_(tensor, mean=0.0, std=1.0, generator=None)
nn.init.uniform_(tensor, a=0.0, b=1.0, generator=None)
nn.init.zeros_(tensor)
nn.init.ones_(tensor)
nn.init.constant_(tensor, val)
nn.init.eye_(tensor)
nn.init.orthogonal_(tensor, gain=1, generator=None)
nn.init.trunc_normal_(tensor, mean=0.0, std=1.0, a=-2.0, b=2.0, generator=None)
nn.init.sparse_(tensor, sparsity, std=0.01, generator=None)
nn.init.dirac_(tensor)
nn.init.calculate_gain(nonlinearity, param=None)
nn.init._calculate_fan_in_and_fan_out(tensor)
nn.utils.clip_grad_norm_(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False)
nn.utils.clip_grad_value_(parameters, clip_value)
nn.utils.get_total_norm(tensors, norm_type=2.0, error_if_nonfinite=False)
nn.utils.clip_grads_with_norm_(parameters, max_norm, total_norm)
nn.utils.parameters_to_vector(parameters)
nn.utils.vector_to_parameters(vec, parameters)
optim.SGD(params, lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False, *, maximize=False)
optim.Adam(params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False, *, maximize=False)
optim.AdamW(params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01, amsgrad=False, *, \
maximize=False)
optim.RMSprop(params, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0, centered=False)
optim.Optimizer.zero_grad(set_to_none=True)
optim.Optimizer.step(closure=None)
optim.Optimizer.state_dict()
optim.Optimizer.load_state_dict(state_dict)
optim.Optimizer.add_param_group(param_group)
optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode='min', factor=0.1, patience=10, threshold=1e-4, \
threshold_mode='rel', cooldown=0, min_lr=0, eps=1e-8)
optim.lr_scheduler.ReduceLROnPlateau.step(metrics)
optim.lr_scheduler.ReduceLROnPlateau.get_last_lr()
optim.lr_scheduler.LambdaLR(optimizer, lr_lambda, last_epoch=-1)
optim.lr_scheduler.LinearLR(optimizer, start_factor=1 / 3, end_factor=1.0, total_iters=5, last_epoch=-1)
optim.lr_scheduler.StepLR(optimizer, step_size, gamma=0.1, last_epoch=-1)
optim.lr_scheduler.ExponentialLR(optimizer, gamma, last_epoch=-1)
optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max, eta_min=0.0, last_epoch=-1)
optim.lr_scheduler.SequentialLR(optimizer, schedulers, milestones)
utils.data.random_split(dataset, lengths)
autograd.grad(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False, *, allow_unused=None)
autograd.backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False, *, inputs=None)
autograd.gradcheck(func, inputs, *, eps=1e-6, atol=1e-5, rtol=1e-3, raise_exception=True)
autograd.detect_anomaly(check_nan=True)
autograd.set_detect_anomaly(mode)
autograd.functional.jacobian(func, inputs, create_graph=False)
autograd.functional.vjp(func, inputs, v=None, create_graph=False)
autograd.functional.hvp(func, inputs, v=None, create_graph=False)
Tensor.backward(gradient=None, retain_graph=None, create_graph=False, inputs=None)
Tensor.norm(p='fro', dim=None, keepdim=False)
save(obj, f)
load(f)
"""


def resolve(library: Any, path: str) -> Any:
    for name in path.split("."):
        library = getattr(library, name)
    return library


ROWS = dict(line.rstrip(")").split("(", 1) for line in SIGNATURES.strip().splitlines())


def assert_takes(function: Callable, arguments: str) -> None:
    """It takes these arguments, by these names, with these defaults, and the positional ones in this order.

    What else it takes has a default and comes after them.
    """
    wanted = inspect.signature(eval(f"lambda {arguments}: None")).parameters
    found = dict(inspect.signature(function).parameters)
    found.pop("self", None)
    assert wanted.keys() <= found.keys()
    for name, parameter in wanted.items():
        assert found[name].default == parameter.default, name
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            assert found[name].kind is parameter.kind, name
    positional = [name for name, p in wanted.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert list(found)[: len(positional)] == positional
    for name in found.keys() - wanted.keys():
        assert found[name].default is not inspect.Parameter.empty or found[name].kind in (
            inspect.Parameter.VAR_POSITIONAL,
            inspect.Parameter.VAR_KEYWORD,
        )


@pytest.mark.parametrize("path", ROWS)
def test_signature(path: str) -> None:
    assert_takes(resolve(torch, path), ROWS[path])


# Their signatures cannot be read, or say *args, **kwargs.
OPAQUE = {"nn.LSTM", "nn.RNN", "nn.Module.state_dict"}


@pytest.mark.skipif(pytorch is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("path", sorted(ROWS.keys() - OPAQUE))
def test_the_table_is_pytorchs(path: str) -> None:
    assert_takes(resolve(pytorch, path), ROWS[path])


# --- names, after `import tinygrad_stab as torch` alone -----------------------------------------------------

NAMES = """
manual_seed randn ones zeros no_grad tensor as_tensor from_numpy rand randint randperm normal arange linspace
logspace empty full eye zeros_like ones_like full_like rand_like randn_like cat stack where sigmoid tanh relu
exp log sqrt abs clamp matmul mm sum mean var std max min argmax norm allclose isnan isinf isfinite
linalg.norm linalg.svdvals is_tensor save load set_printoptions float32 float64 int64 bool Size Generator
enable_grad is_grad_enabled inference_mode Tensor nn.Parameter nn.Module nn.Sequential nn.Identity nn.Sigmoid
nn.Tanh
nn.functional.linear nn.functional.conv2d nn.functional.prelu utils.data.DataLoader utils.data.Dataset
utils.data.TensorDataset autograd.Function nn.utils.clip_grad_norm_ nn.init.kaiming_uniform_ optim.Adam
optim.lr_scheduler.StepLR stability
"""

METHODS = """
backward grad data shape item norm mean std pow sum float view reshape T t transpose permute flatten squeeze
unsqueeze expand size dim ndim numel numpy tolist detach clone cpu to double requires_grad_ retain_grad
register_hook is_leaf grad_fn zero_ fill_ mul_ add_ sub_ copy_ uniform_ normal_ clamp_ clamp abs max min
argmax var median quantile any all log10 tanh sigmoid relu exp log long bool __format__ __array__ __len__
__iter__ __float__ __int__ __bool__ __getitem__ requires_grad dtype
"""


def test_one_import_line_is_enough() -> None:
    program = "import tinygrad_stab as torch, functools, sys\n" + "\n".join(
        f"torch.{n}" for n in NAMES.split()
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_submodules_are_what_the_import_lines_name() -> None:
    assert (torch.nn, torch.nn.functional, torch.nn.init, torch.optim) == (nn, F, init, optim)


@pytest.mark.parametrize("name", ["nn.functional.one_hot", "empty_like"])
def test_name(name: str) -> None:
    resolve(torch, name)


@pytest.mark.parametrize("name", METHODS.split())
def test_tensor_has(name: str) -> None:
    assert hasattr(torch.Tensor, name)


LEFT_OUT = """
nn.Embedding nn.GRU nn.KLDivLoss nn.functional.kl_div optim.Adagrad optim.lr_scheduler.MultiStepLR
optim.lr_scheduler.OneCycleLR einsum histc
"""


@pytest.mark.parametrize("name", LEFT_OUT.split())
def test_what_is_left_out_says_why(name: str) -> None:
    with pytest.raises(AttributeError, match="left out"):
        resolve(torch, name)
