"""The dimensions in another order."""

from __future__ import annotations

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.arguments import canonical_dim, shape_of
from nbautograd.ops.samples import shaped, through

ORDERS = (((), ()), ((3,), (0,)), ((2, 3), (1, 0)), ((2, 3), (-1, 0)), ((2, 3, 4), (2, 0, 1)),
          ((2, 3, 4), (1, 2, 0)), ((0, 2), (1, 0)), ((1, 2), (0, 1)), ((2, 1, 3, 2), (3, 1, 0, 2)),
          ((2, 2, 2), (2, 1, 0)))  # fmt: skip


class Permute(Op):
    """The dimensions in another order."""

    view = True
    tex = {"x": "\\text{permute back}"}
    samples = shaped(*((shape, {"dims": dims}) for shape, dims in ORDERS))

    def forward(x, *, dims):
        return x.transpose(dims)

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
    code = {"out": "xp.swapaxes(x, dim0, dim1)", "x": "xp.swapaxes(g, dim0, dim1)"}
    samples = shaped(
        *(
            (shape, {"dim0": a, "dim1": b})
            for shape in ((2, 3), (3, 2, 2), (0, 2), (1, 3))
            for a, b in ((0, 1), (-1, -2), (1, 1))
        )
    )

    def forward(x, *, dim0, dim1):
        return xp.swapaxes(x, dim0, dim1) if x.ndim else x.T

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


@public()
def permute(input, *dims, **named):
    """The dimensions in the order `dims`."""
    dims = shape_of(dims, named, "dims")
    if len(dims) != input.ndim:
        raise RuntimeError(
            f"permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {input.ndim} is not equal to len(dims) = {len(dims)}"
        )
    dims = tuple(canonical_dim(d, input.ndim) for d in dims)
    if len(set(dims)) < len(dims):
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return Permute.call(input, dims=dims)


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


Tensor.T = property(lambda self: Permute.call(self, dims=tuple(range(self.ndim))[::-1]))
Tensor.mT = property(lambda self: transpose(self, -2, -1))
