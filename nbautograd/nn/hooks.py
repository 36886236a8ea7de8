"""The hooks of a module: how they are put on and taken off."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from nbautograd.core.node import RemovableHandle

from . import boundary


class Hookable:
    """What a module lets others do before and after what it does itself."""

    _hooks: boundary.Hooks | None
    """Hooks round `forward` and backward; None while there are none, so that a call looks no further."""
    _saving_hooks: defaultdict[str, OrderedDict[int, Any]] | None

    def _hook(self, kind: str, hook: Any, prepend: bool, *options: bool) -> RemovableHandle:
        if self._hooks is None:
            self._hooks = boundary.Hooks()
        held: OrderedDict[int, Any] = getattr(self._hooks, kind)
        handle = RemovableHandle(held, (hook, *options))
        if prepend:
            held.move_to_end(handle.id, last=False)
        return handle

    def _listed(self, kind: str) -> Mapping[int, Any]:
        """The hooks of one kind by number, as torch's dictionaries show them; to be looked at, not changed."""
        held = getattr(self._hooks, kind, {})
        return MappingProxyType(OrderedDict((number, entry[0]) for number, entry in held.items()))

    _forward_pre_hooks = property(lambda self: self._listed("before"))
    _forward_hooks = property(lambda self: self._listed("after"))
    _backward_pre_hooks = property(lambda self: self._listed("before_backward"))
    _backward_hooks = property(lambda self: self._listed("after_backward"))

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args)` before `forward`; what it returns replaces the arguments."""
        return self._hook("before", hook, prepend, with_kwargs)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args, output)` after `forward`; what it returns replaces the output."""
        return self._hook("after", hook, prepend, with_kwargs, always_call)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_output)` when the gradient of the output is known; it may return another one."""
        return self._hook("before_backward", hook, prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` when backward has passed; it may replace `grad_input`."""
        return self._backward_hook(hook, prepend, True)

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """torch's former backward hook: `hook(module, grad_input, grad_output)` with those of the module's last op.

        Where the module is more than one op these are not the module's: use `register_full_backward_hook`.

        Raises: RuntimeError beside hooks of the other kind.
        """
        return self._backward_hook(hook, False, False)

    def _backward_hook(self, hook: Callable[..., Any], prepend: bool, full: bool) -> RemovableHandle:
        if self._hooks is not None and self._hooks.full not in (None, full):
            raise RuntimeError(
                "Cannot use both regular backward hooks and full backward hooks on a single Module. Please use only "
                "one of them."
            )
        handle = self._hook("after_backward", hook, prepend)
        assert self._hooks is not None
        self._hooks.full = full
        return handle

    # --- round saving and loading ---

    def _saving_hook(self, kind: str, hook: Callable[..., Any]) -> RemovableHandle:
        if self._saving_hooks is None:
            self._saving_hooks = defaultdict(OrderedDict)
        return RemovableHandle(self._saving_hooks[kind], hook)

    def _hooks_round(self, kind: str) -> list[Callable[..., Any]]:
        """The hooks of one kind round saving and loading."""
        return list(self._saving_hooks[kind].values()) if self._saving_hooks else []

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, prefix, keep_vars)` before this module is saved."""
        return self._saving_hook("before_saving", hook)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata)` when this module and all below it are saved."""

        def checked(*args: Any) -> None:
            if hook(*args) is not None:
                raise RuntimeError("state_dict post-hook must return None")

        return self._saving_hook("after_saving", checked)

    def _register_state_dict_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Like `register_state_dict_post_hook`; the hook may return another state dict."""
        return self._saving_hook("after_saving", hook)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, metadata, strict, missing, unexpected, errors)` before loading."""
        return self._saving_hook("before_loading", lambda *args: hook(self, *args))

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], with_module: bool = False
    ) -> RemovableHandle:
        """Like `register_load_state_dict_pre_hook`; the hook gets the module only with `with_module`."""
        return self.register_load_state_dict_pre_hook(hook if with_module else lambda _, *args: hook(*args))

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, incompatible_keys)` after loading; it may change the lists of missing names."""
        return self._saving_hook("after_loading", hook)
