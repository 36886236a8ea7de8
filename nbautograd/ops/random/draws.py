"""Random numbers whose distributions tensors describe; what is drawn has no slope."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.array import library_of
from nbautograd.core.call import wrap
from nbautograd.core.device import preferred
from nbautograd.core.modes import may_look
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.create import finish, size_of
from nbautograd.ops.random.generators import numbers_of
from nbautograd.ops.random.numbers import (
    chances,
    drawn,
    floating,
    host,
    normals,
    placed,
    spread_out,
    uniforms,
    where_drawn,
)
from nbautograd.ops.samples import Make, through

_SHAPES = ((), (1,), (3,), (0,), (2, 3), (3, 2), (2, 0), (1, 1), (2, 3, 2), (1, 2, 1))


def _drawn(make: Make) -> Any:
    for shape in _SHAPES:
        yield make(*shape), {"sample": make.fixed(*shape)}


def _drawn_from_two(make: Make) -> Any:
    for shape in _SHAPES:
        yield make(*shape), make(*shape), {"sample": make.fixed(*shape)}


class Bernoulli(Op):
    """Ones with the probabilities in `x`, zeros otherwise; what was drawn has no slope: its gradient is zero."""

    elementwise = True
    tex = {"x": "0"}
    samples = through("", _drawn, numeric=False)

    def forward(x, *, sample):
        return xp.asarray(sample)

    def dx(g):
        return xp.zeros_like(g)


class NormalInPlace(Bernoulli):
    """Normal numbers in place of `x`."""

    node_name = "NormalBackward0"


class UniformInPlace(Bernoulli):
    """Uniform numbers in place of `x`."""

    node_name = "UniformBackward0"


class Normal(Op):
    """Normal numbers with means and deviations from tensors; for gradients write `mean + std * randn_like(std)`."""

    node_name = "NormalBackward3"
    elementwise = True
    tex = {"mean": "0", "std": "0"}
    samples = through("", _drawn_from_two, numeric=False)

    def forward(mean, std, *, sample):
        return xp.asarray(sample)

    def dmean(g):
        return xp.zeros_like(g)

    def dstd(g):
        return xp.zeros_like(g)


@public()
def bernoulli(input: Tensor, p: float | None = None, *, generator: Any = None) -> Tensor:
    """Ones with the probabilities in `input` (or `p` everywhere), zeros otherwise.

    Raises: RuntimeError for probabilities outside 0 to 1 (on a GPU in anomaly mode only).
    """
    data = input._data
    if p is None:
        return Bernoulli.call(input, sample=_flipped(input, generator, input.device))
    return Bernoulli.call(input, sample=chances(data.shape, p, data.dtype, generator, input.device))


@drawn
def _flipped(p: Any, generator: Any, device: Any) -> Any:
    p = where_drawn(p)
    if p.size and may_look(p) and not ((p >= 0) & (p <= 1)).all():
        raise RuntimeError("Expected p_in >= 0 && p_in <= 1 to be true, but got false.")
    return (uniforms.__wrapped__(p.shape, np.dtype(float), generator, device) < p).astype(p.dtype)


@public(method=False)
def normal(
    mean: Any,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Any = None,
    out: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Normal numbers: with `size`, of one mean and deviation; without, of those in tensors.

    Raises: RuntimeError for a negative deviation (in a GPU's tensor in anomaly mode only).
    """
    if size is not None or not (isinstance(mean, Tensor) or isinstance(std, Tensor)):
        found = floating(dtype, "normal_kernel_cpu")
        where = device or preferred()
        _check_spread(std)
        data = normals(size_of("normal", (size or (),)), found, generator, where, mean, std)
        result = finish(data, where, requires_grad)
        return result if out is None else out.copy_(result)
    first = mean if isinstance(mean, Tensor) else std
    return Normal.call(mean, std, sample=placed(_normals(mean, std, first._data.dtype, generator, first.device), first))


@drawn
def _normals(mean: Any, std: Any, dtype: Any, generator: Any, device: Any) -> Any:
    middle, spread = where_drawn(mean), where_drawn(std)
    _check_spread(spread)
    shape = np.broadcast_shapes(np.shape(middle), np.shape(spread))
    return (normals.__wrapped__(shape, dtype, generator, device) * spread + middle).astype(dtype)


def _check_spread(std: Any) -> None:
    std = where_drawn(std)
    if may_look(std) and np.any(std < 0):
        raise RuntimeError(f"normal expects std >= 0.0, but found std {np.min(std):g}")


@public()
def multinomial(input: Tensor, num_samples: int, replacement: bool = False, *, generator: Any = None) -> Tensor:
    """Indices drawn with the weights in each row of `input`.

    Raises: RuntimeError for more draws than there are indices, and for weights that are negative, infinite or all zero
        (on a GPU in anomaly mode only).
    """
    return wrap(_picked(input, num_samples, replacement, generator, input.device))


@drawn
def _picked(weights: Any, count: int, replacement: bool, generator: Any, device: Any) -> Any:
    weights = where_drawn(weights)
    library, several = library_of(weights), weights.ndim > 1
    weights = library.atleast_2d(weights).astype(np.float64)
    if not replacement and count > weights.shape[-1]:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    if may_look(weights):
        if not (np.isfinite(weights).all() and (weights >= 0).all()):
            raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
        if (weights.sum(-1) == 0).any():
            raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    found = _draw_rows(library, weights, count, replacement, (generator, device)).astype(np.int64)
    return found if several else found[0]


def _draw_rows(library: Any, weights: Any, count: int, replacement: bool, source: tuple[Any, Any]) -> Any:
    """Per row: with replacement by inverting the sums, without it by the largest of exponential races."""
    if replacement or count == 1:
        sums = weights.cumsum(-1)
        marks = uniforms.__wrapped__((len(weights), count), np.dtype(float), *source) * sums[:, -1:]
        return library.stack([library.searchsorted(row, m, "right") for row, m in zip(sums, marks, strict=True)])
    races = weights / spread_out.__wrapped__("exponential", weights.shape, (0, 1), *source)
    return library.argsort(-races, -1, kind="stable")[:, :count]


@public(method=False)
def poisson(input: Tensor, generator: Any = None) -> Tensor:
    """Counts with the rates in `input`."""
    sample = numbers_of(generator, input.device).poisson(host(input)).astype(input._data.dtype)
    return Bernoulli.call(input, sample=placed(sample, input))
