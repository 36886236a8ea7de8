"""In-place methods of composed functions of no theme's own, and those that torch has at top level too."""

from __future__ import annotations

from typing import Any

from nbautograd.core.public import FUNCTIONS
from nbautograd.core.tensor import Tensor
from nbautograd.ops.linalg.linear import publish_written


def _at_top(name: str) -> None:
    """`torch.name_(input, …)`: `input.name_(…)`."""

    FUNCTIONS[name] = _called(name)


def _called(name: str) -> Any:
    """The function that calls the method `name`."""

    def function(input: Tensor, *args: Any, **settings: Any) -> Tensor:
        return getattr(input, name)(*args, **settings)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"See `Tensor.{name}`."
    return function


for _name in ("float_power", "mvlgamma", "polygamma"):
    publish_written(_called(_name))
for _name in ("addmv_", "gcd_", "index_put_", "lcm_", "ldexp_", "square_", "xlogy_"):
    _at_top(_name)
