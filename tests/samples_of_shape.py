"""Samples of the primitives that move values without changing them."""

from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
from drawn import Sample, arrays, axis_of, booleans, broadcasting_to, shapes, shapes_of, with_options
from hypothesis import strategies as st

from tinygrad_stab import nn, ops


@st.composite
def reshapes(draw):
    shape = draw(shapes)
    n = int(np.prod(shape))
    new = draw(st.sampled_from([(n,), (-1,), shape[::-1], (1, n, 1), n]))
    return Sample(lambda x: ops.reshape(x, shape=new), (draw(arrays(shape)),))


@st.composite
def squeezes(draw):
    shape = draw(shapes)
    ones = [k for k, n in enumerate(shape) if n == 1]
    axis = draw(st.sampled_from([None, tuple(ones), *ones, *(k - len(shape) for k in ones)]))
    return Sample(lambda x: ops.squeeze(x, axis=axis), (draw(arrays(shape)),))


@st.composite
def expansions(draw):
    shape = draw(shapes)
    axis = draw(axis_of(len(shape) + 1) | st.just((0, -1)))
    return Sample(lambda x: ops.expand_dims(x, axis=axis), (draw(arrays(shape)),))


@st.composite
def broadcasts(draw):
    target = draw(shapes)
    shape = draw(broadcasting_to(target))
    return Sample(lambda x: ops.broadcast_to(x, shape=target), (draw(arrays(shape)),))


@st.composite
def transposes(draw):
    """Any permutation, each axis counted from either end."""
    shape = draw(shapes)
    order = draw(st.permutations(range(len(shape))))
    axes = draw(st.none() | st.just(tuple(k - len(shape) if draw(booleans) else k for k in order)))
    return Sample(lambda x: ops.transpose(x, axes=axes), (draw(arrays(shape)),))


@st.composite
def swaps(draw):
    shape = draw(shapes_of(min_dims=1))
    axis1, axis2 = draw(axis_of(len(shape))), draw(axis_of(len(shape)))
    return Sample(lambda x: ops.swapaxes(x, axis1=axis1, axis2=axis2), (draw(arrays(shape)),))


@st.composite
def joined(draw, op, alike):
    """Up to three arrays along one axis, in which their sizes may differ unless they have to be `alike`."""
    shape = draw(shapes_of(min_dims=0 if alike else 1))
    axis = draw(axis_of(len(shape) + alike))
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        if not alike:
            shape = tuple(
                draw(st.integers(0, 3)) if k == axis % len(shape) else n for k, n in enumerate(shape)
            )
        parts.append(draw(arrays(shape)))
    return Sample(with_options(op, {"axis": axis}), tuple(parts))


def slices_only(shape):
    return hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True)


def masks(shape):
    return hnp.arrays(bool, shape)


@st.composite
def places(draw, shape):
    """For every axis an integer, a slice, or two integers, possibly equal, in an array, a list or a tuple."""
    key: list[Any] = []
    for n in shape:
        one = st.integers(-n, n - 1) if n else st.nothing()
        pair = st.lists(one, min_size=2, max_size=2)
        key.append(draw(st.slices(n) | one | pair.map(np.array) | pair | pair.map(tuple)))
    return tuple(key)


@st.composite
def keyed(draw, sample, *kinds):
    shape = draw(shapes)
    return draw(sample(shape, draw(st.one_of(*(kind(shape) for kind in kinds)))))


@st.composite
def getitems(draw, shape, key):
    return Sample(lambda x: ops.getitem(x, key=key), (draw(arrays(shape)),))


@st.composite
def scatters(draw, shape, key):
    taken = np.zeros(shape)[key].shape
    return Sample(lambda g: ops.scatter(g, key=key, shape=shape), (draw(arrays(taken)),))


@st.composite
def replacements(draw, shape, key):
    taken = np.zeros(shape)[key].shape
    value = draw(st.sampled_from([taken, (), tuple(1 for _ in taken)]))
    return Sample(lambda x, value: ops.replace(x, value, key=key), (draw(arrays(shape)), draw(arrays(value))))


@st.composite
def gates(draw):
    inputs = tuple(draw(arrays(draw(shapes))) for _ in range(draw(st.integers(1, 3))))
    return Sample(nn.hooks.gate, inputs)


# fmt: off
SHAPE_SAMPLES = {
    "reshape":         reshapes(),
    "squeeze":         squeezes(),
    "expand_dims":     expansions(),
    "broadcast_to":    broadcasts(),
    "transpose":       transposes(),
    "swapaxes":        swaps(),
    "concatenate":     joined(ops.concatenate, alike=False),
    "stack":           joined(ops.stack, alike=True),
    "getitem":         keyed(getitems, slices_only, masks, places),
    "scatter":         keyed(scatters, slices_only, masks, places),
    "replace":         keyed(replacements, slices_only, masks),
    "gate":            gates(),
}
# fmt: on
