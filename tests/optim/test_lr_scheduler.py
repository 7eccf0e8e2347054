"""Schedules go where PyTorch's go. The expected rates were recorded from PyTorch 2.13."""

import gc
import math
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_stab
from tinygrad_stab.optim import SGD, Adam, lr_scheduler
from tinygrad_stab.optim.lr_scheduler import (
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch", reason="PyTorch is not installed")


def optimizer(*rates: float, lib: Any = tinygrad_stab) -> Any:
    """An optimizer with one group for every rate."""
    groups = [{"params": [lib.zeros(1, requires_grad=True)], "lr": rate} for rate in rates]
    return lib.optim.SGD(groups, lr=1.0)


def trajectory(opt: Any, schedules: Any, steps: int) -> list[list[float]]:
    """The rates of all groups at t = 0, 1, …; schedules that are given together are stepped together."""
    rates = []
    for _ in range(steps):
        rates.append([group["lr"] for group in opt.param_groups])
        opt.step()
        for schedule in schedules:
            schedule.step()
    return rates


def warm_up(t: int) -> float:
    return min(1, (t + 1) / 4)


def warm_up_then_cosine(s: Any, opt: Any) -> Any:
    return s.SequentialLR(opt, [s.LinearLR(opt, 0.5, total_iters=2), s.CosineAnnealingLR(opt, 4)], [2])


# fmt: off
RECORDED: list[tuple[Callable[[Any, Any], list], list[float]]] = [
    (lambda s, opt: [s.LambdaLR(opt, warm_up)],            [0.025, 0.05, 0.075, 0.1, 0.1, 0.1, 0.1]),
    (lambda s, opt: [s.LinearLR(opt, 0.25, 1.0, 3)],       [0.025, 0.05, 0.075, 0.1, 0.1, 0.1, 0.1]),
    (lambda s, opt: [s.StepLR(opt, 2, 0.5)],               [0.1, 0.1, 0.05, 0.05, 0.025, 0.025, 0.0125]),
    (lambda s, opt: [s.ExponentialLR(opt, 0.9)],           [0.1, 0.09, 0.081, 0.0729, 0.06561, 0.059049]),
    (lambda s, opt: [s.CosineAnnealingLR(opt, 3, 0.01)],   [0.1, 0.0775, 0.0325, 0.01, 0.0325, 0.0775, 0.1]),
    (lambda s, opt: [warm_up_then_cosine(s, opt)],         [0.05, 0.075, 0.1, 0.0853553391, 0.05, 0.0146447]),
    (lambda s, opt: [s.ExponentialLR(opt, 0.9), s.StepLR(opt, 2)],
                                                           [0.1, 0.09, 0.0081, 0.00729, 0.0006561]),
]
# fmt: on


@pytest.mark.parametrize(("schedules", "rates"), RECORDED)
def test_recorded_rates(schedules: Callable, rates: list[float]) -> None:
    opt = optimizer(0.1)
    found = trajectory(opt, schedules(lr_scheduler, opt), len(rates))
    np.testing.assert_allclose(np.ravel(found), rates, rtol=1e-9, atol=1e-7)


def drawn(seed: int) -> Callable[[Any, Any], list]:
    """Schedules with arguments that are drawn, the same for both libraries."""
    rng = np.random.default_rng(seed)
    T, s, gamma, a, b = int(rng.integers(1, 9)), int(rng.integers(1, 5)), *rng.uniform(0.1, 1, 3)
    eta_min, milestones = (
        rng.uniform(0, 0.05),
        sorted(rng.choice(np.arange(1, 20), 2, replace=False).tolist()),
    )
    single = [
        lambda lib, opt: lib.LambdaLR(opt, [lambda t: gamma**t, lambda t: a / (1 + t)]),
        lambda lib, opt: lib.LinearLR(opt, a, b, T),
        lambda lib, opt: lib.LinearLR(opt, a, 0.0, T),
        lambda lib, opt: lib.StepLR(opt, s, gamma),
        lambda lib, opt: lib.ExponentialLR(opt, gamma),
        lambda lib, opt: lib.CosineAnnealingLR(opt, T, eta_min),
        lambda lib, opt: lib.CosineAnnealingLR(opt, T),
    ]
    i, j, k = rng.integers(0, len(single), 3)
    kind = seed % 3
    if kind == 0:
        return lambda lib, opt: [single[i](lib, opt)]
    if kind == 1:  # all but LambdaLR, which sets the rate whatever it was, multiply
        return lambda lib, opt: [single[max(i, 1)](lib, opt), single[3](lib, opt)]
    return lambda lib, opt: [
        lib.SequentialLR(opt, [single[n](lib, opt) for n in (i, j, k)], milestones=milestones)
    ]


@pytest.mark.parametrize("seed", range(45))
def test_rates_are_those_of_pytorch(torch: Any, seed: int) -> None:
    schedules = drawn(seed)
    ours, theirs = optimizer(0.1, 0.7), optimizer(0.1, 0.7, lib=torch)
    found = trajectory(ours, schedules(lr_scheduler, ours), 30)
    expected = trajectory(theirs, schedules(torch.optim.lr_scheduler, theirs), 30)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-12)


