"""The first lines of scripts, and other lines met in teaching code: the same in both libraries."""

from typing import Any

import numpy as np
import pytest
from both_libraries import array, pytorch
from both_libraries import lib as lib

import tinygrad_stab

FIRST_LINES = """
torch.manual_seed(0); torch.cuda.manual_seed(0); torch.cuda.manual_seed_all(0); torch.cuda.empty_cache()
torch.backends.cudnn.deterministic = True; torch.backends.cudnn.benchmark = False
torch.set_num_threads(1)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
name = "mps" if torch.backends.mps.is_available() else "cuda" if torch.cuda.device_count() else "cpu"
found = torch.accelerator.current_accelerator().type if torch.accelerator.is_available() else "cpu"
said = f"{device} {device.type} {str(device)} {name} {found} {torch.device('cuda:1')!r}"
net = nn.Sequential(nn.Linear(2, 3, device=device), nn.BatchNorm1d(3, device=device), nn.ReLU()).to(device)
x = torch.ones(4, 2, device=device, requires_grad=True).to(device, non_blocking=True).cpu()
where = [str(x.device), str(next(net.parameters()).device), str(net(x).device), str(x.grad_fn)]
same = torch.zeros(2, device=None).device == torch.device("cpu")
moved = torch.tensor([1, 2]).to(device=device, dtype=torch.float64).type(torch.FloatTensor).type(torch.long)
"""


def _run(torch: Any, lines: str) -> dict[str, Any]:
    names = {"torch": torch, "nn": torch.nn, "F": torch.nn.functional, "np": np}
    exec(lines, names)
    return names


def test_first_lines(lib: Any) -> None:
    if lib.cuda.is_available() or lib.backends.mps.is_available():
        pytest.skip("this machine has a GPU")
    names = _run(lib, FIRST_LINES)
    assert names["said"] == "cpu cpu cpu cpu cpu device(type='cuda', index=1)"
    assert names["where"] == ["cpu", "cpu", "cpu", "None"]
    assert names["same"]
    assert names["moved"].tolist() == [1, 2]


def test_cudnn_can_be_imported_by_its_path() -> None:
    import tinygrad_stab.backends.cudnn as module
    from tinygrad_stab.backends import cudnn

    assert cudnn is module is tinygrad_stab.backends.cudnn
    assert not module.is_available()


@pytest.mark.parametrize("call", ["x.to('cuda')", "x.cuda()", "torch.ones(2, device='cuda')", "net.cuda()"])
def test_a_gpu_is_refused(call: str) -> None:
    torch = tinygrad_stab
    with pytest.raises(RuntimeError, match=r"no device 'cuda' here.*torch\.device\(.*is_available"):
        eval(call, {"torch": torch, "x": torch.ones(2), "net": torch.nn.ReLU()})


# Values of names met in teaching code, where X is [[1, −2, 3], [0.5, 4, −1]] and V = [0, 1, 2, 3].
VALUES = """
torch.exp(input=X)
torch.pow(X.abs(), exponent=2)
torch.pow(2, V)
torch.add(X, X, alpha=2)
torch.sub(X, X, alpha=3)
X.add(1, alpha=2)
torch.eq(X, other=1.0)
torch.reshape(X, shape=(3, 2))
torch.permute(X, dims=(1, 0))
X.permute(dims=(1, 0))
X.view(size=(3, 2))
X[:, :1].expand(size=(2, 4))
torch.mm(X, mat2=X.T)
torch.dot(V, tensor=V)
torch.split(V, split_size_or_sections=[1, 3])[1]
torch.max(X, other=-X)
X.min(other=torch.zeros(3))
X.type(torch.double)
X.nelement() + torch.numel(X)
torch.topk(X, 2).values
torch.topk(X, 2, dim=1, largest=False).indices
X.topk(1, dim=0)[1]
torch.meshgrid(V, X[0], indexing="xy")[0]
torch.meshgrid(V, X[0], indexing="ij")[1]
X.sinh() + torch.cosh(X)
torch.bmm(X.reshape(2, 3, 1), X.reshape(2, 1, 3))
torch.mv(X, X[0])
X.new_zeros(2, 2) + X.new_ones((2, 2))
torch.FloatTensor([1, 2]) + torch.LongTensor([1, 2])
X.clamp_min(0) + torch.clamp_max(X, 1)
torch.diag(V)
torch.diag(V, 1)
torch.diag(X)
X.diag(-1)
torch.logical_and(X > 0, X < 3)
torch.logical_or(X > 3, V[:3] > 1)
torch.logical_not(X > 0)
nn.HuberLoss(delta=0.5)(X, torch.zeros(2, 3))
F.huber_loss(X, torch.zeros(2, 3), reduction="sum", delta=2.0)
X.unbind(1)[2]
torch.concat([X, X], dim=1)
X.abs().rsqrt()
torch.reciprocal(X)
7 // V[1:]
True & (X > 0)
7 % V[1:]
torch.autograd.Variable(X, requires_grad=True).sin()
nn.BCEWithLogitsLoss(pos_weight=torch.tensor([2.0, 1.0, 0.5]))(X, (X > 0).float())
nn.BCEWithLogitsLoss(weight=torch.tensor([2.0, 1.0, 0.5]), reduction="sum")(X, (X > 0).float())
nn.LSTM(2, 3, dtype=torch.float64)(torch.zeros(1, 1, 2).double())[0].shape
nn.BatchNorm1d(3, dtype=torch.float64)(X.double())
torch.randn(3, requires_grad=True).requires_grad
torch.normal(0.0, 1.0, (2, 3), requires_grad=True).requires_grad
torch.multinomial(torch.tensor([0.0, 1.0, 0.0]), 4, replacement=True)
torch.multinomial(torch.tensor([[0.0, 2.0], [3.0, 0.0]]), num_samples=1)
torch.multinomial(torch.ones(4), 4).sum()
"""


