"""Programs of the kind found in questions and answers on initialization, and in a short notebook of notes.

Only the import lines are ours. Every test runs with PyTorch too, where it is installed.
"""

import math
import warnings

import pytest
from both_libraries import pytorch

import tinygrad_stab as torch
import tinygrad_stab.nn as nn
import tinygrad_stab.nn.functional as F
import tinygrad_stab.nn.init as init

pytestmark = pytest.mark.usefixtures("either_library")


# --- questions and answers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("fan_in", "fan_out"), [(300, 300), (500, 250), (200, 600)])
def test_xavier_variance(fan_in: int, fan_out: int) -> None:
    """Var W = 2/(fan_in + fan_out): E y²/E x² = fan_in Var W forward, fan_out Var W backward."""
    layer = nn.Linear(fan_in, fan_out, bias=False)
    init.xavier_uniform_(layer.weight)
    v = 2 / (fan_in + fan_out)
    assert layer.weight.var().item() == pytest.approx(v, rel=0.02)
    x = torch.randn(500, fan_in, requires_grad=True)
    y, g = layer(x), torch.randn(500, fan_out)
    y.backward(g)
    assert (y.var() / x.var()).item() == pytest.approx(fan_in * v, rel=0.03)
    assert (x.grad.var() / g.var()).item() == pytest.approx(fan_out * v, rel=0.03)


def test_ranges_and_slopes_of_sigmoid_and_tanh() -> None:
    """Slopes of at most ¼ and 1, next to nothing beyond |x| = 10."""
    for f, low, steepest in ((torch.sigmoid, 0, 0.25), (torch.tanh, -1, 1.0)):
        x = torch.linspace(-10, 10, 201).requires_grad_()
        y = f(x)
        y.sum().backward()
        assert low <= y.min().item() < low + 1e-4
        assert 1 - 1e-4 < y.max().item() <= 1
        assert x.grad.max().item() == pytest.approx(steepest)
        assert x.grad.argmax().item() == 100
        assert x.grad[0].item() < 5e-5


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")  # NumPy's word for what is tested
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.parametrize(("gain", "overflows"), [(1.0, False), (40.0, True)])
def test_too_large_weights_overflow(gain: float, overflows: bool) -> None:
    """40³⁰ is beyond float32: outputs are infinite, then NaN, and a check of the loss sees it."""
    layers = [nn.Linear(32, 32, bias=False) for _ in range(30)]
    for layer in layers:
        init.orthogonal_(layer.weight, gain=gain)
    loss = nn.Sequential(*layers)(torch.randn(4, 32)).pow(2).mean()
    assert (torch.isnan(loss) or torch.isinf(loss)) == overflows
    loss.backward()
    assert torch.isfinite(layers[0].weight.grad).all().item() is not overflows


def test_batchnorm_does_not_notice_the_size_of_the_weights() -> None:
    """BN(c W x) = BN(W x), and the gradient by c W is 1/c of that by W: a large weight moves less."""
    x = torch.randn(32, 8, dtype=torch.float64)
    outputs, gradients = [], []
    w = torch.randn(5, 8, dtype=torch.float64)
    for c in (1, 10, 100):
        scaled = (c * w).requires_grad_()
        y = F.batch_norm(x @ scaled.T, None, None, training=True, eps=1e-12)
        y.pow(3).sum().backward()
        outputs.append(y.detach())
        gradients.append(c * scaled.grad)
    for y, g in zip(outputs, gradients):
        assert torch.allclose(y, outputs[0])
        assert torch.allclose(g, gradients[0])


def test_keras_model_as_a_sequential() -> None:
    """Dense(128, relu) on 64 inputs, softmax at the end."""
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10), nn.Softmax(dim=1))
    for layer in model:
        if isinstance(layer, nn.Linear):
            init.kaiming_normal_(layer.weight, nonlinearity="relu")
            init.zeros_(layer.bias)
    out = model(torch.randn(3, 64))
    assert torch.allclose(out.sum(dim=1), torch.ones(3))
    assert sum(p.numel() for p in model.parameters()) == 64 * 128 + 128 + 128 * 10 + 10
    w = torch.empty(500, 400)
    init.trunc_normal_(w, std=1 / 20)  # Keras' HeNormal cuts at 2 std, PyTorch's kaiming_normal_ does not
    assert init.kaiming_normal_(w, nonlinearity="relu").abs().max().item() > 3 * math.sqrt(2 / 400)
    init.trunc_normal_(w, std=0.05, a=-0.1, b=0.1)
    assert w.abs().max().item() <= 0.1


