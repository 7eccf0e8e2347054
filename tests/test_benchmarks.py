"""What is timed side by side must be the same: all contestants compute the same numbers, in one dtype."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks import classifier, layers, lstm, net, normalization, saved
from tests.benchmarks.__main__ import main
from tests.benchmarks.contestants import Workload, installed
from tests.benchmarks.curves import growth
from tests.benchmarks.kernels import kernels
from tests.benchmarks.measure import interleaved, summary

SMALL = [
    *(net.workload(activation, batch=7, depth=3) for activation in ("tanh", "relu", "sigmoid")),
    net.workload("relu", batch=7, depth=3, batch_norm=True),
    classifier.workload((9, 8, 7, 4), batch=6),
    lstm.cell_loop(5, 4, 3, 6),
    lstm.sequence(5, 4, 3, 6),
    normalization.workload("BatchNorm1d", 11, 5),
    normalization.workload("LayerNorm", 11, 5),
    layers.convolution(3, 2, 5, 4),
    layers.chain(20),
]
PAIRS = [(workload, name) for workload in SMALL for name in workload.contestants if name != "ours"]


@pytest.mark.parametrize(("workload", "name"), PAIRS, ids=[f"{w.name}: {name}" for w, name in PAIRS])
def test_all_contestants_compute_the_same(workload: Workload, name: str) -> None:
    if not installed(name):
        pytest.skip(f"{name} is not installed")
    first, third = after_one_and_three_steps(workload, name)
    our_first, our_third = after_one_and_three_steps(workload, "ours")
    clips = name == "PyTorch" and "LSTM" in workload.name  # by limit / (norm + 1e-6)
    for theirs, ours in zip(third, our_third, strict=True):
        assert same(theirs, ours, 1e-4 if clips else 1e-9)
    for a1, a3, b1, b3 in zip(first, third, our_first, our_third):  # a step is small beside what it moves
        assert same(a3 - a1, b3 - b1, 1e-4)


def after_one_and_three_steps(workload: Workload, name: str) -> tuple[list, list]:
    step = workload.steps(np.float64, only=(name,))[name]
    first = arrays(step())
    step()
    return first, arrays(step())


def arrays(results: list) -> list[np.ndarray]:
    return [np.array(x.detach().numpy() if hasattr(x, "detach") else x) for x in results]


def same(a: np.ndarray, b: np.ndarray, tolerance: float) -> bool:
    return a.shape == b.shape and np.max(np.abs(a - b)) <= tolerance * np.max(np.abs(b)) + 1e-13


@pytest.mark.parametrize("workload", SMALL, ids=lambda workload: workload.name)
def test_float32_stays_float32(workload: Workload) -> None:
    for name, step in workload.steps(only=("ours", "NumPy", "PyTorch")).items():
        assert {x.dtype for x in arrays(step())} == {np.dtype(np.float32)}, name


def test_the_clipping_of_the_lstm_clips() -> None:
    for shape in lstm.SHAPES:
        x, parameters = lstm.begin(np.float32, *shape)
        _, gradients = lstm.sequence_by_hand(x, *parameters)
        assert np.sqrt(sum((g * g).sum() for g in gradients)) > lstm.LIMIT


def test_both_forms_of_a_kernel_compute_the_same() -> None:
    for kernel in kernels():
        a, b = (form() for form in kernel.forms.values())
        assert a.dtype == b.dtype == np.float32, kernel.where
        assert np.max(np.abs(a - b)) <= 1e-5 * np.max(np.abs(b)), kernel.where


def test_a_ratio_is_taken_round_by_round() -> None:
    times = {"ours": [1.0, 20.0, 3.0, 1.0, 1.0], "theirs": [2.0, 40.0, 6.0, 2.0, 0.001]}
    timing = summary(times)
    assert timing.seconds == {"ours": 1.0, "theirs": 2.0}
    assert timing.ratios == {"theirs": [0.5, 0.5, 0.5]}


def test_time_is_measured_for_one_step(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]

    def lasting(seconds: float) -> Callable:
        return lambda: clock.append(clock.pop() + seconds)

    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    timing = interleaved({"long": lasting(4), "short": lasting(1)}, seconds=60, rounds=3)
    assert timing == ({"long": 4, "short": 1}, {"short": [4, 4, 4]})
    assert clock[0] == 2 * 5 + 3 * (
        5 + 5 * 4 + 20 * 1
    )  # in each round both run for 20 s, after one step more


def test_growth_is_the_slope_of_the_upper_half() -> None:
    sizes = [1, 10, 100, 1000]
    assert growth(sizes, [9.0, 9.0, 100.0, 1000.0]) == pytest.approx(1)
    assert growth(sizes, [9.0, 9.0, 1e4, 1e6]) == pytest.approx(2)


def test_a_run_says_what_it_ran_on_and_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    file = tmp_path / "new" / "run.json"
    main(
        ["a sum of rows, (100", "--threads", "2", "--seconds", "0.002", "--rounds", "2", "--save", str(file)]
    )
    printed = capsys.readouterr().out
    for what in (f"NumPy {np.__version__}", "BLAS threads 2", "cores", "np.sum(g, axis=0)"):
        assert what in printed
    machine, kernel = saved.load(file)
    assert (machine["threads"], machine["on"]["NumPy"]) == (2, np.__version__)
    assert list(kernel["median"]) == ["np.dot(ones, g)", "np.sum(g, axis=0)"]
    assert str(Path(__file__).parents[1]) not in printed + file.read_text(encoding="utf-8")


def test_two_runs_are_compared() -> None:
    def run(numpy: str, ours: float, ratio: float) -> list:
        machine = {"section": "machine", "on": {"Python": "3.12", "NumPy": numpy}, "threads": 1}
        step = {
            "section": "step",
            "median": {"ours": ours},
            "ratio": {"NumPy": [0.0, ratio, 9.0]},
            "threads": 1,
        }
        return [machine, {**step, "name": "in both"}, {**step, "name": f"only with {numpy}"}]

    heading, machine, _, *rows = saved.comparison(run("2.0", 4e-3, 1.5), run("2.1", 3e-3, 1.25)).splitlines()
    assert heading == "Before and after"
    assert machine == "NumPy: 2.0 then, 2.1 now"
    assert [row.split() for row in rows] == [["in", "both", "1", "0.75", "1.50", "→", "1.25", "–"]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no such workload"], "nothing has no such workload in its name"),
        (["chain", "--plot", "x.png"], "--plot draws curves, and none is chosen"),
        (["--compare", "nowhere.json"], "there is no file nowhere.json"),
        (["--rounds", "0"], "0 is less than 1"),
    ],
)
def test_a_mistake_is_told_before_anything_is_measured(arguments, message, capsys) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert message in capsys.readouterr().err


def test_curves_are_drawn(tmp_path: Path) -> None:
    from tests.benchmarks.plot import plot

    median = {"ours": 1e-3, "NumPy": 5e-4}
    points = [
        {"section": "curve", "name": "depth, of", "unit": "layer", "size": n, "median": median}
        for n in (1, 2)
    ]
    plot(points, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 1000