@pytest.mark.skipif(pytorch is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("line", VALUES.strip().splitlines())
def test_a_line_gives_what_pytorch_gives(line: str) -> None:
    lines = "X = torch.tensor([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]]); V = torch.arange(4.0)\ny = " + line
    here, there = (_run(library, lines)["y"] for library in (tinygrad_stab, pytorch))
    if isinstance(here, tinygrad_stab.Tensor):
        assert str(here.dtype) == str(there.dtype).removeprefix("torch.")
        np.testing.assert_allclose(array(here), array(there), rtol=2e-6, atol=1e-7)
    else:
        assert here == there


def test_multinomial_draws_in_proportion(lib: Any) -> None:
    p = lib.tensor([1.0, 0.0, 3.0])
    drawn = array(lib.multinomial(p, 4000, replacement=True))
    assert abs((drawn == 2).mean() - 0.75) < 0.03  # four standard deviations of a share over 4000 draws
    assert not (drawn == 1).any()
    once = np.array([array(lib.multinomial(p, 2)) for _ in range(800)])
    assert sorted(map(int, set(once.ravel()))) == [0, 2]
    assert abs((once[:, 0] == 2).mean() - 0.75) < 0.0613
    with pytest.raises(RuntimeError, match=r"invalid multinomial distribution"):
        lib.multinomial(0 * p, 1)


def test_gradients_saved_in_an_attribute(lib: Any) -> None:
    x = lib.ones(2, requires_grad=True)
    x.g = lib.ones(2)
    x.sum().backward()
    assert (x.grad == x.g).all()
    del x.grad
    assert x.grad is None
    assert lib.tensor(1.0) == pytest.approx(1.0)


def test_a_misspelt_requires_grad_is_asked_about() -> None:
    for name in ("require_grad", "required_grad", "requires_gradient"):
        with pytest.raises(AttributeError, match="Did you mean: 'requires_grad'"):
            setattr(tinygrad_stab.nn.Parameter(tinygrad_stab.ones(2)), name, False)


def test_a_person_at_a_keyboard_finds_things() -> None:
    torch = tinygrad_stab
    assert {"save", "load", "stability", "cuda", "tanh"} <= set(dir(torch))
    assert (torch.tanh.__name__, torch.tanh.__doc__) == ("tanh", torch.Tensor.tanh.__doc__)
    functions = [f for name, f in vars(torch).items() if callable(f) and not name.startswith("_")]
    assert [f for f in functions if not f.__doc__] == []
    methods = [name for name in dir(torch.Tensor) if not name.startswith("_")]
    methods = [name for name in methods if name not in ("array", "node")]  # the engine's
    assert [name for name in methods if not getattr(torch.Tensor, name).__doc__ and not _left_out(name)] == []


def _left_out(name: str) -> bool:
    return not hasattr(tinygrad_stab.ones(2), name)


def test_anomalies_are_looked_for_from_here_on_or_in_a_block(lib: Any) -> None:
    with lib.autograd.set_detect_anomaly(True):
        assert _raises_at_nan(lib)
    assert not _raises_at_nan(lib)
    lib.autograd.set_detect_anomaly(True)
    assert _raises_at_nan(lib)
    lib.autograd.set_detect_anomaly(False)
    assert not _raises_at_nan(lib)


def _raises_at_nan(lib: Any) -> bool:
    x = lib.zeros(1, requires_grad=True)
    try:
        with np.errstate(all="ignore"):
            (x.sqrt() * 0).sum().backward()
    except RuntimeError:
        return True
    return False
