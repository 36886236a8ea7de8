"""Parameters that are computed from others: `module.weight` becomes a function of what is learnt in its place."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from nbautograd.core.grad_mode import no_grad
from nbautograd.core.tensor import Tensor
from nbautograd.nn.containers import ModuleDict, ModuleList
from nbautograd.nn.module import Module
from nbautograd.nn.parameter import Parameter

_cached_blocks = 0
_cache: dict[tuple[int, str], Tensor] = {}


@contextlib.contextmanager
def cached() -> Iterator[None]:
    """Compute each parametrized tensor only once inside: for a module that is called several times in a step."""
    global _cached_blocks
    _cached_blocks += 1
    try:
        yield
    finally:
        _cached_blocks -= 1
        if not _cached_blocks:
            _cache.clear()


class ParametrizationList(ModuleList):
    """The functions that a tensor goes through, and what is learnt: `original`, or `original0`, `original1`, …"""

    unsafe: bool

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        shape, dtype = tuple(original.shape), original.dtype
        with no_grad():
            new = self._inverted(original)
        if not isinstance(new, Tensor | Sequence):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                f"Got {type(new).__name__}"
            )
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if isinstance(new, Tensor) else len(new)
        if isinstance(new, Tensor):
            if new.dtype != dtype:
                raise ValueError(
                    "When `right_inverse` outputs one tensor, it may not change the dtype.\n"
                    f"original.dtype: {dtype}\nright_inverse(original).dtype: {new.dtype}"
                )
            original.data = new.detach()
            _register(self, "original", original)
        else:
            for i, part in enumerate(new):
                _register(self, f"original{i}", _learnt_like(original, part, i))
        if not unsafe:
            _check_result(self(), shape, dtype)

    def _inverted(self, value: Any) -> Any:
        """`value` taken back through all functions that have a right inverse."""
        for module in reversed(self):
            if hasattr(module, "right_inverse"):
                with contextlib.suppress(NotImplementedError):
                    value = module.right_inverse(value)
        return value

    @no_grad()
    def right_inverse(self, value: Tensor) -> None:
        """Set what is learnt so that the tensor becomes `value`: what an assignment to it does."""
        for module in reversed(self):
            if not hasattr(module, "right_inverse"):
                raise RuntimeError(f"parametrization {type(module).__name__} does not implement right_inverse.")
            value = module.right_inverse(value)
        parts = [value] if self.is_tensor else list(value)
        if len(parts) != self.ntensors:
            raise ValueError(
                f"'right_inverse' must return a sequence of tensors of length {self.ntensors}. "
                f"Got a sequence of length {len(parts)}."
            )
        for original, part in zip(self._originals(), parts, strict=True):
            original.data = part.detach()

    def _originals(self) -> list[Tensor]:
        names = ["original"] if self.is_tensor else [f"original{i}" for i in range(self.ntensors)]
        return [getattr(self, name) for name in names]

    def forward(self) -> Tensor:
        first, *others = self
        value = first(*self._originals())
        for module in others:
            value = module(value)
        return value


def _learnt_like(original: Tensor, part: Any, i: int) -> Tensor:
    if not isinstance(part, Tensor):
        raise ValueError(
            "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
            f"Got element {i} of the sequence with type {type(part).__name__}."
        )
    part = part.detach()
    return Parameter(part, original.requires_grad) if isinstance(original, Parameter) else part


def _check_result(result: Any, shape: tuple[int, ...], dtype: Any) -> None:
    if not isinstance(result, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(result).__name__}.")
    for what, before, after in (("dtype", dtype, result.dtype), ("shape", shape, tuple(result.shape))):
        if before != after:
            raise ValueError(
                f"Registering a parametrization may not change the {what} of the tensor, unless `unsafe` flag is "
                f"enabled.\nunparametrized {what}: {before}\nparametrized {what}: {after}"
            )


def _register(module: Module, name: str, tensor: Tensor) -> None:
    """`tensor` as the parameter or buffer `name`."""
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Let `parametrization` compute the tensor `tensor_name` of `module` from a parameter of the same kind.

    With a method `right_inverse` it may be computed from several, and be assigned to. `unsafe` allows another shape or
    dtype.

    Raises: ValueError when there is no such tensor, and for results that do not fit.
    Example:
        >>> import nbautograd as torch
        >>> class Symmetric(torch.nn.Module):
        ...     def forward(self, x):
        ...         return x.triu() + x.triu(1).T
        >>> layer = torch.nn.utils.parametrize.register_parametrization(torch.nn.Linear(3, 3), "weight", Symmetric())
        >>> torch.equal(layer.weight, layer.weight.T)
        True
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        if not unsafe:
            present = getattr(module, tensor_name)
            _check_result(parametrization(present), tuple(present.shape), present.dtype)
        parametrizations = module.parametrizations[tensor_name]
        parametrizations.append(parametrization)
        parametrizations.unsafe |= unsafe
    elif tensor_name in module._buffers or tensor_name in module._parameters:
        held = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            _give_own_class(module)
            module.parametrizations = ModuleDict()
        setattr(type(module), tensor_name, _computed(tensor_name))
        module.parametrizations[tensor_name] = held
    else:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with name "
            f"'{tensor_name}'"
        )
    return module


def _give_own_class(module: Module) -> None:
    """A class of its own for `module`, so that its properties are nobody else's."""
    kind = type(module)
    module.__class__ = type(f"Parametrized{kind.__name__}", (kind,), {})


def _computed(name: str) -> property:
    """The property that stands for the tensor `name`."""

    def value(self: Any) -> Tensor:
        parametrization = self.parametrizations[name]
        if not _cached_blocks:
            return parametrization()
        key = (id(self), name)
        if key not in _cache:
            _cache[key] = parametrization()
        return _cache[key]

    def assign(self: Any, new: Tensor) -> None:
        self.parametrizations[name].right_inverse(new)

    return property(value, assign)


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether `module` has a computed tensor, or whether its tensor `tensor_name` is one."""
    parametrizations = module._modules.get("parametrizations")
    if not isinstance(parametrizations, ModuleDict):
        return False
    return len(parametrizations) > 0 if tensor_name is None else tensor_name in parametrizations


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make `tensor_name` a parameter again: with its present value, or as what was learnt in its place.

    Raises: ValueError when it is not parametrized, and when several tensors were learnt in its place.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    held = module.parametrizations[tensor_name]
    if not held.is_tensor and not leave_parametrized:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a "
            "sequence of tensors."
        )
    present = getattr(module, tensor_name)
    if held.is_tensor:
        original = held.original
        if leave_parametrized:
            original.data = present.detach()
    else:
        original = Parameter(present.detach()) if present.requires_grad else present
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    _register(module, tensor_name, original)
    if not is_parametrized(module):
        del module.parametrizations
        module.__class__ = type(module).__bases__[0]
    return module


def type_before_parametrizations(module: Module) -> type:
    """The class that `module` had before anything of it was parametrized."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Give `to_module` the parametrizations of `from_module` and what they learnt."""
    names = list(from_module.parametrizations) if tensor_name is None else [tensor_name]
    for name in names if is_parametrized(from_module) else ():
        held = from_module.parametrizations[name]
        if not hasattr(to_module, name):
            _register(to_module, name, Parameter(getattr(from_module, name).detach()))
        for parametrization in held:
            register_parametrization(to_module, name, parametrization, unsafe=held.unsafe)
        for ours, theirs in zip(to_module.parametrizations[name]._originals(), held._originals(), strict=True):
            ours.data = theirs.detach().clone()
    return to_module
