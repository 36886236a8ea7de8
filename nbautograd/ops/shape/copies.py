"""Elements repeated, reversed and moved round."""

from __future__ import annotations

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.ops.arguments import canonical_dims, shape_of
from nbautograd.ops.samples import cases, shaped, through
from nbautograd.ops.shape.joining import in_order
from nbautograd.ops.shape.orders import transpose

REPEATED = (((), (2,)), ((3,), (2,)), ((3,), (2, 1)), ((2, 3), (1, 2)), ((2, 3), (2, 2)), ((2, 3), (2, 1, 1)),
            ((1,), (4,)), ((0,), (2,)), ((2, 1), (1, 3)), ((2, 2, 2), (1, 2, 1)))  # fmt: skip


FLIPPED = (((), ()), ((3,), (0,)), ((2, 3), (0,)), ((2, 3), (1,)), ((2, 3), (0, 1)), ((2, 3), (-1,)),
           ((0, 2), (0,)), ((2, 3, 2), (0, 2)), ((1,), (0,)), ((2, 2), (1, 0)))  # fmt: skip


class Repeat(Op):
    """The tensor tiled, `repeats` times along each dimension."""

    tex = {"x": "\\text{sum over the copies}"}
    samples = cases(lambda make: ((make(*a), *b) for a, b in REPEATED))

    def forward(x, *, repeats):
        return xp.tile(x if x.size else x.copy(), repeats)  # of nothing, NumPy gives a view

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
        return in_order(xp.roll(x, shifts, dims), [x])  # PyTorch joins two parts

    def dx(g, shifts, dims):
        back = tuple(-n for n in shifts) if isinstance(shifts, tuple) else -shifts
        return xp.roll_table(g, shifts=back, dims=dims)


class RollTable(Roll):
    """As `roll`, under a name that gradient rules can use."""

    node_name = "RollBackward0"
    samples = through("", Roll.samples)


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
    return Flip.call(input, dims=canonical_dims(shape_of(dims, named, "dims"), input.ndim) or ())


@public(method=True)
def fliplr(input):
    """Columns in reverse order."""
    if input.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, 1)


@public(method=True)
def flipud(input):
    """Rows in reverse order."""
    if not input.ndim:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, 0)


@public()
def roll(input, shifts, dims=None):
    """The elements moved round along `dims`, or along the flattened tensor."""
    shifts = shifts if isinstance(shifts, int) else tuple(shifts)
    dims = dims if dims is None or isinstance(dims, int) else tuple(dims)
    if not input.ndim and isinstance(dims, int):
        raise IndexError(f"Dimension specified as {dims} but tensor has no dimensions")
    counts = [1 if isinstance(n, int) else len(n) for n in (shifts, () if dims is None else dims)]
    if counts[0] != counts[1] and (dims is not None or counts[0] != 1):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {counts[0]}, dims:{counts[1]}")
    return Roll.call(input, shifts=shifts, dims=dims)


@public()
def rot90(input, k=1, dims=(0, 1)):
    """Turned by 90 degrees, `k` times, in the plane of two dimensions."""
    a, b = dims
    if input.ndim and a % input.ndim == b % input.ndim:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {a} and dim1 = {b}")
    match k % 4:
        case 0:
            return input.clone()
        case 1:
            return transpose(flip(input, b), a, b)
        case 2:
            return flip(input, a, b)
        case _:
            return flip(transpose(input, a, b), b)
