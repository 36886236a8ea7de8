"""Shapes: views of the same numbers in another arrangement, and functions that join, repeat and reorder."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from nbautograd.core import inplace
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.samples import Make, cases, shaped, through

# --- arguments ----------------------------------------------------------------------------------------------------


def canonical_dim(dim: int, ndim: int) -> int:
    """`dim` counted from the front.

    Raises: IndexError in torch's words when there is no such dimension.
    """
    size = ndim or 1
    if not -size <= dim < size:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-size}, {size - 1}], but got {dim})")
    return dim % size


def canonical_dims(dim: Any, ndim: int) -> Any:
    """None, a number, or a tuple of numbers, counted from the front; a 0-d tensor has nothing to reduce over."""
    if dim is None:
        return None
    if isinstance(dim, int):
        found = canonical_dim(dim, ndim)
        return found if ndim else None
    dims = tuple(canonical_dim(d, ndim) for d in dim)
    if len(set(dims)) < len(dims):
        raise RuntimeError(f"dim {dims[-1]} appears multiple times in the list of dims")
    return dims if ndim else None


def canonical_dims_or_all(dim: Any, ndim: int) -> Any:
    """As `canonical_dims`, where no dimension at all means every one."""
    return canonical_dims(dim if isinstance(dim, int) or dim else None, ndim)


def shape_of(sizes: tuple[Any, ...], named: dict[str, Any] | None = None, word: str = "") -> tuple[int, ...]:
    """`f(2, 3)`, `f((2, 3))` and `f(word=(2, 3))` mean the same."""
    if named:
        sizes = (named.pop(word, ()),)
    if named:
        raise TypeError(f"got an unexpected keyword argument '{next(iter(named))}'")
    if len(sizes) == 1 and not isinstance(sizes[0], int | Tensor):
        sizes = tuple(sizes[0])
    return tuple(int(n) for n in sizes)


def complete(shape: tuple[int, ...], count: int) -> tuple[int, ...]:
    """`shape` with its -1 worked out for `count` elements.

    Raises: RuntimeError in torch's words when it cannot be.
    """
    known = 1
    for n in shape:
        if n != -1:
            known *= n
    if shape.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    if -1 in shape:
        if known == 0 or count % known:
            raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {count}")
        return tuple(count // known if n == -1 else n for n in shape)
    if known != count:
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {count}")
    return shape


# --- views --------------------------------------------------------------------------------------------------------


RESHAPED = (((), (1,)), ((1,), ()), ((6,), (2, 3)), ((2, 3), (6,)), ((2, 3), (3, -1)), ((2, 3, 2), (-1,)),
            ((0,), (0, 2)), ((2, 0), (0,)), ((4,), (2, 1, 2)), ((1, 1), (1, 1, 1)))  # fmt: skip
ONES = ((), (1,), (1, 3), (3, 1), (2, 1, 3), (1, 1), (0, 1), (2, 3), (1, 2, 1, 3), (1, 1, 1))
ORDERS = (((), ()), ((3,), (0,)), ((2, 3), (1, 0)), ((2, 3), (-1, 0)), ((2, 3, 4), (2, 0, 1)),
          ((2, 3, 4), (1, 2, 0)), ((0, 2), (1, 0)), ((1, 2), (0, 1)), ((2, 1, 3, 2), (3, 1, 0, 2)),
          ((2, 2, 2), (2, 1, 0)))  # fmt: skip
EXPANDED = (((), (3,)), ((1,), (3,)), ((3,), (2, 3)), ((1, 3), (2, 3)), ((2, 1), (2, 3)), ((2, 1), (-1, 4)),
            ((1, 1), (2, 3)), ((3,), (2, 2, 3)), ((1,), (0,)), ((2, 3), (2, 3)))  # fmt: skip
PLANES = (((3, 3), 0, 1), ((2, 4), 0, 1), ((2, 3, 3), 1, 2), ((3, 2, 3), 0, -1))
DIAGONALS = ((2, (2, 2), 0), (3, (3, 3), 0), (2, (3, 3), 1), (2, (3, 3), -1), (2, (2, 4), 2), (2, (4, 2), -2),
             (1, (1, 1), 0), (2, (2, 3), 0), (2, (3, 2), 0), (1, (2, 2), 1))  # fmt: skip
REPEATED = (((), (2,)), ((3,), (2,)), ((3,), (2, 1)), ((2, 3), (1, 2)), ((2, 3), (2, 2)), ((2, 3), (2, 1, 1)),
            ((1,), (4,)), ((0,), (2,)), ((2, 1), (1, 3)), ((2, 2, 2), (1, 2, 1)))  # fmt: skip
FLIPPED = (((), ()), ((3,), (0,)), ((2, 3), (0,)), ((2, 3), (1,)), ((2, 3), (0, 1)), ((2, 3), (-1,)),
           ((0, 2), (0,)), ((2, 3, 2), (0, 2)), ((1,), (0,)), ((2, 2), (1, 0)))  # fmt: skip
PADDED = (((3,), (1, 1)), ((3,), (0, 2)), ((2, 3), (1, 0)), ((2, 3), (1, 1, 0, 2)), ((2, 3, 2), (1, 2)),
          ((4,), (-1, 1)))  # fmt: skip


def _joined(make: Make) -> Any:
    for shapes, dim in ((((2,), (3,)), 0), (((2, 3), (1, 3)), 0), (((2, 3), (2, 1)), 1), (((2, 3), (2, 2)), -1),
                        (((2,),), 0), (((0,), (2,)), 0), (((2, 2, 1), (2, 2, 3)), 2), (((1, 2), (3, 2), (2, 2)), 0),
                        (((0, 2), (1, 2)), 0), (((3,), (3,), (3,)), -1)):  # fmt: skip
        yield [make(*shape) for shape in shapes], {"dim": dim}


def _stacked(make: Make) -> Any:
    for shape, count, dim in (((), 2, 0), ((3,), 2, 0), ((3,), 3, 1), ((2, 3), 2, -1), ((2, 3), 2, 1), ((0,), 2, 0),
                              ((1,), 1, 0), ((2, 1), 3, 2), ((2, 2, 2), 2, -2), ((), 3, -1)):  # fmt: skip
        yield [make(*shape) for _ in range(count)], {"dim": dim}


class View(Op):
    """The same numbers in another shape."""

    view = True
    tex = {"x": "\\text{reshape}"}
    samples = through("reshape", lambda make: ((make(*a), b) for a, b in RESHAPED))

    def forward(x, *, shape):
        return x.reshape(shape)

    def dx(g, x_shape):
        return g.reshape(x_shape)


class Unsqueeze(View):
    """A new dimension of size one."""

    samples = shaped(*(((shape), {"dim": dim}) for shape in ((), (3,), (2, 3), (0,), (2, 1, 3)) for dim in (0, -1)))


class Squeeze(View):
    """Without the dimensions of size one."""

    samples = shaped(*((shape,) for shape in ONES))


class SqueezeDim(View):
    """Without one dimension, if its size is one."""

    node_name = "SqueezeBackward1"
    samples = through("squeeze", shaped(*((shape, {"dim": dim}) for shape in ONES[1:] for dim in (0, -1))))


class Permute(Op):
    """The dimensions in another order."""

    view = True
    tex = {"x": "\\text{permute back}"}
    samples = shaped(*((shape, {"dims": dims}) for shape, dims in ORDERS))

    def forward(x, *, dims):
        return xp.transpose(x, dims)

    def dx(g, dims):
        return xp.transpose(g, inverse(dims))


def inverse(dims: tuple[int, ...]) -> tuple[int, ...]:
    """The order that undoes `dims`."""
    back = [0] * len(dims)
    for i, d in enumerate(dims):
        back[d] = i
    return tuple(back)


class Transpose(Op):
    """Two dimensions exchanged."""

    view = True
    tex = {"x": "{\\cdot}^\\top"}
    samples = shaped(
        *(
            (shape, {"dim0": a, "dim1": b})
            for shape in ((2, 3), (3, 2, 2), (0, 2), (1, 3))
            for a, b in ((0, 1), (-1, -2), (1, 1))
        )
    )

    def forward(x, *, dim0, dim1):
        return xp.swapaxes(x, dim0, dim1) if x.ndim else x

    def dx(g, dim0, dim1):
        return xp.swapaxes(g, dim0, dim1) if g.ndim else g


class T(Op):
    """A matrix transposed."""

    view = True
    node_name = "TBackward0"
    tex = {"x": "{\\cdot}^\\top"}
    samples = through(
        "t", shaped(*((shape,) for shape in ((), (3,), (2, 3), (3, 2), (0, 2), (1, 1), (4, 1), (1, 4), (5, 2), (2, 2))))
    )

    def forward(x):
        return x.T

    def dx(g):
        return g.T


class Expand(Op):
    """Dimensions of size one repeated without copying."""

    view = True
    broadcasts = True
    tex = {"x": "\\text{sum over the copies}"}
    samples = through("expand", lambda make: ((make(*a), *b) for a, b in EXPANDED))

    def forward(x, *, shape):
        return writable(xp.broadcast_to(x, shape), x)

    def dx(g, x_shape):
        extra = len(g.shape) - len(x_shape)
        axes = tuple(i for i, n in enumerate(g.shape) if i < extra or x_shape[i - extra] != n)
        return (xp.sum(g, axis=axes) if axes else g).reshape(x_shape)


class Diagonal(Op):
    """The diagonal of two dimensions, as the last dimension."""

    view = True
    samples = shaped(*((shape, {"offset": k, "dim1": a, "dim2": b}) for shape, a, b in PLANES for k in (0, 1, -1)))

    def forward(x, *, offset=0, dim1=0, dim2=1):
        return writable(xp.diagonal(x, offset, dim1, dim2), x)

    def dx(g, x_shape, offset, dim1, dim2):
        return xp.diagonal_scatter(g, shape=x_shape, offset=offset, dim1=dim1, dim2=dim2)


def writable(view, x):
    """`view` open to changes if `x` is; NumPy hands out diagonals that are not."""
    if isinstance(view, np.ndarray):
        view.flags.writeable = x.flags.writeable
    return view


class DiagonalScatter(Op):
    """Zeros with `x` on the diagonal."""

    samples = through("", shaped(*(((n,), {"shape": shape, "offset": k}) for n, shape, k in DIAGONALS)))

    def forward(x, *, shape, offset=0, dim1=0, dim2=1):
        out = xp.zeros(shape, dtype=x.dtype)
        rows, columns = shape[dim1], shape[dim2]
        n = min(rows + min(offset, 0), columns - max(offset, 0))
        i = xp.arange(n)
        moved = xp.moveaxis(out, (dim1, dim2), (-2, -1))
        moved[..., i - min(offset, 0), i + max(offset, 0)] = x
        return out

    def dx(g, offset, dim1, dim2):
        return xp.diagonal_copy(g, offset=offset, dim1=dim1, dim2=dim2)


class DiagEmbed(DiagonalScatter):
    """A matrix with the vector as its diagonal."""

    samples = through("diag", shaped(*(((n,), {"diagonal": k}) for n in (1, 2, 3, 4) for k in (0, 1, -2))))


class Trace(Op):
    """The sum of the diagonal of a matrix."""

    tex = {"x": "I"}
    samples = shaped(
        *((shape,) for shape in ((2, 2), (2, 3), (3, 2), (1, 1), (4, 4), (1, 3), (3, 1), (5, 2), (2, 5), (3, 3)))
    )

    def forward(x):
        return xp.trace(x)

    def dx(g, x_shape):
        return g * xp.eye(*x_shape, dtype=g.dtype)


class DiagonalCopy(Diagonal):
    """As `diagonal`, under a name that gradient rules can use."""

    node_name = "DiagonalBackward0"
    samples = through(
        "", shaped(*((shape, {"offset": k, "dim1": a, "dim2": b}) for shape, a, b in PLANES for k in (0, 1, -1)))
    )


class Unbind(Op):
    """One tensor for each index of a dimension."""

    view = True
    outputs = None
    samples = shaped(*((shape, {"dim": dim}) for shape in ((2,), (2, 3), (3, 1, 2), (1, 2), (2, 0)) for dim in (0, -1)))

    def forward(x, *, dim=0):
        before = (slice(None),) * dim
        return tuple(x[(*before, i, ...)] for i in range(x.shape[dim]))

    def dx(g, x_shape, dim):
        parts = [
            xp.zeros(x_shape[:dim] + x_shape[dim + 1 :], dtype=like(g)) if g.get(i) is None else g[i]
            for i in range(x_shape[dim])
        ]
        return xp.stack(parts, axis=dim)


class Split(Op):
    """Pieces of given sizes along a dimension."""

    view = True
    outputs = None
    samples = shaped(
        *(
            (shape, {"split_size_or_sections": n, "dim": d})
            for shape, d in (((4,), 0), ((2, 3), 1), ((5, 2), -2))
            for n in (1, 2, 3, 7)
        )
    )

    def forward(x, *, sizes, dim=0):
        before, parts, start = (slice(None),) * dim, [], 0
        for n in sizes:
            parts.append(x[(*before, slice(start, start + n), ...)])
            start += n
        return tuple(parts)

    def dx(g, x_shape, sizes, dim):
        parts = []
        for i, n in enumerate(sizes):
            shape = (*x_shape[:dim], n, *x_shape[dim + 1 :])
            parts.append(xp.zeros(shape, dtype=like(g)) if g.get(i) is None else g[i])
        return xp.concatenate(parts, axis=dim)


def like(g):
    """The dtype of a dictionary of gradients."""
    return next(iter(g.values())).dtype


# --- copies -------------------------------------------------------------------------------------------------------


class Cat(Op):
    """Tensors joined along a dimension."""

    variadic = True
    tex = {"xs": "\\text{its part of } g"}
    samples = cases(_joined)

    def forward(*xs, dim=0):
        kept = [x for x in xs if x.shape != (0,)]
        return xp.concatenate(kept or xs, axis=dim)

    def dxs(g, xs_shape, dim):
        parts, start = [], 0
        for shape in xs_shape:
            if shape == (0,):
                parts.append(xp.zeros((0,), dtype=g.dtype))
                continue
            parts.append(g[(slice(None),) * dim + (slice(start, start + shape[dim]),)])
            start += shape[dim]
        return tuple(parts)


class Stack(Op):
    """Tensors joined along a new dimension."""

    variadic = True
    tex = {"xs": "\\text{its part of } g"}
    samples = cases(_stacked)

    def forward(*xs, dim=0):
        return xp.stack(xs, axis=dim)

    def dxs(g, xs_shape, dim):
        before = (slice(None),) * dim
        return tuple(g[(*before, i)] for i in range(len(xs_shape)))


class Repeat(Op):
    """The tensor tiled, `repeats` times along each dimension."""

    tex = {"x": "\\text{sum over the copies}"}
    samples = cases(lambda make: ((make(*a), *b) for a, b in REPEATED))

    def forward(x, *, repeats):
        return xp.tile(x, repeats)

    def dx(g, x_shape, repeats):
        shape = (1,) * (len(repeats) - len(x_shape)) + tuple(x_shape)
        pairs = tuple(n for pair in zip(repeats, shape) for n in pair)
        total = xp.sum(g.reshape(pairs), axis=tuple(range(0, 2 * len(repeats), 2))) if repeats else g
        return total.reshape(tuple(x_shape))


class Flip(Op):
    """The order along some dimensions reversed."""

    samples = cases(lambda make: ((make(*a), b) for a, b in FLIPPED))

    def forward(x, *, dims):
        return xp.flip(x, dims).copy() if x.ndim else x + 0

    def dx(g, dims):
        return xp.flip(g, dims) if g.ndim else g


class Roll(Op):
    """The elements moved round along some dimensions."""

    samples = shaped(
        *(
            (shape, {"shifts": n, "dims": d})
            for shape, d in (((4,), 0), ((2, 3), 1), ((2, 3), -1), ((2, 3), None))
            for n in (1, -1, 5)
        )
    )

    def forward(x, *, shifts, dims=None):
        return xp.roll(x, shifts, dims)

    def dx(g, shifts, dims):
        back = tuple(-n for n in shifts) if isinstance(shifts, tuple) else -shifts
        return xp.roll_table(g, shifts=back, dims=dims)


class RollTable(Roll):
    """As `roll`, under a name that gradient rules can use."""

    node_name = "RollBackward0"
    samples = through("", Roll.samples)


class Tril(Op):
    """The lower triangle of a matrix; zero above."""

    samples = shaped(*((shape, {"diagonal": k}) for shape in ((3, 3), (2, 4), (2, 3, 2), (0, 2)) for k in (0, 1, -1)))

    def forward(x, *, diagonal=0):
        return xp.tril(x, diagonal)

    def dx(g, diagonal):
        return xp.tril(g, diagonal)


class Triu(Op):
    """The upper triangle of a matrix; zero below."""

    samples = Tril.samples

    def forward(x, *, diagonal=0):
        return xp.triu(x, diagonal)

    def dx(g, diagonal):
        return xp.triu(g, diagonal)


class ConstantPad(Op):
    """A border of one value; a negative width cuts off."""

    node_name = "ConstantPadNdBackward0"
    samples = through("pad", lambda make: ((make(*a), b, {"value": v}) for a, b in PADDED for v in (0.0, 1.5)))

    def forward(x, *, widths, value=0):
        padded = xp.pad(x, tuple((max(a, 0), max(b, 0)) for a, b in widths), constant_values=value)
        return padded[tuple(slice(max(-a, 0), n - max(-b, 0)) for (a, b), n in zip(widths, padded.shape))]

    def dx(g, widths):
        return xp.constant_pad(g, widths=tuple((-a, -b) for a, b in widths))


# --- torch's signatures -------------------------------------------------------------------------------------------


@public()
def reshape(input, *shape, **named):
    """The same elements in another shape; a -1 is worked out. A view where possible, else a copy."""
    return View.call(input, shape=complete(shape_of(shape, named, "shape"), input._data.size))


@public(top=False)
def view(input, *shape):
    """The same memory in another shape.

    Raises: RuntimeError when the elements do not lie in a row in memory.
    """
    from nbautograd.core.dtype import dtype

    if len(shape) == 1 and isinstance(shape[0], dtype):
        raise NotImplementedError("view(dtype) is not supported; use .to(dtype) to convert the numbers")
    shape = complete(shape_of(shape), input._data.size)
    data = inplace.array_of(input)
    if not data.flags.c_contiguous and inplace.storage(data.reshape(shape)) is not inplace.storage(data):
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
            "contiguous subspaces). Use .reshape(...) instead."
        )
    return View.call(input, shape=shape)


@public(top=False)
def view_as(input, other):
    """The elements in the shape of `other`."""
    return view(input, *other.shape)


@public(top=False)
def reshape_as(input, other):
    """The elements in the shape of `other`."""
    return reshape(input, *other.shape)


@public()
def flatten(input, start_dim=0, end_dim=-1):
    """The dimensions from `start_dim` to `end_dim` made one."""
    if not input.ndim:
        return reshape(input, 1)
    start, end = canonical_dim(start_dim, input.ndim), canonical_dim(end_dim, input.ndim)
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if start == end:
        return input
    count = 1
    for n in input.shape[start : end + 1]:
        count *= n
    return reshape(input, (*input.shape[:start], count, *input.shape[end + 1 :]))


@public()
def ravel(input):
    """All elements in one row."""
    return reshape(input, -1)


@public()
def unflatten(input, dim, sizes):
    """One dimension made several."""
    dim = canonical_dim(dim, input.ndim)
    sizes = complete(shape_of((sizes,)), input.shape[dim])
    return reshape(input, (*input.shape[:dim], *sizes, *input.shape[dim + 1 :]))


@public()
def unsqueeze(input, dim):
    """A new dimension of size one at `dim`."""
    dim = canonical_dim(dim, input.ndim + 1)
    shape = tuple(input._data.shape)
    return Unsqueeze.call(input, shape=(*shape[:dim], 1, *shape[dim:]))


@public()
def squeeze(input, dim=None):
    """Without dimensions of size one: all of them, or those in `dim`."""
    shape = tuple(input._data.shape)
    if dim is None:
        return Squeeze.call(input, shape=tuple(n for n in shape if n != 1))
    dims = {canonical_dim(d, input.ndim) for d in ((dim,) if isinstance(dim, int) else dim)}
    return SqueezeDim.call(input, shape=tuple(n for i, n in enumerate(shape) if i not in dims or n != 1))


@public()
def permute(input, *dims, **named):
    """The dimensions in the order `dims`."""
    dims = shape_of(dims, named, "dims")
    if len(dims) != input.ndim:
        raise RuntimeError(
            f"permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {input.ndim} is not equal to len(dims) = {len(dims)}"
        )
    return Permute.call(input, dims=tuple(canonical_dim(d, input.ndim) for d in dims))


@public("transpose", "swapaxes", "swapdims")
def transpose(input, dim0, dim1):
    """Two dimensions exchanged."""
    return Transpose.call(input, dim0=canonical_dim(dim0, input.ndim), dim1=canonical_dim(dim1, input.ndim))


@public()
def t(input):
    """A matrix transposed; vectors stay as they are.

    Raises: RuntimeError for more than two dimensions.
    """
    if input.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D")
    return T.call(input)


@public("movedim", "moveaxis")
def movedim(input, source, destination):
    """Some dimensions moved to other places; the rest keep their order."""
    sources = [canonical_dim(d, input.ndim) for d in ((source,) if isinstance(source, int) else source)]
    targets = [canonical_dim(d, input.ndim) for d in ((destination,) if isinstance(destination, int) else destination)]
    order = [d for d in range(input.ndim) if d not in sources]
    for target, source in sorted(zip(targets, sources, strict=True)):
        order.insert(target, source)
    return Permute.call(input, dims=tuple(order))


@public(top=False)
def expand(input, *sizes, **named):
    """Dimensions of size one repeated without copying; -1 keeps a size."""
    sizes = shape_of(sizes, named, "size")
    extra = len(sizes) - input.ndim
    if extra < 0:
        raise RuntimeError(
            f"expand({input.type()}{{{list(input.shape)}}}, size={list(sizes)}): the number of sizes provided "
            f"({len(sizes)}) must be greater or equal to the number of dimensions in the tensor ({input.ndim})"
        )
    shape = tuple(input.shape[i - extra] if n == -1 else n for i, n in enumerate(sizes))
    for i, n in reversed(list(enumerate(shape[extra:]))):
        if input.shape[i] not in (1, n):
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({input.shape[i]}) at "
                f"non-singleton dimension {i + extra}.  Target sizes: {list(shape)}.  Tensor sizes: {list(input.shape)}"
            )
    return Expand.call(input, shape=shape)


@public(method=True)
def broadcast_to(input, shape):
    """Broadcast to `shape` without copying."""
    return expand(input, *shape)


@public(top=False)
def expand_as(input, other):
    """Expanded to the shape of `other`."""
    return expand(input, *other.shape)


@public(method=False)
def broadcast_tensors(*tensors):
    """All tensors expanded to their common shape."""
    shape = np.broadcast_shapes(*(tuple(t.shape) for t in tensors))
    return tuple(expand(t, *shape) for t in tensors)


@public("cat", "concat", "concatenate", method=False)
def cat(tensors, dim=0):
    """Tensors joined along `dim`.

    Raises: RuntimeError when the other dimensions differ.
    """
    tensors = tuple(tensors)
    if not tensors:
        raise RuntimeError("expected a non-empty list of Tensors")
    for i, t in enumerate(tensors):
        if not t.ndim:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    full = [t for t in tensors if t.shape != (0,)] or list(tensors)
    dim = canonical_dim(dim, full[0].ndim)
    for i, other in enumerate(full[1:], 1):
        if other.ndim != full[0].ndim:
            raise RuntimeError(f"Tensors must have same number of dimensions: got {full[0].ndim} and {other.ndim}")
        for d, (n, m) in enumerate(zip(full[0].shape, other.shape)):
            if d != dim and n != m:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {dim}. Expected size {n} but got size {m} for "
                    f"tensor number {i} in the list."
                )
    return Cat.call(*tensors, dim=dim)


@public(method=False)
def stack(tensors, dim=0):
    """Tensors of one shape joined along a new dimension.

    Raises: RuntimeError when the shapes differ.
    """
    tensors = tuple(tensors)
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    for i, other in enumerate(tensors):
        if other.shape != tensors[0].shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(tensors[0].shape)} at entry 0 and "
                f"{list(other.shape)} at entry {i}"
            )
    return Stack.call(*tensors, dim=canonical_dim(dim, tensors[0].ndim + 1))


def _at_least(tensors, ndim):
    return [t if t.ndim >= ndim else reshape(t, (1,) * (ndim - t.ndim) + tuple(t.shape)) for t in tensors]


@public(method=False)
def hstack(tensors):
    """Tensors joined side by side."""
    tensors = _at_least(tensors, 1)
    return cat(tensors, 0 if tensors[0].ndim == 1 else 1)


@public("vstack", "row_stack", method=False)
def vstack(tensors):
    """Tensors joined as rows."""
    return cat(_at_least(tensors, 2), 0)


@public(method=False)
def dstack(tensors):
    """Tensors joined along a third dimension."""
    return cat([unsqueeze(t, -1) if t.ndim == 2 else t for t in _at_least(tensors, 2)], 2)


@public(method=False)
def column_stack(tensors):
    """Vectors joined as columns."""
    return hstack([unsqueeze(t, 1) if t.ndim == 1 else t for t in tensors])


@public()
def unbind(input, dim=0):
    """One tensor for each index of `dim`."""
    if not input.ndim:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return Unbind.call(input, dim=canonical_dim(dim, input.ndim))


def __iter__(self):
    if not self.ndim:
        raise TypeError("iteration over a 0-d tensor")
    return iter(unbind(self))


Tensor.__iter__ = __iter__


def _needs_dimension(input: Tensor, name: str) -> None:
    if not input.ndim:
        raise RuntimeError(f"{name} expects at least a 1-dimensional tensor")


@public()
def split(input, split_size_or_sections, dim=0):
    """Pieces along `dim`: of one size (the last may be smaller), or of the given sizes."""
    _needs_dimension(input, "split")
    dim = canonical_dim(dim, input.ndim)
    n = input.shape[dim]
    if isinstance(split_size_or_sections, int):
        size = split_size_or_sections
        sizes = tuple(min(size, n - i) for i in range(0, n, size)) or (0,)
    else:
        sizes = tuple(split_size_or_sections)
        if sum(sizes) != n:
            raise RuntimeError(
                f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size at dimension {dim}), "
                f"but got split_sizes={list(sizes)}"
            )
    return Split.call(input, sizes=sizes, dim=dim)


@public("split_with_sizes", top=True)
def split_with_sizes(input, split_sizes, dim=0):
    """Pieces of the given sizes along `dim`."""
    return split(input, tuple(split_sizes), dim)


@public()
def chunk(input, chunks, dim=0):
    """At most `chunks` pieces of equal size along `dim`; the last may be smaller."""
    _needs_dimension(input, "chunk")
    n = input.shape[canonical_dim(dim, input.ndim)]
    return split(input, max(1, -(-n // chunks)), dim)


@public()
def tensor_split(input, indices_or_sections, dim=0):
    """Pieces along `dim`: a number of nearly equal ones, or cut at the given places."""
    n = input.shape[canonical_dim(dim, input.ndim)]
    if isinstance(indices_or_sections, int):
        size, rest = divmod(n, indices_or_sections)
        return split(input, [size + (i < rest) for i in range(indices_or_sections)], dim)
    cuts = [0, *(min(max(i if i >= 0 else n + i, 0), n) for i in indices_or_sections), n]
    return split(input, [b - a for a, b in itertools.pairwise(cuts)], dim)


@public(top=False)
def repeat(input, *repeats, **named):
    """The tensor tiled, `repeats` times along each dimension."""
    counts = shape_of(repeats, named, "repeats")
    if len(counts) < input.ndim:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    return Repeat.call(input, repeats=counts)


@public()
def tile(input, *dims, **named):
    """The tensor tiled; missing repeats are one."""
    dims = shape_of(dims, named, "dims")
    return Repeat.call(input, repeats=(1,) * (input.ndim - len(dims)) + dims)


@public()
def flip(input, *dims, **named):
    """The order along `dims` reversed."""
    return Flip.call(input, dims=tuple(canonical_dim(d, input.ndim) for d in shape_of(dims, named, "dims")))


@public(method=True)
def fliplr(input):
    """Columns in reverse order."""
    return flip(input, 1)


@public(method=True)
def flipud(input):
    """Rows in reverse order."""
    return flip(input, 0)


@public()
def roll(input, shifts, dims=None):
    """The elements moved round along `dims`, or along the flattened tensor."""
    shifts = shifts if isinstance(shifts, int) else tuple(shifts)
    dims = dims if dims is None or isinstance(dims, int) else tuple(dims)
    if not input.ndim and isinstance(dims, int):
        raise IndexError(f"Dimension specified as {dims} but tensor has no dimensions")
    return Roll.call(input, shifts=shifts, dims=dims)


@public()
def rot90(input, k=1, dims=(0, 1)):
    """Turned by 90 degrees, `k` times, in the plane of two dimensions."""
    a, b = dims
    match k % 4:
        case 0:
            return input.clone()
        case 1:
            return transpose(flip(input, b), a, b)
        case 2:
            return flip(input, a, b)
        case _:
            return flip(transpose(input, a, b), b)


@public()
def tril(input, diagonal=0):
    """The lower triangle; zero above the diagonal."""
    return Tril.call(input, diagonal=diagonal)


@public()
def triu(input, diagonal=0):
    """The upper triangle; zero below the diagonal."""
    return Triu.call(input, diagonal=diagonal)


@public()
def diagonal(input, offset=0, dim1=0, dim2=1):
    """The diagonal of two dimensions, as the last dimension."""
    return Diagonal.call(
        input, offset=offset, dim1=canonical_dim(dim1, input.ndim), dim2=canonical_dim(dim2, input.ndim)
    )


@public()
def diag(input, diagonal=0):
    """The diagonal of a matrix, or a matrix with the vector as its diagonal."""
    if input.ndim == 2:
        return Diagonal.call(input, offset=diagonal)
    n = input.shape[0] + abs(diagonal)
    return DiagEmbed.call(input, shape=(n, n), offset=diagonal)


@public()
def diag_embed(input, offset=0, dim1=-2, dim2=-1):
    """Matrices with the last dimension as their diagonals."""
    n = input.shape[-1] + abs(offset)
    out = DiagonalScatter.call(
        input, shape=(*input.shape[:-1], n, n), offset=offset, dim1=input.ndim - 1, dim2=input.ndim
    )
    return movedim(out, (-2, -1), (dim1, dim2))


@public()
def trace(input):
    """The sum of the diagonal of a matrix."""
    return Trace.call(input)


@public(method=False)
def meshgrid(*tensors, indexing="ij"):
    """Coordinate grids from coordinate vectors."""
    tensors = tensors[0] if len(tensors) == 1 and not isinstance(tensors[0], Tensor) else tensors
    order = [1, 0, *range(2, len(tensors))] if indexing == "xy" and len(tensors) > 1 else list(range(len(tensors)))
    sizes = [tensors[i].numel() for i in order]
    grids = []
    for i, t in enumerate(tensors):
        shape = [1] * len(tensors)
        shape[order.index(i)] = t.numel()
        grids.append(expand(reshape(t, shape), *sizes))
    return tuple(grids)


@public()
def atleast_1d(input):
    """At least one dimension."""
    return input if input.ndim else reshape(input, 1)


@public(top=True, functional=True, method=False)
def pad(input, pad, mode="constant", value=None):
    """A border round the last dimensions: widths are given from the last dimension on, before and after.

    Raises: NotImplementedError for modes other than constant.
    """
    if mode != "constant":
        raise NotImplementedError(f"pad: mode {mode!r} is not supported yet; only 'constant' is")
    pairs = [(pad[i], pad[i + 1]) for i in range(0, len(pad), 2)][::-1]
    return ConstantPad.call(input, widths=((0, 0),) * (input.ndim - len(pairs)) + tuple(pairs), value=value or 0)


Tensor.T = property(lambda self: Permute.call(self, dims=tuple(range(self.ndim))[::-1]))
Tensor.mT = property(lambda self: transpose(self, -2, -1))
Tensor.H = property(lambda self: transpose(self, 0, 1))


@public("numel", "nelement")
def numel(input):
    """The number of elements."""
    return input._data.size


@public(top=False)
def size(input, dim=None):
    """The shape, or the size of one dimension."""
    return input.shape if dim is None else input.shape[canonical_dim(dim, input.ndim)]


@public("dim", "ndimension", top=False)
def dim(input):
    """The number of dimensions."""
    return input._data.ndim


@public(top=False)
def stride(input, dim=None):
    """How many elements apart neighbours of each dimension lie in memory."""
    data = inplace.array_of(input)
    strides = tuple(s // data.itemsize for s in data.strides)
    return strides if dim is None else strides[dim]


@public(top=False)
def is_contiguous(input):
    """Whether the elements lie in order in memory."""
    return bool(inplace.array_of(input).flags.c_contiguous)
