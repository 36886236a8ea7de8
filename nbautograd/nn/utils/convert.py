"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from nbautograd.core.public import FUNCTIONS
from nbautograd.core.tensor import Tensor


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """The parameters one after the other in one vector."""
    return FUNCTIONS["cat"]([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Give the parameters the numbers of one vector, one after the other.

    Raises: TypeError when `vec` is no tensor.
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {type(vec).__name__}")
    start = 0
    for p in parameters:
        end = start + p.numel()
        p.data = vec[start:end].reshape(tuple(p.shape)).detach()
        start = end
