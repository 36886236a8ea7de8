"""Samples of differences, derivatives of samples, and membership, which are no ops of the table."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.ops.samples import SHAPES, Make, cases, shaped

from .composite import composed, counted


def lines(make: Make) -> Any:
    for shape in SHAPES:
        for n in (0, 1, 2) if shape else ():
            yield make(*shape), {"n": n}
            yield make(*shape), {"n": n, "dim": 0}


def joined(make: Make) -> Any:
    for shape, dim, more in (((3,), 0, (2,)), ((2, 3), 1, (2, 1)), ((2, 3), 0, (1, 3)), ((2, 3, 2), -2, (2, 2, 2))):
        yield make(*shape), 1, dim, make(*more)
        yield make(*shape), 2, dim, None, make(*more)
        yield make(*shape), 1, dim, make(*more), make(*more)


def truths(make: Make) -> Any:
    for shape in ((4,), (2, 3), (1,), (0,)):
        yield (make.bools(*shape),)
        yield (make.ints(*shape),)


def grids(make: Make) -> Any:
    for shape in ((4,), (3, 4), (3, 3, 5)):
        for edge_order in (1, 2):
            yield make(*shape), {"edge_order": edge_order}
            yield make(*shape), {"dim": -1, "edge_order": edge_order}
            yield make(*shape), {"spacing": 0.5, "edge_order": edge_order}
            yield make(*shape), {"spacing": [0.5, 2.0, 1.5][: len(shape)], "edge_order": edge_order}
            places = [np.sort(make.distinct(n)) for n in shape]
            yield make(*shape), {"spacing": places, "edge_order": edge_order}


def members(make: Make) -> Any:
    for shape in ((), (5,), (2, 3), (0,), (2, 0), (3, 1, 2)):
        for others in ((3,), (2, 2), ()):
            yield make.ints(*shape), make.ints(*others)
            yield make.ints(*shape).astype(make.dtype), make.ints(*others).astype(make.dtype), {"invert": True}
        yield make.ints(*shape), 2


def places(make: Make) -> Any:
    for shape in ((), (5,), (2, 3), (0,), (3, 1, 2)):
        for size in (0, 1, 4, 20):
            yield make.ints(*shape, high=2), {"size": size}
            yield make.ints(*shape, high=2), {"size": size, "fill_value": -3}


ARRAYS = [
    *composed(
        {
            "diff": cases(lines, joined),
            "msort": shaped(*((s,) for s in SHAPES if s), distinct=True),
        }
    ),
    *counted({"isin": cases(members), "nonzero_static": cases(places)}),
]