def test_a_rate_changed_by_hand_stays_changed() -> None:
    opt = optimizer(1.0)
    schedule = ExponentialLR(opt, 0.5)
    opt.param_groups[0]["lr"] = 8.0
    assert trajectory(opt, [schedule], 3) == [[8.0], [4.0], [2.0]]


def test_a_warm_up_by_t_over_n_wastes_its_first_step_and_by_t_plus_1_does_not() -> None:
    opt = optimizer(1.0)
    LambdaLR(opt, lambda t: min(1, t / 4))
    assert opt.param_groups[0]["lr"] == 0
    opt = optimizer(1.0)
    LambdaLR(opt, lambda t: min(1, (t + 1) / 4))
    assert opt.param_groups[0]["lr"] == 0.25


def test_the_last_rates_can_always_be_asked_for() -> None:
    for make in (
        lambda opt: LambdaLR(opt, lambda t: 0.5),
        lambda opt: LinearLR(opt, 0.5),
        lambda opt: StepLR(opt, 3),
        lambda opt: CosineAnnealingLR(opt, 3),
        lambda opt: SequentialLR(opt, [LinearLR(opt, 0.5), StepLR(opt, 3)], [2]),
        ReduceLROnPlateau,
    ):
        opt = optimizer(0.2, 0.4)
        schedule = make(opt)
        assert schedule.get_last_lr() == [group["lr"] for group in opt.param_groups]
        opt.step()
        schedule.step(*[1.0] * isinstance(schedule, ReduceLROnPlateau))
        assert schedule.get_last_lr() == [group["lr"] for group in opt.param_groups]


def test_stepping_before_the_optimizer_is_warned_of_once() -> None:
    schedule = StepLR(optimizer(0.1), 2)
    with pytest.warns(UserWarning, match=r"lr_scheduler.step\(\)` before `optimizer.step\(\)") as caught:
        schedule.step()
    assert caught[0].filename == __file__
    schedule.step()
    opt = optimizer(0.1)
    schedules = [StepLR(opt, 2), ExponentialLR(opt, 0.9)]
    trajectory(opt, schedules, 3)  # in the right order there is no warning, which would be an error here


def test_an_optimizer_that_has_been_followed_still_works_and_is_still_forgotten() -> None:
    x = tinygrad_stab.ones(1, requires_grad=True)
    opt = Adam([x], lr=0.5)
    schedule = StepLR(opt, 1)

    def closure() -> Any:
        x.grad = None
        loss = (x * x).sum()
        loss.backward()
        return loss

    assert opt.step(closure).item() == 1.0
    assert x.item() == pytest.approx(0.5)
    gc.disable()
    try:
        seen = weakref.ref(opt)
        del opt, schedule, closure
        assert seen() is None
    finally:
        gc.enable()


