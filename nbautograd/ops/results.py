"""Named results such as `torch.return_types.max(values=…, indices=…)`."""

from __future__ import annotations

from functools import cache
from operator import itemgetter
from typing import Any, ClassVar


class Result(tuple[Any, ...]):
    """Several results under names; a named tuple of `collections` takes three times as long to define."""

    __slots__ = ()
    _fields: ClassVar[tuple[str, ...]] = ()

    def __new__(cls, *parts: Any) -> Any:
        return tuple.__new__(cls, parts)

    def __reduce__(self) -> Any:
        return _made, (type(self).__name__, self._fields, tuple(self))

    def __repr__(self) -> str:
        parts = ",\n".join(f"{name}={part!r}" for name, part in zip(self._fields, self, strict=True))
        return f"torch.return_types.{type(self).__name__}(\n{parts})"


@cache
def result(name: str, *fields: str) -> Any:
    """The class of the result of `torch.name`, whose parts are called `fields`."""
    return type(
        name,
        (Result,),
        {
            "__slots__": (),
            "__doc__": f"What `torch.{name.replace('linalg_', 'linalg.')}` returns.",
            "_fields": fields,
            **{field: property(itemgetter(place)) for place, field in enumerate(fields)},
        },
    )


def _made(name: str, fields: tuple[str, ...], parts: tuple[Any, ...]) -> Any:
    return result(name, *fields)(*parts)


ReturnMax, ReturnMin, ReturnMedian, ReturnSort, ReturnTopk, ReturnKthvalue = (
    result(name, "values", "indices") for name in ("max", "min", "median", "sort", "topk", "kthvalue")
)
