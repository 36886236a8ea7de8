"""Samples of functions of vectors and matrices that are made of several ops."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.ops.samples import Make, Samples, cases, shaped

from .composite import composed


def of(*rows: Any, **what: Any) -> Samples:
    return cases(lambda make: ((*[make(*p) if isinstance(p, tuple) else p for p in row],) for row in rows), **what)


def weighted(make: Make) -> Any:
    yield make(3, 4), {"fweights": np.array([1, 2, 1, 3])}
    yield make(3, 4), {"aweights": make.fixed(4, low=0.5)}
    yield make(3, 4), {"fweights": np.array([1, 2, 1, 3]), "aweights": make.fixed(4, low=0.5), "correction": 0}


DISTANCES = (((2, 3), (4, 3)), ((2, 1, 3), (2, 4, 3)), ((1, 2), (1, 2)), ((30, 2), (3, 2)))
FUNCTIONS = {
    "cdist": shaped(*((*pair, {"p": p}) for pair in DISTANCES for p in (2.0, 1.0, 3.0, 1.5, float("inf"), 0.0))),
    "pdist": shaped(*(((4, 3), {"p": p}) for p in (2.0, 1.0, 3.0)), ((1, 2),), ((3, 1),)),
    "renorm": of(((3, 2), 2, 0, 1.0), ((3, 2), 1, 1, 1.0), ((2, 3, 2), 2, 1, 0.5)),
    "addr": shaped(((2, 3), (2,), (3,)), ((3,), (2,), (3,)), ((2, 3), (2,), (3,), {"beta": 0.5, "alpha": 2})),
    "linalg.vander": shaped(((3,),), ((2, 3),), ((3,), {"N": 5}), ((2, 4), {"N": 2})),
    "cov": cases(shaped(((3, 4),), ((4,),), ((2, 5), {"correction": 0}), ((1, 3),), ((3, 2),)), weighted),
    "corrcoef": shaped(((3, 4),), ((2, 6),), ((3, 5),)),
    "trapezoid": cases(
        shaped(
            ((4,),), ((2, 3),), ((2, 3), (3,)), ((2, 3), {"dim": 0}), ((2, 3), (2, 3)), ((1,),), ((2, 3), {"dx": 0.5})
        ),
        shaped(((3, 2), (3,), {"dim": 0}), ((0,),), ((2, 0),)),
    ),
    "cumulative_trapezoid": shaped(
        ((4,),), ((2, 3),), ((2, 3), (3,)), ((2, 3), {"dim": 0}), ((3, 2), (3,), {"dim": 0})
    ),
    "block_diag": shaped(((2, 3), (1, 2)), ((3,), (2, 1)), ((), (2, 2)), ((2, 2),), ((2, 0), (1, 2))),
    "chain_matmul": shaped(((2, 3), (3, 4)), ((2, 3), (3, 4), (4, 2)), ((5, 1), (1, 4), (4, 2), (2, 3))),
    "cross": shaped(((2, 3), (2, 3), {"dim": 1}), ((3,), (3,)), ((2, 3, 2), (2, 3, 2))),
    "nuclear_norm": shaped(((2, 3),), ((3, 3),)),
}

LINALG = composed(FUNCTIONS)