def test_a_schedule_continues_from_its_state() -> None:
    def made() -> tuple[Any, SequentialLR]:
        opt = optimizer(0.3, 0.6)
        return opt, warm_up_then_cosine(lr_scheduler, opt)

    opt, schedule = made()
    trajectory(opt, [schedule], 4)
    saved = opt.state_dict(), schedule.state_dict()
    expected = trajectory(opt, [schedule], 5)
    opt, schedule = made()
    opt.load_state_dict(saved[0])
    schedule.load_state_dict(saved[1])
    assert trajectory(opt, [schedule], 5) == expected


def test_the_state_of_a_schedule_holds_no_functions() -> None:
    assert LambdaLR(optimizer(0.1), lambda t: 0.5).state_dict() == {
        "last_epoch": 0,
        "base_lrs": [0.1],
        "_last_lr": [0.05],
    }


def test_resuming_from_last_epoch_leaves_the_rate_where_it_is() -> None:
    opt = optimizer(1.0)
    expected = trajectory(opt, [ExponentialLR(opt, 0.5)], 6)
    opt = optimizer(1.0)
    trajectory(opt, [ExponentialLR(opt, 0.5)], 3)
    assert trajectory(opt, [ExponentialLR(opt, 0.5, last_epoch=2)], 3) == expected[3:]
    with pytest.raises(KeyError, match="initial_lr"):
        ExponentialLR(optimizer(1.0), 0.5, last_epoch=2)


RESUMED: dict[str, Callable] = {
    "LambdaLR": lambda s, opt, **last: s.LambdaLR(opt, warm_up, **last),
    "LinearLR": lambda s, opt, **last: s.LinearLR(opt, 0.25, 1.0, 6, **last),
    "StepLR": lambda s, opt, **last: s.StepLR(opt, 3, **last),
    "ExponentialLR": lambda s, opt, **last: s.ExponentialLR(opt, 0.9, **last),
    "CosineAnnealingLR": lambda s, opt, **last: s.CosineAnnealingLR(opt, 5, 0.01, **last),
}

# fmt: off
RECORDED_AFTER_5: dict[str, list[float]] = {
    "LambdaLR":          [1.0, 1.0, 1.0],
    "LinearLR":          [0.875, 0.875, 0.875],
    "StepLR":            [0.01, 0.01, 0.01],
    "ExponentialLR":     [0.59049, 0.531441, 0.4782969],
    "CosineAnnealingLR": [0.01, 0.01, 0.01],
}
# fmt: on


def resumed(lib: Any, s: Any, make: Callable, steps: int, last_epoch: int) -> list[float]:
    """The rates that follow if after some steps a new schedule is made, which is told the last t."""
    opt = optimizer(1.0, lib=lib)
    trajectory(opt, [make(s, opt)], steps)
    return np.ravel(trajectory(opt, [make(s, opt, last_epoch=last_epoch)], 12)).tolist()


@pytest.mark.parametrize("name", RESUMED)
def test_recorded_rates_after_resuming(name: str) -> None:
    """LambdaLR and StepLR go one step on as they are made, the others stay at the optimizer's rate."""
    found = resumed(tinygrad_stab, lr_scheduler, RESUMED[name], steps=5, last_epoch=5)
    np.testing.assert_allclose(found[:3], RECORDED_AFTER_5[name], atol=1e-7)


@pytest.mark.parametrize("steps", range(1, 8))
@pytest.mark.parametrize("name", RESUMED)
def test_rates_after_resuming_are_those_of_pytorch(torch: Any, name: str, steps: int) -> None:
    for last_epoch in (steps - 1, steps):
        found = resumed(tinygrad_stab, lr_scheduler, RESUMED[name], steps, last_epoch)
        expected = resumed(torch, torch.optim.lr_scheduler, RESUMED[name], steps, last_epoch)
        np.testing.assert_allclose(found, expected, rtol=1e-9)


# --- ReduceLROnPlateau -------------------------------------------------------------------------------------


