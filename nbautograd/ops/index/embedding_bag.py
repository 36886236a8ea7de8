"""Sums, means and largest numbers of bags of rows of a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nbautograd.core.array import is_cupy, library_of, place
from nbautograd.core.call import wrap
from nbautograd.core.modes import may_look
from nbautograd.core.op import Op, xp
from nbautograd.core.public import FUNCTIONS, public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.index.embedding import embedding, frequency_shares, shorten
from nbautograd.ops.index.meeting import add_at, counted, merge_at, rows_at
from nbautograd.ops.samples import Make, through


def _bags(make: Make) -> Iterator[Any]:
    for count, starts in ((4, (0, 2)), (5, (0, 0, 3)), (3, (0,)), (6, (0, 1, 2, 6)), (1, (0, 1))):
        for mode in ("mean", "sum", "max"):
            yield make.ints(count, high=5), make.distinct(5, 3), np.array(starts), {"mode": mode}
        yield make.ints(count, high=5), make(5, 3), np.array(starts), {"padding_idx": 2}
        yield make.ints(count, high=5), make(5, 3), np.array(starts), {"mode": "sum", "per_sample_weights": make(count)}
    yield make.ints(2, 3, high=5), make(5, 2)
    yield make.ints(4, high=5), make(5, 2), np.array([0, 1, 4]), {"include_last_offset": True}
    # Positions in an order for which torch divides by the right counts.
    yield np.array([0, 4, 4, 1]), make(5, 2), np.array([0, 1]), {"scale_grad_by_freq": True}


class EmbeddingBag(Op):
    """Weighted sums of rows of a table, one for each bag.

    NOTE [Bags on a GPU]
    Which positions belong to a bag is known only on the GPU, and nobody waits to hear it. So what belongs to none (the
    padding, what comes behind the last bag) goes to one more bag behind all others, and counts for nothing.

    Math: out_b = Σ factor_i · weight[index_i] over the i in bag b
    Shape: weight (V, D), factors (N,), with index and bag (N,) → (count, D)
    """

    tex = {"weight": "\\text{add to the rows used}", "factors": "\\text{the row}"}
    samples = through("embedding_bag", _bags, second=False, numeric=False, named=False)

    def forward(weight, factors, *, index, bag, count, shares=None):
        one_more = bag.__class__ is not np.ndarray
        if not one_more and all_alike(bag, count):
            bags = (count, bag.size // count)
            return xp.matmul(factors.reshape((count, 1, -1)), rows_at(weight, index.reshape(bags)))[:, 0]
        out = xp.zeros((count + one_more, weight.shape[1]), weight.dtype)
        add_at(out, bag, weight[index] * factors[:, None])
        return out[:count] if one_more else out

    def dweight(g, factors, weight_shape, index, bag, shares):
        rows = g[bag] * xp.expand_dims(factors, 1)
        return xp.unindex(rows if shares is None else rows * shares, shape=weight_shape, index=(index,))

    def dfactors(g, weight, index, bag):
        return xp.sum(g[bag] * weight[index], axis=1)


def all_alike(bag, count):
    """Whether each of the bags, which come in order, has as many positions as the others."""
    each = bag.size // max(count, 1)
    return each > 0 and each * count == bag.size and bool((bag.reshape(count, each) == np.arange(count)[:, None]).all())


@public(top=False, method=False, functional=True)
def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """For each bag of positions the mean (sum, largest numbers) of those rows of the table `weight`.

    Shape: input (B, N), or (M,) with offsets (B,), where each bag starts → (B, D)
    Raises: ValueError, RuntimeError, NotImplementedError for arguments that do not fit together.
    """
    _check(input, offsets, mode, scale_grad_by_freq, per_sample_weights)
    index, bag, count = _flat(input, offsets, include_last_offset)
    rows = weight.shape[0]
    _check_positions(index, rows)
    if max_norm is not None:
        shorten(weight, index, max_norm, norm_type)
    factors = None if per_sample_weights is None else per_sample_weights.reshape(-1)
    on_gpu = is_cupy(index)
    if padding_idx is not None:
        kept = index != padding_idx % rows
        if on_gpu:
            bag = library_of(index).where(kept, bag, count)
        else:
            kept = np.flatnonzero(kept)
            index, bag = index[kept], bag[kept]
            factors = None if factors is None else factors[wrap(kept)]
    if mode == "max":
        return (_largest_on_gpu if on_gpu else _largest)(embedding(wrap(index), weight), bag, count)
    if factors is None:
        factors = wrap(_shares(bag, count, mode, weight._data.dtype))
    elif on_gpu:
        factors = factors * wrap(bag < count)
    shares = frequency_shares(index, rows, weight._data.dtype) if scale_grad_by_freq else None
    return EmbeddingBag.call(weight, factors, index=index, bag=bag, count=count, shares=shares)


def _flat(input: Tensor, offsets: Tensor | None, last: bool) -> tuple[Any, Any, int]:
    """All positions in a row, the number of the bag of each, and how many bags there are; see NOTE [Bags on a GPU]."""
    library = library_of(input._data)
    index = input._data.reshape(-1)
    if offsets is None:
        count, each = input.shape
        return index, library.arange(count).repeat(each), count
    if not may_look(index):
        bag = library.searchsorted(offsets._data, library.arange(len(index)), "right") - 1
        return index, bag, len(offsets._data) - last
    starts = offsets.cpu().numpy()
    if starts.size and starts[0] != 0:
        raise RuntimeError(
            "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. "
            f"However, got {starts[0]}"
        )
    if starts.size and starts[-1] > len(index):
        raise RuntimeError(
            f"offsets[-1] can not be greater than input's length {len(index)} but got offsets[-1] of {starts[-1]}"
        )
    ends = starts if last else np.append(starts, len(index))
    return index, place(np.repeat(np.arange(len(ends) - 1), np.diff(ends)), input.device), len(ends) - 1


def _shares(bag: Any, count: int, mode: str, dtype: Any) -> Any:
    """What each row counts for: 1 in a sum, 1 over the size of its bag in a mean."""
    if mode == "sum":
        return (bag < count).astype(dtype) if is_cupy(bag) else np.ones(len(bag), dtype)
    return ((bag < count if is_cupy(bag) else 1) / counted(bag, count + 1)[bag]).astype(dtype)


def _largest(rows: Tensor, bag: Any, count: int) -> Tensor:
    """The largest number of each column in each bag; zeros for an empty one."""
    sizes = np.bincount(bag, minlength=count)
    place_in_bag = np.arange(len(bag)) - (sizes.cumsum() - sizes)[bag]
    table = np.full((count, max(int(sizes.max()) if sizes.size else 0, 1)), len(bag))
    table[bag, place_in_bag] = np.arange(len(bag))
    found = _with_lowest(rows)[wrap(table)].max(1).values
    return found.masked_fill(wrap(sizes == 0).unsqueeze(1), 0.0)


def _with_lowest(rows: Tensor) -> Tensor:
    return FUNCTIONS["cat"]([rows, rows.new_full((1, rows.shape[1]), -np.inf)])


def _largest_on_gpu(rows: Tensor, bag: Any, count: int) -> Tensor:
    """The same where no table can be made, as nobody knows the size of the largest bag: see NOTE [Bags on a GPU]."""
    library, data, none = library_of(bag), rows._data, len(bag)
    best = library.full((count + 1, data.shape[1]), -np.inf, data.dtype)
    merge_at("maximum", best, bag, data)
    first = library.full(best.shape, none, np.uint64)
    hit = (data == best[bag]) | (data != data)
    merge_at("minimum", first, bag, library.where(hit, library.arange(none)[:, None], none).astype(np.uint64))
    first = first[:count].astype(np.int64)
    return FUNCTIONS["gather"](_with_lowest(rows), 0, wrap(first)).masked_fill(wrap(first == none), 0.0)


def _check(input: Tensor, offsets: Tensor | None, mode: str, by_frequency: bool, weights: Tensor | None) -> None:
    if weights is not None and weights.shape != input.shape:
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({weights.shape}) is not None, "
            f"then it must have the same shape as the input ({input.shape})"
        )
    if input.ndim not in (1, 2):
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}")
    if input.ndim == 2 and offsets is not None:
        raise ValueError(
            "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length "
            "sequences. However, found offsets of type <class 'torch.Tensor'>"
        )
    if input.ndim == 1:
        if offsets is None:
            raise ValueError("offsets has to be a 1D Tensor but got None\n  hint: offsets says where each bag starts")
        if offsets.ndim != 1:
            raise ValueError("offsets has to be a 1D Tensor")
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and by_frequency:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' "
            f"(got mode='{mode}'). Please open a feature request on GitHub."
        )


def _check_positions(index: Any, rows: int) -> None:
    if not may_look(index):
        return
    wrong = library_of(index).flatnonzero((index < 0) | (index >= rows))
    if len(wrong):
        raise RuntimeError(
            f"Index {wrong[0]} of input takes value {index[wrong[0]]} which is not in the valid range [0, {rows})"
        )
