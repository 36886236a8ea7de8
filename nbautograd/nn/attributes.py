"""How a module's attributes become its parameters, buffers and children."""

from __future__ import annotations

from typing import Any

from nbautograd.core.tensor import Tensor

from .parameter import Buffer, Parameter
from .tree import Tree


class Attributes(Tree):
    """A tree whose parts are set and read as attributes."""

    _transient: set[str]
    """Names of the buffers that are not saved."""

    def __setattr__(self, name: str, value: Any) -> None:
        if "_parameters" not in self.__dict__:
            if isinstance(value, Parameter | Attributes):
                kind = "parameters" if isinstance(value, Parameter) else "module"
                raise AttributeError(
                    f"cannot assign {kind} before Module.__init__() call\n"
                    "  hint: the first line of your __init__ should be super().__init__()"
                )
            super().__setattr__(name, value)
        elif isinstance(value, Parameter):
            self._forget(name, but=self._parameters)
            self.register_parameter(name, value)
        elif isinstance(value, Attributes):
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

    def add_module(self, name: str, module: Attributes | None) -> None:
        """Make `module` a child called `name`, as assigning it to an attribute does."""
        self._check_name("module", name, module, Attributes, "torch.nn.Module")
        self._modules[name] = module

    def register_module(self, name: str, module: Attributes | None) -> None:
        """The same as `add_module`."""
        self.add_module(name, module)


def _typename(value: Any) -> str:
    if isinstance(value, Parameter):
        return "torch.nn.parameter.Parameter"
    if isinstance(value, Tensor):
        return f"torch.{value.dtype.tensor_type}Tensor"
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
