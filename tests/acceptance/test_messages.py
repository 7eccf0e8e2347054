"""Messages hold the words that a student would search for: PyTorch's own. Both libraries are asked."""

from collections.abc import Callable
from typing import Any

import pytest
from both_libraries import lib as lib


def _change(view: Any) -> None:
    view += 1


def _load(T: Any, state: dict) -> Any:
    return T.nn.Sequential(T.nn.Linear(7, 5)).load_state_dict(state)


def _clip(T: Any) -> Any:
    p = T.ones(2, requires_grad=True)
    p.grad = T.tensor([float("inf"), 1.0])
    return T.nn.utils.clip_grad_norm_([p], 1.0, error_if_nonfinite=True)


LEAF = r"leaf Variable that requires grad is being used in an in-place operation"
SIZES = r"The size of tensor a \(3\) must match the size of tensor b \(4\) at non-singleton dimension 1"
CALLS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "a leaf": (lambda T: _change(T.ones(2, requires_grad=True)), "a " + LEAF),
    "a row of a leaf": (lambda T: _change(T.ones(2, 2, requires_grad=True)[0]), "a view of a " + LEAF),
    "a view of a leaf": (lambda T: _change(T.ones(2, 2, requires_grad=True).view(4)), "a view of a " + LEAF),
    "bool": (lambda T: bool(T.ones(2)), "Boolean value of Tensor with more than one value is ambiguous"),
    "item": (lambda T: T.ones(2).item(), "a Tensor with 2 elements cannot be converted to Scalar"),
    "float": (lambda T: float(T.ones(2)), "only one element tensors can be converted to Python scalars"),
    "add": (lambda T: T.ones(2, 3) + T.ones(4), SIZES),
    "mul": (lambda T: T.ones(2, 3).mul(T.ones(4)), SIZES),
    "copy_": (lambda T: T.ones(2, 3).copy_(T.ones(4)), SIZES),
    "expand": (lambda T: T.ones(2, 3).expand(4, 3), r"expanded size of the tensor \(4\) must match the "
               r"existing size \(2\) at non-singleton dimension 0.  Target sizes: \[4, 3\].  "),
    "view": (lambda T: T.ones(2, 3).view(4, 2), r"shape '\[4, 2\]' is invalid for input of size 6"),
    "view of the rest": (lambda T: T.ones(2, 3).view(4, -1), r"shape '\[4, -1\]' is invalid for"),
    "cat": (lambda T: T.cat([T.ones(2, 3), T.ones(2, 4)]), "Sizes of tensors must match except in"),
    "stack": (lambda T: T.stack([T.ones(2), T.ones(3)]), "stack expects each tensor to be equal size"),
    "index": (lambda T: T.ones(2)[5], "index 5 is out of bounds for dimension 0 with size 2"),
    "indices": (lambda T: T.ones(2)[0, 0], "too many indices for tensor of dimension 1"),
    "squeeze": (lambda T: T.ones(2, 3).squeeze(5), r"Dimension out of range \(expected to be in"),
    "dot": (lambda T: T.ones(4).dot(T.ones(3)), "inconsistent tensor size"),
    "add_": (lambda T: T.ones(2).add_(T.ones(3, 2)), r"output with shape \[2\] doesn't match the "
             r"broadcast shape \[3, 2\]"),
    "missing": (lambda T: _load(T, {}), r'Missing key\(s\) in state_dict: "0.weight", "0.bias"'),
    "unexpected": (lambda T: _load(T, {"q": T.ones(1)}), r'Unexpected key\(s\) in state_dict: "q"'),
    "size mismatch": (lambda T: _load(T, {"0.weight": T.ones(5, 8), "0.bias": T.ones(5)}),
                      r"size mismatch for 0.weight: .*torch.Size\(\[5, 8\]\) from checkpoint, the shape in "
                      r"current model is torch.Size\(\[5, 7\]\)"),
    "bce": (lambda T: T.nn.functional.binary_cross_entropy(T.rand(3, 1), T.rand(3)), r"Using a target size "
            r"\(torch.Size\(\[3\]\)\) that is different to the input size \(torch.Size\(\[3, 1\]\)\)"),
    "clip": (_clip, "non-finite"),
    "cuda": (lambda T: T.ones(2).to("cuda"), "Torch not compiled with CUDA enabled"),
    "device": (lambda T: T.device("gpu"), "device type at start of device string: gpu"),
    "multinomial": (lambda T: T.multinomial(T.tensor([-1.0, 2.0]), 1), "`inf`, `nan` or element < 0"),
}  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
def test_pytorchs_words(lib: Any, call: str) -> None:
    function, words = CALLS[call]
    if call == "cuda" and lib.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(Exception, match=words):
        function(lib)


def test_a_broadcast_target_is_warned_of_in_pytorchs_words(lib: Any) -> None:
    with pytest.warns(
        UserWarning, match=r"Using a target size \(torch.Size\(\[3\]\)\) that is different to the"
    ):
        lib.nn.functional.mse_loss(lib.rand(3, 1), lib.rand(3))
