"""Named results such as `torch.return_types.max(values=…, indices=…)`."""

from __future__ import annotations

from collections import namedtuple
from typing import Any


def result(name: str, *fields: str) -> Any:
    """The class of the result of `torch.name`, whose parts are called `fields`."""
    kind: Any = namedtuple(name, fields)  # pyright: ignore[reportUntypedNamedTuple]

    def text(self: Any) -> str:
        parts = ",\n".join(f"{field}={getattr(self, field)!r}" for field in fields)
        return f"torch.return_types.{name}(\n{parts})"

    kind.__repr__ = text
    kind.__doc__ = f"What `torch.{name.replace('linalg_', 'linalg.')}` returns."
    return kind


ReturnMax, ReturnMin, ReturnMedian, ReturnSort, ReturnTopk, ReturnKthvalue = (
    result(name, "values", "indices") for name in ("max", "min", "median", "sort", "topk", "kthvalue")
)
