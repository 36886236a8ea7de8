"""The module: a tree of parameters, buffers and other modules, with a `forward` that computes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from nbautograd.core.call import observes_here
from nbautograd.core.gradients import clear_gradients
from nbautograd.core.modes import state as engine
from nbautograd.core.node import RemovableHandle
from nbautograd.core.tensor import Tensor

from . import boundary, saving
from .moving import destination
from .parameter import Buffer, Parameter
from .tree import Tree


class _Open(threading.local):
    """The modules whose `forward` is running in this thread, outermost first. Kept only while somebody observes."""

    def __init__(self) -> None:
        self.modules: list[Module] = []


_open = _Open()


class Module(Tree):
    """The base of all layers and models. A subclass creates its parts in `__init__` and uses them in `forward`.

    Example:
        >>> import nbautograd as torch
        >>> class Line(torch.nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.slope = torch.nn.Parameter(torch.tensor(2.0))
        ...
        ...     def forward(self, x):
        ...         return self.slope * x
        >>> Line()(torch.tensor([1.0, 3.0]))
        tensor([2., 6.], grad_fn=<MulBackward0>)
    """

    training: bool
    _transient: set[str]
    _hooks: boundary.Hooks | None
    _version: int = 1

    def __init__(self) -> None:
        put = super().__setattr__
        put("training", True)
        put("_parameters", {})
        put("_buffers", {})
        put("_modules", {})
        put("_transient", set())
        put("_hooks", None)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; every subclass has its own."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if engine.observer is None and self._hooks is None:
            return self.forward(*args, **kwargs)
        return self._observed(args, kwargs)

    def _observed(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        observer = engine.observer
        if observer is not None and not (observer.detailed and observes_here(observer)):
            observer = None
        if observer is not None:
            observer.scope_begin("module", self._path(), self, None)
            _open.modules.append(self)
        try:
            return self.forward(*args, **kwargs) if self._hooks is None else self._hooks.run(self, args, kwargs)
        finally:
            if observer is not None:
                _open.modules.pop()
                observer.scope_end("module")

    def _path(self) -> str:
        """The name of this module in the outermost one that is running; that one's own is its class."""
        if not _open.modules:
            return type(self).__name__
        for name, module in _open.modules[0].named_modules():
            if module is self:
                return name
        return type(self).__name__

    # --- attributes ---

    def __setattr__(self, name: str, value: Any) -> None:
        if "_parameters" not in self.__dict__:
            if isinstance(value, Parameter | Module):
                kind = "parameters" if isinstance(value, Parameter) else "module"
                raise AttributeError(
                    f"cannot assign {kind} before Module.__init__() call\n"
                    "  hint: the first line of your __init__ should be super().__init__()"
                )
            super().__setattr__(name, value)
        elif isinstance(value, Parameter):
            self._forget(name, but=self._parameters)
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            self._forget(name, but=self._modules)
            self._modules[name] = value
        elif name in self._parameters:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{_typename(value)}' as parameter '{name}' (torch.nn.Parameter or None expected)\n"
                    f"  hint: wrap it, nn.Parameter(…), or change the numbers of the old one: self.{name}.data = …"
                )
            self._parameters[name] = None
        elif name in self._modules:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{_typename(value)}' as child module '{name}' (torch.nn.Module or None expected)"
                )
            self._modules[name] = None
        elif isinstance(value, Buffer) or name in self._buffers:
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(
                    f"cannot assign '{_typename(value)}' as buffer '{name}' "
                    "(torch.nn.Buffer, torch.Tensor or None expected)"
                )
            if isinstance(value, Buffer):
                self._forget(name, but=self._buffers)
                self.register_buffer(name, value, value.persistent)
            self._buffers[name] = value
        else:
            super().__setattr__(name, value)

    def _forget(self, name: str, but: Any = None) -> None:
        """Take `name` away, except from `but`, where a new value keeps the old one's place."""
        for held in (self.__dict__, self._parameters, self._buffers, self._modules):
            if held is not but:
                held.pop(name, None)
        self._transient.discard(name)

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        if "_parameters" in own and (
            name in (held := own["_parameters"])
            or name in (held := own["_modules"])
            or name in (held := own["_buffers"])
        ):
            return held[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __delattr__(self, name: str) -> None:
        if any(name in held for held in (self._parameters, self._buffers, self._modules)):
            self._forget(name)
        else:
            super().__delattr__(name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._parameters, *self._buffers, *self._modules})

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Make `param` a parameter called `name`; with None, only keep the name for one.

        Raises: TypeError, KeyError for names that cannot be, and for tensors that are no parameter or were computed.
        """
        self._check_name("parameter", name, param, Parameter, "torch.nn.Parameter")
        if param is not None and not param.is_leaf:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly. To "
                f"express '{name}' as a function of another Tensor, compute the value in the forward() method."
            )
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Make `tensor` a buffer called `name`: moved and saved with the module, but not learnt."""
        self._check_name("buffer", name, tensor, Tensor, "torch Tensor")
        self._buffers[name] = tensor
        (self._transient.discard if persistent else self._transient.add)(name)

    def _check_name(self, kind: str, name: str, value: Any, wanted: type, wanted_name: str) -> None:
        if "_parameters" not in self.__dict__:
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {type(name).__name__}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain "."' + (f", got: {name}" if kind == "module" else ""))
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        held = {"parameter": self._parameters, "buffer": self._buffers, "module": self._modules}[kind]
        if hasattr(self, name) and name not in held:
            raise KeyError(f"attribute '{name}' already exists")
        if value is not None and not isinstance(value, wanted):
            if kind == "module":
                raise TypeError(f"{_typename(value)} is not a Module subclass")
            raise TypeError(
                f"cannot assign '{_typename(value)}' object to {kind} '{name}' ({wanted_name} or None required)"
            )

    def add_module(self, name: str, module: Module | None) -> None:
        """Make `module` a child called `name`, as assigning it to an attribute does."""
        self._check_name("module", name, module, Module, "torch.nn.Module")
        self._modules[name] = module

    def register_module(self, name: str, module: Module | None) -> None:
        """The same as `add_module`."""
        self.add_module(name, module)

    # --- changing the tree ---

    def apply(self, fn: Callable[[Module], None]) -> Module:
        """Call `fn` on every module below this one, then on this one: the way to initialise a model."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Module:
        """Replace the numbers of all parameters, gradients and buffers; parameters stay the same objects."""
        for module in self.modules() if recurse else (self,):
            for param in module._parameters.values():
                if param is None:
                    continue
                held = param._grad
                param.data = fn(param.data)
                if held is not None:
                    param._grad = fn(held.data)
            for name, buffer in module._buffers.items():
                if buffer is not None:
                    module._buffers[name] = fn(buffer)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Module:
        """Move to a device, or cast floating-point parameters and buffers to a dtype, in place; returns the module."""
        device, dtype = destination(*args, **kwargs)
        return self._apply(lambda t: t.to(device=device, dtype=dtype if t.dtype.is_floating_point else None))

    def cpu(self) -> Module:
        """Move to the CPU."""
        return self.to("cpu")

    def cuda(self, device: Any = None) -> Module:
        """Move to a GPU."""
        return self.to("cuda" if device is None else f"cuda:{device}" if isinstance(device, int) else device)

    def float(self) -> Module:
        """Cast floating-point parameters and buffers to float32."""
        return self._apply(lambda t: t.float() if t.dtype.is_floating_point else t)

    def double(self) -> Module:
        """Cast floating-point parameters and buffers to float64."""
        return self._apply(lambda t: t.double() if t.dtype.is_floating_point else t)

    def half(self) -> Module:
        """Cast floating-point parameters and buffers to float16."""
        return self._apply(lambda t: t.half() if t.dtype.is_floating_point else t)

    def type(self, dst_type: Any) -> Module:
        """Cast all parameters and buffers to `dst_type`."""
        return self._apply(lambda t: t.to(dtype=dst_type))

    def train(self, mode: bool = True) -> Module:
        """Switch to training: dropout drops, batch norm looks at the batch."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Module:
        """Switch to evaluation: dropout passes everything, batch norm uses its running figures."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Module:
        """Freeze all parameters, or let them learn again."""
        for param in self.parameters():
            param.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear `.grad` of all parameters: to None, or in place to zeros."""
        clear_gradients(self.parameters(), set_to_none)

    def share_memory(self) -> Module:
        """Nothing to do: threads share memory already."""
        return self

    # --- saving ---

    def state_dict(self, *, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> dict[str, Any]:
        """All parameters and persistent buffers by their paths: what to save of a model."""
        return saving.state_dict(self, destination, prefix, keep_vars)

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Copy numbers saved by `state_dict` into this model.

        Raises: RuntimeError that lists missing and unexpected names and sizes that differ.
        """
        return saving.load_state_dict(self, state_dict, strict, assign)

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        saving.save(self, destination, prefix, keep_vars)

    def _load_from_state_dict(
        self,
        state_dict: Mapping[str, Any],
        prefix: str,
        local_metadata: Mapping[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        saving.load(self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)

    # --- hooks ---

    def _hook(self, kind: str, hook: Any, prepend: bool, *options: bool) -> RemovableHandle:
        if self._hooks is None:
            self._hooks = boundary.Hooks()
        held: OrderedDict[int, Any] = getattr(self._hooks, kind)
        handle = RemovableHandle(held, (hook, *options))
        if prepend:
            held.move_to_end(handle.id, last=False)
        return handle

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
        return self._hook("after_backward", hook, prepend)

    # --- text ---

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What stands between the brackets when the module is printed."""
        return ""

    def __repr__(self) -> str:
        own = self.extra_repr().split("\n") if self.extra_repr() else []
        children = [f"({name}): {indented(repr(module))}" for name, module in self._modules.items()]
        if len(own) <= 1 and not children:
            return f"{self._get_name()}({''.join(own)})"
        return "\n  ".join([f"{self._get_name()}(", *own, *children]) + "\n)"


def indented(text: str) -> str:
    """All lines but the first moved in by two spaces."""
    return text.replace("\n", "\n  ")


def _typename(value: Any) -> str:
    if isinstance(value, Parameter):
        return "torch.nn.parameter.Parameter"
    if isinstance(value, Tensor):
        return f"torch.{value.dtype.tensor_type}Tensor"
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
