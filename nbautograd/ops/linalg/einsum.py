"""Sums of products over named dimensions, and products of tensors that are made of them."""

from __future__ import annotations

import functools
import itertools
import math
from typing import Any

from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.linalg.products import Dot
from nbautograd.ops.samples import Make, cases

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""In the order in which numbers stand for them."""


def _sums(make: Make) -> Any:
    for equation, *shapes in (
        ("ij,jk->ik", (2, 3), (3, 4)), ("ij,ij->", (2, 3), (2, 3)), ("i,j->ij", (2,), (3,)), ("ij->ji", (2, 3)),
        ("ij->i", (2, 3)), ("ii->", (3, 3)), ("ii->i", (3, 3)), ("bij,bjk->bik", (2, 2, 3), (2, 3, 2)), ("i->", (1,)),
        ("i,i->", (3,), (3,)), ("ij,jk,kl->il", (2, 3), (3, 2), (2, 2)), ("...ij,...jk->...ik", (2, 2, 3), (3, 2)),
        ("ij,jk", (2, 3), (3, 2)), ("bhid,bhjd->bhij", (1, 2, 3, 2), (1, 2, 2, 2)), ("ij->", (2, 3)), ("ji", (2, 3)),
        ("...", (2, 3)), ("aab", (2, 2, 3)), ("Ab, bC", (2, 3), (3, 2)), ("ij,kj->ik", (2, 1), (4, 3)),
        ("...ij->...ji", (2, 3, 4)), ("...,...", (2, 1), (3,)), ("ij,jk", (0, 3), (3, 2)), ("ij,jk", (2, 0), (0, 2)),
        ("ii,ij->j", (2, 2), (2, 3)), (",", (), ()), ("iji->j", (2, 3, 2)), ("ij,jk->ik", (30, 20), (20, 40)),
    ):  # fmt: skip
        yield equation, *(make(*shape) for shape in shapes)


def contracted(equation, *xs):
    """NumPy's einsum: by products of matrices where there is much to multiply, else by its own loop."""
    letters = equation.partition("->")[0].replace(",", "")
    sizes = dict(zip(letters, itertools.chain(*[x.shape for x in xs])))
    return xp.einsum(equation, *xs, optimize=len(xs) > 2 or (len(xs) == 2 and math.prod(sizes.values()) > 10_000))


class Einsum(Op):
    """A sum of products over named dimensions."""

    variadic = True
    tex = {"xs": "\\text{the others}"}
    samples = cases(_sums, named=False)

    def forward(*xs, equation):
        out = contracted(equation, *xs)
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
    share = contracted(",".join([out, *others]) + "->" + once, g, *values)
    letters = "".join(dict.fromkeys(term))
    sizes = dict(zip(term, xs[i].shape))
    share = share.reshape(
        tuple(sizes[c] if c in once else 1 for c in letters) if _ordered(once, letters) else tuple(share.shape)
    )
    share = xp.broadcast_to(share, tuple(sizes[c] for c in letters))
    return _on_diagonals(share, letters, term) if len(letters) < len(term) else share


def _on_diagonals(share, letters, term):
    """`share` with the dimensions of `term`: a letter that stands there twice had taken the diagonal."""
    spare = iter([c for c in LETTERS if c not in term])
    names, ones = [], []
    for place, c in enumerate(term):
        names.append(next(spare) if c in term[:place] else c)
        if names[-1] != c:
            ones.append((c + names[-1], xp.eye(share.shape[letters.index(c)], dtype=share.dtype)))
    equation = ",".join([letters, *(pair for pair, _ in ones)]) + "->" + "".join(names)
    return xp.einsum(equation, share, *[eye for _, eye in ones])


def _ordered(once: str, letters: str) -> bool:
    return [c for c in letters if c in once] == list(once)


@functools.lru_cache(maxsize=256)
def _plan(equation: str, shapes: tuple[Any, ...]) -> tuple[str, tuple[tuple[int, ...], ...]]:
    """The equation in full for operands of these shapes, and the dimensions of each that are squeezed away first.

    Those have size one, and are broadcast to a larger size of the same letter.
    """
    terms, out = _spelled_out(equation, shapes)
    sizes = _sizes(terms, shapes)
    alone = [[d for d, c in enumerate(term) if shape[d] == 1 != sizes[c]] for term, shape in zip(terms, shapes)]
    terms = ["".join(c for d, c in enumerate(term) if d not in dims) for term, dims in zip(terms, alone)]
    return f"{','.join(terms)}->{out}", tuple(tuple(dims) for dims in alone)


