"""What all optimizers share: groups of parameters with their settings, and the state of each parameter."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..grad_mode import enable_grad
from ..memory import note_write
from ..tensor import Tensor
from ..user_code import warn


class Optimizer:
    """Base class. A subclass says how one parameter moves: `update(array, gradient, state, settings)`.

    `params` is an iterable of tensors, or of dicts {"params": …, "lr": …} whose settings override the
    defaults.
    """

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                "params should be an iterable of Tensors or dicts, not one Tensor: write [tensor]"
            )
        self.defaults = defaults
        self.stepped = False  # a scheduler wants to know
        self.param_groups: list[dict[str, Any]] = []
        self.state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        params = list(params)
        if not params:
            raise ValueError(
                "optimizer got an empty parameter list: is model.parameters() a generator that has been "
                "used up, or are the layers in a plain Python list instead of an nn.ModuleList?"
            )
        for group in params if isinstance(params[0], dict) else [{"params": params}]:
            self.add_param_group(group)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with settings of their own; what a group does not say comes from the defaults."""
        params = (
            [param_group["params"]]
            if isinstance(param_group["params"], Tensor)
            else list(param_group["params"])
        )
        known = {id(p) for g in self.param_groups for p in g["params"]}
        for p in params:
            if not isinstance(p, Tensor):
                raise TypeError(
                    f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}"
                )
            if not p.is_leaf:
                raise ValueError(
                    "can't optimize a non-leaf Tensor: it was computed, so it has no values of its own to "
                    "change"
                )
            if id(p) in known:
                raise ValueError("some parameters appear in more than one parameter group")
        if len(set(params)) < len(params):
            warn("optimizer contains a parameter group with duplicate parameters: each is moved twice a step")
        unknown = set(param_group) - set(self.defaults) - {"params", "initial_lr"}
        if unknown:
            raise ValueError(
                f"{type(self).__name__} has no setting {sorted(unknown)}: it has {sorted(self.defaults)}"
            )
        settings = {**self.defaults, **param_group, "params": params}
        self.check(settings)
        self.param_groups.append(settings)

    def check(self, settings: dict[str, Any]) -> None:
        """Refuse settings out of range."""
        for name in ("lr", "weight_decay", "eps", "momentum"):
            if name in settings and not settings[name] >= 0:
                raise ValueError(f"Invalid {name} value: {settings[name]}: it must not be negative")

    @staticmethod
    def with_decay(x: np.ndarray, g: np.ndarray, settings: dict[str, Any]) -> np.ndarray:
        """The gradient of L + weight_decay ‖x‖²/2, or of −L where L is to be maximized."""
        if settings["maximize"]:
            g = -g
        return g + settings["weight_decay"] * x if settings["weight_decay"] else g

    def update(self, x: np.ndarray, g: np.ndarray, state: dict[str, Any], settings: dict[str, Any]) -> None:
        """Change the array x of one parameter in place, given its gradient g."""
        raise NotImplementedError

    def step(self, closure: Callable | None = None) -> Any:
        """Move every parameter that has a gradient; a closure computes loss and gradients before."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        self.stepped = True
        for group in self.param_groups:
            for p in group["params"]:
                if p._grad is not None:
                    self.update(p.array, p._grad.array, self.state[p], group)
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
        params = [p for g in self.param_groups for p in g["params"]]
        for own, group in zip(self.param_groups, saved):
            own.update({k: v for k, v in group.items() if k != "params"})
        self.state.clear()
        for k, state in state_dict["state"].items():
            self.state[params[k]].update(copy.deepcopy(state))

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for k, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {k}")
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return "\n".join(lines) + "\n)"
