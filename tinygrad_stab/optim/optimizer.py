"""What all optimizers share: groups of parameters with settings of their own, and what is remembered of each.

A rule works element by element, so it is applied to one stretch of a parameter after the other. Whatever it
computes on the way then stays in the processor's cache, and it can be written almost as it is in the paper.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar

import numpy as np

from ..engine.memory import note_write
from ..engine.switches import enable_grad
from ..tensor import Tensor
from ..tensor.left_out import refuse
from ..tensor.user_code import warn

STRETCH = 1 << 15  # elements

_FASTER = "it changes how PyTorch computes a step, not the step: leave it out"
_WHY_FIXED = {
    "foreach": _FASTER,
    "fused": _FASTER,
    "capturable": _FASTER,
    "differentiable": "no step is recorded in the graph",
    "decoupled_weight_decay": "that is what tells AdamW from Adam, take the other",
}

Settings = dict[str, Any]
State = dict[str, Any]


class Optimizer:
    """Base class. A subclass says in `update` how one parameter moves, given its gradient.

    `params` is an iterable of tensors, or of dicts {"params": …, "lr": …} whose settings override `defaults`.
    """

    fixed: ClassVar[Settings] = {}  # arguments of PyTorch's, with the only value that each can have here

    def __init__(self, params: Iterable[Any], defaults: Settings, **given: Any) -> None:
        only = {name: (value, _WHY_FIXED[name]) for name, value in self.fixed.items()}
        refuse(type(self).__name__, given, only)
        if isinstance(params, Tensor):
            raise TypeError("params should be an iterable of Tensors or dicts, not a Tensor: write [tensor]")
        self.defaults = defaults
        self.stepped = False  # a scheduler wants to know
        self.param_groups: list[Settings] = []
        self.state: defaultdict[Tensor, State] = defaultdict(dict)
        groups = list(params)
        if not groups:
            raise ValueError(
                "optimizer got an empty parameter list: is model.parameters() a generator that has been used "
                "up, or are the layers in a plain Python list instead of an nn.ModuleList?"
            )
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def add_param_group(self, param_group: Settings) -> None:
        """Add parameters with settings of their own; what a group does not say comes from the defaults.

        It may say more, such as its name.
        """
        given = param_group["params"]
        params = [given] if isinstance(given, Tensor) else list(given)
        if params and all(isinstance(p, tuple) and len(p) == 2 for p in params):  # of named_parameters()
            param_group = {**param_group, "param_names": [name for name, _ in params]}
            params = [p for _, p in params]
        known = {p for group in self.param_groups for p in group["params"]}
        for p in params:
            if not isinstance(p, Tensor):
                raise TypeError(
                    f"optimizer can only optimize Tensors, but one is a {type(p).__name__}: pass "
                    "model.parameters()"
                )
            if not p.is_leaf:
                raise ValueError("can't optimize a non-leaf Tensor: it was computed, and will be again")
            if p in known:
                raise ValueError("some parameters appear in more than one parameter group")
        if len(set(params)) < len(params):
            warn("optimizer contains a parameter group with duplicate parameters: each is moved twice a step")
        settings = {**self.defaults, **param_group, "params": params}
        self.check(settings)
        self.param_groups.append(settings)

    def check(self, settings: Settings) -> None:
        """Refuse settings out of range."""
        for name in ("lr", "weight_decay", "eps", "momentum"):
            if isinstance(settings.get(name), Tensor) and settings[name].numel() != 1:
                raise ValueError(
                    f"Tensor {name} must be 1-element, not of shape {tuple(settings[name].shape)}"
                )
            if name in settings and not settings[name] >= 0:
                raise ValueError(f"Invalid {name} value: {settings[name]}: it must not be negative")

    def update(self, p: Tensor, settings: Settings, state: State) -> None:
        """Move one parameter; `state` is what is remembered of it."""
        raise NotImplementedError

    def stretches(
        self, p: Tensor, settings: Settings, state: State, *names: str
    ) -> Iterator[list[np.ndarray]]:
        """Yield p, its gradient and what has these names, 0 at first, one stretch after the other."""
        for name in names:
            if name not in state:
                state[name] = np.zeros_like(p.array)
        arrays = [p.array, p._grad.array, *[state[name] for name in names]]
        parts = [arrays]
        if p.array.size > STRETCH and all(array.flags.c_contiguous for array in arrays):
            flat, starts = [array.reshape(-1) for array in arrays], range(0, p.array.size, STRETCH)
            parts = [[array[k : k + STRETCH] for array in flat] for k in starts]
        for part in parts:
            part[1] = self.with_decay(part[0], part[1], settings)
            yield part

    def with_decay(self, x: np.ndarray, g: np.ndarray, settings: Settings) -> np.ndarray:
        """The gradient of L + weight_decay ‖x‖²/2, or of −L where L is to be maximized."""
        if settings["maximize"]:
            g = -g
        return g + settings["weight_decay"] * x if settings["weight_decay"] else g

    def step(self, closure: Callable | None = None) -> Any:
        """Move every parameter that has a gradient; a closure computes loss and gradients before."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        self.stepped = True
        for group in self.param_groups:
            settings = {name: _number(value) for name, value in group.items()}
            for p in group["params"]:
                if p._grad is not None:
                    self.update(p, settings, self.state[p])
                    note_write(p.array)
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients; without this, backward() adds to them."""
        for group in self.param_groups:
            for p in group["params"]:
                p._grad = None if set_to_none or p._grad is None else Tensor(np.zeros_like(p.array))

    def state_dict(self) -> dict[str, Any]:
        """Settings and state, with parameters replaced by their numbers in order."""
        number = {p: k for k, p in enumerate(p for g in self.param_groups for p in g["params"])}
        groups = [{**g, "params": [number[p] for p in g["params"]]} for g in self.param_groups]
        state = {number[p]: copy.deepcopy(state) for p, state in self.state.items() if state}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from what `state_dict` returned, for parameters in the same order."""
        saved = state_dict["param_groups"]
        if [len(g["params"]) for g in saved] != [len(g["params"]) for g in self.param_groups]:
            raise ValueError("loaded state dict has parameter groups of other sizes than the optimizer's")
        for own, group in zip(self.param_groups, saved):
            own.update({name: value for name, value in group.items() if name != "params"})
        params = [p for g in self.param_groups for p in g["params"]]
        self.state.clear()
        self.state.update({params[k]: copy.deepcopy(state) for k, state in state_dict["state"].items()})

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for k, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {k}")
            shown = sorted({**self.fixed, **group}.items())
            lines += [
                f"    {name}: {value}" for name, value in shown if name not in ("params", "param_names")
            ]
        return "\n".join(lines) + "\n)"


def _number(value: Any) -> Any:
    """A setting such as lr, which may be a tensor."""
    return value.item() if isinstance(value, Tensor) else value
