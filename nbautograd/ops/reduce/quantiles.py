"""Quantiles."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.array import library_of
from nbautograd.core.call import wrap
from nbautograd.core.modes import may_look
from nbautograd.core.public import FUNCTIONS, public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.arguments import canonical_dim
from nbautograd.ops.reduce.sorting import sort

INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


@public()
def quantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """The numbers below which the shares `q` of the elements along `dim` lie; NaN where one element is."""
    return _quantile("quantile", input, q, dim, keepdim, interpolation)


@public()
def nanquantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """The numbers below which the shares `q` of the elements along `dim` lie that are numbers."""
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation)


def _quantile(name: str, input: Tensor, q: Any, dim: int | None, keepdim: bool, interpolation: str) -> Tensor:
    shares = _checked(name, input, q, interpolation)
    ndim = input.ndim
    axis = 0 if dim is None else canonical_dim(dim, ndim)
    rows = input.reshape(-1) if dim is None or not ndim else input.movedim(axis, -1)
    ordered = sort(rows, -1)[0]
    places = _places(name, rows._data, shares._data.reshape(-1))
    found = _between(ordered, places, interpolation)
    found = found.movedim(-1, 0)
    if keepdim:
        found = found.reshape(-1, *([1] * ndim)) if dim is None else found.unsqueeze(axis + 1 if ndim else 0)
    if dim is not None and not ndim:
        found = found.reshape(-1)
    return found[0] if shares.ndim == 0 else found


def _checked(name: str, input: Tensor, q: Any, interpolation: str) -> Tensor:
    shares = q if isinstance(q, Tensor) else wrap(input._data.dtype.type(q))
    if not input._data.size:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    if shares.ndim > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor")
    if input._data.dtype.char not in "fd":
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype")
    if shares.dtype is not input.dtype:
        raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor")
    if interpolation not in INTERPOLATIONS:
        raise RuntimeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}"
        )
    if may_look(shares._data) and not ((shares._data >= 0) & (shares._data <= 1)).all():
        what = (
            "q values must be in the range [0, 1]"
            if isinstance(q, Tensor)
            else f"q must be in the range [0, 1] but got {q}"
        )
        raise RuntimeError(f"{name}() {what}")
    return shares


def _places(name: str, rows: Any, shares: Any) -> Any:
    """Where between the ordered elements the quantiles lie, as floats: one row of places for each row of elements."""
    library = library_of(rows)
    last, missing, shares = rows.shape[-1] - 1, library.isnan(rows), library.asarray(shares)
    if name == "nanquantile":
        counts = (~missing).sum(-1, keepdims=True)
        return (shares * library.maximum(counts - 1, 0)).astype(rows.dtype)
    # In order NaN comes last: where there is one, it is the result, and gets the gradient.
    return library.where(missing.any(-1, keepdims=True), last, shares * last).astype(rows.dtype)


def _between(ordered: Tensor, places: Any, interpolation: str) -> Tensor:
    """The elements at these places; between two of them by `interpolation`."""
    library = library_of(places)
    if interpolation in ("lower", "higher", "nearest"):
        rounding = getattr(library, {"lower": "floor", "higher": "ceil", "nearest": "rint"}[interpolation])
        return ordered.gather(-1, wrap(rounding(places).astype(np.int64)))
    below = library.floor(places)
    weight = wrap(places - below) if interpolation == "linear" else 0.5
    low = ordered.gather(-1, wrap(below.astype(np.int64)))
    high = ordered.gather(-1, wrap(library.ceil(places).astype(np.int64)))
    return FUNCTIONS["lerp"](low, high, weight)
