"""Rows of a table."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core import inplace
from nbautograd.core.array import library_of
from nbautograd.core.call import wrap
from nbautograd.core.modes import may_look, told
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.ops.index.meeting import add_at, counted, rows_at
from nbautograd.ops.samples import Make, cases, through


def _looked_up(make: Make) -> Any:
    for shape in ((), (1,), (3,), (2, 3), (2, 1, 2)):
        yield make.ints(*shape, high=4), make(4, 3)
        yield make.ints(*shape, high=4), make(4, 3), {"padding_idx": 1}


class Embedding(Op):
    """Rows of a table.

    Shape: weight (V, D), index (…) → (…, D)
    """

    promote = "none"
    tex = {"weight": "\\text{add to the rows used}"}
    samples = cases(_looked_up, numeric=False)

    def forward(weight, index, *, padding_idx=None, shares=None):
        return rows_at(weight, index)

    def dweight(g, weight_shape, index, padding_idx, shares):
        g = g if shares is None else g * shares
        return xp.embedding_backward(g, index, shape=weight_shape, padding_idx=padding_idx)


class EmbeddingBackward(Op):
    """The gradient of an embedding table: each row used gets the sum of what reached it."""

    node_name = "EmbeddingDenseBackwardBackward0"
    promote = "none"
    samples = through(
        "",
        lambda make: (
            (make(*i, 3), make.ints(*i, high=4), {"shape": (4, 3)}) for i in ((2,), (2, 3), (1,), (5,), (0,))
        ),
    )

    def forward(x, index, *, shape, padding_idx=None):
        out = xp.zeros(shape, dtype=x.dtype)
        add_at(out, index, x)
        if padding_idx is not None:
            out[padding_idx] = 0
        return out

    def dx(g, index, padding_idx):
        rows = xp.embedding(g, index)
        return rows if padding_idx is None else xp.where(xp.expand_dims(index == padding_idx, -1), 0, rows)


@public("embedding", top=False, method=False, functional=True)
def embedding(input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False):
    """Rows of the table `weight` at the positions `input`.

    Rows longer than `max_norm` are first shortened, in place; `scale_grad_by_freq` divides what a row learns by how
    often it was looked up.

    Raises: IndexError for positions that are not there (on a GPU in anomaly mode only), RuntimeError for positions
        that are no integers.
    """
    rows, index = weight.shape[0], input._data
    if index.dtype.kind not in "iu":
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; "
            f"but got torch.{input.dtype.tensor_type}Tensor instead (while checking arguments for embedding)"
        )
    if padding_idx is not None:
        if not -rows <= padding_idx < rows:
            raise AssertionError("Padding_idx must be within num_embeddings")
        padding_idx %= rows
    if index.size and may_look(index) and (index.max() >= rows or index.min() < 0):
        raise IndexError("index out of range in self")
    if max_norm is not None:
        shorten(weight, index, max_norm, norm_type)
    shares = frequency_shares(index, rows, weight._data.dtype) if scale_grad_by_freq else None
    return Embedding.call(weight, input, padding_idx=padding_idx, shares=shares)


def shorten(weight, index, max_norm, norm_type):
    """Bring the rows of the table that are looked up to a norm of at most `max_norm`, in place."""
    library = library_of(weight._data)
    used = library.unique(index)
    norms = library.linalg.norm(weight._data[used], norm_type, axis=1)
    long = norms > max_norm
    if long.any():
        changed = weight._data.copy()
        changed[used[long]] *= (max_norm / (norms[long] + 1e-7))[:, None].astype(changed.dtype)
        inplace.write(weight, changed)


def frequency_shares(index, rows, dtype):
    """For each position looked up 1 over how often its row was, as a column."""
    counts = counted(index.reshape(-1), rows)
    return (1 / counts[index])[..., None].astype(dtype)


@public("one_hot", top=False, method=False, functional=True)
@told
def one_hot(input, num_classes=-1):
    """A vector per element, with a one at its position."""
    data = input._data
    if data.dtype != np.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if data.size and may_look(data) and data.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    if not data.size and num_classes <= 0:
        raise RuntimeError("Can not infer total number of classes from empty tensor.")
    count = int(data.max()) + 1 if num_classes == -1 else num_classes
    if data.size and may_look(data) and data.max() >= count:
        raise RuntimeError("Class values must be smaller than num_classes.")
    return wrap(library_of(data).eye(count, dtype=np.int64)[data])
