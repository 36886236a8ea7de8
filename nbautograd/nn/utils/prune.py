"""Pruning: the least important numbers of a parameter are held at zero by a mask.

The parameter `weight` becomes `weight_orig`, the buffer `weight_mask` says what is kept, and `weight` itself is their
product, computed before each call. Pruning again prunes what is left.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from numbers import Integral, Real
from typing import Any

from nbautograd.core.public import FUNCTIONS
from nbautograd.core.tensor import Tensor
from nbautograd.nn.module import Module


class BasePruningMethod(ABC):
    """The base of all methods: a subclass has `compute_mask(scores, kept)` and a `PRUNING_TYPE`."""

    PRUNING_TYPE: str
    _tensor_name: str

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask that prunes further, by the importance scores `t`, what `default_mask` keeps.

        Where a parameter is pruned again, both hold only what is left of it (see `PruningContainer`).
        """

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    def apply_mask(self, module: Module) -> Tensor:
        """The parameter with its mask."""
        original = getattr(module, f"{self._tensor_name}_orig")
        return original * getattr(module, f"{self._tensor_name}_mask").to(dtype=original.dtype)

    def prune(self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Tensor | None = None) -> Tensor:
        """`t` with what is not important set to zero."""
        kept = FUNCTIONS["ones_like"](t) if default_mask is None else default_mask
        return t * self.compute_mask(t if importance_scores is None else importance_scores, kept)

    @classmethod
    def apply(
        cls, module: Module, name: str, *args: Any, importance_scores: Tensor | None = None, **kwargs: Any
    ) -> BasePruningMethod:
        """Prune the parameter `name` of `module`, further if it is pruned already."""
        method: BasePruningMethod = cls(*args, **kwargs)
        method._tensor_name = name
        before = _methods_on(module, name)
        weight = getattr(module, name)
        scores = weight if importance_scores is None else importance_scores
        if scores.shape != weight.shape:
            raise AssertionError(f"importance_scores should have the same shape as parameter {name} of {module}")
        if before:
            number, old = before[0]
            method = _together(old, method)
            mask = method.compute_mask(scores.detach(), getattr(module, f"{name}_mask").detach().clone())
            _forget(module, number)
        else:
            mask = method.compute_mask(scores.detach(), FUNCTIONS["ones_like"](weight.detach()))
            del module._parameters[name]
            module.register_parameter(f"{name}_orig", weight)
        module.register_buffer(f"{name}_mask", mask)
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def remove(self, module: Module) -> None:
        """Make the pruned parameter an ordinary one; what was pruned stays zero."""
        name = self._tensor_name
        weight = getattr(module, f"{name}_orig")
        weight.data = self.apply_mask(module).detach()
        for part in (name, f"{name}_orig", f"{name}_mask"):
            delattr(module, part)
        module.register_parameter(name, weight)


