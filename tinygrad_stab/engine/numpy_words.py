"""How a variable answers NumPy: `np.exp(x)`, `x + 1`, `np.sum(x, axis=0)`, `x[0]` are differentiable.

NumPy asks the arguments of its functions, through two methods, whether they want to answer in its place. We
look the function up in `ANSWERS`, which the table of derivatives fills; where it is not, and no gradient is
required, NumPy gets the values. That is why a derivative rule can be
written in NumPy's words and still be applied to variables, which is all it takes to differentiate a gradient
again.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from .switches import switches

ANSWERS: dict[Callable, Callable] = {
    np.shape: lambda x: x.array.shape,
    np.ndim: lambda x: x.array.ndim,
    np.size: lambda x, axis=None: np.size(x.array, axis),
}


class AnswersNumpy(NDArrayOperatorsMixin):
    """The methods through which NumPy asks; the class that inherits them has its values in `array`.

    From the mixin it has the operators: `x + 1` asks NumPy, which asks us.
    """

    __slots__ = ()
    array: np.ndarray
    __hash__ = object.__hash__  # == compares elements, so identity is all that is left to hash

    # fmt: off
    @property
    def shape(self) -> Any:           return self.array.shape
    @property
    def dtype(self) -> Any:           return self.array.dtype
    @property
    def ndim(self) -> int:            return self.array.ndim
    @property
    def T(self) -> Any:               return np.transpose(self)
    def __len__(self) -> int:         return len(self.array)
    def __getitem__(self, key: Any):  return ANSWERS[operator.getitem](self, key=key)
    # fmt: on

    def astype(self, dtype: Any) -> Any:
        """The same numbers in another dtype."""
        return ANSWERS[np.ndarray.astype](self, dtype=dtype)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Values for NumPy and matplotlib, read-only unless copied: the graph would not see a write."""
        if copy or (dtype is not None and dtype != self.array.dtype):
            return np.array(self.array, dtype=dtype)
        values = self.array.view()
        values.flags.writeable = False
        return values

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        out = options.get("out")
        if out is not None and (_part_of_the_graph(inputs) or _has_variable(out)):
            raise TypeError(
                f"np.{ufunc.__name__} cannot write its result into an array when a tensor is involved: "
                "write `y = y + t` instead of `y += t`, or use np.asarray(t)"
            )
        if out is not None:
            return function(*_values(inputs), **options)
        return self.__array_function__(function, (), inputs, options)

    def __array_function__(self, function: Callable, types: Any, args: Any, kwargs: Any) -> Any:
        if function in ANSWERS:
            return ANSWERS[function](*map(_kept, args), **{name: _kept(x) for name, x in kwargs.items()})
        if function not in _ABOUT_VALUES and _part_of_the_graph((args, kwargs)):
            known = ", ".join(sorted({f.__name__ for f in ANSWERS}))
            raise TypeError(
                f"np.{function.__name__} has no derivative rule here. For the values alone use "
                f"np.asarray(t); functions with a rule: {known}"
            )
        return function(*_values(args), **_values(kwargs))


# What they return has no derivative, or is about the values as they stand: everyone gets an answer.
_ABOUT_VALUES = {
    np.allclose, np.array_equal, np.array_repr, np.array_str, np.array2string, np.argsort, np.argwhere,
    np.atleast_1d, np.atleast_2d, np.atleast_3d, np.broadcast_arrays, np.can_cast, np.common_type,
    np.copyto,
    np.count_nonzero, np.digitize, np.flatnonzero, np.histogram, np.histogram_bin_edges, np.isclose,
    np.iscomplexobj, np.isrealobj, np.may_share_memory, np.min_scalar_type, np.nonzero, np.result_type,
    np.save, np.savetxt, np.savez, np.searchsorted, np.shares_memory, np.empty_like, np.full_like,
}  # fmt: skip


def _values(x: Any) -> Any:
    """Arrays in the place of variables, however deeply they are nested."""
    if isinstance(x, AnswersNumpy):
        return np.asarray(x)
    if isinstance(x, dict):
        return {name: _values(part) for name, part in x.items()}
    return type(x)(map(_values, x)) if type(x) in (tuple, list) else x


def _has_variable(x: Any) -> bool:
    return any(map(_has_variable, x)) if type(x) in (tuple, list) else isinstance(x, AnswersNumpy)


def _part_of_the_graph(x: Any) -> bool:
    """Is the graph being recorded, and would a derivative be asked for?"""
    if type(x) in (tuple, list, dict):
        return switches.recording and any(map(_part_of_the_graph, x.values() if type(x) is dict else x))
    return isinstance(x, AnswersNumpy) and getattr(x, "node", None) is not None


def _kept(x: Any) -> Any:
    """A list, such as np.transpose's of axes, as it is now: the backward pass needs it."""
    return tuple(x) if type(x) is list else x
