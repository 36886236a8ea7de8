"""Public functions that are made of several ops, with samples of their own."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.ops.samples import Make, Samples, along, binary, cases, over, shaped, unary

from .composite import Composite
from .composites_arrays import ARRAYS
from .composites_images import IMAGES
from .composites_linalg import LINALG
from .composites_reduce import REDUCTIONS
from .composites_shape import SHAPES

PAIR = (((), ()), ((3,), (3,)), ((2, 3), (2, 3)), ((2, 3, 2), (2, 3, 2)), ((1, 4), (1, 4)))


def losses(**settings: Any) -> Samples:
    return cases(*(shaped(*((*p, {"reduction": r, **settings}) for p in PAIR)) for r in ("mean", "sum", "none")))


def probabilities(make: Make) -> Any:
    for shape in ((2, 3), (1, 4), (3, 2, 2)):
        for settings in ({}, {"reduction": "sum"}, {"reduction": "none"}, {"label_smoothing": 0.1}):
            target = make.fixed(*shape, low=0.1, high=1)
            yield make(*shape), target / target.sum(1, keepdims=True), settings


def divergences(make: Make) -> Any:
    for reduction in ("mean", "sum", "none", "batchmean"):
        yield make(2, 3), make(2, 3, low=0.1, high=1), {"reduction": reduction}
        yield make(2, 3), make(2, 3), {"reduction": reduction, "log_target": True}


def signs(make: Make, *shape: int) -> Any:
    return np.where(make.bools(*shape), 1, -1)


def lists(*rows: Any) -> Samples:
    return cases(lambda make: (([make(*shape) for shape in shapes],) for shapes in rows))


def given(rows: Any) -> Samples:
    return cases(lambda make: iter(rows(make)))


COMPOSITES = [
    Composite(name, samples._replace(named=False))
    for name, samples in {
        "l1_loss": losses(),
        "cross_entropy": cases(probabilities),
        "kl_div": cases(divergences),
        "hinge_embedding_loss": cases(lambda make: ((make(*s), signs(make, *s)) for s in ((3,), (2, 3)))),
        "margin_ranking_loss": cases(lambda make: ((make(*s), make(*s), signs(make, *s)) for s in ((3,), (2, 3)))),
        "cosine_similarity": shaped(*(((2, 3), (2, 3), {"dim": d}) for d in (0, 1, -1))),
        "normalize": cases(along(0.5, 2), along(0.5, 2, p=3.0)),
        "softsign": unary(),
        "tanhshrink": unary(),
        "softmin": along(),
        "selu": unary(),
        "square": unary(),
        "true_divide": binary(low=0.5),
        "float_power": binary(low=0.5),
        "rsub": binary(),
        "tensordot": given(lambda make: [(make(2, 3), make(3, 4), 1), (make(2, 3, 4), make(3, 4, 2), 2)]),
        "inner": shaped(((3,), (3,)), ((2, 3), (4, 3)), ((), (2,))),
        "addmv": shaped(((2,), (2, 3), (3,)), ((2,), (2, 3), (3,), {"alpha": 0.5, "beta": 2})),
        "addbmm": shaped(((2, 2), (3, 2, 4), (3, 4, 2)), ((2, 2), (3, 2, 4), (3, 4, 2), {"alpha": 0.5, "beta": 2})),
        "baddbmm": shaped(
            ((3, 2, 2), (3, 2, 4), (3, 4, 2)), ((3, 2, 2), (3, 2, 4), (3, 4, 2), {"alpha": 0.5, "beta": 2})
        ),
        "matmul": shaped(
            ((3,), (3, 2)), ((2, 3, 4), (4,)), ((3,), (2, 3, 4)), ((2, 3, 4), (4, 5)), ((4,), (4,)), ((1, 2, 0), (0, 3))
        ),
        "linear": shaped(
            ((2, 3, 4), (5, 4), (5,)), ((4,), (5, 4)), ((4,), (5, 4), (5,)), ((2, 4), (5, 4)), ((3, 4), (4,))
        ),
        "var_mean": over(),
        "std_mean": over(),
        "dist": shaped(((3,), (3,)), ((2, 3), (2, 3), {"p": 1}), ((2, 3), (3,), {"p": 3})),
        "vector_norm": over(ord=3),
        "matrix_norm": shaped(
            *((shape, {"ord": o}) for shape in ((2, 3), (2, 3, 2)) for o in ("fro", 1, -1, np.inf, -np.inf))
        ),
        "vecdot": shaped(((2, 3), (2, 3)), ((3,), (2, 3))),
        "dropout2d": cases(lambda make: ((make(2, 3, 2, 2), {"training": False}) for _ in range(1))),
        "ndtr": unary(),
    }.items()
]
COMPOSITES += [*ARRAYS, *REDUCTIONS, *IMAGES, *SHAPES, *LINALG]
