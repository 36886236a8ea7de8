"""Hooks of a module, and the nodes at its boundary that let backward hooks see gradients come and go."""

from __future__ import annotations

import functools
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from nbautograd.core.grad_fn import grad_fn_of
from nbautograd.core.modes import is_grad_enabled
from nbautograd.core.node import node_and_output
from nbautograd.core.op import Op
from nbautograd.core.rules import compile_entry
from nbautograd.core.tensor import Tensor

from . import regular_hooks

if TYPE_CHECKING:
    from .module import Module


class Hooks:
    """The hooks of one module, by kind; each entry is `(hook, options…)`."""

    def __init__(self) -> None:
        self.before: OrderedDict[int, Any] = OrderedDict()
        self.after: OrderedDict[int, Any] = OrderedDict()
        self.before_backward: OrderedDict[int, Any] = OrderedDict()
        self.after_backward: OrderedDict[int, Any] = OrderedDict()
        self.full: bool | None = None
        """Whether those after backward see the gradients of the module or of its last op; None while there are none."""

    def run(self, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call `forward` with all hooks around it."""
        args, kwargs = self._run_before(module, args, kwargs)
        regular = self.full is False and bool(self.after_backward)
        watched = (self.before_backward or (self.after_backward and not regular)) and is_grad_enabled()
        if not watched:
            output = self._forward(module, args, kwargs)
        else:
            passage = _Passage(module, self)
            output = passage.leave(self._forward(module, passage.enter(args), kwargs))
        if regular:
            regular_hooks.put_on(module, [hook for (hook,) in self.after_backward.values()], args, output)
        return output

    def _forward(self, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            output = module.forward(*args, **kwargs)
        except BaseException:
            for hook, with_kwargs, always in list(self.after.values()):
                if always:
                    hook(module, args, *([kwargs] if with_kwargs else []), None)
            raise
        for hook, with_kwargs, _ in list(self.after.values()):
            changed = hook(module, args, *([kwargs] if with_kwargs else []), output)
            output = output if changed is None else changed
        return output

    def _run_before(self, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
        for hook, with_kwargs in list(self.before.values()):
            changed = hook(module, args, kwargs) if with_kwargs else hook(module, args)
            if changed is None:
                continue
            if not with_kwargs:
                args = changed if isinstance(changed, tuple) else (changed,)
            elif isinstance(changed, tuple) and len(changed) == 2:
                args, kwargs = changed
            else:
                raise RuntimeError(
                    f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {changed}."
                )
        return args, kwargs


class _Passage:
    """One call of a module whose backward hooks are to be called: its tensors pass a node on the way in and out."""

    def __init__(self, module: Module, hooks: Hooks) -> None:
        self.module = module
        self.hooks = hooks
        self.count = 0
        self.places: list[int] = []
        self.grad_output: tuple[Any, ...] = ()

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, those that require grad taken through a node whose gradients are `grad_input`."""
        self.count = len(args)
        self.places = [i for i, arg in enumerate(args) if isinstance(arg, Tensor) and arg.requires_grad]
        if not self.places:
            return args
        passed = pass_on([args[i] for i in self.places])
        grad_fn_of(node_and_output(passed[0]._node)[0]).register_hook(self._backward_done)
        swapped = dict(zip(self.places, passed, strict=True))
        return tuple(swapped.get(i, arg) for i, arg in enumerate(args))

    def leave(self, output: Any) -> Any:
        """The output, taken through a node whose gradients are `grad_output`."""
        parts = output if isinstance(output, tuple) else (output,)
        places = [i for i, part in enumerate(parts) if isinstance(part, Tensor) and part.requires_grad]
        if not places:
            return output
        passed = pass_on([parts[i] for i in places])
        begins = functools.partial(self._backward_begins, places, len(parts))
        grad_fn_of(node_and_output(passed[0]._node)[0]).register_prehook(begins)
        swapped = dict(zip(places, passed, strict=True))
        result = tuple(swapped.get(i, part) for i, part in enumerate(parts))
        return result if isinstance(output, tuple) else result[0]

    def _backward_begins(self, places: list[int], count: int, grads: tuple[Any, ...]) -> Any:
        known = dict(zip(places, grads, strict=False))
        full = tuple(known.get(i) for i in range(count))
        for (hook,) in list(self.hooks.before_backward.values()):
            full = _replaced(full, hook(self.module, full), "backward pre-hook")
        self.grad_output = full
        if not self.places and self.hooks.full is not False:
            for (hook,) in list(self.hooks.after_backward.values()):
                hook(self.module, (None,) * self.count, full)
        return tuple(full[i] for i in places)

    def _backward_done(self, grads: tuple[Any, ...], _: Any) -> Any:
        if self.hooks.full is False:
            return None
        known = dict(zip(self.places, grads, strict=True))
        full = tuple(known.get(i) for i in range(self.count))
        for (hook,) in list(self.hooks.after_backward.values()):
            full = _replaced(full, hook(self.module, full, self.grad_output), "backward hook")
        return tuple(full[i] for i in self.places)


def _replaced(grads: tuple[Any, ...], returned: Any, kind: str) -> tuple[Any, ...]:
    if returned is None:
        return grads
    returned = returned if isinstance(returned, tuple) else (returned,)
    if len(returned) != len(grads):
        raise RuntimeError(
            f"{kind} returned an invalid number of grads: got {len(returned)}, but expected {len(grads)}"
        )
    return returned


class _PassOn(Op, abstract=True):
    """Tensors as they are, with one node round all of them."""

    node_name = "BackwardHookFunctionBackward"
    inputs = ("xs",)
    settings = ()
    promote = "none"
    variadic = True


def _one(*xs: Any) -> Any:
    return xs[0]


def _all(*xs: Any) -> Any:
    return xs


def _as_they_are(g: Any) -> Any:
    return g if isinstance(g, tuple) else (g,)


@functools.cache
def _entry(count: int) -> Any:
    """The table entry for `count` tensors; it stays out of the table, being no function that anybody calls."""
    entry: Any = type("_PassOn", (_PassOn,), {"outputs": count, "name": "pass_on"}, abstract=True)
    compile_entry(entry, _one if count == 1 else _all, (_as_they_are,))
    return entry


def pass_on(tensors: list[Tensor]) -> tuple[Tensor, ...]:
    """The same tensors, behind one node that all their gradients go through."""
    passed = _entry(len(tensors)).call(*tensors)
    return (passed,) if len(tensors) == 1 else passed
