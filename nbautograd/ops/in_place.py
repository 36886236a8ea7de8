"""In-place forms of functions that are made of several ops, and in-place methods that torch has at top level too."""

from __future__ import annotations

from typing import Any

from nbautograd.core import inplace
from nbautograd.core.public import FUNCTIONS
from nbautograd.core.tensor import Tensor
from nbautograd.ops.convert.copies import CopyFrom


def _in_place(name: str) -> None:
    """`Tensor.name_`: the result of `Tensor.name`, computed from a copy, put into the tensor."""

    def method(self: Tensor, *args: Any, **settings: Any) -> Tensor:
        result = getattr(Tensor, name)(self.clone(), *args, **settings)
        if result.shape != self.shape:
            raise RuntimeError(
                f"output with shape {list(self.shape)} doesn't match the broadcast shape {list(result.shape)}"
            )
        return inplace.apply(CopyFrom, self, result)

    method.__name__ = f"{name}_"
    method.__doc__ = f"Like `{name}`, in place: the tensor itself is changed and returned."
    setattr(Tensor, f"{name}_", method)


def _at_top(name: str) -> None:
    """`torch.name_(input, …)`: `input.name_(…)`."""

    def function(input: Tensor, *args: Any, **settings: Any) -> Tensor:
        return getattr(input, name)(*args, **settings)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"See `Tensor.{name}`."
    FUNCTIONS[name] = function


for _name in ("addbmm", "addmm", "addmv", "addr", "baddbmm", "float_power", "mvlgamma", "polygamma", "renorm"):
    _in_place(_name)
for _name in ("addmv_", "gcd_", "index_put_", "lcm_", "ldexp_", "square_", "xlogy_"):
    _at_top(_name)
