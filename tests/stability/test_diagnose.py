"""Every sick net of the zoo is named, every healthy one gets a clean bill, and fixes are proved."""

import copy
import math

import numpy as np
import pytest
from zoo import HEALTHY, SICK, Case, data, mlp

import tinygrad_stab as torch
from tinygrad_stab import nn
from tinygrad_stab.nn import functional as F
from tinygrad_stab.stability.diagnose import Diagnosis, diagnose

SIZES = [(32, 3, 64), (16, 4, 16), (128, 6, 256)]  # width, depth, batch


def examined(case: Case, **options) -> Diagnosis:
    return diagnose(case.model, case.x, case.y, case.loss_fn, optimizer=case.optimizer, **options)


def made(make, size=SIZES[0], seed=0) -> Case:
    torch.manual_seed(seed)
    return make(*size, seed)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", SICK)
def test_the_sick_are_named(name, size):
    pathology, make = SICK[name]
    assert examined(made(make, size)).pathologies == [pathology]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", HEALTHY)
def test_the_healthy_get_a_clean_bill(name, size):
    found = examined(made(HEALTHY[name], size))
    assert found.healthy, found


@pytest.mark.parametrize("scale", [1e-4, 1e4])
def test_the_unit_of_the_loss_does_not_matter(scale):
    for name, expected in [(n, [p]) for n, (p, _) in SICK.items()] + [(n, []) for n in HEALTHY]:
        case = made(SICK[name][1] if expected else HEALTHY[name], (16, 3, 32), seed=1)
        if "layers" in name or (expected and case.optimizer):  # slow; or about steps, which do depend on it
            continue
        found = diagnose(case.model, case.x, case.y, lambda a, b, f=case.loss_fn: f(a, b) * scale)
        assert found.pathologies == expected, (name, found)


def test_evidence_is_on_the_wrong_side_of_its_limit():
    below = {"vanishing", "vanishing through time", "loss at chance", "step too small",
             "batch too small for BatchNorm", "bias before BatchNorm"}  # fmt: skip
    for pathology, make in SICK.values():
        if pathology == "non-finite":
            continue
        (finding,) = examined(made(make, (16, 3, 32)))
        assert (finding.measured < finding.limit) == (finding.pathology in below)


# --- the proof ----------------------------------------------------------------------------------------------

# What a fix is good for need not show in the loss of a few steps.
ONLY_GONE = {"bias before BatchNorm", "loss above chance"}

# Thirty ReLU layers are restless: with the fix SGD takes the loss from 1.571 to between 0.62 and 3.3 in 100
# to 300 steps, as the kernel and the seed have it. That the finding is gone does not depend on them.
RESTLESS = {"relu_with_xavier_weights"}


@pytest.mark.parametrize("name", [n for n, (p, _) in SICK.items() if p != "disconnected parameters"])
def test_the_fix_cures(name):
    (finding,) = examined(made(SICK[name][1]), prove=True, steps=30)
    assert finding.gone
    assert math.isfinite(finding.with_fix)
    if finding.pathology not in ONLY_GONE and name not in RESTLESS:
        assert finding.helps


def test_the_line_that_is_shown_is_the_line_that_was_run():
    case = made(SICK["relu_with_biases_of_minus_five"][1])
    (finding,) = examined(case)
    exec(finding.fix, {"model": case.model, "nn": nn})
    assert examined(case).healthy


def test_a_fix_for_the_hand_is_not_proved():
    (finding,) = examined(made(SICK["graph_cut_by_detach"][1]), prove=True)
    assert finding.fix.startswith("#")
    assert finding.without is finding.with_fix is finding.gone is None


def test_without_a_proof_nothing_is_said_about_the_loss():
    (finding,) = examined(made(SICK["weights_of_zero"][1]))
    assert finding.without is None
    assert "proof" not in repr(examined(made(SICK["weights_of_zero"][1])))


# --- numbers ------------------------------------------------------------------------------------------------


def test_vanishing_is_measured_beside_theory():
    """ReLU at σ_w² = 1 multiplies by √½ a layer; 29 layers apart, by 2^-14.5."""
    torch.manual_seed(0)
    x, y = data(64, 0)
    (finding,) = diagnose(mlp(256, 30, nn.ReLU, 1.0), x, y)
    assert abs(math.log2(finding.measured) + 14.5) < 1.5
    assert "theory 0.707" in finding.evidence
    assert "σ_w² = 1, and ReLU keeps gradients at 2" in finding.cause


def test_zeros_are_not_deaths():
    """Half of a healthy net's outputs are 0 (DEMOS' sparsity is not death), and no unit is called dead."""
    case = made(HEALTHY["he_relu"])
    assert 0.35 < np.mean(case.model[1](case.model[0](case.x)).array == 0) < 0.65
    assert examined(case).healthy


def test_where_samples_look_alike_silence_is_no_death():
    """On copies of nearly one sample half of all units are silent, for a healthy net."""
    torch.manual_seed(0)
    x, y = data(64, 0)
    x = torch.tensor(x.array[:1] + 0.01 * x.array)
    model = mlp(64, 1, nn.ReLU, 2.0)
    silent = np.mean(np.all(model[1](model[0](x)).array == 0, axis=0))
    assert silent > 0.3
    assert "dead units" not in diagnose(model, x, y).pathologies


