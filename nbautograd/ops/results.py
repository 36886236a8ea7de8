"""Named results such as `torch.return_types.max(values=…, indices=…)`."""

from __future__ import annotations

from typing import Any, NamedTuple


def _result(name: str) -> Any:
    kind = NamedTuple(name, [("values", Any), ("indices", Any)])  # noqa: UP014  (the name is not fixed)

    def text(self: Any) -> str:
        return f"torch.return_types.{name}(\nvalues={self.values!r},\nindices={self.indices!r})"

    kind.__repr__ = text
    kind.__doc__ = f"What `torch.{name}` along a dimension returns."
    return kind


ReturnMax, ReturnMin, ReturnMedian = _result("max"), _result("min"), _result("median")
ReturnSort, ReturnTopk, ReturnKthvalue = _result("sort"), _result("topk"), _result("kthvalue")
