"""The command: what it chooses, prints, writes, and its exit code."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import demos
from demos import cli
from demos.experiment import Experiment, load

ROOT = Path(demos.__file__).parent.parent
QUICK = "gradient_through_time"


def test_it_runs_as_a_module_and_writes_only_the_figure(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "", "DISPLAY": ""}
    command = [sys.executable, "-W", "error", "-m", "demos", QUICK, "--seeds", "1"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert [path.relative_to(tmp_path) for path in tmp_path.rglob("*.*")] == [Path(f"figures/{QUICK}.png")]
    assert "figure: figures/gradient_through_time.png" in done.stdout
    assert "Every claim held." in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
def test_formats_and_directory(tmp_path, form, capsys):
    where = tmp_path / "new" / "place"
    assert cli.main([QUICK, "--seeds=1", "--save", str(where), "--format", form, "--style=slides"]) == 0
    (path,) = where.iterdir()
    assert path.name == f"{QUICK}.{form}"
    assert path.stat().st_size > 10_000
    assert str(path) in capsys.readouterr().out


def test_a_failing_claim_is_named_and_gives_exit_code_1(tmp_path, monkeypatch, capsys):
    honest = Experiment.run

    def run(self, setup):
        result = honest(self, setup)
        broken = replace(result.claims[-1], what="planted", measured=[float("nan")])
        return replace(result, claims=[*result.claims[:-1], broken])

    monkeypatch.setattr(Experiment, "run", run)
    assert cli.main([QUICK, "--seeds=1", "--save", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert f"FAIL  {QUICK}: planted" in out
    assert "1 of the claims failed." in out
    assert (tmp_path / f"{QUICK}.png").exists(), "the figure is wanted most when a claim fails"


def test_list_names_every_experiment_and_runs_none(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["--list"]) == 0
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if not line.startswith(" ")] == list(demos.LECTURE)
    assert "--forget-bias 0,1,3,5" in out
    assert list(tmp_path.iterdir()) == []


def test_prefixes_choose_in_the_order_of_the_lecture():
    experiments = [load(name) for name in demos.LECTURE]
    chosen = cli.choose(["gradient_t", "gradient_c"], experiments)
    assert [e.name for e in chosen] == ["gradient_cliff", "gradient_through_time"]
    assert cli.choose([], experiments) == experiments


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gradcliff"], "there is no experiment 'gradcliff': did you mean gradient_cliff?"),
        (["qqq"], "--list shows them all"),
        ([QUICK, "--seeds", "0"], "--seeds must be 1 or more, not 0"),
        ([QUICK, "--lr", "0.1"], "no chosen experiment has the knob --lr; these have: he_vs_xavier_depth, "),
        ([QUICK, "--time", "long"], "--time takes int values such as 100, not 'long'"),
        ([QUICK, "--time", "10,20"], "--time takes one value, not 2: '10,20'"),
        ([QUICK, "--format", "gif"], "invalid choice: 'gif'"),
    ],
)
def test_bad_arguments_are_explained_and_give_exit_code_2(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_knobs_seed_and_seeds_reach_the_setup():
    experiment = load(QUICK)
    parser = cli._parser([experiment])
    options = parser.parse_args(["--seed", "5", "--seeds", "2", "--forget-bias", "0,2.5", "--time", "7"])
    setup = cli.setup_for(experiment, options)
    assert setup == experiment.setup(seeds=(5, 6), forget_bias=(0.0, 2.5), time=7)
    assert cli.setup_for(experiment, parser.parse_args([])) == experiment.setup()


def test_turned_knobs_do_not_fail_on_thresholds(tmp_path, capsys):
    assert cli.main([QUICK, "--seeds=1", "--time=5", "--save", str(tmp_path)]) == 0
    assert "open  RNN" in capsys.readouterr().out


def test_show_without_a_display_says_where_the_figures_are(tmp_path, capsys):
    assert cli.main([QUICK, "--seeds=1", "--show", "--save", str(tmp_path)]) == 0
    assert "no display" in capsys.readouterr().out
    import matplotlib.pyplot as plt

    plt.close("all")


def test_importing_the_demos_does_not_import_matplotlib():
    code = "import sys, demos.cli as c; list(map(c.load, c.LECTURE)); sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