def on_plateau(s: Any, opt: Any, metrics: Any, **options: Any) -> list[list[float]]:
    schedule, rates = s.ReduceLROnPlateau(opt, **options), []
    for metric in metrics:
        schedule.step(metric)
        rates.append(schedule.get_last_lr())
    return rates


def test_plateau_recorded_rates() -> None:
    metrics = [1.0, 0.8, 0.8, 0.79995, 0.8, 0.7, 0.9, 0.9, 0.9, 0.9]
    rates = on_plateau(lr_scheduler, optimizer(0.1), metrics, factor=0.5, patience=1, cooldown=1)
    assert np.ravel(rates).tolist() == [0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05, 0.025, 0.025, 0.025]


@pytest.mark.parametrize("seed", range(30))
def test_plateau_rates_are_those_of_pytorch(torch: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    options = {
        "mode": rng.choice(["min", "max"]).item(),
        "threshold_mode": rng.choice(["rel", "abs"]).item(),
        "factor": rng.uniform(0.1, 0.9),
        "patience": int(rng.integers(0, 4)),
        "threshold": rng.choice([1e-4, 0.1, 0.5]).item(),
        "cooldown": int(rng.integers(0, 4)),
        "min_lr": [1e-3, 5e-2] if seed % 2 else 1e-3,
        "eps": rng.choice([1e-8, 1e-2]).item(),
    }
    metrics = np.cumsum(rng.standard_normal(40)).tolist()
    metrics[7] = math.nan
    found = on_plateau(lr_scheduler, optimizer(0.1, 0.7), metrics, **options)
    expected = on_plateau(torch.optim.lr_scheduler, optimizer(0.1, 0.7, lib=torch), metrics, **options)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_plateau_takes_a_tensor_as_metric() -> None:
    opt = optimizer(0.1)
    schedule = ReduceLROnPlateau(opt, patience=0)
    assert schedule.factor == schedule.state_dict()["factor"] == 0.1
    for _ in range(2):
        schedule.step(tinygrad_stab.tensor(1.0))
    assert schedule.get_last_lr() == pytest.approx([0.01])


# --- what is refused ---------------------------------------------------------------------------------------


def test_arguments_out_of_range_are_refused() -> None:
    opt, other = optimizer(0.1), optimizer(0.1)
    with pytest.raises(TypeError, match="list is not an Optimizer"):
        StepLR([opt], 3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected 1 lr_lambdas, got 2"):
        LambdaLR(opt, [abs, abs])
    with pytest.raises(ValueError, match="start_factor must be greater than 0"):
        LinearLR(opt, 0.0)
    with pytest.raises(ValueError, match="end_factor must be between"):
        LinearLR(opt, end_factor=1.5)
    with pytest.raises(ValueError, match="Factor should be < 1"):
        ReduceLROnPlateau(opt, factor=1.0)
    with pytest.raises(ValueError, match="mode lowest"):
        ReduceLROnPlateau(opt, mode="lowest")
    with pytest.raises(ValueError, match="expected 1 min_lrs, got 2"):
        ReduceLROnPlateau(opt, min_lr=[0.1, 0.1])
    with pytest.raises(ValueError, match="got no scheduler"):
        SequentialLR(opt, [], [])
    with pytest.raises(ValueError, match="2 schedulers and 2 milestones"):
        SequentialLR(opt, [StepLR(opt, 3), StepLR(opt, 3)], [1, 2])
    with pytest.raises(ValueError, match="index 1 belongs to another optimizer"):
        SequentialLR(opt, [StepLR(opt, 3), StepLR(other, 3)], [1])
    with pytest.raises(ValueError, match="index 0 needs a metric"):
        SequentialLR(opt, [ReduceLROnPlateau(opt)], [])


def test_the_rate_reaches_the_step() -> None:
    x = tinygrad_stab.zeros(1, requires_grad=True)
    opt = SGD([x], lr=1.0)
    schedule = ExponentialLR(opt, 0.5)
    for _ in range(3):
        opt.zero_grad()
        x.sum().backward()
        opt.step()
        schedule.step()
    assert x.item() == -(1.0 + 0.5 + 0.25)
