"""What pictures show is what was measured; they are drawn where they should be, and never shown."""

import subprocess
import sys
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest

import tinygrad_stab as torch
from tinygrad_stab import nn
from tinygrad_stab.nn import functional as F
from tinygrad_stab.stability import ClipLens, GradientMonitor, dead_units, probe, theory, time_map
from tinygrad_stab.stability import plots as P

mpl.use("Agg")
from matplotlib import colors
from matplotlib import pyplot as plt


@pytest.fixture(autouse=True)
def _figures(monkeypatch):
    monkeypatch.setattr(plt, "show", lambda *args: pytest.fail("a plot called show()"))
    yield
    plt.close("all")


@pytest.fixture
def nets(mlp):
    torch.manual_seed(0)
    x, y = torch.randn(32, 16), torch.randint(0, 10, (32,))
    return SimpleNamespace(relu=mlp(6, 16), tanh=mlp(4, 16, nn.Tanh, 9.0), x=x, y=y)


@pytest.fixture
def run(nets):
    """Thirty clipped steps of the tanh net, with a monitor and a lens."""
    model = nets.tanh
    optimizer, lens = torch.optim.SGD(model.parameters(), lr=0.05), ClipLens(model.parameters(), 0.5)
    with GradientMonitor(model, on_warning=None) as monitor:
        for _ in range(30):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(nets.x), nets.y)
            loss.backward()
            lens.clip()
            optimizer.step()
            monitor.step(loss)
    return SimpleNamespace(monitor=monitor, lens=lens)


def small_loss():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
    return F.cross_entropy(model(torch.randn(5, 4)), torch.randint(0, 3, (5,))), model


MATRIX = np.array([[0.1, 0.93], [np.nan, 0.55]])
PICTURES = {
    "gradient flow": lambda nets, run, ax: P.plot_gradient_flow(probe(nets.relu, nets.x, nets.y), ax=ax),
    "activations": lambda nets, run, ax: P.plot_activation_histograms(nets.relu, nets.x, ax=ax),
    "gradients": lambda nets, run, ax: P.plot_gradient_histograms(nets.relu, nets.x, nets.y, ax=ax),
    "updates": lambda nets, run, ax: run.monitor.plot(ax=ax),
    "dead units": lambda nets, run, ax: P.plot_dead_units(dead_units(nets.relu, nets.x), ax=ax),
    "saturation": lambda nets, run, ax: P.plot_saturation(probe(nets.tanh, nets.x), ax=ax),
    "saturation over time": lambda nets, run, ax: P.plot_saturation(run.monitor, ax=ax),
    "clipping": lambda nets, run, ax: P.plot_clip_history(run.lens, ax=ax),
    "time map": lambda nets, run, ax: P.plot_time_map(time_map(nn.RNN(3, 8), torch.randn(9, 2, 3)), ax=ax),
    "fix matrix": lambda nets, run, ax: P.plot_fix_matrix(MATRIX, ["a", "b"], ["none", "BN"], ax=ax),
    "phase map": lambda nets, run, ax: P.plot_phase_map("relu", {"He": (2.0, 0.0)}, ax=ax),
    "graph": lambda nets, run, ax: P.plot_graph(*small_loss(), ax=ax),
}


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_is_drawn_on_the_axes_given(name, nets, run):
    figure, ax = plt.subplots()
    assert PICTURES[name](nets, run, ax) is ax
    assert plt.get_fignums() == [figure.number]
    assert ax.has_data() or ax.texts
    figure.canvas.draw()  # warnings, of a missing glyph for one, are errors here


@pytest.mark.parametrize("name", PICTURES)
def test_without_axes_there_is_a_figure_in_the_chosen_style(name, nets, run):
    with P.style("dark"):
        ax = PICTURES[name](nets, run, None)
    assert colors.to_hex(ax.figure.get_facecolor()) == P.STYLES["dark"].paper
    ax.figure.canvas.draw()


def lines(ax) -> dict:
    return {line.get_label(): line for line in ax.get_lines()}


# --- numbers ------------------------------------------------------------------------------------------------


