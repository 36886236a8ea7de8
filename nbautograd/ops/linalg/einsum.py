"""Sums of products over named dimensions, and products of tensors that are made of them."""

from __future__ import annotations

from typing import Any

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.samples import Make, cases


def _sums(make: Make) -> Any:
    for equation, *shapes in (
        ("ij,jk->ik", (2, 3), (3, 4)), ("ij,ij->", (2, 3), (2, 3)), ("i,j->ij", (2,), (3,)), ("ij->ji", (2, 3)),
        ("ij->i", (2, 3)), ("ii->", (3, 3)), ("ii->i", (3, 3)), ("bij,bjk->bik", (2, 2, 3), (2, 3, 2)),
        ("i,i->", (3,), (3,)),
        ("ij,jk,kl->il", (2, 3), (3, 2), (2, 2)), ("...ij,...jk->...ik", (2, 2, 3), (3, 2)), ("ij,jk", (2, 3), (3, 2)),
        ("bhid,bhjd->bhij", (1, 2, 3, 2), (1, 2, 2, 2)), ("ij->", (2, 3)),
    ):  # fmt: skip
        yield equation, *(make(*shape) for shape in shapes)


class Einsum(Op):
    """A sum of products over named dimensions."""

    variadic = True
    tex = {"xs": "\\text{the others}"}
    samples = cases(_sums, named=False)

    def forward(*xs, equation):
        out = xp.einsum(equation, *xs)
        return xp.array(out) if len(xs) == 1 else out  # of one array NumPy may give a view

    def dxs(g, xs, equation):
        inputs, out = equation.split("->")
        terms = inputs.split(",")
        return tuple(_einsum_share(g, xs, terms, out, i) for i in range(len(xs)))


def _einsum_share(g, xs, terms, out, i):
    """The gradient of operand `i`: the same sum, with the gradient in its place and its letters as the result."""
    term = terms[i]
    others = [t for j, t in enumerate(terms) if j != i]
    values = [x for j, x in enumerate(xs) if j != i]
    known = set(out).union(*others) if others else set(out)
    once = "".join(dict.fromkeys(c for c in term if c in known))
    share = xp.einsum(",".join([out, *others]) + "->" + once, g, *values)
    letters = "".join(dict.fromkeys(term))
    sizes = dict(zip(term, xs[i].shape))
    share = share.reshape(
        tuple(sizes[c] if c in once else 1 for c in letters) if _ordered(once, letters) else tuple(share.shape)
    )
    share = xp.broadcast_to(share, tuple(sizes[c] for c in letters))
    for place, c in enumerate(term):
        if c in term[:place]:  # a repeated letter took the diagonal: put it back on one
            share = xp.einsum(
                f"{letters},{c}#->{letters}#".replace("#", "Z"), share, xp.eye(sizes[c], dtype=share.dtype)
            )
            letters += "Z"
    return share


def _ordered(once: str, letters: str) -> bool:
    return [c for c in letters if c in once] == list(once)


def _expanded(equation: str, tensors: tuple[Tensor, ...]) -> str:
    """The equation with its result spelled out and `...` replaced by letters."""
    equation = equation.replace(" ", "")
    inputs, arrow, out = equation.partition("->")
    terms = inputs.split(",")
    free = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXY" if c not in equation]
    most = max((t.ndim - len(term) + 3 for term, t in zip(terms, tensors, strict=True) if "..." in term), default=0)
    dots = "".join(free[:most])
    terms = [
        term.replace("...", dots[most - (t.ndim - len(term) + 3) :]) for term, t in zip(terms, tensors, strict=True)
    ]
    if not arrow:
        letters = "".join(terms)
        out = dots + "".join(sorted(c for c in set(letters) - set(dots) if letters.count(c) == 1))
    return ",".join(terms) + "->" + out.replace("...", dots)


@public(method=False)
def einsum(equation, *operands):
    """A sum of products over named dimensions, such as `einsum('ij,jk->ik', a, b)`."""
    tensors = operands[0] if len(operands) == 1 and not isinstance(operands[0], Tensor) else operands
    return Einsum.call(*tensors, equation=_expanded(equation, tuple(tensors)))


@public("inner")
def inner(input, other):
    """Dot products over the last dimensions."""
    if not input.ndim or not other.ndim:
        return input * other
    return tensordot(input, other, dims=([-1], [-1]))


@public(method=False)
def tensordot(a, b, dims: Any = 2):
    """Sums of products over several dimensions of two tensors."""
    if isinstance(dims, int):
        dims = (list(range(a.ndim - dims, a.ndim)), list(range(dims)))
    left, right = [d % a.ndim for d in dims[0]], [d % b.ndim for d in dims[1]]
    rest_a = [d for d in range(a.ndim) if d not in left]
    rest_b = [d for d in range(b.ndim) if d not in right]
    count = 1
    for d in left:
        count *= a.shape[d]
    x = a.permute(*rest_a, *left).reshape(-1, count)
    y = b.permute(*right, *rest_b).reshape(count, -1)
    return (x @ y).reshape(*[a.shape[d] for d in rest_a], *[b.shape[d] for d in rest_b])


@public(method=False)
def kron(input, other):
    """The Kronecker product."""
    n = max(input.ndim, other.ndim)
    a = input.reshape((1,) * (n - input.ndim) + tuple(input.shape))
    b = other.reshape((1,) * (n - other.ndim) + tuple(other.shape))
    pairs = tuple(size for d in range(n) for size in (a.shape[d], 1))
    others = tuple(size for d in range(n) for size in (1, b.shape[d]))
    return (a.reshape(pairs) * b.reshape(others)).reshape(tuple(p * q for p, q in zip(a.shape, b.shape)))
