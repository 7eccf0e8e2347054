"""print(model) prints what PyTorch prints, byte for byte: the same strings are expected of both libraries."""

from collections import OrderedDict
from typing import Any

import pytest

LAYERS = {
    "Linear(3, 4)": "Linear(in_features=3, out_features=4, bias=True)",
    "Linear(3, 4, bias=False)": "Linear(in_features=3, out_features=4, bias=False)",
    "Identity()": "Identity()",
    "Sigmoid()": "Sigmoid()",
    "Tanh()": "Tanh()",
    "ReLU()": "ReLU()",
    "ReLU(inplace=True)": "ReLU(inplace=True)",
    "LeakyReLU()": "LeakyReLU(negative_slope=0.01)",
    "LeakyReLU(0.2, inplace=True)": "LeakyReLU(negative_slope=0.2, inplace=True)",
    "ELU()": "ELU(alpha=1.0)",
    "ELU(2, inplace=True)": "ELU(alpha=2, inplace=True)",
    "SELU()": "SELU()",
    "SELU(inplace=True)": "SELU(inplace=True)",
    "SiLU()": "SiLU()",
    "GELU()": "GELU(approximate='none')",
    "GELU('tanh')": "GELU(approximate='tanh')",
    "Softplus()": "Softplus(beta=1.0, threshold=20.0)",
    "PReLU()": "PReLU(num_parameters=1)",
    "PReLU(3)": "PReLU(num_parameters=3)",
    "Softmax(dim=1)": "Softmax(dim=1)",
    "Softmax()": "Softmax(dim=None)",
    "LogSoftmax(dim=-1)": "LogSoftmax(dim=-1)",
    "BatchNorm1d(3)":
        "BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)",
    "BatchNorm1d(3, eps=0.1, momentum=None, affine=False, track_running_stats=False)":
        "BatchNorm1d(3, eps=0.1, momentum=None, affine=False, bias=False, track_running_stats=False)",
    "BatchNorm1d(3, bias=False)":
        "BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, bias=False, track_running_stats=True)",
    "GroupNorm(2, 4, bias=False)": "GroupNorm(2, 4, eps=1e-05, affine=True, bias=False)",
    "LayerNorm(3)": "LayerNorm((3,), eps=1e-05, elementwise_affine=True, bias=True)",
    "LayerNorm([3, 4], bias=False)": "LayerNorm((3, 4), eps=1e-05, elementwise_affine=True, bias=False)",
    "LayerNorm(3, elementwise_affine=False)":
        "LayerNorm((3,), eps=1e-05, elementwise_affine=False, bias=False)",
    "RNNCell(3, 4)": "RNNCell(3, 4)",
    "RNNCell(3, 4, bias=False)": "RNNCell(3, 4, bias=False)",
    "RNNCell(3, 4, nonlinearity='relu')": "RNNCell(3, 4, nonlinearity=relu)",
    "RNN(3, 4)": "RNN(3, 4)",
    "RNN(3, 4, 2, nonlinearity='relu', batch_first=True)": "RNN(3, 4, num_layers=2, batch_first=True)",
    "LSTMCell(3, 4)": "LSTMCell(3, 4)",
    "LSTMCell(3, 4, bias=False)": "LSTMCell(3, 4, bias=False)",
    "LSTM(3, 4)": "LSTM(3, 4)",
    "LSTM(3, 4, 2, batch_first=True)": "LSTM(3, 4, num_layers=2, batch_first=True)",
    "LSTM(3, 4, bias=False)": "LSTM(3, 4, bias=False)",
    "MSELoss()": "MSELoss()",
    "CrossEntropyLoss()": "CrossEntropyLoss()",
    "BCEWithLogitsLoss()": "BCEWithLogitsLoss()",
    "Sequential()": "Sequential()",
    "ModuleList()": "ModuleList()",
}  # fmt: skip


@pytest.mark.parametrize("layer", LAYERS)
def test_layers(lib: Any, layer: str) -> None:
    assert repr(eval(f"nn.{layer}", {"nn": lib.nn})) == LAYERS[layer]


def test_a_model_with_one_relu_used_twice(lib: Any) -> None:
    """The model of the teaching notes that the names and the layout of this library follow."""

    class CustomModel(lib.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc1 = lib.nn.Linear(64, 128)
            self.fc2 = lib.nn.Linear(128, 64)
            self.fc3 = lib.nn.Linear(64, 10)
            self.relu = lib.nn.ReLU()

    assert (
        repr(CustomModel())
        == """\
CustomModel(
  (fc1): Linear(in_features=64, out_features=128, bias=True)
  (fc2): Linear(in_features=128, out_features=64, bias=True)
  (fc3): Linear(in_features=64, out_features=10, bias=True)
  (relu): ReLU()
)"""
    )


def test_nested_models(lib: Any) -> None:
    nn = lib.nn
    block = nn.Sequential(OrderedDict(norm=nn.LayerNorm(2), act=nn.ReLU()))
    assert (
        repr(nn.Sequential(nn.Linear(2, 2), block, nn.ModuleList([nn.Tanh()])))
        == """\
Sequential(
  (0): Linear(in_features=2, out_features=2, bias=True)
  (1): Sequential(
    (norm): LayerNorm((2,), eps=1e-05, elementwise_affine=True, bias=True)
    (act): ReLU()
  )
  (2): ModuleList(
    (0): Tanh()
  )
)"""
    )


def test_like_layers_of_a_module_list_are_counted(lib: Any) -> None:
    nn = lib.nn
    pairs = [nn.Sequential(nn.Linear(2, 2), nn.ReLU()) for _ in range(2)]
    assert (
        repr(nn.ModuleList([nn.Tanh(), nn.Tanh(), nn.Tanh(), nn.ReLU(), nn.Tanh(), *pairs]))
        == """\
ModuleList(
  (0-2): 3 x Tanh()
  (3): ReLU()
  (4): Tanh()
  (5-6): 2 x Sequential(
    (0): Linear(in_features=2, out_features=2, bias=True)
    (1): ReLU()
  )
)"""
    )


def test_what_a_model_says_of_itself_stands_before_its_layers(lib: Any) -> None:
    class Scaled(lib.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.relu = lib.nn.ReLU()

        def extra_repr(self) -> str:
            return "gain=2\nbias=0"

    assert repr(Scaled()) == "Scaled(\n  gain=2\n  bias=0\n  (relu): ReLU()\n)"


def test_a_parameter(lib: Any) -> None:
    weight = lib.nn.Parameter(lib.tensor([[0.5, -0.25]]))
    assert repr(weight) == "Parameter containing:\ntensor([[ 0.5000, -0.2500]], requires_grad=True)"
    fixed = lib.nn.Parameter(lib.ones(2), requires_grad=False)
    assert repr(fixed) == "Parameter containing:\ntensor([1., 1.])"
