"""Differences of neighbours, and derivatives of what they are samples of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nbautograd.core.call import wrap
from nbautograd.core.public import FUNCTIONS, public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.arguments import canonical_dim


@public()
def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None
) -> Tensor:
    """Each element minus the one before it along `dim`, `n` times over.

    Raises: RuntimeError for a 0-d tensor and for a negative `n`.
    Example:
        >>> import nbautograd as torch
        >>> torch.diff(torch.tensor([1, 4, 9]))
        tensor([3, 5])
    """
    if not input.ndim:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    dim = canonical_dim(dim, input.ndim)
    parts = [part for part in (prepend, input, append) if part is not None]
    x = FUNCTIONS["cat"](parts, dim) if len(parts) > 1 else input
    for _ in range(min(n, x.shape[dim])):
        later, earlier = x.narrow(dim, 1, x.shape[dim] - 1), x.narrow(dim, 0, x.shape[dim] - 1)
        x = later.logical_xor(earlier) if x._data.dtype.kind == "b" else later - earlier
    return x.clone() if x is input else x


@public(method=False)
def gradient(input: Tensor, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1) -> tuple[Tensor, ...]:
    """The derivative along each dimension of the function whose samples `input` holds.

    `spacing` is the distance of the samples: one number, one for each dimension, or tensors of their places. Inside it
    is that of the parabola through three samples; at the ends, with `edge_order=1`, that of the line through two.

    Raises: RuntimeError when a dimension has fewer than `edge_order + 1` samples.
    """
    dims = range(input.ndim) if dim is None else (dim,) if isinstance(dim, int) else dim
    dims = [canonical_dim(d, input.ndim) for d in dims]
    steps = list(spacing) if isinstance(spacing, Sequence) else [spacing] * len(dims)
    if len(steps) != len(dims):
        raise RuntimeError(
            f"torch.gradient expected spacing to be unspecified, a scalar, or a list of length {len(dims)}, "
            f"but got a list of length {len(steps)}"
        )
    if any(input.shape[d] < edge_order + 1 for d in dims):
        raise RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")
    x = input if input.dtype.is_floating_point or input.dtype.is_complex else input.float()
    return tuple(_slope(x, d, _places(step, x.shape[d]), edge_order) for d, step in zip(dims, steps, strict=True))


def _places(step: Any, count: int) -> Any:
    """Where the samples are."""
    return step._data if isinstance(step, Tensor) and step.ndim else np.arange(count) * float(step)


def _slope(x: Tensor, dim: int, places: Any, edge_order: int) -> Tensor:
    """The derivative along `dim`: sums of neighbours with factors that depend on the places alone."""
    gaps = np.diff(np.asarray(places, np.float64))
    before, after = gaps[:-1], gaps[1:]
    inside = (
        _sample(x, dim, 0, -2) * _factors(x, dim, -after / (before * (before + after)))
        + _sample(x, dim, 1, -1) * _factors(x, dim, (after - before) / (before * after))
        + _sample(x, dim, 2, None) * _factors(x, dim, before / (after * (before + after)))
    )
    ends = [_end(x, dim, gaps, edge_order), _end(x.flip(dim), dim, -gaps[::-1], edge_order)]
    return FUNCTIONS["cat"]([ends[0], inside, ends[1]], dim)


def _end(x: Tensor, dim: int, gaps: Any, edge_order: int) -> Tensor:
    """The derivative at the first sample."""
    first, second = _sample(x, dim, 0, 1), _sample(x, dim, 1, 2)
    if edge_order == 1:
        return (second - first) / float(gaps[0])
    a, b = float(gaps[0]), float(gaps[1])
    third = _sample(x, dim, 2, 3)
    return first * (-(2 * a + b) / (a * (a + b))) + second * ((a + b) / (a * b)) - third * (a / (b * (a + b)))


def _sample(x: Tensor, dim: int, start: int, stop: int | None) -> Tensor:
    return x[(slice(None),) * dim + (slice(start, stop),)]


def _factors(x: Tensor, dim: int, values: Any) -> Tensor:
    """Numbers for each place along `dim`, in the dtype of `x`."""
    shape = [-1 if d == dim else 1 for d in range(x.ndim)]
    return wrap(values.astype(x._data.real.dtype).reshape(shape)).to(x.device)
