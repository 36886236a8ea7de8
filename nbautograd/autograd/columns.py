"""A Jacobian column by column: forward mode, with one run of the function."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nbautograd.core.array import compact, library_of
from nbautograd.core.call import wrap
from nbautograd.core.levels import alias, opened, zeros_like
from nbautograd.core.public import FUNCTIONS
from nbautograd.core.tensor import Tensor


def units(x: Tensor) -> Iterator[Tensor]:
    """For each element of `x`, zeros with a one in its place."""
    data = x._data
    for i in range(data.size):
        unit = library_of(data).zeros(data.size, data.dtype)
        unit[i] = 1
        yield wrap(compact(unit.reshape(data.shape)))


AT_ONCE = 1 << 22
"""So many elements the units that are made at once may have."""


def unit_batches(x: Tensor, size: int | None = None) -> Iterator[Tensor]:
    """`units`, as many at once as `size` says, or as are not too large together."""
    data = x._data
    size = size or max(1, AT_ONCE // max(data.size, 1))
    for at in range(0, data.size, size):
        count = min(size, data.size - at)
        yield wrap(library_of(data).eye(count, data.size, at, data.dtype).reshape(count, *data.shape))


def jacobian_by_columns(
    function: Callable[[list[Tensor]], list[Tensor]], inputs: list[Tensor]
) -> tuple[list[Tensor], list[list[Tensor]]]:
    """The outputs of `function`, and for each of them its Jacobian with respect to each of the `inputs`.

    It runs once, on aliases of the inputs, while each of their elements moves at a level of its own.
    """
    directions = [(i, unit) for i, x in enumerate(inputs) for unit in units(x)]
    with opened(len(directions)) as levels:
        own = [alias(x) for x in inputs]
        for level, (i, unit) in zip(levels, directions, strict=True):
            level.set(own[i], unit)
        outputs = function(own)
        table: list[list[Tensor]] = []
        for y in outputs:
            columns = [level.get(y) for level in levels]
            table.append(_by_input([zeros_like(y) if c is None else c for c in columns], y, inputs))
    return outputs, table


def _by_input(columns: list[Tensor], y: Tensor, inputs: list[Tensor]) -> list[Tensor]:
    """The columns of one output, put together for each input."""
    found: list[Tensor] = []
    start = 0
    for x in inputs:
        parts, start = columns[start : start + x.numel()], start + x.numel()
        shape = (*y.shape, *x.shape)
        found.append(FUNCTIONS["stack"](parts, -1).reshape(shape) if parts else y.detach().new_zeros(shape))
    return found
