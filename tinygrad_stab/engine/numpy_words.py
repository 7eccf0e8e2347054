"""How a variable answers NumPy: `np.exp(x)`, `x + 1`, `np.sum(x, axis=0)`, `x[0]` are differentiable.

NumPy asks the arguments of its functions, through two methods, whether they want to answer in its place. We
look the function up in `ANSWERS`, which the table of derivatives fills. That is why a derivative rule can be
written in NumPy's words and still be applied to variables, which is all it takes to differentiate a gradient
again.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

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
        if options.pop("out", None) is not None:
            raise TypeError(
                f"np.{ufunc.__name__} cannot write its result into an array when a tensor is involved: "
                "write `y = y + t` instead of `y += t`, or use np.asarray(t)"
            )
        return self.__array_function__(
            ufunc if method == "__call__" else getattr(ufunc, method), (), inputs, options
        )

    def __array_function__(self, function: Callable, types: Any, args: Any, kwargs: Any) -> Any:
        if function not in ANSWERS:
            known = ", ".join(sorted({f.__name__ for f in ANSWERS}))
            raise TypeError(
                f"np.{function.__name__} has no derivative rule here. For the values alone use "
                f"np.asarray(t); functions with a rule: {known}"
            )
        return ANSWERS[function](*map(_kept, args), **{name: _kept(x) for name, x in kwargs.items()})


def _kept(x: Any) -> Any:
    """A list, such as np.transpose's of axes, as it is now: the backward pass needs it."""
    return tuple(x) if type(x) is list else x