def _spelled_out(equation: str, shapes: Any) -> tuple[list[str], str]:
    """The letters of each operand and of the result, with letters in place of `...`."""
    equation = equation.replace(" ", "")
    inputs, arrow, out = equation.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(shapes):
        which = "fewer" if len(terms) > len(shapes) else "more"
        raise RuntimeError(f"einsum(): {which} operands were provided than specified in the equation")
    spare = [_hidden(term, len(shape), i) for i, (term, shape) in enumerate(zip(terms, shapes))]
    dots = "".join([c for c in LETTERS if c not in equation][: max(spare)])
    terms = [term.replace("...", dots[len(dots) - n :]) for term, n in zip(terms, spare)]
    if not arrow:
        letters = "".join(terms)
        out = dots + "".join(sorted(c for c in set(letters) - set(dots) if letters.count(c) == 1))
    out = out.replace("...", dots)
    for c in out:
        if out.count(c) > 1:
            raise RuntimeError(f"einsum(): output subscript {c} appears more than once in the output")
        if not any(c in term for term in terms):
            raise RuntimeError(f"einsum(): output subscript {c} does not appear in the equation for any input operand")
    return terms, out


def _hidden(term: str, ndim: int, i: int) -> int:
    """How many dimensions `...` stands for."""
    named = len(term.replace("...", ""))
    if "..." in term and named <= ndim:
        return ndim - named
    if named == ndim:
        return 0
    head = f"einsum(): the number of subscripts in the equation ({named})"
    if "..." in term:
        raise RuntimeError(f"{head} is more than the number of dimensions ({ndim}) for operand {i}")
    raise RuntimeError(
        f"{head} does not match the number of dimensions ({ndim}) for operand {i} and no ellipsis was given"
    )


def _sizes(terms: list[str], shapes: Any) -> dict[str, int]:
    """The size of each letter."""
    sizes: dict[str, int] = {}
    for i, (term, shape) in enumerate(zip(terms, shapes)):
        for c, n in zip(term, shape):
            known = sizes.get(c, 1)
            if n != known and 1 not in (n, known):
                raise RuntimeError(
                    f"einsum(): subscript {c} has size {n} for operand {i} which does not broadcast with previously "
                    f"seen size {known}"
                )
            sizes[c] = n if known == 1 else known
    return sizes


def _from_numbers(operands: tuple[Any, ...]) -> tuple[str, list[Tensor]]:
    """The equation of `einsum(x, [0, 1], y, [1, 2], [0, 2])`, whose dimensions have numbers instead of letters."""

    def letters(numbers: Any) -> str:
        return "".join("..." if n is ... else LETTERS[n] for n in numbers)

    terms = ",".join(letters(numbers) for numbers in operands[1::2])
    out = f"->{letters(operands[-1])}" if len(operands) % 2 else ""
    return terms + out, list(operands[: len(operands) // 2 * 2 : 2])


@public(method=False)
def einsum(equation, *operands):
    """A sum of products over named dimensions, such as `einsum('ij,jk->ik', a, b)`.

    Letters that the result does not have are summed over; without `->` it has those that occur once, in the order of
    the alphabet. `...` stands for any dimensions, which are broadcast.

    Example:
        >>> import nbautograd as torch
        >>> torch.einsum("ij,j->i", torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1.0, 10.0]))
        tensor([21., 43.])
    """
    if isinstance(equation, Tensor):
        equation, tensors = _from_numbers((equation, *operands))
    else:
        together = len(operands) == 1 and not isinstance(operands[0], Tensor)
        tensors = list(operands[0] if together else operands)
    full, alone = _plan(equation, tuple([x._data.shape for x in tensors]))
    return Einsum.call(*[x.squeeze(dims) if dims else x for x, dims in zip(tensors, alone)], equation=full)


@public("inner")
def inner(input, other):
    """Dot products over the last dimensions."""
    if not input.ndim or not other.ndim:
        return input * other
    if input.ndim == other.ndim == 1:
        return Dot.call(input, other)
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


@public()
def kron(input, other):
    """The Kronecker product."""
    n = max(input.ndim, other.ndim)
    a = input.reshape((1,) * (n - input.ndim) + tuple(input.shape))
    b = other.reshape((1,) * (n - other.ndim) + tuple(other.shape))
    pairs = tuple(size for d in range(n) for size in (a.shape[d], 1))
    others = tuple(size for d in range(n) for size in (1, b.shape[d]))
    return (a.reshape(pairs) * b.reshape(others)).reshape(tuple(p * q for p, q in zip(a.shape, b.shape)))