def custom_model() -> nn.Module:
    class CustomModel(nn.Module):
        def __init__(self) -> None:
            super(CustomModel, self).__init__()  # noqa: UP008 (as it is often written)
            self.fc1 = nn.Linear(64, 128)
            self.relu = nn.ReLU()
            self.fc2 = nn.Linear(128, 64)
            self.fc3 = nn.Linear(64, 10)
            self.apply(self._init_weights)

        def _init_weights(self, module: nn.Module) -> None:
            if isinstance(module, nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

        def forward(self, x):
            x = self.relu(self.fc1(x))
            x = self.relu(self.fc2(x))
            return self.fc3(x)

    return CustomModel()


def test_a_model_that_initializes_itself() -> None:
    model = custom_model()
    for layer in (model.fc1, model.fc2, model.fc3):
        assert layer.weight.std().item() == pytest.approx(math.sqrt(2 / layer.in_features), rel=0.1)
        assert not layer.bias.any()
    assert model(torch.randn(5, 64)).shape == (5, 10)


def test_how_it_prints(capsys: pytest.CaptureFixture) -> None:
    """To the byte, with a relu that is used twice and listed once."""
    print(custom_model())
    assert capsys.readouterr().out == (
        "CustomModel(\n"
        "  (fc1): Linear(in_features=64, out_features=128, bias=True)\n"
        "  (relu): ReLU()\n"
        "  (fc2): Linear(in_features=128, out_features=64, bias=True)\n"
        "  (fc3): Linear(in_features=64, out_features=10, bias=True)\n"
        ")\n"
    )


def test_a_hook_on_a_module_that_is_used_twice_fires_twice() -> None:
    model, shapes = custom_model(), []
    with model.relu.register_forward_hook(lambda m, i, out: shapes.append(tuple(out.shape))):
        model(torch.randn(2, 64))
    model(torch.randn(2, 64))
    assert shapes == [(2, 128), (2, 64)]


# --- notes --------------------------------------------------------------------------------------------------


def test_a_weight_prints_as_a_parameter(capsys: pytest.CaptureFixture) -> None:
    layer = nn.Linear(8, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.linspace(-0.35, 0.35, 8))
    print(layer.weight)
    assert capsys.readouterr().out == (
        "Parameter containing:\n"
        "tensor([[-0.3500, -0.2500, -0.1500, -0.0500,  0.0500,  0.1500,  0.2500,  0.3500]],\n"
        "       requires_grad=True)\n"
    )


def test_kaiming_default_is_that_of_relu() -> None:
    """leaky_relu with slope 0: the same numbers from the same seed."""
    w, v = torch.empty(3, 5), torch.empty(3, 5)
    torch.manual_seed(7)
    init.kaiming_uniform_(w)
    torch.manual_seed(7)
    init.kaiming_uniform_(v, nonlinearity="relu")
    assert torch.allclose(w, v)


def test_kaiming_for_sigmoid_has_gain_one() -> None:
    w = init.kaiming_uniform_(torch.empty(100, 300), nonlinearity="sigmoid")
    bound = math.sqrt(3 / 300)
    assert 0.99 * bound < w.abs().max().item() < 1.000001 * bound


def test_functional_below_nn() -> None:
    x = torch.tensor([-1.0, 0.0, 2.0])
    assert nn.functional.relu(x).tolist() == [0, 0, 2]
    assert nn.functional.elu(x).tolist() == pytest.approx([math.exp(-1) - 1, 0, 2])
    assert torch.nn.functional is nn.functional


def test_elu_against_relu() -> None:
    """For x < 0 a slope of eˣ, and a mean of 0.161 for standard normal z, where ReLU has 0.399."""
    x = torch.tensor([-2.0, -1.0], requires_grad=True)
    F.elu(x).sum().backward()
    assert x.grad.tolist() == pytest.approx([math.exp(-2), math.exp(-1)])
    z = torch.randn(200_000)
    assert nn.ELU()(z).mean().item() == pytest.approx(0.1605, abs=0.01)
    assert nn.ReLU()(z).mean().item() == pytest.approx(1 / math.sqrt(2 * math.pi), abs=0.01)


def test_batchnorm_in_two_steps() -> None:
    """Standardize, then the learned scale and shift."""
    bn, x = nn.BatchNorm1d(1), torch.tensor([[2.0], [4.0], [6.0], [8.0]])
    standardized = (x - x.mean()) / (x.var(unbiased=False) + bn.eps).sqrt()
    assert torch.allclose(bn(x), standardized, atol=1e-6)
    with torch.no_grad():
        bn.weight.fill_(3.0)
        bn.bias.fill_(-1.0)
    assert torch.allclose(bn(x), 3 * standardized - 1, atol=1e-6)


def net_with_mistakes() -> nn.Module:
    class Net2(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc1 = nn.Linear(4, 4)
            self.bn1 = nn.BatchNorm1d(4)

        def forward(self, x):
            self.bn1(self.fc1(x))

    return Net2()


def test_a_misspelled_layer() -> None:
    with pytest.raises(AttributeError, match="'Net2' object has no attribute 'bc1'"):
        _ = net_with_mistakes().bc1


def test_a_forgotten_return(lib) -> None:
    """PyTorch says nothing."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert net_with_mistakes()(torch.randn(8, 4)) is None
    ours = ["forward() of Net2 returned None: is a `return` missing?"]
    assert [str(w.message) for w in caught] == ([] if lib is pytorch else ours)
