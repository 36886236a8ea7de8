"""Counting into bins, and finding the place of a number among others. None of this has a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.array import CPU, cupy, is_cupy, library_of, place
from nbautograd.core.call import wrap
from nbautograd.core.modes import told
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.index.meeting import counted
from nbautograd.ops.results import result

ReturnHistogram = result("histogram", "hist", "bin_edges")
ReturnHistogramdd = result("histogramdd", "hist", "bin_edges")


def _span(data: Any, low: float, high: float, apart: float) -> tuple[float, float]:
    """The ends of a histogram: those of the numbers where none are given, and `apart` where they coincide."""
    if low == high and data.size:
        low, high = float(data.min()), float(data.max())
    return (low - apart, high + apart) if low == high else (low, high)


@public()
@told
def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """How many elements lie in each of `bins` equal parts from `min` to `max` (those of the elements if both are 0).

    Raises: RuntimeError when there are no bins or the ends are the wrong way round.
    """
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0")
    if max < min:
        raise RuntimeError("max must be larger than min")
    data = input._data
    if data.dtype.kind != "f":
        raise NotImplementedError(f"\"histogram_cpu\" not implemented for '{input.dtype.tensor_type}'")
    if is_cupy(data):
        return wrap(_counted_in_bins(data.reshape(-1), bins, min, max))
    counts, _ = np.histogram(data.reshape(-1), bins, _span(data, min, max, 1))
    return wrap(counts.astype(data.dtype))


def _counted_in_bins(x: Any, bins: int, low: Any, high: Any) -> Any:
    """`histc` on a GPU, where nobody looks at a number: the program would wait for it."""
    library = cupy()
    if low == high and x.size:
        low, high = x.min(), x.max()
    same = library.asarray(low == high)
    low, high = library.where(same, low - 1, low), library.where(same, high + 1, high)
    inside = (x >= low) & (x <= high)
    places = ((x - low) * bins / (high - low)).clip(0, bins - 1).astype(np.int64)
    return counted(library.where(inside, places, bins), bins + 1)[:bins].astype(x.dtype)


@public()
def histogram(
    input: Tensor, bins: Any = 100, *, range: Any = None, weight: Tensor | None = None, density: bool = False
) -> Any:
    """How many elements lie in each bin, and where the bins end: a number of equal ones, or their edges."""
    data = input._data
    weights = None if weight is None else weight._data.reshape(-1)
    if isinstance(bins, Tensor):
        edges = bins._data
    else:
        low, high = range or (0, 0)
        low, high = _span(data, low, high, 0.5)
        edges = library_of(data).linspace(low, high, bins + 1, dtype=data.dtype)
    counts, _ = library_of(data).histogram(data.reshape(-1), edges, weights=weights, density=density)
    return ReturnHistogram(wrap(counts.astype(data.dtype)), wrap(edges.astype(data.dtype)))


@public(method=False)
def histogramdd(
    input: Tensor, bins: Any, range: Any = None, weight: Tensor | None = None, density: bool = False
) -> Any:
    """How many points (rows of coordinates) lie in each box of a grid, and where the boxes end in each dimension.

    `bins` is a number of equal parts, one number for each dimension, or the edges as tensors.

    Shape: input (…, N), weight (…)
    Raises: RuntimeError when the numbers of dimensions differ.
    """
    points = place(input._data, CPU).reshape(-1, input.shape[-1])
    count, kind = points.shape[1], points.dtype
    bins = [bins] * count if isinstance(bins, int) else list(bins)
    if len(bins) != count:
        raise RuntimeError("histogramdd: The size of bins must be equal to the innermost dimension of the input.")
    ends = np.reshape(range or [0.0] * 2 * count, (count, 2)).tolist()
    spans = [_span(x, low, high, 0.5) for x, (low, high) in zip(points.T, ends, strict=True)]
    edges = [
        place(b._data, CPU) if isinstance(b, Tensor) else np.linspace(low, high, b + 1, dtype=kind)
        for b, (low, high) in zip(bins, spans, strict=True)
    ]
    weights = None if weight is None else place(weight._data, CPU).reshape(-1)
    found, _ = np.histogramdd(points, edges, weights=weights, density=density)
    return ReturnHistogramdd(
        wrap(place(found.astype(kind), input.device)), tuple(wrap(place(e.astype(kind), input.device)) for e in edges)
    )


@public()
@told
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each of the numbers 0, 1, 2, … comes, or the sum of its `weights`.

    Raises: RuntimeError for what is not a row of non-negative integers.
    """
    data = input._data
    if data.dtype.kind not in "iu":
        raise NotImplementedError(f"\"bincount_cpu\" not implemented for '{input.dtype.tensor_type}'")
    if data.ndim != 1 or (data.size and data.min() < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    found = library_of(data).bincount(data, None if weights is None else weights._data, minlength)
    return wrap(
        found.astype(weights._data.dtype if weights is not None and weights._data.dtype.char == "f" else found.dtype)
    )


@public(method=False)
@told
def searchsorted(
    sorted_sequence: Tensor,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    """Where in the ordered sequence each element would have to be put to keep it in order: left of equals, or right.

    Raises: RuntimeError when `side` and `right` contradict each other, or the shapes do not begin alike.
    """
    right = _right(side, right)
    rows = sorted_sequence._data
    library = library_of(rows)
    values = library.asarray(getattr(input, "_data", input))
    if sorter is not None:
        rows = library.take_along_axis(rows, sorter._data, -1)
    if rows.ndim != 1 and rows.shape[:-1] != values.shape[:-1]:
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries "
            f"tensor and input value tensor must match, but we got boundaries tensor {list(rows.shape)} and input "
            f"value tensor {list(values.shape)}"
        )
    where = "right" if right else "left"
    if rows.ndim == 1:
        found = library.searchsorted(rows, values, where)
    else:
        pairs = zip(rows.reshape(-1, rows.shape[-1]), values.reshape(-1, values.shape[-1]), strict=True)
        found = library.stack([library.searchsorted(row, value, where) for row, value in pairs]).reshape(values.shape)
    return wrap(found.astype(np.int32 if out_int32 else np.int64))


def _right(side: str | None, right: bool) -> bool:
    if side not in (None, "left", "right"):
        raise RuntimeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RuntimeError(
            "torch.searchsorted(): side and right can't be set to opposites, got side of left while right was True"
        )
    return right or side == "right"


@public(method=False)
@told
def bucketize(input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """The number of the bucket between `boundaries` that each element falls into."""
    if boundaries.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


@public()
@told
def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The elements (or the slices along `dim`) without those that repeat the one before."""
    library = library_of(input._data)
    data = input._data.reshape(-1) if dim is None else library.moveaxis(input._data, dim, 0)
    rows = data.reshape(len(data), int(np.prod(data.shape[1:])))
    begins = library.ones(len(data), bool)
    begins[1:] = (rows[1:] != rows[:-1]).any(1)
    places = library.flatnonzero(begins)
    values = data[places] if dim is None else library.moveaxis(data[places], 0, dim)
    inverse = library.cumsum(begins) - 1
    found = [
        wrap(values),
        wrap(inverse.reshape(input._data.shape) if dim is None else inverse) if return_inverse else None,
        wrap(library.diff(places, append=library.asarray([len(data)]))) if return_counts else None,
    ]
    kept = tuple(t for t in found if t is not None)
    return kept[0] if len(kept) == 1 else kept
