"""Gradients of a batch of starting gradients: `grad(..., is_grads_batched=True)`."""

from __future__ import annotations

from typing import Any

from .array import library_of
from .backward import grad
from .call import wrap
from .op import tensors
from .tensor import Tensor


def grad_of_batch(
    roots: list[Tensor],
    wanted: list[Tensor],
    batches: list[Any],
    retain: bool | None,
    create: bool,
    unused: bool | None,
    zeros: bool,
) -> tuple[Any, ...]:
    """`grad` for each of a batch of starting gradients, one after the other.

    Raises: RuntimeError and ValueError in torch's words for what is no batch.
    """
    count = _batch_size(roots, batches)
    rows = [
        grad(
            roots,
            wanted,
            [b[i] for b in batches],
            retain_graph=True if i + 1 < count else retain,
            create_graph=create,
            allow_unused=unused,
            materialize_grads=zeros,
        )
        for i in range(count)
    ]
    if not rows:
        return tuple([wrap(library_of(x._data).zeros((0, *x._data.shape), x._data.dtype)) for x in wanted])
    return tuple([None if column[0] is None else tensors.stack(list(column)) for column in zip(*rows, strict=True)])


def _batch_size(roots: list[Tensor], batches: list[Any]) -> int:
    """How many gradients there are for each root."""
    for i, (root, batch) in enumerate(zip(roots, batches, strict=True)):
        if batch is None:
            raise RuntimeError(
                "grad can be implicitly created only for scalar outputs\n"
                "  hint: with is_grads_batched=True give a batch of gradients for each output"
            )
        if batch._data.shape[1:] != root._data.shape or not batch._data.ndim:
            raise RuntimeError(
                "If `is_grads_batched=True`, we interpret the first dimension of each grad_output as the batch "
                "dimension. The sizes of the remaining dimensions are expected to match the shape of corresponding "
                f"output, but a mismatch was detected: grad_output[{i}] has a shape of {batch.shape[1:]} and "
                f"output[{i}] has a shape of {root.shape}. If you only want some tensors in `grad_output` to be "
                "considered batched, consider using vmap."
            )
    sizes = [batch._data.shape[0] for batch in batches]
    if len(set(sizes)) > 1:
        raise ValueError(
            "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
            f"{sizes} for the mapped dimension"
        )
    return sizes[0]
