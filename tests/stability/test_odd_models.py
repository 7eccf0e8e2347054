"""Odd models, and every number that is told about them beside one that was computed directly."""

import numpy as np
import pytest
from odd import ODD

import tinygrad_stab as torch
from tinygrad_stab import nn
from tinygrad_stab.stability import GradientMonitor, dead_units, diagnose, explain, probe, summary


@pytest.fixture(params=ODD)
def model(request):
    torch.manual_seed(0)
    model = ODD[request.param]().double()
    for p in model.parameters():
        nn.init.normal_(p, std=0.7)  # biases too, so that some units are saturated, and some dead
    return model


def data(requires_grad=True):
    x = torch.tensor(np.random.default_rng(0).standard_normal((12, 6)))
    return x.requires_grad_(requires_grad)


def loss_fn(output):
    """A scalar of all that a model returns: a tensor, a tuple, a dict."""
    parts = output.values() if isinstance(output, dict) else output if isinstance(output, tuple) else [output]
    return sum((t * t * (k + t)).mean() for k, t in enumerate(parts, 1))


def norm(t):
    return None if t is None else float(np.linalg.norm(t.array))


def ratio(above, below):
    return None if above is None or not norm(below) else norm(above) / norm(below)


def saturated(note):
    """The share of outputs within 3 % of an asymptote, seen from φ(0)."""
    if note.φ is None or note.h is None:
        return None
    y, near = note.φ(note.u.array), False
    for far in (-1e3, 1e3):
        limit = note.φ(np.float64(far))
        if limit == note.φ(np.float64(2 * far)):
            near = near | (np.abs(y - limit) < 0.03 * abs(limit - note.φ(np.float64(0))))
    return np.mean(near)


@np.errstate(over="ignore")
def told_directly(model):
    """What a probe should say of every call."""
    loss = loss_fn(model(data()))
    notes = list(model.notes)
    hs = [note.z if note.h is None else note.h for note in notes]
    parameters = list(model.parameters())
    wanted = [*hs, *(note.z for note in notes), *(note.x for note in notes), *parameters]
    found = torch.autograd.grad(loss, wanted, allow_unused=True)
    n = len(notes)
    of_parameter = dict(zip(parameters, found[3 * n :]))
    return loss.item(), [
        row(model, note, h.array, *gradients, of_parameter)
        for note, h, *gradients in zip(notes, hs, found[:n], found[n : 2 * n], found[2 * n : 3 * n])
    ]


def row(model, note, h, gh, gz, gx, of_parameter):
    layer = model.get_submodule(note.layer.split(" #")[0])
    if note.product:  # the gradient that comes through this layer, though x may be used elsewhere
        x = note.x.detach().requires_grad_()
        (gx,) = torch.autograd.grad((layer(x) * gz).sum(), x)
    matrices = [p for p in layer.parameters() if p.ndim > 1]
    slopes = note.product and note.h is not None
    return dict(
        layer=note.layer, mean=h.mean(), std=h.std(), zero=np.mean(h == 0), saturated=saturated(note),
        backward=norm(gh), weight=np.sqrt(sum(norm(p) ** 2 for p in matrices)),
        weight_grad=np.sqrt(sum(norm(of_parameter[p]) ** 2 for p in matrices)),
        weights_gain=ratio(gx, gz) if note.product else None,
        slope_gain=ratio(gz, gh) if slopes else None,
        gain=ratio(gx, gh) if note.alone and note.h is not None else None,
    )  # fmt: skip


def assert_same(told, directly):
    for key, value in directly.items():
        found = getattr(told, key)
        assert found == (pytest.approx(value, rel=1e-9) if isinstance(value, float) else value), key


def test_the_probe(model):
    torch.manual_seed(3)
    report = probe(model, data(), loss_fn=loss_fn)
    torch.manual_seed(3)
    loss, rows = told_directly(model)
    assert report.loss == pytest.approx(loss)
    assert len(report) == len(rows)
    for told, directly in zip(report, rows):
        assert_same(told, directly)


def test_the_monitor(model):
    torch.manual_seed(3)
    loss, rows = told_directly(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    torch.manual_seed(3)
    with GradientMonitor(model, on_warning=None) as monitor:
        loss = loss_fn(model(data()))
        loss.backward()
        optimizer.step()
        monitor.step(loss)
    (record,) = monitor.records
    assert record.loss == pytest.approx(loss)
    assert record.total_norm == pytest.approx(np.sqrt(sum(norm(p.grad) ** 2 for p in model.parameters())))
    for told, update, directly in zip(record.layers, record.updates, rows, strict=True):
        assert update == pytest.approx(0.01 * directly["weight_grad"] / directly["weight"])
        del directly["weight"]  # that was before the step
        assert_same(told, directly)


def test_dead_units(model):
    model.eval()
    loss_fn(model(data()))
    by_layer = {}
    for note in model.notes:
        by_layer.setdefault(note.layer.split(" #")[0], []).append(note)
    seen = {
        layer: notes
        for layer, notes in by_layer.items()
        if all(note.φ is not None and note.h is not None for note in notes)
    }
    if not seen:
        with pytest.raises(ValueError, match="no activation to look at"):
            dead_units(model, data(False))
        return
    census = dead_units(model, data(False))
    assert list(census.zeros) == list(seen)
    for layer, notes in seen.items():
        u = np.concatenate([by_unit(note.u.array) for note in notes])
        φ = notes[0].φ
        fires = np.mean(np.abs(φ(u + 1e-7) - φ(u - 1e-7)) / 2e-7 > 1e-4, axis=0)
        assert [unit.fires for unit in census if unit.layer == layer] == pytest.approx(fires)
        assert census.zeros[layer] == pytest.approx(np.mean(φ(u) == 0))


def by_unit(u):
    return np.moveaxis(u, 1, -1).reshape(-1, u.shape[1])


def test_explain(model):
    loss = loss_fn(model(data()))
    links = explain(loss, model).rows
    loss.backward()
    for name, p in model.named_parameters():
        into = [link.norm_out for link in links if link.goes_to == name]
        if len(into) == 1:
            assert into[0] == pytest.approx(norm(p.grad), abs=1e-12)
        assert norm(p.grad) <= sum(into) + 1e-12


def test_the_summary(model):
    report = summary(model, (12, 6))
    assert report.parameters == sum(p.numel() for p in model.parameters())
    model.eval()
    model(data())
    shapes = [(note.layer.split(" #")[0], tuple(note.z.shape)) for note in model.notes]
    layers = {layer for layer, _ in shapes}
    assert sorted((row.layer, row.output) for row in report if row.layer in layers) == sorted(shapes)


def test_the_diagnosis(model, snapshot):
    model(data())  # a first time, so that its hooks are there
    before = snapshot(model)
    torch.manual_seed(3)
    found = diagnose(model, data(), loss_fn=loss_fn)
    assert snapshot(model) == before
    torch.manual_seed(3)
    loss, rows = told_directly(model)
    assert f"loss {loss:.4g}" in found.title
    hidden = [row["backward"] for row in rows[:-1]]
    for finding in found:
        if finding.pathology in ("vanishing", "exploding"):
            assert finding.measured == pytest.approx(hidden[0] / hidden[-1])
