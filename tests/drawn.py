"""What a sample is, and what hypothesis draws for it: values, how they lie in memory, shapes, axes, options.

The values themselves come from a generator whose seed is drawn: they need not be simple, only keep away from
points without a derivative.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import strategies as st


class Sample(NamedTuple):
    """`call(*inputs)` uses one primitive; every input is differentiated."""

    call: Callable[..., Any]
    inputs: tuple[np.ndarray, ...]


# --- values -------------------------------------------------------------------------------------------------


def anything(rng, shape):
    return rng.standard_normal(shape)


def positive(rng, shape):
    return rng.uniform(0.5, 2.0, shape)


def between_0_and_1(rng, shape):
    return rng.uniform(0.1, 0.9, shape)


def nonzero(rng, shape):
    return rng.choice([-1.0, 1.0], shape) * rng.uniform(0.1, 2.0, shape)


def even(rng, shape):
    """Multiples of 0.2: none is within 0.1 of an `odd` number, and 0.3, say, is none."""
    return 0.2 * rng.integers(-8, 9, shape)


def odd(rng, shape):
    return 0.2 * rng.integers(-8, 8, shape) + 0.1


def distinct(rng, shape):
    """No two within 0.1 of each other."""
    n = int(np.prod(shape))
    return 0.1 * (rng.permutation(n) - n / 2).reshape(shape)


generators = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def _with_steps(x, step):
    """The same values in memory that is walked through in steps: backwards, or leaving gaps."""
    walk = (..., *(slice(None, None, step),) * x.ndim)
    memory = np.empty([abs(step) * n for n in x.shape])
    memory[walk] = x
    return memory[walk]


LAYOUTS = {
    "C": lambda x: np.array(x, order="C"),
    "Fortran": lambda x: np.array(x, order="F"),
    "strided": lambda x: _with_steps(x, 2),
    "reversed": lambda x: _with_steps(x, -1),
}


@st.composite
def arrays(draw, shape, values=anything):
    layout = LAYOUTS[draw(st.sampled_from(sorted(LAYOUTS)))]
    return layout(np.asarray(values(draw(generators), shape)))


# --- shapes and options -------------------------------------------------------------------------------------

booleans = st.booleans()


@st.composite
def shapes_of(draw, min_dims=0, max_dims=3):
    """Up to three sides of up to three elements, sometimes of none."""
    return draw(hnp.array_shapes(min_dims=min_dims, max_dims=max_dims, min_side=draw(booleans), max_side=3))


@st.composite
def broadcastable(draw, n, min_side=0, max_dims=3, signature=None):
    """n shapes that fit each other, or that fit the signature of a function such as np.matmul."""
    min_side = max(min_side, draw(st.integers(0, 1)))
    fitting = {"num_shapes": n} if signature is None else {"signature": signature}
    return draw(
        hnp.mutually_broadcastable_shapes(**fitting, max_dims=max_dims, min_side=min_side, max_side=3)
    ).input_shapes


@st.composite
def broadcasting_to(draw, target):
    """The shape with some sides 1 instead, and perhaps without the first ones."""
    return tuple(n if draw(booleans) else 1 for n in target)[draw(st.integers(0, len(target))) :]


shapes = shapes_of()


def axis_of(ndim):
    """One axis, counted from either end."""
    return st.integers(-ndim, ndim - 1)


def axes_of(ndim, min_size=0):
    """None for all, one axis, or several."""
    if ndim == 0:
        return st.none()
    return st.none() | axis_of(ndim) | hnp.valid_tuple_axes(ndim, min_size=min_size)


def options_of(**strategies):
    return st.fixed_dictionaries({}, optional=strategies)


def with_options(op, options):
    return lambda *xs: op(*xs, **options)
