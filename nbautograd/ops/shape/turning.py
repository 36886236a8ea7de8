"""Shapes changed in place: the tensor itself shows its memory in another way."""

from __future__ import annotations

from typing import Any

from nbautograd.core.public import FUNCTIONS, METHODS, put_method
from nbautograd.core.tensor import Tensor
from nbautograd.core.views import become
from nbautograd.ops.shape.orders import t, transpose
from nbautograd.ops.shape.views import squeeze, unsqueeze
from nbautograd.ops.shape.windows import as_strided


def _in_place(name: str, view: Any) -> None:
    def method(self: Tensor, *args: Any, **settings: Any) -> Tensor:
        return become(self, lambda x: view(x, *args, **settings))

    method.__name__ = f"{name}_"
    method.__doc__ = f"Like `{name}`, in place: the tensor itself gets the new shape and is returned."
    put_method(method.__name__, method)


for _name, _view in (
    ("t", t), ("transpose", transpose), ("swapaxes", transpose), ("swapdims", transpose), ("squeeze", squeeze),
    ("unsqueeze", unsqueeze), ("as_strided", as_strided),
):  # fmt: skip
    _in_place(_name, _view)
FUNCTIONS["as_strided_"] = METHODS["as_strided_"]
