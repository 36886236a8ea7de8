"""Covariances of variables, and integrals of what was measured at points."""

from __future__ import annotations

from typing import Any

from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.arguments import canonical_dim


@public()
def cov(input, *, correction: int = 1, fweights: Any = None, aweights: Any = None):
    """The covariances of variables: each row of `input` is one, each column an observation.

    `fweights` says how often an observation was made, `aweights` how much it counts.
    """
    if input.ndim > 2:
        raise RuntimeError(
            f"cov(): expected input to have two or fewer dimensions but got an input with {input.ndim} dimensions"
        )
    rows = input.reshape(1, -1) if input.ndim < 2 else input
    weights = fweights if aweights is None else aweights if fweights is None else fweights * aweights
    count = rows.shape[1] if weights is None else weights.sum()
    mean = (rows if weights is None else rows * weights).sum(1, keepdim=True) / count
    centred = rows - mean
    divisor: Any = count - correction
    if aweights is not None and correction:
        divisor = count - correction * (weights * aweights).sum() / count
    divisor = divisor.clamp(min=0) if isinstance(divisor, Tensor) else max(divisor, 0)
    weighted = centred if weights is None else centred * weights
    return ((weighted @ centred.mH) / divisor).squeeze()


@public()
def corrcoef(input):
    """The correlations of variables: each row of `input` is one, each column an observation."""
    if input.ndim > 2:
        raise RuntimeError(
            f"corrcoef(): expected input to have two or fewer dimensions but got an input with {input.ndim} dimensions"
        )
    c = cov(input)
    if c.ndim == 0:
        return c / c
    spread = c.diagonal().real.sqrt()
    return _within_one(c / spread.unsqueeze(1) / spread)


def _within_one(c: Tensor) -> Tensor:
    """Correlations that rounding has carried beyond ±1 brought back."""
    if c.dtype.is_complex:
        return c.real.clamp(-1, 1) + 1j * c.imag.clamp(-1, 1)
    return c.clamp(-1, 1)


def _neighbours(y: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """All elements along `dim` but the last, and all but the first."""
    count = y.shape[dim]
    return y.narrow(dim, 0, max(count - 1, 0)), y.narrow(dim, min(1, count), max(count - 1, 0))


def _strips(y: Tensor, x: Any, dx: Any, dim: int, name: str) -> Tensor:
    """The areas between neighbouring points."""
    left, right = _neighbours(y, dim)
    if x is None:
        return (left + right) * (0.5 * dx)
    if x.ndim == 1:
        if x.shape[0] != y.shape[dim]:
            raise RuntimeError(f"{name}: There must be one `x` value for each sample point")
        x = x.reshape(*[-1 if d == dim else 1 for d in range(y.ndim)])
    before, after = _neighbours(x, x.ndim - (y.ndim - dim))
    return (left + right) * (after - before) * 0.5


@public("trapezoid", "trapz", method=False)
def trapezoid(y, x: Any = None, *, dx: Any = 1, dim: int = -1):
    """The integral along `dim` of the lines through points, at the places `x` or at the distance `dx`.

    Example:
        >>> import nbautograd as torch
        >>> torch.trapezoid(torch.tensor([0.0, 1.0, 2.0, 3.0]))
        tensor(4.5000)
    """
    at = canonical_dim(dim, y.ndim)
    if not y.shape[at]:
        return y.detach().sum(at)
    return _strips(y, x, dx, at, "trapezoid").sum(at)


@public(method=False)
def cumulative_trapezoid(y, x: Any = None, *, dx: Any = 1, dim: int = -1):
    """The integrals from the first point to each of the others; see `trapezoid`."""
    at = canonical_dim(dim, y.ndim)
    return _strips(y, x, dx, at, "cumulative_trapezoid").cumsum(at)
