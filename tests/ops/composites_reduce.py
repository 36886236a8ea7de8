"""Samples of the reductions that are no ops of the table."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.ops.samples import Make, along, cases, over

from .composite import composed, counted

SOME = ((5,), (2, 3), (3, 1), (2, 2, 3), (4, 3))


def with_gaps(make: Make, *shape: int) -> Any:
    """Floats of which about a third are NaN; the first is a number."""
    x = make.distinct(*shape)
    holes = make.bools(*shape) & make.bools(*shape)
    holes[..., :1] = False
    return np.where(holes, np.nan, x).astype(make.dtype)


def quantiles(make: Make) -> Any:
    for mode in ("linear", "lower", "higher", "midpoint", "nearest"):
        for shape in SOME:
            yield make.distinct(*shape), 0.37, {"interpolation": mode}
            yield make.distinct(*shape), make.fixed(3, low=0, high=1), -1, True, {"interpolation": mode}
    for keepdim in (False, True):
        yield make.distinct(2, 3, 2), 0.0, 1, keepdim
        yield make.distinct(2, 3, 2), make.fixed(2, low=0, high=1), None, keepdim
        yield make(), 0.5, 0, keepdim
    yield with_gaps(make, 3, 4), 0.6, 0
    yield with_gaps(make, 3, 4), make.fixed(2, low=0, high=1), 1


def numbers_among(make: Make) -> Any:
    for shape in (*SOME, (), (0,), (3, 0)):
        yield (make(*shape),)
        for settings in ({}, {"dim": -1}, {"dim": 0, "keepdim": True}):
            yield (with_gaps(make, *shape) if shape else make()), settings


def few_values(make: Make) -> Any:
    for shape in ((7,), (3, 9), (4, 1), (2, 3, 5), (12, 2), (1, 6), (2, 2, 8)):
        for dim in (0, -1):
            yield make.ints(*shape, high=3), {"dim": dim}
            yield make.ints(*shape, high=2), {"dim": dim, "keepdim": True}


def flat_bins(make: Make) -> Any:
    for shape in (*SOME, (), (9,), (2, 0)):
        yield (make(*shape),)
        yield make(*shape), {"bins": 5}
        yield make(*shape), {"bins": 4, "min": -1, "max": 1}
        yield make(*shape), 3, 0, 2


def histograms(make: Make) -> Any:
    for shape in (*SOME, (9,), ()):
        yield make(*shape), 4
        yield make(*shape), 3, {"range": (-1.0, 1.5)}
        yield make(*shape), np.sort(make.fixed(5).reshape(-1)), {"density": True}
        yield make(*shape), 2, {"weight": make.fixed(*shape, low=0)}


def occurrences(make: Make) -> Any:
    for n in (0, 1, 5, 9, 20):
        yield (make.ints(n),)
        yield make.ints(n), {"minlength": 8}
        yield make.ints(n), make.fixed(n)
        yield make.ints(n, dtype=np.int32), {"minlength": 2}
        yield make.ints(n, dtype=np.uint8), make.fixed(n), 3


def sought(make: Make) -> Any:
    edges = np.sort(make.fixed(6))
    for shape in ((), (3,), (2, 4), (0,), (2, 1, 3)):
        for settings in ({}, {"right": True}, {"out_int32": True}, {"side": "right"}, {"side": "left"}):
            yield edges, make.fixed(*shape), settings
    yield np.sort(make.fixed(2, 5)), make.fixed(2, 3)
    yield make.fixed(5), make.fixed(3), {"sorter": np.array([4, 0, 1, 3, 2])}
    yield np.array([1, 2, 2, 3]), make.ints(4), {"right": True}


def buckets(make: Make) -> Any:
    for shape in ((), (3,), (2, 4), (0,), (2, 1, 3)):
        for settings in ({}, {"right": True}, {"out_int32": True}):
            yield make.fixed(*shape), np.sort(make.fixed(6)), settings
            yield make.ints(*shape), np.array([0, 1, 3]), settings


def repeated(make: Make) -> Any:
    for shape in ((0,), (6,), (11,), (3, 4), (2, 2, 5)):
        for settings in (
            {}, {"return_inverse": True}, {"return_counts": True}, {"return_inverse": True, "return_counts": True},
        ):  # fmt: skip
            yield make.ints(*shape, high=2), settings
    for dim in (0, 1, -1):
        yield make.ints(4, 3, high=2), {"dim": dim, "return_inverse": True, "return_counts": True}
        yield make.ints(5, 1, 2, high=1), {"dim": dim}


def segments(make: Make) -> Any:
    lengths, rows = np.array([2, 0, 3]), np.array([[1, 2], [3, 0], [0, 3], [2, 1]])
    for reduce in ("sum", "mean", "prod", "max", "min"):
        for settings in ({}, {"initial": 0.25}):
            yield make.distinct(5), reduce, {"lengths": lengths, **settings}
            yield make.distinct(5, 2), reduce, {"offsets": np.array([0, 3, 3, 5]), **settings}
            yield make.distinct(4, 3, 2), reduce, {"lengths": rows, "axis": 1, **settings}
        yield make.distinct(5), reduce, {"lengths": np.array([1, 2]), "unsafe": True}
        yield np.array([2.0, 2.0, 0.0, 0.0, 3.0]).astype(make.dtype), reduce, {"lengths": np.array([3, 2])}
        yield make(0), reduce, {"lengths": np.array([0, 0])}


REDUCTIONS = [
    *composed({
        "quantile": cases(quantiles, numeric=False),
        "nanquantile": cases(quantiles, numeric=False),
        "nanmean": cases(numbers_among, over(), numeric=False),
        "segment_reduce": cases(segments, second=False, numeric=False),
        "aminmax": cases(along(distinct=True), along(distinct=True, keepdim=True)),
    }),
    *counted({
        "mode": cases(few_values),
        "histc": cases(flat_bins),
        "histogram": cases(histograms),
        "bincount": cases(occurrences),
        "searchsorted": cases(sought),
        "bucketize": cases(buckets),
        "unique_consecutive": cases(repeated),
    }),
]  # fmt: skip
