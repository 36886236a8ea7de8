"""What all optimizers share: parameter groups, state, `zero_grad`, hooks, and saving and loading."""

from __future__ import annotations

import copy
import functools
import itertools
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any

from nbautograd.core.grad_mode import enable_grad
from nbautograd.core.gradients import clear_gradients
from nbautograd.core.modes import state as engine
from nbautograd.core.node import RemovableHandle
from nbautograd.core.tensor import Tensor

Group = dict[str, Any]


class _Required:
    def __repr__(self) -> str:
        return "<required parameter>"


required: Any = _Required()
"""The default of an option that every parameter group must give itself."""


class Optimizer:
    """Changes parameters so that the loss falls. Write your own by giving a subclass a `step`.

    A step reads each parameter's `.grad` and changes its values in place. It never clears `.grad`: `zero_grad` does.

    Example:
        >>> import nbautograd as torch
        >>> w = torch.tensor([1.0], requires_grad=True)
        >>> optimizer = torch.optim.SGD([w], lr=0.1)
        >>> (w**2).sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([0.8000], requires_grad=True)
    """

    def __init__(self, params: Any, defaults: Group) -> None:
        self.defaults = defaults
        self.state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[Group] = []
        self._opt_called = False
        self._stepping = False
        self._hooks: defaultdict[str, OrderedDict[int, Any]] = defaultdict(OrderedDict)
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                f"but got torch.{params.dtype.tensor_type}Tensor\n  hint: put it into a list: [w]"
            )
        groups = list(params)
        if not groups:
            raise ValueError(
                "optimizer got an empty parameter list\n"
                "  hint: a module finds its parameters through attributes (self.w = nn.Parameter(…), self.layers = "
                "nn.ModuleList(…)), not inside plain lists; model.parameters() can also be used up only once"
            )
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            cls.step = _announced(cls.__dict__["step"])  # type: ignore[method-assign]

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient once; `closure`, if given, computes the loss first."""
        raise NotImplementedError

    def as_text(self, group: Group, state: dict[str, Any]) -> list[str]:
        """What a step has just done to a parameter of that group, as Python to read, if somebody has written that.

        The parameter is `{p}`, what is kept of it `m_{w}` and the like. Of its `state` the text may use `step`.
        """
        return []

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear `.grad` of all parameters: to None, or in place to zeros.

        Backward adds to `.grad`, so without this each step would also use the gradients of all steps before it.
        """
        for group in self.param_groups:
            clear_gradients(group["params"], set_to_none)

    def add_param_group(self, param_group: Group) -> None:
        """Optimize more parameters, with options of their own, e.g. `{"params": head.parameters(), "lr": 0.1}`.

        Raises: TypeError, ValueError as torch does, for what is no leaf, no tensor or there already.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets "
                "will change between runs. Please use a list instead."
            )
        items: list[Any] = [params] if isinstance(params, Tensor) else list(params)
        group = {**param_group, "params": [item[1] if isinstance(item, tuple) else item for item in items]}
        if items and isinstance(items[0], tuple):
            group["param_names"] = [name for name, _ in items]
        for param in group["params"]:
            _check_param(param, self.defaults.get("differentiable", False))
        for name, default in self.defaults.items():
            if default is required and name not in group:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
            group.setdefault(name, default)
        self._check_unique(group["params"])
        self.param_groups.append(group)

    def _check_unique(self, params: list[Tensor]) -> None:
        if len(params) != len(set(params)):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this will cause an error",
                stacklevel=4,
            )
        known = {p for group in self.param_groups for p in group["params"]}
        if not known.isdisjoint(params):
            raise ValueError("some parameters appear in more than one parameter group")

    # --- saving ---

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on later: the state of each parameter (by number) and the groups."""
        for hook in list(self._hooks["before_saving"].values()):
            hook(self)
        number = {p: i for i, p in enumerate(dict.fromkeys(p for g in self.param_groups for p in g["params"]))}
        groups = [{**group, "params": [number[p] for p in group["params"]]} for group in self.param_groups]
        ordered = [{**{k: v for k, v in g.items() if k != "params"}, "params": g["params"]} for g in groups]
        saved = {
            "state": {number.get(p, p): slots for p, slots in self.state.items()},
            "param_groups": ordered,
        }
        for hook in list(self._hooks["after_saving"].values()):
            saved = _or_else(hook(self, saved), saved)
        return saved

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a state that `state_dict` gave.

        Raises: ValueError when the groups differ from this optimizer's.
        """
        state_dict = dict(state_dict)
        for hook in list(self._hooks["before_loading"].values()):
            state_dict = _or_else(hook(self, state_dict), state_dict)
        saved = copy.deepcopy(state_dict["param_groups"])
        if len(saved) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(s["params"]) != len(g["params"]) for s, g in zip(saved, self.param_groups, strict=True)):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
            )
        numbers = itertools.chain.from_iterable(group["params"] for group in saved)
        params = itertools.chain.from_iterable(group["params"] for group in self.param_groups)
        by_number = dict(zip(numbers, params, strict=True))
        self.state = defaultdict(dict)
        for number, slots in state_dict["state"].items():
            param = by_number.get(number)
            if param is None:
                self.state[number] = slots
            else:
                self.state[param] = {name: _suited(name, value, param) for name, value in slots.items()}
        for group, loaded in zip(self.param_groups, saved, strict=True):
            group.update({name: value for name, value in loaded.items() if name != "params"})
        for hook in list(self._hooks["after_loading"].values()):
            hook(self)

    # --- hooks ---

    def _hook(self, kind: str, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        handle = RemovableHandle(self._hooks[kind], hook)
        if prepend:
            self._hooks[kind].move_to_end(handle.id, last=False)
        return handle

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` before each step; it may return new `(args, kwargs)`."""
        return self._hook("before_step", hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` after each step."""
        return self._hook("after_step", hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` before `state_dict` is made."""
        return self._hook("before_saving", hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` on what `state_dict` made; it may return another one."""
        return self._hook("after_saving", hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` before loading; what it returns is loaded instead."""
        return self._hook("before_loading", hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` after loading."""
        return self._hook("after_loading", hook, prepend)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return "\n".join(lines) + "\n)"


def _announced(step: Callable[..., Any]) -> Callable[..., Any]:
    """`step` with its hooks called and its scope shown to the observer."""

    @functools.wraps(step)
    def announced(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        if self._stepping:  # super().step() inside a step of a subclass
            return step(self, *args, **kwargs)
        for hook in list(self._hooks["before_step"].values()) if self._hooks else ():
            args, kwargs = _arguments(hook(self, args, kwargs), args, kwargs)
        observer = engine.observer
        if observer is not None:
            observer.scope_begin("optimizer", type(self).__name__, self, None)
        self._stepping = True
        try:
            result = step(self, *args, **kwargs)
        finally:
            self._stepping = False
            if observer is not None:
                observer.scope_end("optimizer")
        self._opt_called = True
        for hook in list(self._hooks["after_step"].values()) if self._hooks else ():
            hook(self, args, kwargs)
        return result

    return announced


def evaluated(closure: Callable[[], Any] | None) -> Any:
    """What `closure`, if there is one, gives with recording on."""
    if closure is None:
        return None
    with enable_grad():
        return closure()


def _or_else(found: Any, default: Any) -> Any:
    return default if found is None else found


def _arguments(changed: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
    """The arguments of a step behind a hook that may have changed them."""
    if changed is None:
        return args, kwargs
    if isinstance(changed, tuple) and len(changed) == 2:
        return changed
    raise RuntimeError(f"step_pre_hook must return None or a tuple of (new_args, new_kwargs), but got {changed}.")


def _check_param(param: Any, differentiable: bool) -> None:
    if not isinstance(param, Tensor):
        raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(param).__name__}")
    if not differentiable and not param.is_leaf and not param.retains_grad:
        raise ValueError(
            "can't optimize a non-leaf Tensor\n"
            "  hint: it was computed from something (also .cuda(), .double() or * 0.1 compute); "
            "make it with requires_grad=True at the end, or optimize what it was computed from"
        )


def _suited(name: str, value: Any, param: Tensor) -> Any:
    """A loaded value in the dtype and on the device of its parameter; the step count keeps its own."""
    if isinstance(value, list):
        return [_suited(name, item, param) for item in value]
    if not isinstance(value, Tensor) or name == "step":
        return value
    return value.to(device=param.device, dtype=param.dtype if param.dtype.is_floating_point else None)
