"""Samples of the functions of shape that are no ops of the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nbautograd.ops.samples import Make, Samples, cases, unary

from .composite import composed, counted

SOME = ((5,), (2, 3), (3, 1), (1, 4), (2, 2, 3), (4, 3, 2), (2, 1, 2, 3))


def rows(*table: Any) -> Samples:
    """Cases whose first part is the shape of a tensor and whose rest is as it stands."""
    return cases(lambda make: ((make(*shape), *rest) for shape, *rest in table))


def lists(*table: Any, **settings: Any) -> Samples:
    """Cases of one argument, a list of tensors of the given shapes."""
    return cases(lambda make: (([make(*shape) for shape in shapes], settings) for shapes in table))


def several(*table: Any, **settings: Any) -> Samples:
    """Cases of several tensors, each an argument."""
    return cases(lambda make: ((*(make(*shape) for shape in shapes), settings) for shapes in table))


def each(shapes: Any, more: Callable[[tuple[int, ...]], Any]) -> Samples:
    """For every shape, every list of further arguments that `more` finds for it."""
    return cases(lambda make: ((make(*shape), *rest) for shape in shapes for rest in more(shape)))


def dims(shape: tuple[int, ...]) -> Any:
    return range(-len(shape), len(shape))


def written(kind: str) -> Samples:
    """Copies with something written into a part of them."""

    def found(make: Make) -> Any:
        for shape in ((3, 4), (2, 3, 4), (1, 3), (4, 4), (3, 2, 2, 3)):
            for dim in (0, 1, -1):
                x, at = np.empty(shape), dim % len(shape)
                here = (slice(None),) * at
                if kind == "select":
                    yield make(*shape), make(*x[(*here, 0)].shape), dim, shape[at] - 1
                elif kind == "slice":
                    part = x[(*here, slice(0, None, 2))]
                    yield make(*shape), make(*part.shape), dim, 0, shape[at], 2
                else:
                    for offset in (0, 1, -1):
                        yield make(*shape), make(*np.diagonal(x, offset).shape), offset

    return cases(found)


def flat_places(make: Make) -> Any:
    for shape in ((4,), (2, 3), (2, 3, 4), (5, 1)):
        for asked in ((), (3,), (2, 2), (0,)):
            yield make.ints(*asked, high=int(np.prod(shape))), shape
    yield make.ints(3, high=6), 7


PAIRS = (((2,), (2,)), ((3,), (3,)), ((1,), (1,)), ((2, 3), (2, 3)), ((2, 1), (2, 1)), ((1, 2, 2), (1, 2, 2)), ((), ()),
         ((2, 2, 2), (2, 2, 2)), ((4,), (4,), (4,)))  # fmt: skip
"""Shapes that can be joined whichever way."""

SHAPES = [
    *composed({
        "hstack": lists(*PAIRS, ((2, 1), (2, 2)), ((2,), (3,))),
        "vstack": lists(*PAIRS, ((1, 2), (3, 2))),
        "dstack": lists(*PAIRS, ((1, 2, 1), (1, 2, 2))),
        "column_stack": lists(*PAIRS, ((2,), (2, 2)), ((2, 1), (2, 2))),
        "flatten": each(((), *SOME), lambda s: [(i, j) for i in range(len(s)) for j in range(i - len(s), 0)] or [()]),
        "unflatten": rows(
            ((6,), 0, (2, 3)), ((2, 6), 1, (3, -1)), ((4, 2), -2, (2, 2)), ((3, 4), -1, (2, 1, 2)),
            ((8,), 0, (2, 2, 2)),
            ((1,), 0, (1, 1)), ((2, 3, 4), 2, (-1, 2)), ((0, 2), 0, (0, 3)), ((5, 1), 1, (1, -1)),
        ),
        "movedim": rows(
            ((2, 3, 4), 0, 2), ((2, 3, 4), (0, 1), (1, 2)), ((2, 3), -1, 0), ((2, 3), 0, 0),
            ((2, 1, 3, 2), (3, 0), (0, 1)),
            ((5,), 0, -1), ((0, 3), 1, 0), ((2, 2, 2), (2, 1, 0), (0, 1, 2)), ((1, 4), -2, -1),
        ),
        "chunk": each(SOME, lambda s: [(n, d) for n in (1, 2, 3) for d in dims(s)]),
        "tensor_split": each(SOME, lambda s: [(p, d) for p in (2, 3, (1,), (1, 3), (-1, 9)) for d in dims(s)]),
        "hsplit": each(((4,), (2, 4), (4, 2, 2), (6, 4)), lambda s: [(2,), ((1, 3),), (1,)]),
        "vsplit": each(((4, 1), (2, 4), (4, 2, 2), (6, 4)), lambda s: [(2,), ((1, 3),), (1,)]),
        "dsplit": each(((4, 1, 2), (2, 2, 4), (4, 2, 2), (1, 6, 4)), lambda s: [(2,), ((1, 3),), (1,)]),
        "narrow": each(
            SOME, lambda s: [(d, i, n) for d in dims(s) for i, n in ((0, 1), (0, s[d]), (s[d] - 1, 1), (0, 0))]
        ),
        "repeat_interleave": each(SOME, lambda s: [
            (2,), (3, -1), (1, 0), (np.arange(s[0]), 0), (np.full(s[-1], 2), -1),
        ]),
        "tile": each(((), *SOME), lambda s: [((2,),), ((2, 1),), ((2, 2, 1),), ((),)]),
        "rot90": each(SOME[1:], lambda s: [(k, (0, 1)) for k in (0, 1, 2, 3, -1)] + [(1, (-1, 0))]),
        "meshgrid": cases(
            *(
                several(((2,), (3,)), ((1,), (1,)), ((4,),), ((2,), (1,), (3,)), ((), (3,)), indexing=i)
                for i in ("ij", "xy")
            )
        ),
        "broadcast_tensors": several(
            ((2, 1), (3,)), ((), (2, 2)), ((3,), (3,)), ((1,), (4,), ()), ((2, 1, 2), (3, 1)), ((0, 1), (1, 3)),
            ((2, 3),), ((1, 1), (1,)), ((2,), (2, 1)),
        ),
        "diag_embed": each(
            ((3,), (2, 3), (1,), (2, 1, 2)), lambda s: [(k,) for k in (0, 1, -1)] + [(0, 0, -1), (1, -1, 0)]
        ),
        "diagflat": each(((), *SOME), lambda s: [(k,) for k in (0, 1, -1, 2)]),
        "atleast_1d": unary(),
        "atleast_2d": unary(),
        "atleast_3d": unary(),
        "cartesian_prod": several(
            ((2,), (3,)), ((2,), (1,), (2,)), ((3,),), ((1,), (1,)), ((0,), (2,)), ((4,), (2,)),
            ((2,), (2,), (2,), (1,)), ((3,), (3,)), ((5,), (1,)),
        ),
        "combinations": each(
            ((1,), (3,), (4,), (5,)), lambda s: [(r, again) for r in (1, 2, 3) for again in (False, True)] + [()]
        ),
        "sum_to_size": each(
            ((2, 3), (2, 2, 3), (1, 3), (4, 3)),
            lambda s: [((1, 3),), ((3,),), ((1,),), ((1, 1),), (s,), ((),), ((s[-2], 1),)],
        ),
        "select_scatter": written("select"),
        "slice_scatter": written("slice"),
        "diagonal_scatter": written("diagonal"),
    }),
    *counted({
        "vander": each(((1,), (3,), (4,), (5,)), lambda s: [(), (2,), (4, True), (1,), (s[0], False), (3, True), (5,)]),
        "unravel_index": cases(flat_places),
        "argwhere": cases(*(lambda make, s=s: ((make.ints(*s, high=2),) for _ in range(4)) for s in (*SOME, (0,)))),
    }),
]  # fmt: skip