class PruningContainer(BasePruningMethod):
    """Methods that have pruned one parameter, in their order; the last one prunes what the others left.

    It is shown only that: the single numbers that are left, the slices that are not all zero, or (with the
    `PRUNING_TYPE` "global") the whole.
    """

    def __init__(self, *methods: BasePruningMethod) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        if methods:
            self._tensor_name = methods[0]._tensor_name
        for method in methods:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: BasePruningMethod) -> None:
        """Put a method behind the others.

        Raises: TypeError, ValueError for what is none, or prunes another parameter.
        """
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if self._tensor_name != method._tensor_name:
            raise ValueError(
                f"Can only add pruning methods acting on the parameter named '{self._tensor_name}' to PruningContainer "
                f"{self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._pruning_methods)

    def __getitem__(self, index: int) -> BasePruningMethod:
        return self._pruning_methods[index]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        method = self._pruning_methods[-1]
        left = _left(method, t, default_mask)
        mask = default_mask.to(dtype=t.dtype).clone()
        mask[left] = method.compute_mask(t[left], default_mask=default_mask[left]).to(dtype=mask.dtype)
        return mask


def _left(method: BasePruningMethod, t: Tensor, mask: Tensor) -> Any:
    """The index of what earlier methods left for `method` to prune."""
    if method.PRUNING_TYPE == "unstructured":
        return mask == 1
    if method.PRUNING_TYPE == "global":
        return (slice(None),) * t.ndim
    if method.PRUNING_TYPE != "structured":
        raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
    if not hasattr(method, "dim"):
        raise AttributeError('Pruning methods of PRUNING_TYPE "structured" need to have the attribute `dim` defined.')
    dim: int = method.dim  # type: ignore[attr-defined]
    dim = dim if dim >= 0 else dim + t.ndim
    if dim < 0:
        raise IndexError(f"Index is out of bounds for tensor with dimensions {t.ndim}")
    kept = mask.sum([d for d in range(t.ndim) if d != dim]) != 0
    return (*(slice(None),) * dim, kept)


def _together(old: BasePruningMethod, method: BasePruningMethod) -> PruningContainer:
    """`method` behind the one or several that pruned before."""
    return PruningContainer(*(old if isinstance(old, PruningContainer) else [old]), method)


def _methods_on(module: Module, name: str) -> list[tuple[int, BasePruningMethod]]:
    """The pruning hooks of a module for the parameter `name`, with their numbers."""
    hooks = module._hooks.before if module._hooks else {}
    return [(n, h) for n, (h, *_) in hooks.items() if isinstance(h, BasePruningMethod) and h._tensor_name == name]


def _forget(module: Module, number: int) -> None:
    """Take the pruning hook `number` away."""
    assert module._hooks is not None
    del module._hooks.before[number]


def _count(amount: Any, total: int) -> int:
    """How many of `total` to prune, from a number of them or a fraction.

    Raises: TypeError, ValueError in torch's words.
    """
    if not isinstance(amount, Real):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    whole = isinstance(amount, Integral)
    if amount < 0 or (not whole and amount > 1):
        raise ValueError(f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer")
    if whole and amount > total:
        raise ValueError(f"amount={amount} should be smaller than the number of parameters to prune={total}")
    return int(amount) if whole else round(float(amount) * total)


class Identity(BasePruningMethod):
    """Prunes nothing, but makes the mask."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask


class CustomFromMask(BasePruningMethod):
    """Prunes by a mask of your own."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask * self.mask.to(dtype=default_mask.dtype)


class _Unstructured(BasePruningMethod):
    """Prunes single numbers."""

    PRUNING_TYPE = "unstructured"

    def __init__(self, amount: Any) -> None:
        _count(amount, 2**62)
        self.amount = amount

    def scores(self, t: Tensor) -> Tensor:
        """How important each number is."""
        raise NotImplementedError

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        doomed = self.scores(t).reshape(-1).topk(_count(self.amount, t.numel()), largest=False).indices
        mask = default_mask.reshape(-1).clone()
        mask[doomed] = 0
        return mask.reshape(tuple(default_mask.shape))


class L1Unstructured(_Unstructured):
    """Prunes the numbers closest to zero."""

    def scores(self, t: Tensor) -> Tensor:
        return t.abs()


class RandomUnstructured(_Unstructured):
    """Prunes numbers at random."""

    def scores(self, t: Tensor) -> Tensor:
        return FUNCTIONS["rand_like"](t)


class _Structured(BasePruningMethod):
    """Prunes whole slices along a dimension."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: Any, dim: int = -1) -> None:
        _count(amount, 2**62)
        self.amount = amount
        self.dim = dim

    def scores(self, slices: Tensor) -> Tensor:
        """How important each row of `slices` is."""
        raise NotImplementedError

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        slices = t.movedim(self.dim, 0).flatten(1)
        doomed = self.scores(slices).topk(_count(self.amount, len(slices)), largest=False).indices
        keep = FUNCTIONS["ones"](len(slices), dtype=default_mask.dtype, device=default_mask.device)
        keep[doomed] = 0
        shape = [1] * t.ndim
        shape[self.dim] = -1
        return default_mask * keep.reshape(tuple(shape))


class LnStructured(_Structured):
    """Prunes the slices with the smallest n-norm."""

    def __init__(self, amount: Any, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def scores(self, slices: Tensor) -> Tensor:
        return slices.norm(self.n, 1)


class RandomStructured(_Structured):
    """Prunes slices at random."""

    def scores(self, slices: Tensor) -> Tensor:
        return FUNCTIONS["rand"](len(slices))


def identity(module: Module, name: str) -> Module:
    """Give `name` a mask that keeps everything."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Module, name: str, amount: Any) -> Module:
    """Prune numbers at random: a number of them, or a fraction."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module: Module, name: str, amount: Any, importance_scores: Tensor | None = None) -> Module:
    """Prune the numbers closest to zero (or with the smallest scores).

    Example:
        >>> import nbautograd as torch
        >>> layer = torch.nn.Linear(4, 1, bias=False)
        >>> layer.weight.data = torch.tensor([[1.0, -3.0, 0.5, 2.0]])
        >>> torch.nn.utils.prune.l1_unstructured(layer, "weight", amount=0.5).weight
        tensor([[ 0., -3.,  0.,  2.]], grad_fn=<MulBackward0>)
    """
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


def random_structured(module: Module, name: str, amount: Any, dim: int) -> Module:
    """Prune slices along `dim` at random."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: Module, name: str, amount: Any, n: Any, dim: int, importance_scores: Tensor | None = None
) -> Module:
    """Prune the slices along `dim` with the smallest n-norm."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: Module, name: str, mask: Tensor) -> Module:
    """Prune by a mask of your own."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: type[BasePruningMethod],
    importance_scores: dict[tuple[Module, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune several parameters as if they were one: where the least important numbers are, more is pruned."""
    pairs, scores = list(parameters), importance_scores or {}
    method = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            f'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method {pruning_method} of '
            f"type {method.PRUNING_TYPE}"
        )
    kept = [
        getattr(m, f"{n}_mask") if _methods_on(m, n) else FUNCTIONS["ones_like"](getattr(m, n).detach())
        for m, n in pairs
    ]
    flat = [scores.get((m, n), getattr(m, n)).detach().reshape(-1) for m, n in pairs]
    method._tensor_name = "all of them"
    masks = FUNCTIONS["cat"]([m.reshape(-1) for m in kept])
    mask = PruningContainer(method).compute_mask(FUNCTIONS["cat"](flat), masks)
    parts = mask.split([t.numel() for t in flat])
    for (module, name), part, old in zip(pairs, parts, kept, strict=True):
        custom_from_mask(module, name, part.reshape(tuple(old.shape)))


def remove(module: Module, name: str) -> Module:
    """Make a pruned parameter an ordinary one again; what was pruned stays zero.

    Raises: ValueError when it is not pruned.
    """
    methods = _methods_on(module, name)
    if not methods:
        raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")
    number, method = methods[0]
    method.remove(module)
    _forget(module, number)
    return module


def is_pruned(module: Module) -> bool:
    """Whether anything in `module` is pruned."""
    hooks = (part._hooks.before.values() for part in module.modules() if part._hooks)
    return any(isinstance(hook, BasePruningMethod) for held in hooks for hook, *_ in held)
