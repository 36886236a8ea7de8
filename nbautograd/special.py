"""torch.special: special functions by the names that SciPy gives them."""

from __future__ import annotations

import math
from typing import Any

from nbautograd.core.absent import refuse_in
from nbautograd.core.public import FUNCTIONS as _FUNCTIONS
from nbautograd.core.tensor import Tensor
from nbautograd.ops.special import table as _ops

globals().update({name: op.call for name, op in _ops.SPECIAL.items()})

expit, exp2, expm1, log1p, logit, sinc, xlogy, polygamma = (
    _FUNCTIONS[name] for name in ("sigmoid", "exp2", "expm1", "log1p", "logit", "sinc", "xlogy", "polygamma")
)
multigammaln = _FUNCTIONS["mvlgamma"]


def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """Each element rounded to some decimal places."""
    return _FUNCTIONS["round"](input, decimals=decimals)


def ndtr(input: Tensor) -> Tensor:
    """The share of the normal distribution below each element."""
    return (_ops.Erf.call(input * math.sqrt(0.5)) + 1) * 0.5


def softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """See `torch.softmax`."""
    return _FUNCTIONS["softmax"](input, dim, dtype=dtype)


def log_softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """See `torch.log_softmax`."""
    return _FUNCTIONS["log_softmax"](input, dim, dtype=dtype)


def logsumexp(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """See `torch.logsumexp`."""
    return _FUNCTIONS["logsumexp"](input, dim, keepdim)


__getattr__ = refuse_in("special")
