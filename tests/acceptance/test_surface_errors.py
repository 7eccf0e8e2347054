"""PyTorch's types of exceptions, and the heart of its messages."""

from collections.abc import Callable
from typing import Any

import pytest
from both_libraries import lib as lib


def integer_grad(T: Any) -> None:
    T.tensor([1, 2], requires_grad=True)


def leaf_in_place(T: Any) -> None:
    x = T.ones(2, requires_grad=True)
    x += 1


def second_backward(T: Any) -> None:
    y = T.ones(2, requires_grad=True).exp().sum()
    y.backward()
    y.backward()


ERRORS: dict[str, tuple[Any, str | None, Callable[[Any], Any]]] = {
    "backward of a vector": (RuntimeError, "grad can be implicitly created only for scalar outputs",
                             lambda T: (T.ones(2, requires_grad=True) * 2).backward()),
    "backward of a constant": (RuntimeError, "does not require grad", lambda T: T.ones(1).backward()),
    "second backward": (RuntimeError, "backward through the graph a second time", second_backward),
    "gradient of integers": (RuntimeError, "floating point.*can require gradients", integer_grad),
    "leaf in place": (RuntimeError, "a leaf Variable that requires grad", leaf_in_place),
    "matrices that do not fit": (RuntimeError, r"mat1 and mat2 shapes cannot be multiplied \(2x3 and 2x3\)",
                                 lambda T: T.mm(T.ones(2, 3), T.ones(2, 3))),
    "linear that does not fit": (RuntimeError, r"mat1 and mat2 shapes cannot be multiplied \(2x4 and 3x2\)",
                                 lambda T: T.nn.Linear(3, 2)(T.ones(2, 4))),
    "shapes that do not broadcast": (RuntimeError, None, lambda T: T.ones(2) + T.ones(3)),
    "reshape": (RuntimeError, None, lambda T: T.ones(6).reshape(4)),
    "index": (IndexError, None, lambda T: T.ones(2)[2]),
    "dim": (IndexError, None, lambda T: T.ones(2).sum(dim=3)),
    "item of many": (RuntimeError, "a Tensor with 2 elements", lambda T: T.ones(2).item()),
    "bool of many": (RuntimeError, None, lambda T: bool(T.ones(2))),
    "float of many": ((RuntimeError, ValueError), None, lambda T: float(T.ones(2))),
    "len of a number": (TypeError, "len\\(\\) of a 0-d tensor", lambda T: len(T.tensor(1.0))),
    "numpy of what requires grad": (RuntimeError, "Can't call numpy",
                                    lambda T: T.ones(1, requires_grad=True).numpy()),
    "rows of different length": (ValueError, None, lambda T: T.tensor([[1.0], [1.0, 2.0]])),
    "tensor of text": ((TypeError, ValueError), None, lambda T: T.tensor("text")),
    "negative learning rate": (ValueError, "Invalid learning rate|Invalid lr",
                               lambda T: T.optim.SGD([T.ones(1, requires_grad=True)], lr=-1)),
    "no parameters": (ValueError, "empty parameter list", lambda T: T.optim.SGD([], lr=0.1)),
    "a parameter that is none": (TypeError, "can only optimize Tensors",
                                 lambda T: T.optim.SGD([1.0], lr=0.1)),
    "kaiming of a bias": (ValueError, "fewer than 2 dimensions",
                          lambda T: T.nn.init.kaiming_normal_(T.ones(3))),
    "kaiming mode": (ValueError, "Mode fan_both not supported",
                     lambda T: T.nn.init.kaiming_normal_(T.ones(3, 3), mode="fan_both")),
    "batch of one": (ValueError, "Expected more than 1 value per channel",
                     lambda T: T.nn.BatchNorm1d(2)(T.ones(1, 2))),
    "input of BatchNorm": (ValueError, "expected 2D or 3D input", lambda T: T.nn.BatchNorm1d(2)(T.ones(2))),
    "input of LayerNorm": (RuntimeError, "normalized_shape", lambda T: T.nn.LayerNorm(3)(T.ones(2, 2))),
    "input of LSTM": (RuntimeError, "input.size\\(-1\\) must be equal to input_size",
                      lambda T: T.nn.LSTM(3, 2)(T.ones(4, 1, 2))),
    "dropout": (ValueError, None, lambda T: T.nn.Dropout(2.0)),
    "not a module": (TypeError, "is not a Module subclass",
                     lambda T: T.nn.Sequential(T.nn.functional.relu)),
    "attribute": (AttributeError, "'Linear' object has no attribute 'wieght'",
                  lambda T: T.nn.Linear(1, 1).wieght),
    "missing keys": (RuntimeError, "Missing key", lambda T: T.nn.Linear(1, 1).load_state_dict({})),
    "plateau factor": (ValueError, "Factor should be < 1.0", lambda T: T.optim.lr_scheduler.ReduceLROnPlateau(
        T.optim.SGD([T.ones(1, requires_grad=True)], lr=0.1), factor=1.5)),
    "unused input": (RuntimeError, None, lambda T: T.autograd.grad(
        T.ones(1, requires_grad=True) * 1, T.ones(1, requires_grad=True))),
    "gradient of another shape": (RuntimeError, None, lambda T: setattr(
        T.ones(2, requires_grad=True), "grad", T.ones(3))),
}  # fmt: skip


@pytest.mark.parametrize("case", ERRORS)
def test_error(lib: Any, case: str) -> None:
    kind, message, provoke = ERRORS[case]
    with pytest.raises(kind, match=message):
        provoke(lib)


def test_step_before_optimizer_step_warns(lib: Any) -> None:
    scheduler = lib.optim.lr_scheduler.StepLR(
        lib.optim.SGD([lib.ones(1, requires_grad=True)], lr=0.1), step_size=1
    )
    with pytest.warns(UserWarning, match=r"`lr_scheduler.step\(\)` before `optimizer.step\(\)`"):
        scheduler.step()