def test_gradient_flow_shows_the_probe_and_the_theory(nets):
    measured = probe(nets.relu, nets.x, nets.y)
    ax = P.plot_gradient_flow(measured)
    assert ax.get_yscale() == "log"
    drawn = lines(ax)
    np.testing.assert_allclose(drawn["‖∂L/∂h‖"].get_ydata(), [row.backward for row in measured])
    np.testing.assert_allclose(drawn["‖∂L/∂W‖"].get_ydata(), [row.weight_grad for row in measured])
    expected = drawn["theory"].get_ydata()
    assert expected[-1] == measured[-1].backward
    np.testing.assert_allclose(expected[:-1] / expected[1:], [row.predicted for row in measured][1:])
    assert drawn["theory"].get_linestyle() == "--"


def test_what_is_not_finite_or_zero_is_marked(mlp, nets):
    ax = P.plot_gradient_flow(probe(mlp(6, 16, weight_var=1e30), nets.x, nets.y), weights=False)
    assert "not finite" in lines(ax)
    dead = mlp(3, 16)
    nn.init.constant_(dead[2].bias, -100.0)
    drawn = lines(P.plot_gradient_flow(probe(dead, nets.x, nets.y), weights=False))
    np.testing.assert_array_equal(drawn["exactly 0"].get_xdata(), [0, 1])  # a dead layer and those before


def test_what_is_not_known_is_not_marked_as_not_finite():
    net = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    net.forward = lambda x: net[1](net[0](x).detach())
    drawn = lines(P.plot_gradient_flow(probe(net, torch.randn(5, 4)), weights=False))
    assert set(drawn) == {"‖∂L/∂h‖", "theory"}
    assert np.isnan(drawn["‖∂L/∂h‖"].get_ydata()[0])


def test_theory_is_drawn_as_far_as_one_layer_follows_the_other():
    net = nn.Sequential(*[nn.Linear(4, 4) for _ in range(4)])
    net.forward = lambda x: net[3](net[2](torch.tanh(net[0](x)) + torch.tanh(net[1](x))))
    measured = probe(net, torch.randn(5, 4))
    assert all(row.predicted for row in measured)
    np.testing.assert_array_equal(lines(P.plot_gradient_flow(measured))["theory"].get_xdata(), [2, 3])


def test_a_run_with_ever_longer_sequences_is_drawn_by_layer():
    net = nn.Sequential(nn.RNNCell(3, 3), nn.Linear(3, 2), nn.Sigmoid())
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with GradientMonitor(net, on_warning=None) as monitor:
        for steps in (1, 3, 2):
            optimizer.zero_grad()
            h = torch.ones(5, 3)
            net.forward = lambda h, steps=steps: [h := net[0](h) for _ in range(steps)] and net[2](net[1](h))
            loss = net(h).sum()
            loss.backward()
            optimizer.step()
            monitor.step(loss)
    updates = [dict(zip([row.layer for row in r.layers], r.updates)) for r in monitor.records]
    drawn = lines(monitor.plot())
    np.testing.assert_allclose(drawn["1"].get_ydata(), [u["1"] for u in updates])
    np.testing.assert_allclose(drawn["0 #2"].get_ydata(), [np.nan, *(u["0 #2"] for u in updates[1:])])
    assert "not finite" not in drawn
    assert set(lines(P.plot_saturation(monitor))) == {"1"}
    (row,) = [row for row in monitor.report() if row.layer == "1"]
    assert row.update == np.median([u["1"] for u in updates])


def test_dead_units_are_stacked_to_a_hundred(nets):
    census = dead_units(nets.relu, nets.x)
    bars = P.plot_dead_units(census).containers
    np.testing.assert_allclose(np.sum([[bar.get_height() for bar in b] for b in bars], axis=0), 100)
    dead = [100 * row.dead / row.units for row in census.printed_rows()]
    np.testing.assert_allclose([bar.get_height() for bar in bars[0]], dead)
    assert len({bar[0].get_hatch() for bar in bars}) == 4  # told apart without colour too


def test_updates_saturation_and_clipping_are_the_recorded_ones(run):
    drawn = lines(run.monitor.plot())
    np.testing.assert_allclose(drawn["0"].get_ydata(), [r.updates[0] for r in run.monitor.records])
    drawn = lines(P.plot_saturation(run.monitor))
    np.testing.assert_allclose(
        drawn["2"].get_ydata(), [100 * r.layers[1].saturated for r in run.monitor.records]
    )
    assert "8" not in drawn  # the output has no activation
    drawn = lines(P.plot_clip_history(run.lens))
    assert len(drawn["clipped"].get_xdata()) == run.lens.fired
    np.testing.assert_allclose(drawn["after"].get_ydata(), [r.after for r in run.lens.records])


