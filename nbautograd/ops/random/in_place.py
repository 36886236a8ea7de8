"""Filling a tensor with random numbers, in place."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core import inplace
from nbautograd.core.array import is_cupy
from nbautograd.core.op import Op
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.random.draws import NormalInPlace, UniformInPlace
from nbautograd.ops.random.numbers import (
    chances,
    floating,
    integers,
    normals,
    placed,
    spread_out,
    uniforms,
    where_drawn,
)


def _refill(self: Tensor, sample: Any, op: type[Op] = UniformInPlace) -> Tensor:
    sample = sample if is_cupy(sample) else np.asarray(sample)
    return inplace.apply(op, self, sample=placed(sample.astype(self._data.dtype, copy=False), self))


@public(top=False)
def uniform_(self: Tensor, from_: float = 0.0, to: float = 1.0, *, generator: Any = None) -> Tensor:
    """Fill with numbers from `from_` to `to`, all equally likely."""
    if to < from_:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={from_} > to={to}")
    dtype = floating(self.dtype, "check_uniform_bounds")
    return _refill(self, uniforms(self._data.shape, dtype, generator, self.device, from_, to - from_))


@public(top=False)
def normal_(self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Tensor:
    """Fill with normal numbers."""
    if std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
    dtype = floating(self.dtype, "normal_kernel_cpu")
    return _refill(self, normals(self._data.shape, dtype, generator, self.device, mean, std), NormalInPlace)


@public(top=False)
def random_(self: Tensor, from_: int | None = None, to: int | None = None, *, generator: Any = None) -> Tensor:
    """Fill with integers: all that the dtype holds, `random_(to)`, or `random_(from, to)` without `to` itself."""
    if to is None and from_ is not None:
        from_, to = 0, from_
    dtype = self._data.dtype
    end = _largest(dtype) if to is None else to
    return _refill(self, integers(from_ or 0, end, self._data.shape, dtype, generator, self.device))


def _largest(dtype: Any) -> int:
    """One more than the largest integer that `dtype` holds exactly."""
    if dtype.kind == "b":
        return 2
    if dtype.kind == "f":
        return 2 ** (np.finfo(dtype).nmant + 1) + 1
    return min(int(np.iinfo(dtype).max) + 1, 2**63 - 1)


@public(top=False)
def exponential_(self: Tensor, lambd: float = 1.0, *, generator: Any = None) -> Tensor:
    """Fill with numbers from the exponential distribution."""
    return _refill(self, spread_out("exponential", self._data.shape, (0, lambd), generator, self.device))


@public(top=False)
def bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Any = None) -> Tensor:
    """Fill with ones with probability `p`, zeros otherwise."""
    if not isinstance(p, Tensor):
        return _refill(self, chances(self._data.shape, p, self._data.dtype, generator, self.device))
    return _refill(self, uniforms(self._data.shape, np.dtype(float), generator, self.device) < where_drawn(p))


@public(top=False)
def geometric_(self: Tensor, p: float, *, generator: Any = None) -> Tensor:
    """Fill with the number of trials up to the first success."""
    return _refill(self, spread_out("geometric", self._data.shape, (0, p), generator, self.device))


@public(top=False)
def cauchy_(self: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Any = None) -> Tensor:
    """Fill with numbers from the Cauchy distribution."""
    return _refill(self, spread_out("cauchy", self._data.shape, (median, sigma), generator, self.device))


@public(top=False)
def log_normal_(self: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Any = None) -> Tensor:
    """Fill with numbers whose logarithms are normal."""
    return _refill(self, spread_out("log_normal", self._data.shape, (mean, std), generator, self.device))
