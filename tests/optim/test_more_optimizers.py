"""AdamW and RMSprop go where PyTorch's go. The expected values were recorded from PyTorch 2.13."""

from typing import Any

import numpy as np
import pytest

import tinygrad_stab
from tinygrad_stab import optim
from tinygrad_stab.optim import Adam, AdamW, RMSprop
from tinygrad_stab.optim.optimizer import STRETCH

CLASSES = {"AdamW": AdamW, "RMSprop": RMSprop}


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch", reason="PyTorch is not installed")


def leaf(values: Any, lib: Any = tinygrad_stab) -> Any:
    return lib.tensor(values, dtype=lib.float64, requires_grad=True)


def trajectory(opt: Any, xs: list, steps: int) -> list[np.ndarray]:
    """Where Σ x⁴ − x takes the parameters: gradients from very large to nearly none."""
    places = []
    for _ in range(steps):
        opt.zero_grad()
        sum((x**4 - x).sum() for x in xs).backward()
        opt.step()
        places.append(np.concatenate([x.detach().numpy().ravel() for x in xs]))
    return places


# fmt: off
RECORDED: list[tuple[type, dict, list]] = [
    (AdamW,   {"lr": 0.1},
     [[0.899, -1.898], [0.80014752, -1.79681488], [0.70493184, -1.69695926], [0.61468011, -1.59895532]]),
    (AdamW,   {"lr": 0.1, "weight_decay": 0.5, "amsgrad": True},
     [[0.85, -1.8], [0.71145346, -1.61201365], [0.58615321, -1.43675491], [0.47489823, -1.27470508]]),
    (RMSprop, {"lr": 0.1},
     [[2e-08, -1.0], [2e-08, -0.87535009], [2e-08, -0.791618], [2e-08, -0.72949729]]),
    (RMSprop, {"lr": 0.1, "momentum": 0.9, "centered": True, "weight_decay": 0.1},
     [[-0.00503779, -0.99496219], [-0.90944757, 0.03544011], [-1.11638706, 0.96268562]]),
]
# fmt: on


@pytest.mark.parametrize(("make", "options", "expected"), RECORDED)
def test_recorded_steps(make: type, options: dict, expected: list) -> None:
    x = leaf([1.0, -2.0])
    opt = make([x], **options)
    for place in expected:
        opt.zero_grad()
        (x**4).sum().backward()
        opt.step()
        np.testing.assert_allclose(x.tolist(), place, atol=1e-8)


def drawn(name: str, rng: np.random.Generator) -> dict[str, Any]:
    """Settings for an optimizer; each may also be left out."""
    flags = {key: bool(rng.integers(2)) for key in ("amsgrad", "centered", "maximize")}
    settings: dict[str, Any] = {"lr": rng.uniform(0.001, 0.1), "weight_decay": rng.choice([0, 0.01, 0.5])}
    settings |= {"eps": 10 ** rng.uniform(-9, -2), "maximize": flags["maximize"]}
    if name == "AdamW":
        settings |= {"betas": (rng.uniform(0, 0.95), rng.uniform(0, 0.999)), "amsgrad": flags["amsgrad"]}
    else:
        settings |= {"alpha": rng.uniform(0.5, 0.99), "momentum": rng.choice([0, 0.9])}
        settings |= {"centered": flags["centered"]}
    return {key: value for key, value in settings.items() if rng.integers(5)}


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("name", CLASSES)
def test_steps_are_those_of_pytorch(torch: Any, name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    settings = drawn(name, rng)
    starts = [rng.standard_normal(shape) for shape in [(3,), (2, 4)]]
    ours, theirs = [leaf(s) for s in starts], [leaf(s, torch) for s in starts]
    groups = [[{"params": [a], "lr": 0.01}, {"params": [b]}] for a, b in (ours, theirs)]
    found = trajectory(CLASSES[name](groups[0], **settings), ours, 8)
    expected = trajectory(getattr(torch.optim, name)(groups[1], **settings), theirs, 8)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10)


def test_decay_reaches_all_weights_alike_in_adamw_and_only_those_with_small_gradients_in_adam() -> None:
    """Two weights of 1; the gradients of one are a million times the other's, and both alternate in sign."""

    def left_over(make: type) -> np.ndarray:
        x = leaf([1.0, 1.0])
        opt = make([x], lr=1e-3, weight_decay=0.1)
        for step in range(400):
            x.grad = tinygrad_stab.tensor([1e3, 1e-3]) * (-1.0) ** step
            opt.step()
        return 1 - x.detach().numpy()

    large, small = left_over(AdamW)
    assert large == pytest.approx(small, rel=0.05)
    large, small = left_over(Adam)
    assert large < small / 100


