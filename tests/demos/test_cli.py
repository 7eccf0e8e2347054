"""The command: what it chooses, prints, writes, and its exit code."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

import demos
from demos import cli, options
from demos.experiment import Experiment, load

ROOT = Path(demos.__file__).parent.parent
QUICK = "gradient_through_time"
FAST = ("weight_grad_trap", "pytorch_default_trap")


def test_it_runs_as_a_module_and_writes_only_the_figure_and_the_page(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "", "DISPLAY": ""}
    command = [sys.executable, "-W", "error", "-m", "demos", QUICK, "--seeds", "1"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    written = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*"))
    assert written == [f"figures/{QUICK}.png", "figures/index.html"]
    assert f"[1/1] {QUICK} " in done.stdout
    assert "Wrote figures/index.html" in done.stdout
    assert "Every claim held: 10 of 10." in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
def test_formats_and_directory(tmp_path, form, capsys):
    where = tmp_path / "new" / "place"
    assert cli.main([FAST[0], "--seeds=1", "--save", str(where), "--format", form, "--style=slides"]) == 0
    path = where / f"{FAST[0]}.{form}"
    assert sorted(where.iterdir()) == sorted([path, where / "index.html"])
    assert path.stat().st_size > 10_000
    assert str(path) in capsys.readouterr().out


def test_a_failing_claim_is_named_and_gives_exit_code_1(tmp_path, monkeypatch, capsys):
    honest = Experiment.run

    def run(self, setup):
        result = honest(self, setup)
        broken = replace(result.claims[-1], what="planted", measured=[float("nan")])
        return replace(result, claims=[*result.claims[:-1], broken])

    monkeypatch.setattr(Experiment, "run", run)
    assert cli.main([FAST[0], "--seeds=1", "--save", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert re.search(r"^FAIL  planted ", out, re.MULTILINE)
    assert out.index("FAIL  planted") < out.index("PASS")
    assert re.search(r"\n1 of \d claims failed\.", out)
    assert (tmp_path / f"{FAST[0]}.png").exists(), "the figure is wanted most when a claim fails"
    assert '<td class="verdict FAIL">FAIL</td>' in (tmp_path / "index.html").read_text()


def test_list_names_every_experiment_in_a_line_and_runs_none(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == cli.every_name()
    assert cli.main(["--list", "--verbose"]) == 0
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if not line.startswith(" ")] == cli.every_name()
    assert "--forget-bias 0,1,3,5" in out
    assert list(tmp_path.iterdir()) == []


def test_prefixes_choose_in_the_order_of_the_lecture():
    experiments = [load(name) for name in demos.LECTURE]
    chosen = options.choose(["gradient_t", "gradient_c"], experiments)
    assert [e.name for e in chosen] == ["gradient_through_time", "gradient_cliff"]
    assert options.choose([], experiments) == experiments


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([QUICK, "--seed", "-1"], "--seed must be 0 or more, not -1"),
        ([QUICK, "--seed", "x"], "argument --seed: invalid int value: 'x'"),
        ([FAST[0], "--depth", "0"], "--depth must be 1 or more, not 0"),
        ([FAST[0], "--width", "-3"], "--width must be 1 or more, not -3"),
        (["he_vs_xavier_depth", "--lr", "nan"], "--lr must be finite, not nan"),
        (["he_vs_xavier_depth", "--lr", "0"], "--lr must be above 0, not 0"),
        (["he_vs_xavier_depth", "--clip", "-1"], "--clip must be above 0, not -1"),
        (["ioffe_fig1", "--std=-1"], "--std must be above 0, not -1"),
        (["lr_by_init", "--sigma-w=1,-2"], "--sigma-w must not be negative, not -2"),
        (["gradient_norm_vs_depth", "--activation", "foo"], "--activation takes values such as sigmoid,tanh"),
        (["fix_matrix", "--fix", "foo"], "--fix takes values such as none,init,"),
        (["gradcliff"], "there is no experiment 'gradcliff': did you mean gradient_cliff?"),
        (["qqq"], "--list shows them all"),
        ([QUICK, "--tiem", "9"], "there is no option '--tiem': did you mean --time?"),
        ([QUICK, "--#"], "there is no option '--#': "),
        ([QUICK, "--seeds", "0"], "--seeds must be 1 or more, not 0"),
        ([QUICK, "--jobs", "0"], "--jobs: must be 1 or more, not 0"),
        ([QUICK, "--lr", "0.1"], "no chosen experiment has the knob --lr; these have: he_vs_xavier_depth, "),
        ([QUICK, "--time", "long"], "--time takes int values such as 100, not 'long'"),
        ([QUICK, "--time", "10,20"], "--time takes one value, not 2: '10,20'"),
        ([FAST[0], "--data", "cifar"], "there is no data set 'cifar': choose one of digits, mnist, or name"),
        ([QUICK, "--data", "mnist"], "no chosen experiment has the knob --data; these have: "),
        ([QUICK, "--format", "gif"], "invalid choice: 'gif'"),
    ],
)
def test_bad_arguments_are_explained_and_give_exit_code_2(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1, "one line"
    assert list(tmp_path.iterdir()) == []


def test_knobs_seed_and_seeds_reach_the_setup():
    experiment = load(QUICK)
    parser = options.parser_for([experiment])
    given = parser.parse_args(["--seed", "5", "--seeds", "2", "--forget-bias", "0,2.5", "--time", "7"])
    setup = options.setup_for(experiment, given)
    assert setup == experiment.setup(seeds=(5, 6), forget_bias=(0.0, 2.5), time=7)
    assert options.setup_for(experiment, parser.parse_args([])) == experiment.setup()


def test_data_that_cannot_be_used_is_refused_before_any_experiment_runs(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my, data").mkdir()
    with pytest.raises(SystemExit) as stop:
        cli.main([FAST[0], "--data", "my, data"])
    assert stop.value.code == 2
    assert "error: my, data: found nothing; expected train-images-idx3-ubyte" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["my, data"]


def test_other_data_leave_measured_thresholds_open(tmp_path, capsys):
    assert cli.main([FAST[0], "--data=mnist", "--seeds=1", "--save", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "open  " in out
    assert "PASS  " in out


def test_without_names_it_is_the_lecture_and_with_all_what_stands_beside_it_too(monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(
        cli, "_present", lambda planned, options: asked.append([e.name for e, _ in planned]) or 0
    )
    monkeypatch.setattr(cli, "LECTURE", demos.LECTURE[:3])
    every = cli.every_name()
    assert every[:3] == list(demos.LECTURE[:3])
    assert set(demos.LECTURE) <= set(every)
    for arguments in ([], ["--all"], [demos.LECTURE[4]]):
        assert cli.main(arguments) == 0
    assert asked == [every[:3], every, [demos.LECTURE[4]]]


def test_only_the_whole_lecture_has_its_chapters(tmp_path, monkeypatch):
    chosen = []
    monkeypatch.setattr("demos.page.page", lambda performances, whole: chosen.append(whole) or "")
    for arguments in ([], ["--all"], [QUICK]):
        given = options.parser_for([]).parse_args([*arguments, "--save", str(tmp_path)])
        cli._write([], given)
    assert chosen == [True, True, False]


def test_full_takes_more_seeds_and_what_the_experiment_says():
    experiment = load(QUICK)
    given = options.parser_for([experiment]).parse_args(["--full", "--seed", "2"])
    assert options.setup_for(experiment, given) == experiment.setup(seeds=tuple(range(2, 12)))
    larger = Experiment(
        QUICK, SimpleNamespace(Setup=experiment.module.Setup, FULL=dict(seeds=(0, 1), time=200))
    )
    assert options.setup_for(larger, given) == experiment.setup(seeds=(2, 3), time=200)
    few = options.parser_for([experiment]).parse_args(["--full", "--seeds=1", "--time=50"])
    assert options.setup_for(larger, few) == experiment.setup(seeds=(0,), time=50)


def test_several_processes_say_and_write_the_same_as_one(tmp_path, capsys):
    said = []
    for jobs in ("1", "2"):
        where = tmp_path / jobs
        assert cli.main([*FAST, "--seeds=1", "--jobs", jobs, "--save", str(where)]) == 0
        out = capsys.readouterr().out.replace(str(where), "DIR")
        said.append(re.sub(r" +\d+\.\d( s)?$", "", out, flags=re.MULTILINE))
    assert said[0] == said[1]
    assert (tmp_path / "1" / "index.html").read_bytes() == (tmp_path / "2" / "index.html").read_bytes()


def test_json_has_every_claim_and_is_json_when_something_is_infinite(tmp_path, monkeypatch):
    honest = Experiment.run

    def run(self, setup):
        result = honest(self, setup)
        broken = replace(result.claims[0], measured=[float("inf")])
        return replace(result, claims=[broken, *result.claims[1:]])

    monkeypatch.setattr(Experiment, "run", run)
    file = tmp_path / "new" / "claims.json"
    assert cli.main([FAST[0], "--seeds=1", "--save", str(tmp_path), "--json", str(file)]) == 1
    (found,) = json.loads(file.read_text(), parse_constant=pytest.fail)
    assert found["name"] == FAST[0]
    assert found["passed"] is False
    assert found["setup"]["seeds"] == [0]
    assert found["claims"][0]["measured"] == ["inf"]
    assert [c["verdict"] for c in found["claims"]] == ["FAIL"] + ["PASS"] * (len(found["claims"]) - 1)


def test_a_matrix_is_printed_and_written_as_csv(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["fix_matrix", "--fix", "none,LN", "--steps", "1", "--lr-factor", "1", "--verbose"]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert re.search(r"^LN( +\d+){7}$", out, re.MULTILINE)
    assert "Wrote figures/fix_matrix.csv" in out
    lines = Path("figures/fix_matrix.csv").read_text().splitlines()
    assert len(lines) == 1 + 7 * 2
    assert lines[1].startswith('"vanishing, ReLU",none,0.')


def test_turned_knobs_do_not_fail_on_thresholds(tmp_path, capsys):
    assert cli.main([QUICK, "--seeds=1", "--time=5", "--save", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "open  RNN" in out
    assert re.search(r"Not judged: \d+; thresholds were measured", out)


def test_show_without_a_display_says_where_the_figures_are(tmp_path, capsys):
    assert cli.main([FAST[0], "--seeds=1", "--show", "--save", str(tmp_path)]) == 0
    assert "no display" in capsys.readouterr().out
    import matplotlib.pyplot as plt

    plt.close("all")


def test_importing_the_demos_does_not_import_matplotlib():
    code = "import sys, demos.cli as c; list(map(c.load, c.LECTURE)); sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