@pytest.mark.parametrize(
    ("rate", "name"), [(0.01, None), (0.1, None), (30.0, "step too large"), (1e-9, "step too small")]
)
def test_steps_are_judged_by_what_they_do(rate, name):
    case = made(HEALTHY["he_relu"])
    found = examined(case._replace(optimizer=torch.optim.SGD(case.model.parameters(), lr=rate)))
    assert found.pathologies == ([name] if name else [])


def test_binary_targets_and_numbers_have_a_chance_level_too():
    torch.manual_seed(0)
    x, _ = data(64, 0)
    y = torch.tensor((x.array[:, :5] > 0).astype(np.float32))
    model = mlp(32, 2, nn.ReLU, 2.0)
    assert diagnose(model, x, y, F.binary_cross_entropy_with_logits).healthy
    nn.init.normal_(model[-1].weight, std=100.0)
    for loss_fn in (F.binary_cross_entropy_with_logits, F.mse_loss):
        assert diagnose(model, x, y, loss_fn).pathologies == ["loss above chance"]


# --- manners ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["he_relu", "batchnorm_relu", "dropout_leaky_relu", "lstm_that_remembers"])
def test_the_model_is_left_as_it_was(name, snapshot):
    case = made(HEALTHY[name])
    case.loss_fn(case.model(case.x), case.y).backward()
    case.model.eval()
    before = copy.deepcopy(snapshot(case.model)[2:4]), snapshot(case.model)
    torch.manual_seed(5)
    wanted = torch.rand(3).tolist()
    torch.manual_seed(5)
    examined(case, prove=True)
    assert torch.rand(3).tolist() == wanted
    assert snapshot(case.model) == before[1]


def test_a_proof_leaves_the_sick_as_they_were(snapshot):
    for name in ("relu_with_biases_of_minus_five", "bias_before_batchnorm", "learning_rate_of_ten"):
        case = made(SICK[name][1])
        before, x = snapshot(case.model), case.x.array.copy()
        examined(case, prove=True)
        assert snapshot(case.model) == before
        np.testing.assert_array_equal(case.x.array, x)
        if case.optimizer:
            assert case.optimizer.param_groups[0]["lr"] == 10


def test_it_says_the_same_twice():
    case = made(SICK["relu_with_xavier_weights"][1], (16, 3, 32))
    assert examined(case, prove=True).to_rows() == examined(case, prove=True).to_rows()


def test_errors():
    x, y = data(8, 0)
    with pytest.raises(ValueError, match="no parameters"):
        diagnose(nn.Sequential(nn.ReLU()), x, y)
    with pytest.raises(ValueError, match="one element"):
        diagnose(mlp(8, 1), x, y, lambda output, y: output)
    with pytest.raises(RuntimeError, match="20"):
        diagnose(mlp(8, 1), x[:, :7], y)
    frozen = mlp(8, 1)
    for p in frozen.parameters():
        p.requires_grad_(False)
    with pytest.raises(ValueError, match="nothing can be trained"):
        diagnose(frozen, x, y)


def test_a_model_may_return_more_than_a_tensor():
    torch.manual_seed(0)
    x, y = torch.randn(6, 8, 3), torch.randint(0, 16, (8,))
    lstm = nn.LSTM(3, 16, forget_bias=3.0)
    assert diagnose(lstm, x, y, lambda result, y: F.cross_entropy(result[0][-1], y)).healthy


@pytest.mark.parametrize("batch", [1, 128])
def test_images_and_a_single_sample(batch):
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(128, 10)
    )
    assert diagnose(model, torch.randn(batch, 1, 8, 8), torch.randint(0, 10, (batch,))).healthy


@pytest.mark.parametrize("norm", [None, nn.BatchNorm1d, nn.LayerNorm])
def test_a_trained_net_is_healthy(norm):
    torch.manual_seed(0)
    model = mlp(32, 3, nn.ReLU, 2.0, norm=norm, linear_bias=norm is None)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x, y = data(512, 1)
    for step in range(200):
        part = slice(32 * (step % 16), 32 * (step % 16) + 32)
        optimizer.zero_grad()
        F.cross_entropy(model(x[part]), y[part]).backward()
        optimizer.step()
    assert F.cross_entropy(model(x), y) < 0.3
    assert diagnose(model, x[:128], y[:128], optimizer=optimizer).healthy


def test_text_html_and_rows():
    found = examined(made(SICK["relu_with_xavier_weights"][1]), prove=True)
    assert all(word in repr(found) for word in ["• vanishing", "evidence", "cause", "fix", "proof"])
    assert max(map(len, repr(found).splitlines())) <= 100
    assert "<td" in found._repr_html_()
    assert found.to_rows()[0]["pathology"] == "vanishing"
    clean = examined(made(HEALTHY["elu_regression"]))
    assert "nothing found" in repr(clean)
    assert "pass optimizer=" in repr(clean)
