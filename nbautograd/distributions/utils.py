"""Parameters as tensors of one shape, probabilities and logits, and sources of noise."""

from __future__ import annotations

from functools import cached_property
from numbers import Number
from typing import Any

import numpy as np

from nbautograd.core.array import Size
from nbautograd.core.dtype import get_default_dtype
from nbautograd.core.public import FUNCTIONAL, FUNCTIONS
from nbautograd.core.tensor import Tensor


class _Functions:
    def __getattr__(self, name: str) -> Any:
        try:
            return FUNCTIONS.get(name) or FUNCTIONAL[name]
        except KeyError:
            raise AttributeError(name) from None


functions: Any = _Functions()
"""The package's functions, as `torch.where` and `torch.nn.functional.softplus`."""


lazy_property = cached_property
"""torch's name for an attribute that is computed when first asked for."""


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Numbers and tensors as tensors of one shape; numbers take the dtype of the first tensor.

    Raises: ValueError for anything else.
    """
    if not all(isinstance(v, Tensor | Number) for v in values):
        raise ValueError(
            "Input arguments must all be instances of Number, torch.Tensor or objects implementing __torch_function__."
        )
    if all(isinstance(v, Tensor) for v in values) and len({v._data.shape for v in values}) == 1:
        return values
    like = next((v for v in values if isinstance(v, Tensor)), None)
    dtype = get_default_dtype() if like is None else like.dtype
    where = None if like is None else like.device
    tensors = [v if isinstance(v, Tensor) else functions.tensor(v, dtype=dtype, device=where) for v in values]
    return tuple(functions.broadcast_tensors(*tensors)) if len(tensors) > 1 else (tensors[0],)


def broadcast_shapes(*shapes: Any) -> Size:
    """The shape that tensors of these shapes have together."""
    return Size(np.broadcast_shapes(*map(tuple, shapes)))


def limits(tensor: Tensor) -> Any:
    """The smallest and largest numbers of the tensor's dtype, and its precision."""
    return np.finfo(tensor._data.dtype)


def sum_last(value: Any, dims: int) -> Any:
    """The sum over the last `dims` dimensions."""
    return value.reshape((*value.shape[: value.ndim - dims], -1)).sum(-1) if dims else value


def clamp_probs(probs: Tensor) -> Tensor:
    """Probabilities kept a little away from 0 and 1, where their logits are infinite."""
    eps = float(limits(probs).eps)
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """The logarithms of probabilities; of two-way ones the log-odds."""
    kept = clamp_probs(probs)
    return kept.log() - (-kept).log1p() if is_binary else kept.log()


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Probabilities from their logarithms; from log-odds for two-way ones."""
    return logits.sigmoid() if is_binary else logits.softmax(-1)


def normal_noise(shape: Any, like: Tensor) -> Tensor:
    """Numbers with mean 0 and variance 1, in the dtype and on the device of `like`."""
    return functions.randn(tuple(shape), dtype=like.dtype, device=like.device)


def uniform_noise(shape: Any, like: Tensor, low: float = 0.0, high: float = 1.0) -> Tensor:
    """Numbers from `low` to `high`, all equally likely."""
    return functions.empty(tuple(shape), dtype=like.dtype, device=like.device).uniform_(low, high)


def check_one_given(probs: Any, logits: Any) -> None:
    """Refuse both and none.

    Raises: ValueError in torch's words.
    """
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """The numbers of a matrix up to a diagonal, row by row."""
    size = mat.shape[-1]
    if not -size <= diag < size:
        raise ValueError(f"diag ({diag}) provided is outside [{-size}, {size - 1}].")
    rows, columns = np.tril_indices(size, diag)
    return mat[..., functions.tensor(rows), functions.tensor(columns)]


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """A matrix with the numbers of `vec` up to a diagonal, row by row, and zeros beyond it."""
    count = vec.shape[-1]
    size = (-(1 + 2 * diag) + ((1 + 2 * diag) ** 2 + 8 * count + 4 * abs(diag) * (diag + 1)) ** 0.5) / 2
    if round(size) - size > float(limits(vec).eps):
        raise ValueError(
            f"The size of last dimension is {count} which cannot be expressed as the lower triangular part of a square "
            "D x D matrix."
        )
    rows, columns = np.tril_indices(round(size), diag)
    mat = vec.new_zeros((*vec.shape[:-1], round(size), round(size)))
    mat[..., functions.tensor(rows), functions.tensor(columns)] = vec
    return mat
