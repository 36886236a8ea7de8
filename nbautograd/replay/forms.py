"""What a program depends on of the arguments of a step: of a tensor its form, of a number its value."""

from __future__ import annotations

from operator import is_
from typing import Any

from nbautograd.core.node import has_hooks
from nbautograd.core.tensor import Tensor
from nbautograd.replay.watching import layout_of

CONTAINERS, ROUNDED, PLAIN = (list, tuple, dict), (float, complex), (int, str, bytes, type(None))


class Same:
    """An object that is no tensor, number or container: it equals itself alone, and is kept, so that its id is too."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.value is self.value


class Given:
    """The arguments of one call: what a program depends on, and what they consist of."""

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.args, self.kwargs = args, kwargs
        self.tensors: list[Tensor] = []
        self._places: dict[int, int] = {}
        self.objects: list[Any] = []
        self.containers: list[Any] = []
        self.form = (tuple, self._form(args), self._form(kwargs))

    def _form(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            first = self._places.setdefault(id(value), len(self._places))
            if first == len(self.tensors):
                self.tensors.append(value)
            return (Tensor, type(value), layout_of(value._data), value._node is not None, first)
        if isinstance(value, CONTAINERS) and not getattr(value, "__dict__", None):
            self.containers.append(value)
            if isinstance(value, dict):
                return (type(value), *[(self._key(k), self._form(v)) for k, v in value.items()])
            return (type(value), *[self._form(v) for v in value])
        return self._key(value)

    def _key(self, value: Any) -> Any:
        if isinstance(value, ROUNDED):
            return (type(value), value if value and value == value else repr(value))  # 0.0 == -0.0, and NaN is not NaN
        if isinstance(value, PLAIN):
            return (type(value), value)
        self.objects.append(value)
        return (Same, Same(value))

    def has_the_parts_of(self, other: Given) -> bool:
        """Whether the tensors and containers are the same objects."""
        own, others = (*self.tensors, *self.containers), (*other.tensors, *other.containers)
        return len(own) == len(others) and all(map(is_, own, others))

    def unusual(self) -> str | None:
        """What about the tensors no program is made for, or None."""
        for t in self.tensors:
            if t._inference is not None:
                return "it is given a tensor of inference mode"
            if t._node is not None and not t.is_leaf:
                return "it is given a tensor that was computed from one that requires grad\n  hint: x.detach()"
            if t._node is not None and has_hooks(t._node):
                return "it is given a tensor with a hook"
        return None


def in_words(form: Any) -> str:
    """The form of arguments as a person would say it."""
    kind = form[0]
    if kind is Tensor:
        dtype, shape, _, on_gpu = form[2]
        return f"{dtype.name}{list(shape)}{' on a GPU' if on_gpu else ''}"
    if kind is Same:
        value = form[1].value
        return getattr(value, "__name__", type(value).__name__)
    if issubclass(kind, dict):
        return ", ".join([f"{key[1]}={in_words(part)}" for key, part in form[1:]])
    if issubclass(kind, list | tuple):
        return ", ".join([in_words(part) for part in form[1:] if part != (dict,)]) or "no arguments"
    return repr(form[1])
