"""Rows of a table."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.call import wrap
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
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

    def forward(weight, index, *, padding_idx=None):
        return weight[index]

    def dweight(g, weight_shape, index, padding_idx):
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
        xp.add.at(out, index.reshape(-1), x.reshape(-1, shape[-1]))
        if padding_idx is not None:
            out[padding_idx] = 0
        return out

    def dx(g, index, padding_idx):
        rows = xp.embedding(g, index)
        return rows if padding_idx is None else xp.where(xp.expand_dims(index == padding_idx, -1), 0, rows)


@public("embedding", top=False, method=False, functional=True)
def embedding(input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False):
    """Rows of the table `weight` at the positions `input`."""
    if padding_idx is not None and padding_idx < 0:
        padding_idx += weight.shape[0]
    if input._data.size and (input._data.max() >= weight.shape[0] or input._data.min() < 0):
        raise IndexError("index out of range in self")
    return Embedding.call(weight, input, padding_idx=padding_idx)


@public("one_hot", top=False, method=False, functional=True)
def one_hot(tensor, num_classes=-1):
    """A vector per element, with a one at its position."""
    data = tensor._data
    count = int(data.max()) + 1 if num_classes == -1 else num_classes
    if data.size and data.max() >= count:
        raise RuntimeError("Class values must be smaller than num_classes.")
    return wrap(np.eye(count, dtype=np.int64)[data])