def test_the_first_step_of_rmsprop_is_ten_times_the_rate() -> None:
    x = leaf([0.0, 0.0])
    opt = RMSprop([x], lr=1e-3)
    x.grad = tinygrad_stab.tensor([5.0, 1e-3])
    opt.step()
    np.testing.assert_allclose(x.tolist(), [-0.01, -0.01], rtol=1e-4)


def test_a_constant_gradient_has_no_variance_and_no_nan() -> None:
    x = tinygrad_stab.zeros(1000, requires_grad=True)
    opt = RMSprop([x], lr=0.1, alpha=0.9, centered=True)
    x.grad = tinygrad_stab.randn(1000)
    for _ in range(300):
        opt.step()
    assert np.isfinite(x.tolist()).all()


@pytest.mark.parametrize("name", CLASSES)
def test_float32_stays_float32_and_the_state_can_be_taken_over(name: str) -> None:
    def made() -> tuple[Any, Any]:
        x = tinygrad_stab.tensor([1.0, -2.0], requires_grad=True)
        return x, CLASSES[name]([x], lr=0.1)

    x, opt = made()
    trajectory(opt, [x], 3)
    assert x.dtype == np.float32
    assert all(v.dtype == np.float32 for v in opt.state[x].values() if isinstance(v, np.ndarray))
    y, other = made()
    other.load_state_dict(opt.state_dict())
    with tinygrad_stab.no_grad():
        y.copy_(x)
    np.testing.assert_array_equal(trajectory(opt, [x], 3), trajectory(other, [y], 3))


def test_settings_out_of_range_are_refused() -> None:
    for make, bad in [
        (AdamW, {"betas": (0.9, 1.0)}),
        (AdamW, {"weight_decay": -0.1}),
        (RMSprop, {"alpha": -0.1}),
        (RMSprop, {"alpha": 1.1}),
        (RMSprop, {"momentum": -1}),
        (RMSprop, {"lr": -1}),
    ]:
        with pytest.raises(ValueError, match="Invalid"):
            make([leaf([1.0])], **bad)  # type: ignore[operator]


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop"])
def test_switches_that_only_make_pytorch_faster_are_taken_at_their_defaults(lib: Any, name: str) -> None:
    switches: dict[str, Any] = {"foreach": None, "capturable": False, "differentiable": False}
    switches |= {"fused": None} if name != "RMSprop" else {}
    if name == "SGD":
        del switches["capturable"]
    getattr(lib.optim, name)([leaf([1.0], lib)], **switches)


def test_switches_that_are_thrown_are_refused_with_the_reason_and_unknown_ones_as_unknown() -> None:
    with pytest.raises(ValueError, match=r"Adam: foreach=True is not supported: .*leave it out"):
        Adam([leaf([1.0])], foreach=True)
    with pytest.raises(
        ValueError, match=r"Adam: decoupled_weight_decay=True .* AdamW from Adam, take the other"
    ):
        Adam([leaf([1.0])], decoupled_weight_decay=True)
    with pytest.raises(TypeError, match="unexpected keyword argument 'learning_rate'"):
        Adam([leaf([1.0])], learning_rate=0.1)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop"])
@pytest.mark.parametrize("transposed", [False, True])
def test_a_large_parameter_moves_as_its_elements_would_alone(name: str, transposed: bool) -> None:
    """It is moved stretch by stretch, but not where its elements are not in one row in memory."""
    rng = np.random.default_rng(0)
    settings: dict[str, Any] = {"momentum": 0.9} if name in ("SGD", "RMSprop") else {"amsgrad": True}
    start, gradients = rng.standard_normal((40, 1000)), rng.standard_normal((3, 40, 1000))
    assert start.size > STRETCH
    large, rows = leaf(start), [leaf(row) for row in start]
    if transposed:
        large.data = np.asfortranarray(start)
    opt = getattr(optim, name)([{"params": large}, {"params": rows}], 0.1, **settings)
    for g in gradients:
        large.grad = tinygrad_stab.tensor(g)
        for x, row in zip(rows, g):
            x.grad = tinygrad_stab.tensor(row)
        opt.step()
    np.testing.assert_allclose(large.tolist(), [x.tolist() for x in rows], rtol=1e-12)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop"])
def test_reprs_are_those_of_pytorch(torch: Any, name: str) -> None:
    theirs = getattr(torch.optim, name)([leaf([1.0], torch)])
    assert repr(getattr(optim, name)([leaf([1.0])])) == repr(theirs)
