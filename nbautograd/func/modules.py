"""Modules as functions of their parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nbautograd.core.public import FUNCTIONS
from nbautograd.core.tensor import Tensor

if TYPE_CHECKING:
    from nbautograd.nn import Module

Tensors = Mapping[str, Tensor]


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Tensors | Sequence[Tensors],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call `module` with other parameters and buffers, given by name; the module keeps its own.

    With `tie_weights`, a tensor that the module knows by several names is replaced under all of them. With `strict`,
    every name must be given, and no other. A buffer that the module changes in place is changed in the dict.

    Raises: ValueError when a name is in two of the dicts, RuntimeError for unknown names under `strict`.
    Example:
        >>> import nbautograd as torch
        >>> net = torch.nn.Linear(1, 1, bias=False)
        >>> torch.func.functional_call(net, {"weight": torch.tensor([[3.0]])}, torch.tensor([2.0]))
        tensor([6.])
    """
    new = _merged(parameter_and_buffer_dicts)
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    with _swapped(module, new, tie_weights, strict):
        return module(*args, **(kwargs or {}))


def _merged(dicts: Any) -> dict[str, Tensor]:
    if isinstance(dicts, Mapping):
        return dict(dicts)
    if not isinstance(dicts, list | tuple):
        raise ValueError(
            f"Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got {type(dicts)}"
        )
    if not all(isinstance(d, Mapping) for d in dicts):
        raise ValueError("Expected all elements of parameter_and_buffer_dicts to be dictionaries")
    names = [name for d in dicts for name in d]
    repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if repeated:
        raise ValueError(f"{repeated} appeared in multiple dictionaries; behavior of functional call is ambiguous")
    return {name: t for d in dicts for name, t in d.items()}


def _places(module: Module) -> dict[str, tuple[dict[str, Any], str]]:
    """For each name of a parameter or buffer, also for the second name of a shared one, the dict that holds it."""
    found: dict[str, tuple[dict[str, Any], str]] = {}
    for path, part in module.named_modules(remove_duplicate=False):
        for held in (part._parameters, part._buffers):
            for name in held:
                found[f"{path}.{name}" if path else name] = (held, name)
    return found


@contextmanager
def _swapped(module: Module, new: dict[str, Tensor], tie_weights: bool, strict: bool) -> Iterator[None]:
    """Let `module` have the tensors `new` inside; those it has no place for become plain attributes meanwhile."""
    places = _places(module)
    if tie_weights:
        new = _tied(places, new)
    if strict:
        _check_names(module, places, new)
    targets = [(places.get(name) or _place_of(module, name), tensor) for name, tensor in new.items()]
    before = [(held, key, held.get(key, _ABSENT)) for (held, key), _ in targets]
    try:
        for (held, key), tensor in targets:
            held[key] = tensor
        yield
    finally:
        for held, key, tensor in reversed(before):
            if tensor is _ABSENT:
                held.pop(key, None)
            else:
                held[key] = tensor


_ABSENT = object()


def _place_of(module: Module, name: str) -> tuple[dict[str, Any], str]:
    """Where a tensor goes that the module does not know.

    Raises: AttributeError when there is no such module inside.
    """
    *path, key = name.split(".")
    for step in path:
        if step not in module._modules:
            raise AttributeError(f"{type(module).__name__} has no attribute `{step}`")
        module = module._modules[step]
    return module.__dict__, key


def _check_names(module: Module, places: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    unknown = [name for name in new if name not in places]
    missing = [name for name, (held, key) in places.items() if name not in new and held[key] is not None]
    lines = [f"Error(s) in reparametrizing for {type(module).__name__}:"]
    for what, names in (("Unexpected", unknown), ("Missing", missing)):
        if names:
            lines.append(f"{what} key(s): {', '.join(map(repr, names))}.")
    if len(lines) > 1:
        raise RuntimeError("\n\t".join(lines))


def _tied(places: Mapping[str, Any], new: dict[str, Tensor]) -> dict[str, Tensor]:
    """`new` with the other names of each replaced tensor added.

    Raises: ValueError when two names of one tensor are given different tensors.
    """
    names: dict[int, list[str]] = {}
    for name, (held, key) in places.items():
        if held[key] is not None:
            names.setdefault(id(held[key]), []).append(name)
    found = dict(new)
    for group in names.values():
        given = [name for name in group if name in new]
        if len({id(new[name]) for name in given}) > 1:
            raise ValueError(
                f"functional_call got multiple values for keys {sorted(given)}, which are tied. "
                "Consider using tie_weights=False"
            )
        if given:
            found.update(dict.fromkeys(group, new[given[0]]))
    return found


def stack_module_state(models: Sequence[Module]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The parameters and the buffers of several models of one kind, each stacked along a new first dimension.

    Raises: RuntimeError when there is no model, and when they are not of one class and mode.
    """
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if len({model.training for model in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if len({type(model) for model in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    parameters = [dict(model.named_parameters()) for model in models]
    buffers = [dict(model.named_buffers()) for model in models]
    return (
        {name: _stacked([own[name] for own in parameters], name) for name in parameters[0]},
        {name: _stacked([own[name] for own in buffers], name) for name in buffers[0]},
    )


def _stacked(tensors: list[Tensor], name: str) -> Tensor:
    if len({t.requires_grad for t in tensors}) > 1:
        raise RuntimeError(f"Expected {name} from each model to have the same .requires_grad")
    return FUNCTIONS["stack"](tensors).detach().requires_grad_(tensors[0].requires_grad)


def replace_all_batch_norm_modules_(root: Module) -> Module:
    """Let every batch normalisation in `root` keep no statistics and use the batch's own; returns `root`."""
    for module in root.modules():
        if getattr(module, "track_running_stats", False) and "running_mean" in module._buffers:
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root
