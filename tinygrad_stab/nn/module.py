"""The base class of all layers and models: what it owns, it owns as plain attributes.

A Parameter assigned to an attribute is a parameter, a Module assigned to one is a submodule, in the order of
assignment. `parameters()`, `state_dict()` and `repr` read the attributes; there is no second registry to keep
in step. Only of buffers, which are plain tensors, the names are noted, by `register_buffer`. Hooks stand in
`hooks.py`, what is said to someone who has made a mistake in `advice.py`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from ..tensor import Tensor
from ..tensor.creation import zeros_like
from ..tensor.user_code import warn
from .advice import NoSuchAttribute, check_kind, warn_of_plain_list
from .hooks import HasHooks, no_hooks
from .loading import LoadResult, load
from .parameter import Parameter


class Module(HasHooks):
    """Base class: assign layers in `__init__`, after `super().__init__()`, and compute in `forward`."""

    training: bool

    def __init__(self) -> None:
        vars(self).update(
            training=True,
            _buffer_names={},  # name → is it part of the state dict?
            **no_hooks(),
        )

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """Compute the output. Every module defines its own."""
        raise NotImplementedError(
            f"{type(self).__name__} has no forward method: define `def forward(self, x):`"
        )

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        y = self._call_with_hooks(inputs, options) if self._hooked else self.forward(*inputs, **options)
        if y is None:
            warn(f"forward() of {type(self).__name__} returned None: is a `return` missing?")
        return y

    # --- attributes -----------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        before = vars(self).get(name)
        if isinstance(before, Module):
            check_kind("child module", Module, name, value)
        elif isinstance(before, Parameter):
            check_kind("parameter", Parameter, name, value)
        if isinstance(value, (Module, Parameter)):
            if "training" not in vars(self):
                raise AttributeError(
                    f"cannot assign {name!r} before Module.__init__() call: "
                    f"begin {type(self).__name__}.__init__ with super().__init__()"
                )
            self._buffer_names.pop(name, None)
        elif name in vars(self).get("_buffer_names", ()):
            check_kind("buffer", Tensor, name, value)
        if isinstance(value, (list, tuple)) and any(isinstance(v, (Module, Parameter)) for v in value):
            warn_of_plain_list(self, name, value)
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:  # called only when there is no such attribute
        if "training" not in vars(self):
            raise AttributeError(
                f"{type(self).__name__} has no {name!r} yet: begin {type(self).__name__}.__init__ with "
                "super().__init__()"
            )
        for owner in type(self).__mro__:
            if hasattr(vars(owner).get(name), "__get__"):  # a property, in which an attribute is missing:
                return vars(owner)[name].__get__(self, type(self))  # once more, for its own error
        raise NoSuchAttribute(self, name)

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        self._buffer_names.pop(name, None)

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name[0].isdigit()]  # model.0 cannot be written

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        check_kind("parameter", Parameter, name, param)
        setattr(self, name, param)

    def add_module(self, name: str, module: Module | None) -> None:
        check_kind("child module", Module, name, module)
        setattr(self, name, module)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Own a tensor that is part of the state but is not learned."""
        check_kind("buffer", Tensor, name, tensor)
        if name not in self._buffer_names and (name in vars(self) or hasattr(type(self), name)):
            raise KeyError(f"attribute {name!r} already exists: give the buffer another name")
        self._buffer_names[name] = persistent
        setattr(self, name, tensor)

    # --- what it owns ---------------------------------------------------------------------------------------

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules right below this one; one that is used twice is listed once."""
        seen: set[Module] = set()
        for name, module in self._attributes(Module):
            if module not in seen:
                yield name, module
                seen.add(module)

    def _attributes(self, kind: type) -> list[tuple[str, Any]]:
        return [(name, value) for name, value in vars(self).items() if isinstance(value, kind)]

    def named_modules(
        self, memo: set | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all below it, each with its dotted name; one that is used twice is listed once."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._attributes(Module):
            yield from module.named_modules(memo, _dotted(prefix, name), remove_duplicate)

    def _named_members(
        self, own: Callable, prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        everywhere = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
        for path, module in everywhere if recurse else [(prefix, self)]:
            for name, value in own(module):
                if id(value) not in seen:
                    yield _dotted(path, name), value
                if remove_duplicate:
                    seen.add(id(value))

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        return self._named_members(Module._own_parameters, prefix, recurse, remove_duplicate)

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        return self._named_members(Module._own_buffers, prefix, recurse, remove_duplicate)

    def _own_parameters(self) -> list[tuple[str, Parameter]]:
        return self._attributes(Parameter)

    def _own_buffers(self) -> Iterator[tuple[str, Tensor]]:
        return ((name, vars(self)[name]) for name in self._buffer_names if vars(self)[name] is not None)

    def children(self) -> Iterator[Module]:
        return (module for _, module in self.named_children())

    def modules(self) -> Iterator[Module]:
        return (module for _, module in self.named_modules())

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def get_submodule(self, target: str) -> Module:
        """The module of a dotted name."""
        module = self
        for name in target.split(".") if target else ():
            module = getattr(module, name)
        return module

    # --- doing something to all of it -----------------------------------------------------------------------

    def apply(self, fn: Callable[[Module], Any]) -> Module:
        """Call fn on every module, children first."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Module:
        """Switch to training mode, in which BatchNorm uses the batch and Dropout drops."""
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Module:
        """Switch to evaluation mode."""
        return self.train(False)

    def zero_grad(self, set_to_none: bool = True) -> None:
        for parameter in self.parameters():
            parameter.grad = None if set_to_none or parameter._grad is None else zeros_like(parameter)

    def requires_grad_(self, requires_grad: bool = True) -> Module:
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def to(self, *args: Any, **named: Any) -> Module:
        """Convert parameters, gradients and floating-point buffers to a dtype; the only device is the CPU."""
        Tensor(0.0).to(*args, **named)  # refuse what does not fit a model without parameters either
        for tensor in [*self.parameters(), *self.buffers()]:
            if tensor.dtype.kind == "f":
                data = tensor.data.to(*args, **named)
                if data.dtype.kind != "f":
                    raise TypeError(f"nn.Module.to only accepts floating point dtypes, not {data.dtype}")
                tensor.data = data
                if tensor._grad is not None:
                    tensor._grad = tensor._grad.to(data.dtype)
        return self

    # fmt: off
    def double(self) -> Module:                   return self.to(np.float64)
    def float(self) -> Module:                    return self.to(np.float32)
    def half(self) -> Module:                     return self.to(np.float16)
    def cpu(self) -> Module:                      return self
    def cuda(self, device: Any = None) -> Module: return self.to("cuda")  # which is refused
    # fmt: on

    # --- state ----------------------------------------------------------------------------------------------

    def state_dict(self) -> OrderedDict[str, Tensor]:
        """All parameters and persistent buffers by name; the tensors share memory with the model."""
        state = OrderedDict()
        for path, module in self.named_modules(remove_duplicate=False):
            persistent = [(name, b) for name, b in module._own_buffers() if module._buffer_names[name]]
            for name, value in [*module._own_parameters(), *persistent]:
                state[_dotted(path, name)] = value.detach()
        return state

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> LoadResult:
        """Copy values into parameters and buffers by name. If anything does not fit, nothing is changed."""
        return load(type(self).__name__, self.state_dict(), state_dict, strict)

    # --- how it prints --------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """What stands between the parentheses: the arguments that made this module."""
        return ""

    def __repr__(self) -> str:
        children = [f"({name}): {_indented(repr(module))}" for name, module in self._attributes(Module)]
        extra = self.extra_repr()
        if not children:
            return f"{type(self).__name__}({_indented(extra)})"
        lines = "\n  ".join(([_indented(extra)] if extra else []) + children)
        return f"{type(self).__name__}(\n  {lines}\n)"


def _dotted(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")
