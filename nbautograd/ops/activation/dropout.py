"""Dropout."""

from __future__ import annotations

from typing import Any

from nbautograd.core import inplace
from nbautograd.core.call import wrap
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.activation.rectifiers import SELU_ALPHA, SELU_SCALE
from nbautograd.ops.elementwise.arithmetic import Mul
from nbautograd.ops.random import keep_mask


def _check_probability(p: float) -> None:
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _masked(input: Tensor, shape: Any, p: float, inplace_: bool) -> Tensor:
    factors = wrap(keep_mask(shape, p, input._data.dtype, None, input.device))
    return inplace.apply(Mul, input, factors) if inplace_ else Mul.call(input, factors)


@public(method=False, functional=True)
def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set each element to zero with probability `p` and scale the others by 1 / (1 − p); nothing when not training."""
    _check_probability(p)
    if not training or p == 0:
        return input
    return _masked(input, input._data.shape, p, inplace)


def _channels(name: str, dims: tuple[int, ...]) -> None:
    def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        _check_probability(p)
        if not training or p == 0:
            return input
        shape = input._data.shape
        batched = len(shape) == dims[-1]
        kept = shape[: 2 if batched else 1]
        return _masked(input, kept + (1,) * (len(shape) - len(kept)), p, inplace)

    dropout.__name__ = dropout.__qualname__ = name
    dropout.__doc__ = "Set whole channels to zero with probability `p`; see `dropout`."
    public(name, top=False, method=False, functional=True)(dropout)


_channels("dropout1d", (2, 3))
_channels("dropout2d", (3, 4))
_channels("dropout3d", (4, 5))


def _alpha_masked(input: Tensor, shape: Any, p: float, inplace_: bool) -> Tensor:
    """Dropped elements get the lowest value of `selu`; then all are brought back to their mean and variance."""
    low = -SELU_ALPHA * SELU_SCALE
    scale = ((1 - p) * (1 + p * low * low)) ** -0.5 if p < 1 else 0.0
    keep = wrap(keep_mask(shape, p, input._data.dtype, None, input.device)) * (1 - p)
    result = input * (keep * scale) + ((1 - keep) * (low * scale) - scale * low * p)
    return input.copy_(result) if inplace_ else result


@public(method=False, functional=True)
def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Dropout for `selu`: dropped elements get its lowest value, and mean and variance stay what they were."""
    _check_probability(p)
    return _alpha_masked(input, input._data.shape, p, inplace) if training and p else input


@public(method=False, functional=True)
def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """`alpha_dropout` of whole channels.

    Shape: x (N, C, …)
    """
    _check_probability(p)
    if input.ndim < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    shape = (*input._data.shape[:2], *(1,) * (input.ndim - 2))
    return _alpha_masked(input, shape, p, inplace) if training and p else input
