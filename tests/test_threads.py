"""What one thread switches, no other notices; what several add to one gradient is all there."""

import sys
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

import tinygrad_stab as torch
from tinygrad_stab import nn


@pytest.fixture(autouse=True)
def often() -> Iterator[None]:
    """Threads take turns a thousand times as often as usual."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(before)


def run_together(*jobs: Callable[[], None]) -> None:
    """Run each job in a thread of its own, and raise what one of them has raised."""
    errors: list[BaseException] = []
    barrier = threading.Barrier(len(jobs))

    def run(job: Callable[[], None]) -> None:
        try:
            barrier.wait(timeout=60)
            job()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    for error in errors:
        raise error


def trained(seed: int) -> np.ndarray:
    """The first weight of a small net after thirty steps, with an evaluation after each."""
    rng = np.random.default_rng(seed)
    x, y = (torch.tensor(rng.standard_normal(shape)) for shape in ((16, 3), (16, 1)))
    net = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 1)).double()
    for p in net.parameters():
        p.data = torch.tensor(rng.standard_normal(p.shape) / 2)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    for _ in range(30):
        optimizer.zero_grad()
        nn.functional.mse_loss(net(x), y).backward()
        optimizer.step()
        with torch.no_grad():
            net(x)
    return net[0].weight.detach().numpy()


def test_four_threads_train_four_models_as_if_each_were_alone() -> None:
    alone, together = [trained(seed) for seed in range(4)], {}
    run_together(*[lambda seed=seed: together.update({seed: trained(seed)}) for seed in range(4)])
    for seed in range(4):
        np.testing.assert_array_equal(together[seed], alone[seed])


def test_blocks_that_overlap_in_time_leave_recording_on() -> None:
    entered, left = threading.Event(), threading.Event()

    def first() -> None:
        with torch.no_grad():
            entered.set()
            assert left.wait(timeout=60)
            assert not torch.is_grad_enabled()
        assert torch.is_grad_enabled()

    def second() -> None:
        assert entered.wait(timeout=60)
        assert torch.is_grad_enabled()
        with torch.no_grad():
            pass
        left.set()
        assert torch.is_grad_enabled()

    run_together(first, second)
    assert torch.is_grad_enabled()


def test_a_forward_pass_beside_another_threads_backward_keeps_its_gradient() -> None:
    backward_runs, done = threading.Event(), threading.Event()

    def backward() -> None:
        x = torch.ones(2, requires_grad=True)
        x.register_hook(lambda g: (backward_runs.set(), done.wait(timeout=60), None)[2])
        (x * 2).sum().backward()

    def forward() -> None:
        assert backward_runs.wait(timeout=60)
        w = torch.ones(2, requires_grad=True)
        loss = (w * 3).sum()
        done.set()
        assert loss.requires_grad
        loss.backward()
        assert w.grad.tolist() == [3.0, 3.0]

    run_together(backward, forward)


def test_one_threads_search_for_anomalies_is_its_own() -> None:
    searching, done = threading.Event(), threading.Event()

    def search() -> None:
        with torch.autograd.detect_anomaly():
            searching.set()
            assert done.wait(timeout=60)
            with pytest.raises(RuntimeError, match="log produced"):
                torch.tensor([-1.0], requires_grad=True).log()

    @np.errstate(invalid="ignore")
    def compute() -> None:
        assert searching.wait(timeout=60)
        try:
            torch.tensor([-1.0], requires_grad=True).log()
        finally:
            done.set()

    run_together(np.errstate(invalid="ignore")(search), compute)


@pytest.mark.parametrize("leaf", [True, False], ids=["leaf", "retained"])
def test_what_eight_threads_add_to_one_gradient_is_all_there(leaf: bool) -> None:
    w = torch.zeros(1000, requires_grad=True)
    x = w if leaf else w * 1
    if not leaf:
        x.retain_grad()

    def add() -> None:
        for _ in range(50):
            (x.sum() * 1).backward(retain_graph=True)

    run_together(*[add] * 8)
    assert x.grad.tolist() == [400.0] * 1000
    assert w.grad.tolist() == [400.0] * 1000


def test_a_decorated_function_may_run_in_several_threads_at_once() -> None:
    both_inside = threading.Barrier(2)

    @torch.no_grad()
    def quiet() -> bool:
        both_inside.wait(timeout=60)
        return torch.is_grad_enabled()

    def job() -> None:
        assert not quiet()
        assert torch.is_grad_enabled()

    run_together(job, job)


def test_one_block_may_be_entered_by_several_threads() -> None:
    quiet, order = torch.no_grad(), [threading.Event() for _ in range(3)]

    def inner() -> None:
        with torch.no_grad():
            with quiet:
                order[0].set()
                assert order[1].wait(timeout=60)
            assert not torch.is_grad_enabled()  # as before the block, in this thread
        order[2].set()

    def outer() -> None:
        assert order[0].wait(timeout=60)
        with quiet:
            order[1].set()
            assert order[2].wait(timeout=60)
        assert torch.is_grad_enabled()

    run_together(inner, outer)
    assert torch.is_grad_enabled()
