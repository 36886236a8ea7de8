"""One number for each segment of a dimension: the sum, mean, product, largest or smallest of what lies in it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nbautograd.core.array import CPU, place
from nbautograd.core.call import wrap
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.arguments import canonical_dim
from nbautograd.ops.elementwise.choice import where
from nbautograd.ops.index.reducing import scatter_reduce

STARTS = {"sum": 0.0, "mean": math.nan, "prod": 1.0, "max": -math.inf, "min": math.inf}
"""What a segment without numbers gives, by reduction."""


@public(method=False)
def segment_reduce(
    data: Tensor,
    reduce: str,
    *,
    lengths: Tensor | None = None,
    indices: Tensor | None = None,
    offsets: Tensor | None = None,
    axis: int = 0,
    unsafe: bool = False,
    initial: Any = None,
) -> Tensor:
    """The numbers along `axis` in segments one behind the other, each reduced: `sum`, `mean`, `prod`, `max`, `min`.

    Shape: data (…, D, …), lengths (…, S) or offsets (…, S + 1) → (…, S, …)
    Raises: RuntimeError where neither lengths nor offsets are given, or the lengths do not add up to D.
    Example:
        >>> import nbautograd as torch
        >>> torch.segment_reduce(torch.tensor([1.0, 2.0, 5.0]), "sum", lengths=torch.tensor([2, 1]))
        tensor([3., 5.])
    """
    axis = canonical_dim(axis, data.ndim)
    _check(data, reduce, indices)
    ends = _ends(data, lengths, offsets, axis, unsafe)
    full = np.concatenate([np.zeros_like(ends[..., :1]), ends, np.full_like(ends[..., :1], data.shape[axis])], -1)
    sizes = np.diff(full)  # with what lies before the first segment and behind the last
    count = sizes.shape[-1]
    numbers = np.repeat(np.broadcast_to(np.arange(count), sizes.shape).ravel(), sizes.ravel())
    beside = (*sizes.shape[:-1], -1) + (1,) * (data.ndim - axis - 1)
    index = wrap(place(numbers.reshape(beside), data.device)).expand_as(data)
    start = STARTS[reduce] if initial is None or reduce in ("max", "min") else initial
    base = data.new_full((*data.shape[:axis], count, *data.shape[axis + 1 :]), start)
    joins = initial is not None and reduce in ("sum", "prod")
    word = {"max": "amax", "min": "amin"}.get(reduce, reduce)
    out = scatter_reduce(base, axis, index, data, word, include_self=joins).narrow(axis, 1, count - 2)
    if initial is None or joins:
        return out
    if reduce == "mean":
        divisor = wrap(place(sizes[..., 1:-1].clip(1).reshape(beside), data.device))
        filled = wrap(place((sizes[..., 1:-1] > 0).reshape(beside), data.device))
        return where(filled, out + initial / divisor.to(out.dtype), out)
    return where(out < initial if reduce == "max" else out > initial, initial, out)


def _check(data: Tensor, reduce: str, indices: Any) -> None:
    if indices is not None:
        raise RuntimeError(
            "segment_reduce(): indices based reduction is not supported yet.\n"
            "  hint: give lengths, or use torch.scatter_reduce, which takes the number of each element's segment"
        )
    if reduce not in STARTS:
        raise RuntimeError(f"reduce argument must be one of {', '.join(STARTS)}, got {reduce}")
    if data._data.dtype.kind not in "fV":
        raise NotImplementedError(
            f"\"_segment_reduce_cpu\" not implemented for '{data.dtype.tensor_type}'\n  hint: data.float()"
        )


def _ends(data: Tensor, lengths: Any, offsets: Any, axis: int, unsafe: bool) -> Any:
    """Where the first segment starts and each ends.

    Raises: RuntimeError in torch's words, NotImplementedError for numbers with fractions.
    """
    given = lengths if lengths is not None else offsets
    if given is None:
        raise RuntimeError("segment_reduce(): Either lengths or offsets must be defined.")
    word = "lengths" if lengths is not None else "offsets"
    if given._data.dtype.kind not in "iu":
        problem = f"_segment_reduce_{word}_cpu_kernel1"
        raise NotImplementedError(f"\"{problem}\" not implemented for '{given.dtype.tensor_type}'")
    if not data.ndim or axis != given.ndim - 1:
        raise RuntimeError(f"segment_reduce(): Expected axis to be the last dimension of {word} but got {axis}.")
    found = place(given._data, CPU)
    if lengths is None:
        return found
    if not found.size:
        raise RuntimeError("segment_reduce(): there are no segments")
    if found.min() < 0:
        raise RuntimeError("lengths contains negative value!")
    if not unsafe and (found.sum(-1) != data.shape[axis]).any():
        raise RuntimeError(
            "segment_reduce(): Expected all rows of lengths along axis to sum to data.size(lengths.dim()-1) when "
            "!unsafe."
        )
    return np.concatenate([np.zeros_like(found[..., :1]), np.cumsum(found, -1)], -1)
