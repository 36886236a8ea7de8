"""What a module saves, and how it is loaded back."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nbautograd.core.grad_mode import no_grad
from nbautograd.core.tensor import Tensor

from .parameter import Parameter, is_lazy

if TYPE_CHECKING:
    from .module import Module

EXTRA = "_extra_state"
"""The key of what `get_extra_state` gives."""


class StateDict(OrderedDict[str, Any]):
    """Names and tensors in the module's order, with the version of each module's layout beside them."""

    _metadata: OrderedDict[str, Any]


class IncompatibleKeys(namedtuple("IncompatibleKeys", ("missing_keys", "unexpected_keys"))):
    """What `load_state_dict` did not find, and what it had no place for."""

    __slots__ = ()

    def __repr__(self) -> str:
        return super().__repr__() if self.missing_keys or self.unexpected_keys else "<All keys matched successfully>"


IncompatibleKeys.__name__ = "_IncompatibleKeys"  # as torch prints it


def own_state(module: Module) -> dict[str, Tensor | None]:
    """The parameters and persistent buffers of `module` itself."""
    kept = {name: buffer for name, buffer in module._buffers.items() if name not in module._transient}
    return {**module._parameters, **kept}


def state_dict(module: Module, destination: Any, prefix: str, keep_vars: bool) -> Any:
    """The state of `module` and all below it, in the order in which they were made."""
    if destination is None:
        destination = StateDict()
        destination._metadata = OrderedDict()
    metadata = {"version": module._version}
    if hasattr(destination, "_metadata"):
        destination._metadata[prefix[:-1]] = metadata
    for hook in module._hooks_round("before_saving"):
        hook(module, prefix, keep_vars)
    module._save_to_state_dict(destination, prefix, keep_vars)
    for name, child in module._modules.items():
        if child is not None:
            child.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
    for hook in module._hooks_round("after_saving"):
        changed = hook(module, destination, prefix, metadata)
        destination = destination if changed is None else changed
    return destination


def save(module: Module, destination: Any, prefix: str, keep_vars: bool) -> None:
    """Put the own state of `module` into `destination`."""
    for name, tensor in own_state(module).items():
        if tensor is not None:
            destination[prefix + name] = tensor if keep_vars or is_lazy(tensor) else tensor.detach()
    if hasattr(module, "get_extra_state"):
        destination[prefix + EXTRA] = module.get_extra_state()


def load_state_dict(module: Module, state: Any, strict: bool, assign: bool) -> IncompatibleKeys:
    """Copy `state` into `module` and all below it; every problem is collected before any error is raised."""
    if not isinstance(state, Mapping):
        raise TypeError(f"Expected state_dict to be dict-like, got {type(state)}.")
    missing: list[str] = []
    unexpected: list[str] = []
    problems: list[str] = []
    metadata = getattr(state, "_metadata", {})
    state = OrderedDict(state)
    found = IncompatibleKeys(missing, unexpected)

    def load_tree(part: Module, path: str) -> None:
        local = {**metadata.get(path, {}), "assign_to_params_buffers": assign}
        part._load_from_state_dict(state, path and path + ".", local, True, missing, unexpected, problems)
        for name, child in part._modules.items():
            if child is not None:
                load_tree(child, f"{path}.{name}" if path else name)
        for hook in part._hooks_round("after_loading"):
            if hook(part, found) is not None:
                raise AssertionError(
                    "Hooks registered with ``register_load_state_dict_post_hook`` are not expected to return new "
                    "values, if incompatible_keys need to be modified, it should be done inplace."
                )

    load_tree(module, "")
    if strict and unexpected:
        problems.insert(0, f"Unexpected key(s) in state_dict: {_quoted(unexpected)}. ")
    if strict and missing:
        problems.insert(0, f"Missing key(s) in state_dict: {_quoted(missing)}. ")
    if problems:
        raise RuntimeError(f"Error(s) in loading state_dict for {type(module).__name__}:\n\t" + "\n\t".join(problems))
    return found


def _quoted(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def load(
    module: Module,
    state: Mapping[str, Any],
    prefix: str,
    metadata: Mapping[str, Any],
    strict: bool,
    missing: list[str],
    unexpected: list[str],
    problems: list[str],
) -> None:
    """Copy the own state of `module` out of `state`, and note what is missing, too much or of another size."""
    for hook in module._hooks_round("before_loading"):
        hook(state, prefix, metadata, strict, missing, unexpected, problems)
    own = own_state(module)
    for name, tensor in own.items():
        key = prefix + name
        if tensor is None:
            continue
        if key not in state:
            missing.append(key)
            continue
        problem = _put(module, name, tensor, key, state[key], metadata.get("assign_to_params_buffers", False))
        if problem:
            problems.append(problem)
    if hasattr(module, "set_extra_state"):
        if prefix + EXTRA in state:
            module.set_extra_state(state[prefix + EXTRA])
        else:
            missing.append(prefix + EXTRA)
    for key in state:
        if key.startswith(prefix) and key != prefix + EXTRA:
            head, _, rest = key[len(prefix) :].partition(".")
            known = head in module._modules if rest else head in own
            if not known:
                unexpected.append(key)


def _put(module: Module, name: str, tensor: Tensor, key: str, value: Any, assign: bool) -> str | None:
    """Copy (or assign) one tensor; returns what is wrong, if anything is."""
    if not isinstance(value, Tensor):
        return (
            f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from checkpoint '
            f"but received {type(value)}"
        )
    if is_lazy(tensor) and not is_lazy(value):
        tensor.materialize(tuple(value.shape))  # type: ignore[attr-defined]
    elif value.shape != tensor.shape:
        return (
            f"size mismatch for {key}: copying a param with shape {value.shape} from checkpoint, "
            f"the shape in current model is {tensor.shape}."
        )
    if assign:
        setattr(module, name, Parameter(value, tensor.requires_grad) if isinstance(tensor, Parameter) else value)
    elif not is_lazy(value):
        with no_grad():
            tensor.copy_(value)
    return None