def test_histograms_count_every_layer(nets):
    ax = P.plot_activation_histograms(nets.relu, nets.x)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["0", "2", "4", "6", "8", "10", "12"]
    assert all(p._grad is None for p in nets.relu.parameters())
    half_dead = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU())
    torch.manual_seed(0)
    nn.init.zeros_(half_dead[2].weight)
    ax = P.plot_gradient_histograms(half_dead, nets.x)
    assert "100% zero" in [text.get_text() for text in ax.texts]


def test_a_diverged_cell_is_hatched():
    ax = P.plot_fix_matrix(MATRIX, ["a", "b"], ["none", "BN"])
    assert [text.get_text() for text in ax.texts] == [".10", ".93", "NaN", ".55"]
    assert [patch.get_hatch() for patch in ax.patches] == ["///"]


@pytest.mark.parametrize(("weight_var", "bias_var"), [(0.5, 0.1), (1.0, 0.3), (1.5**2, 0.05), (3.0, 0.5)])
def test_the_phase_plane_is_that_of_theory(weight_var, bias_var):
    from tinygrad_stab.stability.plots.maps import phase_plane

    w, b, gain = phase_plane("tanh", (weight_var, weight_var + 1), (bias_var, bias_var + 1), points=2)
    assert (w[0], b[0]) == (weight_var, bias_var)
    assert gain[0, 0] == pytest.approx(theory.chi("tanh", weight_var, bias_var) ** 0.5, rel=2e-3)


def test_relu_has_no_fixed_point_beyond_he():
    from tinygrad_stab.stability.plots.maps import phase_plane

    _, _, gain = phase_plane("relu", (1.0, 3.0), (0.1, 0.2), points=3)
    np.testing.assert_allclose(gain[:, 0], 0.5**0.5)
    assert np.all(np.isnan(gain[:, 2]))


def test_a_graph_has_a_box_for_every_op_and_leaf():
    loss, model = small_loss()
    ax = P.plot_graph(loss, model)
    boxes = [text.get_text().split("\n")[0] for text in ax.texts if text.get_text()]
    ops = ["cross_entropy", "linear", "linear", "tanh"]
    assert sorted(boxes) == sorted([*ops, "0.weight", "0.bias", "2.weight", "2.bias"])
    assert len([text for text in ax.texts if not text.get_text()]) == 7  # arrows
    places = [text.get_position() for text in ax.texts if text.get_text()]
    assert len(set(places)) == len(places)


# --- manners ------------------------------------------------------------------------------------------------


def test_lines_differ_in_more_than_colour(nets, mlp):
    probes = {str(v): probe(mlp(4, 16, weight_var=v), nets.x, nets.y) for v in (0.5, 1.0, 2.0, 3.0, 4.0)}
    ax = P.plot_gradient_flow(probes)
    measured = [line for name, line in lines(ax).items() if name in probes]
    assert len({line.get_marker() for line in measured}) == 5


def test_the_style_is_one_switch():
    ax = P.plot_fix_matrix(MATRIX, ["a", "b"], ["c", "d"])
    assert colors.to_hex(ax.figure.get_facecolor()) == "#ffffff"
    P.set_style("slides")
    try:
        slide = P.plot_fix_matrix(MATRIX, ["a", "b"], ["c", "d"])
    finally:
        P.set_style("paper")
    assert slide.figure.get_figwidth() > ax.figure.get_figwidth()
    with pytest.raises(ValueError, match="paper, slides, dark"):
        P.set_style("pink")


def test_rc_parameters_are_left_alone(nets):
    before = dict(mpl.rcParams)
    P.plot_gradient_flow(probe(nets.relu, nets.x))
    assert dict(mpl.rcParams) == before


def test_errors():
    with pytest.raises(ValueError, match="3 pathologies"):
        P.plot_fix_matrix(MATRIX, ["a", "b", "c"], ["d", "e"])
    with pytest.raises(ValueError, match="no history"):
        P.plot_graph(torch.tensor(1.0))
    x = torch.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(100):
        y = y + 1
    with pytest.raises(ValueError, match="101 boxes"):
        P.plot_graph(y)


def test_matplotlib_is_imported_only_to_draw():
    code = "import sys, tinygrad_stab.stability.plots; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
