"""Functions that move values without changing them. The gradient goes back the way the values came.

Two pairs are each other's derivative: taking (`getitem`) and putting (`scatter`), `stack` and `unbind`.
"""

import operator

import numpy as np

from ..engine.graph import array_of
from ..engine.numpy_words import ANSWERS
from ..engine.primitive import ANY, Primitive, primitive


def _getitem(x, key):
    """x[key]; one element too is a view of x, of which x[i] would make a NumPy number."""
    y = x[key]
    if isinstance(y, np.ndarray):
        return y
    of_an_element = (*_as_tuple(key), ...)
    return x[of_an_element]


def _as_tuple(key):
    return key if isinstance(key, tuple) else (key,)


def _unbind(x, axis=0):
    first = np.moveaxis(x, axis, 0)
    return tuple(first[k, ...] for k in range(len(first)))


# fmt: off
def _reshape(x, shape):         return np.reshape(x, shape)
def _broadcast_to(x, shape):    return np.broadcast_to(x, shape)
def _concatenate(*xs, axis=0):  return np.concatenate(xs, axis)
def _stack(*xs, axis=0):        return np.stack(xs, axis)
def inverse(axes):              return axes and tuple(np.argsort([axis % len(axes) for axis in axes]))

#                        forward           ∂L/∂x
reshape      = primitive(_reshape,         x=lambda g, x_shape: np.reshape(g, x_shape), numpy=np.reshape)
squeeze      = primitive(np.squeeze,       x=lambda g, x_shape: np.reshape(g, x_shape))
expand_dims  = primitive(np.expand_dims,   x=lambda g, axis: np.squeeze(g, axis=axis))
broadcast_to = primitive(_broadcast_to,    x=lambda g: g, numpy=np.broadcast_to)  # the engine sums
transpose    = primitive(np.transpose,     x=lambda g, axes: np.transpose(g, inverse(axes)))
swapaxes     = primitive(np.swapaxes,      x=lambda g, axis1, axis2: np.swapaxes(g, axis1, axis2))
flip         = primitive(np.flip,          x=lambda g, axis: np.flip(g, axis))
# fmt: on


def _concatenate_rule(g, shapes, axis):
    """∂L/∂x = its own piece of g."""
    key, start, pieces = [slice(None)] * g.ndim, 0, []
    for shape in shapes:
        key[axis] = slice(start, start + shape[axis])
        pieces.append(g[tuple(key)])
        start += shape[axis]
    return pieces


concatenate = primitive(_concatenate, joint=_concatenate_rule, inputs=ANY)
ANSWERS[np.concatenate] = lambda xs, axis=0: concatenate(*xs, axis=axis)


stack = primitive(_stack, joint=lambda g, axis: unbind(g, axis=axis), inputs=ANY)
ANSWERS[np.stack] = lambda xs, axis=0: stack(*xs, axis=axis)


def _unbind_rule(g, x_shape, axis):
    """The slices go back to where they came from, zeros where none has arrived:  ∂L/∂x = stack(g)."""
    shape = x_shape[:axis] + x_shape[axis % len(x_shape) + 1 :]
    dtype = next(part.dtype for part in g if part is not None)
    return np.stack([np.zeros(shape, dtype) if part is None else part for part in g], axis)


# All slices at once: picked out one by one, each would send back a gradient of the whole's size.
unbind: Primitive = primitive(_unbind, x=_unbind_rule)


def _scatter(g, key, shape):
    """Zeros of a shape, with g added at a key; only integer arrays can name a place twice."""
    out = np.zeros(shape, g.dtype)
    if any(array.dtype != bool for array in _arrays_in(key)):
        np.add.at(out, key, g)
    else:
        out[key] = g
    return out


def _arrays_in(key):
    return [np.asarray(part) for part in _as_tuple(key) if isinstance(part, (np.ndarray, list, tuple, range))]


_CONSTANT = {int, type(None), type(...)}
_PLAIN = {*_CONSTANT, slice}  # parts of a key that mean the same to NumPy and PyTorch


def _kept(key):
    """A key that stays as it is: the backward pass needs it, and a list may have changed by then.

    Tensors are not copied: who writes into one is found out.
    """
    key = _as_tuple(key)
    if _CONSTANT.issuperset(map(type, key)):
        return key
    return tuple(map(_kept_part, key))


def _kept_part(part):
    if type(part) is slice:
        return slice(*(None if n is None else operator.index(n) for n in (part.start, part.stop, part.step)))
    array = array_of(part)
    if getattr(array, "ndim", 1) == 0:
        return array.item()
    if isinstance(part, (list, tuple, range)):
        return np.array(part, None if len(part) else int)
    return part.copy() if isinstance(part, np.ndarray) else array


def index(key):
    """The keys, one or two, to be applied one after the other, with arrays for tensors.

    Integers that stand beside arrays are a first key of their own, as in PyTorch. NumPy counts them among the
    arrays, and would put the dim of the arrays in front of the slice in x[0, :, [1, 2]].
    """
    key = _kept(key)
    if _PLAIN.issuperset(map(type, key)):
        return (key,)
    rest = tuple(part for part in key if type(part) is not int)
    if len(rest) == len(key) or not _arrays_in(rest):
        return (key,)
    integers: list = []
    for part in key:
        if type(part) is int or part is ...:
            integers.append(part)
        elif part is not None:  # a mask stands for all its dims
            integers += [slice(None)] * (np.ndim(part) if np.asarray(part).dtype == bool else 1)
    return tuple(integers), rest


getitem: Primitive = primitive(
    _getitem, x=lambda g, x_shape, key: scatter(g, key=key, shape=x_shape), numpy=operator.getitem
)
ANSWERS[operator.getitem] = lambda x, key: getitem(x, key=_kept(key))
scatter: Primitive = primitive(_scatter, g=lambda h, key: h[key])


def _replace(x, value, key):
    """x with the elements at a key replaced: what `t[key] = value` computes."""
    y = np.array(x)
    y[key] = value
    return y


replace: Primitive = primitive(
    _replace, x=lambda g, key: replace(g, 0.0, key=key), value=lambda g, key: g[key]
)

VIEWS = {unbind, reshape, squeeze, expand_dims, broadcast_to, transpose, swapaxes, flip, getitem}


def shares_memory(node):
    """Did this step return a view of its input? An index that holds arrays makes a copy."""
    return node.primitive in VIEWS and not _arrays_in(node.options.get("key"))
