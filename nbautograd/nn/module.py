"""The module: a tree of parameters, buffers and other modules, with a `forward` that computes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nbautograd.core.gradients import clear_gradients
from nbautograd.core.modes import state as engine
from nbautograd.core.tensor import Tensor

from . import saving
from .attributes import Attributes
from .hooks import Hookable
from .moving import Movable


class Module(Attributes, Movable, Hookable):
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
    _version: int = 1

    call_super_init: bool = False
    dump_patches: bool = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not self.call_super_init and (args or kwargs):
            raise _no_arguments(type(self), args, kwargs)
        self.__dict__.update(
            training=True,
            _parameters={},
            _buffers={},
            _modules={},
            _transient=set(),
            _hooks=None,
            _saving_hooks=None,
        )
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; every subclass has its own."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if (engine.attached is None or engine.paused) and self._hooks is None:
            return self.forward(*args, **kwargs)
        return self._observed(args, kwargs)

    def _observed(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        observer = engine.observer
        if observer is not None and not observer.detailed:
            observer = None
        if observer is not None:
            observer.scope_begin("module", type(self).__name__, self, None)
        try:
            return self.forward(*args, **kwargs) if self._hooks is None else self._hooks.run(self, args, kwargs)
        finally:
            if observer is not None:
                observer.scope_end("module")

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

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: programs run as the Python they are."""

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear `.grad` of all parameters: to None, or in place to zeros."""
        clear_gradients(self.parameters(), set_to_none)

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


def _no_arguments(kind: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> TypeError:
    if kwargs:
        return TypeError(f"{kind.__name__}.__init__() got an unexpected keyword argument '{next(iter(kwargs))}'")
    return TypeError(f"{kind.__name__}.__init__() takes 1 positional argument but {len(args) + 1} were given")


def indented(text: str) -> str:
    """All lines but the first moved in by two spaces."""
    return text.replace("\n", "\n  ")
