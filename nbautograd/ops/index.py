"""Indexing: reading and writing parts of tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core import dtype as dtypes
from nbautograd.core import inplace
from nbautograd.core.call import wrap
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.samples import SHAPES, Make, cases, through
from nbautograd.ops.shape import canonical_dim

# --- x[…] ---------------------------------------------------------------------------------------------------------


SLICES = (
    ((4,), slice(1, 3)), ((4,), slice(None, None, 2)), ((4,), slice(-2, None)), ((2, 3), slice(0, 1)),
    ((2, 3), (slice(None), slice(1, 3))), ((2, 3), (slice(0, 1), slice(0, 2))), ((2, 3, 2), (..., slice(0, 1))),
    ((0, 3), slice(0, 0)), ((3,), slice(2, 1)), ((5,), slice(0, 10)),
)  # fmt: skip
SELECTIONS = (
    ((4,), 1), ((4,), -1), ((2, 3), 0), ((2, 3), (1, 2)), ((2, 3), (slice(None), 1)), ((2, 3, 2), (..., 0)),
    ((2, 3, 2), (0, slice(None), 1)), ((1,), 0), ((2, 1), -1), ((2, 3), (-1, -1)),
)  # fmt: skip
ALONG = (((4,), 0), ((4,), -1), ((1,), 0), ((2, 3), 0), ((2, 3), 1), ((2, 3), -1), ((2, 3, 2), 1), ((3, 1), 0),
         ((2, 2, 3), -1), ((1, 4), -2))  # fmt: skip
BROADCAST = (((), ()), ((3,), ()), ((2, 3), (3,)), ((2, 3), (2, 1)), ((0,), (1,)), ((2, 3), (2, 3)),
             ((1,), ()), ((2, 0), (1, 0)), ((3, 1), (1, 1)), ((2, 2, 3), (2, 1)))  # fmt: skip
FROM_FRONT = tuple((shape, dim % len(shape)) for shape, dim in ALONG)
MASKS = (((), ()), ((3,), (3,)), ((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 3), (2, 1)), ((0,), (0,)),
         ((2, 3), (1,)), ((4,), (1,)), ((2, 2, 2), (2, 2)), ((1, 3), (1, 3)))  # fmt: skip


def _advanced(make: Make) -> Any:
    for shape, _ in ALONG:
        yield make(*shape), make.ints(3, high=shape[0])
        yield make(*shape), make.bools(*shape)
    x = make(3, 4)
    yield x, (make.ints(2, high=3), make.ints(2, high=4))
    yield x, (slice(None), make.ints(2, high=4))
    yield x, (make.ints(2, 1, high=3), make.ints(2, high=4))
    yield x, (1, make.ints(2, high=4))
    yield x, (make.bools(3),)
    yield x, (..., make.ints(2, 2, high=4))
    yield make(2, 3, 4), (make.ints(2, high=2), slice(None), make.ints(2, high=4))
    yield make(2, 3, 4), (slice(0, 1), make.ints(2, high=3))
    yield make(5), make.ints(0)


def _unindexed(make: Make) -> Any:
    for x, index in _advanced(make):
        index = index if isinstance(index, tuple) else (index,)
        yield make(*x[index].shape), {"shape": x.shape, "index": index}


def _put(make: Make) -> Any:
    for shape, _ in ALONG:
        for accumulate in (False, True):
            i = make.ints(1, high=shape[0])
            yield make(*shape), (i,), make(1, *shape[1:]), {"accumulate": accumulate}
    yield make(3, 4), (np.array([0, 2, 0]), np.array([1, 1, 1])), make(3), {"accumulate": True}
    yield make(3, 4), (np.array([0, 2]), np.array([1, 1])), make(), {"accumulate": False}


def _scattered(make: Make) -> Any:
    for shape, dim in ALONG:
        places = np.argsort(make.distinct(*shape), axis=dim)
        yield make(*shape), dim, places, make(*shape)


def _looked_up(make: Make) -> Any:
    for shape in ((), (1,), (3,), (2, 3), (2, 1, 2)):
        yield make.ints(*shape, high=4), make(4, 3)
        yield make.ints(*shape, high=4), make(4, 3), {"padding_idx": 1}


class Slice(Op):
    """A part of the tensor, as a view."""

    view = True
    tex = {"x": "\\text{put back, 0 elsewhere}"}
    samples = through("__getitem__", lambda make: ((make(*shape), index) for shape, index in SLICES))

    def forward(x, *, index):
        return x[(*index, ...)] if Ellipsis not in index else x[index]

    def dx(g, x_shape, index):
        return xp.unslice(g, shape=x_shape, index=index)


class Select(Slice):
    """One index of a dimension, as a view."""

    samples = through("__getitem__", lambda make: ((make(*shape), index) for shape, index in SELECTIONS))


class NewAxis(Slice):
    """A part of the tensor with a new dimension of size one last, as a view."""

    node_name = "UnsqueezeBackward0"
    samples = through("__getitem__", lambda make: ((make(*s), (..., None)) for s in SHAPES))


class Unslice(Op):
    """Zeros with `x` at a basic index: what the gradient of a slice is."""

    samples = through(
        "", lambda make: ((make(*np.empty(s)[i].shape), {"shape": s, "index": i}) for s, i in SLICES + SELECTIONS)
    )

    def forward(x, *, shape, index):
        out = xp.zeros(shape, dtype=x.dtype)
        out[index] = x
        return out

    def dx(g, index):
        return g[index]


class Index(Op):
    """The elements at positions given by tensors or a mask, as a copy."""

    holds = ("index",)
    tex = {"x": "\\text{put back, 0 elsewhere}"}
    samples = through("__getitem__", _advanced)

    def forward(x, *, index):
        return x[index]

    def dx(g, x_shape, index):
        return xp.unindex(g, shape=x_shape, index=index)


class IndexSelect(Index):
    """The slices at some positions of a dimension."""

    samples = cases(lambda make: ((make(*s), d, make.ints(3, high=s[d])) for s, d in ALONG))


class Take(Index):
    """The elements at positions of the flattened tensor."""

    samples = cases(
        lambda make: (
            (make(*s), make.ints(*i, high=int(np.prod(s)))) for s, _ in ALONG for i in ((), (3,), (2, 2), (0,))
        )
    )


class Unindex(Op):
    """Zeros to which `x` is added at positions that may repeat: what the gradient of advanced indexing is."""

    samples = through("", _unindexed)

    def forward(x, *, shape, index):
        out = xp.zeros(shape, dtype=x.dtype)
        xp.add.at(out, index, x)
        return out

    def dx(g, index):
        return g[index]


class IndexPut(Op):
    """`x` with `y` at some positions, or with it added there."""

    promote = "none"
    holds = ("index",)
    samples = cases(_put)

    def forward(x, y, *, index, accumulate=False):
        out = xp.array(x)
        y = xp.astype(xp.asarray(y), x.dtype)
        if accumulate:
            xp.add.at(out, index, y)
        else:
            out[index] = y
        return out

    def dx(g, index, accumulate):
        return g if accumulate else xp.index_zeroed(g, index=index)

    def dy(g, y_shape, index):
        return fitted(g[index], y_shape)


class IndexAdd(IndexPut):
    """`x` with `y` added at some positions of a dimension."""

    samples = cases(
        lambda make: ((make(*s), d, make.ints(3, high=s[d]), make(*s[:d], 3, *s[d:][1:])) for s, d in FROM_FRONT)
    )


class IndexCopy(IndexPut):
    """`x` with `y` written at some positions of a dimension."""

    samples = cases(
        lambda make: ((make(*s), d, make.ints(1, high=s[d]), make(*s[:d], 1, *s[d:][1:])) for s, d in FROM_FRONT)
    )


class IndexFill(IndexPut):
    """`x` with one value at some positions of a dimension."""

    samples = cases(lambda make: ((make(*s), d, make.ints(2, high=s[d]), 1.5) for s, d in ALONG))


class IndexZeroed(Op):
    """`x` with zeros at some positions."""

    samples = through("", lambda make: ((make(*s), {"index": (make.ints(2, high=s[0]),)}) for s, _ in ALONG))

    def forward(x, *, index):
        out = xp.array(x)
        out[index] = 0
        return out

    def dx(g, index):
        return xp.index_zeroed(g, index=index)


def fitted(g, shape):
    """The sum of `g` over what broadcasting repeated, in `shape`."""
    extra = len(g.shape) - len(shape)
    axes = tuple(i for i, n in enumerate(g.shape) if i < extra or (shape[i - extra] == 1 and n != 1))
    return (xp.sum(g, axis=axes) if axes else g).reshape(shape)


class CopyInto(Op):
    """`y` in the shape and dtype of `x`, which it replaces."""

    node_name = "CopyBackwards"
    promote = "none"
    samples = through("copy_", lambda make: ((make(*a), make(*b)) for a, b in BROADCAST))

    def forward(x, y):
        y = xp.asarray(y)
        while y.ndim > x.ndim and y.shape[0] == 1:
            y = y[0]
        return xp.broadcast_to(xp.astype(y, x.dtype), x.shape)

    def refuse(x, y):
        shape, size = list(x.shape), list(y.shape)
        while len(size) > x.ndim and size[0] == 1:
            size = size[1:]
        if len(size) > x.ndim:
            kind = dtypes.of_numpy(y.dtype).tensor_type
            return (
                f"expand(torch.{kind}Tensor{{{size}}}, size={shape}): the number of sizes provided "
                f"({x.ndim}) must be greater or equal to the number of dimensions in the tensor ({len(size)})"
            )
        for back in range(1, len(size) + 1):
            if size[-back] not in (1, shape[-back]):
                return (
                    f"The expanded size of the tensor ({shape[-back]}) must match the existing size ({size[-back]}) at "
                    f"non-singleton dimension {x.ndim - back}.  Target sizes: {shape}.  Tensor sizes: {size}"
                )
        return None

    def dx(g):
        return xp.zeros_like(g)

    def dy(g, y_shape):
        return fitted(g, y_shape)


def plain(index: Any) -> tuple[Any, ...]:
    """`index` as a tuple of what NumPy understands; lists become arrays, masks stay masks."""
    items = index if isinstance(index, tuple) else (index,)
    return tuple(_item(i) for i in items)


def _item(i: Any) -> Any:
    if isinstance(i, Tensor):
        if i._data.dtype.kind not in "biu":
            raise IndexError(f"tensors used as indices must be long, int, byte or bool tensors, but got {i.dtype}")
        return i._data if i.ndim or i._data.dtype.kind == "b" else int(i._data)
    if isinstance(i, list | np.ndarray):
        return np.asarray([int(v) if isinstance(v, Tensor) else v for v in i] if isinstance(i, list) else i)
    if isinstance(i, slice):
        bounds = (i.start, i.stop, i.step)
        if i.step is not None and int(i.step) <= 0:
            raise ValueError("step must be greater than zero")
        return slice(*(None if b is None else int(b) for b in bounds))
    return i


def is_basic(items: tuple[Any, ...]) -> bool:
    """Whether indexing gives a view: numbers, slices, None and `...` only."""
    return all(
        i is None
        or i is Ellipsis
        or isinstance(i, slice)
        or (isinstance(i, int | np.integer) and not isinstance(i, bool))
        for i in items
    )


def check_bounds(shape: tuple[int, ...], items: tuple[Any, ...]) -> None:
    """Refuse an index in torch's words.

    Raises: IndexError.
    """
    used = sum(
        1 for i in items if i is not None and i is not Ellipsis and not (hasattr(i, "dtype") and i.dtype.kind == "b")
    )
    numbers = all(getattr(i, "ndim", 0) == 0 and not isinstance(i, slice) for i in items if i is not Ellipsis)
    if not shape and used == 1 and numbers:
        raise IndexError(
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a "
            "0-dim tensor to a number"
        )
    if not shape and isinstance(items[0], slice):
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")
    if used > len(shape):
        raise IndexError(f"too many indices for tensor of dimension {len(shape)}")
    if Ellipsis in [i for i in items if not hasattr(i, "dtype")]:
        return
    dim = 0
    for i in items:
        if isinstance(i, int) and not isinstance(i, bool) and not -shape[dim] <= i < shape[dim]:
            raise IndexError(f"index {i} is out of bounds for dimension {dim} with size {shape[dim]}")
        dim += i is not None


def __getitem__(self: Tensor, index: Any) -> Tensor:
    items = plain(index)
    check_bounds(self._data.shape, items)
    if is_basic(items):
        return _slicing(items).call(self, index=items)
    return Index.call(self, index=items)


def _slicing(items: tuple[Any, ...]) -> type[Op]:
    """The op that torch would apply last."""
    for item in reversed(items):
        if item is None:
            return NewAxis
        if isinstance(item, int | np.integer):
            return Select
        if isinstance(item, slice) and item != slice(None):
            return Slice
    return Slice


def __setitem__(self: Tensor, index: Any, value: Any) -> None:
    items = plain(index)
    check_bounds(self._data.shape, items)
    if not isinstance(value, Tensor):
        value = wrap(np.asarray(value, dtype=self._data.dtype))
    if is_basic(items):
        part = _part(self, items)
        if (problem := CopyInto.refuse(part._data, value._data)) is not None:
            raise RuntimeError(problem)
        inplace.apply(CopyInto, part, value)
    else:
        if items and all(i is None or isinstance(i, slice) for i in items):
            items = (*items, Ellipsis)
        inplace.apply(IndexPut, self, value, index=items)


def _part(self: Tensor, items: tuple[Any, ...]) -> Tensor:
    inplace.array_of(self)
    return Slice.call(self, index=items)


Tensor.__getitem__ = __getitem__
Tensor.__setitem__ = __setitem__


# --- along a dimension --------------------------------------------------------------------------------------------


class Gather(Op):
    """Along one dimension, the elements at `index`.

    Math: out[i][j] = x[index[i][j]][j] for dim = 0
    """

    promote = "none"
    tex = {"x": "\\text{put back, 0 elsewhere}"}
    samples = cases(lambda make: ((make(*s), d, make.ints(*s, high=s[d])) for s, d in ALONG))

    def forward(x, index, *, dim):
        return x[places(index, dim)] if x.ndim else xp.broadcast_to(x, index.shape).copy()

    def dx(g, x_shape, index, dim):
        return xp.scatter_along(g, index, shape=x_shape, dim=dim)


def places(index, dim):
    """The advanced index that reads `index` along `dim` and every other dimension in step."""
    grids = [xp.arange(n).reshape((1,) * d + (n,) + (1,) * (index.ndim - d - 1)) for d, n in enumerate(index.shape)]
    grids[dim] = index
    return tuple(grids)


class ScatterAlong(Op):
    """Zeros to which `x` is added along one dimension at `index`: what the gradient of gather is."""

    promote = "none"
    samples = through(
        "", lambda make: ((make(*s), make.ints(*s, high=s[d]), {"shape": s, "dim": d}) for s, d in FROM_FRONT)
    )

    def forward(x, index, *, shape, dim):
        out = xp.zeros(shape, dtype=x.dtype)
        if out.ndim:
            xp.add.at(out, places(index, dim), x)
            return out
        return out + xp.sum(x)

    def dx(g, index, dim):
        return xp.gather(g, index, dim=dim)


class Scatter(Op):
    """`x` with `src` written along one dimension at `index`."""

    promote = "none"
    samples = cases(_scattered)

    def forward(x, index, src, *, dim):
        out = xp.array(x)
        out[places(index, dim)] = src[tuple(slice(n) for n in index.shape)]
        return out

    def dx(g, index, dim):
        return xp.scatter(g, index, xp.zeros(index.shape, dtype=g.dtype), dim=dim)

    def dsrc(g, index, src_shape, dim):
        taken = xp.gather(g, index, dim=dim)
        return xp.unslice(taken, shape=src_shape, index=tuple(slice(n) for n in index.shape))


class ScatterAdd(Op):
    """`x` with `src` added along one dimension at `index`."""

    promote = "none"
    samples = cases(lambda make: ((make(*s), d, make.ints(*s, high=s[d]), make(*s)) for s, d in ALONG))

    def forward(x, index, src, *, dim):
        out = xp.array(x)
        xp.add.at(out, places(index, dim), src[tuple(slice(n) for n in index.shape)])
        return out

    def dx(g):
        return g

    def dsrc(g, index, src_shape, dim):
        taken = xp.gather(g, index, dim=dim)
        return xp.unslice(taken, shape=src_shape, index=tuple(slice(n) for n in index.shape))


class MaskedFill(Op):
    """`x` with one value where the mask is true."""

    promote = "none"
    elementwise = True
    tex = {"x": "[\\lnot mask]"}
    samples = cases(lambda make: ((make(*s), make.bools(*m), 1.5) for s, m in MASKS))

    def forward(x, mask, value):
        return xp.where(mask, xp.astype(xp.asarray(value), x.dtype), x)

    def dx(g, mask):
        return xp.where(mask, xp.zeros_like(g), g)

    def dvalue(g, mask):
        return xp.where(mask, g, xp.zeros_like(g))


class MaskedSelect(Index):
    """The elements where the mask is true, in one row."""

    node_name = "MaskedSelectBackward0"
    samples = cases(lambda make: ((make(*s), make.bools(*m)) for s, m in MASKS))


class TakeAlongDim(Gather):
    """As `gather`, with `index` broadcast against the input."""

    node_name = "GatherBackward0"
    samples = cases(lambda make: ((make(*s), make.ints(*s, high=s[d]), d) for s, d in ALONG))


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


# --- torch's signatures -------------------------------------------------------------------------------------------


@public()
def gather(input, dim, index, *, sparse_grad=False):
    """The elements at `index` along `dim`."""
    if index._data.dtype.kind not in "iu":
        raise RuntimeError("gather(): Expected dtype int32/int64 for index")
    return Gather.call(input, index, dim=canonical_dim(dim, input.ndim))


@public()
def take_along_dim(input, indices, dim=None):
    """The elements at `indices` along `dim`; shapes are broadcast."""
    if dim is None:
        return Gather.call(input.reshape(-1), indices.reshape(-1), dim=0)
    dim = canonical_dim(dim, input.ndim)
    shape = list(
        np.broadcast_shapes(*[tuple(1 if d == dim else n for d, n in enumerate(t.shape)) for t in (input, indices)])
    )
    rows, places_shape = list(shape), list(shape)
    rows[dim], places_shape[dim] = input.shape[dim], indices.shape[dim]
    return TakeAlongDim.call(input.expand(*rows), indices.expand(*places_shape), dim=dim)


def _source(input: Tensor, index: Tensor, src: Any) -> Tensor:
    return src if isinstance(src, Tensor) else wrap(np.full(index.shape, src, input._data.dtype))


@public()
def scatter(input, dim, index, src=None, *, value=None, reduce=None):
    """A copy with `src` (or one value) written along `dim` at `index`."""
    src = _source(input, index, value if src is None else src)
    op = ScatterAdd if reduce == "add" else Scatter
    return op.call(input, index, src, dim=canonical_dim(dim, input.ndim))


@public(top=False)
def scatter_(self, dim, index, src=None, *, value=None, reduce=None):
    """`scatter`, in place."""
    src = _source(self, index, value if src is None else src)
    return inplace.apply(
        ScatterAdd if reduce == "add" else Scatter, self, index, src, dim=canonical_dim(dim, self.ndim)
    )


@public()
def scatter_add(input, dim, index, src):
    """A copy with `src` added along `dim` at `index`."""
    return ScatterAdd.call(input, index, src, dim=canonical_dim(dim, input.ndim))


@public(top=False)
def scatter_add_(self, dim, index, src):
    """`scatter_add`, in place."""
    return inplace.apply(ScatterAdd, self, index, src, dim=canonical_dim(dim, self.ndim))


def _at(dim: int, index: Any) -> tuple[Any, ...]:
    return (slice(None),) * dim + (index._data if isinstance(index, Tensor) else index,)


@public()
def index_select(input, dim, index):
    """The slices at `index` along `dim`."""
    if not input.ndim and index._data.size != 1:
        raise RuntimeError(f"index_select(): Index to scalar can have only 1 value, got {index._data.size} value(s)")
    return IndexSelect.call(input, index=_at(canonical_dim(dim, input.ndim), index))


@public()
def index_add(input, dim, index, source, *, alpha=1):
    """A copy with `source` added at `index` along `dim`."""
    source = source if alpha == 1 else source * alpha
    return IndexAdd.call(input, source, index=_at(canonical_dim(dim, input.ndim), index), accumulate=True)


@public(top=False)
def index_add_(self, dim, index, source, *, alpha=1):
    """`index_add`, in place."""
    source = source if alpha == 1 else source * alpha
    return inplace.apply(IndexAdd, self, source, index=_at(canonical_dim(dim, self.ndim), index), accumulate=True)


@public()
def index_copy(input, dim, index, source):
    """A copy with `source` written at `index` along `dim`."""
    return IndexCopy.call(input, source, index=_at(canonical_dim(dim, input.ndim), index))


@public()
def index_fill(input, dim, index, value):
    """A copy with one value at `index` along `dim`."""
    value = value if isinstance(value, Tensor) else wrap(input._data.dtype.type(value))
    return IndexFill.call(input, value, index=_at(canonical_dim(dim, input.ndim), index))


@public()
def index_put(input, indices, values, accumulate=False):
    """A copy with `values` written (or added) at the positions `indices`."""
    return IndexPut.call(input, values, index=plain(tuple(indices)), accumulate=accumulate)


@public(top=False)
def index_put_(self, indices, values, accumulate=False):
    """`index_put`, in place."""
    return inplace.apply(IndexPut, self, values, index=plain(tuple(indices)), accumulate=accumulate)


@public()
def masked_fill(input, mask, value):
    """A copy with `value` where `mask` is true."""
    return MaskedFill.call(input, mask, value)


@public(top=False)
def masked_fill_(self, mask, value):
    """`masked_fill`, in place."""
    return inplace.apply(MaskedFill, self, mask, value)


@public()
def masked_select(input, mask):
    """The elements where `mask` is true, in one row."""
    shape = np.broadcast_shapes(tuple(input.shape), tuple(mask.shape))
    wide = input if tuple(input.shape) == shape else input.expand(*shape)
    return MaskedSelect.call(wide, index=(np.broadcast_to(mask._data, shape),))


@public()
def take(input, index):
    """The elements at positions of the flattened tensor."""
    return Take.call(input.reshape(-1), index=(index._data,))


@public()
def select(input, dim, index):
    """One index of `dim`, as a view."""
    if not input.ndim:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim = canonical_dim(dim, input.ndim)
    if not -input.shape[dim] <= index < input.shape[dim]:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(input.shape)} at dimension {dim}"
        )
    return Select.call(input, index=(*(slice(None),) * dim, index))


@public()
def narrow(input, dim, start, length):
    """`length` entries of `dim` from `start` on, as a view."""
    if not input.ndim:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    dim = canonical_dim(dim, input.ndim)
    if start + length > input.shape[dim]:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({input.shape[dim]}).")
    return Slice.call(input, index=(*(slice(None),) * dim, slice(start, start + length)))


@public()
def nonzero(input, *, as_tuple=False):
    """Where the elements are not zero: one row per element, or one vector per dimension."""
    found = np.nonzero(np.atleast_1d(input._data))
    if as_tuple:
        return tuple(wrap(i) for i in found)
    return wrap(np.stack(found, axis=-1) if input.ndim else np.zeros((len(found[0]), 0), np.int64))


@public()
def repeat_interleave(input, repeats, dim=None):
    """Each element repeated, one number of times for all or one for each."""
    if dim is None:
        input, dim = input.reshape(-1), 0
    dim = canonical_dim(dim, input.ndim)
    counts = repeats._data if isinstance(repeats, Tensor) else repeats
    return Index.call(input, index=_at(dim, np.repeat(np.arange(input.shape[dim]), counts)))


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
